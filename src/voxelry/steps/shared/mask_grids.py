"""What a mask's steps ask of a volume's grid: a voxel's size, where padding is, what box holds a mask."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from voxelry.core.volume import Volume
from voxelry.steps.shared import demands

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Box = tuple[slice, slice, slice]
_ROUNDING = 1e-9
_EXACT = 2.0**53


def greyscale(volume: Volume) -> npt.NDArray[Any]:
    """The values ``(slice, row, column)`` in the machine's own order of bytes; a lazy array is read.

    Raises
    ------
    MeasureError
        If the volume is in colour.
    """
    demands.grey(volume)
    values = np.asarray(volume.array)
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def cell(volume: Volume) -> Floats | None:
    """The steps to the next slice, row and column as the columns of a 3 x 3, in mm; None where any is unknown.

    Without an affine the axes are taken as perpendicular, which lengths and volumes need no more than.
    """
    if volume.affine is not None:
        return np.asarray(volume.affine[:3, :3], np.float64)
    if None in volume.spacing:
        return None
    return np.diag(np.array(volume.spacing, np.float64))


def known_cell(volume: Volume) -> Floats:
    """The same, for what has no meaning without millimetres.

    Raises
    ------
    UnplacedError
        If a spacing is unknown.
    """
    found = cell(volume)
    return np.diag(demands.millimetres(volume)) if found is None else found


def in_voxels(size: float, voxel: float) -> float:
    """How many voxels a size in mm3 (or mm2) is; a whole number where rounding alone keeps it from being one."""
    count = size / voxel
    return float(round(count)) if count < _EXACT and abs(count - round(count)) <= _ROUNDING * count else count


def padding(volume: Volume) -> Mask | None:
    """Which voxels are padding; shape ``(slice, row, column)``, None if none can be."""
    masks = [volume.padding_mask(index) for index in range(volume.array.shape[0])]
    if all(mask is None for mask in masks):
        return None
    blank = np.zeros(volume.array.shape[1:3], np.bool_)
    return np.stack([blank if mask is None else mask for mask in masks])


def box_of(mask: Mask) -> Box | None:
    """The smallest box around what is True; None if nothing is."""
    slices = np.flatnonzero(mask.any(axis=(1, 2)))
    if not slices.size:
        return None
    inside = mask[slices[0] : slices[-1] + 1]
    rows, columns = np.flatnonzero(inside.any(axis=(0, 2))), np.flatnonzero(inside.any(axis=(0, 1)))
    return tuple(slice(int(axis[0]), int(axis[-1]) + 1) for axis in (slices, rows, columns))  # type: ignore[return-value]
