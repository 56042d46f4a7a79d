"""Headers of plain files, read without pydicom: Part 10, little endian, every element where it belongs.

Nearly all files are plain. Any doubt gives None, and pydicom reads the file: this reader never guesses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from pydicom.datadict import dictionary_VR
from pydicom.uid import UID

from voxelry.dicom.headers.elements import Raw
from voxelry.dicom.headers.header_pattern import PREAMBLE, UNDEFINED, Pattern, PixelBytes, Plain, differing

LONG_VRS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
"""Value representations whose explicit length has 4 bytes (PS3.5 7.1.2)."""
SHORT_VRS = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
PIXEL_TAGS = {0x7FE00008: "FloatPixelData", 0x7FE00009: "DoubleFloatPixelData", 0x7FE00010: "PixelData"}

_EXPLICIT = "1.2.840.10008.1.2.1"
_IMPLICIT = "1.2.840.10008.1.2"
_ENCAPSULATED = ("1.2.840.10008.1.2.4.", "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.8.1")
_CHARACTER_SETS = frozenset({b"", b"ISO_IR 6", b"ISO_IR 100", b"ISO_IR 101", b"ISO_IR 144", b"ISO_IR 192"})
_ITEM, _ITEM_END, _SEQUENCE_END = b"\xfe\xff\x00\xe0", b"\xfe\xff\x0d\xe0", b"\xfe\xff\xdd\xe0"
_MAX_DEPTH = 32
_MAX_KNOWN = 20_000
_MAX_MISSES = 64
_NO_TAG = 1 << 32
_PIXEL_ELEMENT = 12
"""Bytes of the pixels' element before its value, at most."""
_VRS = SHORT_VRS | LONG_VRS
_FIRST_TAG = 0x00080000
_CHARACTER_SET = 0x00080005
_TRANSFER_SYNTAX = 0x00020010

More = Callable[[int], bytes]
"""Gives the file's first bytes: at least this many, where there are."""


class _DoubtError(Exception):
    """This file is for pydicom."""


class _ShortError(Exception):
    """More of the file is needed."""


@dataclass(slots=True)
class Place:
    """Where a reader is in a file.

    Attributes
    ----------
    buffer
        The file's first bytes.
    at
        The next element.
    last
        The tag of the element before.
    pixels
        Set where they were found.
    """

    buffer: bytes
    at: int
    size: int
    more: More
    last: int = _FIRST_TAG - 1
    pixels: PixelBytes | None = None

    def grow(self, needed: int) -> bytes:
        """The buffer with at least so many bytes."""
        if needed > self.size:
            raise _DoubtError  # an element beyond the end of the file
        self.buffer = self.more(needed)
        if len(self.buffer) < needed:  # the file became shorter while it was read
            raise _DoubtError
        return self.buffer


Reader = Callable[[Place, dict[int, Raw], int, "list[tuple[int, int]] | None"], None]
"""Reads the elements from a place on until a tag, and notes where each begins."""


@dataclass(frozen=True, slots=True)
class _Run:
    """Elements that lie one after the other and are the same, byte for byte, in file after file."""

    first: int
    last: int
    content: bytes
    raw: dict[int, Raw]


