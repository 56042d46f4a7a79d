"""Where a segmentation comes from: whose it is, its images, and on which of their frames each slice lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

import numpy as np
from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from voxelry.core.errors import ParameterError
from voxelry.core.volume import Volume
from voxelry.dicom.compose import Explicit, Raws, of_dataset, tag_of
from voxelry.dicom.frames import SAME_COSINE, Frame
from voxelry.dicom.headers import Header
from voxelry.dicom.objects import Placed
from voxelry.dicom.provenance import SOURCE_IMAGE
from voxelry.dicom.quiet import quiet
from voxelry.dicom.series import Series
from voxelry.dicom.stack import Stack
from voxelry.dicom.template import SAME_PLACE_PIXELS

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


def patient_and_study(header: Header, *, utf8: bool) -> Raws:
    """Whose an instance is, byte for byte; what cannot be read is left out.

    Parameters
    ----------
    utf8
        True to write texts in UTF-8, for an object that has characters of its own beside ASCII's.
    """
    wanted = {tag_of(keyword) for keyword in PATIENT_AND_STUDY}
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


# --- references -------------------------------------------------------------------------------------------------------


def frames_by_slice(place: Placed, volume: Volume, stacks: Sequence[Stack]) -> list[Frame | None]:
    """The frame that each slice of a volume lies on, pixel by pixel; None where it lies on none."""
    own = set(volume.instance_uids)
    frames = [
        frame
        for stack in stacks
        if stack.shape[1:3] == volume.array.shape[1:3]
        for frame in stack.frames
        if frame.position is not None and _is_alike(frame, place)
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


def _is_alike(frame: Frame, place: Placed) -> bool:
    if frame.orientation is None or frame.pixel_spacing is None:
        return False
    turned = np.abs(np.asarray(frame.orientation) - place.orientation).max() > SAME_COSINE
    return not turned and np.allclose(frame.pixel_spacing, place.pixel_spacing, rtol=1e-4)


def refer_to(dataset: Dataset, headers: Sequence[Header], frames: Mapping[str, Frame | None]) -> None:
    """Say which images a segmentation was made from, and which of them each of its frames lies on.

    Parameters
    ----------
    dataset
        Changed in place: the references to stand-ins of the images become those to the images.
    headers
        The images.
    frames
        By the SOP Instance UID of the stand-in.
    """
    dataset.SourceImageSequence = DicomSequence([_reference(header) for header in headers])
    by_series = []
    for uid, members in groupby(sorted(headers, key=_series_uid), key=_series_uid):
        item = Dataset()
        item.SeriesInstanceUID = uid
        item.ReferencedInstanceSequence = DicomSequence([_reference(header) for header in members])
        by_series.append(item)
    dataset.ReferencedSeriesSequence = DicomSequence(by_series)
    for group in dataset.PerFrameFunctionalGroupsSequence:
        derivation = group.DerivationImageSequence[0]
        frame = frames[str(derivation.SourceImageSequence[0].ReferencedSOPInstanceUID)]
        if frame is None:
            del group.DerivationImageSequence
            continue
        item, purpose = _reference(frame.header), Dataset()
        if "NumberOfFrames" in frame.header.elements:
            item.ReferencedFrameNumber = frame.index + 1
        item.SpatialLocationsPreserved = "YES"
        purpose.CodeValue, purpose.CodingSchemeDesignator, purpose.CodeMeaning = SOURCE_IMAGE
        item.PurposeOfReferenceCodeSequence = DicomSequence([purpose])
        own = Dataset()  # highdicom gives the frames of all segments on one slice the same items
        own.DerivationCodeSequence = derivation.DerivationCodeSequence
        own.SourceImageSequence = DicomSequence([item])
        group.DerivationImageSequence = DicomSequence([own])


def _series_uid(header: Header) -> str:
    return header.series_instance_uid


def _reference(header: Header) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = header.sop_class_uid, header.sop_instance_uid
    return item
