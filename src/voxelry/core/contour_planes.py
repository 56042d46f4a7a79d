"""Closed contours sorted into the parallel planes that they lie in, which need not be axial."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import MeasureError
from voxelry.core.gaps import listed, places_of
from voxelry.core.polygon_regions import Region, region_of
from voxelry.core.polygons import Floats, cleaned
from voxelry.core.slice_grid import NEAR_FRACTION

FLAT = 0.1
"""A closed contour's points may lie this far, in mm, off its plane: coordinates are rounded when they are stored."""
SAME_PLANE = 0.01
"""Contours closer than this along the normal, in mm, lie in one plane."""
UNEVEN = 0.02
"""A plane further than this fraction of the step off its place: the planes are not evenly spaced."""
MOST_MISSING = 1000
"""Planes further apart than this many steps are not of one structure."""
MOST_ORIENTATIONS = 100
"""The largest number of directions of a structure's contours; no real structure has more."""
_FLAT_TURN = 1e-9
"""An area below this fraction of the extent's square is none."""


@dataclass(frozen=True, eq=False)
class Plane:
    """The closed contours of one plane.

    Attributes
    ----------
    offset
        Along the normal of its `PlaneStack`, mm.
    numbers
        Which contours these are, by their place among those of the structure.
    polygons
        Their points in the plane, mm, without repeated ones; each of shape ``(n, 2)``.
    exclusive
        True for each that is CLOSEDPLANAR_XOR.
    """

    offset: float
    numbers: tuple[int, ...]
    polygons: tuple[Floats, ...]
    exclusive: tuple[bool, ...]

    @cached_property
    def region(self) -> Region:
        """How the contours are combined.

        Raises
        ------
        MeasureError
            If they have more edges beside each other than can be compared.
        """
        return region_of(self.polygons, self.exclusive)


@dataclass(frozen=True, slots=True, eq=False)
class PlaneStack:
    """Parallel planes of contours.

    Attributes
    ----------
    normal
        Unit length, shape ``(3,)``, LPS; its largest component is positive.
    planes
        In order along the normal.
    """

    normal: Floats
    planes: tuple[Plane, ...]

    @property
    def offsets(self) -> Floats:
        """Of the planes along the normal, mm, ascending."""
        return np.array([plane.offset for plane in self.planes])


@dataclass(frozen=True, slots=True, eq=False)
class Sorted:
    """Closed contours by their planes.

    Attributes
    ----------
    stacks
        One for each orientation, that of the largest contour first.
    bent
        Contours whose points lie in no plane, by number.
    empty
        Contours that enclose no area, by number.
    """

    stacks: tuple[PlaneStack, ...]
    bent: tuple[int, ...]
    empty: tuple[int, ...]


def sorted_into_planes(points: Sequence[Floats], exclusive: Sequence[bool]) -> Sorted:
    """Sort closed contours by orientation and plane.

    Parameters
    ----------
    points
        Of each contour, shape ``(n, 3)``, LPS, mm; finite.
    exclusive
        True for each that is CLOSEDPLANAR_XOR.

    Raises
    ------
    MeasureError
        If they lie in planes of too many directions.
    """
    paths = [cleaned(one) for one in points]
    turns = np.array([_turn(path) for path in paths]).reshape(-1, 3)
    areas = np.linalg.norm(turns, axis=1)
    empty = [number for number in range(len(paths)) if areas[number] == 0]
    left = sorted(set(range(len(paths))) - set(empty), key=lambda number: -areas[number])
    bent: list[int] = []
    stacks = []
    while left:
        first = left[0]
        if _thickness(paths[first], turns[first] / areas[first]) > FLAT:
            bent.append(left.pop(0))
            continue
        normal = turns[first] / areas[first]
        own = [number for number in left if _thickness(paths[number], normal) <= FLAT]
        normal = (turns[own] * np.sign(turns[own] @ normal)[:, None]).sum(axis=0)
        normal = normal / np.linalg.norm(normal) * (1 if normal[np.argmax(np.abs(normal))] > 0 else -1) + 0.0
        stacks.append(_stack(own, normal, paths, exclusive))
        if len(stacks) > MOST_ORIENTATIONS:
            raise MeasureError(
                f"the contours of one structure lie in planes of more than {MOST_ORIENTATIONS} directions"
            )
        sorted_in = set(own)
        left = [number for number in left if number not in sorted_in]
    return Sorted(tuple(stacks), tuple(sorted(bent)), tuple(empty))


