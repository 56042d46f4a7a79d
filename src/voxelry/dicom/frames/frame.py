"""Frames: each image plane of an instance, with what places and scales it.

A single-frame instance has one. Enhanced multi-frame instances say per frame, or shared by all of them, what
single-frame instances say at the top (PS3.3 C.7.6.16).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from itertools import repeat
from typing import Literal

from voxelry.core.errors import PixelDataError, named
from voxelry.core.intensity import Window
from voxelry.dicom.frames.frame_facts import (
    CT_CLASSES,
    FACT_TAGS,
    Facts,
    Groups,
    facts_of,
    group_of,
    is_empty_slope,
    position_of,
)
from voxelry.dicom.frames.header_windows import windows_in
from voxelry.dicom.frames.multiframe_positions import Vector, frame_places, plane_attributes
from voxelry.dicom.frames.tiles import Tile
from voxelry.dicom.headers.attributes import (
    Attributes,
    first_attributes,
    has_more_items,
    integer,
    item_attributes,
    numbers,
    tag_label,
    text,
    texts,
)
from voxelry.dicom.headers.elements import Elements
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.pixel_description import PixelDescription, describe_pixels
from voxelry.dicom.pixels.encapsulated import check_frames

SAME_COSINE = 1e-3
"""Direction cosines that differ by no more are equal."""
VALUE_GROUPS = {
    "TemporalPositionIndex": ("FrameContentSequence", "TemporalPositionIndex"),
    "EffectiveEchoTime": ("MREchoSequence", "EffectiveEchoTime"),
    "DiffusionBValue": ("MRDiffusionSequence", "DiffusionBValue"),
    "NominalCardiacTriggerDelayTime": ("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime"),
    "NominalPercentageOfCardiacPhase": ("CardiacSynchronizationSequence", "NominalPercentageOfCardiacPhase"),
    "ReferencedSegmentNumber": ("SegmentIdentificationSequence", "ReferencedSegmentNumber"),
    "FrameType": ("MRImageFrameTypeSequence", "FrameType"),
    "FrameAcquisitionDateTime": ("FrameContentSequence", "FrameAcquisitionDateTime"),
}
"""Where an enhanced instance keeps what tells frames at one position apart: sequence and attribute."""


VECTORS = ("TimeSlotVector", "RRIntervalVector", "EnergyWindowVector", "PhaseVector", "TimeSliceVector")
"""Attributes of nuclear medicine with a value for each frame (PS3.3 C.8.4.8)."""
_FUNCTIONAL_GROUPS = (0x52009229, 0x52009230)
_FACT_GROUPS = (0x00209116, 0x00289110, 0x00289145)
"""What facts are made of: Plane Orientation, Pixel Measures and Pixel Value Transformation Sequence."""
OF_PLACE = _FRAME_CONTENT, _PLANE_POSITION = 0x00209111, 0x00209113
"""The functional groups in which nearly all frames differ."""


StepFrom = Literal["", "source", "spacing", "gap"]
"""The source images' positions, Spacing Between Slices, or the smallest gap between frames that are encoded."""


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
    blank
        What every pixel holds of a frame that a segmentation omits, whose ``index`` lies beyond those that are there;
        None for one that is there.
    step_from
        Of a segmentation: what tells the distance of its slices.
    real_world
        True if its scale is that of its Real World Value Mapping.
    philips_precise
        True if its scale is Philips' own, and not the standard's.
    suv
        SUV Type (0054,1006) if its scale is that of standardized uptake values, computed here; else empty.
    tile
        Where it lies in the image of ``index``, of a slice that was cut out of a mosaic; None if it is that image.
    replaced
        True if it lies elsewhere than its header says, which is known to be wrong.
    common
        The own groups of the first frame of the instance whose groups are the same but for Frame Content and Plane
        Position; None if that is not known.
    """

    header: Header
    index: int
    position: Vector | None
    facts: Facts
    own_warnings: tuple[str, ...] = ()
    groups: Groups = field(default=(), repr=False)
    blank: float | None = None
    step_from: StepFrom = ""
    real_world: bool = False
    philips_precise: bool = False
    suv: str = ""
    tile: Tile | None = None
    replaced: bool = False
    common: Elements | None = field(default=None, repr=False)

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
        """Slice Thickness, mm, nominal; None where unknown. Of a segmentation Spacing Between Slices."""
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
        """The windows that the header proposes; none for standardized uptake values, as these are for others."""
        return () if self.suv else windows_in(group_of(self.groups, "FrameVOILUTSequence", self.header.elements))

    @property
    def projection(self) -> bool:
        """True for a CT localizer, which is a projection and not a slice."""
        is_ct = self.header.sop_class_uid in CT_CLASSES
        return is_ct and "LOCALIZER" in texts(self.header.elements, "ImageType")[2:]

    def value(self, keyword: str) -> str:
        """An attribute that may distinguish frames at one position, as text; empty if it is absent or unreadable."""
        if keyword in VALUE_GROUPS:
            sequence, name = VALUE_GROUPS[keyword]
            for group in self.groups:
                item = first_attributes(group, sequence)
                found = text(item, name) if item is not None else ""
                if found:
                    return found
        if keyword in VECTORS:
            try:
                vector = numbers(self.header.elements, keyword) or ()
            except PixelDataError:
                return ""
            return f"{vector[self.index]:g}" if self.index < len(vector) else ""
        return text(self.header.elements, keyword)

    @property
    def instance_number(self) -> int:
        try:
            return integer(self.header.elements, "InstanceNumber") or 0
        except PixelDataError:
            return 0


_SETTERS = {one.name: getattr(Frame, one.name).__set__ for one in fields(Frame)}
_DEFAULTS = {one.name: one.default for one in fields(Frame)}


def new_frames(count: int, **columns: Iterable[object]) -> list[Frame]:
    """Thousands of frames, made without a step of Python for each.

    Parameters
    ----------
    columns
        A value for each frame, by attribute; the others have their default.
    """
    made = [object.__new__(Frame) for _ in range(count)]
    for name, put in _SETTERS.items():
        any(map(put, made, columns[name] if name in columns else repeat(_DEFAULTS[name])))
    return made


Known = dict[tuple[object, ...], Facts]
"""Facts by the bytes that they were read from; a cache for one reading of one series."""


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
    TruncatedError
        If the file has fewer frames than it declares.
    """
    try:
        facts = _known_facts(header, known)
        if facts is not None and facts.pixels.frames == 1:
            warnings: list[str] = []
            position = position_of(plane_attributes(header), warnings)
            yield Frame(header, 0, position, facts, tuple(warnings))
            return
        elements, pixels = header.elements, describe_pixels(header)
        if pixels.frames > 1:
            check_frames(header, pixels)
        if has_more_items(elements, "PerFrameFunctionalGroupsSequence", pixels.frames):
            raise PixelDataError(
                f"{tag_label('NumberOfFrames')} is {pixels.frames}, but "
                f"{tag_label('PerFrameFunctionalGroupsSequence')} has more items"
            )
        shared = first_attributes(elements, "SharedFunctionalGroupsSequence")
        per_frame = item_attributes(elements, "PerFrameFunctionalGroupsSequence")
        if per_frame and len(per_frame) != pixels.frames:
            raise PixelDataError(
                f"{tag_label('NumberOfFrames')} is {pixels.frames}, but "
                f"{tag_label('PerFrameFunctionalGroupsSequence')} has {len(per_frame)} items"
            )
        if not per_frame and shared is None:
            yield from _plain_frames(header, facts or facts_of(header, pixels, ()))
            return
        common = () if shared is None else (shared,)
        if not per_frame:  # one place, if any, for all of them together
            facts, (position, said) = facts_of(header, pixels, common), _place_of(header, common)
            for index in range(pixels.frames):
                yield Frame(header, index, position if pixels.frames == 1 else None, facts, said, common)
            return
        yield from _frames_with_groups(header, pixels, per_frame, common)
    except PixelDataError as error:
        raise named(error, header.name) from None


