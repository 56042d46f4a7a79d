"""A mask of the patient."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from voxelry.core.progress import Progress
from voxelry.core.segmentation import Segmentation
from voxelry.core.steps import Step, StepResult
from voxelry.core.volume import Volume
from voxelry.steps.shared.body import BODY, BodyParams, body_of
from voxelry.steps.shared.cut import mask_rows


class BodyMaskParams(BodyParams):
    """Parameters of `STEP`."""


def _body_mask(volumes: Sequence[Volume], params: BodyMaskParams, progress: Progress) -> StepResult:
    (volume,) = volumes
    body, warnings = body_of(volume, params, progress)
    labels = body.astype(np.uint8)
    progress(1.0, "done")
    return StepResult(
        segmentation=Segmentation(labels=labels, source=volume, segments=(BODY,)),
        rows=mask_rows(volume, labels, (BODY,)),
        warnings=warnings,
    )


STEP = Step(
    name="body_mask",
    title="Body",
    description="A mask of the patient with everything inside, without the table and the air around.",
    params=BodyMaskParams,
    function=_body_mask,
    group="mask",
    libraries=("cv2", "scipy"),
)
