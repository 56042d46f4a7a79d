"""Items of a sequence in a plain Part 10 file, read from the bytes of its value (PS3.5 7.5)."""

from __future__ import annotations

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
            item: dict[int, EncodedValue] = {}
            at = (_explicit_item if explicit else _implicit_item)(value, at, stop, item)
            found.append(item)
    except (UnusualFileError, ShortBufferError):
        return None
    return found


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
        tag = value[at + 1] << 24 | value[at] << 16 | value[at + 3] << 8 | value[at + 2]
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
