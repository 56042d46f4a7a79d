"""Frames of the tiles of one image: what its makers' headers have in common."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import replace

from voxelry.core.errors import MosaicError
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.frame_facts import Facts
from voxelry.dicom.frames.multiframe_positions import Vector
from voxelry.dicom.frames.shared_frames import tiles_of_frame
from voxelry.dicom.frames.tiles import Tile
from voxelry.dicom.headers.private_attributes import first_number

MOST_TILES = 4096


def tile_grid(frame: Frame, count: int, down: int, across: int) -> list[Tile]:
    """The tiles of an image that lie in rows from left to right.

    Raises
    ------
    MosaicError
        If its size is no multiple of theirs.
    """
    pixels = frame.pixels
    if pixels.rows % down or pixels.columns % across:
        raise MosaicError(
            f"{pixels.rows} x {pixels.columns} pixels are no {down} x {across} tiles of one size, which {count} slices "
            "would lie on"
        )
    rows, columns = pixels.rows // down, pixels.columns // across
    return [Tile(k, count, k // across * rows, k % across * columns, rows, columns) for k in range(count)]


def tile_facts(frame: Frame, tile: Tile) -> Facts:
    """What a tile says beside its position: as its image, but for its size."""
    return frame.facts._replace(pixels=replace(frame.facts.pixels, rows=tile.rows, columns=tile.columns))


def tile_frames(frame: Frame, facts: Facts, tiles: Sequence[Tile], positions: Sequence[Vector]) -> list[Frame]:
    """The slices of an image, in the order of its tiles."""
    bare = Frame(frame.header, frame.index, None, frame.facts, frame.own_warnings, frame.groups)
    return tiles_of_frame(bare, facts, tiles, positions)


def tile_count(content: bytes | None) -> int | None:
    """A number written as text or as 16 or 32 bits; None where there is none that could be a count."""
    if not content:
        return None
    if len(content) == 2 and not content.strip(b"\0 ").isdigit():
        (number,) = struct.unpack("<H", content)
        return int(number) if 0 < number <= MOST_TILES else None
    found = first_number(content)
    return int(found) if found is not None and found.is_integer() and 0 < found <= MOST_TILES else None