def _frames_with_groups(
    header: Header, pixels: PixelDescription, per_frame: Sequence[Attributes], common: Groups
) -> Iterator[Frame]:
    """Of an instance whose frames have functional groups of their own."""
    alike: dict[object, Facts] = {}  # by the bytes of what facts are made of
    places: dict[object, _Place] = {}  # by those of positions
    kinds: dict[object, tuple[Facts, Elements]] = {}  # by those of all but place and content
    found: list[tuple[Vector | None, tuple[str, ...], Facts, Elements | None]] = []
    for index, (own, rest, at) in enumerate(zip(per_frame, *_parted(per_frame), strict=True)):
        place = places.get(at)
        if place is None:
            place = _place_of(header, (own, *common))
            if at is not None:
                places[at] = place
        facts, first = kinds.get(rest, (None, None))
        if facts is None:
            key, groups = _bytes_of(own, _FACT_GROUPS), (own, *common)
            facts = alike.get(key)
            if facts is None:
                facts = facts_of(header, pixels, groups, index)
                # A slope of 0 is right only for this frame's pixels.
                if key is not None and not is_empty_slope(header, groups):
                    alike[key] = facts
            if rest is not None and key in alike and isinstance(own, Elements):
                kinds[rest] = facts, own
                first = own
        found.append((*place, facts, first))
    positions, warnings, every, firsts = zip(*found, strict=True)
    groups_of_each = list(zip(per_frame, *map(repeat, common), strict=False))
    yield from new_frames(
        len(found), header=repeat(header), index=range(len(found)), position=positions, facts=every,
        own_warnings=warnings, groups=groups_of_each, common=firsts,
    )  # fmt: skip


