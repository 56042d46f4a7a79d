"""The step that runs any ONNX model for segmentation or image-to-image tasks, described by a manifest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, cast

import numpy as np
import numpy.typing as npt
from pydantic import Field

from voxelry.core.errors import ParameterError
from voxelry.core.geometry import Box
from voxelry.core.placed_masks import box_of
from voxelry.core.progress import Progress, part
from voxelry.core.segmentation import Segment, Segmentation
from voxelry.core.steps import Params, Step, StepResult
from voxelry.core.volume import Volume
from voxelry.steps.onnx.onnx_file import open_model
from voxelry.steps.onnx.onnx_grid import Way
from voxelry.steps.onnx.onnx_manifest import Channel, Manifest, StatisticsMasks, manifest_beside, read_manifest
from voxelry.steps.onnx.sliding_window import predicted, probabilities
from voxelry.steps.shared import demands
from voxelry.steps.shared.cut import mask_rows, spacing_warning
from voxelry.steps.shared.mask_grids import greyscale, padding

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


class OnnxParams(Params):
    """Parameters of `STEP`."""

    # Requests to a site may name only files below its folders; the format marks such parameters.
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


def _onnx(volumes: Sequence[Volume], params: OnnxParams, progress: Progress) -> StepResult:
    progress(0.0, "opening the model")
    path = Path(params.model)
    manifest = read_manifest(Path(params.manifest) if params.manifest else manifest_beside(path))
    if manifest.volumes != len(volumes):
        raise ParameterError(f"this model takes {manifest.volumes} volumes, not {len(volumes)}")
    for other in volumes[1:]:
        demands.require_one_grid(volumes[0], other)
    predict = open_model(path, manifest, gpu=params.device == "gpu")
    image, way = seen_by(volumes, manifest)
    output = predicted(image, manifest, predict, part(progress, 0.1, 0.9))
    progress(0.9, "back to the volume's grid")
    if manifest.task == "image":
        result = _image(volumes[0], manifest, way.back(output[0], 0.0))
    else:
        result = _segmented(volumes[0], manifest, output, way)
    progress(1.0, "done")
    return result


def seen_by(volumes: Sequence[Volume], manifest: Manifest) -> tuple[Floats, Way]:
    """All channels on the model's grid, and the mapping to it."""
    used = sorted({channel.volume for channel in manifest.channels})
    values = {number: _values(volumes[number], manifest) for number in used}
    inside: Mask | None = None
    box = cast(Box, tuple(slice(0, size) for size in volumes[0].array.shape[:3]))
    if manifest.crop == "nonzero" or manifest.filled:
        inside = _inside([found for found, _ in values.values()])
        if manifest.crop == "nonzero":
            box = box_of(inside) or box
    way = Way.of(volumes[0], manifest, box)
    inside = None if inside is None else inside[box]
    image = [_channel(channel, *values[channel.volume], inside, way, manifest) for channel in manifest.channels]
    return np.stack(image), way


def _values(volume: Volume, manifest: Manifest) -> tuple[Floats, Mask | None]:
    """A volume's values, with padding set to the smallest value, and the mask of values that are not padding."""
    values = greyscale(volume)
    demands.require_finite(values)
    found = values.astype(np.float32)
    demands.require_finite(found)  # float64 values may overflow float32.
    hidden = None if manifest.padding_counts else padding(volume)
    if hidden is None:
        return found, None
    known = found[~hidden]
    found[hidden] = known.min() if known.size else 0
    return found, ~hidden


def _inside(several: Sequence[Floats]) -> Mask:
    """The mask of voxels that are not 0 in any channel, with holes filled."""
    from scipy import ndimage

    return np.asarray(ndimage.binary_fill_holes(np.logical_or.reduce([values != 0 for values in several])))


def _channel(
    channel: Channel, values: Floats, valid: Mask | None, inside: Mask | None, way: Way, manifest: Manifest
) -> Floats:
    """Resample one channel to the model's grid."""
    values = values[way.box]
    valid = None if valid is None else valid[way.box]
    with np.errstate(over="ignore", invalid="ignore"):
        if manifest.normalise == "before":
            made = way.there(channel.normalised(values, StatisticsMasks(valid, inside)))
        else:
            valid = None if valid is None else way.mask_there(valid)
            made = channel.normalised(way.there(values), StatisticsMasks(valid))
    demands.require_finite(made)
    return made


def _segmented(volume: Volume, manifest: Manifest, output: Floats, way: Way) -> StepResult:
    labels = np.zeros(volume.array.shape, np.uint8)
    output, level = probabilities(output, manifest)
    best = way.back(output[0], -np.inf) if manifest.exclusive else None
    for number in manifest.order or range(1, len(manifest.labels) + 1):
        values = way.back(output[number if manifest.exclusive else number - 1], -np.inf)
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
    demands.require_finite(array)
    hidden = padding(volume)
    if hidden is not None:
        array[hidden] = greyscale(volume)[hidden]
    words = "values come from a model, not from a scanner"
    made = replace(
        volume, array=array, unit=manifest.unit or volume.unit, windows=(), voi_tables=(), slice_voi=(),
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
    libraries=("onnxruntime",),
)
