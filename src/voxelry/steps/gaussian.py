"""Gaussian blur with a sigma in millimetres: thick slices are blurred over fewer voxels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field, field_validator

from voxelry.core.progress import Progress, part
from voxelry.core.steps import Params, Step, StepResult
from voxelry.core.volume import Volume
from voxelry.parallel import on_all_cores
from voxelry.steps.shared import demands
from voxelry.steps.shared.per_axis import LengthsOrNone, three

Floats = npt.NDArray[np.floating[Any]]

MOST_WEIGHTS = 2**24
"""Most weights of a kernel: a larger sigma is a mistake, and its weights would fill the memory."""
_COLUMNS = 4096
"""Voxels of every slice that are blurred across the slices at a time, so that they fit in the processor's cache."""
_FAST = ("uint8", "int16", "uint16", "float32", "float64")
"""Dtypes that OpenCV reads without conversion."""


class GaussianParams(Params):
    """Parameters of `gaussian`."""

    sigma: LengthsOrNone = Field(
        1.0,
        title="Sigma",
        description="Standard deviation of the Gaussian in mm; one number, or three for slice, row and column",
        json_schema_extra={"unit": "mm"},
    )
    dimensions: int = Field(
        3, ge=2, le=3, title="Dimensions",
        description="3 blurs through the volume, 2 within each slice alone", json_schema_extra={"unit": "1"},
    )  # fmt: skip
    truncate: float = Field(
        4.0, gt=0, le=10, title="Truncate",
        description="Where the Gaussian is cut off, in standard deviations", json_schema_extra={"unit": "1"},
    )  # fmt: skip

    @field_validator("sigma")
    @classmethod
    def _blurs(cls, sigma: float | tuple[float, float, float]) -> float | tuple[float, float, float]:
        if max(three(sigma)) == 0:
            raise ValueError("at least one sigma has to be above 0")
        return sigma


def gaussian(volumes: Sequence[Volume], params: GaussianParams, progress: Progress) -> StepResult:
    """Blur a volume.

    The kernel is sampled at the voxels' centres and sums to 1, as in `scipy.ndimage.gaussian_filter`. Beyond the edge
    the volume is mirrored, edge voxels included. The result is float32 (float64 for float64 and for integers of more
    than 16 bits). Padding and values that are not finite take part in no mean and stay unchanged.

    Parameters
    ----------
    volumes
        One greyscale volume. A sheared one is refused, unless it is blurred within slices.

    Raises
    ------
    ParameterError
        If the kernel has more than `MOST_WEIGHTS` voxels along an axis.
    """
    (volume,) = volumes
    demands.require_grey(volume)
    kernels = _kernels(volume, params)
    dtype = np.dtype(np.result_type(volume.array.dtype, np.float32))
    source = _Source(volume, dtype, part(progress, 0, 0.1))
    holes = bool(source.holed.any())
    array = _blurred(source.values, volume.array.shape, dtype, kernels, part(progress, 0.1, 0.5 if holes else 1))
    unknown = 0
    if holes:
        weights = _blurred(source.weights, volume.array.shape, dtype, kernels, part(progress, 0.5, 1))
        for index, values in enumerate(array):
            with np.errstate(over="ignore", invalid="ignore"):
                values /= np.maximum(weights[index], np.finfo(dtype).tiny)
            unknown += source.restore(index, values)
    warnings = volume.warnings
    if unknown:
        warnings += (f"{unknown:,} voxels that are no finite numbers were left out of the blur and stay as they were",)
    return StepResult(volumes=(replace(volume, array=array, warnings=warnings),))


def _fits(volumes: Sequence[Volume], params: GaussianParams) -> None:
    demands.require_grey(volumes[0])
    for sigma in _sigmas(volumes[0], params):
        _Kernel.require(sigma, params.truncate)


def _kernels(volume: Volume, params: GaussianParams) -> tuple[_Kernel, _Kernel, _Kernel]:
    sizes = zip(_sigmas(volume, params), volume.array.shape, strict=True)
    along, down, across = (_Kernel.of(sigma, params.truncate, length) for sigma, length in sizes)
    return along, down, across


def _sigmas(volume: Volume, params: GaussianParams) -> tuple[float, float, float]:
    """The sigmas in voxels."""
    sigma = three(params.sigma)
    spacing: tuple[float, float, float]
    if params.dimensions == 2:
        sigma, spacing = (0.0, *sigma[1:]), (1.0, *demands.known_plane_spacing(volume))
    else:
        spacing = demands.known_spacing(volume)
        demands.require_straight(volume, "blur within the slices alone (dimensions 2)")
    along, down, across = (mm / step for mm, step in zip(sigma, spacing, strict=True))
    return along, down, across


