"""Cropping to slices, rows and columns, or to the box of what is not background."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import BeforeValidator, Field, model_validator

from voxelry.core.errors import ParameterError
from voxelry.core.progress import Progress, part
from voxelry.core.steps import Params, Step, StepResult
from voxelry.core.volume import Volume
from voxelry.steps.shared import carried_metadata, demands
from voxelry.steps.shared.per_axis import LengthsOrNone, parted, three

_Index = Annotated[int, Field(ge=0)]
_Corner = Annotated[tuple[_Index, _Index, _Index], BeforeValidator(parted)]


class CropParams(Params):
    """Parameters of `crop`."""

    start: _Corner | None = Field(
        None,
        title="Start",
        description="The first slice, row and column to keep, from 0",
        json_schema_extra={"unit": "1"},
    )
    stop: _Corner | None = Field(
        None,
        title="Stop",
        description="The slice, row and column behind the last to keep",
        json_schema_extra={"unit": "1"},
    )
    background: float | None = Field(
        None,
        title="Background",
        description="Without start and stop: values up to this one are background; none means the smallest value",
        json_schema_extra={"unit": "unit of the values"},
    )
    margin: LengthsOrNone = Field(
        0.0,
        title="Margin",
        description="What is kept around what is not background, in mm; one number, or three for slice, row and column",
        json_schema_extra={"unit": "mm"},
    )

    @model_validator(mode="after")
    def _one_way(self) -> CropParams:
        if self.start is not None or self.stop is not None:
            if self.background is not None or max(three(self.margin)) > 0:
                raise ValueError("give start and stop, or background and margin, not both")
            if any(a >= b for a, b in zip(self.start or (0, 0, 0), self.stop or (2**62,) * 3, strict=True)):
                raise ValueError("stop has to be behind start on every axis")
        return self


def crop(volumes: Sequence[Volume], params: CropParams, progress: Progress) -> StepResult:
    """Crop a volume; the remaining voxels keep value and position.

    Without ``start`` and ``stop`` the part is the smallest box around all voxels that are neither padding nor
    background nor NaN, plus a margin within the volume.

    Parameters
    ----------
    volumes
        One volume of any kind; colour needs ``start`` or ``stop``.

    Raises
    ------
    ParameterError
        If nothing would be left.
    """
    (volume,) = volumes
    shape = volume.array.shape[:3]
    if params.start is not None or params.stop is not None:
        _fits(volumes, params)
        low, high = np.array(params.start or (0, 0, 0)), np.minimum(params.stop or shape, shape)
    else:
        demands.require_grey(volume)
        low, high = _box(volume, params, part(progress, 0, 0.9))
        if max(three(params.margin)) > 0:
            sizes = zip(three(params.margin), demands.known_spacing(volume), shape, strict=True)
            around = [round(min(mm / step, size)) for mm, step, size in sizes]
            low, high = np.maximum(low - around, 0), np.minimum(high + around, shape)
    progress(0.95, "cropping")
    found = _part(volume, low, high)
    progress(1.0, "cropping")
    return StepResult(volumes=(found,))


def _fits(volumes: Sequence[Volume], params: CropParams) -> None:
    shape = volumes[0].array.shape[:3]
    if params.start is not None and any(low >= size for low, size in zip(params.start, shape, strict=True)):
        words = " x ".join(map(str, shape))
        raise ParameterError(f"the box begins beyond the volume, which has {words} slices, rows and columns")


def _box(volume: Volume, params: CropParams, progress: Progress) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The first index that is not background along each axis, and the last plus one."""
    background = _smallest(volume) if params.background is None else params.background
    slices, rows, columns = (np.zeros(size, np.bool_) for size in volume.array.shape)
    for index, values in enumerate(volume.array):
        progress(index / len(slices), "looking for background")
        kept = values > background
        padding = volume.padding_mask(index)
        if padding is not None:
            kept &= ~padding
        slices[index] = kept.any()
        rows |= kept.any(axis=1)
        columns |= kept.any(axis=0)
    if not slices.any():
        raise ParameterError("nothing in this volume is above the background, so that nothing would be left of it")
    found = [np.flatnonzero(line)[[0, -1]] for line in (slices, rows, columns)]
    return np.array([first for first, _ in found]), np.array([last + 1 for _, last in found])


def _smallest(volume: Volume) -> float:
    """The smallest value that is not padding; infinity if there is none, so that all is background."""
    return min((float(np.nanmin(part)) for part in volume.unpadded() if not np.isnan(part).all()), default=np.inf)


def _part(volume: Volume, low: npt.NDArray[Any], high: npt.NDArray[Any]) -> Volume:
    slices, rows, columns = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    kept = volume.crop((slices, rows, columns))
    array = np.array(kept.array, kept.array.dtype.newbyteorder("="), order="C")
    return replace(kept, array=array, metadata=carried_metadata.without(kept, carried_metadata.MOVED))


STEP = Step(
    name="crop",
    title="Crop",
    description="Keeps a box of slices, rows and columns, or what is not background with a margin in mm.",
    params=CropParams,
    function=crop,
    fits=_fits,
    needs=(),
)
