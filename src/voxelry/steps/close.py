"""Morphological closing: gaps and clefts into which no ball fits are added to the mask."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from voxelry.core.progress import Progress, part
from voxelry.core.steps import Step, StepResult
from voxelry.core.volume import Volume
from voxelry.steps.shared.mask_grids import known_cell
from voxelry.steps.shared.mask_input import MaskParams, each_segment, input_labels
from voxelry.steps.shared.morphology import ball, ball_reach, closed


class CloseParams(MaskParams):
    """Parameters of `STEP`."""

    radius: float = Field(
        2.0,
        gt=0,
        le=200,
        json_schema_extra={"unit": "mm"},
        description="Radius of the ball that must not fit into a gap, in mm",
    )


def _close(volumes: Sequence[Volume], params: CloseParams, progress: Progress) -> StepResult:
    given = input_labels(volumes, params, part(progress, 0.0, 0.3))
    by = ball(known_cell(given.grid), params.radius, flat=len(given.labels) == 1)
    return each_segment(
        given, lambda mask, share: closed(mask, by, share), progress, f"closing by {params.radius:g} mm"
    )


def _fits(volumes: Sequence[Volume], params: CloseParams) -> None:
    ball_reach(known_cell(volumes[0]), params.radius, flat=len(volumes[0].array) == 1)


STEP = Step(
    name="close",
    title="Closing",
    description="Fills gaps and clefts that a ball of this radius does not fit into.",
    params=CloseParams,
    function=_close,
    fits=_fits,
    optional=("image",),
    group="mask",
    libraries=("cv2",),
)
