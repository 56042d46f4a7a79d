"""Frames: each image plane of an instance, with what places and scales it.

A single-frame instance has one. Enhanced multi-frame instances say per frame, or shared by all of them, what
single-frame instances say at the top (PS3.3 C.7.6.16).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset

from voxelry.core.errors import GeometryError, PixelDataError, named
from voxelry.core.geometry import check_orientation
from voxelry.core.intensity import Window, WindowFunction
from voxelry.dicom.attributes import Attributes, describe, first_item, integer, items, number, numbers, text, texts
from voxelry.dicom.description import PIXEL_KEYWORDS, PixelDescription, describe_pixels
from voxelry.dicom.headers import Header
from voxelry.dicom.places import RT_DOSE, Vector, frame_places, plane_of

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
        # what Facts hold
        *PIXEL_KEYWORDS,
        "ImageOrientationPatient", "PixelSpacing", "ImagerPixelSpacing", "SequenceOfUltrasoundRegions",
        "SliceThickness", "RescaleSlope", "RescaleIntercept", "RescaleType", "DoseGridScaling", "DoseUnits", "Units",
        "ImageType", "DetectorInformationSequence",
        # what besides is the same of frames that share their Facts
        "ModalityLUTSequence", "FrameOfReferenceUID", "SpecificCharacterSet", "LossyImageCompression",
        "PixelPaddingValue", "PixelPaddingRangeLimit", "FloatPixelPaddingValue", "FloatPixelPaddingRangeLimit",
        "DoubleFloatPixelPaddingValue", "DoubleFloatPixelPaddingRangeLimit",
    )
)  # fmt: skip
_FUNCTIONAL_GROUPS = (0x52009229, 0x52009230)


class Facts(NamedTuple):
    """What a frame says beside its position.

    Most frames of a series share one object of these. Those who do have the same transfer syntax, SOP class, frame
    of reference, padding and Modality LUT as well: what depends on these alone is asked of one frame for all.
    """

    pixels: PixelDescription
    orientation: tuple[float, ...] | None
    pixel_spacing: tuple[float, float] | None
    thickness: float | None
    slope: float
    intercept: float
    unit: str
    warnings: tuple[str, ...]


Groups = tuple[Dataset, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One image plane.

    Attributes
    ----------
    index
        In its instance, from 0.
    position
        Image Position (Patient), LPS mm; None where the header has none.
    own_warnings
        About its position.
    groups
        Its functional groups, its own before the shared ones.
    """

    header: Header
    index: int
    position: Vector | None
    facts: Facts
    own_warnings: tuple[str, ...] = ()
    groups: Groups = field(default=(), repr=False)

    @property
    def pixels(self) -> PixelDescription:
        """How its stored values are laid out."""
        return self.facts.pixels

    @property
    def orientation(self) -> tuple[float, ...] | None:
        """Image Orientation (Patient): row cosines, then column cosines; None where the header has none."""
        return self.facts.orientation

    @property
    def pixel_spacing(self) -> tuple[float, float] | None:
        """``(row_spacing, column_spacing)``, mm; None where unknown."""
        return self.facts.pixel_spacing

    @property
    def thickness(self) -> float | None:
        """Slice Thickness, mm, nominal; None where unknown."""
        return self.facts.thickness

    @property
    def slope(self) -> float:
        """From stored to modality values, with ``intercept``."""
        return self.facts.slope

    @property
    def intercept(self) -> float:
        return self.facts.intercept

    @property
    def unit(self) -> str:
        """Of the modality values; empty where unknown."""
        return self.facts.unit

    @property
    def warnings(self) -> tuple[str, ...]:
        """About the header's own numbers."""
        return (*self.facts.warnings, *self.own_warnings)

    @property
    def windows(self) -> tuple[Window, ...]:
        """The windows that the header proposes."""
        return _windows(_group(self.groups, "FrameVOILUTSequence", self.header.elements))

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


def one_of_each(frames: Iterable[Frame]) -> Iterable[Frame]:
    """For each object of Facts one frame that has it, in order: few, where many frames share theirs."""
    return {id(frame.facts): frame for frame in frames}.values()


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
    try:
        facts = _known_facts(header, known)
        if facts is not None and facts.pixels.frames == 1:
            warnings: list[str] = []
            position = _position(plane_of(header), warnings)
            yield Frame(header, 0, position, facts, tuple(warnings))
            return
        elements, pixels = header.elements, describe_pixels(header)
        shared = first_item(elements, "SharedFunctionalGroupsSequence")
        per_frame = items(elements, "PerFrameFunctionalGroupsSequence")
        if per_frame and len(per_frame) != pixels.frames:
            raise PixelDataError(
                f"{describe('NumberOfFrames')} is {pixels.frames}, but "
                f"{describe('PerFrameFunctionalGroupsSequence')} has {len(per_frame)} items"
            )
        if not per_frame and shared is None:
            yield from _plain_frames(header, facts or _facts(header, pixels, ()))
            return
        for index in range(pixels.frames):
            own = (per_frame[index],) if per_frame else ()
            groups = own if shared is None else (*own, shared)
            warnings = []
            position = _position(_group(groups, "PlanePositionSequence", elements), warnings)
            yield Frame(header, index, position, _facts(header, pixels, groups), tuple(warnings), groups)
    except PixelDataError as error:
        raise named(error, header.name) from None


def _plain_frames(header: Header, facts: Facts) -> Iterator[Frame]:
    """Of an instance without functional groups: all frames have its facts, and their places are told together."""
    warnings: list[str] = []
    count = facts.pixels.frames
    places: Sequence[Vector | None] = [_position(plane_of(header), warnings)]
    if count > 1:
        places = frame_places(header, count, places[0], facts.orientation) or [None] * count
    for index in range(count):
        yield Frame(header, index, places[index], facts, tuple(warnings))


def _known_facts(header: Header, known: Known | None) -> Facts | None:
    """The facts of an instance without functional groups; None where its bytes do not tell that it is like others."""
    raw, place = header.elements.raw, header.pixel_bytes
    if known is None or raw is None or place is None or not raw.keys().isdisjoint(_FUNCTIONAL_GROUPS):
        return None
    key = (header.sop_class_uid, header.transfer_syntax_uid, place.keyword, *map(raw.get, _FACT_TAGS))
    found = known.get(key)
    if found is None:
        known[key] = found = _facts(header, describe_pixels(header), ())
    return found


def _facts(header: Header, pixels: PixelDescription, groups: Groups) -> Facts:
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
        pixels,
        orientation,
        spacing,
        thickness,
        1.0 if slope is None else slope,
        intercept or 0.0,
        _unit(header, transform),
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
