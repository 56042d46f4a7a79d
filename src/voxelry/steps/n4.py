"""N4 bias field correction: removes the smooth shading of MR images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from voxelry.core.errors import MeasureError
from voxelry.core.holes import count_of_no_numbers, missing_mask
from voxelry.core.progress import Progress, part
from voxelry.core.steps import Params, Step, StepResult
from voxelry.core.volume import Volume
from voxelry.steps.shared import demands, itk
from voxelry.steps.shared.missing_values import as_float32, native

_THIN = 4
"""Fewest voxels along a shrunk axis, which the splines need."""
_FEWEST = 64
"""Fewest voxels of tissue from which a field can be estimated."""


class N4Params(Params):
    """Parameters of `n4`."""

    levels: int = Field(
        4, ge=1, le=8, title="Levels",
        description="How often the field's control points are doubled", json_schema_extra={"unit": "1"},
    )  # fmt: skip
    iterations: int = Field(
        50, ge=1, le=500, title="Iterations", description="At most, on each level", json_schema_extra={"unit": "1"}
    )
    convergence: float = Field(
        0.001, ge=0, le=1, title="Convergence",
        description="A level ends when the field changes by less than this fraction", json_schema_extra={"unit": "1"},
    )  # fmt: skip
    shrink: int = Field(
        4, ge=1, le=16, title="Shrink",
        description="Every how many voxels are looked at on each axis; larger is faster",
        json_schema_extra={"unit": "1"},
    )  # fmt: skip
    mask: Literal["otsu", "positive"] = Field(
        "otsu", title="Mask", description="Which voxels tell the field: those above Otsu's threshold, or all above 0"
    )


def n4(volumes: Sequence[Volume], params: N4Params, progress: Progress) -> StepResult:
    """Estimate a volume's bias field and divide the volume by it, as float32.

    The field is estimated on a shrunk volume, within the mask; its mean over the mask is about 1. Padding and values
    that are not finite are left out of the estimate and stay unchanged.

    Parameters
    ----------
    volumes
        One greyscale volume with values above 0: N4 works on their logarithms.

    Raises
    ------
    MeasureError
        If too few values are above 0, or the volume is too small.

    References
    ----------
    Tustison et al., N4ITK: improved N3 bias correction, IEEE Transactions on Medical Imaging 29 (2010)
    """
    import SimpleITK

    (volume,) = volumes
    demands.require_grey(volume)
    progress(0.0, "looking for tissue")
    source = native(volume)
    hole = missing_mask(volume, source)
    values = as_float32(source)
    if hole is not None:
        values[hole] = 0
    if not np.isfinite(values).all():
        raise MeasureError("the volume holds values too large for N4, which works with float32")
    mask = _tissue(values, params.mask)
    full, tissue = itk.image(values), itk.image(mask.astype(np.uint8))
    thin = [max(1, min(params.shrink, size // _THIN)) for size in full.GetSize()]
    corrector = SimpleITK.N4BiasFieldCorrectionImageFilter()
    corrector.SetMaximumNumberOfIterations([params.iterations] * params.levels)
    corrector.SetConvergenceThreshold(params.convergence)

    def fraction() -> float:
        level, done = int(corrector.GetCurrentLevel()), int(corrector.GetElapsedIterations())
        return (level + min(done, params.iterations) / params.iterations) / params.levels

    itk.execute(
        corrector, SimpleITK.sitkIterationEvent, fraction, part(progress, 0.05, 0.9), "finding the bias field",
        SimpleITK.Shrink(full, thin), SimpleITK.Shrink(tissue, thin),
    )  # fmt: skip
    progress(0.9, "dividing by the bias field")
    field = itk.array_of(corrector.GetLogBiasFieldAsImage(full), values)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        array = values / np.exp(field)
    if not np.isfinite(array).all():
        raise MeasureError("N4 found no bias field in this volume: its values do not suit it")
    warnings = volume.warnings
    if hole is not None:
        array[hole] = source[hole]
        if unknown := count_of_no_numbers(source):
            warnings += (f"{unknown:,} voxels that are no finite numbers told nothing and stay as they were",)
    progress(1.0, "dividing by the bias field")
    return StepResult(volumes=(replace(volume, array=array.astype(np.float32), warnings=warnings),))


def _tissue(values: npt.NDArray[np.float32], kind: str) -> npt.NDArray[np.bool_]:
    positive = values > 0
    if kind == "otsu" and positive.any():
        from skimage.filters import threshold_otsu

        inside: npt.NDArray[Any] = values[positive]
        most = float(inside.max())
        if (
            inside.size >= _FEWEST and inside.min() < most
        ):  # Scaled to [0, 1], so that the largest floats cannot overflow.
            positive = values > threshold_otsu(inside / most) * most
    if np.count_nonzero(positive) < _FEWEST:
        raise MeasureError(
            f"fewer than {_FEWEST} voxels are tissue with a value above 0, and N4 works on the values' logarithms"
        )
    return positive


STEP = Step(
    name="n4",
    title="N4 bias correction",
    description="Divides out the slow shading of MR images (N4ITK).",
    params=N4Params,
    function=n4,
    libraries=("SimpleITK", "skimage"),
)
