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


def copy_tiles(values: npt.NDArray[Any], tiles: Sequence[Tile], out: npt.NDArray[Any]) -> None:
    """Copy the tiles of a whole image into ``out``, one after the other; where all are asked for, a row at once.

    Parameters
    ----------
    out
        Shape ``(tile, row, column, ...)``.
    """
    if tiles[0].number > tiles[-1].number:
        tiles, out = tiles[::-1], out[::-1]
    rows, columns = tiles[0].rows, tiles[0].columns
    across = values.shape[1] // columns
    places = [(tile.top, tile.left) for tile in tiles]
    if places != [(k // across * rows, k % across * columns) for k in range(len(tiles))]:
        for target, tile in zip(out, tiles, strict=True):
            target[...] = cropped(values, tile)
        return
    if (
        values.ndim == 2
        and values.dtype == out.dtype
        and _has_whole_rows(values, columns)
        and _has_whole_rows(out, columns)
    ):
        _copy_rows(values, out)
        return
    for first in range(0, len(tiles), across):
        targets = out[first : first + across]
        row = values[tiles[first].top : tiles[first].top + rows, : len(targets) * columns]
        targets[...] = row.reshape(rows, len(targets), columns, *values.shape[2:]).swapaxes(0, 1)


def _has_whole_rows(values: npt.NDArray[Any], columns: int) -> bool:
    """True if the bytes of so many values of a row lie beside each other."""
    return columns > 0 and values.shape[-1] % columns == 0 and values.strides[-1] == values.itemsize


def _copy_rows(values: npt.NDArray[Any], out: npt.NDArray[Any]) -> None:
    """Copy all tiles, each row of one as a single item: several times as fast as value by value."""
    _, rows, columns = out.shape
    item = np.dtype((np.void, columns * values.itemsize))
    whole, targets = values.view(item), out.view(item)[:, :, 0]
    across = whole.shape[1]
    for first in range(0, len(targets), across):
        part = targets[first : first + across]
        top = first // across * rows
        part[...] = whole[top : top + rows, : len(part)].T


def cropped(values: npt.NDArray[Any], tile: Tile | None) -> npt.NDArray[Any]:
    """The tile's part of a whole image; shape ``(row, column, ...)``. The image itself where there is no tile."""
    if tile is None:
        return values
    return values[tile.top : tile.top + tile.rows, tile.left : tile.left + tile.columns]
