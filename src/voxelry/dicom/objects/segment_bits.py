"""Segments of single bits, read frame by frame: empty frames, of which a large segmentation has most, cost little."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from voxelry.core.progress import Progress
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.headers.header import Header
from voxelry.dicom.pixels.codecs import is_encapsulated
from voxelry.dicom.pixels.stored_pixels import require_supported
from voxelry.dicom.pixels.uncompressed import bit_frames
from voxelry.dicom.series.stack import Stack

_SOME = 64
"""Frames between two words about the progress, at which the work may be stopped."""


class SegmentSlices(NamedTuple):
    """Where a segment is, on the slices from its first to its last.

    Attributes
    ----------
    mask
        Shape ``(slice, row, column)``; without slices for an empty segment.
    first
        The slice of the segment's stack that is the mask's first.
    """

    mask: npt.NDArray[np.bool_]
    first: int


def has_plain_bits(stack: Stack) -> bool:
    """True for a segment of uncompressed single bits."""
    return all(
        header.pixel_bytes is not None and not is_encapsulated(header.transfer_syntax_uid) for header in stack.headers
    ) and all(
        frame.pixels.bits_allocated == 1 and frame.pixels.kind == "grey" and not frame.blank for frame in stack.frames
    )


def slices_of_bits(stack: Stack, progress: Progress) -> SegmentSlices:
    """The slices of a segment for which `has_plain_bits` is true.

    At most one frame and the slices between the first and the last that hold a bit are in memory.

    Raises
    ------
    PixelDataError, TruncatedError, TransferSyntaxError
        If a frame cannot be read; the message names its file.
    """
    found: dict[int, npt.NDArray[np.bool_]] = {}
    pixels = stack.frames[0].pixels
    for slice_, values in _planes(stack.frames, progress):
        found[slice_] = values.view(np.bool_)
    first, last = (min(found), max(found)) if found else (0, -1)
    mask = np.zeros((last - first + 1, pixels.rows, pixels.columns), np.bool_)
    for slice_ in list(found):
        mask[slice_ - first] = found.pop(slice_)
    return SegmentSlices(mask, first)


def _planes(frames: tuple[Frame, ...], progress: Progress) -> Iterator[tuple[int, npt.NDArray[np.uint8]]]:
    """The slices that hold a bit."""
    wanted: dict[Header, dict[int, int]] = {}
    for slice_, frame in enumerate(frames):
        if frame.blank is None:
            wanted.setdefault(frame.header, {})[frame.index] = slice_
    done = 0
    for header, slices in wanted.items():
        require_supported(header)
        for index, values in bit_frames(header, frames[0].pixels, slices):
            if done % _SOME == 0:
                progress(done / len(frames), "reading pixels")
            done += 1
            if values is not None and values.any():
                yield slices[index], values
