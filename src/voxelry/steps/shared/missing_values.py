"""Arrays for filters of neighbourhoods, which must leave out voxels without a value (padding, NaN, infinity)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import MeasureError
from voxelry.core.volume import Volume

Mask = npt.NDArray[np.bool_]


def native(volume: Volume) -> npt.NDArray[Any]:
    """The whole array, C-contiguous and in the machine's byte order."""
    array = np.asarray(volume.array)
    return np.ascontiguousarray(array, array.dtype.newbyteorder("="))


def as_float32(array: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """The values as float32 for ITK's filters; those beyond float32 become infinite."""
    with np.errstate(over="ignore", invalid="ignore"):
        return array.astype(np.float32)


def fill_missing(array: npt.NDArray[Any], hole: Mask) -> npt.NDArray[Any]:
    """Replace each missing value by the nearest one of its slice; a slice without values by the nearest slice.

    Raises
    ------
    MeasureError
        If all values are missing.
    """
    from scipy import ndimage

    whole = [index for index, mask in enumerate(hole) if not mask.all()]
    if not whole:
        raise MeasureError("every voxel is padding or no number: there is nothing to work on")
    found = array.copy()
    for index in whole:
        if hole[index].any():
            # Indices of the nearest value, for each voxel.
            rows, columns = ndimage.distance_transform_edt(hole[index], return_distances=False, return_indices=True)
            found[index] = array[index][rows, columns]
    for index in set(range(len(array))) - set(whole):
        found[index] = found[min(whole, key=lambda other: abs(other - index))]
    return found
