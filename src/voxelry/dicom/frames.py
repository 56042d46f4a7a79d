"""Frames: each image plane of an instance, with what places and scales it.

A single-frame instance has one. Enhanced multi-frame instances say per frame, or shared by all of them, what
single-frame instances say at the top (PS3.3 C.7.6.16).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from voxelry.core.errors import GeometryError, PixelDataError
from voxelry.core.geometry import check_orientation
from voxelry.core.intensity import Window, WindowFunction
from voxelry.dicom.attributes import Attributes, describe, first_item, integer, items, number, numbers, text, texts
from voxelry.dicom.headers import Header

MAX_FRAMES = 1_000_000
FARTHEST = 1e6
"""Millimetres: no patient is a kilometre away."""
SAME_COSINE = 1e-3
"""Cosines that differ by no more are of one direction."""
_RT_DOSE = "1.2.840.10008.5.1.4.1.1.481.2"
_CT_CLASSES = ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2")
_VALUE_GROUPS = {
    # where an enhanced instance keeps what tells frames at one position apart: sequence and attribute
    "TemporalPositionIndex": ("FrameContentSequence", "TemporalPositionIndex"),
    "EffectiveEchoTime": ("MREchoSequence", "EffectiveEchoTime"),
    "DiffusionBValue": ("MRDiffusionSequence", "DiffusionBValue"),
    "NominalCardiacTriggerDelayTime": ("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime"),
    "ReferencedSegmentNumber": ("SegmentIdentificationSequence", "ReferencedSegmentNumber"),
    "FrameType": ("MRImageFrameTypeSequence", "FrameType"),
    "FrameAcquisitionDateTime": ("FrameContentSequence", "FrameAcquisitionDateTime"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One image plane.

    Attributes
    ----------
    index
        In its instance, from 0.
    position, orientation
        Image Position and Image Orientation (Patient), LPS mm; None where the header has none.
    pixel_spacing
        ``(row_spacing, column_spacing)``, mm; None where unknown.
    thickness
        Slice Thickness, mm, nominal; None where unknown.
    slope, intercept
        From stored to modality values.
    warnings
        About the header's own numbers.
    """

    header: Header
    index: int
    position: tuple[float, float, float] | None
    orientation: tuple[float, ...] | None
    pixel_spacing: tuple[float, float] | None
    thickness: float | None
    slope: float
    intercept: float
    unit: str
    windows: tuple[Window, ...]
    warnings: tuple[str, ...]
    groups: tuple[Dataset, ...] = field(repr=False)

    @property
    def projection(self) -> bool:
        """True for a CT's localizer, which sums up the whole body along a line instead of cutting through it."""
        is_ct = self.header.sop_class_uid in _CT_CLASSES
        return is_ct and "LOCALIZER" in texts(self.header.elements, "ImageType")[2:]

    def value(self, keyword: str) -> str:
        """An attribute that may tell frames at one position apart; empty where there is none."""
        if keyword in _VALUE_GROUPS:
            sequence, name = _VALUE_GROUPS[keyword]
            for group in self.groups:
                item = first_item(group, sequence)
                found = text(item, name) if item is not None else ""
                if found:
                    return found
        return text(self.header.elements, keyword)

    @property
    def instance_number(self) -> int:
        try:
            return integer(self.header.elements, "InstanceNumber") or 0
        except PixelDataError:
            return 0


def frames_of(header: Header) -> Iterator[Frame]:
    """The frames of an instance, in its own order.

    Raises
    ------
    PixelDataError
        If the header's numbers cannot be read or contradict each other; the message names the tag.
    """
    dataset = header.elements
    count = number_of_frames(header)
    try:
        shared = first_item(dataset, "SharedFunctionalGroupsSequence")
        per_frame = items(dataset, "PerFrameFunctionalGroupsSequence")
        if per_frame and len(per_frame) != count:
            raise PixelDataError(
                f"{describe('NumberOfFrames')} is {count}, but "
                f"{describe('PerFrameFunctionalGroupsSequence')} has {len(per_frame)} items"
            )
        offsets = _dose_offsets(header, count)
        for index in range(count):
            own = (per_frame[index],) if per_frame else ()
            groups = own if shared is None else (*own, shared)
            yield _frame(header, index, groups, None if offsets is None else offsets[index], single=count == 1)
    except PixelDataError as error:
        raise type(error)(f"{header.name}: {error}") from None


