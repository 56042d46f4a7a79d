"""Headers of plain files, read without pydicom: Part 10, little endian, every element where it belongs.

Nearly all files are plain. Any doubt gives None, and pydicom reads the file: this reader never guesses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from pydicom.datadict import dictionary_VR
from pydicom.uid import UID

from voxelry.dicom.elements import Raw

LONG_VRS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
"""Value representations whose explicit length has 4 bytes (PS3.5 7.1.2)."""
SHORT_VRS = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
PIXEL_TAGS = {0x7FE00008: "FloatPixelData", 0x7FE00009: "DoubleFloatPixelData", 0x7FE00010: "PixelData"}
UNDEFINED = 0xFFFFFFFF

_EXPLICIT = "1.2.840.10008.1.2.1"
_IMPLICIT = "1.2.840.10008.1.2"
_ENCAPSULATED = ("1.2.840.10008.1.2.4.", "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.8.1")
_CHARACTER_SETS = frozenset({b"", b"ISO_IR 6", b"ISO_IR 100", b"ISO_IR 101", b"ISO_IR 144", b"ISO_IR 192"})
_ITEM, _ITEM_END, _SEQUENCE_END = b"\xfe\xff\x00\xe0", b"\xfe\xff\x0d\xe0", b"\xfe\xff\xdd\xe0"
_MAX_DEPTH = 32
_MAX_KNOWN = 20_000
_FIRST_TAG = 0x00080000
_CHARACTER_SET = 0x00080005
_TRANSFER_SYNTAX = 0x00020010

More = Callable[[int], bytes]
"""Gives the file's first bytes: at least this many, where there are."""


@dataclass(frozen=True, slots=True)
class PixelBytes:
    """Where the pixels lie: the keyword of their element, and its value's place in the file.

    ``offset`` is None where the file is deflated as a whole; ``length`` is None for encapsulated frames.
    """

    keyword: str
    offset: int | None
    length: int | None


@dataclass(frozen=True, slots=True)
class Plain:
    """What a plain file's header holds."""

    transfer_syntax_uid: UID
    meta: dict[int, Raw]
    raw: dict[int, Raw]
    pixel_bytes: PixelBytes | None


class _DoubtError(Exception):
    """This file is for pydicom."""


class _ShortError(Exception):
    """More of the file is needed."""


def read_plain(head: bytes, size: int, more: More) -> Plain | None:
    """The header of a plain file; None wherever anything is unusual.

    Parameters
    ----------
    head
        The file's first bytes.
    size
        Of the file.
    more
        Reads on; called only where the header goes beyond ``head``.

    References
    ----------
    PS3.5 7.1 (elements), 7.5 (sequences); PS3.10 7.1 (preamble and file meta information)
    """
    if head[128:132] != b"DICM":
        return None
    try:
        meta: dict[int, Raw] = {}
        at = _read_meta(head, meta)
        syntax = _syntax(meta[_TRANSFER_SYNTAX][1])
        raw: dict[int, Raw] = {}
        read = _read_implicit if syntax == _IMPLICIT else _read_explicit
        pixels = read(head, at, size, more, raw)
        if raw.get(_CHARACTER_SET, (b"", b""))[1].strip(b"\0 ") not in _CHARACTER_SETS:
            return None
    except (_DoubtError, KeyError):
        return None
    return Plain(syntax, meta, raw, pixels)


@cache
def _syntax_of(said: bytes) -> UID | None:
    name = said.rstrip(b"\0 ").decode("ascii", "replace")
    plain = name in (_EXPLICIT, _IMPLICIT) or name.startswith(_ENCAPSULATED[0]) or name in _ENCAPSULATED[1:]
    return UID(name) if plain else None


def _syntax(said: bytes) -> UID:
    found = _syntax_of(said) if len(said) <= 64 else None
    if found is None:
        raise _DoubtError
    return found


_Known = tuple[int, bytes, bool]
_known: dict[bytes, _Known] = {}
"""What six bytes of tag and VR mean: the tag, the VR, and whether its length has 4 bytes."""


def _learn(key: bytes) -> _Known:
    vr = key[4:]
    if vr not in SHORT_VRS and vr not in LONG_VRS:
        raise _DoubtError
    tag = int.from_bytes(key[:2], "little") << 16 | int.from_bytes(key[2:4], "little")
    if tag < 0x00020000 or tag >= 0xFFFE0000:
        raise _DoubtError
    found = tag, vr, vr in LONG_VRS
    if len(_known) < _MAX_KNOWN:
        _known[key] = found
    return found


def _read_meta(head: bytes, meta: dict[int, Raw]) -> int:
    """Group 2, always explicit; returns where it ends."""
    at, last = 132, 0
    while head[at : at + 2] == b"\x02\x00":
        key = head[at : at + 6]
        tag, vr, long = _known.get(key) or _learn(key)
        start = at + 12 if long else at + 8
        length = int.from_bytes(head[start - 4 : start] if long else head[start - 2 : start], "little")
        at = start + length
        if tag <= last or at + 8 > len(head):
            raise _DoubtError
        last = tag
        meta[tag] = vr, head[start:at]
    return at


