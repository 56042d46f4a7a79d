"""Cuts: the values of a volume in any rectangle of points, nearest or linear, and of a slab around it.

The server and the page take samples by one formula, in double precision and in this order of operations, so that both
give the same bits for the same cut:

- The inverse of the affine is that of its 3 x 3 part by cofactors. With the affine's rows ``(a b c x)``, ``(d e f y)``
  and ``(g h i z)``::

      C = | e*i - f*h   c*h - b*i   b*f - c*e |      D = (a*C00 + b*C10) + c*C20
          | f*g - d*i   a*i - c*g   c*d - a*f |      r = row of C, each number divided by D
          | d*h - e*g   b*g - a*h   a*e - b*d |      t = -((r0*x + r1*y) + r2*z)

- For each index axis (slice, row, column), ``c0 = ((r0*px + r1*py) + r2*pz) + t`` for the origin ``p``, and
  ``dr = (r0*vx + r1*vy) + r2*vz`` for the vector ``down``, and so ``dc`` for ``right``. They are computed once.
- The coordinate of pixel (row, column) is ``c = (c0 + row * dr) + column * dc``.
- A sample is inside if ``-0.5 <= c < n - 0.5`` on each axis of ``n`` voxels; else it is NaN.
- Nearest: the voxel ``min(floor(c + 0.5), n - 1)``. (Of the largest number below 0.5, ``c + 0.5`` is rounded to 1.)
- Linear: ``c`` is clamped to ``[0, n - 1]``; ``low = min(floor(c), n - 2)`` and ``t = c - low``. Between the values
  ``a`` and ``b`` of neighbours lies ``a + (b - a) * t``: first along columns, then rows, then slices. An axis with one
  voxel is not interpolated along.
- A slab has ``depth`` samples for each pixel, ``k = 0 .. depth - 1``: those of the cut whose origin is
  ``p + w * step``, with ``w = k - (depth - 1) / 2``. Its value is the largest, the smallest or the mean (the sum in the
  order of ``k``, divided by their number) of the samples that are not NaN; NaN if there are none.
- The result is rounded once, at the end: to float32 for integers of 8 and 16 bits and for float32, else it is float64.

Samples of colour are taken each by itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from voxelry.core.affine import LARGEST, Vector
from voxelry.core.errors import ParameterError, UnplacedError
from voxelry.core.volume import Volume

Floats = npt.NDArray[np.float64]
Method = Literal["nearest", "linear"]
SlabMode = Literal["max", "min", "mean"]
METHODS: tuple[Method, ...] = ("nearest", "linear")
SLAB_MODES: tuple[SlabMode, ...] = ("max", "min", "mean")
ACROSS = (2, 0, 1)
"""The order (column, slice, row), in which a plane of one column lies in one piece."""
Corner = Callable[[int, int, int], npt.NDArray[Any]]
"""The values of the voxels that lie so many slices, rows and columns behind some voxels."""

_AT_ONCE = 2**13
"""Samples that are computed together: their numbers stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A rectangle of points in the patient, or a slab of several of them.

    Attributes
    ----------
    origin
        The centre of pixel (0, 0), LPS, mm.
    right, down
        From a pixel to the next of its row, and to the next row, LPS, mm. They need not be perpendicular.
    slab
        How the samples of a slab become one value; None for a single plane.
    depth, step
        How many planes a slab has, around the origin, and the way from one to the next, LPS, mm.

    Raises
    ------
    ParameterError
        If a number is not finite or beyond all places, a size is not at least 1, or a single plane has a depth.
    """

    origin: Vector
    right: Vector
    down: Vector
    rows: int
    columns: int
    slab: SlabMode | None = None
    depth: int = 1
    step: Vector = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        for name in ("origin", "right", "down", "step"):
            vector = tuple(map(float, getattr(self, name)))
            if len(vector) != 3 or not all(abs(number) < LARGEST for number in vector):  # NaN is not
                raise ParameterError(f"{name} of a cut is three finite numbers, not {', '.join(map(repr, vector))}")
            object.__setattr__(self, name, vector)
        for name in ("rows", "columns", "depth"):
            if getattr(self, name) < 1:
                raise ParameterError(f"a cut has at least one row, column and plane, not {name} {getattr(self, name)}")
        if self.slab not in (None, *SLAB_MODES):
            raise ParameterError(f"no slab {self.slab!r}; there are {', '.join(SLAB_MODES)}")
        if self.slab is None and self.depth != 1:
            raise ParameterError(f"{self.depth} planes become one value only in a slab: {', '.join(SLAB_MODES)}")

    def origins(self) -> list[Vector]:
        """The origin of each plane of the slab; of a single plane its own."""
        found = []
        for k in range(self.depth):
            w = k - (self.depth - 1) / 2
            (x, y, z), (dx, dy, dz) = self.origin, self.step
            found.append((x + w * dx, y + w * dy, z + w * dz))
        return found


@dataclass(frozen=True, slots=True)
class OrderedVoxels:
    """The voxels of an array; where it is contiguous they are read by their positions in it.

    Attributes
    ----------
    order
        The index axis (0 slice, 1 row, 2 column) of each axis of the array; its samples are the last axis in any case.
    """

    array: npt.NDArray[Any]
    order: tuple[int, int, int] = (0, 1, 2)

    @property
    def shape(self) -> tuple[int, ...]:
        """Slices, rows, columns, and samples for colour."""
        lengths = dict(zip(self.order, self.array.shape, strict=False))
        return (lengths[0], lengths[1], lengths[2], *self.array.shape[3:])

    @property
    def _strides(self) -> tuple[int, int, int]:
        """How many voxels further the next slice, row and column lie in the memory of a contiguous array."""
        _, second, third = self.array.shape[:3]
        strides = dict(zip(self.order, (second * third, third, 1), strict=True))
        return strides[0], strides[1], strides[2]

    def jump(self, lines: Sequence[_IndexLine]) -> float:
        """How many voxels apart neighbours in a cut lie in memory, along its rows or its columns: the fewer."""
        ways = ([line.right for line in lines], [line.down for line in lines])
        return min(abs(sum(a * b for a, b in zip(way, self._strides, strict=True))) for way in ways)

    def behind(self, lows: Sequence[Floats]) -> Corner:
        """Reads voxels relative to those of some indices: whole numbers, whose shapes are broadcast."""
        array = self.array
        if not array.flags.c_contiguous:
            straight = array.transpose(*(self.order.index(axis) for axis in range(3)), *range(3, array.ndim))
            slices, rows, columns = (low.astype(np.intp) for low in lows)
            return lambda k, i, j: np.asarray(straight[slices + k, rows + i, columns + j])
        one, other, third = self._strides
        flat = array.reshape(-1, *array.shape[3:])
        # Positions are exact in double precision, whose sums and products the processor takes several at once.
        base = (lows[0] * one + lows[1] * other + lows[2] * third).astype(np.intp)
        return lambda k, i, j: flat[k * one + i * other + j * third :].take(base, axis=0)


def cut(
    volume: Volume,
    rectangle: Cut,
    *,
    method: Method = "linear",
    across: npt.NDArray[Any] | None = None,
) -> npt.NDArray[np.floating[Any]]:
    """The values of a volume in a cut.

    Only the voxels that are needed are read, a few rows of the cut at a time: the array may be mapped into memory. A
    lazy array is read as a whole.

    Parameters
    ----------
    method
        ``"nearest"`` or ``"linear"``: how the value between voxels is found. Padding is a value like others.
    across
        The same values in the order (column, slice, row), read instead where neighbours in the cut lie closer together.

    Returns
    -------
    values
        Shape ``(row, column[, sample])``; NaN outside of the volume. float32 for integers of 8 and 16 bits and for
        float32, else float64.

    Raises
    ------
    UnplacedError
        If the volume has no affine.
    ParameterError
        If there is no such method, or ``across`` has another shape.

    Notes
    -----
    The formula stands at the top of this file. The page uses the same: both give the same bits.
    """
    if method not in METHODS:
        raise ParameterError(f"no method {method!r}; there are {', '.join(METHODS)}")
    if volume.affine is None:
        raise UnplacedError("this volume cannot be cut: the slices' place in the patient is unknown or irregular")
    inverse = _inverse(volume.affine)
    planes = [_index_lines(inverse, rectangle, origin) for origin in rectangle.origins()]
    array = np.asarray(volume.array).view(np.ndarray)
    sampler = _Sampler(_best_order(array, across, planes[0]), method)
    samples = array.shape[3:]
    result = np.empty((rectangle.rows, rectangle.columns, *samples), _result_dtype(array.dtype))
    with np.errstate(over="ignore", invalid="ignore"):  # of coordinates beyond all places, and of infinite values
        for part in _parts(rectangle):
            rows, columns = (np.arange(one.start, one.stop, dtype=np.float64) for one in part)
            layers = (sampler.plane(lines, rows, columns) for lines in planes)
            result[part] = next(layers) if rectangle.slab is None else _combined(layers, rectangle.slab)
    return result


@dataclass(frozen=True, slots=True)
class _IndexLine:
    """The coordinates of the pixels of a cut along one index axis."""

    start: float
    down: float
    right: float

    def at(self, rows: Floats, columns: Floats) -> Floats:
        """Shape ``(rows, columns)``, or 1 where the coordinate does not depend on the one or the other."""
        if self.right == 0.0:
            return (self.start + rows * self.down)[:, None]
        if self.down == 0.0:
            return (self.start + columns * self.right)[None, :]
        return (self.start + rows * self.down)[:, None] + (columns * self.right)[None, :]

    def ends(self, rows: Floats, columns: Floats) -> tuple[float, float]:
        """The smallest and the largest coordinate: those of corners, as rounding keeps the order of numbers.

        Infinite if a corner's is not finite.
        """
        downs = [self.start + row * self.down for row in (float(rows[0]), float(rows[-1]))]
        rights = [column * self.right for column in (float(columns[0]), float(columns[-1]))]
        corners = [down + right for down in downs for right in rights]
        return (min(corners), max(corners)) if all(map(math.isfinite, corners)) else (-math.inf, math.inf)


@dataclass(frozen=True, slots=True)
class _Sampler:
    """Takes samples of a volume at coordinates."""

    voxels: OrderedVoxels
    method: Method

    def plane(self, lines: Sequence[_IndexLine], rows: Floats, columns: Floats) -> npt.NDArray[Any]:
        """The samples at rows and columns of a cut; NaN outside. Nearest voxels keep their type if all are inside."""
        shape = self.voxels.shape
        coordinates = [line.at(rows, columns) for line in lines]
        ends = [line.ends(rows, columns) for line in lines]
        take = self._nearest if self.method == "nearest" else self._linear
        leaving = [
            (c >= -0.5) & (c < n - 0.5)
            for c, (low, high), n in zip(coordinates, ends, shape, strict=False)
            if not (low >= -0.5 and high < n - 0.5)
        ]
        if not leaving:
            return take(coordinates, ends)
        inside = np.broadcast_to(reduce(np.logical_and, leaving), (len(rows), len(columns)))
        if not inside.any():
            return np.full((*inside.shape, *shape[3:]), np.nan)
        # All samples are taken, those outside of voxel 0, which is faster than to choose some of them.
        values = take([np.where(inside, c, 0.0) for c in coordinates], ends).astype(np.float64, copy=False)
        values[~inside] = np.nan
        return values

    def _nearest(self, coordinates: Sequence[Floats], ends: Sequence[tuple[float, float]]) -> npt.NDArray[Any]:
        lows = []
        for c, (_, high), n in zip(coordinates, ends, self.voxels.shape, strict=False):
            low = c + 0.5
            np.floor(low, out=low)
            lows.append(low if high + 0.5 < n else np.minimum(low, n - 1.0))
        return self.voxels.behind(lows)(0, 0, 0)

    def _linear(self, coordinates: Sequence[Floats], ends: Sequence[tuple[float, float]]) -> Floats:
        shape = self.voxels.shape
        lows, parts = [], []
        for c, (least, most), n in zip(coordinates, ends, shape, strict=False):
            within = least >= 0.0 and most < n - 1.0
            clamped = c if within else np.minimum(np.maximum(c, 0.0), n - 1.0)
            low = np.floor(clamped)
            if not within:
                np.minimum(low, max(n - 2.0, 0.0), out=low)
            part = clamped - low
            lows.append(low)
            parts.append(part[..., None] if len(shape) > 3 else part)
        corner = self.voxels.behind(lows)
        several = [n > 1 for n in shape[:3]]

        def along_columns(k: int, i: int) -> Floats:
            first = corner(k, i, 0).astype(np.float64)
            return _between(first, corner(k, i, 1), parts[2]) if several[2] else first

        def along_rows(k: int) -> Floats:
            first = along_columns(k, 0)
            return _between(first, along_columns(k, 1), parts[1]) if several[1] else first

        first = along_rows(0)
        return _between(first, along_rows(1), parts[0]) if several[0] else first


def _best_order(array: npt.NDArray[Any], across: npt.NDArray[Any] | None, lines: Sequence[_IndexLine]) -> OrderedVoxels:
    """The order in which the voxels of a cut lie closest together."""
    plain = OrderedVoxels(array)
    if across is None:
        return plain
    other = OrderedVoxels(np.asarray(across).view(np.ndarray), ACROSS)
    if other.shape != array.shape:
        raise ParameterError(f"an array of shape {across.shape} does not hold a volume of shape {array.shape} across")
    return other if other.jump(lines) < plain.jump(lines) else plain


def _between(first: Floats, second: npt.NDArray[Any], part: Floats) -> Floats:
    """``first + (second - first) * part``."""
    value: Floats = np.subtract(second, first)
    value *= part
    value += first
    return value


def _combined(layers: Iterator[npt.NDArray[Any]], slab: SlabMode) -> Floats:
    """The largest, smallest or mean of the samples that are not NaN."""
    total = next(layers).astype(np.float64)
    if slab != "mean":
        keep = np.fmax if slab == "max" else np.fmin
        for layer in layers:
            total = keep(total, layer)
        return total
    given = ~np.isnan(total)
    count = given.astype(np.float64)
    total[~given] = 0.0
    for layer in layers:
        given = ~np.isnan(layer)
        total = np.add(total, np.where(given, layer, 0.0))
        count = count + given
    mean = np.full(total.shape, np.nan)
    np.divide(total, count, out=mean, where=count > 0)
    return mean


def _parts(rectangle: Cut) -> Iterator[tuple[slice, slice]]:
    """The rows and columns of a cut that are computed together."""
    width = min(rectangle.columns, _AT_ONCE)
    height = _AT_ONCE // width
    for row in range(0, rectangle.rows, height):
        for column in range(0, rectangle.columns, width):
            yield (
                slice(row, min(row + height, rectangle.rows)),
                slice(column, min(column + width, rectangle.columns)),
            )


def _inverse(affine: Floats) -> list[tuple[float, float, float, float]]:
    """From LPS millimetres to an index, by cofactors; see the top of this file."""
    (a, b, c, x), (d, e, f, y), (g, h, i, z), _ = affine.tolist()
    cofactors = (
        (e * i - f * h, c * h - b * i, b * f - c * e),
        (f * g - d * i, a * i - c * g, c * d - a * f),
        (d * h - e * g, b * g - a * h, a * e - b * d),
    )
    determinant = a * cofactors[0][0] + b * cofactors[1][0] + c * cofactors[2][0]
    found = []
    for p, q, r in cofactors:
        r0, r1, r2 = p / determinant, q / determinant, r / determinant
        found.append((r0, r1, r2, -(r0 * x + r1 * y + r2 * z)))
    return found


def _index_lines(
    inverse: Sequence[tuple[float, float, float, float]], rectangle: Cut, origin: Vector
) -> list[_IndexLine]:
    lines = []
    for r0, r1, r2, t in inverse:
        start, down, right = (r0 * u + r1 * v + r2 * w for u, v, w in (origin, rectangle.down, rectangle.right))
        lines.append(_IndexLine(start + t, down, right))
    return lines


def _result_dtype(dtype: np.dtype[Any]) -> npt.DTypeLike:
    small = dtype.kind in "biu" and dtype.itemsize <= 2
    return np.float32 if small or dtype == np.float32 else np.float64