def _parted(per_frame: Sequence[Attributes]) -> tuple[Sequence[Hashable], Sequence[Hashable]]:
    """Each frame's groups but Frame Content and Plane Position, and the latter, as bytes; None where not told by these.

    Of the former only those that differ: equal for frames of which none does.
    """
    rows = [own.encoded for own in per_frame if isinstance(own, Elements) and own.encoded is not None]
    if len(rows) < len(per_frame):
        return [None] * len(per_frame), [None] * len(per_frame)
    columns: list[list[Hashable]] = []
    for tag in sorted(set[int]().union(*rows) - {_FRAME_CONTENT, _PLANE_POSITION}):
        cells: list[Hashable] = [row.get(tag) for row in rows]
        if cells.count(cells[0]) < len(cells):
            columns.append(cells)
    rest: Sequence[Hashable] = [*zip(*columns, strict=True)] if columns else [()] * len(rows)
    return rest, [row.get(_PLANE_POSITION, ()) for row in rows]


def _bytes_of(own: Attributes, tags: tuple[int, ...]) -> object:
    """Some functional groups of a frame's own as bytes; None if they are not told by these."""
    if isinstance(own, Elements) and own.encoded is not None:
        return tuple(map(own.encoded.get, tags))
    return None if any(tag in own for tag in tags) else ()


_Place = tuple[Vector | None, tuple[str, ...]]
"""A position, and warnings about it."""


def _place_of(header: Header, groups: Groups) -> _Place:
    warnings: list[str] = []
    return position_of(group_of(groups, "PlanePositionSequence", header.elements), warnings), tuple(warnings)


def _plain_frames(header: Header, facts: Facts) -> Iterator[Frame]:
    """Of an instance without functional groups: all frames have its facts, and their places are told together."""
    warnings: list[str] = []
    count = facts.pixels.frames
    places: Sequence[Vector | None] = [position_of(plane_attributes(header), warnings)]
    if count > 1:
        places = frame_places(header, count, places[0], facts.orientation, warnings) or [None] * count
    for index in range(count):
        yield Frame(header, index, places[index], facts, tuple(warnings))


def _known_facts(header: Header, known: Known | None) -> Facts | None:
    """The facts of an instance without functional groups; None where its bytes do not tell that it is like others."""
    encoded, place = header.elements.encoded, header.pixel_bytes
    if known is None or encoded is None or place is None or not encoded.keys().isdisjoint(_FUNCTIONAL_GROUPS):
        return None
    key = (header.sop_class_uid, header.transfer_syntax_uid, place.keyword, *map(encoded.get, FACT_TAGS))
    found = known.get(key)
    if found is None:
        found = facts_of(header, describe_pixels(header), ())
        if not is_empty_slope(header):  # which only this instance's pixels allowed
            known[key] = found
    return found
