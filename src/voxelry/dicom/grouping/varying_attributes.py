"""The attributes in which frames differ, with private attributes and those in sequences.

Headers are compared column by column as bytes, so that only differing values are decoded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, partial
from typing import TypeAlias

from pydicom.datadict import dictionary_VR, private_dictionary_VR

from voxelry.dicom.frames.acquisition_times import CLOCKS, clock_of
from voxelry.dicom.frames.diffusion import alike, diffusion_of, says_zero, weighting_of
from voxelry.dicom.frames.dimensions import dimension_indices, dimensions_of
from voxelry.dicom.frames.frame import VECTORS, Frame
from voxelry.dicom.frames.shared_frames import headers_of, of_each
from voxelry.dicom.grouping.group_columns import group_columns
from voxelry.dicom.grouping.nested_attributes import attribute_at, nested_attributes
from voxelry.dicom.grouping.separating_attributes import TIMES, Attribute, is_noise, standard
from voxelry.dicom.headers.comparable import (
    ABSENT,
    Comparable,
    comparable_bytes,
    comparable_element,
    comparable_number,
    comparable_text,
)
from voxelry.dicom.headers.elements import EncodedValue
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.json_values import readable_elements

Column: TypeAlias = Mapping[Frame, Comparable]
Columns: TypeAlias = dict[Attribute, Column]

DIFFUSION = standard("DiffusionBValue")
"""b-value, direction and directionality together."""
_PARTS_OF_DIFFUSION = frozenset(("DiffusionBValue", "DiffusionGradientOrientation", "DiffusionDirectionality"))
_MAKERS_DIFFUSION = frozenset((
    0x0019000C, 0x0019000E, 0x00430039, 0x001900BB, 0x001900BC, 0x001900BD, 0x20010003, 0x20010004,
    0x200500B0, 0x200500B1, 0x200500B2, 0x00650009, 0x00650037,
))  # fmt: skip
"""Where makers keep b-values and directions: see `makers_diffusion`."""
_UNWEIGHTED: Comparable = (0.0, "none")
"""As `diffusion_of` has a b-value of 0."""
_PIXELS = 0x7FE00000


class Varying:
    """The columns of the attributes in which frames differ, in their order of precedence."""

    def __init__(self, frames: Sequence[Frame], columns: Columns, times: Columns | None = None) -> None:
        self._frames = frames
        self._columns = columns
        self._times = times

    def of(self, frames: Sequence[Frame]) -> Varying:
        """Those in which some of the frames differ."""
        times = None if self._times is None else _differing(frames, self._times)
        return Varying(frames, _differing(frames, self._columns), times)

    @cached_property
    def attributes(self) -> tuple[Attribute, ...]:
        """All but times."""
        return tuple(sorted(self._columns, key=lambda one: one.order))

    @cached_property
    def times(self) -> tuple[Attribute, ...]:
        """The acquisition times."""
        return tuple(sorted(self._time_columns, key=lambda one: one.order))

    def column(self, attribute: Attribute) -> Column:
        """The value of each frame."""
        return self._columns[attribute] if attribute in self._columns else self._time_columns[attribute]

    @property
    def _time_columns(self) -> Columns:
        if self._times is None:
            self._times = _differing(self._frames, _times(self._frames))
        return self._times


def varying(frames: Sequence[Frame]) -> Varying:
    """Compare the headers and functional groups of frames."""
    columns: Columns = {**_of_headers(frames), **group_columns(frames)}
    headers = _headers(frames)
    columns |= {
        standard(keyword): {frame: _number(frame.value(keyword)) for frame in frames}
        for keyword in VECTORS
        if any(keyword in header.elements for header in headers)
    }
    _add_dimensions(columns, frames)
    columns = _differing(frames, columns)
    if any(map(_is_of_diffusion, columns)) or any(map(_is_weighted, (frames[0], frames[-1]))):
        _add_diffusion(columns, frames)
    return Varying(frames, columns)


def _differing(frames: Sequence[Frame], columns: Columns) -> Columns:
    return {one: column for one, column in columns.items() if len(set(map(column.__getitem__, frames))) > 1}


def _add_dimensions(columns: Columns, frames: Sequence[Frame]) -> None:
    """An enhanced object's own dimensions; with the values that they count instead of numbers, where those are told."""
    dimensions = dimensions_of(frames)
    indices = dimension_indices(frames) if dimensions else []
    for dimension in dimensions:
        own = Attribute((0x00209157, dimension.place), name=dimension.keyword, dimension=True)
        place = dimension.place
        words = [its[place] if place < len(its) else None for its in indices]
        known = {word: ABSENT if word is None else ("index", float(word)) for word in set(words)}
        column: Column = dict(zip(frames, map(known.__getitem__, words), strict=True))
        for counted in [one for one in columns if one.name == own.name and not one.dimension]:
            values = columns[counted]
            pairs = set(zip(map(column.__getitem__, frames), map(values.__getitem__, frames), strict=True))
            if len(pairs) == len({index for index, _ in pairs}) == len({value for _, value in pairs}):
                column = columns.pop(counted)
        columns[own] = column


def _is_of_diffusion(attribute: Attribute) -> bool:
    return attribute.name in _PARTS_OF_DIFFUSION or attribute.path[-1] in _MAKERS_DIFFUSION


def _is_weighted(frame: Frame) -> bool:
    """True if a frame has a b-value above 0; where only a CSA header or a comment tells it, it is no column."""
    weighting = weighting_of(frame)
    return weighting is not None and weighting.b_value > 0


