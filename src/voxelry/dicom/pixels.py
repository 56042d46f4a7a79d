"""Stored pixels: from a file's bytes to arrays of stored values, before any rescale.

What the header declares is checked against the bytes that are there before anything large is allocated.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.encaps import generate_frames
from pydicom.pixels.processing import apply_color_lut, convert_color_space

from voxelry.core.errors import (
    NoPixelDataError,
    PixelDataError,
    TooLargeError,
    TransferSyntaxError,
    TruncatedError,
    named,
)
from voxelry.dicom.attributes import describe, numbers, text, value_of
from voxelry.dicom.codecs import check_declared, decode, is_encapsulated, is_supported
from voxelry.dicom.description import PixelDescription, describe_pixels
from voxelry.dicom.headers import Header
from voxelry.dicom.native import native_frames, place_of
from voxelry.dicom.quiet import quiet

Stored = npt.NDArray[Any]

_LOSSY_SYNTAXES = frozenset(
    "1.2.840.10008.1.2.4." + end for end in ("50", "51", "53", "55", "81", "93", "111")
) | frozenset(f"1.2.840.10008.1.2.4.{n}" for n in range(100, 109))


def is_lossy(header: Header) -> bool:
    """True if the pixels were ever compressed with loss (PS3.3 C.7.6.1.1.5), or are now."""
    return text(header.elements, "LossyImageCompression") == "01" or header.transfer_syntax_uid in _LOSSY_SYNTAXES


def stored_frames(header: Header, wanted: Collection[int] | None = None) -> Iterator[Stored]:
    """The stored values of each frame, in the instance's order.

    Parameters
    ----------
    wanted
        Which frame indices; all by default. The others are not decoded.

    Yields
    ------
    values
        Shape ``(row, column)`` for greyscale, in the stored dtype with unused bits cleared and the sign
        extended; ``(row, column, 3)`` RGB for colour (palettes applied, YBR converted), uint8 or uint16.

    Raises
    ------
    NoPixelDataError, PixelDataError, TransferSyntaxError, TruncatedError, TooLargeError
        The message names the file.
    """
    pixels = describe_pixels(header)
    frames = range(pixels.frames) if wanted is None else wanted
    given = 0
    syntax = header.transfer_syntax_uid
    if not is_supported(syntax):
        raise TransferSyntaxError(
            f"{header.name}: pixels in transfer syntax {syntax} ({syntax.name}) cannot be decoded here; "
            "convert the file to an uncompressed or JPEG 2000 transfer syntax"
        )
    try:
        with quiet:  # opened and closed around each step, never across a yield
            raw = (
                _encapsulated(header, pixels, frames)
                if is_encapsulated(syntax)
                else native_frames(header, pixels, frames)
            )
        while True:
            with quiet:
                frame = next(raw, None)
                if frame is None:
                    break
                values = _finish(header, pixels, frame)
            given += 1
            yield values
            if given == len(frames):
                return
    except (NoPixelDataError, PixelDataError, TruncatedError, TooLargeError) as error:
        raise named(error, header.name) from None
    except Exception as error:  # whatever damaged pixels make pydicom or a codec raise
        raise PixelDataError(
            f"{header.name}: the pixels cannot be decoded ({syntax.name}; {type(error).__name__}); "
            "the file is damaged, or its header does not fit its pixels"
        ) from error
    raise TruncatedError(
        f"{header.name}: the file ends after fewer than the {pixels.frames} frames that it declares; copy it again"
    )


def palette_applied(header: Header, values: Stored) -> Stored:
    """Indices to RGB by the instance's palette (PS3.3 C.7.6.3.1.5); 16-bit entries give their upper 8 bits."""
    with quiet:
        rgb = apply_color_lut(cast("npt.NDArray[np.uint8]", values), header.elements.dataset)
    if rgb.dtype.itemsize == 1:
        return rgb
    return (rgb >> (8 if _table_uses_upper_bits(header) else 0)).astype(np.uint8)


def _table_uses_upper_bits(header: Header) -> bool:
    """False for tables that declare 16 bits and hold 8, as old ultrasound writes them."""
    tables = [value_of(header.elements, f"{colour}PaletteColorLookupTableData") for colour in ("Red", "Green", "Blue")]
    plain = [np.frombuffer(table, np.uint8) for table in tables if isinstance(table, bytes) and len(table) % 2 == 0]
    little = header.elements.little_endian
    return len(plain) < len(tables) or any(table[1 if little else 0 :: 2].any() for table in plain)


