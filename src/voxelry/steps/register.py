"""Registration of one volume to another: rigid or affine, with the transform as a file."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from voxelry.core.errors import MeasureError
from voxelry.core.progress import Progress, part
from voxelry.core.resample import as_dtype
from voxelry.core.steps import Params, Row, Step, StepResult
from voxelry.core.volume import Volume
from voxelry.steps.shared import carried_metadata, demands, itk
from voxelry.steps.shared.mask_grids import Mask, greyscale, padding

LEAST = 4
"""Fewest voxels along each axis, needed for gradients."""
_SHRINK = (4, 2, 1)
_WIDE = 8
"""Fewest voxels along a shrunk axis."""
Floats = npt.NDArray[np.float64]


class RegisterParams(Params):
    """Parameters of `STEP`."""

    kind: Literal["rigid", "affine"] = Field(
        "rigid", description="rigid turns and shifts; affine also stretches and shears"
    )
    metric: Literal["mutual_information", "correlation", "mean_squares"] = Field(
        "mutual_information",
        description="What makes two volumes alike: mutual_information also across modalities, correlation within one, "
        "mean_squares for the same values",
    )
    start: Literal["auto", "place", "centre", "mass"] = Field(
        "auto",
        description="Where to begin: as they lie in the patient (place), middle on middle (centre) or mass on mass; "
        "auto is place in one frame of reference and otherwise centre",
    )
    sampling: float = Field(
        0.2, gt=0, le=1, json_schema_extra={"unit": "1"}, description="Fraction of the voxels that are compared"
    )
    iterations: int = Field(
        200, ge=1, le=5000, json_schema_extra={"unit": "1"}, description="At most, at each of the resolutions"
    )
    seed: int = Field(
        1, ge=0, le=2**31 - 1, json_schema_extra={"unit": "1"}, description="Chooses the voxels that are compared"
    )


def _register(volumes: Sequence[Volume], params: RegisterParams, progress: Progress) -> StepResult:
    """Register the second volume to the first, and resample it linearly on the first's grid.

    The transform maps a point of the fixed volume to the corresponding point of the moving one, as in ITK.
    """
    import SimpleITK

    fixed, moving = volumes
    progress(0.0, "preparing")
    targets, sources = _image(fixed), _image(moving)
    transform = _start(fixed, moving, targets[0], sources[0], params)
    method = SimpleITK.ImageRegistrationMethod()
    _set_up(method, params, min(*fixed.array.shape, *moving.array.shape))
    if targets[1] is not None:
        method.SetMetricFixedMask(targets[1])
    if sources[1] is not None:
        method.SetMetricMovingMask(sources[1])
    method.SetInitialTransform(transform, inPlace=True)

    def fraction() -> float:
        done = min(1.0, method.GetOptimizerIteration() / params.iterations)
        return float((method.GetCurrentLevel() + done) / len(_SHRINK))

    share = part(progress, 0.05, 0.8)
    itk.execute(method, SimpleITK.sitkIterationEvent, fraction, share, "registering", targets[0], sources[0])
    matrix = _matrix(transform)
    if not np.isfinite(matrix).all():
        raise MeasureError("the registration found no transform: the two volumes have too little in common")
    progress(0.8, "resampling")
    moved, outside = _moved(fixed, moving, targets[0], sources[0], transform)
    row, words = _row(params, method, matrix, fixed), method.GetOptimizerStopConditionDescription()
    files = {"transform.tfm": _tfm(transform), "transform.json": _json(params, matrix)}
    warnings: tuple[str, ...] = (
        (f"{100 * outside:.1f} % of the fixed volume lie outside the moving one",) if outside > 0.005 else ()
    )
    if "Maximum number of iterations" in words:
        warnings += ("the registration stopped at its last iteration: more iterations may bring it further",)
    progress(1.0, "done")
    return StepResult(volumes=(moved,), rows=(row,), files=files, warnings=warnings)


def _image(volume: Volume) -> tuple[Any, Any | None]:
    """A SimpleITK float32 image with the volume's geometry, and the mask of voxels that are not padding."""
    import SimpleITK

    values, affine, hidden = greyscale(volume), demands.known_affine(volume), padding(volume)
    demands.require_straight(volume, "register one that is straight")
    demands.require_finite(values)
    if min(values.shape) < LEAST:
        raise MeasureError(f"a volume of {' x '.join(map(str, values.shape))} voxels is too thin to be registered")
    shown = values.astype(np.float32)
    demands.require_finite(shown)
    inside = shown if hidden is None else shown[~hidden]
    if not inside.size or inside.min() == inside.max():
        raise MeasureError("a constant image looks alike everywhere: it cannot be registered")
    if hidden is not None:
        shown[hidden] = inside.min()

    def lying(array: npt.NDArray[Any]) -> Any:
        image = SimpleITK.GetImageFromArray(array)
        columns = affine[:3, 2::-1]  # ITK's index order is columns first.
        lengths = np.linalg.norm(columns, axis=0)
        image.SetSpacing(lengths.tolist())
        image.SetDirection((columns / lengths).ravel().tolist())
        image.SetOrigin(affine[:3, 3].tolist())
        return image

    return lying(shown), None if hidden is None else lying((~hidden).astype(np.uint8))