def _add_diffusion(columns: Columns, frames: Sequence[Frame]) -> None:
    values = [diffusion_of(frame) for frame in frames]
    if any(map(_is_weighted, frames)):
        pairs = zip(values, frames, strict=True)
        values = [_UNWEIGHTED if not value and says_zero(frame) else value for value, frame in pairs]
    same = alike(values)
    diffusion = {frame: same[value] for frame, value in zip(frames, values, strict=True)}
    if len(set(diffusion.values())) > 1:
        for one in [one for one in columns if one.name in _PARTS_OF_DIFFUSION]:
            del columns[one]
        columns[DIFFUSION] = diffusion


def _times(frames: Sequence[Frame]) -> Columns:
    columns: Columns = {}
    for keyword in TIMES:
        clock = clock_of(frames, keyword) if keyword in CLOCKS else None
        if clock is not None:
            columns[standard(keyword)] = {frame: (seconds,) for frame, seconds in clock.items()}
            continue
        values = of_each(frames, partial(_time_of, keyword))
        if all(values):  # an unreadable time gives no order, but its text may separate
            columns[standard(keyword)] = dict(zip(frames, values, strict=True))
    return columns


def _time_of(keyword: str, frame: Frame) -> Comparable:
    return comparable_text(frame.value(keyword), numbers=keyword not in CLOCKS)


def _number(words: str) -> Comparable:
    return (comparable_number(float(words)),) if words else ABSENT


def _headers(frames: Iterable[Frame]) -> list[Header]:
    return headers_of(frames)


# --- headers ----------------------------------------------------------------------------------------------------------

_Row: TypeAlias = Mapping[int, "EncodedValue | Comparable"]


def _of_headers(frames: Sequence[Frame]) -> Columns:
    headers = _headers(frames)
    if len(headers) == 1:
        return {}
    rows = [_row(header) for header in headers]
    columns: dict[Attribute, dict[Header, Comparable]] = {}
    for tag in set[int]().union(*rows):
        cells = [row.get(tag) for row in rows]
        if cells.count(cells[0]) == len(cells) or is_noise(tag):
            continue
        if _vr(tag, b"" if cells[0] is None else _written(cells[0]), "") == b"SQ":
            _add_nested(columns, tag, headers)
            continue
        for attribute, learn in _readers(tag, rows):
            known = {cell: learn(cell) for cell in set(cells)}
            if None not in known.values():
                column = columns.setdefault(attribute, dict.fromkeys(headers, ABSENT))
                column.update(
                    {
                        header: known[cell] or ABSENT
                        for header, row, cell in zip(headers, rows, cells, strict=True)
                        if cell is not None and _creator(tag, row) == attribute.creator
                    }
                )
    return {one: {frame: column[frame.header] for frame in frames} for one, column in columns.items()}


def _row(header: Header) -> _Row:
    """The values of an instance: bytes, or comparable values if only pydicom can read the file."""
    encoded = header.elements.encoded
    if encoded is not None:
        return encoded
    found: dict[int, EncodedValue | Comparable] = {}
    for element in readable_elements(header.elements.dataset):
        value = ABSENT if element.VR == "SQ" else comparable_element(element)
        if value is not None and element.tag < _PIXELS:
            found[int(element.tag)] = (b"SQ", repr(element.value).encode()) if element.VR == "SQ" else ("", *value)
    return found


def _written(cell: EncodedValue | Comparable) -> bytes:
    return cell[0] if len(cell) == 2 and isinstance(cell[0], bytes) else b""


def _readers(
    tag: int, rows: Sequence[_Row]
) -> list[tuple[Attribute, Callable[[EncodedValue | Comparable | None], Comparable | None]]]:
    """The attributes that a tag is; several where instances reserved its block for different creators."""
    creators = {_creator(tag, row) for row in rows if tag in row} if tag >> 16 & 1 else {""}
    return [(attribute_at((tag,), creator), _learner(tag, creator)) for creator in sorted(creators)]


def _learner(tag: int, creator: str) -> Callable[[EncodedValue | Comparable | None], Comparable | None]:
    def learn(cell: EncodedValue | Comparable | None) -> Comparable | None:
        if cell is None:
            return ABSENT
        if cell[0] == "":  # read by pydicom
            return cell[1:]
        vr, content = cell
        assert isinstance(vr, bytes) and isinstance(content, bytes)  # noqa: S101, PT018 - what a Raw is
        return comparable_bytes(_vr(tag, vr, creator), content)

    return learn


def _creator(tag: int, row: _Row) -> str:
    """The private creator of an attribute."""
    if not tag >> 16 & 1:
        return ""
    cell = row.get(tag & 0xFFFF0000 | (tag & 0xFFFF) >> 8)
    if cell is None:
        return ""
    content = cell[1] if len(cell) > 1 else b""
    words = content.decode("latin-1") if isinstance(content, bytes) else str(content)
    return words.split("\\")[0].strip("\0 ")


def _vr(tag: int, written: bytes, creator: str) -> bytes:
    if written and written != b"UN":
        return written
    try:
        if tag >> 16 & 1:
            return private_dictionary_VR(tag, creator).encode() if creator else b""
        return dictionary_VR(tag).encode()[:2]
    except KeyError:
        return written


def _add_nested(columns: dict[Attribute, dict[Header, Comparable]], tag: int, headers: Sequence[Header]) -> None:
    for header in headers:
        dataset = header.elements.dataset
        if tag not in dataset.keys():  # noqa: SIM118 - the keys hold tags; the dataset would look each one up
            continue
        for attribute, value in nested_attributes(dataset, only=tag).items():
            columns.setdefault(attribute, dict.fromkeys(headers, ABSENT))[header] = value