def number_of_frames(header: Header) -> int:
    """Number of Frames (0028,0008), 1 where it is absent."""
    count = integer(header.elements, "NumberOfFrames")
    count = 1 if count in (None, 0) else count
    if count is None or not 0 < count <= MAX_FRAMES:
        raise PixelDataError(f"{header.name}: {describe('NumberOfFrames')} is {count}")
    return count


def _frame(
    header: Header, index: int, groups: tuple[Dataset, ...], dose_offset: float | None, *, single: bool
) -> Frame:
    dataset = header.elements
    measures = _group(groups, "PixelMeasuresSequence", dataset)
    warnings: list[str] = []
    orientation = _orientation(_group(groups, "PlaneOrientationSequence", dataset), warnings)
    position = _position(_group(groups, "PlanePositionSequence", dataset), warnings)
    spacing = _spacing(measures, warnings)
    if spacing is None:
        warnings += _other_spacing(dataset)
    if "PixelRepresentation" not in dataset and header.pixel_bytes and header.pixel_bytes.keyword == "PixelData":
        warnings.append(f"{describe('PixelRepresentation')} is missing: values are taken as unsigned")
    thickness = _extent(measures, "SliceThickness", warnings)
    if not single and not groups:
        # A plain multi-frame image has one position at most, and its frames follow each other in time.
        if dose_offset is None:
            position = None
        elif position is not None and orientation is not None:
            x, y, z = (np.asarray(position) + _dose_step(header, orientation, dose_offset)).tolist()
            position = (x, y, z)
    transform = _group(groups, "PixelValueTransformationSequence", dataset)
    slope, intercept = number(transform, "RescaleSlope"), number(transform, "RescaleIntercept")
    if header.sop_class_uid == _RT_DOSE:
        slope, intercept = number(dataset, "DoseGridScaling"), 0.0
        if slope is None:
            raise PixelDataError(f"{describe('DoseGridScaling')} is missing, so nothing says what dose a value is")
    if slope == 0:
        raise PixelDataError(f"{describe('RescaleSlope')} is 0, which would make every value the same")
    return Frame(
        header,
        index,
        None if position is None else (position[0], position[1], position[2]),
        orientation,
        spacing,
        thickness,
        1.0 if slope is None else slope,
        intercept or 0.0,
        _unit(header, transform),
        _windows(_group(groups, "FrameVOILUTSequence", dataset)),
        tuple(warnings),
        groups,
    )


def _group(groups: tuple[Dataset, ...], sequence: str, top: Attributes) -> Attributes:
    """A functional group's item: the frame's own, else the shared one, else the instance itself."""
    for group in groups:
        item = first_item(group, sequence)
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


def _position(place: Attributes, warnings: list[str]) -> tuple[float, float, float] | None:
    try:
        found = numbers(place, "ImagePositionPatient", 3)
    except PixelDataError as error:
        warnings.append(f"{error}: taken as unknown")
        return None
    if found is not None and max(map(abs, found)) > FARTHEST:
        warnings.append(f"{describe('ImagePositionPatient')} is more than {FARTHEST:g} mm away: taken as unknown")
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
    if min(found) <= 0:
        warnings.append(
            f"{describe('PixelSpacing')} is {found[0]:g}\\{found[1]:g}, which is no distance: taken as unknown"
        )
        return None
    if min(found) < 0.0005 or max(found) > 50:
        warnings.append(f"{describe('PixelSpacing')} is implausible: {found[0]:g}\\{found[1]:g} mm")
    return found[0], found[1]


