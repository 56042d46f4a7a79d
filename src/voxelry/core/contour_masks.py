"""The mask of planes of contours on a grid: voxels whose centres lie inside or on the line (PS3.3 C.8.8.6.3)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from voxelry.core.contour_planes import Plane, PlaneStack
from voxelry.core.errors import GeometryError
from voxelry.core.gaps import listed
from voxelry.core.geometry import Geometry
from voxelry.core.polygons import Bools, Floats, cleaned, covered

ON_PLANE = 0.02
"""A contour this close to a plane of the grid, in steps, lies on it."""
LEVEL = 0.05
"""A contour whose points lie further than this apart across the grid's planes, in steps, is oblique to them."""
_PLANES = ("slices", "rows", "columns")


@dataclass(frozen=True, slots=True, eq=False)
class MaskOnGrid:
    """Which voxels belong to a structure.

    Attributes
    ----------
    mask
        Shape ``(slice, row, column)`` of the grid.
    geometry
        The grid.
    warnings
        What a user must know before trusting the mask.
    notes
        How contours were understood.
    """

    mask: Bools
    geometry: Geometry
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def mm3(self) -> float:
        """The number of voxels times the volume of one."""
        return int(np.count_nonzero(self.mask)) * (self.geometry.voxel_mm3 or 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class _OnGrid:
    """A plane of contours on a plane of the grid.

    Attributes
    ----------
    away
        How far it was moved, in steps of the grid.
    polygons
        In pixels of the grid's plane.
    """

    axis: int
    index: int
    away: float
    plane: Plane
    polygons: tuple[Floats, ...]


@dataclass(slots=True)
class _Told:
    oblique: int = 0
    outside: list[float] = field(default_factory=list)
    beyond: int = 0
    moved: list[float] = field(default_factory=list)
    crowded: list[float] = field(default_factory=list)
    across: set[int] = field(default_factory=set)
    between: list[int] = field(default_factory=list)


def mask_on_grid(stacks: Sequence[PlaneStack], points: Sequence[Floats], geometry: Geometry) -> MaskOnGrid:
    """The mask of contours that are sorted into planes.

    Parameters
    ----------
    points
        Of each contour that planes name by number; LPS, mm.

    Raises
    ------
    UnplacedError
        If the grid has no place.
    GeometryError
        If all contours are oblique to the grid.
    """
    mask = np.zeros(geometry.shape, np.bool_)
    told = _Told()
    chosen: dict[tuple[int, int], _OnGrid] = {}
    for plane in (plane for stack in stacks for plane in stack.planes):
        laid = _on_grid(plane, points, geometry, told)
        if laid is None:
            continue
        other = chosen.get((laid.axis, laid.index))
        if other is not None:
            told.crowded.append((laid if laid.away >= other.away else other).plane.offset)
        if other is None or laid.away < other.away:
            chosen[laid.axis, laid.index] = laid
    if told.oblique and told.oblique == sum(len(stack.planes) for stack in stacks):
        raise GeometryError(
            "the contours are oblique to this grid: they lie in planes of neither its slices, rows nor columns; give "
            "the grid of the images that they were drawn on"
        )
    for laid in chosen.values():
        _draw(laid, np.moveaxis(mask, laid.axis, 0)[laid.index])
        if laid.away > ON_PLANE:
            told.moved.append(laid.away)
    told.between = _between(chosen)
    return MaskOnGrid(mask, geometry, tuple(_warnings(told)), tuple(_notes(told)))


def _on_grid(plane: Plane, points: Sequence[Floats], geometry: Geometry, told: _Told) -> _OnGrid | None:
    """Where a plane of contours lies on the grid; None, which is told, if on no plane of it."""
    paths = [geometry.lps_to_index(cleaned(points[number])) for number in plane.numbers]
    joined = np.concatenate(paths)
    heights = np.ptp(joined, axis=0)
    axis = 0 if heights[0] <= LEVEL else int(np.argmin(heights))
    if heights[axis] > LEVEL:
        told.oblique += 1
        return None
    place = float(joined[:, axis].mean())
    index = int(np.ceil(place - 0.5))  # of two planes that are equally near, the first
    if not 0 <= index < geometry.shape[axis]:
        told.outside.append(plane.offset)
        return None
    across = [other for other in range(3) if other != axis]
    moved = _sideways(geometry, axis)[across] * (index - place)
    polygons = tuple(path[:, across] + moved for path in paths)
    size = np.array(geometry.shape)[across]
    if any((polygon < -0.5).any() or (polygon > size - 0.5).any() for polygon in polygons):
        told.beyond += 1
    if axis:
        told.across.add(axis)
    return _OnGrid(axis, index, abs(place - index), plane, polygons)


def _sideways(geometry: Geometry, axis: int) -> Floats:
    """One step from plane to plane along the normal, as an index; of a sheared grid it leads sideways too."""
    affine = geometry.known_affine
    one, two = (affine[:3, other] for other in range(3) if other != axis)
    normal = np.cross(one, two) / np.linalg.norm(np.cross(one, two))
    return np.asarray(np.linalg.solve(affine[:3, :3], normal * (normal @ affine[:3, axis])), np.float64)


def _draw(laid: _OnGrid, pixels: Bools) -> None:
    """Add the region of a plane's contours to the pixels of a plane of the grid."""
    joined = np.concatenate(laid.polygons)
    low = np.clip(np.floor(joined.min(axis=0)), 0, pixels.shape).astype(int)
    high = np.clip(np.ceil(joined.max(axis=0)) + 1, low, pixels.shape).astype(int)
    shape = int(high[0] - low[0]), int(high[1] - low[1])
    if 0 in shape:
        return
    masks = [covered(polygon - low, shape) for polygon in laid.polygons]
    closed = [inside for inside, _ in masks]
    if len(closed) > 1:
        closed[0] = laid.plane.region.combined(closed, [inside & ~on for inside, on in masks])
    pixels[low[0] : high[0], low[1] : high[1]] |= closed[0]


def _between(chosen: dict[tuple[int, int], _OnGrid]) -> list[int]:
    """Planes of the grid that have no contour, between others that have one."""
    used: dict[int, list[int]] = defaultdict(list)
    for axis, index in chosen:
        used[axis].append(index)
    return [
        index for indices in used.values() for index in sorted(set(range(min(indices), max(indices))) - set(indices))
    ]


def _warnings(told: _Told) -> list[str]:
    found = []
    if told.oblique:
        found.append(f"{told.oblique} planes of contours are oblique to the grid, and left out of the mask")
    if told.outside:
        found.append(f"{_planes(told.outside)} outside the grid, and left out of the mask")
    if told.beyond:
        found.append(f"contours of {told.beyond} planes reach beyond the grid, which holds a part of them")
    if told.moved:
        count, most = len(told.moved), max(told.moved)
        found.append(
            f"{count} planes of contours lie between planes of the grid, up to {most:.2f} of a step away, and were "
            "moved to the nearest one"
        )
    if told.crowded:
        found.append(f"{_planes(told.crowded)} nearest to a plane of the grid that another is nearer to, and left out")
    if told.between:
        count, where = len(told.between), listed([str(index) for index in told.between])
        found.append(f"{count} planes of the grid between others have no contour, and are empty (index {where})")
    return found


def _notes(told: _Told) -> list[str]:
    names = " and ".join(_PLANES[axis] for axis in sorted(told.across))
    return [f"the contours lie across the grid's slices, in planes of its {names}"] if names else []


def _planes(offsets: Sequence[float]) -> str:
    where = listed([f"{offset:.2f} mm" for offset in sorted(offsets)])
    return f"{len(offsets)} planes of contours (at {where} along the normal) lie"
