"""Closed polygons in a plane: area, which pixels they hold, and whether they cross.

A polygon is an array of shape ``(n, 2)``; its last point is joined to its first. What lies inside is told by the
even-odd rule: a ray from a point leaves the polygon through an odd number of edges. A keyhole, which runs along its
channel twice, therefore leaves its hole outside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import MeasureError

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Combine = Callable[[Sequence[Bools]], Bools]
"""From where each polygon is, to where their region is: arrays of one shape."""

ON_LINE = 1e-6
"""A pixel's centre this close to an edge, in pixels, lies on the line: the rounding of decimals and of an affine."""
TOUCHING = 1e-6
"""Edges this close to each other, in units of the polygon (mm), touch."""
_FEW_CELLS = 8
"""Cells for each edge that are few."""
MOST_PIECES = 20_000_000
"""The largest number of pieces of edges that an area is computed from; no real outline has more."""
_CHUNK = 2_000_000


def cleaned(points: Floats) -> Floats:
    """The points without those that the next one repeats, and without a last one that repeats the first."""
    if len(points) < 2:
        return points
    kept = points[(points != np.roll(points, -1, axis=0)).any(axis=1)]
    return kept if len(kept) else points[:1]


def signed_area(polygon: Floats) -> float:
    """By the shoelace formula: above 0 where the path turns from the first axis to the second.

    Parts that the path goes around twice count twice; ``region_area`` counts what lies inside.
    """
    moved = polygon - polygon[0]  # near 0, so that large coordinates cost no digits
    after = np.roll(moved, -1, axis=0)
    return float((moved[:, 0] * after[:, 1] - moved[:, 1] * after[:, 0]).sum() / 2)


# --- pixels -----------------------------------------------------------------------------------------------------------


def covered(polygon: Floats, shape: tuple[int, int]) -> tuple[Bools, Bools]:
    """Which pixels' centres lie inside a polygon or on its line, and which on its line.

    Parameters
    ----------
    polygon
        In pixels, ``(row, column)``; the centre of the first pixel is (0, 0). Shape ``(n, 2)``. It may reach beyond
        the pixels.
    shape
        ``(rows, columns)``.

    Returns
    -------
    inside_or_on, on
        Both of ``shape``.
    """
    on = _on_line(polygon, shape)
    return _inside(polygon, shape) | on, on


def _spread(first: Floats, last: Floats, most: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.int64]]:
    """Every whole number from ``first`` to ``last`` that is 0 or above and below ``most``, and whose it is."""
    low = np.clip(first, 0, most).astype(np.int64)
    count = np.maximum(np.clip(last, -1, most - 1).astype(np.int64) - low + 1, 0)
    owner = np.repeat(np.arange(len(count)), count)
    begin = np.repeat(np.cumsum(count) - count, count)
    return owner, low[owner] + np.arange(len(owner)) - begin


def _inside(polygon: Floats, shape: tuple[int, int]) -> Bools:
    rows, columns = shape
    other = np.roll(polygon, -1, axis=0)
    up = (polygon[:, 0] <= other[:, 0])[:, None]
    low, high = np.where(up, polygon, other), np.where(up, other, polygon)
    # An edge holds its lower end and not its upper one, so that each vertex counts once.
    edge, row = _spread(np.ceil(low[:, 0]), np.ceil(high[:, 0]) - 1, rows)
    low, high = low[edge], high[edge]
    column = low[:, 1] + (row - low[:, 0]) / (high[:, 0] - low[:, 0]) * (high[:, 1] - low[:, 1])
    begins = np.clip(np.ceil(column), 0, columns).astype(np.int64)
    turns = np.zeros((rows, columns + 1), np.uint8)
    np.bitwise_xor.at(turns.reshape(-1), row * (columns + 1) + begins, np.uint8(1))
    return np.bitwise_xor.accumulate(turns[:, :columns], axis=1).view(np.bool_)


def _on_line(polygon: Floats, shape: tuple[int, int]) -> Bools:
    found = np.zeros(shape, np.bool_)
    other = np.roll(polygon, -1, axis=0)
    extent = np.abs(other - polygon)
    steep = extent[:, 0] >= extent[:, 1]
    for along, chosen in ((0, steep), (1, ~steep)):  # along the axis in which an edge is longer
        begin, end = polygon[chosen], other[chosen]
        low, high = np.minimum(begin, end)[:, along], np.maximum(begin, end)[:, along]
        edge, place = _spread(np.ceil(low - ON_LINE), np.floor(high + ON_LINE), shape[along])
        begin, end = begin[edge], end[edge]
        length = end[:, along] - begin[:, along]
        part = np.clip((place - begin[:, along]) / np.where(length == 0, 1, length), 0, 1)
        across = begin[:, 1 - along] + part * (end[:, 1 - along] - begin[:, 1 - along])
        nearest = np.rint(across)
        hit = (np.abs(across - nearest) <= ON_LINE) & (nearest >= 0) & (nearest < shape[1 - along])
        index = place[hit], nearest[hit].astype(np.int64)
        found[index if along == 0 else index[::-1]] = True
    return found