class Layout:
    """What the headers of one series have in common; most bytes of most of its files.

    Equal bytes at an element's place are equal elements, so that they are compared instead of read, and kept
    once for all files. It holds patients' values: it lives as long as one reading of one folder.
    """

    def __init__(self) -> None:
        self.pattern: Pattern | None = None
        self.runs: list[_Run] = []
        self.needed = 0
        self.read: Reader | None = None
        self._seen: dict[int, Raw] = {}
        self._varying: set[int] = set()
        self._misses = 0

    def learn(self, plain: Plain, place: Place, spans: list[tuple[int, int]], read: Reader) -> None:
        """Take note of a file that was read element by element."""
        if self._misses > _MAX_MISSES:  # these files have nothing in common
            return
        values = plain.meta | plain.raw
        varying = differing(values, self._seen)
        if self.read is not read or 2 * len(varying) > len(values):
            varying = set()
            self._varying = set()
            self._misses += 1
        else:
            self._misses = 0
        self._varying |= varying
        self._seen, self.read = values, read
        self.needed = place.at + _PIXEL_ELEMENT
        self.runs = list(self._find_runs(place, plain.raw, spans))
        fixed = self._varying.isdisjoint((_TRANSFER_SYNTAX, _CHARACTER_SET))
        ends = [*spans, (_NO_TAG, place.at)]
        self.pattern = Pattern.of(plain, place.buffer, ends, self._varying) if fixed else None

    def _find_runs(self, place: Place, raw: dict[int, Raw], spans: list[tuple[int, int]]) -> Iterator[_Run]:
        tags: list[int] = []
        start = 0
        for tag, at in [*spans, (_NO_TAG, place.at)]:
            if tag < _FIRST_TAG:
                continue
            if tag in raw and tag not in self._varying:
                start = start if tags else at
                tags.append(tag)
            elif tags:
                yield _Run(tags[0], tags[-1], place.buffer[start:at], {one: raw[one] for one in tags})
                tags = []


def read_plain(head: bytes, size: int, more: More, layout: Layout | None = None) -> Plain | None:
    """The header of a plain file; None wherever anything is unusual.

    Parameters
    ----------
    head
        The file's first bytes.
    size
        Of the file.
    more
        Reads on; called only where the header goes beyond ``head``.
    layout
        What the files read before it had in common.

    References
    ----------
    PS3.5 7.1 (elements), 7.5 (sequences); PS3.10 7.1 (preamble and file meta information)
    """
    if head[128:132] != b"DICM":
        return None
    if layout is not None:
        if len(head) < min(layout.needed, size):
            head = more(layout.needed)
        known = layout.pattern.read(head) if layout.pattern is not None else None
        if known is not None:
            return known
    try:
        meta: dict[int, Raw] = {}
        spans: list[tuple[int, int]] = []
        start = _read_meta(head, meta, spans)
        syntax = _syntax(meta[_TRANSFER_SYNTAX][1])
        read = _read_implicit if syntax == _IMPLICIT else _read_explicit
        place = Place(head, start, size, more)
        raw = {} if layout is None else _read_known(place, read, layout)
        alike = bool(raw)
        if not alike:
            place.at, place.last = start, _FIRST_TAG - 1
            read(place, raw, _NO_TAG, spans)
        if raw.get(_CHARACTER_SET, (b"", b""))[1].strip(b"\0 ") not in _CHARACTER_SETS:
            return None
    except (_DoubtError, KeyError):
        return None
    plain = Plain(syntax, meta, raw, place.pixels)
    if layout is not None and not alike:
        layout.learn(plain, place, spans, read)
    return plain


def _read_known(place: Place, read: Reader, layout: Layout) -> dict[int, Raw]:
    """The elements of a file that has the layout of those before; empty if it has not."""
    raw: dict[int, Raw] = {}
    if layout.read is not read or not layout.runs:
        return raw
    for run in layout.runs:
        if place.last >= run.first:
            return {}
        if not place.buffer.startswith(run.content, place.at):
            read(place, raw, run.first, None)
            if place.pixels is not None or not place.buffer.startswith(run.content, place.at):
                return {}
        raw.update(run.raw)
        place.at += len(run.content)
        place.last = run.last
    read(place, raw, _NO_TAG, None)
    return raw


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


def _read_meta(head: bytes, meta: dict[int, Raw], spans: list[tuple[int, int]]) -> int:
    """Group 2, always explicit; returns where it ends."""
    at, last = PREAMBLE, 0
    while head[at : at + 2] == b"\x02\x00":
        key = head[at : at + 6]
        tag, vr, long = _known.get(key) or _learn(key)
        spans.append((tag, at))
        start = at + 12 if long else at + 8
        length = int.from_bytes(head[start - 4 : start] if long else head[start - 2 : start], "little")
        at = start + length
        if tag <= last or at + 8 > len(head):
            raise _DoubtError
        last = tag
        meta[tag] = vr, head[start:at]
    return at


