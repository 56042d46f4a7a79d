"""The values at one point of the patient in all volumes of a series."""

from __future__ import annotations

import math

from voxelry.core.affine import Vector
from voxelry.core.cuts import Cut, cut
from voxelry.server.access.grants import Grants
from voxelry.server.api.slice_answers import stack_of
from voxelry.server.api.slice_schemas import PointValuesOut
from voxelry.server.archive import queries
from voxelry.server.archive.models import Stack
from voxelry.server.archive.shown import stack_files

_RIGHT, _DOWN = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)
"""Of a rectangle of one pixel, which has no other."""


def point_values(who: Grants, series_id: int, point: Vector) -> PointValuesOut:
    """The value of each volume's voxel nearest to a point (LPS, mm).

    Raises
    ------
    ApiError
        If there is no such series, or its volumes are not there yet.
    """
    series = stack_of(who, series_id, 0, shown=False).series
    stacks = queries.volumes(who).select_related("series").defer("series__metadata", "series__report")
    found = stacks.defer("metadata", "display").filter(series__pk=series_id).order_by("index")
    return PointValuesOut(version=series.folder, values=[_value(stack, point) for stack in found])


def _value(stack: Stack, point: Vector) -> float | None:
    """None outside, of colour, and where it is not known where the voxels lie."""
    if stack.problem_code or stack.affine is None:
        return None
    volume = stack_files.placed_values(stack)
    if volume.colour:
        return None
    value = float(cut(volume, Cut(point, _RIGHT, _DOWN, 1, 1), method="nearest")[0, 0])
    return value if math.isfinite(value) else None
