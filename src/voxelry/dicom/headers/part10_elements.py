"""The elements of a Part 10 file, read one by one without pydicom (PS3.5 7.1, 7.5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from pydicom.uid import UID

from voxelry.dicom.headers.elements import EncodedValue
from voxelry.dicom.headers.value_representations import LONG_VRS, PIXEL_TAGS, SHORT_VRS, dictionary_vr

ELEMENTS_START = 132
"""Where the first element begins: after the preamble of 128 bytes and the prefix ``DICM`` (PS3.10 7.1)."""
UNDEFINED_LENGTH = 0xFFFFFFFF
FIRST_TAG = 0x00080000
"""The data set begins here; smaller tags are File Meta Information."""
NO_TAG = 1 << 32
"""Greater than every tag: read to the end of the header."""
ITEM, ITEM_END, _SEQUENCE_END = b"\xfe\xff\x00\xe0", b"\xfe\xff\x0d\xe0", b"\xfe\xff\xdd\xe0"
_VRS = SHORT_VRS | LONG_VRS
_MAX_DEPTH = 32
_MAX_KNOWN = 20_000

More = Callable[[int], bytes]
"""Returns the file's first bytes: the number asked for or more, fewer only if the file is shorter."""


class UnusualFileError(Exception):
    """The file is not a plain Part 10 file: pydicom has to read it."""


class ShortBufferError(Exception):
    """The buffer ends within a sequence; more of the file has to be read."""


@dataclass(frozen=True, slots=True)
class PixelBytes:
    """Where the pixels are in a file.

    Attributes
    ----------
    keyword
        Of the attribute that holds them: PixelData, FloatPixelData or DoubleFloatPixelData.
    offset
        Where the attribute's value begins, in bytes; None if the file is deflated.
    length
        Of the value, in bytes; None for encapsulated frames (undefined length).
    """

    keyword: str
    offset: int | None
    length: int | None


class Part10Header(NamedTuple):
    """The header of a plain Part 10 file.

    Attributes
    ----------
    meta
        The File Meta Information (group 2), by tag.
    encoded
        The data set before the pixels, by tag, in the file's order.
    """

    transfer_syntax_uid: UID
    meta: dict[int, EncodedValue]
    encoded: dict[int, EncodedValue]
    pixel_bytes: PixelBytes | None


@dataclass(slots=True)
class Cursor:
    """Position of a reader in a file.

    Attributes
    ----------
    buffer
        The file's first bytes.
    at
        Where the next element begins.
    size
        Of the file, in bytes.
    more
        Reads more of the file.
    last
        Tag of the element before.
    pixels
        Set when the reader reaches the pixels.
    """

    buffer: bytes
    at: int
    size: int
    more: More
    last: int = FIRST_TAG - 1
    pixels: PixelBytes | None = None

    def grow(self, needed: int) -> bytes:
        """Read on until the buffer holds ``needed`` bytes; returns the buffer.

        Raises
        ------
        UnusualFileError
            If the file is shorter than that.
        """
        if needed > self.size:  # an element that ends behind the end of the file
            raise UnusualFileError
        self.buffer = self.more(needed)
        if len(self.buffer) < needed:  # the file became shorter while it was read
            raise UnusualFileError
        return self.buffer


Reader = Callable[[Cursor, dict[int, EncodedValue], int, "list[tuple[int, int]] | None"], None]
"""Reads the elements from a cursor to a tag (exclusive) into the dict, and lists each one's tag and start."""


_Known = tuple[int, bytes, bool]
_known: dict[bytes, _Known] = {}
"""By the six bytes of an element's tag and VR: the tag, the VR, and whether its length has 4 bytes."""


def _learn(key: bytes) -> _Known:
    vr = key[4:]
    if vr not in SHORT_VRS and vr not in LONG_VRS:
        raise UnusualFileError
    tag = int.from_bytes(key[:2], "little") << 16 | int.from_bytes(key[2:4], "little")
    if tag < 0x00020000 or tag >= 0xFFFE0000:
        raise UnusualFileError
    found = tag, vr, vr in LONG_VRS
    if len(_known) < _MAX_KNOWN:
        _known[key] = found
    return found