def _read_explicit(place: Place, raw: dict[int, Raw], stop: int, spans: list[tuple[int, int]] | None) -> None:
    known = _known.get
    buffer, at, last, size = place.buffer, place.at, place.last, place.size
    end = len(buffer)
    while True:
        if at + 12 > end and end < size:
            buffer = place.grow(at + 12)
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
            raise _DoubtError
        if spans is not None:
            spans.append((tag, at))
        if long:
            start = at + 12
            if start > end:
                raise _DoubtError
            length = int.from_bytes(buffer[at + 8 : start], "little")
            if tag in PIXEL_TAGS:
                place.pixels = PixelBytes(PIXEL_TAGS[tag], start, None if length == UNDEFINED else length)
                break
            if length == UNDEFINED:
                if vr != b"SQ":
                    raise _DoubtError
                next_ = _sequence(place, start, explicit=True)
                buffer, end = place.buffer, len(place.buffer)
                raw[tag] = vr, buffer[start : next_ - 8]
                last, at = tag, next_
                continue
        else:
            if tag in PIXEL_TAGS:
                raise _DoubtError
            start = at + 8
            length = buffer[at + 6] | buffer[at + 7] << 8
        next_ = start + length
        if next_ > end:
            buffer = place.grow(next_)
            end = len(buffer)
        raw[tag] = vr, buffer[start:next_]
        last, at = tag, next_
    place.at, place.last = at, last


def _read_implicit(place: Place, raw: dict[int, Raw], stop: int, spans: list[tuple[int, int]] | None) -> None:
    buffer, at, last, size = place.buffer, place.at, place.last, place.size
    end = len(buffer)
    if buffer[at + 4 : at + 6] in _VRS and last < _FIRST_TAG:  # explicit after all
        raise _DoubtError
    while True:
        if at + 8 > end:
            if at == size:
                break
            buffer = place.grow(at + 8)
            end = len(buffer)
        tag = buffer[at + 1] << 24 | buffer[at] << 16 | buffer[at + 3] << 8 | buffer[at + 2]
        length = int.from_bytes(buffer[at + 4 : at + 8], "little")
        if tag >= stop:
            break
        if tag <= last or tag >= 0xFFFE0000:
            raise _DoubtError
        if spans is not None:
            spans.append((tag, at))
        start = at + 8
        if tag in PIXEL_TAGS:
            if buffer[at + 4 : at + 6] in (b"OB", b"OW", b"OF", b"OD"):  # an explicit element in an implicit file
                raise _DoubtError
            place.pixels = PixelBytes(PIXEL_TAGS[tag], start, None if length == UNDEFINED else length)
            break
        if length == UNDEFINED:
            if not _is_sequence(tag):
                raise _DoubtError
            next_ = _sequence(place, start, explicit=False)
            buffer, end = place.buffer, len(place.buffer)
            raw[tag] = b"", buffer[start : next_ - 8]
            last, at = tag, next_
            continue
        next_ = start + length
        if next_ > end:
            buffer = place.grow(next_)
            end = len(buffer)
        raw[tag] = b"", buffer[start:next_]
        last, at = tag, next_
    place.at, place.last = at, last


def _is_sequence(tag: int) -> bool:
    try:
        return dictionary_VR(tag) == "SQ"
    except KeyError:
        return False


def _sequence(place: Place, start: int, *, explicit: bool) -> int:
    """Where a sequence of undefined length ends, its delimiter included."""
    while True:
        try:
            return _end_of_sequence(place.buffer, start, 0, explicit=explicit)
        except _ShortError:
            place.grow(len(place.buffer) + 1)


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
        at = _end_of_item(buffer, at, None if length == UNDEFINED else at + length, depth, explicit=explicit)


def _end_of_item(buffer: bytes, at: int, stop: int | None, depth: int, *, explicit: bool) -> int:
    """Where an item ends; one of defined length must end with its last element, which pydicom goes by."""
    end = len(buffer)
    while at != stop:
        if stop is not None and at > stop:
            raise _DoubtError
        if at + 12 > end:
            raise _ShortError
        tag = buffer[at : at + 4]
        if tag == _ITEM_END:
            if buffer[at + 4 : at + 8] != b"\0\0\0\0" or stop is not None:
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
    return at
