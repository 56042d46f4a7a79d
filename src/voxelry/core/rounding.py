"""Positions written with few digits: whether an even grid lies within their rounding."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

COARSEST_ROUNDING = 0.3
"""The largest rounding, as a fraction of the step, that may explain uneven positions."""
_SAFE = 0.8
_ARITHMETIC = 1e-6
"""Millimetres; the error of binary numbers beyond the digits that were written."""
_GAP_UNITS = 1.5
"""Even steps that are rounded to a unit differ by one unit at most; those that differ by two were not even."""
_HALVINGS = 80
_GOLDEN = (5**0.5 - 1) / 2


def even_within(positions: Floats, normal: Floats, rounding: Floats) -> tuple[Floats, Floats] | None:
    """The even grid that lies within the rounding of every position.

    The step is fitted to the whole by least squares: along the normal if that fits, because a tilt within the digits
    counts as none; else in each coordinate. Where that leaves an interval, the largest residual is made the smallest.

    Parameters
    ----------
    positions
        Shape ``(n, 3)``, mm, in order; n above 2.
    normal
        Of the slices, unit length; shape ``(3,)``.
    rounding
        Half a unit of the last digit that is written, of each coordinate; shape ``(3,)``, mm.

    Returns
    -------
    origin, step
        Of the grid, each of shape ``(3,)``; None if no even grid lies within.
    """
    allowed = rounding + _ARITHMETIC
    if (np.ptp(np.diff(positions, axis=0), axis=0) > _GAP_UNITS * 2 * allowed).any():
        return None
    numbers = np.arange(len(positions), dtype=np.float64)[:, None]
    straight = _best(numbers * normal, positions, allowed, float(np.polyfit(numbers[:, 0], positions @ normal, 1)[0]))
    if straight is not None:
        slope, origin = straight
        return origin, slope * normal
    found = [
        _best(
            numbers, positions[:, [axis]], allowed[[axis]], float(np.polyfit(numbers[:, 0], positions[:, axis], 1)[0])
        )
        for axis in range(3)
    ]
    lines = [line for line in found if line is not None]
    if len(lines) < 3:
        return None
    return np.array([origin[0] for _, origin in lines]), np.array([slope for slope, _ in lines])


def coarsest_rounding(count: int) -> float:
    """The largest rounding, as a fraction of the step, that cannot hide a hole among so many slices.

    With one slice missing, the best line leaves positions off by half a step times ``1 - 1 / (count - 1)``, or more.
    """
    return min(COARSEST_ROUNDING, _SAFE * 0.5 * (1 - 1 / (count - 1)))


def _best(numbers: Floats, values: Floats, allowed: Floats, near: float) -> tuple[float, Floats] | None:
    """The slope, and where lines of it begin, that leave no value farther off than allowed; None if there is none.

    Parameters
    ----------
    numbers, values
        Shape ``(n, 1)`` or ``(n, axes)``: the values should be the numbers times the slope, and a constant.
    near
        A slope to begin with: it is kept if it will do.
    """

    def spread(slope: float) -> float:
        """By how much the widest axis fills what is allowed: convex in the slope."""
        return float((np.ptp(values - slope * numbers, axis=0) / (2 * allowed)).max())

    slope = near
    if spread(slope) > 1:
        reach = 2 * spread(near) * float(allowed.max()) / max(float(np.ptp(numbers, axis=0).max()), 1.0)
        low, high = near - 2 * reach, near + 2 * reach
        for _ in range(_HALVINGS):
            one, other = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
            low, high = (low, other) if spread(one) <= spread(other) else (one, high)
        slope = (low + high) / 2
    if spread(slope) > 1:
        return None
    rest = values - slope * numbers
    return slope, (rest.max(axis=0) + rest.min(axis=0)) / 2
