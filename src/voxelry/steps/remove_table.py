"""Removal of everything outside the patient from a volume."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from pydantic import Field

from voxelry.core.errors import ParameterError
from voxelry.core.progress import Progress, part
from voxelry.core.segmentation import Segmentation
from voxelry.core.steps import Step, StepResult
from voxelry.core.volume import Volume
from voxelry.steps.shared.body import BODY, BodyParams, body_of
from voxelry.steps.shared.cut import mask_rows
from voxelry.steps.shared.mask_grids import greyscale, known_cell
from voxelry.steps.shared.morphology import ball, dilated

AIR_HU = -1000.0


class RemoveTableParams(BodyParams):
    """Parameters of `STEP`."""

    outside: float | None = Field(
        None, json_schema_extra={"unit": "unit of the values"},
        description="Value outside the body; by default the padding's, else -1000 in HU, else the smallest there is",
    )  # fmt: skip
    margin: float = Field(
        2.0, ge=0, le=100, json_schema_extra={"unit": "mm"},
        description="So many mm around the body stay as they are: skin is only partly in its voxels",
    )  # fmt: skip


def _remove_table(volumes: Sequence[Volume], params: RemoveTableParams, progress: Progress) -> StepResult:
    (volume,) = volumes
    body, warnings = body_of(volume, params, part(progress, 0.0, 0.8))
    values = greyscale(volume)
    if not body.any():  # Without a body, the table cannot be recognised.
        kept = np.ones_like(body)
    else:
        kept = dilated(body, ball(known_cell(volume), params.margin, flat=True), part(progress, 0.8, 0.9))
    array, lowest = values.copy(), float(values.min())
    for index, plane in enumerate(array):
        progress(0.9 + 0.1 * index / len(array), "taking away what is around")
        outside = ~kept[index]
        hidden = volume.padding_mask(index)
        if hidden is not None:  # Padding stays.
            outside &= ~hidden
        plane[outside] = _blank(volume, params, index, values.dtype, lowest)
    progress(1.0, "done")
    labels = body.astype(np.uint8)
    taken = 1 - float(kept.mean())
    words = f"what lies outside the body was taken away: {100 * taken:.1f} % of the voxels"
    return StepResult(
        volumes=(replace(volume, array=array, warnings=(*volume.warnings, words)),),
        segmentation=Segmentation(labels=labels, source=volume, segments=(BODY,)),
        rows=mask_rows(volume, labels, (BODY,)),
        warnings=warnings,
    )


def _blank(volume: Volume, params: RemoveTableParams, index: int, kind: np.dtype[Any], lowest: float) -> float:
    """The value outside the body, after a check that the array's dtype can hold it."""
    low, high = (np.iinfo(kind).min, np.iinfo(kind).max) if kind.kind in "iu" else (-np.inf, np.inf)
    if params.outside is not None:
        whole = kind.kind == "f" or params.outside == int(params.outside)
        if not (low <= params.outside <= high and whole):
            raise ParameterError(f"{params.outside:g} is no value of {kind}, so it cannot be outside")
        return params.outside
    if volume.padding is not None and np.isfinite(volume.padding[index, 0]):
        return float(volume.padding[index, 0])
    if volume.unit == "HU" and low <= AIR_HU:
        return AIR_HU
    return lowest


STEP = Step(
    name="remove_table",
    title="Remove the table",
    description="The volume without table, mattress and cables: air outside the body, and the body as a mask.",
    params=RemoveTableParams,
    function=_remove_table,
    group="filter",
    libraries=("cv2", "scipy"),
)
