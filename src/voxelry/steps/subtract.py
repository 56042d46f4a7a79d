"""Subtraction of two volumes, for example after and before contrast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from voxelry.core.errors import ParameterError
from voxelry.core.progress import Progress
from voxelry.core.steps import Params, Step, StepResult
from voxelry.core.volume import Volume
from voxelry.steps.shared import carried_metadata, demands
from voxelry.steps.shared.missing_values import native

_SMALLEST = ("int16", "int32", "int64")


class SubtractParams(Params):
    """Parameters of `subtract`."""

    absolute: bool = Field(False, title="Absolute", description="The size of the difference alone, without its sign")


def subtract(volumes: Sequence[Volume], params: SubtractParams, progress: Progress) -> StepResult:
    """Subtract the second volume from the first; integers give the smallest of int16, int32 and int64 that fits.

    If either voxel is padding, the difference is 0, which is not padding. Floats stay floats; NaN and infinity in
    either volume give NaN or infinity.

    Parameters
    ----------
    volumes
        Two greyscale volumes on one grid, with units that do not contradict each other.

    Raises
    ------
    GeometryError
        If their grids differ.
    ParameterError
        If their units differ.
    """
    first, second = volumes
    for volume in volumes:
        demands.require_grey(volume)
    demands.require_one_grid(first, second)
    if first.unit and second.unit and first.unit != second.unit:
        raise ParameterError(f"values in {first.unit} less values in {second.unit} mean nothing")
    progress(0.0, "subtracting")
    one, other = native(first), native(second)
    dtype = _dtype(one, other)
    array = np.empty(one.shape, dtype)
    padded = 0
    for index in range(len(array)):
        progress(index / len(array), "subtracting")
        with np.errstate(over="ignore", invalid="ignore"):
            np.subtract(one[index], other[index], out=array[index], dtype=dtype, casting="unsafe")
        if params.absolute:
            np.absolute(array[index], out=array[index])
        for volume in volumes:
            mask = volume.padding_mask(index)
            if mask is not None:
                array[index][mask] = 0
                padded += int(mask.sum())
    warnings = tuple(dict.fromkeys((*first.warnings, *second.warnings)))
    if padded:
        warnings += ("where either volume is padding the difference was set to 0",)
    found = replace(
        first,
        array=array,
        unit=first.unit or second.unit,
        padding=None,
        windows=(),
        voi_tables=(),
        slice_voi=(),
        inverted=False,
        lossy=first.lossy or second.lossy,
        metadata=carried_metadata.without(first, carried_metadata.SCALE),
        warnings=warnings,
    )
    progress(1.0, "subtracting")
    return StepResult(volumes=(found,))


def _dtype(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> np.dtype[Any]:
    if "f" in one.dtype.kind + other.dtype.kind:
        return np.dtype(np.result_type(one.dtype, other.dtype, np.float32))
    low, high = int(one.min()) - int(other.max()), int(one.max()) - int(other.min())
    for name in _SMALLEST:
        limits = np.iinfo(name)
        # The dtype must hold the operands as well as the differences.
        ends = (low, high, -low, int(one.min()), int(one.max()), int(other.min()), int(other.max()))
        if limits.min <= min(ends) and max(ends) <= limits.max:
            return np.dtype(name)
    return np.dtype(np.float64)


STEP = Step(
    name="subtract",
    title="Subtract",
    description="The first volume less the second, voxel by voxel.",
    params=SubtractParams,
    function=subtract,
    inputs=("volume", "subtracted"),
)
