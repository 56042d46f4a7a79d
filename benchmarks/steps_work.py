"""Races of steps against the libraries whose results they reproduce."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from benchmarks.race import Race, Runner, Target
from voxelry.core.registry import step_named
from voxelry.core.volume import Volume

SIGMA = 1.0
"""In mm; voxels have 1 mm, so that all libraries use the same sigma."""
MEDIAN_SLICES = 6
"""Slices; scipy needs a minute for 300."""
_WITHIN = 1e-3
"""Largest difference of results, as a fraction of the range."""


def races(array: npt.NDArray[np.int16]) -> Iterator[tuple[str, Callable[[], Race]]]:
    """Races by name; each is made on use."""
    yield "gaussian", lambda: gaussian_race(array)
    yield "median", lambda: median_race(array[:MEDIAN_SLICES])


def gaussian_race(array: npt.NDArray[np.int16]) -> Race:
    """The race of blurring a float32 volume in three dimensions."""
    from scipy import ndimage

    values = array.astype(np.float32)
    volume, step = Volume(array=values, spacing=(1.0, 1.0, 1.0)), step_named("gaussian")
    wanted = ndimage.gaussian_filter(values, SIGMA)
    bearable = _WITHIN * float(np.ptp(wanted))
    return Race(
        "gaussian",
        f"Gaussian, sigma {SIGMA:g} voxel, float32",
        Runner("voxelry", lambda: step.run(volume, {"sigma": SIGMA}).volumes[0].array),
        (Runner("scipy", lambda: ndimage.gaussian_filter(values, SIGMA)),),
        (Target(("scipy",), 4.0),),
        lambda found: _check_near(found, wanted, bearable),
    )


def median_race(array: npt.NDArray[np.int16]) -> Race:
    """The race of the exact median of 3 x 3 x 3 voxels."""
    from scipy import ndimage

    volume, step = Volume(array=array), step_named("median")
    wanted = ndimage.median_filter(array, 3, mode="nearest")
    return Race(
        "median",
        f"median of 3 x 3 x 3, {len(array)} slices of int16",
        Runner("voxelry", lambda: step.run(volume).volumes[0].array),
        (Runner("scipy", lambda: ndimage.median_filter(array, 3, mode="nearest")),),
        (Target(("scipy",), 4.0),),
        lambda found: _check_near(found, wanted, 0.0),
    )


def _check_near(found: object, wanted: npt.NDArray[np.generic], bearable: float) -> None:
    array = np.asarray(found)
    apart = max(float(np.abs(one.astype(np.float64) - other).max()) for one, other in zip(array, wanted, strict=True))
    if apart > bearable:
        raise ValueError(f"{apart:g} apart, not {bearable:g}")
