"""The slices of UIH grids.

A grid has as many tiles in a row as the square root of their number rounded up, and as many rows as they fill. A
private sequence has an item for each slice, with its own position and time.
"""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import replace
from io import BytesIO

from pydicom.charset import default_encoding
from pydicom.dataset import Dataset
from pydicom.filereader import read_sequence
from pydicom.sequence import Sequence

from voxelry.core.errors import MosaicError
from voxelry.dicom.frames.acquisition_times import past_midnight, seconds_of_day
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.frame_facts import Facts, position_of
from voxelry.dicom.frames.tile_frames import tile_count, tile_facts, tile_frames, tile_grid
from voxelry.dicom.headers.attributes import text
from voxelry.dicom.headers.private_attributes import private_tag, private_value
from voxelry.dicom.headers.pydicom_silence import quiet

_CREATOR = "Image Private Header"
_GROUP, _COUNT, _ITEMS = 0x0065, 0x50, 0x51


def uih_count(frame: Frame) -> int | None:
    """Number of slices (0065,xx50); None where there is none."""
    return tile_count(private_value(frame.header.elements, _GROUP, _CREATOR, _COUNT))


class UihGrids:
    """Cuts the grids of one series."""

    def __init__(self) -> None:
        self._facts: dict[tuple[int, int], Facts] = {}

    def tiles_of(self, frame: Frame) -> list[Frame]:
        """The slices of a grid.

        Raises
        ------
        MosaicError
            If something that places them is missing or contradicts another; the message is the reason alone.
        """
        count = uih_count(frame)
        slices = uih_slices(frame)
        if count is None:
            raise MosaicError("nothing says how many slices it holds (0065,xx50)")
        if len(slices) != count:
            raise MosaicError(f"(0065,xx50) says {count} slices, and (0065,xx51) has {len(slices)}")
        positions = [position_of(one, []) for one in slices]
        placed = [position for position in positions if position is not None]
        if len(placed) != count:
            raise MosaicError("a slice in (0065,xx51) has no position")
        across = math.isqrt(count - 1) + 1
        tiles = tile_grid(frame, count, -(-count // across), across)
        times = _times(slices)
        if times is not None:
            tiles = [replace(tile, seconds=time) for tile, time in zip(tiles, times, strict=True)]
        key = id(frame.facts), count
        if key not in self._facts:
            self._facts[key] = tile_facts(frame, tiles[0])
        return tile_frames(frame, self._facts[key], tiles, placed)


def uih_slices(frame: Frame) -> list[Dataset]:
    """What a grid says of each of its slices (0065,xx51); empty for other images."""
    own = frame.header.elements
    tag = private_tag(own, _GROUP, _CREATOR, _ITEMS)
    if tag is None or (own.encoded is not None and tag not in own.encoded):
        return []
    with quiet, suppress(Exception):  # a value that pydicom cannot read counts as absent
        value = own.dataset[tag].value
        if isinstance(value, bytes):  # of implicit VR, where private attributes have no known VR
            value = read_sequence(BytesIO(value), True, own.little_endian, len(value), default_encoding)
        if isinstance(value, Sequence):
            return list(value)
    return []


def _times(slices: list[Dataset]) -> list[float] | None:
    """Seconds of each slice by Acquisition DateTime, else by Acquisition Time; None where a slice has none."""
    for keyword, start in (("AcquisitionDateTime", 8), ("AcquisitionTime", 0)):
        found = [seconds_of_day(text(one, keyword)[start:].split("+")[0].split("-")[0]) for one in slices]
        known = [time for time in found if time is not None]
        if len(known) == len(slices):
            return past_midnight(known)
    return None
