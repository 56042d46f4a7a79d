"""Stored pixels: from a file's bytes to arrays of stored values, before any rescale.

What the header declares is checked against the bytes that are there before anything large is allocated.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.pixels.processing import apply_color_lut, convert_color_space

from voxelry.core.errors import (
    PixelDataError,
    TransferSyntaxError,
    TruncatedError,
    VoxelryError,
    named,
)
from voxelry.dicom.attributes import describe, numbers, text, value_of
from voxelry.dicom.codecs import check_declared, decode, is_encapsulated, is_supported
from voxelry.dicom.description import PixelDescription, describe_pixels
from voxelry.dicom.fragments import raw_frames
from voxelry.dicom.headers import Header
from voxelry.dicom.native import check_length, native_frames
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
    if is_encapsulated(header.transfer_syntax_uid):
        for _, decoded in deferred_frames(header, frames):
            yield decoded()
        return
    require_supported(header)
    with _PixelErrors(header):
        raw = native_frames(header, pixels, frames)
        while True:
            with quiet:  # opened and closed around each step, never across a yield
                frame = next(raw, None)
                values = None if frame is None else _finish(header, pixels, frame)
            if values is None:
                break
            yield values


def require_supported(header: Header) -> None:
    """Raise a TransferSyntaxError unless the pixels can be decoded here."""
    syntax = header.transfer_syntax_uid
    if not is_supported(syntax):
        raise TransferSyntaxError(
            f"{header.name}: pixels in transfer syntax {syntax} ({syntax.name}) cannot be decoded here; "
            "convert the file to an uncompressed or JPEG 2000 transfer syntax"
        )


def check_pixels(header: Header) -> None:
    """Raise what the header alone tells to be in the way of reading the pixels; none of them is read."""
    pixels = describe_pixels(header)
    require_supported(header)
    if not is_encapsulated(header.transfer_syntax_uid):
        check_length(header, pixels)


class _PixelErrors:
    """Turns whatever damaged pixels make pydicom or a codec raise into errors that name the file."""

    def __init__(self, header: Header) -> None:
        self.header = header

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        try:
            if isinstance(error, VoxelryError):
                raise named(error, self.header.name) from None
            if isinstance(error, Exception):
                raise PixelDataError(
                    f"{self.header.name}: the pixels cannot be decoded ({self.header.transfer_syntax_uid.name}; "
                    f"{type(error).__name__}); the file is damaged, or its header does not fit its pixels"
                ) from error
        finally:
            del error  # else the error holds this frame, and the frame the error: archives would stay open


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


def deferred_frames(header: Header, wanted: Collection[int]) -> Iterator[tuple[int, Callable[[], Stored]]]:
    """Compressed frames, read here and decoded by whoever calls what is given: in another thread, perhaps.

    Yields
    ------
    index, decode
        Of each frame that is wanted, ascending; ``decode`` gives what ``stored_frames`` does, or raises as it does.
    """
    require_supported(header)
    given = 0
    with _PixelErrors(header):
        pixels = describe_pixels(header)
        found = raw_frames(header, pixels, wanted)
        while True:
            with quiet:
                index, raw = next(found, (-1, b""))
            if index < 0:
                break
            given += 1
            yield index, partial(_decoded, header, pixels, raw)
    if given < len(wanted):
        raise _too_few(header, pixels)


def _decoded(header: Header, pixels: PixelDescription, raw: bytes) -> Stored:
    with _PixelErrors(header), quiet:
        check_declared(header, pixels.rows, pixels.columns, pixels.frame_bits // 8, raw)
        shape = pixels.rows, pixels.columns, pixels.samples
        values = decode(
            raw, header.transfer_syntax_uid, shape=shape, dtype=pixels.dtype, photometric=pixels.photometric
        )
        return _finish(header, pixels, values)


def _too_few(header: Header, pixels: PixelDescription) -> TruncatedError:
    return TruncatedError(
        f"{header.name}: the file ends after fewer than the {pixels.frames} frames that it declares; copy it again"
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
    if unused == 0:
        return values
    low, high = int(values.min()) if values.dtype.kind == "i" else 0, int(values.max())
    lowest, highest = stored_range(pixels)
    if high_bit == pixels.bits_stored - 1 and lowest <= low and high <= highest:
        return values  # nothing is in the unused bits but the sign
    if encapsulated and own_sign and (low < lowest or high >= 1 << pixels.bits_stored):
        return values  # a codestream that holds more bits than Bits Stored says: dirt is never compressed
    shifted = np.left_shift(values, above) if above else values
    # An arithmetic shift back extends the sign of signed values.
    return np.asarray(np.right_shift(shifted, unused))


def stored_range(pixels: PixelDescription) -> tuple[int, int]:
    """Between which stored values lie, by Bits Stored and Pixel Representation."""
    if pixels.signed:
        return -(1 << (pixels.bits_stored - 1)), (1 << (pixels.bits_stored - 1)) - 1
    return 0, (1 << pixels.bits_stored) - 1


def settle(values: Stored, pixels: PixelDescription) -> tuple[int, int]:
    """Clear the unused bits of uncompressed values where they lie; the smallest and largest value.

    Of unsigned values the smallest is not looked for: 0 is given, which is as good for most.
    """
    low, high = int(values.min()) if pixels.signed else 0, int(values.max())
    unused = pixels.bits_allocated - pixels.bits_stored
    lowest, highest = stored_range(pixels)
    if unused == 0 or (pixels.high_bit == pixels.bits_stored - 1 and lowest <= low and high <= highest):
        return low, high
    np.left_shift(values, pixels.bits_allocated - 1 - pixels.high_bit, out=values)
    np.right_shift(values, unused, out=values)
    return int(values.min()) if pixels.signed else 0, int(values.max())


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
        if _is_nan(header, keywords[0]):
            return None  # NaN equals nothing, and is left out of every figure anyway
        try:
            values = numbers(header.elements, keywords[0], 1)
            limits = numbers(header.elements, keywords[1], 1) or values
        except PixelDataError as error:
            raise named(error, header.name) from None
        if values is not None and limits is not None:
            ends = sorted(_signed_like_pixels(value, pixels) for value in (values[0], limits[0]))
            return ends[0], ends[1]
    return None


def _is_nan(header: Header, keyword: str) -> bool:
    value = value_of(header.elements, keyword) if keyword != "PixelPaddingValue" else None
    return isinstance(value, float) and math.isnan(value)


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
