"""Frames: each image plane of an instance, with what places and scales it.

A single-frame instance has one. Enhanced multi-frame instances say per frame, or shared by all of them, what
single-frame instances say at the top (PS3.3 C.7.6.16).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset

from voxelry.core.errors import GeometryError, PixelDataError, named
from voxelry.core.geometry import check_orientation
from voxelry.core.intensity import Window, WindowFunction
from voxelry.dicom.attributes import Attributes, describe, first_item, integer, items, number, numbers, text, texts
from voxelry.dicom.headers import Header
from voxelry.dicom.places import RT_DOSE, Vector, frame_places, plane_of

MAX_FRAMES = 1_000_000
FARTHEST = 1e6
"""Millimetres: no patient is a kilometre away."""
SAME_COSINE = 1e-3
"""Cosines that differ by no more are of one direction."""
_CT_CLASSES = ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2")
_VALUE_GROUPS = {
    # where an enhanced instance keeps what tells frames at one position apart: sequence and attribute
    "TemporalPositionIndex": ("FrameContentSequence", "TemporalPositionIndex"),
    "EffectiveEchoTime": ("MREchoSequence", "EffectiveEchoTime"),
    "DiffusionBValue": ("MRDiffusionSequence", "DiffusionBValue"),
    "NominalCardiacTriggerDelayTime": ("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime"),
    "NominalPercentageOfCardiacPhase": ("CardiacSynchronizationSequence", "NominalPercentageOfCardiacPhase"),
    "ReferencedSegmentNumber": ("SegmentIdentificationSequence", "ReferencedSegmentNumber"),
    "FrameType": ("MRImageFrameTypeSequence", "FrameType"),
    "FrameAcquisitionDateTime": ("FrameContentSequence", "FrameAcquisitionDateTime"),
}


_VECTORS = ("TimeSlotVector", "RRIntervalVector", "EnergyWindowVector", "PhaseVector", "TimeSliceVector")
"""Attributes of nuclear medicine with a value for each frame (PS3.3 C.8.4.8)."""
_FACT_TAGS = tuple(
    int(tag_for_keyword(keyword) or 0)
    for keyword in (
        "ImageOrientationPatient", "PixelSpacing", "ImagerPixelSpacing", "SequenceOfUltrasoundRegions",
        "PixelRepresentation", "SliceThickness", "RescaleSlope", "RescaleIntercept", "RescaleType", "DoseGridScaling",
        "DoseUnits", "Units", "ImageType", "WindowCenter", "WindowWidth", "WindowCenterWidthExplanation",
        "VOILUTFunction",
    )
)  # fmt: skip


class Facts(NamedTuple):
    """What a frame says beside its position; the same for most frames of a series."""

    orientation: tuple[float, ...] | None
    pixel_spacing: tuple[float, float] | None
    thickness: float | None
    slope: float
    intercept: float
    unit: str
    windows: tuple[Window, ...]
    warnings: tuple[str, ...]


Groups = tuple[Dataset, ...]


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
    position: Vector | None
    orientation: tuple[float, ...] | None
    pixel_spacing: tuple[float, float] | None
    thickness: float | None
    slope: float
    intercept: float
    unit: str
    windows: tuple[Window, ...]
    warnings: tuple[str, ...]
    groups: Groups = field(repr=False)

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
        if keyword in _VECTORS:
            vector = numbers(self.header.elements, keyword) or ()
            return f"{vector[self.index]:g}" if self.index < len(vector) else ""
        return text(self.header.elements, keyword)

    @property
    def instance_number(self) -> int:
        try:
            return integer(self.header.elements, "InstanceNumber") or 0
        except PixelDataError:
            return 0


Known = dict[tuple[object, ...], Facts]
"""Facts by the bytes that they were read from. It lives as long as one reading of one series."""


def frames_of(header: Header, known: Known | None = None) -> Iterator[Frame]:
    """The frames of an instance, in its own order.

    Parameters
    ----------
    known
        Facts of the instances read before; those of this one are added.

    Raises
    ------
    PixelDataError
        If the header's numbers cannot be read or contradict each other; the message names the tag.
    """
    elements = header.elements
    try:
        count = number_of_frames(elements)
        shared = first_item(elements, "SharedFunctionalGroupsSequence")
        per_frame = items(elements, "PerFrameFunctionalGroupsSequence")
        if per_frame and len(per_frame) != count:
            raise PixelDataError(
                f"{describe('NumberOfFrames')} is {count}, but "
                f"{describe('PerFrameFunctionalGroupsSequence')} has {len(per_frame)} items"
            )
        if not per_frame and shared is None:
            yield from _plain_frames(header, count, known)
            return
        for index in range(count):
            own = (per_frame[index],) if per_frame else ()
            groups = own if shared is None else (*own, shared)
            warnings: list[str] = []
            position = _position(_group(groups, "PlanePositionSequence", elements), warnings)
            yield _frame(header, index, position, _facts(header, groups), tuple(warnings), groups)
    except PixelDataError as error:
        raise named(error, header.name) from None


def _plain_frames(header: Header, count: int, known: Known | None) -> Iterator[Frame]:
    """Of an instance without functional groups: all frames have its facts, and their places are told together."""
    facts = _known_facts(header, known)
    warnings: list[str] = []
    places: Sequence[Vector | None] = [_position(plane_of(header), warnings)]
    if count > 1:
        places = frame_places(header, count, places[0], facts.orientation) or [None] * count
    for index in range(count):
        yield _frame(header, index, places[index], facts, tuple(warnings), ())


def _known_facts(header: Header, known: Known | None) -> Facts:
    raw = header.elements.raw
    if known is None or raw is None:
        return _facts(header, ())
    key = (header.sop_class_uid, header.pixel_bytes and header.pixel_bytes.keyword, *map(raw.get, _FACT_TAGS))
    found = known.get(key)
    if found is None:
        known[key] = found = _facts(header, ())
    return found


def _frame(
    header: Header, index: int, position: Vector | None, facts: Facts, warnings: tuple[str, ...], groups: Groups
) -> Frame:
    return Frame(
        header, index, position, facts.orientation, facts.pixel_spacing, facts.thickness, facts.slope,
        facts.intercept, facts.unit, facts.windows, (*facts.warnings, *warnings) if warnings else facts.warnings,
        groups,
    )  # fmt: skip


def number_of_frames(of: Attributes) -> int:
    """Number of Frames (0028,0008), 1 where it is absent."""
    count = integer(of, "NumberOfFrames")
    count = 1 if count in (None, 0) else count
    if count is None or not 0 < count <= MAX_FRAMES:
        raise PixelDataError(f"{describe('NumberOfFrames')} is {count}")
    return count


def _facts(header: Header, groups: Groups) -> Facts:
    top = header.elements
    measures = _group(groups, "PixelMeasuresSequence", top)
    warnings: list[str] = []
    orientation = _orientation(_group(groups, "PlaneOrientationSequence", plane_of(header)), warnings)
    spacing = _spacing(measures, warnings)
    if spacing is None:
        warnings += _other_spacing(top)
    if "PixelRepresentation" not in top and header.pixel_bytes and header.pixel_bytes.keyword == "PixelData":
        warnings.append(f"{describe('PixelRepresentation')} is missing: values are taken as unsigned")
    thickness = _extent(measures, "SliceThickness", warnings)
    transform = _group(groups, "PixelValueTransformationSequence", top)
    slope, intercept = number(transform, "RescaleSlope"), number(transform, "RescaleIntercept")
    if header.sop_class_uid == RT_DOSE:
        slope, intercept = number(top, "DoseGridScaling"), 0.0
        if slope is None:
            raise PixelDataError(f"{describe('DoseGridScaling')} is missing, so nothing says what dose a value is")
    if slope == 0:
        raise PixelDataError(f"{describe('RescaleSlope')} is 0, which would make every value the same")
    return Facts(
        orientation,
        spacing,
        thickness,
        1.0 if slope is None else slope,
        intercept or 0.0,
        _unit(header, transform),
        _windows(_group(groups, "FrameVOILUTSequence", top)),
        tuple(warnings),
    )


def _group(groups: Groups, sequence: str, top: Attributes) -> Attributes:
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


def _position(place: Attributes, warnings: list[str]) -> Vector | None:
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
