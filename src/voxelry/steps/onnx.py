"""Any ONNX model of segmentation, or from image to image, by a manifest that says what it wants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from voxelry.core.errors import ParameterError, TooLargeError
from voxelry.core.geometry import patient_axes
from voxelry.core.progress import Progress, part
from voxelry.core.steps import Params, Segment, Segmentation, Step, StepResult
from voxelry.core.volume import Volume
from voxelry.steps import demands
from voxelry.steps.cells import greyscale, padding
from voxelry.steps.onnx_file import open_model
from voxelry.steps.onnx_manifest import SIDES, Manifest, Normalisation, manifest_beside, read_manifest
from voxelry.steps.sliding import predicted
from voxelry.steps.threshold import mask_rows, spacing_warning

MOST_VOXELS = 2**30
"""Of a volume at the model's spacing."""
Floats = npt.NDArray[np.float32]


class OnnxParams(Params):
    """Parameters of `STEP`."""

    # A site lets requests name files below its own folders only: it knows by the format which these are.
    model: str = Field(
        min_length=1,
        description="Path of the ONNX file; its manifest lies beside it",
        json_schema_extra={"format": "path"},
    )
    manifest: str = Field(
        "",
        description="Path of the manifest; empty is the model's name with .json or .toml",
        json_schema_extra={"format": "path"},
    )
    device: Literal["cpu", "gpu"] = Field("cpu", description="Where the model runs")


@dataclass(frozen=True, slots=True)
class _Way:
    """From a volume's index axes to the model's, and back."""

    order: tuple[int, int, int]
    flips: tuple[int, ...]
    source: tuple[int, ...]
    target: tuple[int, ...]
    cubic: bool

    @classmethod
    def of(cls, volume: Volume, manifest: Manifest) -> _Way:
        order, flips = manifest.transpose, tuple[int, ...]()
        if manifest.axes is not None:
            axes, signs = patient_axes(demands.placed(volume))
            sides = [SIDES[side] for side in manifest.axes]
            first, second, third = (axes[axis] for axis, _ in sides)
            order = (first, second, third)
            flips = tuple(place for place, (axis, sign) in enumerate(sides) if signs[axis] != sign)
        source = tuple(volume.array.shape[axis] for axis in order)
        target = source
        if manifest.spacing is not None:
            demands.straight(volume, "choose a model that takes the volume's own spacing")
            spacing = demands.millimetres(volume)
            sizes = zip(source, order, manifest.spacing, strict=True)
            target = tuple(max(1, round(size * spacing[axis] / wanted)) for size, axis, wanted in sizes)
        if float(np.prod([float(size) for size in target])) > MOST_VOXELS:
            raise TooLargeError(
                f"at the model's spacing the volume has {' x '.join(map(str, target))} voxels: too many"
            )
        return cls(order, flips, source, target, manifest.interpolation == "cubic")

    def there(self, values: Floats) -> Floats:
        turned = np.flip(values.transpose(self.order), self.flips)
        return _resized(turned, self.target, 3 if self.cubic else 1)

    def back(self, values: Floats) -> Floats:
        found = np.flip(_resized(values, self.source, 1), self.flips)
        return np.ascontiguousarray(found.transpose(np.argsort(self.order)))


def _resized(values: Floats, shape: tuple[int, ...], order: int) -> Floats:
    """Interpolated so that both grids cover the same box."""
    from scipy import ndimage

    if values.shape == shape:
        return np.ascontiguousarray(values)
    ratio = np.array(values.shape) / np.array(shape)
    return np.asarray(
        ndimage.affine_transform(values, ratio, ratio / 2 - 0.5, shape, np.float32, order=order, mode="nearest")
    )


def _onnx(volumes: Sequence[Volume], params: OnnxParams, progress: Progress) -> StepResult:
    progress(0.0, "opening the model")
    path = Path(params.model)
    manifest = read_manifest(Path(params.manifest) if params.manifest else manifest_beside(path))
    if manifest.volumes != len(volumes):
        raise ParameterError(f"this model takes {manifest.volumes} volumes, not {len(volumes)}")
    for other in volumes[1:]:
        demands.one_grid(volumes[0], other)
    way = _Way.of(volumes[0], manifest)
    image = np.stack([_channel(volumes[one.volume], one.normalisation, way) for one in manifest.channels])
    predict = open_model(path, manifest, gpu=params.device == "gpu")
    channels = 1
    if manifest.task == "segmentation":
        channels = len(manifest.labels) + manifest.exclusive
    share = part(progress, 0.1, 0.9)
    output = predicted(image, manifest.patch, manifest.overlap, manifest.mirror, predict, channels, share)
    progress(0.9, "back to the volume's grid")
    result = _image(volumes[0], manifest, way.back(output[0])) if manifest.task == "image" else None
    if result is None:
        result = _segmented(volumes[0], manifest, output, way)
    progress(1.0, "done")
    return result


def _channel(volume: Volume, normalisation: Normalisation, way: _Way) -> Floats:
    """One channel at the model's spacing; what is padding counts as the smallest value there is."""
    values = greyscale(volume)
    demands.numbers(values)
    found = known = values.astype(np.float32)
    demands.numbers(found)  # float64 may hold more than float32
    hidden = padding(volume)
    if hidden is not None:
        known = found[~hidden]
        found[hidden] = known.min() if known.size else 0
    with np.errstate(over="ignore", invalid="ignore"):
        made = way.there(normalisation.of(found, known))
    demands.numbers(made)
    return made


def _segmented(volume: Volume, manifest: Manifest, output: Floats, way: _Way) -> StepResult:
    labels = np.zeros(volume.array.shape, np.uint8)
    best = way.back(output[0]) if manifest.exclusive else None
    level = 0.5 if manifest.activation == "probability" else 0.0  # the sigmoid of 0 is one half
    for number in range(1, len(manifest.labels) + 1):
        values = way.back(output[number if manifest.exclusive else number - 1])
        if best is None:
            labels[values > level] = number
        else:
            labels[values > best] = number
            np.maximum(best, values, out=best)
    hidden = padding(volume)
    if hidden is not None:
        labels[hidden] = 0
    named = sorted(manifest.labels.items(), key=lambda item: item[1])
    segments = tuple(Segment(number=number, label=name, algorithm="ONNX model") for name, number in named)
    return StepResult(
        segmentation=Segmentation(labels=labels, source=volume, segments=segments),
        rows=mask_rows(volume, labels, segments),
        warnings=spacing_warning(volume),
    )


def _image(volume: Volume, manifest: Manifest, values: Floats) -> StepResult:
    with np.errstate(over="ignore"):
        array = values * np.float32(manifest.scale) + np.float32(manifest.offset)
    demands.numbers(array)
    hidden = padding(volume)
    if hidden is not None:
        array[hidden] = greyscale(volume)[hidden]
    words = "values come from a model, not from a scanner"
    made = replace(
        volume, array=array, unit=manifest.unit or volume.unit, windows=(), voi_tables=(),
        warnings=(*volume.warnings, words),
    )  # fmt: skip
    return StepResult(volumes=(made,))


STEP = Step(
    name="onnx",
    title="ONNX model",
    description="Runs a segmentation or image-to-image model in ONNX, by the manifest that lies beside it.",
    params=OnnxParams,
    function=_onnx,
    optional=("volume 2", "volume 3", "volume 4"),
    group="model",
)
