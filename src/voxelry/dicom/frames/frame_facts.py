"""What a frame says beside its position: its pixels, orientation, spacing, scale and unit."""

from __future__ import annotations

from typing import NamedTuple

from pydicom.datadict import tag_for_keyword

from voxelry.core.errors import GeometryError, PixelDataError
from voxelry.core.slice_grid import check_orientation
from voxelry.dicom.frames.multiframe_positions import FARTHEST, NEAREST, RT_DOSE, Vector, is_planar, plane_attributes
from voxelry.dicom.headers.attributes import (
    Attributes,
    first_attributes,
    first_item,
    number,
    numbers,
    tag_label,
    text,
    texts,
)
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.pixel_description import PIXEL_KEYWORDS, PixelDescription
from voxelry.dicom.headers.sop_classes import SEGMENTATIONS
from voxelry.dicom.pixels.stored_pixels import stored_frames

CT_CLASSES = ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2")
FACT_TAGS = tuple(
    int(tag_for_keyword(keyword) or 0)
    for keyword in (
        # what Facts hold
        *PIXEL_KEYWORDS,
        "ImageOrientationPatient", "PixelSpacing", "ImagerPixelSpacing", "SequenceOfUltrasoundRegions",
        "SliceThickness", "RescaleSlope", "RescaleIntercept", "RescaleType", "DoseGridScaling", "DoseUnits", "Units",
        "ImageType", "MultienergyCTAcquisition", "DetectorInformationSequence",
        # what besides is the same of frames that share their Facts
        "ModalityLUTSequence", "FrameOfReferenceUID", "SpecificCharacterSet", "LossyImageCompression",
        "VolumeBasedCalculationTechnique",
        "PixelPaddingValue", "PixelPaddingRangeLimit", "FloatPixelPaddingValue", "FloatPixelPaddingRangeLimit",
        "DoubleFloatPixelPaddingValue", "DoubleFloatPixelPaddingRangeLimit",
    )
)  # fmt: skip


class Facts(NamedTuple):
    """The attributes of a frame except for its position.

    Most frames of a series share one object. Frames that share it have the same transfer syntax, SOP class, frame of
    reference, padding and Modality LUT too, so what depends on these alone is computed once.
    """

    pixels: PixelDescription
    orientation: tuple[float, ...] | None
    pixel_spacing: tuple[float, float] | None
    thickness: float | None
    slope: float
    intercept: float
    unit: str
    scaled_by: tuple[str, ...]
    warnings: tuple[str, ...]


Groups = tuple[Attributes, ...]


def facts_of(header: Header, pixels: PixelDescription, groups: Groups, index: int | None = None) -> Facts:
    """The facts of a frame.

    Parameters
    ----------
    groups
        Its functional groups, its own before the shared ones.
    index
        Which frame of the instance; None for all of them.

    Raises
    ------
    PixelDataError
        If the header's numbers cannot be read, or a slope of 0 would make different stored values the same.
    """
    top = header.elements
    measures = group_of(groups, "PixelMeasuresSequence", top)
    warnings: list[str] = []
    orientation = _orientation(group_of(groups, "PlaneOrientationSequence", plane_attributes(header)), warnings)
    spacing = _spacing(measures, warnings)
    if spacing is None:
        warnings += _other_spacing(top)
    if "PixelRepresentation" not in top and header.pixel_bytes and header.pixel_bytes.keyword == "PixelData":
        warnings.append(f"{tag_label('PixelRepresentation')} is missing: values are taken as unsigned")
    segmented = header.sop_class_uid in SEGMENTATIONS  # whose thickness says nothing of the next slice
    thickness = _extent(measures, "SpacingBetweenSlices" if segmented else "SliceThickness", warnings)
    if is_planar(header):  # the thickness of nothing
        thickness = None
    transform = group_of(groups, "PixelValueTransformationSequence", top)
    slope, intercept = number(transform, "RescaleSlope"), number(transform, "RescaleIntercept")
    if segmented:
        slope, intercept = _fraction(header), 0.0
    keyword = "RescaleSlope"
    if header.sop_class_uid == RT_DOSE:
        keyword = "DoseGridScaling"
        slope, intercept = number(top, keyword), 0.0
        if slope is None:
            raise PixelDataError(f"{tag_label(keyword)} is missing, so nothing says what dose a value is")
    if slope == 0:
        if not _all_zero(header, pixels, index):
            raise PixelDataError(f"{tag_label(keyword)} is 0, which would make every value the same")
        slope = 1.0  # PET scanners write a slope of 0 for an empty slice: every value is the intercept
    return Facts(
        pixels,
        orientation,
        spacing,
        thickness,
        1.0 if slope is None else slope,
        intercept or 0.0,
        unit_of(header, transform),
        _scaled_by(header, transform),
        tuple(warnings),
    )


def _scaled_by(header: Header, transform: Attributes) -> tuple[str, ...]:
    """Which attributes of the Modality LUT module have a value; only a lookup table counts where there is one."""
    if header.sop_class_uid == RT_DOSE:
        return ("DoseGridScaling",)
    if first_item(header.elements, "ModalityLUTSequence") is not None:
        return ("ModalityLUTSequence",)
    return tuple(keyword for keyword in ("RescaleSlope", "RescaleIntercept") if number(transform, keyword) is not None)


