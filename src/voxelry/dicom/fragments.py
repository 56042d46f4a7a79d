"""Encapsulated pixels: from fragments to the codestream of each frame (PS3.5 A.4)."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from itertools import islice

from pydicom.encaps import generate_frames

from voxelry.core.errors import PixelDataError
from voxelry.dicom.attributes import describe, value_of
from voxelry.dicom.description import PixelDescription
from voxelry.dicom.headers import Header
from voxelry.dicom.native import place_of
from voxelry.dicom.sources import FileSource, Source

_ITEM, _END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_EMPTY_TABLE = _ITEM + bytes(4)


def raw_frames(header: Header, pixels: PixelDescription, wanted: Collection[int]) -> Iterator[tuple[int, bytes]]:
    """The codestreams of these frames with their indices, ascending.

    Raises
    ------
    PixelDataError
        If the pixels are not encapsulated after all.
    """
    place = place_of(header)
    if place.length is not None or place.offset is None:
        raise PixelDataError(
            f"{header.name}: {describe('PixelData')} is not encapsulated, but the transfer syntax is "
            f"{header.transfer_syntax_uid.name}"
        )
    if pixels.frames == 1:
        single = _only_fragment(header.source, place.offset)
        if single is not None:
            yield 0, single
            return
    with header.source.open() as file:
        file.seek(place.offset)
        if pixels.frames == 1:
            single = _joined(file.read())
            if single is not None:
                yield 0, single
                return
            file.seek(place.offset)
        frames = generate_frames(file, number_of_frames=pixels.frames, extended_offsets=_extended(header))
        for index, raw in enumerate(islice(frames, pixels.frames)):  # excess fragments may follow
            if index in wanted:
                yield index, raw


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


def _joined(content: bytes) -> bytes | None:
    """All fragments after the first item, the offset table, are the one frame's; None where anything is unusual."""
    at, fragments = 0, []
    while content[at : at + 4] == _ITEM:
        start = at + 8
        at = start + int.from_bytes(content[at + 4 : start], "little")
        fragments.append(content[start:at])
    if content[at : at + 4] != _END or at + 4 > len(content) or len(fragments) < 2:
        return None
    return fragments[1] if len(fragments) == 2 else b"".join(fragments[1:])


def _extended(header: Header) -> tuple[bytes, bytes] | None:
    table = value_of(header.elements, "ExtendedOffsetTable")
    lengths = value_of(header.elements, "ExtendedOffsetTableLengths")
    return (table, lengths) if isinstance(table, bytes) and isinstance(lengths, bytes) else None
