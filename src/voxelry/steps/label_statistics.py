"""Measurements of each structure: size, position and values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from voxelry.core.affine import index_to_lps
from voxelry.core.holes import count_of_no_numbers, missing_mask
from voxelry.core.placed_masks import box_of
from voxelry.core.progress import Progress, part
from voxelry.core.segmentation import Segment
from voxelry.core.statistics import ValueStatistics, value_statistics
from voxelry.core.steps import Row, Step, StepResult
from voxelry.core.volume import Volume
from voxelry.steps.shared.mask_grids import Mask, cell, greyscale
from voxelry.steps.shared.mask_input import Labelled, MaskParams, input_labels
from voxelry.steps.shared.shapes import feret_mm, surface_mm2

INTENSITIES = ("mean", "std", "minimum", "median", "maximum", "p5", "p25", "p75", "p95")
AXES = ("slice", "row", "column")
SIDES = ("left", "posterior", "superior")


class LabelStatisticsParams(MaskParams):
    """Parameters of `STEP`."""


def _label_statistics(volumes: Sequence[Volume], params: LabelStatisticsParams, progress: Progress) -> StepResult:
    given = input_labels(volumes, params, part(progress, 0.0, 0.3))
    values = hidden = None
    if given.image is not None:
        values = greyscale(given.image)
        hidden = missing_mask(given.image, values)
    lost = 0 if values is None else count_of_no_numbers(values)
    told = (f"{lost:,} voxels of the image are NaN or infinite: they are in no statistic",) if lost else ()
    rows = []
    for index, segment in enumerate(given.segments):
        progress(0.3 + 0.7 * index / len(given.segments), f"measuring {index + 1} of {len(given.segments)}")
        rows.append(_row(given, segment, values, hidden))
    empty = [str(row["label"]) for row in rows if not row["count"]]
    progress(1.0, "done")
    return StepResult(
        rows=tuple(rows), warnings=(*given.warnings, *told, *(f"the mask of {name!r} is empty" for name in empty))
    )


def _row(given: Labelled, segment: Segment, values: npt.NDArray[Any] | None, hidden: Mask | None) -> Row:
    whole = given.labels == segment.number
    box = box_of(whole)
    grid = cell(given.grid)
    row: Row = {"segment": segment.number, "label": segment.label}
    mask = whole[box] if box is not None else whole[:0]
    count = int(np.count_nonzero(mask))
    row["count"] = count
    row["mm3"] = None if given.grid.voxel_mm3 is None else count * given.grid.voxel_mm3
    for axis, name in enumerate(AXES):
        row[f"{name}_first"] = None if box is None else box[axis].start
        row[f"{name}_last"] = None if box is None else box[axis].stop - 1
    centre = None
    if box is not None and given.grid.affine is not None:
        centre = index_to_lps(given.grid.affine, _centroid(mask) + [axis.start for axis in box]).tolist()
    for axis, name in enumerate(SIDES):
        row[f"centroid_{name}_mm"] = None if centre is None else centre[axis]
    row["feret_mm"] = None if grid is None or not count else feret_mm(mask, grid)
    row["surface_mm2"] = None if grid is None else surface_mm2(mask, grid) if count else 0.0
    inside = None
    if values is not None and box is not None:
        inside = values[box][mask if hidden is None else mask & ~hidden[box]]
    return row | _intensities(inside) | {"unit": given.image.unit if given.image is not None else ""}


def _centroid(mask: Mask) -> npt.NDArray[np.float64]:
    """The mean index of a mask that is not empty; shape ``(3,)``."""
    others = ((1, 2), (0, 2), (0, 1))
    sums = [np.count_nonzero(mask, axis=axes) for axes in others]
    return np.array([float(np.average(np.arange(one.size), weights=one)) for one in sums])


def _intensities(values: npt.NDArray[Any] | None) -> Row:
    """Statistics of the values in a mask."""
    found = asdict(ValueStatistics(0) if values is None else value_statistics(values))
    return {name: found[name] for name in INTENSITIES}


STEP = Step(
    name="label_statistics",
    title="Statistics of structures",
    description="Size, place and values of each structure: of labels with an image, or of an image's threshold.",
    params=LabelStatisticsParams,
    function=_label_statistics,
    optional=("image",),
    group="measure",
    libraries=("scipy",),
)
