"""Filling of holes in a mask."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from voxelry.core.progress import Progress, part
from voxelry.core.steps import Step, StepResult
from voxelry.core.volume import Volume
from voxelry.steps.shared import demands
from voxelry.steps.shared.components import holes
from voxelry.steps.shared.mask_grids import Mask, in_voxels
from voxelry.steps.shared.mask_input import MaskParams, each_segment, input_labels


class FillParams(MaskParams):
    """Parameters of `STEP`."""

    dimensions: int = Field(
        3, ge=2, le=3, json_schema_extra={"unit": "1"},
        description="3 fills what is closed on all sides, 2 what is closed within its slice",
    )  # fmt: skip
    largest: float | None = Field(
        None, gt=0, json_schema_extra={"unit": "mm3"},
        description="Only holes of at most this volume (3 dimensions) or this area in a slice (2), in mm3 or mm2",
    )  # fmt: skip


def _fill(volumes: Sequence[Volume], params: FillParams, progress: Progress) -> StepResult:
    given = input_labels(volumes, params, part(progress, 0.0, 0.3))
    most = None
    if params.largest is not None:
        most = in_voxels(params.largest, _size(given.grid, params.dimensions))

    def change(mask: Mask, _: Progress) -> Mask:
        return mask | holes(mask, within_slices=params.dimensions == 2, most=most)

    return each_segment(given, change, progress, f"holes filled in {params.dimensions} dimensions")


def _size(grid: Volume, dimensions: int) -> float:
    """The size of a voxel in mm3, or of a pixel in mm2."""
    if dimensions == 2:
        row, column = demands.known_plane_spacing(grid)
        return row * column
    return demands.known_voxel_mm3(grid)


STEP = Step(
    name="fill",
    title="Fill holes",
    description="Fills what a structure encloses, in three dimensions or within each slice.",
    params=FillParams,
    function=_fill,
    optional=("image",),
    group="mask",
    libraries=("scipy",),
)
