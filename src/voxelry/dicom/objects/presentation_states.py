"""Grayscale Softcopy Presentation States: how images are to be shown (PS3.3 A.33.1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from voxelry.core.errors import PixelDataError, named
from voxelry.core.intensity import Voi
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.headers.attributes import first_item, integer, items, number, numbers, text, value_of
from voxelry.dicom.headers.header import Header
from voxelry.dicom.values.voi import item_voi

GREYSCALE_STATE = "1.2.840.10008.5.1.4.1.1.11.1"
_UNDRAWN = {
    "GraphicAnnotationSequence": "graphic annotations",
    "ShutterShape": "shutters",
    "MaskSubtractionSequence": "mask subtraction",
}


@dataclass(frozen=True, slots=True)
class ReferencedImage:
    """An image that a presentation state is about.

    Attributes
    ----------
    frames
        Frame numbers, from 1; empty for all.
    """

    series_instance_uid: str
    sop_instance_uid: str
    frames: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class PresentationState:
    """What a presentation state says of its images.

    Attributes
    ----------
    images
        In the order of the header.
    rescale
        Slope and intercept in place of the images' own; None if it says nothing of them.
    inverted
        True if its Presentation LUT shows the smallest value as white. The images' own MONOCHROME1 does not count then.
    table
        The grey level of each of 256, of its Presentation LUT Sequence; None if it has a shape.
    rotation
        0, 90, 180 or 270 degrees clockwise, before the flip.
    flip
        True if left and right are exchanged.
    undrawn
        What it has that is not drawn, in words.
    """

    header: Header
    images: tuple[ReferencedImage, ...]
    rescale: tuple[float, float] | None
    inverted: bool
    table: npt.NDArray[np.uint8] | None
    rotation: int
    flip: bool
    undrawn: tuple[str, ...]

    def voi(self, frame: Frame) -> Voi | None:
        """The window or table for a frame; None if it has none, so that all values are shown."""
        uid = frame.header.sop_instance_uid
        for item in items(self.header.elements, "SoftcopyVOILUTSequence"):
            referenced = items(item, "ReferencedImageSequence")
            if not referenced or any(_is_about(one, uid, frame.index + 1) for one in referenced):
                return item_voi(item, frame)
        return None

    def turned(self, picture: npt.NDArray[np.uint8], frame: Frame) -> npt.NDArray[np.uint8]:
        """A frame's picture after the Presentation LUT, cut to its displayed area, rotated and flipped."""
        found = picture if self.table is None else self.table[picture]
        left, top, right, bottom = self._area(frame)
        found = np.rot90(found[top:bottom, left:right], -self.rotation // 90)
        return found[:, ::-1] if self.flip else found

    def _area(self, frame: Frame) -> tuple[int, int, int, int]:
        """The first and the next column, and likewise the rows, of a frame's displayed area (PS3.3 C.10.4)."""
        rows, columns = frame.pixels.rows, frame.pixels.columns
        uid = frame.header.sop_instance_uid
        for item in items(self.header.elements, "DisplayedAreaSelectionSequence"):
            referenced = items(item, "ReferencedImageSequence")
            if not referenced or any(_is_about(one, uid, frame.index + 1) for one in referenced):
                first = numbers(item, "DisplayedAreaTopLeftHandCorner", 2) or (1, 1)
                last = numbers(item, "DisplayedAreaBottomRightHandCorner", 2) or (columns, rows)
                left, top = max(int(first[0]) - 1, 0), max(int(first[1]) - 1, 0)
                right, bottom = min(int(last[0]), columns), min(int(last[1]), rows)
                if left < right and top < bottom:
                    return left, top, right, bottom
        return 0, 0, columns, rows


def read_presentation_state(header: Header) -> PresentationState:
    """Read a Grayscale Softcopy Presentation State.

    Raises
    ------
    PixelDataError
        If it needs what is not supported, or an attribute cannot be read; the message names the file.
    """
    elements = header.elements
    try:
        if first_item(elements, "ModalityLUTSequence") is not None:
            raise PixelDataError("presentation states with a Modality LUT Sequence are not supported")
        slope, intercept = number(elements, "RescaleSlope"), number(elements, "RescaleIntercept")
        if slope == 0:
            raise PixelDataError("Rescale Slope (0028,1053) is 0")
        rotation = integer(elements, "ImageRotation") or 0
        if rotation % 90:
            raise PixelDataError(f"Image Rotation (0070,0042) is {rotation}")
        return PresentationState(
            header,
            tuple(_images(header)),
            None if slope is None else (slope, intercept or 0.0),
            text(elements, "PresentationLUTShape") == "INVERSE",
            _presentation_table(header),
            rotation % 360,
            text(elements, "ImageHorizontalFlip") == "Y",
            tuple(words for keyword, words in _UNDRAWN.items() if keyword in elements),
        )
    except PixelDataError as error:
        raise named(error, header.name) from None


def _images(header: Header) -> list[ReferencedImage]:
    return [
        ReferencedImage(text(series, "SeriesInstanceUID"), text(image, "ReferencedSOPInstanceUID"), _frames(image))
        for series in items(header.elements, "ReferencedSeriesSequence")
        for image in items(series, "ReferencedImageSequence")
    ]


def _frames(image: Dataset) -> tuple[int, ...]:
    return tuple(int(frame) for frame in numbers(image, "ReferencedFrameNumber") or ())


def _is_about(image: Dataset, uid: str, frame: int) -> bool:
    frames = _frames(image)
    return text(image, "ReferencedSOPInstanceUID") == uid and (not frames or frame in frames)


def _presentation_table(header: Header) -> npt.NDArray[np.uint8] | None:
    """The levels of a Presentation LUT, at 256 inputs spread over its own (PS3.3 C.11.6.1.1)."""
    item = first_item(header.elements, "PresentationLUTSequence")
    if item is None:
        return None
    descriptor, data = numbers(item, "LUTDescriptor", 3), value_of(item, "LUTData")
    if descriptor is None or data is None:
        raise PixelDataError("Presentation LUT Sequence (2050,0010) has no descriptor or no data")
    count, bits = int(descriptor[0]) or 2**16, int(descriptor[2])
    if isinstance(data, bytes):
        entries = np.frombuffer(data, "u1" if len(data) < 2 * count else "<u2")
    else:
        entries = np.array(numbers(item, "LUTData") or (), np.int64)
    if not 8 <= bits <= 16 or count < 2 or len(entries) < count:
        raise PixelDataError("Presentation LUT Sequence (2050,0010) has too few entries, or a wrong number of bits")
    places = np.rint(np.arange(256) * ((count - 1) / 255)).astype(np.intp)
    levels = np.clip(np.rint(entries[places].astype(np.float64) * (255 / (2**bits - 1))), 0, 255)
    return np.asarray(levels, np.uint8)
