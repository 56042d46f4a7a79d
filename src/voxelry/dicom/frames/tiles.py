"""Tiles: the slices of a mosaic, cut out of the one image that holds them side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
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


def cut_apart(values: npt.NDArray[Any], tiles: Sequence[Tile]) -> npt.NDArray[Any]:
    """Tiles of one size of a whole image, each in memory of its own; shape ``(tile, row, column, ...)``."""
    rows, columns = tiles[0].rows, tiles[0].columns
    down, across = values.shape[0] // rows, values.shape[1] // columns
    grid = values.reshape(down, rows, across, columns, *values.shape[2:]).swapaxes(1, 2)
    places = [(tile.top // rows, tile.left // columns) for tile in tiles]
    numbers = [row * across + column for row, column in places]
    if numbers == list(range(len(numbers))):
        return np.ascontiguousarray(grid).reshape(down * across, rows, columns, *values.shape[2:])[: len(numbers)]
    return np.asarray(grid[tuple(np.array(places).T)])
