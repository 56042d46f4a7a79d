"""Thresholds from a histogram: each function returns the value that a voxel has to exceed.

All work in float64 on counts of the values, so that padding is left out and no voxel is copied.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import MeasureError
from voxelry.core.histogram import Histogram
from voxelry.core.volume import Volume

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

FLOAT_BINS = 256
"""Bins of values that are not integers, for methods that use the histogram's outline: scikit-image's default."""
MOST_CLASS_VALUES = 4096
"""Most distinct values for splitting into several classes; more are put into as many bins."""


def bins(volume: Volume, counted: Histogram) -> tuple[Floats, Counts]:
    """The histogram with equal bins: one for each integer, or 256 for other values.

    Returns
    -------
    centres, counts
        Ascending; same shape. The first and the last bin are not empty.
    """
    span = counted.maximum - counted.minimum
    if volume.array.dtype.kind in "iub" and span < 2**16:
        centres = counted.minimum + np.arange(int(span) + 1, dtype=np.float64)
        counts = np.zeros(centres.size, np.int64)
        counts[(counted.values - counted.minimum).astype(np.intp)] = counted.counts
        return centres, counts
    return _in_bins(counted, FLOAT_BINS)


def _in_bins(counted: Histogram, number: int) -> tuple[Floats, Counts]:
    edges = np.linspace(counted.minimum, counted.maximum, number + 1)
    counts, _ = np.histogram(counted.values, edges, weights=counted.counts)
    return (edges[:-1] + edges[1:]) / 2, np.rint(counts).astype(np.int64)


def otsu(counted: Histogram) -> float:
    """The value that separates two classes with the largest variance between them (Otsu 1979)."""
    values, counts = counted.values, counted.counts.astype(np.float64)
    if values.size < 2:
        return float(values[0])
    below = np.cumsum(counts)
    above = below[-1] - below[:-1]
    total = np.cumsum(counts * _from_first(values))
    means = total[:-1] / below[:-1], (total[-1] - total[:-1]) / above
    return float(values[int(np.argmax(below[:-1] * above * (means[0] - means[1]) ** 2))])


def _from_first(values: Floats) -> Floats:
    """Distances of ascending values from the first, scaled by a power of two so that squares do not overflow.

    Differences avoid the loss of digits by a large offset, and a power of two is exact.
    """
    size = int(np.frexp(max(abs(values[0]), abs(values[-1])))[1])
    with np.errstate(under="ignore"):
        near_one = np.ldexp(values.astype(np.float64), -size)
    return np.asarray(near_one - near_one[0])


def multi_otsu(counted: Histogram, classes: int) -> list[float]:
    """The ``classes - 1`` values that separate classes with the largest variance between them.

    Raises
    ------
    MeasureError
        If there are fewer distinct values than classes.

    Notes
    -----
    Dynamic programming: the best cuts of the first values into k classes follow from those into k - 1, so the result is
    exact.
    """
    values, whole = counted.values, counted.counts
    if values.size > MOST_CLASS_VALUES:
        values, whole = _in_bins(counted, MOST_CLASS_VALUES)
        values, whole = values[whole > 0], whole[whole > 0]
    if values.size < classes:
        raise MeasureError(f"{values.size} distinct values cannot be parted into {classes} classes")
    weight = np.concatenate([[0.0], np.cumsum(whole)])
    total = np.concatenate([[0.0], np.cumsum(whole * _from_first(values))])
    ends = np.arange(values.size + 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        best = np.where(weight > 0, total**2 / weight, 0.0)  # One class from the first value up to each value.
        came: list[npt.NDArray[np.intp]] = []
        for _ in range(classes - 1):
            found, chosen = np.full(ends.size, -np.inf), np.zeros(ends.size, np.intp)
            for end in range(len(came) + 2, ends.size):
                starts = slice(len(came) + 1, end)
                gain = best[starts] + (total[end] - total[starts]) ** 2 / (weight[end] - weight[starts])
                place = int(np.argmax(gain))
                found[end], chosen[end] = gain[place], place + len(came) + 1
            best = found
            came.append(chosen)
    cuts, end = [], values.size
    for chosen in reversed(came):
        end = int(chosen[end])
        cuts.append(float(values[end - 1]))
    return cuts[::-1]


def li(counted: Histogram) -> float:
    """The value of the smallest cross entropy between the voxels and their two classes (Li and Tam 1998)."""
    values, counts = counted.values - counted.minimum, counted.counts.astype(np.float64)
    if values.size < 2:
        return counted.minimum
    tolerance = float(np.diff(values).min()) / 2
    level, last = float(np.average(values, weights=counts)), -np.inf
    while abs(level - last) > tolerance:
        last = level
        above = values > level
        if not above.any():
            break
        upper = float(np.average(values[above], weights=counts[above]))
        lower = float(np.average(values[~above], weights=counts[~above]))
        if lower == 0:
            break
        level = (lower - upper) / (np.log(lower) - np.log(upper))
    return counted.minimum + float(level)


def triangle(values: Floats, counts: Counts) -> float:
    """The bin furthest below the line from the histogram's peak to the end of its longer tail (Zack 1977)."""
    peak, last = int(np.argmax(counts)), counts.size - 1
    if last == 0:
        return float(values[0])
    flipped = peak < last - peak
    heights = (counts[::-1] if flipped else counts).astype(np.float64)
    width = last - peak if flipped else peak
    steps = np.arange(width)
    norm = float(np.hypot(heights[width], width))
    distance = heights[width] / norm * steps - width / norm * heights[:width]
    found = int(np.argmax(distance))
    return float(values[last - found if flipped else found])


def yen(values: Floats, counts: Counts) -> float:
    """The bin of the largest entropic correlation of the two classes (Yen, Chang and Chang 1995)."""
    if values.size < 2:
        return float(values[0])
    share = counts / counts.sum()
    below = np.cumsum(share)[:-1]
    squares = np.cumsum(share**2)
    upper = np.cumsum((share**2)[::-1])[::-1][1:]
    return float(values[int(np.argmax(np.log((below * (1 - below)) ** 2 / (squares[:-1] * upper))))])


def percentile(counted: Histogram, percent: float) -> float:
    """The smallest value that at least ``percent`` of the voxels do not exceed."""
    reached = np.cumsum(counted.counts)
    place = int(np.searchsorted(reached, percent / 100 * float(reached[-1])))
    return float(counted.values[min(place, counted.values.size - 1)])
