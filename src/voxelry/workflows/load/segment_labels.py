"""The segments of one DICOM segmentation as one volume of labels, as steps take them."""

from __future__ import annotations

from collections.abc import Sequence

from voxelry.core.progress import Progress, silent
from voxelry.core.volume import Volume
from voxelry.dicom.objects.segmentation_reading import is_segment, read_segmentation
from voxelry.dicom.series.stack import Stack


def of_one_segmentation(stacks: Sequence[Stack]) -> list[tuple[Stack, ...]]:
    """The stacks in their order, those of the segments of one segmentation together."""
    found: list[tuple[Stack, ...]] = []
    for stack in stacks:
        header = stack.frames[0].header
        if found and is_segment(stack) and is_segment(found[-1][0]) and found[-1][0].frames[0].header is header:
            found[-1] = (*found[-1], stack)
        else:
            found.append((stack,))
    return found


def joined_segments(stacks: Sequence[Stack], *, progress: Progress = silent) -> Volume:
    """The segments of one segmentation as labels: each voxel has the number of the segment that it is in, or 0.

    Segments with only some slices stored are placed into the grid that holds all of them.

    Raises
    ------
    GeometryError
        If segments are irregular, or lie on grids that do not fit together.
    MeasureError
        If segments overlap: a voxel has one label.
    """
    segmentation = read_segmentation(stacks, progress=progress)
    return segmentation.source.with_array(segmentation.labels)
