"""Properties of a volume's grid for steps on masks: voxel size, padding."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from voxelry.core.volume import Volume
from voxelry.steps.shared import demands

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
_ROUNDING = 1e-9
_EXACT = 2.0**53


def greyscale(volume: Volume) -> npt.NDArray[Any]:
    """The values ``(slice, row, column)`` in the machine's byte order; a lazy array is read.

    Raises
    ------
    MeasureError
        If the volume is in colour.
    """
    demands.require_grey(volume)
    values = np.asarray(volume.array)
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def cell(volume: Volume) -> Floats | None:
    """The steps to the next slice, row and column as the columns of a 3 x 3, in mm; None if any is unknown.

    Without an affine the axes count as perpendicular.
    """
    if volume.affine is not None:
        return np.asarray(volume.affine[:3, :3], np.float64)
    if None in volume.spacing:
        return None
    return np.diag(np.array(volume.spacing, np.float64))


def known_cell(volume: Volume) -> Floats:
    """As `cell`, but never None.

    Raises
    ------
    UnplacedError
        If a spacing is unknown.
    """
    found = cell(volume)
    return np.diag(demands.known_spacing(volume)) if found is None else found


def in_voxels(size: float, voxel: float) -> float:
    """A size in mm3 (or mm2) as a number of voxels; rounded if it differs from an integer only by rounding errors."""
    count = size / voxel
    return float(round(count)) if count < _EXACT and abs(count - round(count)) <= _ROUNDING * count else count


def padding(volume: Volume) -> Mask | None:
    """The mask of padding; shape ``(slice, row, column)``, None if the volume has no padding."""
    masks = [volume.padding_mask(index) for index in range(volume.array.shape[0])]
    if all(mask is None for mask in masks):
        return None
    blank = np.zeros(volume.array.shape[1:3], np.bool_)
    return np.stack([blank if mask is None else mask for mask in masks])
