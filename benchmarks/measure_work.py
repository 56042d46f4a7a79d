"""Races of counting voxels above a threshold against common implementations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

import voxelry
from benchmarks.race import Race, Runner, Target

THRESHOLD = 0.5
_FLOAT32 = "float32, normalised and compared"


def races(array: npt.NDArray[np.int16]) -> Iterator[tuple[str, Callable[[], Race]]]:
    yield "measure", lambda: _measure_race(array)


def _measure_race(array: npt.NDArray[np.int16]) -> Race:
    volume = voxelry.Volume(array=array, spacing=(1.0, 0.7, 0.7))
    wanted = _by_definition(array)

    def check(found: object) -> None:
        if found != wanted:
            raise ValueError(f"{found} voxels, not {wanted}")

    return Race(
        "measure",
        "count above 0.5 of the range",
        Runner("voxelry", lambda: voxelry.measure(volume, THRESHOLD).pixels_above_threshold),
        (
            Runner(_FLOAT32, lambda: _normalised(array, np.float32)),
            Runner("float64, likewise", lambda: _normalised(array, np.float64)),
            Runner("numpy.bincount", lambda: _by_bincount(array)),
        ),
        (Target((_FLOAT32,), 6.0),),
        check=check,
    )


def _by_definition(array: npt.NDArray[np.int16]) -> int:
    values, counts = np.unique(array, return_counts=True)
    x = values.astype(np.float64)
    return int(counts[(x - x.min()) / (x.max() - x.min()) > THRESHOLD].sum())


def _normalised(array: npt.NDArray[np.int16], kind: type[np.floating[Any]]) -> int:
    x = array.astype(kind)
    low, high = x.min(), x.max()
    x -= low
    x /= high - low
    return int(np.count_nonzero(x > THRESHOLD))


def _by_bincount(array: npt.NDArray[np.int16]) -> int:
    low = int(array.min())
    counts = np.bincount((array.astype(np.int32) - low).ravel())
    x = np.arange(counts.size) / (counts.size - 1)
    return int(counts[x > THRESHOLD].sum())
