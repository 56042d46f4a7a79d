"""Which segments of a segmentation get a volume of their own, beside the label maps of all of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from voxelry.core.errors import Problem
from voxelry.dicom.objects.segmentation_reading import is_segment
from voxelry.dicom.series.stack import Stack as Grid

MOST_BYTES = 2**31
"""Of the volumes of a series' segments: a volume of 16 bits for each of some hundred segments would fill the disk."""
_VOXEL_BYTES = 2


def with_volumes(grids: Sequence[Grid], *, most_bytes: int = MOST_BYTES) -> tuple[list[Grid], Problem | None]:
    """The stacks that are stored as volumes too, in their order, and what is to be said of the others.

    All stacks of images are among them, and as many segments as fit, but one at least. The others are shown and
    counted as masks over their images, as all segments are.
    """
    kept: list[Grid] = []
    alone = taken = 0
    segments = sum(map(is_segment, grids))
    for grid in grids:
        size = _VOXEL_BYTES * math.prod(grid.shape) if is_segment(grid) else 0
        if size and taken and taken + size > most_bytes:
            alone += 1
            continue
        taken += size
        kept.append(grid)
    if not alone:
        return kept, None
    return kept, Problem(
        "masks_alone",
        f"{alone} of {segments} segments have no volume of their own, as all of them would take more than "
        f"{most_bytes / 2**30:g} GiB: they are shown and counted as masks over their images",
    )
