"""Frames of instances as pictures: from stored values to 8-bit grey levels or RGB, whatever series they belong to.

What of a header decides how a frame is shown is small and can be kept. The values of uncompressed frames are then read
from their place in the file, and each is looked up once; all other frames take the way of volumes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from voxelry.core.display import default_voi
from voxelry.core.errors import PixelDataError
from voxelry.core.geometry import Geometry
from voxelry.core.intensity import Voi, grey_levels, span_window
from voxelry.core.volume import Volume
from voxelry.dicom.frames.frame import Frame, frames_of
from voxelry.dicom.frames.frame_facts import facts_of
from voxelry.dicom.frames.pixel_aspect import pixel_aspect
from voxelry.dicom.headers.attributes import first_item, integer, items, text
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.pixel_description import describe_pixels
from voxelry.dicom.headers.sop_classes import LABEL_MAP, SEGMENTATION
from voxelry.dicom.headers.sources import FileSource
from voxelry.dicom.pixels.stored_pixels import padding_range, stored_range
from voxelry.dicom.pixels.uncompressed import check_length, fill_from, is_direct
from voxelry.dicom.values.voi import is_inverted, voi_tables
from voxelry.dicom.values.voxels import make_volume
from voxelry.workflows.pictures.picture_files import render

Picture = npt.NDArray[np.uint8]
"""Shape ``(row, column)`` grey, 0 black to 255 white, or ``(row, column, 3)`` RGB."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a frame's stored values lie in an uncompressed file, and what they mean."""

    path: str
    offset: int
    shape: tuple[int, int]
    dtype: np.dtype[np.generic]
    limits: tuple[int, int] | None
    slope: float
    intercept: float
    black: tuple[int, int] | None


@dataclass(frozen=True, slots=True, eq=False)
class ShownFrame:
    """How a frame is shown, as its header says.

    Attributes
    ----------
    rows, columns
        Of the frame.
    colour
        True if windows do not apply.
    voi
        The first window or table that the header proposes; None if it proposes none.
    inverted
        True if the smallest value is white.
    spacing
        ``(row, column)``, mm; None where unknown.
    aspect
        The height of a pixel over its width.
    """

    rows: int
    columns: int
    colour: bool
    voi: Voi | None
    inverted: bool
    spacing: tuple[float | None, float | None]
    aspect: float
    place: _Place | None

    def picture(self, *, voi: Voi | None = None, inverted: bool | None = None, step: int = 1) -> Picture | None:
        """The picture, read from its place in the file.

        Parameters
        ----------
        voi
            What to show; by default what the header proposes.
        inverted
            In place of the header's.
        step
            Take each ``step``-th row and column only.

        Returns
        -------
        picture
            None if it cannot be made in this way: `frame_picture` makes it then.
        """
        place, shown = self.place, voi or self.voi
        if place is None or shown is None:
            return None
        values = np.empty(place.shape, place.dtype)
        if not fill_from(place.path, place.offset, values):
            return None
        if place.limits is not None:
            low = int(np.minimum.reduce(values, axis=None)) if place.limits[0] < 0 else 0
            if low < place.limits[0] or int(np.maximum.reduce(values, axis=None)) > place.limits[1]:
                return None  # unused bits hold something
        levels = grey_levels(
            place.dtype,
            shown,
            slope=place.slope,
            intercept=place.intercept,
            invert=self.inverted if inverted is None else inverted,
            black=place.black,
        )
        return levels.of(values if step == 1 else values[::step, ::step])


def shown_frame(frame: Frame) -> ShownFrame:
    """How a frame is shown.

    Raises
    ------
    PixelDataError, TruncatedError
        If the header cannot be read so far; the message names the file.
    """
    pixels = frame.pixels
    spacing = frame.pixel_spacing or (None, None)
    row, column = spacing
    aspect = row / column if row and column else pixel_aspect(frame) or 1.0
    return ShownFrame(
        pixels.rows,
        pixels.columns,
        pixels.kind != "grey",
        _proposed(frame) if pixels.kind == "grey" else None,
        is_inverted(frame),
        spacing,
        aspect,
        _place_of(frame),
    )