def known_element(key: bytes) -> _Known:
    """The tag and VR of an explicit element, and whether its length has 4 bytes, by its first six bytes.

    Raises
    ------
    UnusualFileError
        If they are none.
    """
    return _known.get(key) or _learn(key)


def read_file_meta(head: bytes, meta: dict[int, EncodedValue], spans: list[tuple[int, int]]) -> int:
    """Read the File Meta Information (group 2), which is always explicit; returns where it ends."""
    at, last = ELEMENTS_START, 0
    while head[at : at + 2] == b"\x02\x00":
        key = head[at : at + 6]
        tag, vr, long = _known.get(key) or _learn(key)
        spans.append((tag, at))
        start = at + 12 if long else at + 8
        length = int.from_bytes(head[start - 4 : start] if long else head[start - 2 : start], "little")
        at = start + length
        if tag <= last or at + 8 > len(head):
            raise UnusualFileError
        last = tag
        meta[tag] = vr, head[start:at]
    return at


def read_explicit(
    cursor: Cursor, encoded: dict[int, EncodedValue], stop: int, spans: list[tuple[int, int]] | None
) -> None:
    """Read explicit VR elements; a `Reader`."""
    known = _known.get
    buffer, at, last, size = cursor.buffer, cursor.at, cursor.last, cursor.size
    end = len(buffer)
    while True:
        if at + 12 > end and end < size:
            buffer = cursor.grow(at + 12)
            end = len(buffer)
        key = buffer[at : at + 6]
        found = known(key)
        if found is None:
            if at == size:
                break
            found = _learn(key)
        tag, vr, long = found
        if tag >= stop:
            break
        if tag <= last or at + 8 > end:
            raise UnusualFileError
        if spans is not None:
            spans.append((tag, at))
        if long:
            start = at + 12
            if start > end:
                raise UnusualFileError
            length = int.from_bytes(buffer[at + 8 : start], "little")
            if tag in PIXEL_TAGS:
                cursor.pixels = PixelBytes(PIXEL_TAGS[tag], start, None if length == UNDEFINED_LENGTH else length)
                break
            if length == UNDEFINED_LENGTH:
                if vr != b"SQ":
                    raise UnusualFileError
                next_ = _skip_sequence(cursor, start, explicit=True)
                buffer, end = cursor.buffer, len(cursor.buffer)
                encoded[tag] = vr, buffer[start : next_ - 8]
                last, at = tag, next_
                continue
        else:
            if tag in PIXEL_TAGS:
                raise UnusualFileError
            start = at + 8
            length = buffer[at + 6] | buffer[at + 7] << 8
        next_ = start + length
        if next_ > end:
            buffer = cursor.grow(next_)
            end = len(buffer)
        encoded[tag] = vr, buffer[start:next_]
        last, at = tag, next_
    cursor.at, cursor.last = at, last


