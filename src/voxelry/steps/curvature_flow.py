"""Curvature flow: smoothing of noise along edges, not across them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from pydantic import Field

from voxelry.core.errors import MeasureError
from voxelry.core.holes import count_of_no_numbers, missing_mask
from voxelry.core.progress import Progress, part
from voxelry.core.steps import Params, Step, StepResult
from voxelry.core.volume import Volume
from voxelry.steps.shared import demands, itk
from voxelry.steps.shared.missing_values import as_float32, fill_missing, native


class CurvatureFlowParams(Params):
    """Parameters of `curvature_flow`."""

    iterations: int = Field(
        5, ge=1, le=1000, title="Iterations", description="How often it flows; more is smoother",
        json_schema_extra={"unit": "1"},
    )  # fmt: skip
    time_step: float = Field(
        0.0625, gt=0, le=0.125, title="Time step",
        description="How far it flows each time, as a fraction of the smallest spacing squared; up to 0.0625 is stable",
        json_schema_extra={"unit": "1"},
    )  # fmt: skip


def curvature_flow(volumes: Sequence[Volume], params: CurvatureFlowParams, progress: Progress) -> StepResult:
    """Smooth a volume, as float32: isosurfaces move by their curvature, so that flat edges stay.

    Distances are in millimetres. Padding and values that are not finite are replaced by the nearest value in the slice
    for the computation, and restored afterwards.

    Parameters
    ----------
    volumes
        One greyscale volume, not sheared.

    References
    ----------
    Sethian, Level Set Methods and Fast Marching Methods (1999), chapter 16; ITK's CurvatureFlowImageFilter
    """
    import SimpleITK

    (volume,) = volumes
    demands.require_grey(volume)
    spacing = demands.known_spacing(volume)
    demands.require_straight(volume, "blur within the slices alone (gaussian with dimensions 2)")
    progress(0.0, "smoothing")
    source = native(volume)
    hole = missing_mask(volume, source)
    values = as_float32(source if hole is None else fill_missing(source, hole))
    if not np.isfinite(values).all():
        raise MeasureError("the volume holds values too large for curvature flow, which works with float32")
    used = spacing[1:] if len(values) == 1 else spacing
    flow = SimpleITK.CurvatureFlowImageFilter()
    flow.SetNumberOfIterations(params.iterations)
    flow.SetTimeStep(params.time_step)
    smoothed = itk.execute(
        flow, SimpleITK.sitkProgressEvent, flow.GetProgress, part(progress, 0, 0.98), "smoothing",
        itk.image(values, tuple(step / min(used) for step in spacing)),
    )  # fmt: skip
    array = itk.array_of(smoothed, values)
    if not np.isfinite(array).all():
        raise MeasureError("the flow left the range of numbers: use a smaller time step")
    warnings = volume.warnings
    if hole is not None:
        array[hole] = source[hole]
        if unknown := count_of_no_numbers(source):
            warnings += (f"{unknown:,} voxels that are no finite numbers took no part and stay as they were",)
    progress(1.0, "smoothing")
    return StepResult(volumes=(replace(volume, array=array, warnings=warnings),))


STEP = Step(
    name="curvature_flow",
    title="Curvature flow",
    description="Smooths noise along edges rather than across them.",
    params=CurvatureFlowParams,
    function=curvature_flow,
    needs=("grey", "millimetres", "straight"),
    libraries=("SimpleITK",),
)
