"""Elements of many sequences that hold one item each, by tag: thousands of frames have items of one layout."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from itertools import repeat

import numpy as np
import numpy.typing as npt

from voxelry.dicom.headers.alike_items import of_one_layout
from voxelry.dicom.headers.elements import EncodedValue
from voxelry.dicom.headers.plain_items import Span, item_spans, only_plain_item

Column = list[EncodedValue | None]


def item_columns(sequences: Sequence[EncodedValue], tags: Collection[int]) -> Mapping[int, Column] | None:
    """Some elements of the only item of each sequence.

    Items of one layout are compared and cut together, as the rows of a table of bytes.

    Parameters
    ----------
    sequences
        Explicit, and of a plain Part 10 file.

    Returns
    -------
    columns
        For each of the tags a value for each sequence, None for an item that lacks it. None altogether if a sequence
        has not one item, holds a sequence, or is unusual.
    """
    columns: dict[int, Column] = {tag: [None] * len(sequences) for tag in tags}
    places: dict[int, list[int]] = defaultdict(list)
    for place, (vr, value) in enumerate(sequences):
        if vr != b"SQ":
            return None
        places[len(value)].append(place)
    for own in places.values():
        values = [sequences[place][1] for place in own]
        spans = item_spans(values[0])
        rest: Sequence[int] = range(len(own))
        if spans is not None:
            table = np.frombuffer(b"".join(values), np.uint8).reshape(len(own), -1)
            alike = of_one_layout(table, spans)
            rest = np.flatnonzero(~alike).tolist()
            alike_places = own if not rest else [place for place, same in zip(own, alike, strict=True) if same]
            _cut(table if not rest else table[alike], spans, alike_places, columns)
        for number in rest:
            item = only_plain_item(values[number])
            if item is None:
                return None
            for tag, column in columns.items():
                column[own[number]] = item.get(tag)
    return columns


def _cut(
    table: npt.NDArray[np.uint8], spans: Sequence[Span], places: Sequence[int], columns: Mapping[int, Column]
) -> None:
    """Put what lies at the spans of the wanted elements into their columns."""
    for span in spans:
        column = columns.get(span.tag)
        if column is None:
            continue
        part, size = table[:, span.start : span.stop], span.stop - span.start
        if (part == part[:1]).all():
            cell = span.vr, part[0].tobytes()
            if len(places) == len(column):
                column[:] = [cell] * len(places)
                continue
            for place in places:
                column[place] = cell
            continue
        values = np.ascontiguousarray(part).view(f"V{size}").ravel().tolist()
        if len(places) == len(column):
            column[:] = zip(repeat(span.vr), values, strict=False)
            continue
        for place, value in zip(places, values, strict=True):
            column[place] = span.vr, value
