"""Diameter and surface area of a mask, on any grid: anisotropic, oblique or sheared.

``cell`` is the 3 x 3 whose columns are the steps to the next slice, row and column in mm.
"""

from __future__ import annotations

import itertools
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from voxelry.steps.shared.mask_grids import Floats, Mask

_FLAT = 1e-9
"""Largest distance of points in a plane, or on a line, from it, as a fraction of their extent."""
_AT_ONCE = 2048


def feret_mm(mask: Mask, cell: Floats) -> float:
    """The largest distance between the centres of two voxels of a mask, mm; 0 for one voxel."""
    # The two ends of each line of voxels are enough: no voxel between them is a corner.
    lines = np.argwhere(mask.any(axis=2))
    inside = mask[lines[:, 0], lines[:, 1]]
    first, last = inside.argmax(axis=1), mask.shape[2] - 1 - inside[:, ::-1].argmax(axis=1)
    ends = np.concatenate([np.column_stack([lines, first]), np.column_stack([lines, last])])
    points = _corners(np.unique(ends, axis=0) @ cell.T)
    largest = 0.0
    for start in range(0, len(points), _AT_ONCE):
        part = points[start : start + _AT_ONCE]
        squares = (part**2).sum(axis=1)[:, None] + (points**2).sum(axis=1) - 2 * part @ points.T
        one, other = np.unravel_index(int(np.argmax(squares)), squares.shape)
        largest = max(largest, float(np.linalg.norm(part[one] - points[other])))
    return largest


def _corners(points: Floats) -> Floats:
    """The corners of the points' convex hull, also for points in a plane or on a line."""
    from scipy.spatial import ConvexHull

    centred = points - points.mean(axis=0)
    _, extents, axes = np.linalg.svd(centred, full_matrices=False)
    rank = int((extents > _FLAT * max(float(extents[0]), 1e-300)).sum()) if float(extents[0]) > 0 else 0
    if rank == 0 or len(points) <= rank + 1:
        return np.asarray(centred)
    within = centred @ axes[:rank].T
    if rank == 1:
        return np.asarray(centred[[int(within.argmin()), int(within.argmax())]])
    return np.asarray(centred[ConvexHull(within).vertices])


DIRECTIONS: tuple[tuple[int, ...], ...] = tuple(
    step for step in itertools.product((-1, 0, 1), repeat=3) if step > (0, 0, 0)
)
"""Directions to half of the 26 neighbours."""


def surface_mm2(mask: Mask, cell: Floats) -> float:
    """The area of a mask's surface, mm2, by Crofton's formula.

    Lines in the 13 directions to the neighbours are intersected with the surface; each direction is weighted by the
    share of all directions that are nearest to it. The area of a ball of a few voxels' radius is correct within a few
    percent; the sum of the voxels' faces is 50 % too large. The volume's border counts as surface.
    """
    padded = np.pad(mask, 1)
    volume = abs(float(np.linalg.det(cell)))
    area = 0.0
    for step, weight in zip(DIRECTIONS, _weights(tuple(cell.ravel().tolist())), strict=True):
        here, there = (
            padded[tuple(slice(max(-one, 0), size - max(one, 0)) for one, size in zip(way, padded.shape, strict=True))]
            for way in (step, tuple(-one for one in step))
        )
        crossings = int(np.count_nonzero(here != there))
        area += 2 * weight * crossings * volume / float(np.linalg.norm(cell @ np.array(step)))
    return area


@lru_cache(maxsize=32)
def _weights(flat: tuple[float, ...]) -> tuple[float, ...]:
    """The share of all directions that is nearest to each of `DIRECTIONS` or its opposite."""
    from scipy.spatial import SphericalVoronoi

    ways = np.array(DIRECTIONS) @ np.array(flat).reshape(3, 3).T
    ways /= np.linalg.norm(ways, axis=1)[:, None]
    areas: npt.NDArray[Any] = SphericalVoronoi(np.concatenate([ways, -ways])).calculate_areas()
    return tuple(((areas[: len(ways)] + areas[len(ways) :]) / areas.sum()).tolist())
