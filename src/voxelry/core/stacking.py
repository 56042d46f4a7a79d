"""Several volumes of one grid as one array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from voxelry.core.argument_types import check_type
from voxelry.core.errors import GeometryError
from voxelry.core.volume import Volume

_EXACT = 2**53
"""float64 holds every whole number up to this one."""


def stack_volumes(volumes: Sequence[Volume]) -> npt.NDArray[Any]:
    """The volumes of one grid (phases, echoes, b-values) as one array, in the order given.

    Parameters
    ----------
    volumes
        At least one; all of one shape, place and unit.

    Returns
    -------
    array
        Index ``(volume, slice, row, column)``, or ``(volume, slice, row, column, sample)`` for colour;
        the smallest dtype that holds every volume's values without loss.

    Raises
    ------
    GeometryError
        If there is no volume, or one differs from the first in shape, place or unit; the message names it.

    Examples
    --------
    >>> volume = voxelry.load_volume("sample/phantom")
    >>> voxelry.stack_volumes([volume, volume]).shape
    (2, 48, 256, 256)
    """
    for volume in volumes:
        check_type(volume, Volume, name="each of volumes")
    if not volumes:
        raise GeometryError("there is no volume to stack")
    first = volumes[0]
    for number, volume in enumerate(volumes[1:], 2):
        _check(volume, first, f"volume {number}{f' ({volume.label})' if volume.label else ''}")
    return np.stack([volume.array for volume in volumes], dtype=_common(volumes), casting="unsafe")


def _check(volume: Volume, first: Volume, name: str) -> None:
    if volume.array.shape != first.array.shape:
        shapes = (" x ".join(map(str, one.array.shape)) for one in (volume, first))
        raise GeometryError(f"{name} has another shape than the first: {' and '.join(shapes)}")
    if volume.unit != first.unit:
        units = (one.unit or "none" for one in (volume, first))
        raise GeometryError(f"{name} has another unit than the first: {' and '.join(units)}")
    if volume.geometry.placed != first.geometry.placed:
        raise GeometryError(f"{name} and the first: the place of one of them is unknown")
    if first.geometry.placed and not volume.geometry.same_grid(first.geometry):
        far = volume.geometry.mm_apart(first.geometry)
        raise GeometryError(f"{name} lies elsewhere than the first: up to {far:.4g} mm away", distance_mm=far)


def _common(volumes: Sequence[Volume]) -> np.dtype[Any]:
    """A dtype for all values: numpy's, unless it is a float that whole numbers are too large for."""
    common = np.result_type(*(volume.array.dtype for volume in volumes))
    if common.kind == "f":
        for number, volume in enumerate(volumes, 1):
            own = volume.array
            if own.dtype.kind in "iu" and own.dtype.itemsize == 8 and max(-int(own.min()), int(own.max())) > _EXACT:
                raise GeometryError(f"no dtype holds the {own.dtype} values of volume {number} and those of the others")
    return common
