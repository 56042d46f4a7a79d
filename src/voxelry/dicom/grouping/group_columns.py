"""The attributes of functional groups of many frames, column by column: what repeats among them is read once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from voxelry.dicom.frames.frame import OF_PLACE, Frame
from voxelry.dicom.frames.frame_content import content_columns
from voxelry.dicom.grouping.nested_attributes import (
    FRAME_CONTENT,
    OF_FRAME_CONTENT,
    FunctionalGroups,
    Nested,
    UnusualGroupError,
)
from voxelry.dicom.grouping.separating_attributes import Attribute, is_noise
from voxelry.dicom.headers.comparable import ABSENT, Comparable
from voxelry.dicom.headers.elements import Elements, EncodedValue

_CHARACTER_SET = 0x00080005
_Columns = dict[Attribute, dict[Frame, Comparable]]


def group_columns(frames: Sequence[Frame]) -> _Columns:
    """The attributes of functional groups, a frame's own before those that all frames of its instance share.

    What is the same for all frames of one instance is left out: it is not even read.
    """
    if not any(frame.groups for frame in frames):
        return {}
    reader = FunctionalGroups()
    try:
        return _by_column(frames, reader)
    except UnusualGroupError:
        return _by_row(frames, reader)


def _by_row(frames: Sequence[Frame], reader: FunctionalGroups) -> _Columns:
    known: dict[int, Nested] = {}
    columns: _Columns = {}
    for frame in frames:
        for group in reversed(frame.groups):
            own = known.get(id(group))
            if own is None:
                own = known[id(group)] = reader.attributes(group)
            for attribute, value in own.items():
                column = columns.get(attribute)
                if column is None:
                    column = columns[attribute] = dict.fromkeys(frames, ABSENT)
                column[frame] = value
    return columns


def _by_column(frames: Sequence[Frame], reader: FunctionalGroups) -> _Columns:
    """The same of plain frames of one instance.

    Raises
    ------
    UnusualGroupError
        If they are none, or a private attribute lies in a group itself, whose creator may change.
    """
    first, own = frames[0], _own_groups(frames)
    around = own[0].around
    if around is None or any(frame.header is not first.header for frame in frames):
        raise UnusualGroupError
    shared: dict[Attribute, Comparable] = {}
    for group in reversed(first.groups[1:]):
        shared |= reader.attributes(group)
    columns: _Columns = {}
    for tag, cells in _cells(frames, own):
        for said, part in _parts(tag, cells, frames, reader, around):
            for attribute in {attribute for one in said.values() for attribute in one}:
                absent = shared.get(attribute, ABSENT)
                known = {cell: one.get(attribute, absent) for cell, one in said.items()}
                columns[attribute] = dict(zip(frames, map(known.__getitem__, part), strict=True))
    return columns


def _own_groups(frames: Sequence[Frame]) -> list[Elements]:
    """The frames' own groups, which are plain.

    Raises
    ------
    UnusualGroupError
        If one is not, or has a character set of its own.
    """
    own = [frame.groups[0] for frame in frames if frame.groups]
    plain = [group for group in own if isinstance(group, Elements) and group.encoded is not None]
    if len(plain) < len(frames) or any(_CHARACTER_SET in (group.encoded or ()) for group in plain):
        raise UnusualGroupError
    return plain


def _cells(frames: Sequence[Frame], own: Sequence[Elements]) -> Iterator[tuple[int, Sequence[EncodedValue | None]]]:
    """The elements in which the frames' own groups differ, as bytes; what kinds of frames share is compared by kind."""
    rows = [group.encoded or {} for group in own]
    kinds = {id(frame.common): frame.common for frame in frames}.values()
    of_kinds = [kind.encoded for kind in kinds if isinstance(kind, Elements) and kind.encoded is not None]
    tags = set[int]().union(*(of_kinds if len(of_kinds) == len(kinds) else rows))
    for tag in sorted(tags | set(OF_PLACE)):
        if tag not in OF_PLACE and len(of_kinds) == len(kinds) and _is_constant([kind.get(tag) for kind in of_kinds]):
            continue
        cells = [row.get(tag) for row in rows]
        if not _is_constant(cells):
            yield tag, cells


def _parts(
    tag: int,
    cells: Sequence[EncodedValue | None],
    frames: Sequence[Frame],
    reader: FunctionalGroups,
    around: Elements,
) -> Iterator[tuple[Mapping[EncodedValue | None, Nested], Sequence[EncodedValue | None]]]:
    """What one element of the groups says, by its bytes, and those of each frame; of Frame Content each attribute."""
    if tag == FRAME_CONTENT:  # nearly every frame has one of its own
        parts = content_columns(frames, OF_FRAME_CONTENT)
        if parts is not None:
            for part in sorted(part for part in OF_FRAME_CONTENT if not _is_constant(parts[part])):
                known = {
                    cell: {} if cell is None else reader.of_frame_content(part, cell, around)
                    for cell in set(parts[part])
                }
                yield known, parts[part]
            return
    own = {cell: {} if cell is None else _of_element(tag, cell, reader, around) for cell in set(cells)}
    yield own, cells


def _is_constant(cells: Sequence[EncodedValue | None]) -> bool:
    return cells.count(cells[0]) == len(cells)


def _of_element(tag: int, cell: EncodedValue, reader: FunctionalGroups, around: Elements) -> Nested:
    vr = cell[0].decode("latin-1")
    if tag >> 16 & 1 and vr != "SQ" and not is_noise(tag, vr):
        raise UnusualGroupError
    return reader.of_element(tag, cell, around)
