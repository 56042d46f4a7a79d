"""The segments of one DICOM segmentation as one volume of labels, as steps take them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from voxelry.core.errors import GeometryError, MeasureError
from voxelry.core.progress import Progress, part, silent
from voxelry.core.volume import Volume
from voxelry.dicom.headers.pixel_description import describe_pixels
from voxelry.dicom.headers.sop_classes import SEGMENTATION
from voxelry.dicom.series.stack import Stack

_NUMBER = "ReferencedSegmentNumber"
_ALIGNED = 1e-3
"""How far, in voxels, the grids of two segments may lie apart."""


def is_segment(stack: Stack) -> bool:
    """True for a plane of bits that says where one segment is (PS3.3 C.8.20.2.3.1)."""
    header = stack.frames[0].header
    if header.sop_class_uid != SEGMENTATION or describe_pixels(header).bits_allocated != 1:
        return False
    return bool(stack.frames[0].value(_NUMBER))


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

    Segments of which only some slices are stored are laid into the grid that holds all of them.

    Raises
    ------
    GeometryError
        If segments are irregular, or lie on grids that do not fit together.
    MeasureError
        If segments overlap: a voxel has one label.
    """
    numbers = [int(float(stack.frames[0].value(_NUMBER))) for stack in stacks]
    volumes = [
        stack.volume(progress=part(progress, done / len(stacks), (done + 1) / len(stacks)))
        for done, stack in enumerate(stacks)
    ]
    first = volumes[0]
    starts = [_start(volume, first) for volume in volumes]
    low = min(starts)
    high = max(start + len(volume.array) for start, volume in zip(starts, volumes, strict=True))
    labels = np.zeros((high - low, *first.array.shape[1:]), np.uint8 if max(numbers) < 256 else np.uint16)
    for number, start, volume in zip(numbers, starts, volumes, strict=True):
        place = labels[start - low : start - low + len(volume.array)]
        inside = volume.array != 0
        if place[inside].any():
            other = int(place[inside & (place != 0)][0])
            raise MeasureError(f"segments {other} and {number} overlap, so that their voxels have no one label")
        place[inside] = number
    affine = None if first.affine is None else first.affine.copy()
    if affine is not None:
        affine[:3, 3] += low * affine[:3, 0]
    uids = next(iter(first.instance_uids), "")
    named = (uids,) * len(labels) if uids else ()
    return replace(first, array=labels, affine=affine, label="", slice_voi=(), instance_uids=named)


def _start(volume: Volume, first: Volume) -> int:
    """The slice of the first volume's grid, perhaps beyond its ends, at which another begins."""
    if volume.array.shape[1:] != first.array.shape[1:] or (volume.affine is None) != (first.affine is None):
        raise GeometryError("the segments of this segmentation lie on different grids")
    if volume.affine is None or first.affine is None:
        if len(volume.array) != len(first.array):
            raise GeometryError("the segments of this segmentation have no place, and different numbers of slices")
        return 0
    if len(volume.array) == 1 or len(first.array) == 1:  # one slice knows its thickness, but not its neighbours'
        step = volume.affine[:3, 3] - first.affine[:3, 3]
        length = float(np.linalg.norm(first.affine[:3, 0] if len(first.array) > 1 else volume.affine[:3, 0]))
        relative = np.linalg.inv(first.affine) @ np.array([*step, 0.0])
        start = float(np.sign(relative[0]) * np.linalg.norm(step) / length)
    else:
        relative = np.linalg.inv(first.affine) @ volume.affine
        if np.abs(relative[:3, :3] - np.eye(3)).max() > _ALIGNED:
            raise GeometryError("the segments of this segmentation lie on different grids")
        start = float(relative[0, 3])
        if np.abs(relative[1:3, 3]).max() > _ALIGNED:
            raise GeometryError("the segments of this segmentation lie on different grids")
    if abs(start - round(start)) > _ALIGNED:
        raise GeometryError("the segments of this segmentation lie on different grids")
    return round(start)
