"""Resampling of tilted stacks to a perpendicular grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from pydantic import Field

from voxelry.core.progress import Progress
from voxelry.core.resample import rectify as straightened
from voxelry.core.steps import Params, Step, StepResult
from voxelry.core.volume import Volume
from voxelry.steps.shared import carried_metadata
from voxelry.steps.shared.missing_values import native


class RectifyParams(Params):
    """Parameters of `rectify`."""

    fill: float | None = Field(
        None,
        title="Fill",
        description="The value where there was no voxel; none means the volume's smallest",
        json_schema_extra={"unit": "unit of the values"},
    )


def rectify(volumes: Sequence[Volume], params: RectifyParams, progress: Progress) -> StepResult:
    """Resample a sheared (tilted) volume to an orthogonal grid; a volume without shear stays unchanged.

    Parameters
    ----------
    volumes
        One volume of any kind, with an affine.

    Raises
    ------
    UnplacedError
        If it has none.
    """
    (volume,) = volumes
    progress(0.0, "straightening")
    read = volume.with_array(native(volume))
    fill = params.fill
    if fill is None and read.array.dtype.kind == "f":
        finite = read.array[np.isfinite(read.array)]
        fill = float(finite.min()) if finite.size else 0.0
    found = straightened(read, fill=fill, progress=progress)
    if found is not read:
        found = replace(found, metadata=carried_metadata.without(volume, carried_metadata.MOVED))
    progress(1.0, "straightening")
    return StepResult(volumes=(found,))


STEP = Step(
    name="rectify",
    title="Straighten",
    description="Puts a stack of a tilted gantry on a grid with right angles.",
    params=RectifyParams,
    function=rectify,
    needs=("place",),
)