def _turn(path: Floats) -> Floats:
    """A vector along the normal, by right hand; its length is about the area, and 0 where nothing is enclosed."""
    if len(path) < 3:
        return np.zeros(3)
    moved = path - path[0]
    turn: Floats = np.cross(moved, np.roll(moved, -1, axis=0)).sum(axis=0) / 2
    size = float(np.ptp(moved, axis=0).max()) ** 2
    if np.linalg.norm(turn) > _FLAT_TURN * size:
        return turn
    # A path like an 8 turns both ways. Points that lie in a line span no plane.
    _, sides, axes = np.linalg.svd(moved - moved.mean(axis=0), full_matrices=False)
    return axes[2] * float(sides[0] * sides[1]) / len(path) if sides[1] > _FLAT_TURN * sides[0] else np.zeros(3)


def _thickness(path: Floats, normal: Floats) -> float:
    """How far points lie from the middle of the plane."""
    return float(np.ptp(path @ normal)) / 2


def _stack(own: Sequence[int], normal: Floats, paths: Sequence[Floats], exclusive: Sequence[bool]) -> PlaneStack:
    offsets = np.array([(paths[number] @ normal).mean() for number in own])
    axes = _axes(normal)
    firsts, places = places_of(offsets, same=SAME_PLANE)
    planes = []
    for place in range(len(firsts)):
        numbers = sorted(own[index] for index in np.flatnonzero(places == place).tolist())
        planes.append(
            Plane(
                offset=float(offsets[places == place].mean()),
                numbers=tuple(numbers),
                polygons=tuple(paths[number] @ axes.T for number in numbers),
                exclusive=tuple(exclusive[number] for number in numbers),
            )
        )
    return PlaneStack(normal, tuple(planes))


def _axes(normal: Floats) -> Floats:
    """Two directions in a plane, perpendicular to each other; the patient's own axes where the plane is one of them."""
    first = np.zeros(3)
    first[np.argmin(np.abs(normal))] = 1
    first -= normal * (first @ normal)
    first /= np.linalg.norm(first)
    return np.stack([first, np.cross(normal, first)])


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """How far planes lie apart.

    Attributes
    ----------
    step
        mm; None for one plane, or where they are not evenly spaced.
    missing
        Offsets along the normal where no contour lies, between others, mm.
    uneven
        The gaps that are no whole steps, in words; empty where planes are even.
    deviation
        How far planes lie off their places, mm, where that is more than the rounding of evenly spaced ones.
    """

    step: float | None
    missing: tuple[float, ...]
    uneven: str
    deviation: float = 0.0


def steps_of(offsets: npt.NDArray[np.float64], step: float | None = None) -> Steps:
    """The step of planes, and the places between them where none lies.

    The step is the smallest gap; all others are whole steps.

    Parameters
    ----------
    offsets
        Ascending, mm; at least one.
    step
        Where it is known.
    """
    gaps = np.diff(offsets)
    if not gaps.size:
        return Steps(step, (), "")
    own = step if step is not None else _smallest(gaps)
    counts = np.maximum(np.rint(gaps / own), 1)
    off = np.abs(gaps - counts * own) > UNEVEN * own + 2 * SAME_PLANE
    off |= counts > MOST_MISSING
    if off.any():
        fitted, deviation = _fit(offsets)
        if step is None and deviation <= NEAR_FRACTION:
            return Steps(fitted, (), "", deviation * fitted)
        begins, odd = offsets[:-1][off], gaps[off]
        words = [f"{gap:.2f} mm from {begin:.2f} mm" for gap, begin in zip(odd, begins, strict=True)]
        return Steps(None, (), f"gaps of {own:.4g} mm, and {listed(words)}")
    missing = [
        float(begin + gap * number / count)
        for begin, gap, count in zip(offsets[:-1], gaps, counts, strict=True)
        for number in range(1, int(count))
    ]
    fitted = float(offsets[-1] - offsets[0]) / float(counts.sum())
    return Steps(fitted if step is None else step, tuple(missing), "")


def _fit(offsets: Floats) -> tuple[float, float]:
    """The step of planes of which none is missing, and the largest distance of one from its place, in steps."""
    step = float(offsets[-1] - offsets[0]) / (len(offsets) - 1)
    return step, float(np.abs(offsets - offsets[0] - step * np.arange(len(offsets))).max()) / step


def _smallest(gaps: Floats) -> float:
    """The mean of the smallest gaps; the median where these are of planes that lie too close to be neighbours."""
    usual = float(np.median(gaps))
    smallest = float(gaps.min())
    if smallest < NEAR_FRACTION * usual:
        return usual
    return float(np.mean(gaps[gaps <= smallest * (1 + UNEVEN) + 2 * SAME_PLANE]))