def _fraction(header: Header) -> float:
    """What a stored step of a segmentation is worth: of fractional ones the largest value is 1 (PS3.3 C.8.20.2.3)."""
    if text(header.elements, "SegmentationType") != "FRACTIONAL":
        return 1.0
    largest = number(header.elements, "MaximumFractionalValue")
    if largest is None or largest <= 0:
        raise PixelDataError(
            f"{tag_label('MaximumFractionalValue')} is {'missing' if largest is None else f'{largest:g}'}, so nothing "
            "says what fraction a value is"
        )
    return 1.0 / largest


def is_empty_slope(header: Header, groups: Groups = ()) -> bool:
    """True if the scale is a slope of 0, which is right only where no value is stored."""
    if header.sop_class_uid == RT_DOSE:
        return number(header.elements, "DoseGridScaling") == 0
    return number(group_of(groups, "PixelValueTransformationSequence", header.elements), "RescaleSlope") == 0


def _all_zero(header: Header, pixels: PixelDescription, index: int | None) -> bool:
    """True if all stored values of a frame, or of all, are 0: read here, as only few slices have a slope of 0."""
    if pixels.kind != "grey":
        return True
    return not any(frame.any() for frame in stored_frames(header, None if index is None else [index]))


def group_of(groups: Groups, sequence: str, top: Attributes) -> Attributes:
    """A functional group's item: the frame's own, else the shared one, else the instance itself."""
    for group in groups:
        item = first_attributes(group, sequence)
        if item is not None:
            return item
    return top


def _orientation(plane: Attributes, warnings: list[str]) -> tuple[float, ...] | None:
    try:
        found = numbers(plane, "ImageOrientationPatient", 6)
        return None if found is None else tuple(check_orientation(found).tolist())
    except (PixelDataError, GeometryError) as error:
        warnings.append(f"{error}: taken as unknown")
        return None


def position_of(place: Attributes, warnings: list[str]) -> Vector | None:
    try:
        found = numbers(place, "ImagePositionPatient", 3)
    except PixelDataError as error:
        warnings.append(f"{error}: taken as unknown")
        return None
    if found is not None and max(map(abs, found)) > FARTHEST:
        warnings.append(f"{tag_label('ImagePositionPatient')} is more than {FARTHEST:g} mm away: taken as unknown")
        return None
    return None if found is None else (found[0], found[1], found[2])


def _spacing(measures: Attributes, warnings: list[str]) -> tuple[float, float] | None:
    try:
        found = numbers(measures, "PixelSpacing", 2)
    except PixelDataError as error:
        warnings.append(f"{error}: taken as unknown")
        return None
    if found is None:
        return None
    if min(found) < NEAREST or max(found) > FARTHEST:
        warnings.append(
            f"{tag_label('PixelSpacing')} is {found[0]:g}\\{found[1]:g}, which is no distance: taken as unknown"
        )
        return None
    if min(found) < 0.0005 or max(found) > 50:
        warnings.append(f"{tag_label('PixelSpacing')} is implausible: {found[0]:g}\\{found[1]:g} mm")
    return found[0], found[1]


def _other_spacing(dataset: Attributes) -> list[str]:
    """Warnings about spacings in the header that are not distances in the patient."""
    if text(dataset, "ImagerPixelSpacing"):
        where = "is measured at the detector, where everything is magnified"
        return [f"{tag_label('ImagerPixelSpacing')} {where}: not used"]
    if "SequenceOfUltrasoundRegions" in dataset:
        where = "gives distances for parts of the picture only"
        return [f"{tag_label('SequenceOfUltrasoundRegions')} {where}: not used"]
    return []


def _extent(measures: Attributes, keyword: str, warnings: list[str]) -> float | None:
    try:
        found = number(measures, keyword)
    except PixelDataError as error:
        warnings.append(f"{error}: taken as unknown")
        return None
    if found is None:
        return None
    if not NEAREST <= found <= FARTHEST:
        warnings.append(f"{tag_label(keyword)} is {found:g}, which is no distance: taken as unknown")
        return None
    if not 0.0005 <= found <= 500:
        warnings.append(f"{tag_label(keyword)} is implausible: {found:g} mm")
    return found


def unit_of(header: Header, transform: Attributes) -> str:
    """The unit of modality values, as ``transform`` or the instance says; empty where unknown."""
    named = text(transform, "RescaleType") or text(header.elements, "DoseUnits") or text(header.elements, "Units")
    if named:
        return "" if named == "US" else {"GY": "Gy"}.get(named, named)
    if header.sop_class_uid not in CT_CLASSES or number(transform, "RescaleIntercept") is None:
        return ""
    # A CT image without Rescale Type is in HU (PS3.3 C.8.2.1), but derived and multi-energy images often lack the type.
    kind = texts(header.elements, "ImageType")
    doubtful = "LOCALIZER" in kind or kind[:1] == ("DERIVED",) or _is_multi_energy(header)
    return "" if doubtful else "HU"


def _is_multi_energy(header: Header) -> bool:
    return text(header.elements, "MultienergyCTAcquisition") == "YES"
