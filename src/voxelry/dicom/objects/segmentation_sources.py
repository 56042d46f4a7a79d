"""The source of a segmentation: its patient and study, its images, and the frame that each slice lies on."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np
from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence as DicomSequence

from voxelry.core.errors import ParameterError, PixelDataError
from voxelry.core.volume import Volume
from voxelry.dicom.frames.frame import SAME_COSINE, Frame
from voxelry.dicom.headers.attributes import integer
from voxelry.dicom.headers.elements import EncodedValue
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.pydicom_silence import quiet
from voxelry.dicom.series.hierarchy import Series
from voxelry.dicom.series.stack import Stack
from voxelry.dicom.write.header_bytes import (
    EncodedElements,
    Explicit,
    code,
    encoded_items,
    joined,
    of_dataset,
    short,
    tag_of,
    words,
)
from voxelry.dicom.write.instance_modules import SlicePlaces
from voxelry.dicom.write.provenance import SOURCE_IMAGE, reference
from voxelry.dicom.write.template import SAME_PLACE_PIXELS

PATIENT_AND_STUDY = (
    "PatientName", "PatientID", "IssuerOfPatientID", "IssuerOfPatientIDQualifiersSequence", "TypeOfPatientID",
    "OtherPatientIDsSequence", "PatientBirthDate", "PatientBirthTime", "PatientSex", "QualityControlSubject",
    "PatientAge", "PatientSize", "PatientWeight", "EthnicGroup", "PatientComments", "PatientSpeciesDescription",
    "PatientIdentityRemoved", "DeidentificationMethod", "DeidentificationMethodCodeSequence",
    "ClinicalTrialSponsorName", "ClinicalTrialProtocolID", "ClinicalTrialProtocolName", "ClinicalTrialSiteID",
    "ClinicalTrialSiteName", "ClinicalTrialSubjectID", "ClinicalTrialSubjectReadingID", "ClinicalTrialTimePointID",
    "StudyInstanceUID", "StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber",
    "IssuerOfAccessionNumberSequence", "StudyDescription", "TimezoneOffsetFromUTC",
    "LongitudinalTemporalInformationModified",
)  # fmt: skip
"""Attributes of patient, trial and study (PS3.3 C.7.1, C.7.2), which all objects of a study share."""
SINGLE_FRAME = frozenset(
    f"1.2.840.10008.5.1.4.1.1.{number}"
    for number in (
        "1", "1.1", "1.1.1", "1.2", "1.2.1", "1.3", "1.3.1", "2", "4", "6.1", "7", "77.1.1", "77.1.2", "77.1.3",
        "77.1.4", "128",
    )
)  # fmt: skip
"""Classes whose instances have one frame by definition: CR, DX, MG, IO, CT, MR, US, SC, VL, PET (PS3.4 B.5)."""
SEGMENTED = ("113076", "DCM", "Segmentation")
_CHARACTERS = tag_of("SpecificCharacterSet")


def stacks_of_source(source: Stack | Series | Sequence[Stack]) -> tuple[Stack, ...]:
    """The stacks of a source.

    Raises
    ------
    ParameterError
        If there is none.
    """
    stacks = source.stacks if isinstance(source, Series) else (source,) if isinstance(source, Stack) else tuple(source)
    if not stacks:
        raise ParameterError("the source has no images")
    return stacks


def patient_and_study(header: Header, *, utf8: bool) -> EncodedElements:
    """The patient's and study's attributes of an instance, as `copied_attributes` gives them."""
    return copied_attributes(header, PATIENT_AND_STUDY, utf8=utf8)


def copied_attributes(header: Header, keywords: Sequence[str], *, utf8: bool) -> EncodedElements:
    """Attributes of an instance, byte for byte; unreadable ones are left out.

    Parameters
    ----------
    utf8
        True to write texts in UTF-8, for an object that has characters of its own beside ASCII's.
    """
    wanted = {tag_of(keyword) for keyword in keywords}
    if not utf8:
        raws = Explicit()(header.elements)
        return {
            tag: raw
            for tag, raw in raws.items()
            if tag == _CHARACTERS or (tag in wanted and raw[0].decode("latin-1") == dictionary_VR(tag))
        }
    found = Dataset()
    found.SpecificCharacterSet = "ISO_IR 192"
    raws = of_dataset(found)
    with quiet:
        for tag in wanted & {int(tag) for tag in header.elements.dataset.keys()}:  # noqa: SIM118 - it holds tags
            one = Dataset()
            try:
                if dictionary_VR(tag) != header.elements.dataset[tag].VR:
                    continue
                one.add(header.elements.dataset[tag])
                one.SpecificCharacterSet = "ISO_IR 192"
                raws |= of_dataset(one)
            except Exception:  # noqa: S112 - what a malformed value makes pydicom raise; its words may quote the value
                continue
    return raws


def next_series_number(header: Header) -> int:
    """The Series Number of what is made of a series: 1000 more than its own."""
    try:
        return max(0, integer(header.elements, "SeriesNumber") or 0) + 1000
    except PixelDataError:
        return 1000


# --- references -------------------------------------------------------------------------------------------------------


def frames_by_slice(place: SlicePlaces, volume: Volume, stacks: Sequence[Stack]) -> list[Frame | None]:
    """The frame that each slice of a volume lies on, pixel by pixel; None where it lies on none."""
    own = set(volume.instance_uids)
    frames = [
        frame
        for stack in stacks
        if stack.shape[1:3] == volume.array.shape[1:3]
        for frame in stack.frames
        if frame.position is not None and frame.blank is None and _is_alike(frame, place)
    ]
    # Of phases that lie at one place, the one that the volume says it was made of.
    frames.sort(key=lambda frame: frame.header.sop_instance_uid not in own)
    if not frames:
        return [None] * len(place.positions)
    positions = np.array([frame.position for frame in frames], np.float64)
    found: list[Frame | None] = []
    for position in place.positions:
        off = np.linalg.norm(positions - position, axis=1)
        near = np.flatnonzero(off <= SAME_PLACE_PIXELS * min(place.pixel_spacing))
        found.append(frames[int(near[0])] if len(near) else None)
    return found


def _is_alike(frame: Frame, place: SlicePlaces) -> bool:
    if frame.orientation is None or frame.pixel_spacing is None:
        return False
    turned = np.abs(np.asarray(frame.orientation) - place.orientation).max() > SAME_COSINE
    return not turned and np.allclose(frame.pixel_spacing, place.pixel_spacing, rtol=1e-4)


def refer_to(dataset: Dataset, headers: Sequence[Header]) -> None:
    """Say which images a segmentation was made from, instead of their stand-ins; the dataset is changed in place."""
    dataset.SourceImageSequence = DicomSequence([_reference(header) for header in headers])
    by_series = []
    for uid, members in groupby(sorted(headers, key=_series_uid), key=_series_uid):
        item = Dataset()
        item.SeriesInstanceUID = uid
        item.ReferencedInstanceSequence = DicomSequence([_reference(header) for header in members])
        by_series.append(item)
    dataset.ReferencedSeriesSequence = DicomSequence(by_series)


def frame_groups(
    dataset: Dataset, stand_ins: Sequence[Dataset], frames: Sequence[Frame | None], *, placed: bool = True
) -> EncodedValue:
    """The groups of each frame (PS3.3 C.8.20.3.1) as bytes, which pydicom takes some milliseconds each to write.

    Parameters
    ----------
    dataset
        As highdicom made it of the stand-ins.
    frames
        On which each stand-in lies.
    placed
        False for images without a place: their frames have a number instead of a position.
    """
    numbers = {str(one.SOPInstanceUID): number for number, one in enumerate(stand_ins, 1)}
    places = {str(one.SOPInstanceUID): "\\".join(map(str, one.ImagePositionPatient)) for one in stand_ins}
    sources = {
        str(one.SOPInstanceUID): None if frame is None else _derivation(frame)
        for one, frame in zip(stand_ins, frames, strict=True)
    }
    found = []
    for group in dataset.PerFrameFunctionalGroupsSequence:
        uid = str(group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID)
        index = group.FrameContentSequence[0].DimensionIndexValues
        indices = index if isinstance(index, MultiValue | list) else [index]
        content: EncodedElements = {
            tag_of("DimensionIndexValues"): (b"UL", b"".join(int(one).to_bytes(4, "little") for one in indices))
        }
        raws: EncodedElements = {}
        if placed:
            position = {tag_of("ImagePositionPatient"): words(b"DS", places[uid])}
            raws[tag_of("PlanePositionSequence")] = _sequence(position)
        else:
            content[tag_of("StackID")] = words(b"SH", "1")
            content[tag_of("InStackPositionNumber")] = b"UL", numbers[uid].to_bytes(4, "little")
        raws[tag_of("FrameContentSequence")] = _sequence(content)
        source = sources[uid]
        if source is not None:
            raws[tag_of("DerivationImageSequence")] = source
        if "SegmentIdentificationSequence" in group:
            number = int(group.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
            raws[tag_of("SegmentIdentificationSequence")] = _sequence(
                {tag_of("ReferencedSegmentNumber"): short(number)}
            )
        found.append(joined(raws))
    return b"SQ", encoded_items(*found)


def _derivation(frame: Frame) -> EncodedValue:
    """Derivation Image Sequence (0008,9124) of a frame that lies on an image, pixel by pixel."""
    header = frame.header
    source: EncodedElements = {
        **reference(header.sop_class_uid, header.sop_instance_uid),
        tag_of("SpatialLocationsPreserved"): words(b"CS", "YES"),
        tag_of("PurposeOfReferenceCodeSequence"): code(*SOURCE_IMAGE),
    }
    # Images of one frame often say so, and may not be referred to by its number (PS3.3 10.3).
    if "NumberOfFrames" in header.elements and header.sop_class_uid not in SINGLE_FRAME:
        source[tag_of("ReferencedFrameNumber")] = words(b"IS", str(frame.index + 1))
    return _sequence(
        {tag_of("SourceImageSequence"): _sequence(source), tag_of("DerivationCodeSequence"): code(*SEGMENTED)}
    )


def _sequence(raws: EncodedElements) -> EncodedValue:
    """A sequence with one item."""
    return b"SQ", encoded_items(joined(raws))


def _series_uid(header: Header) -> str:
    return header.series_instance_uid


def _reference(header: Header) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = header.sop_class_uid, header.sop_instance_uid
    return item
