"""The range of a volume's values, and the number of voxels above a fraction of it.

A voxel counts if ``(x - min) / (max - min) > threshold`` in float64. Rounding keeps order, so there is a smallest value
of the volume's own type for which it holds: that one is found by trying the definition itself, and voxels are compared
with it.

Pieces are small enough for a cache, so that memory is read once for both ends and once for the count; a piece whose
ends lie on one side of that value is not read again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import MeasureError
from voxelry.core.volume import Volume

S = TypeVar("S")
T = TypeVar("T")
Number = TypeVar("Number", float, npt.NDArray[np.float64])

COLOUR = "a colour image has no single intensity to measure; use a greyscale series"
_PIECE_BYTES = 2**22
"""Voxels of one piece: few enough to stay in a cache, enough that threads do not wait for each other."""
_PIECES = 48
"""The smallest number of pieces: the memory that counting one needs is small beside the volume."""


class Each(Protocol):
    """A function like the built-in `map`: the results of one function on several parts, in their order."""

    def __call__(self, function: Callable[[S], T], parts: Iterable[S], /) -> Iterable[T]: ...


@dataclass(frozen=True, slots=True)
class Extent:
    """The range of the values that are neither padding nor NaN nor infinite.

    Attributes
    ----------
    low, high
        Numbers of the volume's own type; both 0 if there is no voxel.
    count
        Voxels that have a value: neither padding nor NaN nor infinite.
    non_finite
        Voxels that are NaN or infinite, and not padding.
    """

    low: Any
    high: Any
    count: int
    non_finite: int = 0

    @property
    def constant(self) -> bool:
        """True if all values are equal in float64, or there are none."""
        return float(self.low) == float(self.high)

    def joined(self, other: Extent) -> Extent:
        """The extent of the voxels of both parts."""
        non_finite = self.non_finite + other.non_finite
        if not (self.count and other.count):
            return replace(self if self.count else other, non_finite=non_finite)
        low, high = np.minimum(self.low, other.low), np.maximum(self.high, other.high)
        return Extent(low, high, self.count + other.count, non_finite)


def extent(volume: Volume, *, each: Each = map) -> Extent:
    """The smallest and the largest value; padding, NaN and infinities are left out.

    Parameters
    ----------
    each
        Does the work on parts of the volume; the built-in `map`, or one that has threads.

    Raises
    ------
    MeasureError
        If the volume is in colour.
    """
    return _whole(volume, _ends(volume, each))


@dataclass(frozen=True, slots=True)
class CountedRange:
    """The values that count, as numbers of the volume's own type.

    Attributes
    ----------
    first, last
        The smallest and the largest one, both included; None where that side has no limit.
    """

    first: Any | None
    last: Any | None

    @property
    def limits(self) -> tuple[float | None, float | None]:
        """The same as plain numbers."""
        return (None if self.first is None else float(self.first), None if self.last is None else float(self.last))

    def hold(self, values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        """Which values count; NaN and infinities never do, padding is not looked for."""
        inside: npt.NDArray[np.bool_]
        if self.first is None and self.last is None:
            inside = np.ones(values.shape, np.bool_)
        elif self.first is None:
            inside = values <= self.last
        else:
            inside = values >= self.first
            if self.last is not None:
                inside &= values <= self.last
        if values.dtype.kind == "f" and (self.first is None or self.last is None):
            inside &= np.isfinite(values)
        return inside


def extent_and_count(
    volume: Volume, choose: Callable[[Extent], CountedRange | None], *, each: Each = map
) -> tuple[Extent, CountedRange | None, int]:
    """The extent, the range of values that is chosen by it, and the number of voxels in that range.

    Parameters
    ----------
    choose
        The values that count, by the range of all; None if none can.
    each
        As in `extent`.

    Raises
    ------
    MeasureError
        As `extent` does.
    """
    ends = _ends(volume, each)
    whole = _whole(volume, ends)
    chosen = choose(whole)
    return whole, chosen, 0 if chosen is None else _count(volume, ends, chosen, each)


def _count(volume: Volume, ends: Sequence[tuple[range, Extent]], chosen: CountedRange, each: Each) -> int:
    first, last = chosen.first, chosen.last
    largest = volume.array[ends[0][0].start : ends[0][0].stop].size
    idle: list[npt.NDArray[np.bool_]] = []  # new memory for each piece would double the time

    def count(part: tuple[range, Extent]) -> int:
        piece, here = part
        if not here.count or (first is not None and here.high < first) or (last is not None and here.low > last):
            return 0
        if (first is None or here.low >= first) and (last is None or here.high <= last):
            return here.count
        try:
            inside = idle.pop()
        except IndexError:
            inside = np.empty(largest, np.bool_)
        parts = _unpadded(volume, piece)
        counted = sum(_count_in(values, chosen, inside) for values in parts)
        if here.non_finite and (first is None or last is None):  # an infinity lies on the open side, and is no number
            infinite = -np.inf if first is None else np.inf
            counted -= sum(int(np.count_nonzero(values == infinite)) for values in parts)
        idle.append(inside)
        return counted

    # The last pieces first: some of them are still in the cache.
    return sum(each(count, reversed(ends)))


def _count_in(values: npt.NDArray[Any], chosen: CountedRange, inside: npt.NDArray[np.bool_]) -> int:
    """The number of values in a range, infinities on its open side among them."""
    out = inside[: values.size].reshape(values.shape)
    if chosen.first is None:
        return int(np.count_nonzero(np.less_equal(values, np.asarray(chosen.last), out=out)))
    counted = int(np.count_nonzero(np.greater_equal(values, chosen.first, out=out)))
    if chosen.last is not None:
        counted -= int(np.count_nonzero(np.greater(values, chosen.last, out=out)))
    return counted


def _ends(volume: Volume, each: Each) -> list[tuple[range, Extent]]:
    """Each piece with its extent."""
    if volume.colour:
        raise MeasureError(COLOUR)
    pieces, dtype = _pieces(volume), volume.array.dtype
    found = each(lambda piece: _extent_of(_unpadded(volume, piece), dtype), pieces)
    return list(zip(pieces, found, strict=True))


def _whole(volume: Volume, ends: Sequence[tuple[range, Extent]]) -> Extent:
    return _all_of((here for _, here in ends), volume.array.dtype)


def _pieces(volume: Volume) -> list[range]:
    """Ranges of slices, one for each piece."""
    count = len(volume.array)
    step = max(1, min(count // _PIECES, _PIECE_BYTES * count // max(1, volume.array.nbytes)))
    return [range(start, min(start + step, count)) for start in range(0, count, step)]


def _unpadded(volume: Volume, piece: range) -> list[npt.NDArray[Any]]:
    """The values of some slices: a view where none can be padding, else of each slice those that are none."""
    if volume.padding is None:
        return [volume.array[piece.start : piece.stop]]
    masks = ((volume.padding_mask(index), volume.array[index]) for index in piece)
    return [values if mask is None else values[~mask] for mask, values in masks]


def _extent_of(values: Sequence[npt.NDArray[Any]], dtype: np.dtype[Any]) -> Extent:
    return _all_of((_extent_of_part(part) for part in values if part.size), dtype)


def _extent_of_part(values: npt.NDArray[Any]) -> Extent:
    low, high = values.min(), values.max()
    if values.dtype.kind != "f" or (np.isfinite(low) and np.isfinite(high)):
        return Extent(low, high, values.size)
    finite = values[np.isfinite(values)]
    if not finite.size:
        return Extent(values.dtype.type(0), values.dtype.type(0), 0, values.size)
    return Extent(finite.min(), finite.max(), finite.size, values.size - finite.size)


def _all_of(found: Iterable[Extent], dtype: np.dtype[Any]) -> Extent:
    return reduce(Extent.joined, found, Extent(dtype.type(0), dtype.type(0), 0))


def first_above(found: Extent, threshold: float) -> Any | None:
    """The smallest number of the volume's type that is above ``threshold`` by the definition; None if none is.

    Every voxel that is at least this large counts, and no other: subtraction and division by a positive number,
    each rounded to float64, keep the order of values.
    """
    if found.constant:
        return None
    low, high = float(found.low), float(found.high)
    return first_where(found, lambda value: normalised(value, low, high) > threshold)


def first_where(found: Extent, holds: Callable[[float], bool]) -> Any | None:
    """The smallest number of the volume's type, from its lowest to its highest value, of which something holds.

    Parameters
    ----------
    holds
        Asked of numbers as float64. If it holds of one, it holds of every larger one.

    Returns
    -------
    number
        None if it holds of none.
    """
    kind = np.asarray(found.low).dtype
    first, last = _place(found.low), _place(found.high)
    if not holds(float(found.high)):
        return None
    while first < last:  # one step for each bit of the type
        middle = (first + last) // 2
        first, last = (first, middle) if holds(float(_at_place(middle, kind))) else (middle + 1, last)
    return _at_place(first, kind)


def last_where(found: Extent, holds: Callable[[float], bool]) -> Any | None:
    """The largest such number, where something holds of every smaller one; see `first_where`."""
    if not holds(float(found.low)):
        return None
    beyond = first_where(found, lambda value: not holds(value))
    return found.high if beyond is None else _at_place(_place(beyond) - 1, np.asarray(found.low).dtype)


def normalised(x: Number, low: float, high: float) -> Number:
    """``(x - low) / (high - low)`` in float64; halved first where the range itself would be infinite."""
    if math.isinf(high - low):
        return (x / 2 - low / 2) / (high / 2 - low / 2)
    return (x - low) / (high - low)


def _place(value: Any) -> int:
    """The rank of a number among all numbers of its type; for floats it follows from the bits."""
    if value.dtype.kind != "f":
        return int(value)
    bits = int(value.view(f"i{value.dtype.itemsize}"))
    return bits if bits >= 0 else -(bits & int(np.iinfo(f"i{value.dtype.itemsize}").max))


def _at_place(place: int, kind: np.dtype[Any]) -> Any:
    if kind.kind != "f":
        return kind.type(place)
    value = np.array(abs(place), f"i{kind.itemsize}").view(kind)[()]
    return value if place >= 0 else -value
