"""Resampling to an even, orthogonal grid: tilted volumes straightened, uneven slices evened. Pure numpy, linear."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from voxelry.core.argument_types import check_type
from voxelry.core.errors import ParameterError, UnplacedError
from voxelry.core.geometry import Geometry
from voxelry.core.progress import Progress, silent
from voxelry.core.volume import Volume

Floats = npt.NDArray[np.float64]

STRAIGHT = 1e-3
"""Pixels; slices that are shifted by less over the whole stack are not interpolated."""
_NEARLY = 1e-9


def rectify(volume: Volume, *, fill: float | None = None, progress: Progress = silent) -> Volume:
    """A sheared (tilted) volume on an orthogonal grid, by linear interpolation within each slice.

    The slices stay where they are; only their pixels move. The new grid has the pixels of slice 0 among its
    own, the same spacing, slices straight above each other, and room for every voxel.

    Parameters
    ----------
    volume
        With an affine.
    fill
        The value where there was no voxel; None means the volume's smallest.
    progress
        Called for each slice.

    Returns
    -------
    volume
        Of the same dtype (integers are rounded), with a warning; the same volume where it is not sheared.

    Raises
    ------
    UnplacedError
        If the volume has no affine.
    ParameterError
        If the volume's dtype cannot hold ``fill``.

    Notes
    -----
    Where one of the pixels to be mixed is padding, the nearest is taken instead: padding is no value to mix with.

    Examples
    --------
    >>> volume = voxelry.load_volume("sample/phantom")
    >>> voxelry.rectify(volume) is volume  # it is not tilted
    True
    """
    check_type(volume, Volume, name="volume", instead="voxelry.load_volume reads one from a path")
    if volume.affine is None:
        raise UnplacedError("this volume has no affine, so nothing says how its slices lie to each other")
    geometry = rectified_geometry(volume)
    if geometry is volume.geometry:
        return volume
    shift = _shear(volume.affine)
    begin, (height, width) = _extent(volume, shift)
    slices, rows, columns = volume.array.shape[:3]
    blank = volume.array.min() if fill is None else _checked(fill, volume.array.dtype)
    array = np.empty((slices, height, width, *volume.array.shape[3:]), volume.array.dtype)
    for index, values in enumerate(volume.array):
        progress(index / slices, "straightening")
        placed = index * shift - begin
        array[index] = _moved(values, volume.padding_mask(index), placed, (height, width), blank)
    filled = 1 - rows * columns / (height * width)
    warning = (
        f"straightened: slices sheared by {volume.geometry.tilt_degrees:.2f} degrees were interpolated onto an "
        f"orthogonal grid, of which about {100 * filled:.0f} % lie outside them and were filled with {float(blank):g}"
    )
    moved = volume.with_geometry(geometry, array=array, slices=range(slices))
    return replace(moved, warnings=(*without_tilt(volume.warnings), warning))


def without_tilt(warnings: Sequence[str]) -> tuple[str, ...]:
    """Warnings of a volume that still hold when it is straightened."""
    return tuple(words for words in warnings if not words.startswith("tilted stack"))


def rectified_geometry(volume: Volume) -> Geometry:
    """The grid of what `rectify` makes of a volume with an affine, whose voxels are not needed for it."""
    if volume.affine is None:
        raise UnplacedError("this volume has no affine, so nothing says how its slices lie to each other")
    shift = _shear(volume.affine)
    begin, size = _extent(volume, shift)
    if size == volume.array.shape[1:3]:
        return volume.geometry
    affine = volume.affine.copy()
    affine[:3, 3] += volume.affine[:3, 1:3] @ begin
    affine[:3, 0] -= volume.affine[:3, 1:3] @ shift
    return replace(volume.geometry, shape=(volume.array.shape[0], *size), affine=affine)


def _extent(volume: Volume, shift: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.int_], tuple[int, int]]:
    """Where the orthogonal grid begins, in pixels of slice 0, and its rows and columns: those of a straight volume."""
    slices, rows, columns = volume.array.shape[:3]
    total = (slices - 1) * shift
    if np.abs(total).max() <= STRAIGHT:
        return np.zeros(2, np.int_), (rows, columns)
    begin = np.floor(np.minimum(total, 0) + _NEARLY).astype(np.int_)
    end = np.ceil(np.array([rows, columns]) - 1 + np.maximum(total, 0) - _NEARLY).astype(np.int_)
    height, width = (end - begin + 1).tolist()
    return begin, (height, width)


def _checked(fill: float, dtype: np.dtype[Any]) -> float:
    if dtype.kind in "iu" and not (np.iinfo(dtype).min <= fill <= np.iinfo(dtype).max and fill == int(fill)):
        raise ParameterError(f"{fill:g} is no value of {dtype}, so it cannot be the fill value")
    return fill


def _shear(affine: Floats) -> Floats:
    """How far each slice lies from straight above the one before; shape ``(2,)``, in rows and columns."""
    in_plane = affine[:3, 1:3]
    shift, *_ = np.linalg.lstsq(in_plane, affine[:3, 0], rcond=None)
    return np.asarray(shift, np.float64)


def _moved(
    values: npt.NDArray[Any],
    padding: npt.NDArray[np.bool_] | None,
    place: Floats,
    shape: tuple[int, int],
    fill: float,
) -> npt.NDArray[Any]:
    """One slice with its pixel (0, 0) at ``place`` of a larger plane."""
    mixed = np.zeros((*shape, *values.shape[2:]), np.float64)
    weight = np.zeros(shape, np.float64)
    for share, target, source in _quarters(place, values.shape[:2], shape):
        mixed[target] += share * values[source]
        weight[target] += share
    inside = weight > 1 - _NEARLY
    found = as_dtype(mixed, values.dtype)
    if padding is not None and padding.any():
        touched = np.zeros(shape, np.bool_)
        nearest = np.full_like(found, fill)
        for number, (_, target, source) in enumerate(sorted(_quarters(place, values.shape[:2], shape), key=_share)):
            touched[target] |= padding[source]
            if number == 0:
                nearest[target] = values[source]
        found[touched] = nearest[touched]
    found[~inside] = fill
    return found


_Slices = tuple[slice, slice]


def _share(quarter: tuple[float, _Slices, _Slices]) -> float:
    return -quarter[0]


def _quarters(
    place: Floats, shape: tuple[int, ...], plane: tuple[int, int]
) -> Iterator[tuple[float, _Slices, _Slices]]:
    """The whole-pixel moves that together are a move by a fraction: each one's share, where to, where from."""
    whole = np.floor(place + _NEARLY).astype(int)
    part = np.where(np.abs(place - whole) < _NEARLY, 0.0, place - whole)
    for down in (0, 1):
        for right in (0, 1):
            share = float((part[0] if down else 1 - part[0]) * (part[1] if right else 1 - part[1]))
            if share == 0:
                continue
            top, left = int(whole[0]) + down, int(whole[1]) + right
            height, width = min(shape[0], plane[0] - top), min(shape[1], plane[1] - left)
            yield (
                share,
                (slice(top, top + height), slice(left, left + width)),
                (slice(0, height), slice(0, width)),
            )


