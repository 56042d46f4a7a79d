"""Normalisation of values to one scale, independent of the scanner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from voxelry.core.errors import MeasureError
from voxelry.core.holes import count_of_no_numbers, missing_mask
from voxelry.core.progress import Progress
from voxelry.core.steps import Params, Step, StepResult
from voxelry.core.volume import Volume
from voxelry.steps.shared import demands
from voxelry.steps.shared.carried_metadata import of_other_values
from voxelry.steps.shared.missing_values import native


class NormaliseParams(Params):
    """Parameters of `normalise`."""

    method: Literal["minmax", "zscore", "percentile"] = Field(
        "minmax",
        title="Method",
        description="minmax: 0 to 1; zscore: mean 0 and standard deviation 1; percentile: from low to high is 0 to 1",
    )
    low: float = Field(
        1.0, ge=0, le=100, title="Low percentile", description="For percentile: what becomes 0",
        json_schema_extra={"unit": "%", "when": {"method": ["percentile"]}},
    )  # fmt: skip
    high: float = Field(
        99.0, ge=0, le=100, title="High percentile", description="For percentile: what becomes 1",
        json_schema_extra={"unit": "%", "when": {"method": ["percentile"]}},
    )  # fmt: skip
    clip: bool = Field(
        True, title="Clip", description="For percentile: values beyond become 0 and 1, instead of going on",
        json_schema_extra={"when": {"method": ["percentile"]}},
    )  # fmt: skip

    @model_validator(mode="after")
    def _ascends(self) -> NormaliseParams:
        if self.low >= self.high:
            raise ValueError("low has to be below high")
        return self


def normalise(volumes: Sequence[Volume], params: NormaliseParams, progress: Progress) -> StepResult:
    """Normalise a volume, as float32, without a unit.

    Extremes, mean, standard deviation (of the population) and percentiles (interpolated linearly) are those of the
    whole volume without padding and values that are not finite. Both become the smallest value of the result, which has
    no padding. A constant volume becomes 0, with a warning.

    Parameters
    ----------
    volumes
        One greyscale volume.
    """
    (volume,) = volumes
    demands.require_grey(volume)
    progress(0.0, "normalising")
    source = native(volume)
    hole = missing_mask(volume, source)
    values = source.ravel() if hole is None else source[~hole]
    if not values.size:
        raise MeasureError("every voxel is padding or no number: there is nothing to work on")
    zero, unit = _zero_and_unit(values, params)
    progress(0.4, "normalising")
    array = np.empty(source.shape, np.float32)
    smallest = np.inf
    for index, plane in enumerate(source):
        progress(0.4 + 0.6 * index / len(source), "normalising")
        array[index] = _scaled(plane, zero, unit, params)
        kept = array[index] if hole is None else array[index][~hole[index]]
        smallest = min(smallest, float(kept.min(initial=np.inf)))
    warnings = list(volume.warnings)
    if unit == 0:
        warnings.append("all values, or all between the percentiles, are the same: they became 0")
    if hole is not None:
        array[hole] = smallest
        if unknown := count_of_no_numbers(source):
            warnings.append(f"{unknown:,} voxels that are no finite numbers became the smallest value")
    progress(1.0, "normalising")
    found = of_other_values(volume, array, warnings=tuple(warnings))
    return StepResult(volumes=(found,))


def _zero_and_unit(values: npt.NDArray[Any], params: NormaliseParams) -> tuple[float, float]:
    """The offset that becomes 0 and the divisor; in float64."""
    if params.method == "zscore":
        scale = float(max(abs(float(values.min())), abs(float(values.max())), 1.0))
        if scale > 1e150:  # Squares may overflow.
            raise MeasureError("the volume's values are too large for a standard deviation")
        # By rounding, the mean of equal numbers may differ from them, and their deviation from 0.
        spread = 0.0 if values.min() == values.max() else float(values.std(dtype=np.float64))
        return float(values.mean(dtype=np.float64)), spread
    if params.method == "percentile":
        low, high = _percentile(values, params.low), _percentile(values, params.high)
    else:
        low, high = float(values.min()), float(values.max())
    if not np.isfinite(high - low):
        raise MeasureError("the range of the volume's values is too large for a number")
    return low, high - low


def _percentile(values: npt.NDArray[Any], percent: float) -> float:
    """As numpy's linear percentile, but in float64: numpy's differences of int8 or bool overflow."""
    place = percent / 100 * (values.size - 1)
    below = int(place)
    above = min(below + 1, values.size - 1)
    ordered = np.partition(values, (below, above))
    low, high = float(ordered[below]), float(ordered[above])
    return low + (high - low) * (place - below) if high > low else low


def _scaled(plane: npt.NDArray[Any], zero: float, unit: float, params: NormaliseParams) -> npt.NDArray[np.float32]:
    if unit == 0:
        return np.zeros(plane.shape, np.float32)
    with np.errstate(over="ignore", invalid="ignore"):  # Holes may overflow; they are filled afterwards.
        scaled = (plane.astype(np.float64) - zero) / unit
        if params.method == "percentile" and params.clip:
            scaled = np.clip(scaled, 0.0, 1.0)
        return scaled.astype(np.float32)


STEP = Step(
    name="normalise",
    title="Normalise",
    description="Puts values on one scale: 0 to 1, mean 0 and standard deviation 1, or between percentiles.",
    params=NormaliseParams,
    function=normalise,
)
