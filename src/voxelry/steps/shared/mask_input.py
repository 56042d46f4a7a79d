"""Input of all steps that work on a mask.

The first volume is either a volume of labels (a loaded segmentation, a mask in NIfTI) or an image, from which the code
and the parameters of the step ``threshold`` make the mask. An optional second volume is the image on the grid of the
labels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from voxelry.core.errors import MeasureError
from voxelry.core.progress import Progress, part
from voxelry.core.segment_items import segments_of, unnamed
from voxelry.core.segmentation import Segment, Segmentation
from voxelry.core.steps import Row, StepResult
from voxelry.core.volume import Volume
from voxelry.steps.shared import demands
from voxelry.steps.shared.cut import CutParams, classes_by_value, label_counts, mask_rows, spacing_warning
from voxelry.steps.shared.mask_grids import Mask, greyscale, padding

MaskMethod = Literal[
    "auto", "labels", "fixed", "units", "otsu", "multi_otsu", "li", "triangle", "yen", "percentile", "hysteresis"
]
MOST_LABELS = 65_535
"""Segment Number (0062,0004) has 16 bits."""


class MaskParams(CutParams):
    """Parameters of a step on a mask: those of `threshold`, and ``labels`` for a volume of labels."""

    method: MaskMethod = Field(
        "auto",
        description="Where the mask comes from: the volume's own values (labels), or a threshold; auto takes labels "
        "from a segmentation or where an image comes with them, and otherwise fixed",
    )


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """A mask of one or several structures, and its source.

    Attributes
    ----------
    labels
        Shape ``(slice, row, column)``; 0 is background.
    grid
        The volume from which the labels were made.
    image
        The volume whose intensities can be measured; None if there are only labels.
    """

    labels: npt.NDArray[np.unsignedinteger[Any]]
    segments: tuple[Segment, ...]
    grid: Volume
    image: Volume | None
    warnings: tuple[str, ...]

    @property
    def source(self) -> Volume:
        """The volume whose grid the results have."""
        return self.grid if self.image is None else self.image


def input_labels(volumes: Sequence[Volume], params: MaskParams, progress: Progress) -> Labelled:
    """The mask from a step's input volumes.

    Raises
    ------
    MeasureError
        If the volume is in colour, or is said to hold labels but does not.
    GeometryError
        If a second volume lies on another grid.
    """
    volume, image = volumes[0], volumes[1] if len(volumes) > 1 else None
    values = greyscale(volume)
    if image is not None:
        greyscale(image)
        volume = _onto(volume.with_array(values), image)
        values = np.asarray(volume.array)
    said = volume.metadata.get("Modality") == "SEG" or values.dtype.kind == "b"
    if params.method == "labels" or (params.method == "auto" and (image is not None or said)):
        labels = _as_labels(volume, values)
        return Labelled(labels, _segments_of(volume, labels), volume, image, spacing_warning(volume))
    chosen = params if params.method != "auto" else params.model_copy(update={"method": "fixed"})
    parted = classes_by_value(volume, chosen, progress)
    segments = tuple(Segment(number=number, label=name[:64]) for number, name in enumerate(parted.names, 1))
    warnings = (*parted.warnings, *spacing_warning(volume))
    return Labelled(parted.labels, segments, volume, volume if image is None else image, warnings)


def _onto(volume: Volume, image: Volume) -> Volume:
    """Labels of a part of an image's slices, rows or columns, on the image's whole grid.

    Raises
    ------
    GeometryError
        If the voxels of the two grids do not coincide.
    """
    same = volume.array.shape == image.array.shape[:3]
    if same or volume.affine is None or image.affine is None or volume.padding is not None:
        demands.require_one_grid(volume, image)
        return volume
    start = np.rint(image.geometry.lps_to_index(volume.affine[:3, 3])).astype(int)
    ends = start + volume.geometry.shape
    slices, rows, columns = (slice(first, last) for first, last in zip(start.tolist(), ends.tolist(), strict=True))
    box = slices, rows, columns
    inside = (start >= 0).all() and (ends <= image.geometry.shape).all()
    if not inside or not image.geometry.crop(box).same_grid(volume.geometry):
        demands.require_one_grid(volume, image)
    array = np.zeros(image.geometry.shape, volume.array.dtype)
    array[box] = volume.array
    return volume.with_geometry(image.geometry, array=array)


def _as_labels(volume: Volume, values: npt.NDArray[np.generic]) -> npt.NDArray[np.unsignedinteger[Any]]:
    if values.size == 0:
        return np.zeros(values.shape, np.uint8)
    largest, smallest = float(values.max()), float(values.min())
    whole = values.dtype.kind in "iub" or bool(np.isfinite(values).all() and (values == np.rint(values)).all())
    if not whole or smallest < 0 or largest > MOST_LABELS:
        found = f"{smallest:g} to {largest:g}" if whole else "values that are no whole numbers"
        raise MeasureError(
            f"labels are whole numbers from 0 to {MOST_LABELS:,}, and the volume holds {found}; "
            "choose a method that makes a mask from an image"
        )
    labels: npt.NDArray[Any] = values.astype(np.uint8 if largest < 256 else np.uint16)
    mask = padding(volume)
    if mask is not None:
        labels[mask] = 0
    return labels


def _segments_of(volume: Volume, labels: npt.NDArray[Any]) -> tuple[Segment, ...]:
    present = np.flatnonzero(label_counts(labels))
    described = segments_of(volume.metadata)
    numbers = [number for number in present.tolist() if number] or [1]
    return tuple(described.get(number) or unnamed(number) for number in numbers)


def each_segment(
    given: Labelled,
    change: Callable[[Mask, Progress], Mask],
    progress: Progress,
    algorithm: str,
    *,
    later_wins: bool = False,
) -> StepResult:
    """Change each structure of a segmentation by itself.

    Parameters
    ----------
    change
        A function from one mask to another of the same shape.
    later_wins
        True if a structure that grows into another takes its voxels. Otherwise each keeps its voxels.
    """
    labels = np.zeros_like(given.labels)
    for index, segment in enumerate(given.segments):
        share = part(progress, 0.3 + 0.7 * index / len(given.segments), 0.3 + 0.7 * (index + 1) / len(given.segments))
        share(0.0, segment.label)
        changed = change(given.labels == segment.number, share)
        if not later_wins:
            changed = changed & (labels == 0) & ((given.labels == 0) | (given.labels == segment.number))
        labels[changed] = segment.number
    progress(1.0, "done")
    return mask_result(given, labels, given.segments, algorithm)


def mask_result(given: Labelled, labels: npt.NDArray[Any], segments: tuple[Segment, ...], algorithm: str) -> StepResult:
    """The result of a step from mask to mask: a segmentation, and a row for each structure."""
    named = tuple(replace(one, algorithm=algorithm, algorithm_type="AUTOMATIC") for one in segments)
    rows: tuple[Row, ...] = mask_rows(given.grid, labels, named)
    empty = [one["label"] for one in rows if not one["count"]]
    warnings = (*given.warnings, *(f"the mask of {name!r} is empty" for name in empty))
    return StepResult(
        segmentation=Segmentation(labels=labels, source=given.source, segments=named),
        rows=rows,
        warnings=warnings,
    )
