"""Windowing of modality values to fractions or grey levels (PS3.3 C.11.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from voxelry.core.display import default_window
from voxelry.core.intensity import Window, WindowFunction, to_display
from voxelry.core.progress import Progress
from voxelry.core.steps import Params, Step, StepResult
from voxelry.core.volume import Volume
from voxelry.steps.shared import demands
from voxelry.steps.shared.carried_metadata import of_other_values


class WindowParams(Params):
    """Parameters of `window`."""

    center: float | None = Field(
        None,
        title="Center",
        description="Window Center (0028,1050); none means the header's first window, else nearly all values",
        json_schema_extra={"unit": "unit of the values"},
    )
    width: float | None = Field(
        None, gt=0, title="Width", description="Window Width (0028,1051), with the center",
        json_schema_extra={"unit": "unit of the values"},
    )  # fmt: skip
    function: WindowFunction = Field(
        "LINEAR", title="Function", description="VOI LUT Function (0028,1056), with center and width"
    )
    output: Literal["fraction", "uint8"] = Field(
        "fraction", title="Output", description="fraction: float32 from 0 to 1; uint8: grey levels from 0 to 255"
    )

    @model_validator(mode="after")
    def _whole(self) -> WindowParams:
        if (self.center is None) != (self.width is None):
            raise ValueError("a window has a center and a width")
        return self


def window(volumes: Sequence[Volume], params: WindowParams, progress: Progress) -> StepResult:
    """Apply a window: 0 below it, 1 (or 255) above it.

    Padding and NaN become 0. The result has no unit, no padding and no windows; MONOCHROME1 concerns only the display
    and inverts no value.

    Parameters
    ----------
    volumes
        One greyscale volume.

    References
    ----------
    PS3.3 C.11.2.1.2, C.11.2.1.3
    """
    (volume,) = volumes
    demands.require_grey(volume)
    progress(0.0, "windowing")
    if params.center is None or params.width is None:
        chosen = default_window(volume)
    else:
        chosen = Window(params.center, params.width, params.function)
    array = np.empty(volume.array.shape, np.uint8 if params.output == "uint8" else np.float32)
    for index, values in enumerate(volume.array):
        progress(index / len(array), "windowing")
        array[index] = to_display(values, chosen) if params.output == "uint8" else _fractions(values, chosen)
        padding = volume.padding_mask(index)
        if padding is not None:
            array[index][padding] = 0
    progress(1.0, "windowing")
    return StepResult(volumes=(of_other_values(volume, array),))


def _fractions(values: npt.NDArray[Any], chosen: Window) -> npt.NDArray[np.float64]:
    """The window's function to [0, 1], as in the standard's pseudo-code."""
    x, center, width = values.astype(np.float64), chosen.center, chosen.width
    with np.errstate(over="ignore", invalid="ignore"):
        if chosen.function == "SIGMOID":
            shown = 1 / (1 + np.exp(-4 * (x - center) / width))
        elif chosen.function == "LINEAR_EXACT":
            shown = (x - center) / width + 0.5
        elif width == 1:
            shown = np.where(x <= center - 0.5, 0.0, 1.0)
        else:
            shown = (x - (center - 0.5)) / (width - 1) + 0.5
        return np.clip(np.where(np.isnan(x), 0.0, shown), 0.0, 1.0)


STEP = Step(
    name="window",
    title="Window",
    description="Turns values into fractions from 0 to 1, or grey levels, through a display window.",
    params=WindowParams,
    function=window,
)