def read_implicit(
    cursor: Cursor, encoded: dict[int, EncodedValue], stop: int, spans: list[tuple[int, int]] | None
) -> None:
    """Read implicit VR elements; a `Reader`."""
    buffer, at, last, size = cursor.buffer, cursor.at, cursor.last, cursor.size
    end = len(buffer)
    if (
        buffer[at + 4 : at + 6] in _VRS and last < FIRST_TAG
    ):  # the elements are explicit, whatever the transfer syntax says
        raise UnusualFileError
    while True:
        if at + 8 > end:
            if at == size:
                break
            buffer = cursor.grow(at + 8)
            end = len(buffer)
        tag = buffer[at + 1] << 24 | buffer[at] << 16 | buffer[at + 3] << 8 | buffer[at + 2]
        length = int.from_bytes(buffer[at + 4 : at + 8], "little")
        if tag >= stop:
            break
        if tag <= last or tag >= 0xFFFE0000:
            raise UnusualFileError
        if spans is not None:
            spans.append((tag, at))
        start = at + 8
        if tag in PIXEL_TAGS:
            if buffer[at + 4 : at + 6] in (b"OB", b"OW", b"OF", b"OD"):  # an explicit element in an implicit file
                raise UnusualFileError
            cursor.pixels = PixelBytes(PIXEL_TAGS[tag], start, None if length == UNDEFINED_LENGTH else length)
            break
        if length == UNDEFINED_LENGTH:
            if dictionary_vr(tag) != b"SQ":
                raise UnusualFileError
            next_ = _skip_sequence(cursor, start, explicit=False)
            buffer, end = cursor.buffer, len(cursor.buffer)
            encoded[tag] = b"", buffer[start : next_ - 8]
            last, at = tag, next_
            continue
        next_ = start + length
        if next_ > end:
            buffer = cursor.grow(next_)
            end = len(buffer)
        encoded[tag] = b"", buffer[start:next_]
        last, at = tag, next_
    cursor.at, cursor.last = at, last


def _skip_sequence(cursor: Cursor, start: int, *, explicit: bool) -> int:
    """Where a sequence of undefined length ends, its delimiter included; reads on as needed."""
    while True:
        try:
            return end_of_sequence(cursor.buffer, start, 0, explicit=explicit)
        except ShortBufferError:
            cursor.grow(len(cursor.buffer) + 1)


def end_of_sequence(buffer: bytes, at: int, depth: int, *, explicit: bool) -> int:
    """Where a sequence of undefined length that begins at a byte ends, its delimiter included.

    Raises
    ------
    UnusualFileError
        If it cannot be read.
    ShortBufferError
        If the bytes end before it does.
    """
    if depth > _MAX_DEPTH:
        raise UnusualFileError
    end = len(buffer)
    while True:
        if at + 8 > end:
            raise ShortBufferError
        tag, length = buffer[at : at + 4], int.from_bytes(buffer[at + 4 : at + 8], "little")
        at += 8
        if tag == _SEQUENCE_END:
            if length:
                raise UnusualFileError
            return at
        if tag != ITEM:
            raise UnusualFileError
        at = _end_of_item(buffer, at, None if length == UNDEFINED_LENGTH else at + length, depth, explicit=explicit)


def _end_of_item(buffer: bytes, at: int, stop: int | None, depth: int, *, explicit: bool) -> int:
    """Where an item ends; an item of defined length must end with its last element, because pydicom requires it."""
    end = len(buffer)
    while at != stop:
        if stop is not None and at > stop:
            raise UnusualFileError
        if at + 12 > end:
            raise ShortBufferError
        tag = buffer[at : at + 4]
        if tag == ITEM_END:
            if buffer[at + 4 : at + 8] != b"\0\0\0\0" or stop is not None:
                raise UnusualFileError
            return at + 8
        vr = buffer[at + 4 : at + 6]
        if not explicit:
            length, at = int.from_bytes(buffer[at + 4 : at + 8], "little"), at + 8
            nested = buffer[at : at + 4] in (ITEM, _SEQUENCE_END)
        elif vr in SHORT_VRS:
            length, at, nested = buffer[at + 6] | buffer[at + 7] << 8, at + 8, False
        elif vr in LONG_VRS:
            length, at, nested = int.from_bytes(buffer[at + 8 : at + 12], "little"), at + 12, vr == b"SQ"
        else:
            raise UnusualFileError
        if length != UNDEFINED_LENGTH:
            at += length
        elif nested:
            if not explicit and dictionary_vr(tag[1] << 24 | tag[0] << 16 | tag[3] << 8 | tag[2]) not in (b"SQ", b""):
                raise UnusualFileError  # pydicom takes all up to the next delimiter for its value
            at = end_of_sequence(buffer, at, depth + 1, explicit=explicit)
        else:
            raise UnusualFileError
    return at