def even_slices(volume: Volume, offsets: Floats, places: Floats, geometry: Geometry) -> Volume:
    """The slices of a volume interpolated along its normal onto other places.

    Parameters
    ----------
    volume
        Its array's slices lie at ``offsets``.
    offsets
        Ascending, mm along the normal; shape ``(slices,)``.
    places
        Where slices are wanted, ascending, from the first of ``offsets`` to the last; shape ``(n,)``.
    geometry
        Of the result: ``n`` slices at ``places``.

    Returns
    -------
    volume
        With ``n`` slices of the same dtype (integers are rounded), and without instance UIDs: a slice
        between two instances is neither. Where one of two pixels is padding, the nearer is taken.
    """
    upper = np.clip(np.searchsorted(offsets, places, side="left"), 1, len(offsets) - 1)
    share = np.clip((places - offsets[upper - 1]) / (offsets[upper] - offsets[upper - 1]), 0, 1)
    array = np.empty((len(places), *volume.array.shape[1:]), volume.array.dtype)
    padding = None if volume.padding is None else np.empty((len(places), 2))
    for index, (above, part) in enumerate(zip(upper.tolist(), share.tolist(), strict=True)):
        below, nearest = above - 1, above if part > 0.5 else above - 1
        if part in (0.0, 1.0):
            array[index] = volume.array[nearest]
        else:
            mixed = (1 - part) * volume.array[below] + part * volume.array[above].astype(np.float64)
            array[index] = as_dtype(mixed, array.dtype)
            for mask in (volume.padding_mask(below), volume.padding_mask(above)):
                if mask is not None:
                    array[index][mask] = volume.array[nearest][mask]
        if padding is not None and volume.padding is not None:
            padding[index] = volume.padding[nearest]
    return replace(volume.with_geometry(geometry, array=array), padding=padding)


def as_dtype(values: Floats, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Interpolated values in the dtype that they came from; integers are rounded, and lie between those mixed."""
    if dtype.kind == "f":
        return values.astype(dtype)
    if dtype.kind in "iu" and dtype.itemsize == 8:  # the largest integer is no float64: the next float64 lies beyond it
        limits = np.iinfo(dtype)
        values = np.clip(values, float(limits.min), np.nextafter(float(limits.max), 0))
    return np.rint(values).astype(dtype)
