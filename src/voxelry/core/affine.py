"""What a 4 x 4 affine says: from a ``(slice, row, column)`` index to LPS millimetres (PS3.3 C.7.6.2.1.1)."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import GeometryError, ParameterError

Floats = npt.NDArray[np.float64]
Vector: TypeAlias = tuple[float, float, float]

LARGEST, _SMALLEST = 1e100, 1e-100
"""Limits of an affine's numbers and of its axes' lengths in mm: within them all that is computed stays finite."""
_FLAT = 1e-6
"""Axes whose unit vectors span less than this volume do not span space."""


def index_to_lps(affine: Floats, index: npt.ArrayLike) -> Floats:
    """LPS millimetres of ``(slice, row, column)`` indices; shape ``(..., 3)`` to ``(..., 3)``."""
    return np.asarray(np.asarray(index, dtype=np.float64) @ affine[:3, :3].T + affine[:3, 3])


def lps_to_index(affine: Floats, position: npt.ArrayLike) -> Floats:
    """Fractional ``(slice, row, column)`` indices of LPS millimetres; shape ``(..., 3)`` to ``(..., 3)``."""
    return np.asarray((np.asarray(position, dtype=np.float64) - affine[:3, 3]) @ np.linalg.inv(affine[:3, :3]).T)


def patient_axes(affine: Floats) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Which index axis runs along each patient axis, and in which direction.

    Returns
    -------
    axes, signs
        For left, posterior and superior in turn: the index axis (0 slice, 1 row, 2 column) nearest to it,
        and +1 if the index grows that way, else -1. Each index axis occurs once.
    """
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    orders = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))
    best = max(orders, key=lambda order: sum(abs(float(directions[axis, order[axis]])) for axis in range(3)))
    signs = tuple(1 if directions[axis, best[axis]] >= 0 else -1 for axis in range(3))
    return best, (signs[0], signs[1], signs[2])


def checked_affine(affine: npt.ArrayLike) -> Floats:
    """A copy that nobody can make writeable: its memory is that of immutable bytes.

    Raises
    ------
    ParameterError
        If it is not 4 x 4.
    GeometryError
        If a number is not finite, or the last row is not 0 0 0 1.
    """
    given = np.asarray(affine, np.float64)
    if given.shape != (4, 4):
        raise ParameterError(f"an affine is 4 x 4, not {' x '.join(map(str, given.shape)) or 'a number'}")
    rows = given.tolist()
    if not all(abs(number) < LARGEST for row in rows for number in row):  # NaN is not
        raise GeometryError("the affine holds numbers that are not finite, or beyond all places")
    if rows[3] != [0.0, 0.0, 0.0, 1.0]:
        raise GeometryError(f"the last row of the affine is {rows[3]}, not 0 0 0 1")
    copy: Floats = np.frombuffer((given + 0.0).tobytes(), np.float64)  # + 0.0: no negative zero
    return copy.reshape(4, 4)


def spacing_and_mm3(affine: Floats) -> tuple[tuple[float, float, float], float]:
    """The spacing, the first along the normal, and ``|det|``. Python's floats take a tenth of numpy's time.

    Raises
    ------
    GeometryError
        If the axes do not span space.
    """
    step, row, column = axes_of(affine)
    lengths = [math.hypot(*axis) for axis in (step, row, column)]
    if min(lengths) < _SMALLEST:
        raise GeometryError(f"an axis of the affine has no length: {lengths[0]:g}, {lengths[1]:g}, {lengths[2]:g} mm")
    across = cross(_divided(row, lengths[1]), _divided(column, lengths[2]))
    along = abs(dot(step, across))
    if along / lengths[0] < _FLAT:
        raise GeometryError(f"the axes of the affine do not span space: its determinant is {np.linalg.det(affine):g}")
    return (along / math.hypot(*across), lengths[1], lengths[2]), along * lengths[1] * lengths[2]


def spacing_of(affine: Floats) -> tuple[float, float, float]:
    """The spacing ``(slice, row, column)`` of an affine in mm, the first along the normal.

    Raises
    ------
    GeometryError
        If the axes do not span space.
    """
    spacing, _ = spacing_and_mm3(affine)
    return spacing


def axes_of(affine: Floats) -> tuple[Vector, Vector, Vector]:
    """The steps to the next slice, row and column."""
    (a, d, g, _), (b, e, h, _), (c, f, i, _), _ = affine.tolist()
    return (a, b, c), (d, e, f), (g, h, i)


def cross(one: Vector, other: Vector) -> Vector:
    """The vector product."""
    (a, b, c), (d, e, f) = one, other
    return b * f - c * e, c * d - a * f, a * e - b * d


def dot(one: Vector, other: Vector) -> float:
    """The scalar product."""
    return one[0] * other[0] + one[1] * other[1] + one[2] * other[2]


def _divided(one: Vector, length: float) -> Vector:
    return one[0] / length, one[1] / length, one[2] / length


def degrees_off_right_angle(one: Vector, other: Vector) -> float:
    """By how much the angle of two vectors differs from 90 degrees."""
    return math.degrees(math.atan2(abs(dot(one, other)), math.hypot(*cross(one, other))))
