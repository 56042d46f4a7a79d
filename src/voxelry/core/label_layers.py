"""Segments that may overlap, in as few label maps as a greedy assignment needs: the layers of a segmentation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import MeasureError
from voxelry.core.placed_masks import box_of

LabelMap: TypeAlias = "npt.NDArray[np.unsignedinteger[Any]]"
Allocate: TypeAlias = Callable[[tuple[int, ...], "np.dtype[Any]"], LabelMap]
"""Makes an array of zeros of a shape and a type."""
LARGEST_LABEL = 65_535


@dataclass(frozen=True, slots=True)
class LayerPlace:
    """Where a segment lies among label maps.

    Attributes
    ----------
    layer
        The map, from 0.
    value
        Of its voxels there.

    Examples
    --------
    >>> voxelry.LayerPlace(layer=0, value=3).value
    3
    """

    layer: int
    value: int


@dataclass(frozen=True, slots=True, eq=False)
class LabelLayers:
    """Segments in label maps of one grid. Each lies in one of them; those of one map do not overlap.

    Attributes
    ----------
    labels
        The maps, at least one; each of shape ``(slice, row, column)``, of one unsigned type; 0 is no segment.
    places
        Where each segment is, by its number.

    Examples
    --------
    >>> volume = voxelry.load_volume("sample/phantom")
    >>> whole, bright = voxelry.Segment(number=1, label="Whole"), voxelry.Segment(number=2, label="Bright")
    >>> both = voxelry.Segmentation(
    ...     masks=[volume.array > 0, volume.array > 250], source=volume, segments=(whole, bright)
    ... )
    >>> layers = both.layers()
    >>> isinstance(layers, voxelry.LabelLayers), len(layers.labels), layers.places[2].layer
    (True, 2, 1)
    """

    labels: tuple[LabelMap, ...]
    places: Mapping[int, LayerPlace]

    @property
    def plain(self) -> bool:
        """True for one map, in which each segment's value is its number."""
        return len(self.labels) == 1 and all(place.value == number for number, place in self.places.items())

    def mask(self, number: int) -> npt.NDArray[np.bool_]:
        """Where the segment of a number is."""
        place = self.places[number]
        return np.asarray(self.labels[place.layer] == place.value)

    def overlap(self) -> tuple[int, int] | None:
        """The numbers of two segments that overlap, the earlier first; None if no two do."""
        for index, upper in enumerate(self.labels):
            for below, lower in enumerate(self.labels[:index]):
                for one, two in zip(lower, upper, strict=True):
                    both = np.flatnonzero((one != 0) & (two != 0))
                    if both.size:
                        at = int(both[0])
                        first = self._number(below, int(one.flat[at]))
                        second = self._number(index, int(two.flat[at]))
                        order = list(self.places)
                        return (first, second) if order.index(first) < order.index(second) else (second, first)
        return None

    def _number(self, layer: int, value: int) -> int:
        return next(number for number, place in self.places.items() if place == LayerPlace(layer, value))


@dataclass(frozen=True, slots=True)
class LabelExtent:
    """How many voxels a label has, and the box around them: the first index of each axis, and the one after the last.

    Examples
    --------
    >>> labels = np.zeros((2, 4, 4), np.uint8)
    >>> labels[1, 2, 1:3] = 5
    >>> from voxelry.core.label_layers import label_extents
    >>> label_extents(labels)[5]
    LabelExtent(count=2, low=(1, 2, 1), high=(2, 3, 3))
    """

    count: int
    low: tuple[int, int, int]
    high: tuple[int, int, int]


def label_extents(labels: LabelMap) -> dict[int, LabelExtent]:
    """Count and box of each label of a map of shape ``(slice, row, column)``, background left out."""
    size = int(labels.max(initial=0)) + 1
    counts = np.zeros(size, np.int64)
    low, high = np.full((size, 3), max(labels.shape)), np.zeros((size, 3), np.int64)
    for index, one in enumerate(labels):
        rows, columns = np.nonzero(one)
        if not rows.size:
            continue
        values = one[rows, columns]
        counts += np.bincount(values, minlength=size)
        slices = np.full(values.shape, index)
        for axis, where in enumerate((slices, rows, columns)):
            np.minimum.at(low[:, axis], values, where)
            np.maximum.at(high[:, axis], values, where + 1)
    return {
        value: LabelExtent(int(counts[value]), _index(low[value]), _index(high[value]))
        for value in np.flatnonzero(counts).tolist()
    }


def _index(at: npt.NDArray[np.int64]) -> tuple[int, int, int]:
    one, two, three = at.tolist()
    return one, two, three


class LayerBuilder:
    """Lays segments one after the other into label maps, each into the first one where it overlaps none.

    Parameters
    ----------
    shape
        Of the grid.
    numbers
        Of all segments that will come. They are the values in the maps, unless one is larger than 65,535.
    allocate
        Makes each map; they may lie in a file.

    Raises
    ------
    MeasureError
        If there are more segments than a label map has values.
    """

    def __init__(self, shape: Sequence[int], numbers: Sequence[int], *, allocate: Allocate = np.zeros) -> None:
        if len(numbers) > LARGEST_LABEL:
            raise MeasureError(f"{len(numbers):,} segments are more than the {LARGEST_LABEL:,} that labels can name")
        fits = max(numbers) <= LARGEST_LABEL
        self._values = {number: number if fits else index for index, number in enumerate(numbers, 1)}
        self._dtype = np.dtype(np.uint8 if max(self._values.values()) < 256 else np.uint16)
        self._shape, self._allocate = tuple(shape), allocate
        self._labels = [allocate(self._shape, self._dtype)]
        self._places: dict[int, LayerPlace] = {}

    def add(self, number: int, mask: npt.NDArray[np.bool_], *, first: int = 0) -> None:
        """Lay one segment.

        Parameters
        ----------
        mask
            On all slices, or on some of them.
        first
            The slice of the grid that is the mask's first.
        """
        value, box = self._values[number], box_of(mask)
        if box is None:
            self._places[number] = LayerPlace(0, value)
            return
        inside = mask[box]
        where = (slice(box[0].start + first, box[0].stop + first), *box[1:])
        free = (layer for layer, labels in enumerate(self._labels) if not (labels[where] != 0)[inside].any())
        layer = next(free, len(self._labels))
        if layer == len(self._labels):
            self._labels.append(self._allocate(self._shape, self._dtype))
        self._labels[layer][where][inside] = value
        self._places[number] = LayerPlace(layer, value)

    def layers(self) -> LabelLayers:
        """What was laid; no segment may come after."""
        for labels in self._labels:
            labels.flags.writeable = False
        places = {number: self._places.get(number, LayerPlace(0, value)) for number, value in self._values.items()}
        return LabelLayers(tuple(self._labels), MappingProxyType(places))
