"""What the headers of one series have in common: it is compared byte for byte instead of read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from voxelry.dicom.headers.elements import EncodedValue, KnownValues
from voxelry.dicom.headers.header_pattern import HeaderPattern, differing_tags
from voxelry.dicom.headers.part10_elements import FIRST_TAG, NO_TAG, Cursor, Part10Header, Reader

_MAX_MISSES = 64
_PIXEL_ELEMENT = 12
"""Bytes of the pixels' element before its value, at most."""
_CHARACTER_SET = 0x00080005
_TRANSFER_SYNTAX = 0x00020010


@dataclass(frozen=True, slots=True)
class _Run:
    """Consecutive elements that are the same, byte for byte, in all files."""

    first: int
    last: int
    content: bytes
    encoded: dict[int, EncodedValue]


class CommonHeader:
    """What the headers of one series have in common: most bytes of most of its files.

    Where a file has the same bytes at the same position, its elements are the same: they are compared instead of
    read, and kept in memory once for all files. It holds patients' values, so discard it after reading one folder.

    Attributes
    ----------
    known_values
        For the `Elements` of all files.
    """

    def __init__(self) -> None:
        self.pattern: HeaderPattern | None = None
        self.runs: list[_Run] = []
        self.needed = 0
        self.read: Reader | None = None
        self.known_values: KnownValues = {}
        self._seen: dict[int, EncodedValue] = {}
        self._varying: set[int] = set()
        self._misses = 0

    def learn(self, header: Part10Header, cursor: Cursor, spans: list[tuple[int, int]], read: Reader) -> None:
        """Update the pattern from a file that was read element by element.

        Parameters
        ----------
        spans
            Each element's tag and start, in the file's order.
        """
        if self._misses > _MAX_MISSES:  # these files have nothing in common
            return
        values = header.meta | header.encoded
        varying = differing_tags(values, self._seen)
        if self.read is not read or 2 * len(varying) > len(values):
            varying = set()
            self._varying = set()
            self._misses += 1
        else:
            self._misses = 0
        self._varying |= varying
        self._seen, self.read = values, read
        self.needed = cursor.at + _PIXEL_ELEMENT
        self.runs = list(self._find_runs(cursor, header.encoded, spans))
        fixed = self._varying.isdisjoint((_TRANSFER_SYNTAX, _CHARACTER_SET))
        ends = [*spans, (NO_TAG, cursor.at)]
        self.pattern = HeaderPattern.of(header, cursor.buffer, ends, self._varying) if fixed else None

    def _find_runs(
        self, cursor: Cursor, encoded: dict[int, EncodedValue], spans: list[tuple[int, int]]
    ) -> Iterator[_Run]:
        tags: list[int] = []
        start = 0
        for tag, at in [*spans, (NO_TAG, cursor.at)]:
            if tag < FIRST_TAG:
                continue
            if tag in encoded and tag not in self._varying:
                start = start if tags else at
                tags.append(tag)
            elif tags:
                yield _Run(tags[0], tags[-1], cursor.buffer[start:at], {each: encoded[each] for each in tags})
                tags = []
