"""Headers laid out as one read before: the same elements in the same order, nearly all of them the same bytes.

What is the same is compared, not read; what differs is cut out where it must lie. Anything else is no match, and the
reader of plain headers begins from the start.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from pydicom.uid import UID

from voxelry.dicom.headers.elements import Raw

PREAMBLE = 132
UNDEFINED = 0xFFFFFFFF
_FIRST_TAG = 0x00080000


@dataclass(frozen=True, slots=True)
class PixelBytes:
    """Where the pixels lie: the keyword of their element, and its value's place in the file.

    ``offset`` is None where the file is deflated as a whole; ``length`` is None for encapsulated frames.
    """

    keyword: str
    offset: int | None
    length: int | None


class Plain(NamedTuple):
    """What a plain file's header holds."""

    transfer_syntax_uid: UID
    meta: dict[int, Raw]
    raw: dict[int, Raw]
    pixel_bytes: PixelBytes | None


class _Own(NamedTuple):
    """An element whose value each file has for itself: its first bytes, and where its length and value begin."""

    tag: int
    vr: bytes
    key: bytes
    start: int
    width: int


class _Part(NamedTuple):
    """Elements of each file's own, and the bytes behind them, which are the same in all."""

    own: tuple[_Own, ...]
    same: bytes


@dataclass(frozen=True, slots=True)
class Pattern:
    """One file's header, as a pattern for others. It holds a patient's values: see `plain.Layout`."""

    plain: Plain
    parts: tuple[_Part, ...]
    tags: tuple[int, ...]
    pixels: bytes

    @classmethod
    def of(
        cls, plain: Plain, head: bytes, spans: Sequence[tuple[int, int]], varying: Collection[int]
    ) -> Pattern | None:
        """From a file that was read element by element; None if it is unfit for a pattern.

        Parameters
        ----------
        spans
            Each element's tag and where it begins, in order; at the end the pixels' own.
        varying
            Tags whose values differ from file to file.
        """
        place = plain.pixel_bytes
        if place is None or place.offset is None or not plain.raw:
            return None
        explicit = bool(next(iter(plain.raw.values()))[0])
        parts: list[_Part] = []
        own: list[_Own] = []
        tags: list[int] = []
        at = begin = PREAMBLE
        for (tag, at), (_, stop) in pairwise(spans):
            if tag not in varying:
                continue
            if begin < at:
                parts.append(_Part(tuple(own), head[begin:at]))
                own = []
            values = plain.meta if tag < _FIRST_TAG else plain.raw
            vr, value = values[tag]
            start = stop - at - len(value)
            if start not in (8, 12):  # a sequence of undefined length, which ends with a delimiter
                return None
            width = 4 if start == 12 or not vr else 2
            own.append(_Own(tag, vr, head[at : at + (6 if vr else 4)], start, width))
            tags.append(tag)
            begin = stop
        end = spans[-1][1]
        parts.append(_Part(tuple(own), head[begin:end]))
        return cls(plain, tuple(parts), tuple(tags), head[end : end + (6 if explicit else 4)])

    def read(self, head: bytes) -> Plain | None:
        """The header of a file that begins with these bytes; None if it is laid out in any other way."""
        at, end = PREAMBLE, len(head)
        found: list[Raw] = []
        for own, same in self.parts:
            for _, vr, key, start, width in own:
                if not head.startswith(key, at):
                    return None
                at += start
                length = int.from_bytes(head[at - width : at], "little")
                stop = at + length
                if stop > end:
                    return None
                found.append((vr, head[at:stop]))
                at = stop
            if not head.startswith(same, at):
                return None
            at += len(same)
        pixels = self._pixels(head, at)
        if pixels is None:
            return None
        plain = self.plain
        meta, raw = plain.meta.copy(), plain.raw.copy()
        for tag, one in zip(self.tags, found, strict=True):
            if tag < _FIRST_TAG:
                meta[tag] = one
            else:
                raw[tag] = one
        return Plain(plain.transfer_syntax_uid, meta, raw, pixels)

    def _pixels(self, head: bytes, at: int) -> PixelBytes | None:
        known = self.plain.pixel_bytes
        start = at + (12 if len(self.pixels) == 6 else 8)
        if known is None or not head.startswith(self.pixels, at) or start > len(head):
            return None
        said = int.from_bytes(head[start - 4 : start], "little")
        length = None if said == UNDEFINED else said
        if start == known.offset and length == known.length:
            return known
        return PixelBytes(known.keyword, start, length)


def differing(one: Mapping[int, Raw], other: Mapping[int, Raw]) -> set[int]:
    """The tags that are not in both, or not with the same bytes."""
    return {tag for tag in one.keys() | other.keys() if one.get(tag) != other.get(tag)}
