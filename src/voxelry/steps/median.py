"""Median filter: removes noise of single voxels and keeps edges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache, partial
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from voxelry.core.holes import missing_mask
from voxelry.core.progress import Progress, part
from voxelry.core.steps import Params, Step, StepResult
from voxelry.core.volume import Volume
from voxelry.parallel import on_all_cores
from voxelry.steps.shared import demands
from voxelry.steps.shared.missing_values import native
from voxelry.steps.shared.per_axis import Counts, Lengths, three

MOST_VOXELS = 343
"""Most voxels of the box (7 x 7 x 7); larger ones take minutes for what a blur gives in a second."""
_BLOCK_BYTES = 2**24
_GATHERED = 2**22

_Array = npt.NDArray[Any]


class MedianParams(Params):
    """Parameters of `median`."""

    size: Counts | None = Field(
        None,
        title="Size in voxels",
        description="Edge of the box in voxels, odd; one, or three for slice, row and column; none means 3",
        json_schema_extra={"unit": "1"},
    )
    size_mm: Lengths | None = Field(
        None,
        title="Size in mm",
        description="The same in mm, made the nearest odd number of voxels on each axis",
        json_schema_extra={"unit": "mm"},
    )

    @model_validator(mode="after")
    def _one_size(self) -> MedianParams:
        if self.size is not None and self.size_mm is not None:
            raise ValueError("give size or size_mm, not both")
        for size in three(self.size or 3):
            if size % 2 == 0:
                raise ValueError(f"a box of {size} voxels has no voxel in its middle: use odd numbers")
        return self


def median(volumes: Sequence[Volume], params: MedianParams, progress: Progress) -> StepResult:
    """The median of the box around each voxel; the dtype stays.

    Beyond the edge the nearest voxel is repeated. Padding and NaN take part in no median and stay unchanged. Of an even
    number of voxels the median is the smaller of the two middle values, so that every result is a value of the volume.
    The box follows the index axes, which are not perpendicular in a sheared volume.

    Parameters
    ----------
    volumes
        One greyscale volume.

    Raises
    ------
    ParameterError
        If the box holds more than `MOST_VOXELS` voxels.
    """
    (volume,) = volumes
    demands.require_grey(volume)
    radii = _radii(volume, params)
    source = native(volume)
    array = np.empty_like(source)
    tasks = (partial(_slice, source, index, radii, array) for index in range(len(array)))
    on_all_cores(tasks, len(array), part(progress, 0, 0.9), "taking medians")
    unknown = _mend(volume, source, radii, array)
    progress(1.0, "taking medians")
    warnings = volume.warnings
    if unknown:
        warnings += (f"{unknown:,} voxels that are no numbers were left out of the medians and stay as they were",)
    return StepResult(volumes=(replace(volume, array=array, warnings=warnings),))


def _fits(volumes: Sequence[Volume], params: MedianParams) -> None:
    demands.require_grey(volumes[0])
    _radii(volumes[0], params)


def _radii(volume: Volume, params: MedianParams) -> tuple[int, int, int]:
    """The half width of the box in voxels; 0 along an axis of one voxel."""
    if params.size_mm is None:
        whole = [size // 2 for size in three(params.size or 3)]
    else:
        spacing = demands.known_spacing(volume)
        boxes = [min(mm / step, 2.0**31) for mm, step in zip(three(params.size_mm), spacing, strict=True)]
        whole = [max(0, round((box - 1) / 2)) for box in boxes]
    along, down, across = (radius * (size > 1) for radius, size in zip(whole, volume.array.shape, strict=True))
    demands.require_at_most(MOST_VOXELS, (2 * along + 1) * (2 * down + 1) * (2 * across + 1), "voxels in the box")
    return along, down, across


def _slice(source: _Array, index: int, radii: tuple[int, int, int], target: _Array) -> None:
    """Filter one slice in blocks of rows; in much smaller blocks, calls cost more than comparisons."""
    along, down, across = radii
    slices, rows, columns = source.shape
    near = np.clip(np.arange(index - along, index + along + 1), 0, slices - 1)
    box = np.pad(source[near], ((0, 0), (down, down), (across, across)), mode="edge")
    count = len(near) * (2 * down + 1) * (2 * across + 1)
    step = max(1, _BLOCK_BYTES // (count * columns * source.itemsize))
    for top in range(0, rows, step):
        height = min(step, rows - top)
        values = np.empty((count, height, columns), source.dtype)
        places = product(range(len(near)), range(2 * down + 1), range(2 * across + 1))
        for number, (z, y, x) in enumerate(places):
            values[number] = box[z, top + y : top + y + height, x : x + columns]
        target[index, top : top + height] = _middle(values)


def _middle(values: _Array) -> _Array:
    """The median along the first axis, which is partly sorted in place."""
    rows, spare = list(values), np.empty_like(values[0])
    for low, high, least, most in _network(len(rows)):
        one, other = rows[low], rows[high]
        if least and most:
            np.minimum(one, other, out=spare)
            np.maximum(one, other, out=other)
            rows[low], spare = spare, one
        elif least:
            np.minimum(one, other, out=one)
        else:
            np.maximum(one, other, out=other)
    middle: _Array = rows[len(rows) // 2]
    return middle


@lru_cache(maxsize=16)
def _network(count: int) -> tuple[tuple[int, int, bool, bool], ...]:
    """The comparisons that move the median to the middle: two indices each, and which of the two results are used.

    Batcher's merge exchange (Knuth, The Art of Computer Programming 3, 5.2.2, algorithm M), without comparisons that do
    not affect the middle.
    """
    pairs: list[tuple[int, int]] = []
    top = p = 1 << max(0, (count - 1).bit_length() - 1)
    while p > 0:
        q, r, d = top, 0, p
        while True:
            pairs += [(i, i + d) for i in range(count - d) if i & p == r]
            if q == p:
                break
            d, q, r = q - p, q >> 1, p
        p >>= 1
    needed = {count // 2}
    kept: list[tuple[int, int, bool, bool]] = []
    for low, high in reversed(pairs):
        if low in needed or high in needed:
            kept.append((low, high, low in needed, high in needed))
            needed |= {low, high}
    return tuple(reversed(kept))


def _mend(volume: Volume, source: _Array, radii: tuple[int, int, int], array: _Array) -> int:
    """Recompute medians near holes (padding, NaN) without them and restore the holes; return how many are NaN."""
    hole = missing_mask(volume, source, infinite=False)
    if hole is None:
        return 0
    from scipy import ndimage

    size = tuple(2 * radius + 1 for radius in radii)
    near = ndimage.maximum_filter(hole, size, mode="nearest") & ~hole
    places = np.argwhere(near)
    offsets = np.array(list(product(*(range(-radius, radius + 1) for radius in radii))))
    step = max(1, _GATHERED // len(offsets))
    for start in range(0, len(places), step):
        here = places[start : start + step]
        around = np.clip(here[:, None] + offsets, 0, np.array(source.shape) - 1)
        index = tuple(np.moveaxis(around, -1, 0))
        missing = hole[index]
        values = source[index]
        order = np.lexsort((values, missing), axis=1)  # Missing values come last.
        middle = ((~missing).sum(axis=1) - 1) // 2
        found = np.take_along_axis(values, np.take_along_axis(order, middle[:, None], axis=1), axis=1)
        array[tuple(here.T)] = found[:, 0]
    array[hole] = source[hole]
    return int(np.isnan(source).sum()) if source.dtype.kind == "f" else 0


STEP = Step(
    name="median",
    title="Median filter",
    description="Replaces each voxel by the median of the box around it; padding is left out.",
    params=MedianParams,
    function=median,
    fits=_fits,
)
