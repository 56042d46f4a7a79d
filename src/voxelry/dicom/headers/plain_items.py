"""Items of a sequence in a plain Part 10 file, read from the bytes of its value (PS3.5 7.5)."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple

from voxelry.dicom.headers.elements import EncodedValue
from voxelry.dicom.headers.part10_elements import (
    FIRST_TAG,
    ITEM,
    ITEM_END,
    UNDEFINED_LENGTH,
    ShortBufferError,
    UnusualFileError,
    end_of_sequence,
    known_element,
)

ITEM_HEAD = 8
"""Bytes of an item's tag and length."""


def plain_items(sequence: EncodedValue) -> list[dict[int, EncodedValue]] | None:
    """The items of a sequence, each with its elements by tag; None if anything in it is unusual.

    Like `read_part10` it guesses nothing: what deviates is left to pydicom.
    """
    vr, value = sequence
    explicit, at, end = bool(vr), 0, len(value)
    found: list[dict[int, EncodedValue]] = []
    try:
        while at < end:
            if value[at : at + 4] != ITEM:
                return None
            length = int.from_bytes(value[at + 4 : at + 8], "little")
            at += 8
            stop = None if length == UNDEFINED_LENGTH else at + length
            if stop is not None and stop > end:
                return None
            known = _layouts.get(length) if explicit and stop is not None else None
            item = {} if known is None else known.read(value, at)
            if item and stop is not None:
                at = stop
            else:
                begin = at
                at = (_explicit_item if explicit else _implicit_item)(value, at, stop, item)
                if explicit and stop is not None:
                    _learn_layout(value, begin, length, item)
            found.append(item)
    except (UnusualFileError, ShortBufferError):
        return None
    return found


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the elements of an item lie, without their values: most items of a sequence of thousands are alike.

    Attributes
    ----------
    fields
        The head of each element (tag, VR, length) and its value, in turn.
    heads
        What the heads must be, byte for byte, so that the values lie where these are.
    tried
        How many layouts items of this length had before.
    """

    fields: Struct
    heads: tuple[bytes, ...]
    tags: tuple[int, ...]
    vrs: tuple[bytes, ...]
    tried: int

    def read(self, value: bytes, at: int) -> dict[int, EncodedValue]:
        """The elements of the item that begins here; empty if it has another layout."""
        read = self.fields.unpack_from(value, at)
        if read[::2] != self.heads:
            return {}
        return dict(zip(self.tags, zip(self.vrs, read[1::2], strict=True), strict=True))


_layouts: dict[int, _Layout] = {}
"""By the length of the item; they hold no values."""
_MOST_LAYOUTS = 1024
_MOST_TRIED = 64
"""Items of one length with more layouts than this are read one by one."""


def _learn_layout(value: bytes, at: int, length: int, item: dict[int, EncodedValue]) -> None:
    """Remember the layout of an item that was read element by element."""
    before = _layouts.get(length)
    tried = 0 if before is None else before.tried + 1
    if not item or tried > _MOST_TRIED or (before is None and len(_layouts) >= _MOST_LAYOUTS):
        return
    spans = _spans(value, at, length, item)
    if spans is None:
        return
    heads, form = [], "<"
    for span in spans:
        heads.append(value[at : span.start])
        form += f"{span.start - at}s{span.stop - span.start}s"
        at = span.stop
    _layouts[length] = _Layout(Struct(form), tuple(heads), tuple(item), tuple(vr for vr, _ in item.values()), tried)


class Span(NamedTuple):
    """Where the value of an element lies among some bytes."""

    tag: int
    vr: bytes
    start: int
    stop: int


def item_spans(value: bytes, *, nested: bool = False) -> list[Span] | None:
    """Where the elements of the only item of an explicit sequence lie; None if there is another number of items.

    Also None for an item that is empty, unusual or of undefined length, or that holds a sequence.

    Parameters
    ----------
    nested
        True if the item may hold sequences, but none of undefined length.
    """
    item = _only_item(value) if nested else only_plain_item(value)
    length = int.from_bytes(value[4:ITEM_HEAD], "little")
    return _spans(value, ITEM_HEAD, length, item) if item and length == len(value) - ITEM_HEAD else None


def only_plain_item(value: bytes) -> dict[int, EncodedValue] | None:
    """The only item of an explicit sequence; None if there is another number of items, or it holds a sequence."""
    item = _only_item(value)
    return None if item is None or any(vr == b"SQ" for vr, _ in item.values()) else item


def _only_item(value: bytes) -> dict[int, EncodedValue] | None:
    items = plain_items((b"SQ", value))
    return None if items is None or len(items) != 1 else items[0]


def _spans(value: bytes, at: int, length: int, item: dict[int, EncodedValue]) -> list[Span] | None:
    """Where the values of an item lie; None for a sequence of undefined length, or a tag that is there twice."""
    found, stop = [], at + length
    for tag, (vr, content) in item.items():
        long = known_element(value[at : at + 6])[2]
        declared = int.from_bytes(value[at + 8 : at + 12] if long else value[at + 6 : at + 8], "little")
        if declared != len(content) or _tag_at(value, at) != tag:
            return None
        at += 12 if long else 8
        found.append(Span(tag, vr, at, at + declared))
        at += declared
    return found if at == stop else None


def _tag_at(value: bytes, at: int) -> int:
    """The tag of the element that begins here."""
    return value[at + 1] << 24 | value[at] << 16 | value[at + 3] << 8 | value[at + 2]


def _explicit_item(value: bytes, at: int, stop: int | None, item: dict[int, EncodedValue]) -> int:
    """Read the elements of an item into a dict; returns where the item ends."""
    end = len(value) if stop is None else stop
    while at != stop:
        if at + 8 > end:
            raise UnusualFileError
        if value[at : at + 4] == ITEM_END:
            return _after_delimiter(value, at, stop)
        tag, vr, long = known_element(value[at : at + 6])
        if not long:
            start, length = at + 8, value[at + 6] | value[at + 7] << 8
        else:
            start, length = at + 12, int.from_bytes(value[at + 8 : at + 12], "little")
            if length == UNDEFINED_LENGTH:
                if vr != b"SQ":
                    raise UnusualFileError
                at = end_of_sequence(value, start, 1, explicit=True)
                item[tag] = vr, value[start : at - 8]
                continue
        at = start + length
        if at > end:
            raise UnusualFileError
        item[tag] = vr, value[start:at]
    return at


def _implicit_item(value: bytes, at: int, stop: int | None, item: dict[int, EncodedValue]) -> int:
    """The same, without value representations."""
    end = len(value) if stop is None else stop
    while at != stop:
        if at + 8 > end:
            raise UnusualFileError
        if value[at : at + 4] == ITEM_END:
            return _after_delimiter(value, at, stop)
        tag = _tag_at(value, at)
        start, length = at + 8, int.from_bytes(value[at + 4 : at + 8], "little")
        if tag < FIRST_TAG or tag >= 0xFFFE0000:
            raise UnusualFileError
        if length == UNDEFINED_LENGTH:
            at = end_of_sequence(value, start, 1, explicit=False)
            item[tag] = b"", value[start : at - 8]
            continue
        at = start + length
        if at > end:
            raise UnusualFileError
        item[tag] = b"", value[start:at]
    return at


def _after_delimiter(value: bytes, at: int, stop: int | None) -> int:
    if stop is not None or value[at + 4 : at + 8] != b"\0\0\0\0":
        raise UnusualFileError
    return at + 8
