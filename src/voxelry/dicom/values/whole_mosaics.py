"""Fast path for the slices of one mosaic, all of them in order: it is read once, and its tiles are copied once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.tiles import Tile, copy_tiles
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.pixel_description import describe_pixels
from voxelry.dicom.pixels.pixel_memory import room_for
from voxelry.dicom.values.in_place import InPlace


@dataclass(frozen=True, slots=True, eq=False)
class WholeMosaic:
    """How a mosaic becomes the modality values of its slices."""

    header: Header
    index: int
    plan: InPlace
    shape: tuple[int, int]
    tiles: list[Tile]
    dtype: np.dtype[Any]

    @classmethod
    def of(cls, frames: Sequence[Frame], dtype: np.dtype[Any]) -> WholeMosaic | None:
        """The plan for the slices of a volume, in its order; None unless they are of one mosaic, and plainly stored."""
        first = frames[0]
        header, facts = first.header, first.facts
        tiles: list[Tile] = []
        for frame in frames:
            if frame.tile is None or frame.header is not header or frame.facts is not facts:
                return None
            if frame.index != first.index or frame.blank is not None:
                return None
            tiles.append(frame.tile)
        plan = InPlace.of(first, dtype)
        if plan is None or not plan.direct:
            return None
        pixels = describe_pixels(header)
        size = pixels.frame_bits // 8
        whole = replace(plan, size=size, needed=size * pixels.frames)
        return cls(header, first.index, whole, (pixels.rows, pixels.columns), tiles, dtype)

    def read(self) -> npt.NDArray[Any] | None:
        """The slices; shape ``(slice, row, column)``. None if the general path has to tell what is wrong with them."""
        stored = np.empty(self.shape, self.plan.stored)
        values = stored.view(self.dtype)
        if not self.plan.read(self.header, self.index, stored) or self.plan.rescale(stored, values) is None:
            return None
        tile = self.tiles[0]
        out = room_for((len(self.tiles), tile.rows, tile.columns), self.dtype)
        copy_tiles(values, self.tiles, out)
        return out
