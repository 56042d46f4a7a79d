"""The largest connected components of each structure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from pydantic import Field

from voxelry.core.progress import Progress, part
from voxelry.core.segmentation import Segment
from voxelry.core.steps import Step, StepResult
from voxelry.core.volume import Volume
from voxelry.steps.shared import demands
from voxelry.steps.shared.components import Neighbours, connected_components
from voxelry.steps.shared.mask_grids import Mask, in_voxels
from voxelry.steps.shared.mask_input import Labelled, MaskParams, each_segment, input_labels, mask_result


class LargestComponentsParams(MaskParams):
    """Parameters of `STEP`."""

    count: int = Field(
        1, ge=1, le=255, json_schema_extra={"unit": "1"}, description="How many pieces of each structure stay"
    )
    smallest: float = Field(
        0.0, ge=0, json_schema_extra={"unit": "mm3"}, description="Pieces below this volume in mm3 go in any case"
    )
    neighbours: Neighbours = Field(
        "26", description="Which voxels are connected: those that share a face (6), an edge (18) or a corner (26)"
    )
    separate: bool = Field(False, description="Make each piece a structure of its own, the largest first")


def _largest(volumes: Sequence[Volume], params: LargestComponentsParams, progress: Progress) -> StepResult:
    given = input_labels(volumes, params, part(progress, 0.0, 0.3))
    least = 0.0
    if params.smallest:
        least = in_voxels(params.smallest, demands.known_voxel_mm3(given.grid))
    algorithm = f"largest {params.count} pieces"
    if params.separate:
        return _separated(given, params, least, progress, algorithm)

    def change(mask: Mask, _: Progress) -> Mask:
        numbers, sizes = connected_components(mask, params.neighbours)
        return np.asarray((numbers > 0) & (numbers <= min(params.count, int((sizes >= least).sum()))))

    return each_segment(given, change, progress, algorithm)


def _separated(
    given: Labelled, params: LargestComponentsParams, least: float, progress: Progress, algorithm: str
) -> StepResult:
    labels = np.zeros(given.labels.shape, np.uint16)
    segments: list[Segment] = []
    for index, segment in enumerate(given.segments):
        progress(0.3 + 0.7 * index / len(given.segments), "finding connected pieces")
        numbers, sizes = connected_components(given.labels == segment.number, params.neighbours)
        for piece in range(1, 1 + min(params.count, int((sizes >= least).sum()))):
            segments.append(replace(segment, number=len(segments) + 1, label=f"{segment.label[:56]}, {piece}"))
            labels[numbers == piece] = len(segments)
    if not segments:
        segments.append(Segment(number=1, label=given.segments[0].label))
    small = labels if len(segments) > 255 else labels.astype(np.uint8)
    progress(1.0, "done")
    return mask_result(given, small, tuple(segments), algorithm)


STEP = Step(
    name="largest_components",
    title="Largest pieces",
    description="Keeps the largest connected pieces of each structure, or makes each a structure of its own.",
    params=LargestComponentsParams,
    function=_largest,
    optional=("image",),
    group="mask",
    libraries=("scipy",),
)
