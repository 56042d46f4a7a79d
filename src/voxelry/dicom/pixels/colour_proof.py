"""Colour model of compressed frames: by the frame's own markers if they prove it, else by the header."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydicom.pixels.processing import convert_color_space

from voxelry.core.errors import PixelDataError
from voxelry.dicom.pixels.codestream import jpeg_2000_image, jpeg_2000_start
from voxelry.dicom.pixels.jpeg_marks import JpegMarks, is_jpeg, jpeg_marks

Model = Literal["RGB", "YBR"]
"""YBR: full-range Y Cb Cr as in JFIF, which is YBR_FULL."""

_RGB_IDS = ((0x52, 0x47, 0x42), (0x72, 0x67, 0x62))
"""Identifiers of components: R, G, B in ASCII."""


@dataclass(frozen=True, slots=True)
class _Jpeg2000Marks:
    mixed: bool
    subsampled: bool
    boxed_ycc: bool


_JPEG_PROOFS: tuple[tuple[Callable[[JpegMarks], bool], Model], ...] = (
    (lambda marks: marks.jfif, "YBR"),
    (lambda marks: marks.adobe == 1, "YBR"),
    (lambda marks: marks.adobe == 0, "RGB"),
    (lambda marks: marks.components in _RGB_IDS, "RGB"),
    (lambda marks: marks.subsampled, "YBR"),  # green and blue are never halved
)
_JPEG_2000_PROOFS: tuple[tuple[Callable[[_Jpeg2000Marks], bool], Model], ...] = (
    (lambda marks: marks.mixed, "RGB"),  # the decoder undoes the multiple component transformation
    (lambda marks: marks.subsampled, "RGB"),  # chrominance, which OpenJPEG's reader here makes RGB of
    (lambda marks: marks.boxed_ycc, "YBR"),
)
"""Conditions and the colour model of the decoded samples; the first that is true decides, else the header."""


def colour_model(encoded: bytes, *, said: Model) -> Model:
    """Colour model of the samples that a codec returns without colour conversion.

    Parameters
    ----------
    said
        What the header says.
    """
    if is_jpeg(encoded):
        jpeg = jpeg_marks(encoded)
        return next((model for holds, model in _JPEG_PROOFS if holds(jpeg)), said)
    start = jpeg_2000_start(encoded)
    if start is not None:
        image, mixed = jpeg_2000_image(encoded, start)
        marks = _Jpeg2000Marks(mixed, image.subsampled, _boxed_ycc(encoded[:start]))
        return next((model for holds, model in _JPEG_2000_PROOFS if holds(marks)), said)
    return said


def is_mixed(encoded: bytes) -> bool | None:
    """True if a JPEG 2000 or HTJ2K frame says that its samples were mixed; None if it is no such frame."""
    start = jpeg_2000_start(encoded)
    return None if start is None else jpeg_2000_image(encoded, start)[1]


def codestream_samples(encoded: bytes) -> int | None:
    """How many samples a JPEG, JPEG-LS, JPEG 2000 or HTJ2K frame has for each pixel; None where it does not tell."""
    if is_jpeg(encoded):
        return len(jpeg_marks(encoded).components) or None
    start = jpeg_2000_start(encoded)
    return None if start is None else jpeg_2000_image(encoded, start)[0].samples


def as_rgb(values: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """YBR_FULL as RGB (PS3.3 C.7.6.3.1.2); shape ``(row, column, 3)``, uint8.

    Raises
    ------
    PixelDataError
        If the values have more than 8 bits.
    """
    if values.dtype.itemsize != 1:
        raise PixelDataError(f"YBR_FULL with {8 * values.dtype.itemsize} bits cannot be read; 8 bits can")
    return np.asarray(convert_color_space(values.view(np.uint8), "YBR_FULL", "RGB"))


def _boxed_ycc(boxes: bytes) -> bool:
    """True if a JP2 file's Colour Specification box says sYCC (ISO/IEC 15444-1 I.5.3.3)."""
    at = boxes.find(b"colr")
    return at >= 0 and boxes[at + 4 : at + 5] == b"\1" and boxes[at + 7 : at + 11] == b"\0\0\0\x12"
