"""Morphological opening: thin bridges and specks into which no ball fits are removed."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from voxelry.core.progress import Progress, part
from voxelry.core.steps import Step, StepResult
from voxelry.core.volume import Volume
from voxelry.steps.shared.mask_grids import known_cell
from voxelry.steps.shared.mask_input import MaskParams, each_segment, input_labels
from voxelry.steps.shared.morphology import ball, ball_reach, opened


class OpenParams(MaskParams):
    """Parameters of `STEP`."""

    radius: float = Field(
        2.0, gt=0, le=200, json_schema_extra={"unit": "mm"}, description="Radius of the ball that has to fit, in mm"
    )


def _open(volumes: Sequence[Volume], params: OpenParams, progress: Progress) -> StepResult:
    given = input_labels(volumes, params, part(progress, 0.0, 0.3))
    by = ball(known_cell(given.grid), params.radius, flat=len(given.labels) == 1)
    return each_segment(
        given, lambda mask, share: opened(mask, by, share), progress, f"opening by {params.radius:g} mm"
    )


def _fits(volumes: Sequence[Volume], params: OpenParams) -> None:
    ball_reach(known_cell(volumes[0]), params.radius, flat=len(volumes[0].array) == 1)


STEP = Step(
    name="open",
    title="Opening",
    description="Takes away what a ball of this radius does not fit into: specks, and thin bridges between structures.",
    params=OpenParams,
    function=_open,
    fits=_fits,
    optional=("image",),
    group="mask",
    libraries=("cv2",),
)
