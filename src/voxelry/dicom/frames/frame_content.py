"""Frame Content of all frames of an instance, column by column: grouping, steps in time and slice times ask for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from weakref import WeakKeyDictionary

from pydicom.datadict import tag_for_keyword

from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.headers.attributes import item_attributes
from voxelry.dicom.headers.elements import Elements
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.item_columns import Column, item_columns

FRAME_CONTENT = 0x00209111
_CHARACTER_SET = 0x00080005
_READ = frozenset(
    int(tag_for_keyword(keyword) or 0)
    for keyword in (
        "CardiacCyclePosition", "DimensionIndexValues", "FrameAcquisitionDateTime", "RespiratoryCyclePosition",
        "StackID", "TemporalPositionIndex",
    )
)  # fmt: skip
"""What is read together, at the first question for any of them."""
_Contents = tuple[Mapping[int, int], Mapping[int, Column]]
"""In which row of the columns each functional group is, by its id, and the columns."""
_KNOWN: WeakKeyDictionary[Header, _Contents | None] = WeakKeyDictionary()


def content_columns(frames: Sequence[Frame], tags: Collection[int]) -> Mapping[int, Column] | None:
    """Some attributes of Frame Content.

    Parameters
    ----------
    tags
        Of those that are read here.

    Returns
    -------
    columns
        For each of the tags a value for each frame, None for one that lacks it. None altogether if the frames are of
        several instances, one has no Frame Content of its own, or the instance's are unusual.
    """
    header = frames[0].header
    if any(frame.header is not header for frame in frames):
        return None
    if header not in _KNOWN:
        _KNOWN[header] = _read(header)
    known = _KNOWN[header]
    if known is None:
        return None
    row_of, columns = known
    rows = [row_of.get(id(frame.groups[0])) if frame.groups else None for frame in frames]
    if None in rows:
        return None
    return {tag: [*map(columns[tag].__getitem__, rows)] for tag in tags}  # type: ignore[arg-type]


def _read(header: Header) -> _Contents | None:
    groups = [
        (group, cell)
        for group in item_attributes(header.elements, "PerFrameFunctionalGroupsSequence")
        if isinstance(group, Elements) and group.encoded and (cell := group.encoded.get(FRAME_CONTENT)) is not None
    ]
    columns = item_columns([cell for _, cell in groups], (*_READ, _CHARACTER_SET)) if groups else None
    if columns is None or any(columns[_CHARACTER_SET]):
        return None
    return {id(group): row for row, (group, _) in enumerate(groups)}, columns
