"""Masks grown or shrunk by millimetres."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from voxelry.core.progress import Progress, part
from voxelry.core.steps import Step, StepResult
from voxelry.core.volume import Volume
from voxelry.steps.shared.mask_grids import Mask, known_cell
from voxelry.steps.shared.mask_input import MaskParams, each_segment, input_labels
from voxelry.steps.shared.morphology import ball, ball_reach, dilated, eroded

_ROUNDING_MM = 1e-6
"""Voxels that lie farther away by less than this count, so that rounding decides nothing."""


class MarginParams(MaskParams):
    """Parameters of `STEP`."""

    mm: float = Field(
        2.0, ge=-200, le=200, json_schema_extra={"unit": "mm"},
        description="Grows by so many mm, from the centres of voxels; shrinks if negative",
    )  # fmt: skip


def _margin(volumes: Sequence[Volume], params: MarginParams, progress: Progress) -> StepResult:
    given = input_labels(volumes, params, part(progress, 0.0, 0.3))
    by = ball(known_cell(given.grid), abs(params.mm) + _ROUNDING_MM, flat=len(given.labels) == 1)

    def change(mask: Mask, share: Progress) -> Mask:
        return dilated(mask, by, share) if params.mm > 0 else eroded(mask, by, share)

    return each_segment(given, change, progress, f"margin of {params.mm:g} mm")


def _fits(volumes: Sequence[Volume], params: MarginParams) -> None:
    ball_reach(known_cell(volumes[0]), abs(params.mm), flat=len(volumes[0].array) == 1)


STEP = Step(
    name="margin",
    title="Margin",
    description="Grows each structure by millimetres, or shrinks it; the array's border is no surface.",
    params=MarginParams,
    function=_margin,
    fits=_fits,
    optional=("image",),
    group="mask",
    libraries=("cv2",),
)