def _encapsulated(header: Header, pixels: PixelDescription, wanted: Collection[int]) -> Iterator[Stored]:
    place = place_of(header)
    if place.length is not None or place.offset is None:
        raise PixelDataError(
            f"{header.name}: {describe('PixelData')} is not encapsulated, but the transfer syntax is "
            f"{header.transfer_syntax_uid.name}"
        )
    extended = None
    if "ExtendedOffsetTable" in header.elements and "ExtendedOffsetTableLengths" in header.elements:
        dataset = header.elements.dataset
        extended = dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths
    with header.source.open() as file:
        file.seek(place.offset)
        frames = generate_frames(file, number_of_frames=pixels.frames, extended_offsets=extended)
        for index, raw in enumerate(islice(frames, pixels.frames)):  # excess fragments may follow
            if index not in wanted:
                continue
            check_declared(header, pixels.rows, pixels.columns, pixels.frame_bits // 8, raw)
            yield decode(
                raw,
                header.transfer_syntax_uid,
                shape=(pixels.rows, pixels.columns, pixels.samples),
                dtype=pixels.dtype,
                photometric=pixels.photometric,
            )


def _finish(header: Header, pixels: PixelDescription, values: Stored) -> Stored:
    expected = (pixels.rows, pixels.columns)
    if values.shape[:2] != expected or values.shape[2:] not in ((), (pixels.samples,)):
        raise PixelDataError(
            f"{header.name}: a decoded frame has shape {values.shape}, but the header declares {expected} "
            f"with {pixels.samples} samples"
        )
    if pixels.kind == "colour":
        return _as_rgb(values, pixels, header)
    values = _conform(values, pixels, header, encapsulated=is_encapsulated(header.transfer_syntax_uid))
    return palette_applied(header, values) if pixels.kind == "palette" else values


def _conform(values: Stored, pixels: PixelDescription, header: Header, *, encapsulated: bool) -> Stored:
    """Only the stored bits count; the others may hold overlays or dirt (PS3.5 8.1.1)."""
    if pixels.keyword != "PixelData" or pixels.bits_allocated == 1:
        return values
    own_sign = values.dtype.kind == "u" or pixels.signed
    if values.dtype != pixels.dtype:  # a codec gives its own size and sign
        if values.dtype.itemsize > pixels.dtype.itemsize and values.max() >= 1 << pixels.bits_allocated:
            raise PixelDataError(
                f"{header.name}: a compressed frame holds values up to {values.max()}, which do not fit "
                f"{describe('BitsAllocated')} {pixels.bits_allocated}"
            )
        values = values.astype(pixels.dtype)
    # A codestream holds its bits lowest first, whatever High Bit says.
    high_bit = pixels.bits_stored - 1 if encapsulated else pixels.high_bit
    above = pixels.bits_allocated - 1 - high_bit
    unused = pixels.bits_allocated - pixels.bits_stored
    if unused == 0 or (encapsulated and own_sign and _exceed(values, pixels)):
        return values
    shifted = np.left_shift(values, above) if above else values
    # An arithmetic shift back extends the sign of signed values.
    return np.asarray(np.right_shift(shifted, unused))


def _exceed(values: Stored, pixels: PixelDescription) -> bool:
    """True if a codestream holds more bits than Bits Stored says: they are values, since dirt is never compressed."""
    lowest = -(1 << (pixels.bits_stored - 1)) if pixels.signed else 0
    return bool(values.min() < lowest or values.max() >= 1 << pixels.bits_stored)


def _as_rgb(values: Stored, pixels: PixelDescription, header: Header) -> Stored:
    values = values.astype(f"u{values.dtype.itemsize}", copy=False)
    syntax = header.transfer_syntax_uid
    if pixels.photometric in ("YBR_FULL", "YBR_FULL_422") and not is_converted_by_codec(syntax):
        if values.dtype.itemsize != 1:
            raise PixelDataError(
                f"{header.name}: {pixels.photometric} with {pixels.bits_allocated} bits cannot be read"
            )
        return convert_color_space(values, "YBR_FULL", "RGB")
    return values


def is_converted_by_codec(syntax: pydicom.uid.UID) -> bool:
    """True for JPEG, whose decoder gives RGB whatever the frame holds."""
    return syntax in (pydicom.uid.JPEGBaseline8Bit, pydicom.uid.JPEGExtended12Bit) or syntax in (
        "1.2.840.10008.1.2.4.53",
        "1.2.840.10008.1.2.4.55",
    )


def padding_range(header: Header, pixels: PixelDescription) -> tuple[float, float] | None:
    """The smallest and largest stored value that is padding (PS3.3 C.7.5.1.1.2), in the right sign; None if none is."""
    if pixels.kind != "grey":
        return None
    for keywords in (
        ("PixelPaddingValue", "PixelPaddingRangeLimit"),
        ("FloatPixelPaddingValue", "FloatPixelPaddingRangeLimit"),
        ("DoubleFloatPixelPaddingValue", "DoubleFloatPixelPaddingRangeLimit"),
    ):
        try:
            values = numbers(header.elements, keywords[0], 1)
            limits = numbers(header.elements, keywords[1], 1) or values
        except PixelDataError as error:
            raise named(error, header.name) from None
        if values is not None and limits is not None:
            ends = sorted(_signed_like_pixels(value, pixels) for value in (values[0], limits[0]))
            return ends[0], ends[1]
    return None


def _signed_like_pixels(value: float, pixels: PixelDescription) -> float:
    """Implicit VR files leave the sign of a padding value to Pixel Representation; writers get it wrong."""
    if pixels.keyword != "PixelData":
        return value
    span = 2 ** min(pixels.bits_allocated, 16) if 0 <= value < 2**pixels.bits_allocated else 2**16
    if pixels.signed and value >= span // 2 and pixels.bits_allocated <= 16:
        return value - span
    if not pixels.signed and value < 0:
        return value + span
    return value
