"""Voxels without a value (padding, NaN, infinity): they take part in nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from voxelry.core.volume import Volume

Mask = npt.NDArray[np.bool_]


def missing_mask(volume: Volume, array: npt.NDArray[Any], *, infinite: bool = True) -> Mask | None:
    """The mask of voxels without a value; None if every voxel has one.

    Parameters
    ----------
    array
        The volume's array, in memory.
    infinite
        True if infinity counts as missing too; NaN always does.
    """
    hole: Mask = np.zeros(array.shape, np.bool_)
    if array.dtype.kind == "f":
        hole = ~np.isfinite(array) if infinite else np.isnan(array)
    if volume.padding is not None:
        for index in range(len(array)):
            mask = volume.padding_mask(index)
            if mask is not None:
                hole[index] |= mask
    return hole if hole.any() else None


def count_of_no_numbers(array: npt.NDArray[Any]) -> int:
    """The number of values that are NaN or infinite."""
    return int(array.size - np.isfinite(array).sum()) if array.dtype.kind == "f" else 0
