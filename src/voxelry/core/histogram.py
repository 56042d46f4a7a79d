"""How often each value of a volume occurs: from which the counts above any threshold follow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import MeasureError
from voxelry.core.extent import COLOUR, normalised
from voxelry.core.regions import RegionMask
from voxelry.core.volume import Volume

MAX_BINS = 65_536


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """How often each value occurs among the voxels that are neither padding nor NaN nor infinite.

    Attributes
    ----------
    values
        Ascending, float64; the distinct values themselves if ``exact``, else the centres of equal bins.
    counts
        int64, same shape.
    minimum, maximum
        Of the values; NaN if there is no voxel.
    exact
        False if a float volume has more than 65,536 distinct values; then a count above a threshold
        cannot be told from the bins.
    """

    values: npt.NDArray[np.float64]
    counts: npt.NDArray[np.int64]
    minimum: float
    maximum: float
    exact: bool


def histogram(volume: Volume, region: RegionMask | None = None) -> Histogram:
    """How often each value occurs; padding, NaN and infinities are left out.

    Parameters
    ----------
    region
        Only its voxels, whose values are taken a slice at a time; all where there is none.

    Raises
    ------
    MeasureError
        If the volume is in colour, which has no single intensity.
    """
    if volume.colour:
        raise MeasureError(COLOUR)
    slices: Iterable[npt.NDArray[np.generic]]
    if region is None:
        slices = [values for part in volume.unpadded() if (values := _finite(part)).size]
    else:
        slices = _RegionValues(volume, region)
    if not any(True for _ in slices):
        return Histogram(np.empty(0), np.empty(0, np.int64), float("nan"), float("nan"), exact=True)
    if volume.array.dtype.kind in "iub":
        values, counts = _count_integers(slices)
    else:
        values, counts, exact = _count_floats(slices)
        if not exact:
            low, high = float(min(s.min() for s in slices)), float(max(s.max() for s in slices))
            return Histogram(values, counts, low, high, exact=False)
    return Histogram(values, counts, float(values[0]), float(values[-1]), exact=True)


@dataclass(frozen=True, slots=True, eq=False)
class _RegionValues:
    """The values in a region, slice by slice, each time anew; slices without any are left out."""

    volume: Volume
    region: RegionMask

    def __iter__(self) -> Iterator[npt.NDArray[np.generic]]:
        slices, rows, columns = self.region.box
        for at, number in enumerate(range(slices.start, slices.stop)):
            inside = self.region.mask[at]
            hidden = self.volume.padding_mask(number)
            if hidden is not None:
                inside = inside & ~hidden[rows, columns]
            values = _finite(np.asarray(self.volume.array[number])[rows, columns][inside])
            if values.size:
                yield values


def _finite(values: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """The values without NaN and infinities; the same array where there are none."""
    if values.dtype.kind != "f":
        return values
    finite = np.isfinite(values)
    return values if finite.all() else values[finite]


def _count_integers(slices: Iterable[npt.NDArray[np.generic]]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    low, high = min(int(s.min()) for s in slices), max(int(s.max()) for s in slices)
    # A table of all values between, unless they lie so far apart that it would outgrow the voxels.
    if high - low < max(2**16, sum(s.size for s in slices)):
        counts = np.zeros(high - low + 1, np.int64)
        for values in slices:
            flat = values.ravel()
            # uint64 is moved down before it would outgrow int64.
            moved = np.subtract(flat, low, dtype=np.uint64) if flat.dtype == np.uint64 else flat.astype(np.int64) - low
            counts += np.bincount(moved.astype(np.int64), minlength=counts.size)
        present = np.flatnonzero(counts)
        return _merged([value + low for value in present.tolist()], counts[present])
    distinct: dict[int, int] = {}
    for values in slices:
        for value, count in zip(*(part.tolist() for part in np.unique(values, return_counts=True)), strict=True):
            distinct[value] = distinct.get(value, 0) + count
    ordered = sorted(distinct)
    return _merged(ordered, np.array([distinct[value] for value in ordered], np.int64))


def _merged(
    values: Sequence[int], counts: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Ascending integers as float64, in which neighbours of more than 53 bits are one."""
    distinct, where = np.unique(np.array([float(value) for value in values]), return_inverse=True)
    if distinct.size == counts.size:
        return distinct, counts
    merged = np.zeros(distinct.size, np.int64)
    np.add.at(merged, where, counts)
    return distinct, merged


def _count_floats(
    slices: Iterable[npt.NDArray[np.generic]],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64], bool]:
    values: npt.NDArray[np.float64] = np.empty(0)
    counts: npt.NDArray[np.int64] = np.empty(0, np.int64)
    for part in slices:
        new, new_counts = np.unique(part.astype(np.float64), return_counts=True)
        merged, where = np.unique(np.concatenate([values, new]), return_inverse=True)
        if merged.size > MAX_BINS:
            break
        values = np.asarray(merged, np.float64)
        counts = np.bincount(where, np.concatenate([counts, new_counts]), merged.size).astype(np.int64)
    else:
        return values, counts, True
    low, high = float(min(s.min() for s in slices)), float(max(s.max() for s in slices))
    counts = np.zeros(MAX_BINS, np.int64)
    for part in slices:
        bins = (normalised(part.astype(np.float64), low, high) * MAX_BINS).astype(np.int64)
        counts += np.bincount(np.minimum(bins, MAX_BINS - 1).ravel(), minlength=MAX_BINS)
    fractions = (np.arange(MAX_BINS, dtype=np.float64) + 0.5) / MAX_BINS
    return low * (1 - fractions) + high * fractions, counts, False
