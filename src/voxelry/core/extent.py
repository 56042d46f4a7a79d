"""From where to where a volume's values reach, and how many lie above a fraction of that.

A voxel counts if ``(x - min) / (max - min) > threshold`` in float64. Rounding keeps order, so there is a smallest value
of the volume's own type for which it holds: that one is found by trying the definition itself, and voxels are compared
with it. Memory is slower than arithmetic here: each of the two passes takes it in pieces that stay in a cache, and the
second begins where the first ended.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import MeasureError
from voxelry.core.volume import Volume

T = TypeVar("T")
Number = TypeVar("Number", float, npt.NDArray[np.float64])

COLOUR = "a colour image has no single intensity to measure; use a greyscale series"
NO_NUMBERS = "the volume holds values that are no numbers (NaN or infinite); nothing was measured"
_PIECE_BYTES = 2**21
"""Looked at in a row: few enough to stay in a cache."""
_PIECES = 64
"""At least so many: what the count of one needs is little beside the volume."""
_TASKS = 16
"""Parts for threads: few enough to cost nothing, and enough to end together."""


class Each(Protocol):
    """What the built-in `map` is: the results of one function on several parts, in their order."""

    def __call__(self, function: Callable[[range], T], parts: Iterable[range], /) -> Iterable[T]: ...


@dataclass(frozen=True, slots=True)
class Extent:
    """From where to where the values reach that are not padding.

    Attributes
    ----------
    low, high
        Numbers of the volume's own type; both 0 if there is no voxel.
    count
        Voxels that are not padding.
    pieces
        The same of some slices each, so that those on one side of a threshold need not be read again.
    """

    low: Any
    high: Any
    count: int
    pieces: tuple[tuple[range, Extent], ...] = ()

    @property
    def constant(self) -> bool:
        """True if all values are one number in float64, or there is none."""
        return float(self.low) == float(self.high)


def extent(volume: Volume, *, each: Each = map) -> Extent:
    """The smallest and the largest value, padding left out.

    Parameters
    ----------
    each
        Does the work on parts of the volume; the built-in `map`, or one that has threads.

    Raises
    ------
    MeasureError
        If the volume is in colour, or holds values that are no numbers.
    """
    if volume.colour:
        raise MeasureError(COLOUR)
    dtype = volume.array.dtype

    def ends(part: range) -> list[tuple[range, Extent]]:
        parts = ((piece, _unpadded(volume, piece)) for piece in _pieces(volume, part))
        return [
            (piece, _joined([Extent(one.min(), one.max(), one.size) for one in values if one.size], dtype))
            for piece, values in parts
        ]

    pieces = tuple(found for some in each(ends, _parts(volume)) for found in some)
    whole = _joined([found for _, found in pieces if found.count], dtype)
    if not (np.isfinite(whole.low) and np.isfinite(whole.high)):
        raise MeasureError(NO_NUMBERS)
    return replace(whole, pieces=pieces)


def count_above(volume: Volume, threshold: float, found: Extent, *, each: Each = map) -> int:
    """The number of voxels above ``threshold``, padding left out.

    Parameters
    ----------
    threshold
        On [0, 1], from the smallest to the largest value.
    found
        What `extent` gave for this volume.
    each
        As in `extent`.
    """
    first = first_above(found, threshold)
    if first is None:
        return 0
    known = dict(found.pieces)

    def above(part: range) -> int:
        total, buffer = 0, np.empty((0,), np.bool_)
        for piece in reversed(_pieces(volume, part)):
            here = known[piece]
            if here.count and here.low >= first:
                total += here.count
            elif here.count and here.high >= first:
                for values in _unpadded(volume, piece):
                    if buffer.size < values.size:  # one for all: fresh memory costs as much again
                        buffer = np.empty(values.size, np.bool_)
                    inside = np.greater_equal(values, first, out=buffer[: values.size].reshape(values.shape))
                    total += int(np.count_nonzero(inside))
        return total

    return sum(each(above, _parts(volume)[::-1]))


def _parts(volume: Volume) -> list[range]:
    return _cut(range(len(volume.array)), max(1, len(volume.array) // _TASKS))


def _pieces(volume: Volume, part: range) -> list[range]:
    count = len(volume.array)
    return _cut(part, max(1, min(count // _PIECES, _PIECE_BYTES * count // max(1, volume.array.nbytes))))


def _cut(whole: range, step: int) -> list[range]:
    return [whole[start : start + step] for start in range(0, len(whole), step)]


def _unpadded(volume: Volume, piece: range) -> list[npt.NDArray[Any]]:
    """The values of some slices: a view where none can be padding, else of each slice those that are none."""
    if volume.padding is None:
        return [volume.array[piece.start : piece.stop]]
    masks = ((volume.padding_mask(index), volume.array[index]) for index in piece)
    return [values if mask is None else values[~mask] for mask, values in masks]


def _joined(found: Sequence[Extent], dtype: np.dtype[Any]) -> Extent:
    """Of all of them; NaN stays NaN."""
    if not found:
        return Extent(dtype.type(0), dtype.type(0), 0)
    low, high = np.min([one.low for one in found]), np.max([one.high for one in found])
    return Extent(low, high, sum(one.count for one in found))


def first_above(found: Extent, threshold: float) -> Any | None:
    """The smallest number of the volume's type that is above ``threshold`` by the definition; None if none is.

    Every voxel that is at least this large counts, and no other: subtraction and division by a positive number,
    each rounded to float64, keep the order of values.
    """
    if found.constant:
        return None
    kind = np.asarray(found.low).dtype
    low, high = float(found.low), float(found.high)

    def above(place: int) -> bool:
        return normalised(float(_at_place(place, kind)), low, high) > threshold

    first, last = _place(found.low), _place(found.high)
    if not above(last):
        return None
    while first < last:  # as many steps as the type has bits
        middle = (first + last) // 2
        first, last = (first, middle) if above(middle) else (middle + 1, last)
    return _at_place(first, kind)


def normalised(x: Number, low: float, high: float) -> Number:
    """``(x - low) / (high - low)`` in float64; halved first where the range itself would be infinite."""
    if math.isinf(high - low):
        return (x / 2 - low / 2) / (high / 2 - low / 2)
    return (x - low) / (high - low)


def _place(value: Any) -> int:
    """Which number of its type this is, in their order: of floats, the bits tell."""
    if value.dtype.kind != "f":
        return int(value)
    bits = int(value.view(f"i{value.dtype.itemsize}"))
    return bits if bits >= 0 else -(bits & int(np.iinfo(f"i{value.dtype.itemsize}").max))


def _at_place(place: int, kind: np.dtype[Any]) -> Any:
    if kind.kind != "f":
        return kind.type(place)
    value = np.array(abs(place), f"i{kind.itemsize}").view(kind)[()]
    return value if place >= 0 else -value
