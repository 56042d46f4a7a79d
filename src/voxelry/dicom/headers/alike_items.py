"""Items of few layouts, read together: of an object with thousands of frames nearly all items are alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from struct import Struct

import numpy as np
import numpy.typing as npt

from voxelry.dicom.headers.elements import EncodedValue
from voxelry.dicom.headers.part10_elements import ITEM
from voxelry.dicom.headers.plain_items import ITEM_HEAD, Span, item_spans, plain_items

_FEWEST = 16
"""Fewer items are read one by one as fast."""
_MOST_LAYOUTS = 8
"""Items of one size with more layouts than this are read one by one."""

_HEAD = Struct("<4sI").unpack_from
"""Tag and length of an item."""

Item = dict[int, EncodedValue]


def alike_items(sequence: EncodedValue) -> list[Item] | None:
    """As `plain_items`, by layout: the items of each are cut together, as the rows of a table of bytes.

    Elements that all items of one size have alike are one object. None if there are few items, something in them is
    unusual, or one has no defined length.
    """
    vr, value = sequence
    starts = _starts(value) if vr == b"SQ" else None
    if starts is None or len(starts) < _FEWEST:
        return None
    sizes: dict[int, list[int]] = defaultdict(list)
    for number, (start, stop) in enumerate(zip(starts, [*starts[1:], len(value)], strict=True)):
        sizes[stop - start].append(number)
    found: list[Item | None] = [None] * len(starts)
    known: dict[EncodedValue, EncodedValue] = {}
    for size, numbers in sizes.items():
        items = [value[starts[number] : starts[number] + size] for number in numbers]
        read = _of_one_size(items, known)
        if read is None:
            return None
        for number, item in zip(numbers, read, strict=True):
            found[number] = item
    return [item for item in found if item is not None]


def _starts(value: bytes) -> list[int] | None:
    """Where the items begin; None if they do not fill the value, or one is of undefined length."""
    starts, at, end = [], 0, len(value)
    while at + ITEM_HEAD <= end:
        tag, length = _HEAD(value, at)
        if tag != ITEM:
            return None
        starts.append(at)
        at += ITEM_HEAD + length
    return starts if at == end else None


def _of_one_size(items: Sequence[bytes], known: dict[EncodedValue, EncodedValue]) -> list[Item] | None:
    """The items, each given with its head; None if one is unusual."""
    found: list[Item | None] = [None] * len(items)
    left: Sequence[int] = range(len(items))
    for _ in range(_MOST_LAYOUTS):
        spans = item_spans(items[left[0]], nested=True) if len(left) >= _FEWEST else None
        if spans is None:
            break
        table = np.frombuffer(b"".join([items[number] for number in left]), np.uint8).reshape(len(left), -1)
        same = of_one_layout(table, spans)
        own, rest = left, list[int]()
        if not same.all():
            own = [number for number, fits in zip(left, same.tolist(), strict=True) if fits]
            rest = [number for number, fits in zip(left, same.tolist(), strict=True) if not fits]
            table = table[same]
        for number, item in zip(own, _rows(table, spans, known), strict=True):
            found[number] = item
        left = rest
        if not left:
            break
    for number in left:
        read = plain_items((b"SQ", items[number]))
        if read is None or len(read) != 1:
            return None
        found[number] = read[0]
    return [item for item in found if item is not None]


def of_one_layout(table: npt.NDArray[np.uint8], spans: Iterable[Span]) -> npt.NDArray[np.bool_]:
    """Which rows have the heads of the first: its item's, and each element's tag, VR and length.

    Parameters
    ----------
    table
        A row of bytes for each item, with its head; shape ``(n, bytes)``.
    spans
        Of the first.
    """
    same = np.ones(len(table), np.bool_)
    constant = (table == table[:1]).all(axis=0)
    begin = 0
    for span in spans:
        if not constant[begin : span.start].all():
            head = table[:, begin : span.start]
            same &= (head == head[:1]).all(axis=1)
        begin = span.stop
    return same


def _rows(
    table: npt.NDArray[np.uint8], spans: Sequence[Span], known: dict[EncodedValue, EncodedValue]
) -> Iterator[Item]:
    tags = [span.tag for span in spans]
    columns = [_cells(table, span, known) for span in spans]
    return (dict(zip(tags, cells, strict=True)) for cells in zip(*columns, strict=False))


def _cells(table: npt.NDArray[np.uint8], span: Span, known: dict[EncodedValue, EncodedValue]) -> Iterable[EncodedValue]:
    """The value of an element in each item."""
    part, size = table[:, span.start : span.stop], span.stop - span.start
    if (part == part[:1]).all():
        cell = span.vr, part[0].tobytes()
        return repeat(known.setdefault(cell, cell), len(table))
    values = np.ascontiguousarray(part).view(f"V{size}").ravel().tolist()
    return zip(repeat(span.vr), values, strict=False)
