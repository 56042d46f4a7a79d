"""Tiles: the slices of a mosaic, cut out of the one image that holds them side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Tile:
    """Where a slice lies in its mosaic.

    Attributes
    ----------
    number
        In the mosaic, from 0: from left to right, then from top to bottom.
    count
        How many the mosaic has.
    top, left
        Its first row and column.
    rows, columns
        Its size.
    seconds
        When it was acquired, by a clock that the tiles of one mosaic share; None where the header does not say.
    """

    number: int
    count: int
    top: int
    left: int
    rows: int
    columns: int
    seconds: float | None = None


def cropped(values: npt.NDArray[Any], tile: Tile | None) -> npt.NDArray[Any]:
    """The tile's part of a whole image; shape ``(row, column, ...)``. The image itself where there is no tile."""
    if tile is None:
        return values
    return values[tile.top : tile.top + tile.rows, tile.left : tile.left + tile.columns]