def _other_spacing(dataset: Attributes) -> list[str]:
    """Distances that a header gives instead, and that are none in the patient."""
    if text(dataset, "ImagerPixelSpacing"):
        where = "is measured at the detector, where everything is magnified"
        return [f"{describe('ImagerPixelSpacing')} {where}: not used"]
    if "SequenceOfUltrasoundRegions" in dataset:
        where = "gives distances for parts of the picture only"
        return [f"{describe('SequenceOfUltrasoundRegions')} {where}: not used"]
    return []


def _extent(measures: Attributes, keyword: str, warnings: list[str]) -> float | None:
    try:
        found = number(measures, keyword)
    except PixelDataError as error:
        warnings.append(f"{error}: taken as unknown")
        return None
    if found is None:
        return None
    if found <= 0:
        warnings.append(f"{describe(keyword)} is {found:g}, which is no distance: taken as unknown")
        return None
    if not 0.0005 <= found <= 500:
        warnings.append(f"{describe(keyword)} is implausible: {found:g} mm")
    return found


def _dose_offsets(header: Header, count: int) -> tuple[float, ...] | None:
    """Where a dose grid's planes lie along the normal, relative to the first (PS3.3 C.8.8.3.2)."""
    if header.sop_class_uid != _RT_DOSE or count == 1:
        return None
    offsets = numbers(header.elements, "GridFrameOffsetVector", count)
    return None if offsets is None else tuple(offset - offsets[0] for offset in offsets)


def _dose_step(header: Header, orientation: tuple[float, ...], offset: float) -> npt.NDArray[np.float64]:
    """From the first plane of a dose grid to another: along the normal, or along z where offsets are coordinates.

    Offsets that begin with 0 are distances along the normal; others are z coordinates of axial planes, whose
    normal may point down (PS3.3 C.8.8.3.2).
    """
    first = (numbers(header.elements, "GridFrameOffsetVector") or (0.0,))[0]
    normal = np.cross(orientation[:3], orientation[3:])
    if first != 0 and abs(normal[2]) > 1 - SAME_COSINE:
        normal = np.array([0.0, 0.0, 1.0])
    return np.asarray(offset * normal, np.float64)


def _unit(header: Header, transform: Attributes) -> str:
    named = text(transform, "RescaleType") or text(header.elements, "DoseUnits") or text(header.elements, "Units")
    if named:
        return "" if named == "US" else {"GY": "Gy"}.get(named, named)
    localizer = "LOCALIZER" in texts(header.elements, "ImageType")
    scaled = number(transform, "RescaleIntercept") is not None
    return "HU" if header.sop_class_uid in _CT_CLASSES and scaled and not localizer else ""


def _windows(voi: Attributes) -> tuple[Window, ...]:
    """The windows that the header proposes; those that are no windows are left out, they change no value."""
    centers, widths = _each_number(voi, "WindowCenter"), _each_number(voi, "WindowWidth")
    names = texts(voi, "WindowCenterWidthExplanation")
    function = _function(text(voi, "VOILUTFunction"))
    found = []
    for number_, (center, width) in enumerate(zip(centers, widths, strict=False)):
        if center is None or width is None:
            continue
        if width >= 1 or (width > 0 and function != "LINEAR"):
            name = names[number_].strip() if number_ < len(names) else ""
            found.append(Window(center, width, function, name))
    return tuple(dict.fromkeys(found))


def _each_number(voi: Attributes, keyword: str) -> list[float | None]:
    """Each value of a text attribute as a number; None for one that is none."""
    found: list[float | None] = []
    for word in texts(voi, keyword):
        try:
            value = float(word)
        except ValueError:
            value = math.nan
        found.append(value if math.isfinite(value) else None)
    return found


def _function(name: str) -> WindowFunction:
    match name:
        case "LINEAR_EXACT":
            return "LINEAR_EXACT"
        case "SIGMOID":
            return "SIGMOID"
    return "LINEAR"
