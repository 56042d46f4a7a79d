"""Statistics of each segment: its size, and the values of an image in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from voxelry.core.argument_types import check_type
from voxelry.core.errors import MeasureError
from voxelry.core.frame_of_reference import check_one_frame_of_reference
from voxelry.core.holes import missing_mask
from voxelry.core.placed_masks import labels_on_grid
from voxelry.core.segmentation import Segment, Segmentation
from voxelry.core.volume import Volume


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
    image = np.asarray(volume.array)
    hidden = missing_mask(volume, image)
    voxel = segmentation.geometry.voxel_mm3
    found = []
    for segment, count, inside in _places(segmentation, volume, threshold):
        values = image.ravel()[inside]
        missing = 0
        if hidden is not None:
            kept = ~hidden.ravel()[inside]
            values, missing = values[kept], int(kept.size - np.count_nonzero(kept))
        found.append(
            SegmentStatistics(
                segment=segment,
                count=count,
                mm3=None if voxel is None else count * voxel,
                values=value_statistics(values),
                missing=missing,
                unit=volume.unit,
            )
        )
    return tuple(found)


def value_statistics(values: npt.NDArray[Any]) -> ValueStatistics:
    """Statistics of values of any shape, which are numbers; in double precision."""
    if not values.size:
        return ValueStatistics(0)
    x = values.astype(np.float64).ravel()
    spread = float(x.std(ddof=1)) if x.size > 1 else 0.0
    low, p5, p25, median, p75, p95, high = np.percentile(x, (0, 5, 25, 50, 75, 95, 100)).tolist()
    return ValueStatistics(x.size, float(x.mean()), spread, low, p5, p25, median, p75, p95, high)


def _places(
    segmentation: Segmentation, volume: Volume, threshold: float | None
) -> Iterator[tuple[Segment, int, npt.NDArray[np.intp]]]:
    """Each segment, its voxels on its own grid, and the positions in the image's flat array that lie in it."""
    grid, other = segmentation.geometry, volume.geometry
    if segmentation.fractional_type is None and not segmentation.overlapping:
        # All labels in one pass: a hundred segments take as long as one.
        own = segmentation.labels
        placed = labels_on_grid(own, grid, other)
        labels = placed.ravel()
        positions = np.flatnonzero(labels)
        positions = positions[np.argsort(labels[positions], kind="stable")]
        numbers = labels[positions]
        owned = numbers if placed is own else np.sort(own[own != 0], kind="stable")
        for segment in segmentation.segments:
            first, end = _run(numbers, segment.number)
            own_first, own_end = _run(owned, segment.number)
            yield segment, own_end - own_first, positions[first:end]
        return
    for segment in segmentation.segments:
        mask = segmentation.mask(segment.number, threshold=threshold)
        yield segment, int(np.count_nonzero(mask)), np.flatnonzero(labels_on_grid(mask, grid, other))


def _run(numbers: npt.NDArray[Any], number: int) -> tuple[int, int]:
    """Where a number begins and ends among sorted ones."""
    return int(np.searchsorted(numbers, number)), int(np.searchsorted(numbers, number, "right"))