def _read_explicit(buffer: bytes, at: int, size: int, more: More, raw: dict[int, Raw]) -> PixelBytes | None:
    known = _known.get
    last = _FIRST_TAG - 1
    end = len(buffer)
    while True:
        if at + 12 > end and end < size:
            buffer = more(at + 12)
            end = _grown(buffer, end)
        key = buffer[at : at + 6]
        found = known(key)
        if found is None:
            if at == size:
                return None
            found = _learn(key)
        tag, vr, long = found
        if tag <= last or at + 8 > end:
            raise _DoubtError
        last = tag
        if long:
            start = at + 12
            if start > end:
                raise _DoubtError
            length = int.from_bytes(buffer[at + 8 : start], "little")
            if tag in PIXEL_TAGS:
                return PixelBytes(PIXEL_TAGS[tag], start, None if length == UNDEFINED else length)
            if length == UNDEFINED:
                if vr != b"SQ":
                    raise _DoubtError
                buffer, stop = _sequence(buffer, start, size, more, explicit=True)
                end = len(buffer)
                raw[tag] = vr, buffer[start : stop - 8]
                at = stop
                continue
        else:
            if tag in PIXEL_TAGS:
                raise _DoubtError
            start = at + 8
            length = buffer[at + 6] | buffer[at + 7] << 8
        stop = start + length
        if stop > end:
            if stop > size:
                raise _DoubtError
            buffer = more(stop)
            end = _grown(buffer, stop - 1)
        raw[tag] = vr, buffer[start:stop]
        at = stop


def _read_implicit(buffer: bytes, at: int, size: int, more: More, raw: dict[int, Raw]) -> PixelBytes | None:
    last = _FIRST_TAG - 1
    end = len(buffer)
    if buffer[at + 4 : at + 6] in SHORT_VRS | LONG_VRS:  # explicit after all
        raise _DoubtError
    while True:
        if at + 8 > end and end < size:
            buffer = more(at + 8)
            end = _grown(buffer, end)
        if at + 8 > end:
            if at == size:
                return None
            raise _DoubtError
        tag = buffer[at + 1] << 24 | buffer[at] << 16 | buffer[at + 3] << 8 | buffer[at + 2]
        length = int.from_bytes(buffer[at + 4 : at + 8], "little")
        start = at + 8
        if tag <= last or tag >= 0xFFFE0000:
            raise _DoubtError
        last = tag
        if tag in PIXEL_TAGS:
            if buffer[at + 4 : at + 6] in (b"OB", b"OW", b"OF", b"OD"):  # an explicit element in an implicit file
                raise _DoubtError
            return PixelBytes(PIXEL_TAGS[tag], start, None if length == UNDEFINED else length)
        if length == UNDEFINED:
            if not _is_sequence(tag):
                raise _DoubtError
            buffer, stop = _sequence(buffer, start, size, more, explicit=False)
            end = len(buffer)
            raw[tag] = b"", buffer[start : stop - 8]
            at = stop
            continue
        stop = start + length
        if stop > end:
            if stop > size:
                raise _DoubtError
            buffer = more(stop)
            end = _grown(buffer, stop - 1)
        raw[tag] = b"", buffer[start:stop]
        at = stop


def _is_sequence(tag: int) -> bool:
    try:
        return dictionary_VR(tag) == "SQ"
    except KeyError:
        return False


def _grown(buffer: bytes, before: int) -> int:
    if len(buffer) <= before:  # the file became shorter while it was read
        raise _DoubtError
    return len(buffer)


def _sequence(buffer: bytes, start: int, size: int, more: More, *, explicit: bool) -> tuple[bytes, int]:
    """Where a sequence of undefined length ends, its delimiter included; and the bytes read until there."""
    while True:
        try:
            return buffer, _end_of_sequence(buffer, start, 0, explicit=explicit)
        except _ShortError:
            if len(buffer) >= size:
                raise _DoubtError from None
            longer = more(len(buffer) + 1)
            _grown(longer, len(buffer))
            buffer = longer


def _end_of_sequence(buffer: bytes, at: int, depth: int, *, explicit: bool) -> int:
    if depth > _MAX_DEPTH:
        raise _DoubtError
    end = len(buffer)
    while True:
        if at + 8 > end:
            raise _ShortError
        tag, length = buffer[at : at + 4], int.from_bytes(buffer[at + 4 : at + 8], "little")
        at += 8
        if tag == _SEQUENCE_END:
            if length:
                raise _DoubtError
            return at
        if tag != _ITEM:
            raise _DoubtError
        at = _end_of_item(buffer, at, depth, explicit=explicit) if length == UNDEFINED else at + length


def _end_of_item(buffer: bytes, at: int, depth: int, *, explicit: bool) -> int:
    end = len(buffer)
    while True:
        if at + 12 > end:
            raise _ShortError
        tag = buffer[at : at + 4]
        if tag == _ITEM_END:
            if buffer[at + 4 : at + 8] != b"\0\0\0\0":
                raise _DoubtError
            return at + 8
        vr = buffer[at + 4 : at + 6]
        if not explicit:
            length, at = int.from_bytes(buffer[at + 4 : at + 8], "little"), at + 8
            nested = buffer[at : at + 4] in (_ITEM, _SEQUENCE_END)
        elif vr in SHORT_VRS:
            length, at, nested = buffer[at + 6] | buffer[at + 7] << 8, at + 8, False
        elif vr in LONG_VRS:
            length, at, nested = int.from_bytes(buffer[at + 8 : at + 12], "little"), at + 12, vr == b"SQ"
        else:
            raise _DoubtError
        if length != UNDEFINED:
            at += length
        elif nested:
            at = _end_of_sequence(buffer, at, depth + 1, explicit=explicit)
        else:
            raise _DoubtError
