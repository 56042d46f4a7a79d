"""Resampling to other voxel sizes over the same field of view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from voxelry.core.geometry import Geometry
from voxelry.core.holes import count_of_no_numbers, missing_mask
from voxelry.core.progress import Progress, part
from voxelry.core.resample import as_dtype
from voxelry.core.steps import Params, Step, StepResult
from voxelry.core.volume import Volume
from voxelry.parallel import on_all_cores
from voxelry.steps.shared import carried_metadata, demands
from voxelry.steps.shared.missing_values import fill_missing, native
from voxelry.steps.shared.per_axis import Counts, Lengths, three

Floats = npt.NDArray[np.floating[Any]]
Interpolation = Literal["linear", "cubic", "label"]

MOST_VOXELS = 2**31
"""Most voxels of a result: a spacing far too small is usually a mistake."""
MOST_ALONG = 65_535
"""Most voxels along a resampled axis, and most that become one: the limit of Rows (0028,0010)."""
ANTIALIAS = 0.5
"""Sigma of the blur before voxels become larger, as a fraction of their ratio less 1."""
_COLUMNS = 8192
_SLIGHT = 1e-6
"""Smallest weight in a mean: the weights of a cubic spline decrease with distance but never reach 0."""


class ResampleParams(Params):
    """Parameters of `resample`."""

    spacing: Lengths | None = Field(
        None,
        title="Spacing",
        description="The new size of voxels in mm; one number, or three for slice, row and column",
        json_schema_extra={"unit": "mm"},
    )
    shape: Counts | None = Field(
        None,
        title="Shape",
        description="Instead: the new number of voxels; one number, or three for slice, row and column",
        json_schema_extra={"unit": "1"},
    )
    method: Interpolation = Field(
        "linear",
        title="Interpolation",
        description="linear, cubic (B-spline), or label: the nearest voxel's value, for masks and segmentations",
    )
    antialias: bool = Field(
        True,
        title="Antialias",
        description="Blur along axes whose voxels become larger, so that fine detail does not turn into patterns",
    )

    @model_validator(mode="after")
    def _one_goal(self) -> ResampleParams:
        if (self.spacing is None) == (self.shape is None):
            raise ValueError("give either spacing or shape")
        return self


def resample(volumes: Sequence[Volume], params: ResampleParams, progress: Progress) -> StepResult:
    """Resample a volume to voxels of another size, over the same field of view.

    The middle of the field of view stays. With ``shape``, its edges, half a voxel beyond the outermost centres, stay
    too. With ``spacing``, voxels have exactly the requested size, and their whole number covers the field of view up to
    half a voxel on either side.

    The dtype stays; whole numbers are rounded, and overshoots of cubic interpolation are clipped to the dtype.
    Outermost values continue beyond the outermost centres. Padding and values that are not finite are never
    interpolated: if the nearest voxel has no value, the new one has none.

    With ``antialias``, axes along which voxels become ``r > 1`` times as large are first blurred by a Gaussian of
    ``0.5 (r - 1)`` voxels. It removes most of the detail that is too fine for the new grid, and some that is not.

    Sheared volumes stay sheared: interpolation follows the index axes.

    Parameters
    ----------
    volumes
        One greyscale volume.
    """
    (volume,) = volumes
    demands.require_grey(volume)
    axes = _axes(volume, params)
    progress(0.0, "resampling")
    source = native(volume)
    nearest = np.ix_(*(axis.nearest for axis in axes))
    warnings = volume.warnings
    if params.method == "label":
        array = source[nearest]
    else:
        hole = missing_mask(volume, source)
        array = _interpolated(source if hole is None else fill_missing(source, hole), axes, params, progress)
        if hole is not None:
            gone = hole[nearest]
            array[gone] = source[nearest][gone]
            if unknown := count_of_no_numbers(source):
                warnings += (f"{unknown:,} voxels that are no finite numbers were mixed with nothing",)
    progress(1.0, "resampling")
    return StepResult(volumes=(_placed(volume, array, axes, warnings),))


@dataclass(frozen=True, slots=True, eq=False)
class _Axis:
    """The new voxels' centres along one axis: ``places`` are fractional indices of the old voxels."""

    length: int
    ratio: float
    places: npt.NDArray[np.float64]

    @classmethod
    def of(cls, length: int, count: int, ratio: float) -> _Axis:
        if count == length and ratio == 1:
            return cls(length, 1.0, np.arange(length, dtype=np.float64))
        from_middle = np.arange(count, dtype=np.float64) - (count - 1) / 2
        return cls(length, ratio, np.asarray(from_middle * ratio + (length - 1) / 2, np.float64))

    @property
    def nearest(self) -> npt.NDArray[np.intp]:
        """The old voxel nearest to each new one; the later of two at the same distance."""
        return np.clip(np.floor(self.places + 0.5).astype(np.intp), 0, self.length - 1)

    @property
    def same(self) -> bool:
        return self.ratio == 1 and self.places.size == self.length

    def weights(self, params: ResampleParams) -> npt.NDArray[np.float64]:
        """The weight of each old voxel in each new one; shape ``(new, old)``, rows sum to 1."""
        from scipy import ndimage

        blurs = params.antialias and self.ratio > 1
        weights = _gaussian(self.length, ANTIALIAS * (self.ratio - 1)) if blurs else np.eye(self.length)
        places = np.clip(self.places, 0, self.length - 1)
        below = np.minimum(np.floor(places).astype(np.intp), max(0, self.length - 2))
        share = (places - below)[:, None]
        if params.method == "cubic" and self.length > 1:
            return _on_curve(ndimage.spline_filter1d(weights, 3, axis=0, mode="mirror"), below, share)
        above = np.minimum(below + 1, self.length - 1)
        return np.asarray((1 - share) * weights[below] + share * weights[above])


