"""Volumes that are written while they are read, where headers promise that this changes nothing."""

from __future__ import annotations

import numpy as np

from voxelry.core.volume import Volume
from voxelry.dicom.description import describe_pixels
from voxelry.dicom.modality import SMALLEST, declared_extent
from voxelry.dicom.stack import Stack
from voxelry.dicom.voxels import PLAUSIBLE_HU


def streamed_volume(stack: Stack) -> Volume | None:
    """A lazy volume that differs in nothing from the one in memory; None where only the values can tell.

    Reading everything gives the smallest dtype for the values that there are. What the header allows is as small only
    where it is the smallest of all.

    Raises
    ------
    GeometryError, PixelDataError, TransferSyntaxError, TruncatedError
        As ``Stack.volume`` does. A slice whose values lie beyond its Bits Stored raises PixelDataError when it is
        read, and is no fault of the volume in memory.
    """
    pixels = describe_pixels(stack.frames[0].header)
    if pixels.kind != "grey":
        return None
    extents = [declared_extent(frame, describe_pixels(frame.header)) for frame in stack.frames]
    limits = np.iinfo(SMALLEST)
    if not all(one.whole and limits.min <= one.low and one.high <= limits.max for one in extents):
        return None
    if stack.frames[0].unit == "HU" and min(one.low for one in extents) < PLAUSIBLE_HU[0]:
        return None  # whether the values are plausible, which a warning says, they tell themselves
    return stack.volume(lazy=True)
