"""A segmentation as a DICOM object (SEG), in the place of the images that it was made from (PS3.3 A.51, C.8.20)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from voxelry.core.errors import FrameOfReferenceError, ParameterError
from voxelry.core.extras import needed_for
from voxelry.core.frame_of_reference import CONFIRM
from voxelry.core.progress import Progress, part, silent
from voxelry.core.recipe import recipe_in
from voxelry.core.segment_items import REGION_MODIFIER, TYPE_MODIFIER, colour_of
from voxelry.core.segmentation import Code as SegmentCode
from voxelry.core.segmentation import Segment, Segmentation
from voxelry.dicom.grouping.frames_of_reference import differs
from voxelry.dicom.headers.attributes import text
from voxelry.dicom.headers.elements import EncodedValue
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.pydicom_silence import quiet
from voxelry.dicom.headers.sources import StrPath
from voxelry.dicom.objects.segment_planes import SegmentationKind, SegmentPlanes, frame_order
from voxelry.dicom.objects.segmentation_origin import SegmentationOrigin, joined_series, refer_to_edited
from voxelry.dicom.objects.segmentation_sources import (
    frame_groups,
    frames_by_slice,
    next_series_number,
    patient_and_study,
    refer_to,
    stacks_of_source,
)
from voxelry.dicom.objects.segmentation_unplaced import frames_in_order, no_place, without_place
from voxelry.dicom.pixels.encode import EXPLICIT
from voxelry.dicom.pixels.stored_pixels import is_lossy
from voxelry.dicom.series.hierarchy import Series
from voxelry.dicom.series.stack import Stack
from voxelry.dicom.write.header_bytes import (
    EncodedElements,
    decimal_string,
    file_head,
    joined,
    new_uid,
    of_dataset,
    tag_of,
)
from voxelry.dicom.write.instance_files import InstanceFile, check_names, emit
from voxelry.dicom.write.instance_modules import CT, SlicePlaces, slice_places
from voxelry.dicom.write.provenance import VERSION, Derivation, equipment_of
from voxelry.dicom.write.writing import Written

if TYPE_CHECKING:
    from highdicom.seg import SegmentDescription

WRITING = "writing a DICOM segmentation"
MOST_BYTES = 2**28
"""Slices without a segment are written too, so that every reader sees the whole grid, up to this size of a file."""
TILTED = 1e-3
"""How far, in slice distances, a slice may lie sideways of the one below before readers must be warned."""
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - Content Date must be there, and may not differ from run to run
_STAND_IN_STUDY = "2.25.1"
_LONGEST_TEXT = 64


def write_segmentation(
    segmentation: Segmentation,
    source: Stack | Series | Sequence[Stack],
    path: StrPath,
    *,
    kind: SegmentationKind = "binary",
    description: str = "segmented",
    series_description: str = "Segmentation",
    series_number: int | None = None,
    seed: str | None = None,
    created: datetime | None = None,
    same_frame_of_reference: bool = False,
    origin: SegmentationOrigin | None = None,
    progress: Progress = silent,
) -> Written:
    """Write a segmentation as one DICOM SEG instance.

    Study, patient and frame of reference are the source's; the series is new, unless ``origin`` names one. Each frame
    names the image of the source that it lies on, where it lies on one. Voxels are read slice by slice, so that label
    maps may lie in files.

    Parameters
    ----------
    segmentation
        Its place is that of its volume: the source's own grid, or another one in the same frame of reference. Of
        images without a place, as radiographs are, each frame says on which image it lies, and has none either.
    source
        The images that it was made from.
    path
        The file. It appears when it is whole; one that is there is replaced.
    kind
        ``"binary"`` (Segmentation Storage), or ``"labelmap"`` (Label Map Segmentation Storage).
    description
        What was done, for Derivation Description (0008,2111) and the segments' algorithm; ASCII. A segmentation whose
        recipe can be followed again has that instead.
    series_number
        None for 1000 more than the source's.
    seed
        None for random UIDs. The same text, labels and source give the same file, byte for byte.
    created
        When; by default now, or 1970 where ``seed`` is given.
    same_frame_of_reference
        True to confirm that images whose own headers contradict each other lie in one place of the patient.
    origin
        Who drew it, and the segmentation that it was edited from; None for nobody and none.

    Returns
    -------
    written
        The file, and what a user must know: tilted slices, renumbered segments, empty frames left out.

    Raises
    ------
    UnplacedError
        If the place of the volume in the patient is unknown, and it is not pixel by pixel on images of the source.
    FrameOfReferenceError
        If the frame of reference of the images is unknown because their Frame of Reference UIDs differ, and it is not
        confirmed that they lie in one place.
    ParameterError
        If labels have no segment, rows and columns are not perpendicular, or a text is none that DICOM holds.

    Examples
    --------
    >>> [series] = voxelry.index("sample/phantom").series
    >>> [done] = voxelry.process("sample/phantom", "lungs").results
    >>> written = voxelry.write_segmentation(done.result.segmentation, series, "lungs.dcm")
    >>> [path.name for path in written.paths]
    ['lungs.dcm']
    """
    if kind not in get_args(SegmentationKind):
        raise ParameterError(f"a segmentation is written as {' or '.join(get_args(SegmentationKind))}, not as {kind!r}")
    target = Path(path)
    check_names(target.name, 1)
    moment = created or (datetime.now() if seed is None else _EPOCH)  # noqa: DTZ005 - DICOM's is local time
    recipe = recipe_in(segmentation.recipe)
    version = (recipe.version if recipe is not None else "") or VERSION
    done = description if recipe is None else replace(recipe, version="").text
    derivation = Derivation(done, "", seed, moment, version)
    stacks = stacks_of_source(source)
    headers = list(dict.fromkeys(header for stack in stacks for header in stack.headers))
    warnings: list[str] = []
    place = _place(segmentation, warnings)
    if place is not None:
        _check_frame_of_reference(stacks, confirmed=same_frame_of_reference)
    frames = (
        frames_in_order(segmentation.source, stacks)
        if place is None
        else frames_by_slice(place, segmentation.source, stacks)
    )
    segments = tuple(sorted(segmentation.segments, key=lambda segment: segment.number))
    _check_segments(segments, kind, warnings)
    planes = SegmentPlanes(segmentation, segments, kind)
    if place is None:
        warnings.append(
            "the place of these images in the patient is unknown: the segmentation says on which image each of its "
            "frames lies, and has no place of its own"
        )
        standing, space = no_place(planes.shape), derivation.uid("frame of reference")
    else:
        standing, space = place, _frame_of_reference(segmentation, stacks, derivation, warnings)
    stand_ins = _stand_ins(standing, planes, space)
    progress(0.1, "writing the segmentation")
    omit = place is not None and kind == "binary" and planes.pixels // 8 > MOST_BYTES and bool(planes.present.any())
    if omit:
        warnings.append("frames without a segment were left out: with them the file would be too large")
    dataset = _composed(stand_ins, planes, segments, kind, derivation, omit=omit)
    if place is None:
        without_place(dataset, segmentation.source)
    else:
        measures = dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
        measures.SpacingBetweenSlices = decimal_string(
            place.slice_spacing
        )  # one frame alone does not tell the spacing of slices
    progress(0.6, "writing the segmentation")
    order = frame_order(dataset, stand_ins)
    groups = frame_groups(dataset, stand_ins, frames, placed=place is not None)
    del dataset.PerFrameFunctionalGroupsSequence
    chunks, length = planes.complete(dataset, order)
    refer_to(dataset, headers)
    _describe(dataset, derivation, headers, series_description, series_number, origin or SegmentationOrigin())
    head = _head(dataset, groups, derivation, headers[0], segments, origin or SegmentationOrigin())
    file = InstanceFile(target.name, lambda: head, chunks, 0, int(dataset.BitsAllocated) == 16, total_bytes=length)
    paths = emit([file], target.parent, EXPLICIT, progress=part(progress, 0.8, 1))
    joined_header = None if origin is None else origin.joined
    uid = str(dataset.SeriesInstanceUID) if joined_header is None else joined_header.series_instance_uid
    return Written(paths, uid, tuple(warnings))


# --- what is checked --------------------------------------------------------------------------------------------------


def _place(segmentation: Segmentation, warnings: list[str]) -> SlicePlaces | None:
    place = slice_places(segmentation.source)
    if place is None:
        return None
    rows, columns = place.orientation[3:], place.orientation[:3]
    if len(place.positions) > 1:
        step = place.positions[1] - place.positions[0]
        if max(abs(float(step @ rows)), abs(float(step @ columns))) > TILTED * place.slice_spacing:
            warnings.append(
                "the slices are tilted (sheared): each frame says where it lies, but a reader that expects slices "
                "straight above each other shows the segmentation elsewhere"
            )
    return place


def _check_segments(segments: Sequence[Segment], kind: SegmentationKind, warnings: list[str]) -> None:
    if segments[-1].number > np.iinfo(np.uint16).max:
        raise ParameterError(f"a segment's number is at most 65535, not {segments[-1].number}")
    for segment in segments:
        if not segment.label.strip() or len(segment.label) > _LONGEST_TEXT or "\\" in segment.label:
            raise ParameterError(f"the label of segment {segment.number} is not of 1 to 64 characters without a \\")
    if kind == "binary" and segments[-1].number != len(segments):
        warnings.append(f"the segments were numbered from 1 to {len(segments)}, as a DICOM segmentation wants it")


def _check_frame_of_reference(stacks: Sequence[Stack], *, confirmed: bool) -> None:
    if not confirmed and any(differs(stack.frames) for stack in stacks):
        raise FrameOfReferenceError(
            "the frame of reference of these images is unknown (Frame of Reference UID (0020,0052) differs from slice "
            f"to slice), so nothing says in which a segmentation of them lies; {CONFIRM}, or store the labels in "
            "another format"
        )


def _frame_of_reference(
    segmentation: Segmentation, stacks: Sequence[Stack], derivation: Derivation, warnings: list[str]
) -> str:
    found, header = stacks[0].frame_of_reference_uid, stacks[0].headers[0]
    own = None if differs(stacks[0].frames) else segmentation.geometry.frame_of_reference_uid
    if found or own:
        return str(found or own)
    how = "contradict each other in their" if differs(stacks[0].frames) else "name no"
    warnings.append(f"the images {how} frame of reference: the segmentation has one of its own")
    return derivation.uid("frame of reference", header.series_instance_uid)


# --- highdicom's part -------------------------------------------------------------------------------------------------


def _stand_ins(place: SlicePlaces, planes: SegmentPlanes, frame_of_reference: str) -> list[Dataset]:
    """An image for each slice, for highdicom: it has the slice's place, and no patient's attributes.

    Highdicom would quote values of real headers in errors and logs; and it supports neither sources of
    several multi-frame images nor grids of which only some slices lie on images.
    """
    shared = Dataset()
    shared.SOPClassUID, shared.Modality = CT, "CT"
    shared.StudyInstanceUID = shared.SeriesInstanceUID = _STAND_IN_STUDY
    shared.FrameOfReferenceUID = frame_of_reference
    shared.Rows, shared.Columns = planes.stand_in_shape[1:]
    shared.PixelSpacing = [decimal_string(side) for side in place.pixel_spacing]
    shared.SliceThickness = decimal_string(place.slice_spacing)
    shared.ImageOrientationPatient = [decimal_string(cosine) for cosine in place.orientation]
    for keyword in ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID",
                    "StudyDate", "StudyTime", "ReferringPhysicianName"):  # fmt: skip
        setattr(shared, keyword, "")
    found = []
    for k, position in enumerate(place.positions):
        one = Dataset()
        one.update(shared)
        one.SOPInstanceUID = f"2.25.{k + 1}"
        one.ImagePositionPatient = [decimal_string(coordinate) for coordinate in position]
        found.append(one)
    return found


def _composed(
    stand_ins: list[Dataset],
    planes: SegmentPlanes,
    segments: Sequence[Segment],
    kind: SegmentationKind,
    derivation: Derivation,
    *,
    omit: bool,
) -> Dataset:
    with needed_for(WRITING):
        from highdicom.seg import Segmentation as Composed

    with quiet:
        composed: Dataset = Composed(
            source_images=stand_ins,
            pixel_array=planes.stand_in(),
            segmentation_type=kind.upper(),
            segment_descriptions=[_described(segment, number, kind, derivation)
                                  for number, segment in enumerate(segments, 1)],
            series_instance_uid=derivation.uid("series"),
            series_number=1,
            sop_instance_uid=derivation.uid("instance"),
            instance_number=1,
            manufacturer="Voxelry",
            manufacturer_model_name="voxelry",
            software_versions=VERSION,
            device_serial_number="none",
            omit_empty_frames=omit,
            content_label="SEGMENTATION",
        )  # fmt: skip
    return composed


def _described(segment: Segment, number: int, kind: SegmentationKind, derivation: Derivation) -> SegmentDescription:
    """An item of Segment Sequence (PS3.3 C.8.20.4)."""
    from highdicom import AlgorithmIdentificationSequence
    from highdicom.color import CIELabColor
    from highdicom.seg import SegmentDescription
    from pydicom.sr.coding import Code

    region = segment.anatomic_region
    try:
        described = SegmentDescription(
            segment_number=segment.number if kind == "labelmap" else number,
            segment_label=segment.label,
            segmented_property_category=Code(segment.category.value, segment.category.scheme, segment.category.meaning),
            segmented_property_type=Code(segment.type.value, segment.type.scheme, segment.type.meaning),
            algorithm_type=segment.algorithm_type,
            algorithm_identification=None
            if segment.algorithm_type == "MANUAL"
            else AlgorithmIdentificationSequence(
                name=(segment.algorithm or derivation.description)[:_LONGEST_TEXT],
                family=Code("123109", "DCM", "Manual Processing"),  # required by highdicom, and removed afterwards
                version=VERSION,
            ),
            anatomic_regions=None if region is None else [Code(region.value, region.scheme, region.meaning)],
            display_color=CIELabColor.from_rgb(*(colour_of(segment, number))),
        )
    except ValueError as error:  # of the segment's description, which comes from the step and holds no patient's value
        raise ParameterError(f"segment {segment.number} cannot be described in DICOM: {error}") from None
    if segment.type_modifier is not None:
        _modify(described.SegmentedPropertyTypeCodeSequence[0], TYPE_MODIFIER, segment.type_modifier)
    if region is not None and segment.region_modifier is not None:
        _modify(described.AnatomicRegionSequence[0], REGION_MODIFIER, segment.region_modifier)
    return described


def _modify(item: Dataset, keyword: str, modifier: SegmentCode) -> None:
    """Say more of a code, in its own item; highdicom has no parameter for it."""
    added = Dataset()
    added.CodeValue, added.CodingSchemeDesignator = modifier.value, modifier.scheme
    added.CodeMeaning = modifier.meaning
    setattr(item, keyword, DicomSequence([added]))


# --- what is made of it -----------------------------------------------------------------------------------------------


def _describe(
    dataset: Dataset,
    derivation: Derivation,
    headers: Sequence[Header],
    description: str,
    number: int | None,
    origin: SegmentationOrigin,
) -> None:
    """Attributes that highdicom does not write, and those it makes new each time."""
    organization = new_uid(derivation.seed, "dimensions", str(dataset.SOPInstanceUID))
    for item in (*dataset.DimensionOrganizationSequence, *dataset.DimensionIndexSequence):
        item.DimensionOrganizationUID = organization
    for segment in dataset.SegmentSequence:  # the family of an algorithm is unknown; its name is kept
        segment.pop("SegmentationAlgorithmIdentificationSequence", None)
    moment = derivation.created or _EPOCH
    for prefix in ("InstanceCreation", "Content", "Series"):
        setattr(dataset, f"{prefix}Date", moment.strftime("%Y%m%d"))
        setattr(dataset, f"{prefix}Time", moment.strftime("%H%M%S.%f"))
    dataset.SeriesDescription = description
    dataset.SeriesNumber = next_series_number(headers[0]) if number is None else number
    dataset.DerivationDescription = derivation.sentence
    dataset.ContentDescription, dataset.ContentCreatorName = description, origin.creator
    dataset.InstanceNumber = origin.instance_number
    dataset.LossyImageCompression = "01" if any(is_lossy(header) for header in headers) else "00"
    if "FrameOfReferenceUID" in dataset:
        position = text(headers[0].elements, "PositionReferenceIndicator")
        dataset.PositionReferenceIndicator = position if position.isascii() else ""
    if origin.edited is not None:
        refer_to_edited(dataset, origin.edited, headers[0].study_instance_uid)


def _head(
    dataset: Dataset,
    groups: EncodedValue,
    derivation: Derivation,
    header: Header,
    segments: Sequence[Segment],
    origin: SegmentationOrigin,
) -> bytes:
    """All that comes before Pixel Data."""
    own = (str(dataset.SeriesDescription), origin.creator, *(word for one in segments for word in _words(one)))
    ascii_only = all(word.isascii() for word in own) and origin.joined is None
    if not ascii_only:
        dataset.SpecificCharacterSet = "ISO_IR 192"
    raws: EncodedElements = of_dataset(dataset) | patient_and_study(header, utf8=not ascii_only)
    raws[tag_of("ContributingEquipmentSequence")] = b"SQ", equipment_of(derivation)
    raws[tag_of("PerFrameFunctionalGroupsSequence")] = groups
    if origin.joined is not None:
        raws = joined_series(raws, origin.joined)
    return file_head(str(dataset.SOPClassUID), str(dataset.SOPInstanceUID), EXPLICIT, VERSION) + joined(raws)


def _words(segment: Segment) -> tuple[str, ...]:
    optional = (segment.anatomic_region, segment.type_modifier, segment.region_modifier)
    meanings = (code.meaning for code in (segment.category, segment.type, *optional) if code is not None)
    return (segment.label, *meanings, segment.algorithm)