def sides_of(points: Floats, polygon: Floats) -> npt.NDArray[np.int8]:
    """1 for points inside a polygon, 0 for those on its line (``TOUCHING``), -1 for those outside; shape ``(n,)``."""
    begin, end = polygon, np.roll(polygon, -1, axis=0)
    step = end - begin
    length = np.maximum((step**2).sum(axis=1), np.finfo(np.float64).tiny)
    found = np.empty(len(points), np.int8)
    size = max(1, _CHUNK // len(polygon))
    for start in range(0, len(points), size):
        own = points[start : start + size, None, :]
        away = own - begin
        part = np.clip((away * step).sum(axis=2) / length, 0, 1)
        near = (((away - part[..., None] * step) ** 2).sum(axis=2) <= TOUCHING**2).any(axis=1)
        crossing = (begin[:, 0] <= own[..., 0]) != (end[:, 0] <= own[..., 0])
        right = (away[..., 1] * step[:, 0] < away[..., 0] * step[:, 1]) == (step[:, 0] > 0)
        odd = (crossing & right).sum(axis=1) % 2
        found[start : start + size] = np.where(near, 0, 2 * odd - 1)
    return found


# --- edges that meet --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Meetings:
    """Where the edges of polygons meet, other than neighbours at their common point.

    Attributes
    ----------
    crossing, touching
        Pairs of polygons by their numbers, the smaller first; a polygon with itself where it meets itself. Those that
        cross pass to the other side; those that touch have a point in common.
    heights
        The first coordinate of each crossing.
    """

    crossing: frozenset[tuple[int, int]]
    touching: frozenset[tuple[int, int]]
    heights: Floats


def meetings(polygons: Sequence[Floats]) -> Meetings:
    """Which polygons of one plane cross or touch themselves or each other.

    Raises
    ------
    MeasureError
        If they have more edges beside each other than can be compared.
    """
    begin = np.concatenate(polygons)
    end = np.concatenate([np.roll(one, -1, axis=0) for one in polygons])
    sizes = [len(one) for one in polygons]
    owner = np.repeat(np.arange(len(polygons)), sizes)
    starts = [0, *np.cumsum(sizes)[:-1].tolist()]
    after = np.concatenate([np.roll(np.arange(size), -1) + start for size, start in zip(sizes, starts, strict=True)])
    crossing: set[tuple[int, int]] = set()
    touching: set[tuple[int, int]] = set()
    heights: list[Floats] = []
    for one, two in _neighbours(begin, end):
        beside = (after[one] == two) | (after[two] == one)
        a, b, c, d = begin[one], end[one], begin[two], end[two]
        sides = np.stack([_side(a, b, c), _side(a, b, d), _side(c, d, a), _side(c, d, b)])
        cross = (sides[0] * sides[1] < 0) & (sides[2] * sides[3] < 0) & ~beside
        touch = ~cross & ~beside & (sides[0] * sides[1] <= 0) & (sides[2] * sides[3] <= 0)
        touch |= beside & (sides == 0).all(axis=0) & (((b - a) * (d - c)).sum(axis=1) < 0)  # back along the same line
        for found, into in ((cross, crossing), (touch, touching)):
            pairs = np.sort(np.stack([owner[one[found]], owner[two[found]]], axis=1), axis=1)
            into.update((first, second) for first, second in np.unique(pairs, axis=0).tolist())
        a, b, c, d = a[cross], b[cross], c[cross], d[cross]
        across = (b - a)[:, 0] * (d - c)[:, 1] - (b - a)[:, 1] * (d - c)[:, 0]
        part = ((c - a)[:, 0] * (d - c)[:, 1] - (c - a)[:, 1] * (d - c)[:, 0]) / across
        heights.append(a[:, 0] + part * (b - a)[:, 0])
    return Meetings(frozenset(crossing), frozenset(touching), np.concatenate([np.empty(0), *heights]))


def _neighbours(begin: Floats, end: Floats) -> Iterator[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
    """Pairs of edges whose boxes meet, each once, in portions; found in square cells of about the edges' size."""
    low, high = np.minimum(begin, end) - TOUCHING, np.maximum(begin, end) + TOUCHING
    origin, sizes = low.min(axis=0), (high - low).max(axis=1)
    mean = float(sizes.mean())
    usual = max(mean, float((high.max(axis=0) - origin).max()) / (2 * len(begin) ** 0.5))
    first, widths = _cells(low - origin, high - origin, 2 * mean)
    if widths.prod(axis=1).sum() > _FEW_CELLS * len(begin):  # small ones are for dense points, whose edges are alike
        first, widths = _cells(low - origin, high - origin, usual)
    counts = widths.prod(axis=1)
    _check_pieces(counts, len(begin))
    edge = np.repeat(np.arange(len(begin)), counts)
    inner = np.arange(len(edge)) - np.repeat(np.cumsum(counts) - counts, counts)
    cells = first[edge] + np.stack([inner // widths[edge, 1], inner % widths[edge, 1]], axis=1)
    order = np.lexsort((cells[:, 1], cells[:, 0]))
    edge, cells = edge[order], cells[order]
    begins = np.flatnonzero(np.concatenate([[True], (np.diff(cells, axis=0) != 0).any(axis=1)]))
    members = np.diff(np.append(begins, len(edge)))
    others = np.repeat(begins + members, members) - np.arange(len(edge)) - 1
    _check_pieces(others, len(begin))
    total, start = np.cumsum(others), 0
    while start < len(edge):
        done = int(total[start - 1]) if start else 0
        stop = max(start + 1, int(np.searchsorted(total, done + _CHUNK, side="right")))
        own = others[start:stop]
        here = np.repeat(np.arange(start, stop), own)
        one, two = edge[here], edge[here + 1 + np.arange(len(here)) - np.repeat(np.cumsum(own) - own, own)]
        near = ((low[one] <= high[two]) & (low[two] <= high[one])).all(axis=1)
        near &= (np.maximum(first[one], first[two]) == cells[here]).all(axis=1)  # the first of the cells they share
        yield one[near], two[near]
        start = stop


def _cells(low: Floats, high: Floats, side: float) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The first cell of each box, and how many it meets along both axes."""
    first = np.floor(low / side).astype(np.int64)
    return first, np.floor(high / side).astype(np.int64) - first + 1


def _check_pieces(counts: npt.NDArray[np.int64], edges: int) -> None:
    if counts.sum() > MOST_PIECES:
        raise MeasureError(f"the contours of one plane have {edges:,} edges in a tangle that cannot be measured")


def _side(begin: Floats, end: Floats, point: Floats) -> npt.NDArray[np.int8]:
    """On which side of a line points lie; 0 within ``TOUCHING``."""
    step, away = end - begin, point - begin
    cross = step[:, 0] * away[:, 1] - step[:, 1] * away[:, 0]
    near = np.abs(cross) <= TOUCHING * np.hypot(step[:, 0], step[:, 1])
    return np.where(near, 0, np.sign(cross)).astype(np.int8)


# --- areas of regions -------------------------------------------------------------------------------------------------


def region_area(polygons: Sequence[Floats], combine: Combine | Literal["odd", "any"], crossings: Floats) -> float:
    """The area of a region that polygons make together.

    Between the heights of all points and crossings no edges cross, so that each band is made of trapezoids, whose
    areas are their widths at half height times the height of the band.

    Parameters
    ----------
    combine
        From where each polygon is, to where the region is. ``"odd"`` for the exclusive or of all, and ``"any"`` for
        their union, which take less time.
    crossings
        The first coordinate of each point where edges cross.

    Raises
    ------
    MeasureError
        If there are more pieces than can be measured.
    """
    begin = np.concatenate(polygons)
    end = np.concatenate([np.roll(one, -1, axis=0) for one in polygons])
    owner = np.repeat(np.arange(len(polygons)), [len(one) for one in polygons])
    heights = np.unique(np.concatenate([begin[:, 0], crossings]))
    if len(heights) < 2:
        return 0.0
    first = np.searchsorted(heights, np.minimum(begin[:, 0], end[:, 0]))
    last = np.searchsorted(heights, np.maximum(begin[:, 0], end[:, 0]))
    _check_pieces(last - first, len(begin))
    edge, band = _spread(first.astype(np.float64), last - 1.0, len(heights) - 1)
    middle = (heights[band] + heights[band + 1]) / 2
    low, high = begin[edge], end[edge]
    at = low[:, 1] + (middle - low[:, 0]) / (high[:, 0] - low[:, 0]) * (high[:, 1] - low[:, 1])
    order = np.lexsort((at, band))
    at, band, owner = at[order], band[order], owner[edge][order]
    held = _held(owner, len(polygons), combine)[:-1]
    return float((np.diff(at) * np.diff(heights)[band[:-1]])[held].sum())


def _held(owner: npt.NDArray[np.intp], count: int, combine: Combine | Literal["odd", "any"]) -> Bools:
    """Whether the region lies behind each edge of all bands, which follow each other.

    Each polygon has an even number of edges in a band, so that all of them end outside before the next band begins.
    """
    if combine == "odd":
        return np.asarray(np.arange(len(owner)) % 2 == 0)
    if combine == "any":
        order = np.argsort(owner, kind="stable")
        sizes = np.bincount(owner, minlength=count)
        ranks = np.arange(len(owner)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        steps = np.empty(len(owner), np.int64)
        steps[order] = 1 - 2 * (ranks % 2)  # into a polygon, and out of it
        return np.asarray(np.cumsum(steps) > 0)
    return combine([np.bitwise_xor.accumulate(owner == number) for number in range(count)])
