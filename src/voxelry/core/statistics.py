"""Statistics of each segment: its size, and the values of an image in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from voxelry.core.argument_types import check_type
from voxelry.core.errors import MeasureError
from voxelry.core.frame_of_reference import check_one_frame_of_reference
from voxelry.core.geometry import Geometry
from voxelry.core.holes import missing_mask
from voxelry.core.label_layers import LayerPlace
from voxelry.core.placed_masks import labels_by_slices
from voxelry.core.segmentation import Segment, Segmentation
from voxelry.core.volume import Volume

_AT_ONCE = 2**24
"""Voxels of the image that are looked at together."""
_NO_VALUES: npt.NDArray[Any] = np.zeros(0)


@dataclass(frozen=True, slots=True)
class ValueStatistics:
    """Of the values of some voxels; all but ``count`` are None of no voxels.

    Attributes
    ----------
    count
        How many voxels have a value.
    mean, minimum, maximum
        In the image's unit.
    std
        Of a sample, by n - 1; 0 of one voxel.
    p5, p25, median, p75, p95
        Percentiles, linear between neighbours.

    Examples
    --------
    >>> voxelry.ValueStatistics(0).mean is None
    True
    """

    count: int
    mean: float | None = None
    std: float | None = None
    minimum: float | None = None
    p5: float | None = None
    p25: float | None = None
    median: float | None = None
    p75: float | None = None
    p95: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class SegmentStatistics:
    """A segment over an image.

    Attributes
    ----------
    segment
        Which one.
    count, mm3
        Its voxels and its volume, on its own grid; ``mm3`` is None where a spacing is unknown.
    values
        Of the image's voxels whose centres lie in it.
    missing
        How many of these voxels have no value: padding, NaN, infinity. They are in no statistic.
    unit
        Of the values; empty where it is unknown.

    Examples
    --------
    >>> volume = voxelry.load_volume("sample/phantom")
    >>> all_of_it = voxelry.Segment(number=1, label="All")
    >>> labels = np.ones(volume.shape, np.uint8)
    >>> segmentation = voxelry.Segmentation(labels=labels, source=volume, segments=(all_of_it,))
    >>> (found,) = voxelry.statistics(volume, segmentation)
    >>> isinstance(found, voxelry.SegmentStatistics), found.count == volume.array.size
    (True, True)
    """

    segment: Segment
    count: int
    mm3: float | None
    values: ValueStatistics
    missing: int
    unit: str


def statistics(
    volume: Volume,
    segmentation: Segmentation,
    *,
    threshold: float | None = None,
    same_frame_of_reference: bool = False,
) -> tuple[SegmentStatistics, ...]:
    """Size of each segment, and the values of an image in it.

    A voxel of the image counts if its centre lies in a voxel of the segment, by patient position: the two may have
    other grids, turned and sheared ones too. Nothing is interpolated.

    Parameters
    ----------
    volume
        The image, in grey.
    segmentation
        Its segments may overlap.
    threshold
        From 0 to 1, for fractions, and needed for them: a voxel belongs if its fraction lies above it.
    same_frame_of_reference
        True if you know that both lie in one place of the patient where their headers do not say so.

    Returns
    -------
    statistics
        One for each segment, in their order; an empty segment has no values.

    Raises
    ------
    MeasureError
        If the image is in colour.
    FrameOfReferenceError
        If nothing says that both lie in one frame of reference.
    UnplacedError
        If the grids differ and one has no place.
    ParameterError
        If fractions have no threshold.

    Examples
    --------
    >>> volume = voxelry.load_volume("sample/phantom")
    >>> bright = voxelry.Segment(number=1, label="Bright")
    >>> segmentation = voxelry.Segmentation(
    ...     labels=(volume.array > 250).astype(np.uint8), source=volume, segments=(bright,)
    ... )
    >>> (found,) = voxelry.statistics(volume, segmentation)
    >>> found.count, found.values.minimum, found.unit
    (11646, 290.0, 'HU')
    """
    check_type(volume, Volume, name="volume", instead="voxelry.load_volume reads one from a path")
    check_type(segmentation, Segmentation, name="segmentation", instead="voxelry.load_segmentation reads one")
    if volume.colour:
        raise MeasureError("a colour image has no single intensity to measure")
    check_one_frame_of_reference([volume, segmentation.source], confirmed=same_frame_of_reference)
    voxel = segmentation.geometry.voxel_mm3
    layers = segmentation.layers(threshold=threshold)
    numbers = {place: number for number, place in layers.places.items()}
    segments = {segment.number: segment for segment in segmentation.segments}
    found: dict[int, SegmentStatistics] = {}
    for layer, labels in enumerate(layers.labels):
        counts = _counts(labels)
        inside = _values_inside(volume, labels, segmentation.geometry)
        for value in {*counts, *inside}:
            number = numbers.get(LayerPlace(layer, value))
            if number is None:
                continue
            values, missing = inside.get(value, (_NO_VALUES, 0))
            count = counts.get(value, 0)
            mm3 = None if voxel is None else count * voxel
            segment = segments[number]
            found[number] = SegmentStatistics(segment, count, mm3, value_statistics(values), missing, volume.unit)
    nothing = None if voxel is None else 0.0
    return tuple(
        found.get(one.number) or SegmentStatistics(one, 0, nothing, ValueStatistics(0), 0, volume.unit)
        for one in segmentation.segments
    )


def value_statistics(values: npt.NDArray[Any]) -> ValueStatistics:
    """Statistics of values of any shape, which are numbers; in double precision."""
    if not values.size:
        return ValueStatistics(0)
    x = values.astype(np.float64).ravel()
    spread = float(x.std(ddof=1)) if x.size > 1 else 0.0
    low, p5, p25, median, p75, p95, high = np.percentile(x, (0, 5, 25, 50, 75, 95, 100)).tolist()
    return ValueStatistics(x.size, float(x.mean()), spread, low, p5, p25, median, p75, p95, high)


def _counts(labels: npt.NDArray[Any]) -> dict[int, int]:
    """How many voxels each label has; background left out."""
    counts = np.zeros(int(labels.max(initial=0)) + 1, np.int64)
    for one in labels:
        counts += np.bincount(one.reshape(-1), minlength=len(counts))
    return {int(value): int(counts[value]) for value in np.flatnonzero(counts) if value}


def _values_inside(volume: Volume, labels: npt.NDArray[Any], grid: Geometry) -> dict[int, tuple[npt.NDArray[Any], int]]:
    """The image's values in each label, in the order of its voxels, and how many voxels have none.

    All labels in one pass, so that a hundred segments take as long as one; some slices at a time, so that a large
    image takes no more memory than what lies in the segments.
    """
    parts: dict[int, list[npt.NDArray[Any]]] = {}
    missing: dict[int, int] = {}
    at_once = max(1, _AT_ONCE // max(1, volume.array[0].size))
    for slices, placed in labels_by_slices(labels, grid, volume.geometry, at_once=at_once):
        flat = placed.reshape(-1)
        positions = np.flatnonzero(flat)
        if not positions.size:
            continue
        positions = positions[np.argsort(flat[positions], kind="stable")]
        own, begins = np.unique(flat[positions], return_index=True)
        image = np.asarray(volume.array[slices])
        hidden = missing_mask(volume.crop((slices, slice(None), slice(None))), image)
        values = image.reshape(-1)[positions]
        kept = None if hidden is None else ~hidden.reshape(-1)[positions]
        for value, first, end in zip(
            own.tolist(), begins.tolist(), [*begins[1:].tolist(), len(positions)], strict=True
        ):
            some = values[first:end]
            if kept is not None:
                some = some[kept[first:end]]
                missing[value] = missing.get(value, 0) + end - first - len(some)
            parts.setdefault(value, []).append(some)
    return {value: (np.concatenate(some), missing.get(value, 0)) for value, some in parts.items()}
