"""A mask of the voxels above a threshold that is given or computed from the values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from voxelry.core.progress import Progress
from voxelry.core.segmentation import Segment, Segmentation
from voxelry.core.steps import Step, StepResult
from voxelry.core.volume import Volume
from voxelry.steps.shared.cut import CutParams, classes_by_value, mask_rows, spacing_warning

ThresholdMethod = Literal["fixed", "units", "otsu", "multi_otsu", "li", "triangle", "yen", "percentile", "hysteresis"]


class ThresholdParams(CutParams):
    """Parameters of `STEP`."""

    method: ThresholdMethod = Field(
        "fixed",
        description="How the threshold is found: chosen (fixed, units, percentile, hysteresis) or from the values",
    )


def _threshold(volumes: Sequence[Volume], params: ThresholdParams, progress: Progress) -> StepResult:
    (volume,) = volumes
    parted = classes_by_value(volume, params, progress)
    segments = tuple(
        Segment(number=number, label=name[:64], algorithm="threshold") for number, name in enumerate(parted.names, 1)
    )
    progress(1.0, "done")
    rows = tuple(
        {**row, "threshold": lower, "upper": upper, "unit": volume.unit}
        for row, (lower, upper) in zip(mask_rows(volume, parted.labels, segments), parted.limits, strict=True)
    )
    return StepResult(
        segmentation=Segmentation(labels=parted.labels, source=volume, segments=segments),
        rows=rows,
        warnings=(*parted.warnings, *spacing_warning(volume)),
    )


STEP = Step(
    name="threshold",
    title="Threshold",
    description="A mask of the voxels above a threshold: on [0, 1], in the volume's units, or found from the values.",
    params=ThresholdParams,
    function=_threshold,
    group="mask",
)
