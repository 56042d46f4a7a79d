"""A mask of the bones in a CT."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import Field, model_validator

from voxelry.core.progress import Progress, part
from voxelry.core.segmentation import ANATOMY, Code, Segment, Segmentation
from voxelry.core.steps import Step, StepResult
from voxelry.core.volume import Volume
from voxelry.steps.shared import demands
from voxelry.steps.shared.body import BodyParams, body_of, hounsfield
from voxelry.steps.shared.components import connected_components, holes
from voxelry.steps.shared.cut import mask_rows
from voxelry.steps.shared.mask_grids import in_voxels, known_cell
from voxelry.steps.shared.morphology import ball, closed

BONE = Segment(number=1, label="Bone", category=ANATOMY, type=Code("272673000", "SCT", "Bone"), algorithm="bones")


class BonesParams(BodyParams):
    """Parameters of `STEP`."""

    spongy: float = Field(
        160.0, ge=50, le=1000, json_schema_extra={"unit": "HU"}, description="Bone is above this value, in HU"
    )
    dense: float = Field(
        320.0, ge=50, le=3000, json_schema_extra={"unit": "HU"},
        description="Each piece has dense bone somewhere, above this value in HU",
    )  # fmt: skip
    smallest: float = Field(
        100.0, ge=0, le=100_000, json_schema_extra={"unit": "mm3"}, description="Pieces below this volume in mm3 go"
    )
    marrow: float = Field(
        2.0, ge=0, le=20, json_schema_extra={"unit": "mm"},
        description="Gaps up to about twice this radius in mm are closed, and what is then enclosed is marrow",
    )  # fmt: skip

    @model_validator(mode="after")
    def _ordered(self) -> BonesParams:
        if self.dense < self.spongy:
            raise ValueError(f"dense bone ({self.dense:g} HU) is not below spongy bone ({self.spongy:g} HU)")
        return self


def _bones(volumes: Sequence[Volume], params: BonesParams, progress: Progress) -> StepResult:
    (volume,) = volumes
    values, grid = hounsfield(volume), known_cell(volume)
    body, warnings = body_of(volume, params, part(progress, 0.0, 0.6))
    progress(0.6, "finding bone")
    bone = body & (values > np.float64(params.spongy))
    numbers, sizes = connected_components(bone, "26")
    kept = np.zeros(sizes.size + 1, np.bool_)
    kept[numbers[bone & (values > np.float64(params.dense))]] = True
    kept[1:] &= sizes >= in_voxels(params.smallest, demands.known_voxel_mm3(volume))
    bone = np.asarray(kept[numbers]) & bone
    if params.marrow:
        bone = closed(bone, ball(grid, params.marrow, flat=True), part(progress, 0.7, 0.95))
        bone |= holes(bone, within_slices=True)
    bone &= body
    if not bone.any():
        warnings += ("no bone was found",)
    if any(str(keyword).startswith("ContrastBolus") and volume.metadata[keyword] for keyword in volume.metadata):
        warnings += ("the header tells of a contrast agent: vessels and the bowel may be taken for bone",)
    labels = bone.astype(np.uint8)
    progress(1.0, "done")
    return StepResult(
        segmentation=Segmentation(labels=labels, source=volume, segments=(BONE,)),
        rows=mask_rows(volume, labels, (BONE,)),
        warnings=warnings,
    )


STEP = Step(
    name="bones",
    title="Bones",
    description="The bones of a CT with their marrow, without the table.",
    params=BonesParams,
    function=_bones,
    group="mask",
    libraries=("cv2", "scipy"),
)
