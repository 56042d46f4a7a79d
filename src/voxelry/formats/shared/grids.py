"""Checks of the volumes that formats write, and of the grids that they read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from voxelry.core.affine import checked_affine, spacing_and_mm3
from voxelry.core.errors import FormatError, GeometryError, ParameterError
from voxelry.core.geometry import Geometry
from voxelry.core.spacing import UNKNOWN, Spacing
from voxelry.core.volume import Volume

Affine = npt.NDArray[np.float64]

SHEAR_TOLERANCE = 1e-4
"""Largest cosine of axes that count as perpendicular."""


def check_affine(affine: npt.ArrayLike) -> Affine:
    """Check a 4 x 4 affine from a file.

    Raises
    ------
    FormatError
        If a number is not finite, or the three axes do not span space.
    """
    found = np.eye(4)
    found[:3] = np.asarray(affine, np.float64)[:3]
    try:
        checked = checked_affine(found)
        spacing_and_mm3(checked)
    except GeometryError as error:
        raise FormatError(f"the file's geometry cannot be used: {error}") from None
    return checked


@contextmanager
def contradictions_refused() -> Iterator[None]:
    """Turn errors about a Volume's geometry into a FormatError; also a decorator for readers.

    Raises
    ------
    FormatError
        If the file's geometry contradicts itself: affine and spacing disagree, there are no voxels, ...
    """
    try:
        yield
    except (GeometryError, ParameterError) as error:
        raise FormatError(f"what the file says of its voxels contradicts itself: {error}") from None


def spacing_beside(affine: Affine | None, spacing: Spacing) -> tuple[Spacing, tuple[str, ...]]:
    """The spacing that a file gives; UNKNOWN, with a warning, if it contradicts the affine, which is used instead."""
    try:
        Geometry(shape=(1, 1, 1), affine=affine, spacing=spacing)
    except GeometryError as error:
        return UNKNOWN, (f"{error}; the affine is taken",)
    return spacing, ()


def is_sheared(affine: Affine) -> bool:
    """True if the axes are not perpendicular, as in a tilted stack."""
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return bool(np.abs(directions.T @ directions - np.eye(3)).max() > SHEAR_TOLERANCE)


def shared_grid(volumes: Sequence[Volume]) -> Volume:
    """The first of the volumes, after a check that all have one shape and one grid.

    Raises
    ------
    ParameterError
        If there is no volume.
    FormatError
        If shapes or places differ, or there are no voxels.
    """
    if not volumes:
        raise ParameterError("there is no volume to write")
    first = volumes[0]
    if 0 in first.array.shape:
        raise FormatError("the volume has no voxels")
    for number, other in enumerate(volumes[1:], 2):
        if other.array.shape != first.array.shape:
            raise FormatError(
                f"volumes of different shapes cannot be one file: {_size(first)} and, of number {number}, "
                f"{_size(other)}; write them one by one"
            )
        if (other.affine is None) != (first.affine is None):
            raise FormatError("volumes with and without a place cannot be one file; write them one by one")
        if first.geometry.placed and not first.geometry.same_grid(other.geometry):
            raise FormatError(f"volume {number} lies elsewhere than the first; write them one by one")
    return first


def _size(volume: Volume) -> str:
    return " x ".join(map(str, volume.array.shape))


def shared_dtype(volumes: Sequence[Volume], known: Sequence[str], name: str) -> np.dtype[Any]:
    """The smallest dtype that holds the values of all volumes without loss.

    Raises
    ------
    FormatError
        If there is no such dtype, or the format does not have it.
    """
    dtypes = {np.dtype(volume.array.dtype).newbyteorder("=") for volume in volumes}
    found = np.result_type(*dtypes)
    if any(not np.can_cast(one, found, "safe") for one in dtypes) or (
        found.kind == "f" and len(dtypes) > 1 and any(one.kind in "iu" and one.itemsize == 8 for one in dtypes)
    ):
        words = ", ".join(sorted(str(one) for one in dtypes))
        raise FormatError(f"no one dtype holds the values of all volumes: {words}; write them one by one")
    if found.name not in known:
        raise FormatError(f"{name} holds no {found.name}; it holds {', '.join(known)}")
    return found


def reoriented(array: npt.NDArray[Any], geometry: Geometry, code: str) -> tuple[npt.NDArray[Any], Geometry]:
    """Flip and swap axes so that they follow the patient's; nothing is resampled.

    Parameters
    ----------
    array
        Index ``(slice, row, column[, sample])``.
    code
        As `Geometry.turn_to` takes it: ``"RAS"``.

    Returns
    -------
    array, geometry
        A view, and its grid.

    Raises
    ------
    ParameterError
        If the code is invalid.
    """
    axes, backwards = geometry.turn_to(code)
    moved = np.transpose(array, (*axes, *range(3, array.ndim)))
    flipped = tuple(axis for axis in range(3) if backwards[axis])
    return np.flip(moved, flipped), geometry.permute(axes, backwards=backwards)
