"""Slices of a mask between those that were painted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import Field

from voxelry.core.progress import Progress, part
from voxelry.core.steps import Step, StepResult
from voxelry.core.volume import Volume
from voxelry.steps.shared.between_slices import between_slices
from voxelry.steps.shared.mask_grids import Mask, known_cell
from voxelry.steps.shared.mask_input import MaskParams, each_segment, input_labels

AXES = {"slice": 0, "row": 1, "column": 2}


class InterpolateSlicesParams(MaskParams):
    """Parameters of `STEP`."""

    axis: Literal["slice", "row", "column"] = Field(
        "slice", description="The grid's axis along which gaps are filled, as from slice to slice"
    )


def _interpolate(volumes: Sequence[Volume], params: InterpolateSlicesParams, progress: Progress) -> StepResult:
    given = input_labels(volumes, params, part(progress, 0.0, 0.3))
    axis = AXES[params.axis]
    first, second = np.delete(np.linalg.norm(known_cell(given.grid), axis=0), axis).tolist()

    def change(mask: Mask, share: Progress) -> Mask:
        return between_slices(mask, axis, (first, second), share)

    return each_segment(given, change, progress, f"interpolated from {params.axis} to {params.axis}")


STEP = Step(
    name="interpolate_slices",
    title="Interpolate slices",
    description="Fills the empty slices of each structure between those that hold something, by the shapes' distances.",
    params=InterpolateSlicesParams,
    function=_interpolate,
    optional=("image",),
    group="mask",
    libraries=("scipy",),
)