def _gaussian(length: int, sigma: float) -> npt.NDArray[np.float64]:
    """The weight of each voxel in each blurred one, with outermost voxels repeated; shape ``(length, length)``.

    The result is that of `scipy.ndimage.gaussian_filter1d`, whose run time also grows with the sigma.
    """
    radius = int(4 * sigma + 0.5)
    if not radius:
        return np.eye(length)
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    wide = np.pad(kernel, length)
    reached = np.cumsum(wide)
    here = np.arange(length)
    middle = length + radius
    weights = wide[middle + here - here[:, None]]
    weights[:, 0] = reached[middle - here]
    weights[:, -1] = 1.0 if length == 1 else 1.0 - reached[middle + length - 2 - here]
    return np.asarray(weights)


def _on_curve(
    coefficients: npt.NDArray[np.float64], below: npt.NDArray[np.intp], share: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """The cubic B-spline through voxels, mirrored at the outermost: from its coefficients along the first axis."""
    around, t = 2 * (len(coefficients) - 1), share
    curve = ((1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3)
    found = np.zeros((len(below), coefficients.shape[1]))
    for offset, weight in enumerate(curve, start=-1):
        index = (below + offset) % around
        found += weight / 6 * coefficients[np.minimum(index, around - index)]
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Mix:
    """The indices of the old voxels in each new one, and their weights; both of shape ``(new, number)``."""

    index: npt.NDArray[np.intp]
    weight: Floats

    @classmethod
    def of(cls, weights: npt.NDArray[np.float64], dtype: np.dtype[Any]) -> _Mix:
        counts = np.abs(weights) > _SLIGHT
        first = counts.argmax(axis=1)
        behind = weights.shape[1] - counts[:, ::-1].argmax(axis=1)
        index = first[:, None] + np.arange(int((behind - first).max()))
        within = index < behind[:, None]
        index = np.minimum(index, weights.shape[1] - 1)
        weight = np.where(within, np.take_along_axis(weights, index, axis=1), 0.0)
        return cls(index, (weight / weight.sum(axis=1, keepdims=True)).astype(dtype))

    def along(self, axis: int, values: Floats) -> Floats:
        """Combine a plane's rows (axis 0) or columns (axis 1), without BLAS, which would start threads of its own."""
        shape = list(values.shape)
        shape[axis] = len(self.index)
        total, part_of_it = np.zeros(shape, values.dtype), np.empty(shape, values.dtype)
        for index, weight in zip(self.index.T, self.weight.T, strict=True):
            np.take(values, index, axis=axis, out=part_of_it, mode="clip")
            part_of_it *= weight[:, None] if axis == 0 else weight
            total += part_of_it
        return total


def _fits(volumes: Sequence[Volume], params: ResampleParams) -> None:
    demands.require_grey(volumes[0])
    _axes(volumes[0], params)


def _axes(volume: Volume, params: ResampleParams) -> tuple[_Axis, _Axis, _Axis]:
    lengths = volume.array.shape[:3]
    if params.shape is not None:
        counts = [int(count) for count in three(params.shape)]
        ratios = [length / count for length, count in zip(lengths, counts, strict=True)]
    else:
        wanted, spacing = three(params.spacing or 1.0), demands.known_spacing(volume)
        ratios = [new / old for new, old in zip(wanted, spacing, strict=True)]
        counts = [max(1, round(min(length / ratio, 2.0**62))) for length, ratio in zip(lengths, ratios, strict=True)]
    for length, count, ratio in zip(lengths, counts, ratios, strict=True):
        if count != length or ratio != 1:
            demands.require_at_most(MOST_ALONG, count, "voxels along one axis")
            demands.require_at_most(MOST_ALONG, int(min(ratio, 2.0**62)), "voxels that become one along an axis")
    demands.require_at_most(MOST_VOXELS, int(np.prod(counts, dtype=object)), "voxels")
    along, down, across = map(_Axis.of, lengths, counts, ratios)
    return along, down, across


def _interpolated(
    source: npt.NDArray[Any], axes: tuple[_Axis, _Axis, _Axis], params: ResampleParams, progress: Progress
) -> npt.NDArray[Any]:
    """Interpolate within each slice, then across the slices."""
    kind = np.dtype(np.result_type(source.dtype, np.float32))
    along, down, across = (None if axis.same else _Mix.of(axis.weights(params), kind) for axis in axes)
    counts = [axis.places.size for axis in axes]
    planes: Floats = np.empty((len(source), *counts[1:]), kind)

    def within(index: int) -> None:
        values = source[index].astype(kind)
        with np.errstate(over="ignore", invalid="ignore"):  # The largest floats overflow.
            values = values if down is None else down.along(0, values)
            planes[index] = values if across is None else across.along(1, values)

    tasks = (partial(within, index) for index in range(len(source)))
    on_all_cores(tasks, len(source), part(progress, 0, 0.5), "resampling within slices")
    array = np.empty((counts[0], *planes.shape[1:]), source.dtype)
    flat, target = planes.reshape(len(planes), -1), array.reshape(len(array), -1)

    def between(start: int) -> None:
        block = flat[:, start : start + _COLUMNS]
        with np.errstate(over="ignore", invalid="ignore"):
            values = block if along is None else along.along(0, block)
        target[:, start : start + _COLUMNS] = _within_range(values, source.dtype)

    starts = range(0, flat.shape[1], _COLUMNS)
    on_all_cores((partial(between, one) for one in starts), len(starts), part(progress, 0.5, 1), "resampling slices")
    return array


def _within_range(values: Floats, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    if dtype.kind == "b":
        return np.asarray(values >= 0.5)
    if dtype.kind == "f":
        return np.asarray(values)
    limits = np.iinfo(dtype)
    low, high = values.dtype.type(limits.min), values.dtype.type(limits.max)
    if int(high) > limits.max:  # A float that large exceeds the dtype.
        high = np.nextafter(high, values.dtype.type(0))
    return as_dtype(np.clip(values, low, high), dtype)


def _placed(
    volume: Volume, array: npt.NDArray[Any], axes: tuple[_Axis, _Axis, _Axis], warnings: tuple[str, ...]
) -> Volume:
    if all(axis.same for axis in axes):
        return replace(volume, array=array, warnings=warnings)
    same_slices = range(len(array)) if axes[0].same else None
    return replace(
        volume.with_geometry(_resized(volume.geometry, array.shape, axes), array=array, slices=same_slices),
        padding=None if volume.padding is None else volume.padding[axes[0].nearest],
        metadata=carried_metadata.without(volume, carried_metadata.REGRIDDED),
        instance_uids=volume.instance_uids if axes[0].same else (),
        slice_voi=volume.slice_voi if axes[0].same else (),
        pixel_aspect=None,
        warnings=warnings,
    )


def _resized(geometry: Geometry, shape: tuple[int, ...], axes: tuple[_Axis, _Axis, _Axis]) -> Geometry:
    slices, rows, columns = shape[:3]
    along, down, across = (
        None if old is None else old * axis.ratio for old, axis in zip(geometry.spacing, axes, strict=True)
    )
    affine = None
    if geometry.affine is not None:
        affine = geometry.affine.copy()
        affine[:3, 3] += affine[:3, :3] @ [axis.places[0] for axis in axes]
        affine[:3, :3] *= [axis.ratio for axis in axes]
    return replace(geometry, shape=(slices, rows, columns), affine=affine, spacing=(along, down, across))


STEP = Step(
    name="resample",
    title="Resample",
    description="Gives a volume voxels of another size over the same field of view.",
    params=ResampleParams,
    function=resample,
    fits=_fits,
    libraries=("scipy",),
)