@dataclass(frozen=True, slots=True, eq=False)
class _Kernel:
    """A Gaussian along one axis of ``length`` voxels; ``weights`` are odd in number and sum to 1."""

    weights: npt.NDArray[np.float64]
    length: int

    @staticmethod
    def require(sigma: float, truncate: float) -> None:
        demands.require_at_most(
            MOST_WEIGHTS, int(min(2 * truncate * sigma, 2.0**62)), "voxels under the Gaussian along one axis"
        )

    @classmethod
    def of(cls, sigma: float, truncate: float, length: int) -> _Kernel:
        cls.require(sigma, truncate)
        radius = int(truncate * sigma + 0.5)
        places = np.arange(-radius, radius + 1)
        weights = np.exp(-0.5 * (places / sigma) ** 2) if radius else np.ones(1)
        return cls(weights / weights.sum(), length)

    @property
    def idle(self) -> bool:
        return self.weights.size == 1 or self.length == 1

    @property
    def folds(self) -> bool:
        """True if the kernel reaches beyond the first mirror image of the volume."""
        return self.weights.size // 2 >= self.length

    def matrix(self) -> npt.NDArray[np.float64]:
        """The weight of each voxel in each result, mirror images included; shape ``(length, length)``."""
        around = 2 * self.length
        places = np.arange(self.weights.size) - self.weights.size // 2
        folded = np.bincount(places % around, self.weights, around)
        here = np.arange(self.length)
        return np.asarray(folded[(here - here[:, None]) % around] + folded[(-1 - here - here[:, None]) % around])


class _Source:
    """The slices to blur, with 0 in holes: voxels that are padding or not finite."""

    def __init__(self, volume: Volume, dtype: np.dtype[Any], progress: Progress) -> None:
        self.volume, self.dtype = volume, dtype
        self.holed = np.zeros(len(volume.array), np.bool_)
        if volume.padding is not None or volume.array.dtype.kind == "f":
            tasks = (partial(self._look, index) for index in range(len(volume.array)))
            on_all_cores(tasks, len(volume.array), progress, "looking for voxels without a value")

    def _look(self, index: int) -> None:
        self.holed[index] = self.hole(index) is not None

    def hole(self, index: int) -> npt.NDArray[np.bool_] | None:
        """A mask of a slice's holes; None if it has none."""
        hole = self.volume.padding_mask(index)
        if self.volume.array.dtype.kind == "f":
            finite = np.isfinite(self.volume.array[index])
            if not finite.all():
                hole = ~finite if hole is None else hole | ~finite
        return hole if hole is not None and hole.any() else None

    def values(self, index: int) -> npt.NDArray[Any]:
        values = self.volume.array[index]
        native = values.dtype.newbyteorder("=")
        values = np.ascontiguousarray(values, native if native.name in _FAST else self.dtype)
        hole = self.hole(index) if self.holed[index] else None
        return values if hole is None else np.where(hole, values.dtype.type(0), values)

    def weights(self, index: int) -> npt.NDArray[Any]:
        """1 where there is a value, 0 in holes."""
        hole = self.hole(index) if self.holed[index] else None
        return np.ones(self.volume.array.shape[1:], self.dtype) if hole is None else (~hole).astype(self.dtype)

    def restore(self, index: int, blurred: Floats) -> int:
        """Restore the values in the holes; return how many of them are not finite."""
        hole = self.hole(index) if self.holed[index] else None
        if hole is None:
            return 0
        kept = self.volume.array[index][hole]
        blurred[hole] = kept
        return int(kept.size - np.isfinite(kept).sum())


def _blurred(
    values: Callable[[int], npt.NDArray[Any]],
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    kernels: tuple[_Kernel, _Kernel, _Kernel],
    progress: Progress,
) -> Floats:
    """Blur within each slice, then across the slices, in place."""
    along, down, across = kernels
    array: Floats = np.empty(shape, dtype)
    progress(0.0, "blurring")
    planes = (partial(_plane, values, index, array[index], down, across) for index in range(len(array)))
    share = 1.0 if along.idle else 0.6
    on_all_cores(planes, len(array), part(progress, 0, share), "blurring within slices")
    if not along.idle:
        flat = array.reshape(len(array), -1)
        starts = range(0, flat.shape[1], _COLUMNS)
        blocks = (partial(_across, flat[:, start : start + _COLUMNS], along) for start in starts)
        on_all_cores(blocks, len(starts), part(progress, share, 1), "blurring across slices")
    return array


def _plane(
    values: Callable[[int], npt.NDArray[Any]], index: int, target: Floats, down: _Kernel, across: _Kernel
) -> None:
    import cv2

    source = values(index)
    if down.folds or across.folds:
        with np.errstate(over="ignore", invalid="ignore"):  # The largest floats overflow.
            target[...] = down.matrix() @ source @ across.matrix().T
        return
    depth = cv2.CV_64F if target.dtype.itemsize == 8 else cv2.CV_32F
    cv2.sepFilter2D(source, depth, across.weights, down.weights, dst=target, borderType=cv2.BORDER_REFLECT)


def _across(block: Floats, along: _Kernel) -> None:
    """Blur along the first axis of a block ``(slice, voxel)``, in place."""
    import cv2

    if along.folds:
        with np.errstate(over="ignore", invalid="ignore"):
            block[...] = along.matrix() @ block
    else:
        block[...] = cv2.sepFilter2D(block, -1, np.ones(1), along.weights, borderType=cv2.BORDER_REFLECT)


STEP = Step(
    name="gaussian",
    title="Gaussian blur",
    description="Blurs a volume with a Gaussian whose sigma is in millimetres; padding is left out.",
    params=GaussianParams,
    function=gaussian,
    fits=_fits,
    libraries=("cv2",),
)