def _start(fixed: Volume, moving: Volume, target: Any, source: Any, params: RegisterParams) -> Any:
    """The initial transform, which rotates about the middle of the fixed volume."""
    import SimpleITK

    kind: Any = SimpleITK.Euler3DTransform() if params.kind == "rigid" else SimpleITK.AffineTransform(3)
    frames = [volume.frame_of_reference_uid for volume in (fixed, moving)]
    start = params.start
    if start == "auto":
        unknown = frames[0] is None and (fixed.series_instance_uid or moving.series_instance_uid)
        start = "place" if frames[0] == frames[1] and not unknown else "centre"
    if start == "place":
        kind.SetCenter(target.TransformContinuousIndexToPhysicalPoint([(size - 1) / 2 for size in target.GetSize()]))
        return kind
    way = SimpleITK.CenteredTransformInitializerFilter
    mode = way.GEOMETRY if start == "centre" else way.MOMENTS
    made = SimpleITK.CenteredTransformInitializer(target, source, kind, mode)
    return type(kind)(made)  # Not a copy, so that it is changed in place.


def _set_up(method: Any, params: RegisterParams, thinnest: int) -> None:
    import SimpleITK

    if params.metric == "mutual_information":
        method.SetMetricAsMattesMutualInformation(50)
    elif params.metric == "correlation":
        method.SetMetricAsCorrelation()
    else:
        method.SetMetricAsMeanSquares()
    method.SetMetricSamplingStrategy(method.RANDOM if params.sampling < 1 else method.NONE)
    method.SetMetricSamplingPercentage(params.sampling, params.seed)
    # With several threads, sums and so the optimiser's path would differ from run to run.
    method.SetNumberOfWorkUnits(1)
    method.SetInterpolator(SimpleITK.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(1.0, 1e-4, params.iterations, 0.5, 1e-6)
    method.SetOptimizerScalesFromPhysicalShift()
    most = max(1, thinnest // _WIDE)
    method.SetShrinkFactorsPerLevel([min(factor, most) for factor in _SHRINK])
    method.SetSmoothingSigmasPerLevel([2, 1, 0])
    method.SetSmoothingSigmasAreSpecifiedInPhysicalUnits(False)


def _matrix(transform: Any) -> Floats:
    """The transform as a 4 x 4 from fixed to moving, LPS mm, from the images of origin and axes."""
    origin = np.array(transform.TransformPoint((0.0, 0.0, 0.0)))
    found = np.eye(4)
    found[:3, 3] = origin
    for axis in range(3):
        found[:3, axis] = np.array(transform.TransformPoint(np.eye(3)[axis].tolist())) - origin
    return found


def _moved(fixed: Volume, moving: Volume, target: Any, source: Any, transform: Any) -> tuple[Volume, float]:
    """The moving volume on the fixed one's grid, and the fraction of the grid outside the moving volume."""
    import SimpleITK

    values, hidden = greyscale(moving), padding(moving)
    fill = float(values.min() if hidden is None else values[~hidden].min())
    found = SimpleITK.Resample(source, target, transform, SimpleITK.sitkLinear, fill, SimpleITK.sitkFloat64)
    inside = SimpleITK.Image(source.GetSize(), SimpleITK.sitkUInt8) + 1
    inside.CopyInformation(source)
    covered = SimpleITK.Resample(inside, target, transform, SimpleITK.sitkNearestNeighbor, 0)
    outside: Mask = SimpleITK.GetArrayFromImage(covered) == 0
    array = as_dtype(SimpleITK.GetArrayFromImage(found), values.dtype)
    metadata = carried_metadata.without(moving, carried_metadata.REGRIDDED)
    if "FrameOfReferenceUID" in fixed.metadata:
        metadata = {**metadata, "FrameOfReferenceUID": fixed.metadata["FrameOfReferenceUID"]}
    words = f"registered onto another volume and interpolated; outside it filled with {fill:g}"
    moved = moving.with_geometry(fixed.geometry, array=array)
    metadata = carried_metadata.without(moved, (*carried_metadata.REGRIDDED, *carried_metadata.WEIGHTING))
    return replace(moved, metadata=metadata, warnings=(*moving.warnings, words)), float(outside.mean())


def _row(params: RegisterParams, method: Any, matrix: Floats, fixed: Volume) -> Row:
    """The row of results: translation of the fixed volume's middle, rotation and scaling."""
    left, stretches, right = np.linalg.svd(matrix[:3, :3])
    turned = left @ right
    angle = np.degrees(np.arccos(np.clip((np.trace(turned) - 1) / 2, -1, 1)))
    affine = demands.known_affine(fixed)
    middle = affine @ [*((np.array(fixed.array.shape) - 1) / 2), 1.0]
    shift = (matrix @ middle - middle)[:3]
    return {
        "kind": params.kind,
        "metric": params.metric,
        "value": float(method.GetMetricValue()),
        "iterations": int(method.GetOptimizerIteration()),
        "shift_left_mm": float(shift[0]),
        "shift_posterior_mm": float(shift[1]),
        "shift_superior_mm": float(shift[2]),
        "turn_degrees": float(angle),
        "smallest_stretch": float(stretches.min()),
        "largest_stretch": float(stretches.max()),
    }


def _tfm(transform: Any) -> bytes:
    """ITK's transform file, which 3D Slicer and SimpleITK read."""
    import SimpleITK

    with tempfile.TemporaryDirectory(prefix="voxelry-") as folder:
        path = Path(folder) / "transform.tfm"
        SimpleITK.WriteTransform(transform, str(path))
        return path.read_bytes()


def _json(params: RegisterParams, matrix: Floats) -> bytes:
    record = {
        "kind": params.kind,
        "maps": "a point of the fixed volume to the moving one, LPS mm, as columns (x, y, z, 1)",
        "matrix": matrix.tolist(),
    }
    return (json.dumps(record, indent=1) + "\n").encode("ascii")


STEP = Step(
    name="register",
    title="Register",
    description="Moves one volume onto another, rigidly or affinely, and keeps the transform.",
    params=RegisterParams,
    function=_register,
    inputs=("fixed", "moving"),
    group="register",
    needs=("grey", "place", "straight"),
    libraries=("SimpleITK",),
)
