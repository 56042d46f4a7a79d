"""What formats ask of the volumes that they are to hold, and of the grids that they read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import FormatError, ParameterError
from voxelry.core.geometry import patient_axes
from voxelry.core.volume import Spacing, Volume

Affine = npt.NDArray[np.float64]

SAME_PLACE_MM = 1e-3
"""Volumes whose affines differ by more than this are not on one grid."""
_FARTHEST = 1e100
"""No millimetre of a file is larger: what is computed of a place stays a number."""
SHEAR_TOLERANCE = 1e-4
"""Axes further from perpendicular than this cosine are sheared."""


def check_affine(affine: npt.ArrayLike) -> Affine:
    """An affine that a file gives, with its last row.

    Raises
    ------
    FormatError
        If a number is not finite, or the three axes do not span space.
    """
    found = np.eye(4)
    found[:3] = np.asarray(affine, np.float64)[:3]
    if not (np.abs(found) < _FARTHEST).all():  # NaN is not
        raise FormatError("the file's geometry holds numbers that are not finite, or beyond all places")
    lengths = np.linalg.norm(found[:3, :3], axis=0)
    if not (np.isfinite(lengths).all() and (lengths > 0).all()):
        raise FormatError("the file's geometry has an axis without length")
    if abs(float(np.linalg.det(found[:3, :3] / lengths))) < 1e-6:
        raise FormatError("the axes of the file's geometry do not span space")
    return found


def spacing_of(affine: Affine) -> Spacing:
    """Millimetres ``(slice, row, column)`` of an affine; the product is ``|det(affine)|``, sheared or not."""
    _, row, column = (float(length) for length in np.linalg.norm(affine[:3, :3], axis=0))
    return abs(float(np.linalg.det(affine[:3, :3]))) / (row * column), row, column


def is_sheared(affine: Affine) -> bool:
    """True if the axes are not perpendicular, as those of a tilted stack."""
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return bool(np.abs(directions.T @ directions - np.eye(3)).max() > SHEAR_TOLERANCE)


def shared_grid(volumes: Sequence[Volume]) -> Volume:
    """The first of volumes that can be held together: of one shape, on one grid.

    Raises
    ------
    ParameterError
        If there is none.
    FormatError
        If shapes or places differ, or the place itself is none.
    """
    if not volumes:
        raise ParameterError("there is no volume to write")
    first = volumes[0]
    if 0 in first.array.shape:
        raise FormatError("the volume has no voxels")
    if first.affine is not None:
        check_affine(first.affine)
    for number, other in enumerate(volumes[1:], 2):
        if other.array.shape != first.array.shape:
            raise FormatError(
                f"volumes of different shapes cannot be one file: {_size(first)} and, of number {number}, "
                f"{_size(other)}; write them one by one"
            )
        if (other.affine is None) != (first.affine is None):
            raise FormatError("volumes with and without a place cannot be one file; write them one by one")
        if first.affine is not None and not _is_near(first.affine, other.affine):
            raise FormatError(f"volume {number} lies elsewhere than the first; write them one by one")
    return first


def _is_near(one: Affine, other: Affine | None) -> bool:
    return other is not None and bool(np.allclose(one, other, rtol=0, atol=SAME_PLACE_MM))


def _size(volume: Volume) -> str:
    return " x ".join(map(str, volume.array.shape))


def shared_dtype(volumes: Sequence[Volume], known: Sequence[str], name: str) -> np.dtype[Any]:
    """The dtype that holds every volume's values without loss.

    Raises
    ------
    FormatError
        If there is none, or the format has no such dtype.
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


def reoriented(array: npt.NDArray[Any], affine: Affine, code: str) -> tuple[npt.NDArray[Any], Affine]:
    """The same voxels at the same places, with axes along those of the patient; nothing is resampled.

    Parameters
    ----------
    array
        Index ``(slice, row, column[, sample])``.
    code
        Where column, row and slice numbers grow towards, in this order, as other software names it: ``"RAS"`` for
        right, anterior, superior. Each of R or L, A or P, S or I once, in any order: 48 codes.

    Returns
    -------
    array, affine
        A view, and its affine to LPS.

    Raises
    ------
    ParameterError
        If the code is none.
    """
    wanted = code.upper()
    if sorted("LPS".find({"R": "L", "A": "P", "I": "S"}.get(letter, letter)) for letter in wanted) != [0, 1, 2]:
        raise ParameterError(
            f"{code!r} is no orientation: it needs one of R and L, one of A and P, and one of S and I, as in RAS"
        )
    axes, signs = patient_axes(affine)
    order, mapping = [0, 0, 0], np.zeros((4, 4))
    mapping[3, 3] = 1
    flipped = []
    for place, letter in enumerate(wanted):
        patient = "LPS".find(letter) if letter in "LPS" else "RAI".find(letter)
        new, old = 2 - place, axes[patient]
        order[new] = old
        if (signs[patient] > 0) == (letter in "LPS"):
            mapping[old, new] = 1
        else:
            mapping[old, new], mapping[old, 3] = -1, array.shape[old] - 1
            flipped.append(new)
    moved = np.transpose(array, (*order, *range(3, array.ndim)))
    return np.flip(moved, tuple(flipped)), affine @ mapping
