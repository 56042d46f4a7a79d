"""The region that several closed polygons of one plane make together.

CLOSEDPLANAR_XOR polygons are combined by exclusive or (PS3.3 C.8.8.6.3). Of CLOSED_PLANAR ones, which say nothing of
each other, one inside another is a hole, one inside a hole is an island, and those that partly overlap are a union.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Literal

import numpy as np
import numpy.typing as npt

from voxelry.core.polygons import Bools, Combine, Floats, Meetings, meetings, region_area, sides_of, signed_area

Relation = Literal["apart", "first_holds_second", "second_holds_first", "equal", "overlapping"]


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """Polygons, and how they are combined.

    Attributes
    ----------
    polygons
        Each of shape ``(n, 2)``, n at least 3, mm.
    united
        The CLOSED_PLANAR polygons that no other one holds, by number.
    holes
        The polygons directly inside each polygon.
    inner_first
        The polygons that have holes, those before that lie in the holes of others.
    exclusive
        The CLOSEDPLANAR_XOR polygons.
    met
        Which polygons cross or touch.
    overlapping, repeated
        How many CLOSED_PLANAR polygons partly overlap another, and how many repeat another.
    """

    polygons: tuple[Floats, ...]
    united: tuple[int, ...]
    holes: tuple[tuple[int, ...], ...]
    inner_first: tuple[int, ...]
    exclusive: tuple[int, ...]
    met: Meetings
    overlapping: int
    repeated: int

    @property
    def nested(self) -> int:
        """How many polygons lie inside another."""
        return len({hole for holes in self.holes for hole in holes})

    @property
    def self_crossing(self) -> int:
        """How many polygons cross themselves."""
        return sum(one == two for one, two in self.met.crossing)

    @property
    def mixed(self) -> bool:
        """True if there are polygons of both types, which the standard does not provide for."""
        return bool(self.united and self.exclusive)

    def area(self) -> float:
        """In mm2; every point counts once.

        Raises
        ------
        MeasureError
            If the polygons have more crossings than can be measured.
        """
        itself = {one for one, two in self.met.crossing | self.met.touching if one == two}
        if len(self.exclusive) > 1 or self.mixed or self.overlapping or itself:
            return region_area(self.polygons, self._combination(), self.met.heights)
        areas = [abs(signed_area(polygon)) for polygon in self.polygons]
        for number in self.inner_first:
            areas[number] -= sum(areas[hole] for hole in self.holes[number])
        return sum(areas[number] for number in (*self.united, *self.exclusive))

    def _combination(self) -> Combine | Literal["odd", "any"]:
        if not self.united:
            return "odd"
        if len(self.united) == len(self.polygons):
            return "any"
        return lambda within: self.combined(within, within)

    def combined(self, closed: Sequence[Bools], opened: Sequence[Bools]) -> Bools:
        """Where the region is.

        Parameters
        ----------
        closed, opened
            Where each polygon is, with its line and without it; arrays of one shape. Lines of holes are part of the
            region, as those of a keyhole are.
        """
        whole, inner = list(closed), list(opened)
        for number in self.inner_first:
            for hole in self.holes[number]:
                whole[number] = whole[number] & ~inner[hole]
                inner[number] = inner[number] & ~whole[hole]
        parts = [whole[number] for number in self.united]
        if self.exclusive:
            parts.append(reduce(np.logical_xor, (closed[number] for number in self.exclusive)))
        return reduce(np.logical_or, parts)


def region_of(polygons: Sequence[Floats], exclusive: Sequence[bool]) -> Region:
    """How polygons of one plane are combined.

    Parameters
    ----------
    polygons
        Each of shape ``(n, 2)``, n at least 3, mm, without repeated points.
    exclusive
        True for each that is CLOSEDPLANAR_XOR.

    Raises
    ------
    MeasureError
        If they have more edges beside each other than can be compared.
    """
    met = meetings(polygons)
    kept = [number for number, xor in enumerate(exclusive) if not xor]
    held = np.zeros((len(polygons), len(polygons)), np.bool_)
    overlapping: set[int] = set()
    repeated: set[int] = set()
    for one, two in _near(polygons, kept):
        match _relation(polygons[one], polygons[two], (one, two), met):
            case "first_holds_second":
                held[one, two] = True
            case "second_holds_first":
                held[two, one] = True
            case "equal":
                repeated.add(two)
            case "overlapping":
                overlapping |= {one, two}
    held[list(repeated)] = held[:, list(repeated)] = False
    direct = held & ~(held.astype(np.int64) @ held.astype(np.int64)).astype(np.bool_)
    roots = [number for number in kept if number not in repeated and not held[:, number].any()]
    return Region(
        polygons=tuple(polygons),
        united=tuple(roots),
        holes=tuple(tuple(np.flatnonzero(row).tolist()) for row in direct),
        inner_first=tuple(number for number in np.argsort(-held.sum(axis=0)).tolist() if direct[number].any()),
        exclusive=tuple(number for number, xor in enumerate(exclusive) if xor),
        met=met,
        overlapping=len(overlapping),
        repeated=len(repeated),
    )


def _near(polygons: Sequence[Floats], kept: Sequence[int]) -> list[tuple[int, int]]:
    """Pairs of polygons whose boxes overlap, the smaller number first."""
    if len(kept) < 2:
        return []
    low = np.array([polygons[number].min(axis=0) for number in kept])
    high = np.array([polygons[number].max(axis=0) for number in kept])
    near = ((low[:, None] <= high[None]) & (low[None] <= high[:, None])).all(axis=2)
    numbers: npt.NDArray[np.intp] = np.argwhere(np.triu(near, 1))
    return [(kept[one], kept[two]) for one, two in numbers.tolist()]


def _relation(first: Floats, second: Floats, pair: tuple[int, int], met: Meetings) -> Relation:
    if pair in met.crossing:
        return "overlapping"
    points_of = _samples if pair in met.touching else _begin
    inner, outer = sides_of(points_of(second), first), sides_of(points_of(first), second)
    if not inner.any() and not outer.any():
        return "equal"
    second_in, first_in = bool((inner > 0).any()), bool((outer > 0).any())
    if not second_in and not first_in:
        return "apart"
    if second_in and not first_in and not (inner < 0).any():
        return "first_holds_second"
    if first_in and not second_in and not (outer < 0).any():
        return "second_holds_first"
    return "overlapping"


def _begin(polygon: Floats) -> Floats:
    return polygon[:1]


def _samples(polygon: Floats) -> Floats:
    """All points, and the middles of all edges."""
    return np.concatenate([polygon, (polygon + np.roll(polygon, -1, axis=0)) / 2])
