"""8-bit pictures: PNG by an own encoder (one filter, fast deflate), JPEG by libjpeg-turbo."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Literal

import numpy as np
import numpy.typing as npt
from isal import isal_zlib

from voxelry.core.extras import needed_for

PictureFormat = Literal["png", "jpg"]
JPEG_QUALITY = 90
_UP = 2


def encode_png(
    picture: npt.NDArray[np.uint8], *, spacing: tuple[float | None, float | None] = (None, None), aspect: float = 1.0
) -> bytes:
    """Encode a lossless PNG.

    Parameters
    ----------
    picture
        uint8, shape ``(row, column)`` grey or ``(row, column, 3)`` RGB.
    spacing
        Millimetres between rows and between columns; written to the file (pHYs) if both are known.
    aspect
        The height of a pixel over its width; written to the file, without a unit, if the spacing is unknown.

    References
    ----------
    PNG specification, third edition: filter type 2 (Up) for every row
    """
    # Each row has a leading byte that grows by two from row to row: one flat subtraction of the row above then gives
    # the filter type 2 followed by the filtered row.
    framed = np.empty((len(picture), picture[0].size + 1), np.uint8)
    framed[:, 0] = np.arange(1, len(picture) + 1) * _UP & 0xFF
    framed[:, 1:] = picture.reshape(len(picture), -1)
    filtered = np.empty_like(framed)
    filtered[0] = framed[0]
    np.subtract(framed[1:].reshape(-1), framed[:-1].reshape(-1), out=filtered[1:].reshape(-1))
    colour_type = 2 if picture.ndim == 3 else 0
    header = struct.pack(">IIBBBBB", picture.shape[1], picture.shape[0], 8, colour_type, 0, 0, 0)
    row_mm, column_mm = spacing
    physical = b""
    if row_mm and column_mm:
        per_metre = (min(round(1000 / mm), 2**31 - 1) for mm in (column_mm, row_mm))
        physical = _chunk(b"pHYs", struct.pack(">IIB", *per_metre, 1))
    elif aspect != 1:
        physical = _chunk(b"pHYs", struct.pack(">IIB", *_densities(aspect), 0))
    data = _chunk(b"IDAT", isal_zlib.compress(filtered, 1))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + physical + data + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", isal_zlib.crc32(content, isal_zlib.crc32(kind)))
    )


def _densities(aspect: float) -> tuple[int, int]:
    """The aspect as two pixel densities, whole numbers of 16 bits."""
    from fractions import Fraction

    smaller = Fraction(min(aspect, 1 / aspect)).limit_denominator(2**16 - 1)
    few, many = smaller.numerator, smaller.denominator
    return (few, many) if aspect < 1 else (many, few)


def encode_jpeg(picture: npt.NDArray[np.uint8], *, quality: int = JPEG_QUALITY, aspect: float = 1.0) -> bytes:
    """Encode a lossy baseline JPEG.

    Parameters
    ----------
    picture
        uint8, shape ``(row, column)`` grey or ``(row, column, 3)`` RGB.
    quality
        1 to 100.
    aspect
        The height of a pixel over its width; written to the file (JFIF densities, without a unit).
    """
    import imagecodecs

    encoded = bytes(imagecodecs.jpeg8_encode(np.ascontiguousarray(picture), quality))
    if aspect == 1 or encoded[6:11] != b"JFIF\0":
        return encoded
    return encoded[:13] + struct.pack(">BHH", 0, *_densities(aspect)) + encoded[18:]


def encode_webp(picture: npt.NDArray[np.uint8], *, quality: int = JPEG_QUALITY) -> bytes:
    """Encode a lossy WebP; slower than a JPEG.

    Parameters
    ----------
    picture
        uint8, shape ``(row, column)`` grey or ``(row, column, 3)`` RGB.
    quality
        1 to 100.
    """
    with needed_for("`webp`"):
        from PIL import Image

    file = BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(file, "WEBP", quality=quality, method=0)
    return file.getvalue()
