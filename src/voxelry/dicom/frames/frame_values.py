"""Values of one attribute of many frames, as text: what frames have in common is read once."""

from __future__ import annotations

from collections.abc import Sequence

from pydicom.datadict import tag_for_keyword

from voxelry.dicom.frames.frame import VALUE_GROUPS, VECTORS, Frame
from voxelry.dicom.frames.frame_content import FRAME_CONTENT, content_columns
from voxelry.dicom.frames.shared_frames import of_each
from voxelry.dicom.headers.attributes import plain_words, text
from voxelry.dicom.headers.elements import Elements
from voxelry.dicom.headers.item_columns import Column, item_columns

_CHARACTER_SET = 0x00080005


def values_of_frames(frames: Sequence[Frame], keyword: str) -> list[str]:
    """`Frame.value` of each frame; what many frames have in common is read once."""
    if keyword in VALUE_GROUPS:
        found = _group_words(frames, *VALUE_GROUPS[keyword])
        if found is None:
            return of_each(frames, lambda frame: frame.value(keyword))
        return [word or frame.value(keyword) for word, frame in zip(found, frames, strict=True)]
    if keyword in VECTORS:
        return [frame.value(keyword) for frame in frames]
    words = {header: text(header.elements, keyword) for header in {frame.header for frame in frames}}
    return [words[frame.header] for frame in frames]


def _group_words(frames: Sequence[Frame], sequence: str, keyword: str) -> list[str] | None:
    """What the first functional groups of plain frames of one instance say; None if these are none."""
    outer, inner = int(tag_for_keyword(sequence) or 0), int(tag_for_keyword(keyword) or 0)
    cells = _content_cells(frames, inner) if outer == FRAME_CONTENT else _group_cells(frames, outer, inner)
    if cells is None:
        return None
    around, distinct = frames[0].header.elements, set(cells)
    there = [cell for cell in distinct if cell is not None]
    words = plain_words(there)
    if words is None:
        words = [text(Elements({inner: cell}, around=around), keyword) for cell in there]
    known = dict(zip(there, words, strict=True))
    return [known.get(cell, "") for cell in cells]  # type: ignore[arg-type]


def _content_cells(frames: Sequence[Frame], inner: int) -> Column | None:
    columns = content_columns(frames, (inner,))
    return None if columns is None else columns[inner]


def _group_cells(frames: Sequence[Frame], outer: int, inner: int) -> Column | None:
    own = [frame.groups[0].encoded for frame in frames if frame.groups and isinstance(frame.groups[0], Elements)]
    cells = [cell for encoded in own if encoded is not None and (cell := encoded.get(outer)) is not None]
    if len(cells) < len(frames) or len({frame.header for frame in frames}) != 1:
        return None
    columns = item_columns(cells, (inner, _CHARACTER_SET))
    return None if columns is None or any(columns[_CHARACTER_SET]) else columns[inner]