def frames_shown(header: Header) -> tuple[Frame, ...]:
    """The frames of an instance as they are stored; those that a segmentation leaves out are not among them.

    If the functional groups of single frames contradict the header, what all frames share is used.

    Raises
    ------
    PixelDataError, NoPixelDataError, TruncatedError
        The message names the file.
    """
    try:
        return tuple(frames_of(header))
    except PixelDataError:
        pixels, shared = describe_pixels(header), first_item(header.elements, "SharedFunctionalGroupsSequence")
        groups = () if shared is None else (shared,)
        facts = facts_of(header, pixels, groups)
        return tuple(Frame(header, index, None, facts, groups=groups) for index in range(pixels.frames))


def frame_picture(frame: Frame, *, voi: Voi | None = None, inverted: bool | None = None) -> Picture:
    """A frame's picture by the way of volumes, which all kinds of pixels can take.

    Parameters
    ----------
    voi
        What to show; by default what the header proposes, else the range of the frame's own values.
    inverted
        In place of the header's.

    Raises
    ------
    PixelDataError, TruncatedError, TransferSyntaxError
        If the frame cannot be decoded; the message names its file.
    """
    volume = _volume(frame)
    if volume.colour:
        return render(volume, 0)
    if inverted is not None and inverted != volume.inverted:
        volume = replace(volume, inverted=inverted)
    return render(volume, 0, window=voi or _proposed(frame) or default_voi(volume))


def voi_by_values(frame: Frame) -> Voi | None:
    """What to show of a frame whose header proposes nothing: the range of its values; None for colour."""
    volume = _volume(frame)
    return None if volume.colour else default_voi(volume)


def full_range(frame: Frame) -> Voi:
    """From the smallest to the largest value that a frame's bits allow, of whole numbers; else of its values.

    A presentation state without a VOI LUT shows the whole range of its input (PS3.3 C.11.8).
    """
    if frame.pixels.keyword != "PixelData" or "ModalityLUTSequence" in frame.header.elements:
        return default_voi(_volume(frame))
    low, high = (float(end) * frame.slope + frame.intercept for end in stored_range(frame.pixels))
    return span_window(min(low, high), max(low, high))


def _volume(frame: Frame) -> Volume:
    row, column = frame.pixel_spacing or (None, None)
    geometry = Geometry(
        shape=(1, frame.pixels.rows, frame.pixels.columns),
        spacing=(None, row, column),
        frame_of_reference_uid=text(frame.header.elements, "FrameOfReferenceUID"),
    )
    return make_volume([frame], geometry=geometry)


def _proposed(frame: Frame) -> Voi | None:
    """The first window, else the first table, of the header; of a segmentation the range of its values."""
    kind = frame.header.sop_class_uid
    if kind == SEGMENTATION:
        return span_window(0.0, 1.0)
    if kind == LABEL_MAP:
        segments = items(frame.header.elements, "SegmentSequence")
        return span_window(0.0, float(max((integer(one, "SegmentNumber") or 0 for one in segments), default=1) or 1))
    proposed: tuple[Voi, ...] = (*frame.windows, *voi_tables(frame))
    return next(iter(proposed), None)


def _place_of(frame: Frame) -> _Place | None:
    """Where the values lie, if looking each of them up is all there is to do."""
    header, pixels = frame.header, frame.pixels
    source = header.source
    if frame.tile is not None:
        return None
    if not isinstance(source, FileSource) or not is_direct(header, pixels) or pixels.bits_allocated > 16:
        return None
    if pixels.high_bit != pixels.bits_stored - 1 or "ModalityLUTSequence" in header.elements:
        return None
    try:
        place, _ = check_length(header, pixels)
    except PixelDataError:
        return None
    if place.offset is None:
        return None
    padding = padding_range(header, pixels)
    if padding is not None and not all(float(end).is_integer() for end in padding):
        return None
    return _Place(
        source.path,
        place.offset + frame.index * (pixels.frame_bits // 8),
        (pixels.rows, pixels.columns),
        pixels.dtype,
        stored_range(pixels) if pixels.bits_stored < pixels.bits_allocated else None,
        frame.slope,
        frame.intercept,
        None if padding is None else (int(padding[0]), int(padding[1])),
    )
