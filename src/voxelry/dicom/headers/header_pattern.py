"""A header as a pattern for the next files: the same elements in the same order, most of them the same bytes.

Constant bytes are compared instead of read, and the varying values between them are cut out. A file that does not
match the pattern is read element by element.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from voxelry.dicom.headers.elements import EncodedValue
from voxelry.dicom.headers.part10_elements import ELEMENTS_START, FIRST_TAG, UNDEFINED_LENGTH, Part10Header, PixelBytes


class _VaryingElement(NamedTuple):
    """An element whose value differs from file to file.

    Attributes
    ----------
    key
        The element's first bytes: tag, and VR if explicit.
    start
        Where the value begins, in bytes from the element's start.
    width
        Bytes of the length field before the value.
    """

    tag: int
    vr: bytes
    key: bytes
    start: int
    width: int


class _Section(NamedTuple):
    """Varying elements, and the constant bytes behind them."""

    varying: tuple[_VaryingElement, ...]
    constant: bytes


@dataclass(frozen=True, slots=True)
class HeaderPattern:
    """One file's header as a pattern for others. It holds a patient's values: see `CommonHeader`.

    Attributes
    ----------
    tags
        Of the varying elements.
    pixels
        The first bytes of the pixels' element: tag, and VR if explicit.
    """

    header: Part10Header
    sections: tuple[_Section, ...]
    tags: tuple[int, ...]
    pixels: bytes

    @classmethod
    def of(
        cls, header: Part10Header, head: bytes, spans: Sequence[tuple[int, int]], varying: Collection[int]
    ) -> HeaderPattern | None:
        """From a file that was read element by element; None if the header cannot be a pattern.

        Parameters
        ----------
        head
            The file's first bytes.
        spans
            Each element's tag and start, in the file's order; the last is the pixels' element.
        varying
            Tags whose values differ from file to file.
        """
        pixel_bytes = header.pixel_bytes
        if pixel_bytes is None or pixel_bytes.offset is None or not header.encoded:
            return None
        explicit = bool(next(iter(header.encoded.values()))[0])
        sections: list[_Section] = []
        elements: list[_VaryingElement] = []
        tags: list[int] = []
        at = begin = ELEMENTS_START
        for (tag, at), (_, stop) in pairwise(spans):
            if tag not in varying:
                continue
            if begin < at:
                sections.append(_Section(tuple(elements), head[begin:at]))
                elements = []
            values = header.meta if tag < FIRST_TAG else header.encoded
            vr, value = values[tag]
            start = stop - at - len(value)
            if start not in (8, 12):  # a sequence of undefined length, which ends with a delimiter
                return None
            width = 4 if start == 12 or not vr else 2
            elements.append(_VaryingElement(tag, vr, head[at : at + (6 if vr else 4)], start, width))
            tags.append(tag)
            begin = stop
        end = spans[-1][1]
        sections.append(_Section(tuple(elements), head[begin:end]))
        return cls(header, tuple(sections), tuple(tags), head[end : end + (6 if explicit else 4)])

    def read(self, head: bytes) -> Part10Header | None:
        """The header of a file that begins with these bytes; None if they do not match the pattern."""
        at, end = ELEMENTS_START, len(head)
        varying: list[EncodedValue] = []
        for elements, constant in self.sections:
            for _, vr, key, start, width in elements:
                if not head.startswith(key, at):
                    return None
                at += start
                length = int.from_bytes(head[at - width : at], "little")
                stop = at + length
                if stop > end:
                    return None
                varying.append((vr, head[at:stop]))
                at = stop
            if not head.startswith(constant, at):
                return None
            at += len(constant)
        pixels = self._pixels(head, at)
        if pixels is None:
            return None
        meta, encoded = self.header.meta.copy(), self.header.encoded.copy()
        for tag, value in zip(self.tags, varying, strict=True):
            if tag < FIRST_TAG:
                meta[tag] = value
            else:
                encoded[tag] = value
        return Part10Header(self.header.transfer_syntax_uid, meta, encoded, pixels)

    def _pixels(self, head: bytes, at: int) -> PixelBytes | None:
        known = self.header.pixel_bytes
        start = at + (12 if len(self.pixels) == 6 else 8)
        if known is None or not head.startswith(self.pixels, at) or start > len(head):
            return None
        declared = int.from_bytes(head[start - 4 : start], "little")
        length = None if declared == UNDEFINED_LENGTH else declared
        if start == known.offset and length == known.length:
            return known
        return PixelBytes(known.keyword, start, length)


def differing_tags(first: Mapping[int, EncodedValue], second: Mapping[int, EncodedValue]) -> set[int]:
    """The tags that only one of two headers has, or that have different bytes."""
    return {tag for tag in first.keys() | second.keys() if first.get(tag) != second.get(tag)}
