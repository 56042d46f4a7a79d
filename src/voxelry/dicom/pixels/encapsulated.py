"""Encapsulated pixels: from fragments to the codestream of each frame (PS3.5 A.4).

An offset table is used only if it has an offset for each frame and all offsets lead to fragments. Only the start of a
fragment is read until its frame is needed.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import PixelDataError, TruncatedError, named
from voxelry.dicom.headers.attributes import tag_label, value_of
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.pixel_description import PixelDescription
from voxelry.dicom.headers.sources import FileSource, Source
from voxelry.dicom.pixels.codecs import is_encapsulated
from voxelry.dicom.pixels.codestream_check import check_head
from voxelry.dicom.pixels.uncompressed import check_length, place_of

_ITEM, _END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_EMPTY_TABLE = _ITEM + bytes(4)
_UNDEFINED = 0xFFFFFFFF
_END_OF_IMAGE = b"\xff\xd9"
FEW_FRAMES = 1000
HEAD_BYTES = 4096
"""Bytes at the start of a frame that contain its header."""


_BIT_STREAM = PixelDescription(1, 1, 1, 1, 8, 8, 7, False, "MONOCHROME2", False, "PixelData")
"""In place of a description, for bit streams whose frames are not told apart."""


class Fragment(NamedTuple):
    """Where the bytes of one item lie in the file."""

    start: int
    length: int


def encoded_frames(header: Header, pixels: PixelDescription, wanted: Collection[int]) -> Iterator[tuple[int, bytes]]:
    """The codestreams of these frames with their indices, ascending.

    Raises
    ------
    PixelDataError
        If the pixels are not encapsulated after all.
    TruncatedError
        If there are fewer fragments than frames, or if the file ends within one.
    """
    start = _start(header)
    if pixels.frames == 1:
        single = _only_fragment(header.source, start)
        if single is not None:
            yield 0, single
            return
    with header.source.open() as file:
        for index, fragments in _Encapsulated(file, header, pixels, start).frames(wanted):
            yield index, b"".join(_content(file, fragment, header) for fragment in fragments)


def frame_fragments(header: Header, pixels: PixelDescription, wanted: Collection[int]) -> dict[int, list[Fragment]]:
    """Where the codestreams of these frames lie in the file; raises as `encoded_frames` does."""
    with header.source.open() as file:
        found = _Encapsulated(file, header, pixels, _start(header)).frames(wanted)
        return {index: list(fragments) for index, fragments in found}


def all_fragments(header: Header) -> list[Fragment]:
    """Where the whole bit stream lies in the file: of video, whose fragments are no frames."""
    with header.source.open() as file:
        return _Encapsulated(file, header, _BIT_STREAM, _start(header)).fragments()


def check_frames(header: Header, pixels: PixelDescription) -> None:
    """Check the number of frames before memory is allocated for each; few compressed frames only by the file's size.

    Raises
    ------
    TruncatedError
        If there are fewer frames than declared.
    """
    place = place_of(header)
    if place.length is not None:
        if not is_encapsulated(header.transfer_syntax_uid):
            check_length(header, pixels)
    elif pixels.frames > FEW_FRAMES:
        check_fragments(header, pixels, each_frame=True)
    else:
        _check_size(header, pixels)


def check_fragments(header: Header, pixels: PixelDescription, *, each_frame: bool = False) -> None:
    """Raise a TruncatedError unless there is a fragment for each frame that is declared.

    With ``each_frame``, raise a PixelDataError too if the beginning of one tells that it is no such frame.
    """
    _check_size(header, pixels)
    syntax = header.transfer_syntax_uid
    with header.source.open() as file:
        found = _Encapsulated(file, header, pixels, _start(header))
        count = found.count(pixels.frames)
        if count < pixels.frames:
            raise _too_few(header, pixels, count)
        for _, fragments in found.frames(range(pixels.frames)) if each_frame else ():
            first = fragments[0]
            head = _content(file, first._replace(length=min(first.length, HEAD_BYTES)), header)
            try:
                check_head(head, sum(fragment.length for fragment in fragments), syntax, pixels)
            except PixelDataError as error:
                raise named(error, header.name) from None


def _check_size(header: Header, pixels: PixelDescription) -> None:
    """Each fragment has a tag and a length, and the table before them as well."""
    most = (header.source.size - _start(header)) // 8 - 1
    if most < pixels.frames:
        raise _too_few(header, pixels, max(0, most), "room for no more than ")


def _start(header: Header) -> int:
    place = place_of(header)
    if place.length is not None or place.offset is None:
        raise PixelDataError(
            f"{header.name}: {tag_label('PixelData')} is not encapsulated, but the transfer syntax is "
            f"{header.transfer_syntax_uid.name}"
        )
    return place.offset


def _only_fragment(source: Source, offset: int) -> bytes | None:
    """The fragment behind an empty offset table, if it is the only one of a file on disk: read once, nothing else."""
    if not isinstance(source, FileSource) or not hasattr(os, "pread"):
        return None
    descriptor = os.open(source.path, os.O_RDONLY)
    try:
        start = os.pread(descriptor, 16, offset)
        length = int.from_bytes(start[12:], "little")
        if start[:12] != _EMPTY_TABLE + _ITEM or length > source.size - offset:
            return None
        found = os.pread(descriptor, length, offset + 16)
        end = os.pread(descriptor, len(_END), offset + 16 + length)
        return found if len(found) == length and end == _END else None
    finally:
        os.close(descriptor)


class _Encapsulated:
    """The items of Pixel Data in a file that is open: the basic offset table, then fragments."""

    def __init__(self, file: BinaryIO, header: Header, pixels: PixelDescription, start: int) -> None:
        self._file, self._header, self._pixels = file, header, pixels
        self._size = header.source.size
        table = self._item(start)
        if table is None:
            raise PixelDataError(f"{header.name}: {tag_label('PixelData')} does not begin with an item (FFFE,E000)")
        self._table, self._first = table, table.start + table.length

    def frames(self, wanted: Collection[int]) -> Iterator[tuple[int, Sequence[Fragment]]]:
        """The fragments of each frame that is wanted."""
        found = self._by_extended_table(wanted) or self._by_basic_table(wanted)
        yield from self._by_fragments(wanted) if found is None else found

    def fragments(self) -> list[Fragment]:
        """All fragments."""
        return list(self._items(self._first))

    def count(self, most: int) -> int:
        """How many fragments there are; no more than ``most`` are looked for."""
        return sum(1 for _, _ in zip(range(most), self._items(self._first), strict=False))

    def _item(self, at: int) -> Fragment | None:
        """The item that begins here; None where there is none."""
        self._file.seek(at)
        head = self._file.read(8)
        if head[:4] != _ITEM or len(head) < 8:
            return None
        length = int.from_bytes(head[4:], "little")
        if length == _UNDEFINED:
            raise PixelDataError(f"{self._header.name}: an item of {tag_label('PixelData')} has no length")
        if at + 8 + length > self._size:
            raise TruncatedError(
                f"{self._header.name}: a fragment of {tag_label('PixelData')} has {length} bytes, but "
                f"{max(0, self._size - at - 8)} are there; the file is cut off: copy it again"
            )
        return Fragment(at + 8, length)

    def _items(self, at: int, end: int | None = None) -> Iterator[Fragment]:
        """One after the other, up to ``end`` or to what is no item."""
        while end is None or at < end:
            item = self._item(at)
            if item is None:
                return
            yield item
            at = item.start + item.length

    def _by_extended_table(self, wanted: Collection[int]) -> list[tuple[int, Sequence[Fragment]]] | None:
        """By the Extended Offset Table, of one fragment for each frame (PS3.3 C.7.6.3.1.8)."""
        values = [value_of(self._header.elements, f"ExtendedOffsetTable{end}") for end in ("", "Lengths")]
        tables = [np.frombuffer(v, "<u8") for v in values if isinstance(v, bytes) and len(v) == 8 * self._pixels.frames]
        if len(tables) < 2 or not self._leads_to_items(tables[0], wanted):
            return None
        found: list[tuple[int, Sequence[Fragment]]] = []
        for index in sorted(wanted):
            item = self._item(self._first + int(tables[0][index]))
            if item is None or tables[1][index] > item.length:
                return None
            found.append((index, (item._replace(length=int(tables[1][index])),)))
        return found

    def _by_basic_table(self, wanted: Collection[int]) -> list[tuple[int, Sequence[Fragment]]] | None:
        if self._pixels.frames == 1 or self._table.length != 4 * self._pixels.frames:
            return None
        self._file.seek(self._table.start)
        offsets = np.frombuffer(self._file.read(self._table.length), "<u4")
        if not self._leads_to_items(offsets, wanted):
            return None
        found: list[tuple[int, Sequence[Fragment]]] = []
        for index in sorted(wanted):
            end = self._first + int(offsets[index + 1]) if index + 1 < len(offsets) else None
            fragments = tuple(self._items(self._first + int(offsets[index]), end))
            last = fragments[-1] if fragments else None
            if last is None or (end is not None and last.start + last.length != end):
                return None
            found.append((index, fragments))
        return found

    def _leads_to_items(self, offsets: npt.NDArray[np.unsignedinteger], wanted: Collection[int]) -> bool:
        """True if these offsets can be those of frames: from 0 on, ascending, within the file."""
        if not len(offsets) or int(offsets[0]) or int(offsets[-1]) > self._size - self._first - 8:
            return False
        if not all(0 <= index < len(offsets) for index in wanted):
            return False
        return bool((offsets[1:] >= offsets[:-1] + offsets.dtype.type(8)).all())

    def _by_fragments(self, wanted: Collection[int]) -> Iterator[tuple[int, Sequence[Fragment]]]:
        """Where no table serves: each fragment is a frame, or frames end where the codestream says so."""
        fragments = list(self._items(self._first))
        frames = self._pixels.frames
        if len(fragments) < frames:
            raise _too_few(self._header, self._pixels, len(fragments))
        if frames == 1:
            yield 0, fragments
        elif len(fragments) == frames:
            yield from ((index, fragments[index : index + 1]) for index in sorted(wanted))
        else:
            yield from self._by_ends(fragments, wanted)

    def _by_ends(
        self, fragments: Sequence[Fragment], wanted: Collection[int]
    ) -> Iterator[tuple[int, Sequence[Fragment]]]:
        index, first = 0, 0
        for number, fragment in enumerate(fragments):
            self._file.seek(fragment.start + max(0, fragment.length - 10))
            if _END_OF_IMAGE not in self._file.read(min(fragment.length, 10)) and number + 1 < len(fragments):
                continue
            if index in wanted:
                yield index, fragments[first : number + 1]
            index, first = index + 1, number + 1
            if index == self._pixels.frames:  # excess fragments may follow
                return
        raise _too_few(self._header, self._pixels, index)


def _content(file: BinaryIO, fragment: Fragment, header: Header) -> bytes:
    file.seek(fragment.start)
    found = file.read(fragment.length)
    if len(found) < fragment.length:
        raise TruncatedError(f"{header.name}: became shorter while it was read; try again")
    return found


def _too_few(header: Header, pixels: PixelDescription, found: int, most: str = "") -> TruncatedError:
    return TruncatedError(
        f"{header.name}: declares {pixels.frames} frames ({tag_label('NumberOfFrames')}), but has {most}{found} "
        f"fragment{'s' * (found != 1)} of {tag_label('PixelData')}; the file is cut off, or its header is wrong"
    )
