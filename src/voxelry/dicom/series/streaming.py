"""Volumes that can be written while they are read, because the headers determine their dtype."""

from __future__ import annotations

from voxelry.core.volume import Volume
from voxelry.dicom.frames.shared_frames import one_of_each
from voxelry.dicom.series.stack import Stack
from voxelry.dicom.values.modality import SMALLEST, declared_extent
from voxelry.dicom.values.voxels import PLAUSIBLE_HU


def streamed_volume(stack: Stack) -> Volume | None:
    """A lazy volume that equals the one in memory; None if that depends on the values.

    Reading everything gives the smallest dtype for the values that there are. What the header allows is as small only
    where it is the smallest of all.

    Raises
    ------
    GeometryError, PixelDataError, TransferSyntaxError, TruncatedError
        As ``Stack.volume`` does. A slice whose values lie beyond its Bits Stored raises PixelDataError when it is
        read, and is no fault of the volume in memory.
    """
    volume = stack.volume(lazy=True)
    if volume.colour or volume.array.dtype != SMALLEST:
        return None
    if volume.unit != "HU":
        return volume
    # Whether Hounsfield units are plausible, which a warning says, the values tell themselves.
    kinds = one_of_each(stack.frames)
    low = min(declared_extent(frame, frame.pixels).low for frame in kinds)
    tables = any("ModalityLUTSequence" in frame.header.elements for frame in kinds)
    return volume if low >= PLAUSIBLE_HU[0] and not tables else None
