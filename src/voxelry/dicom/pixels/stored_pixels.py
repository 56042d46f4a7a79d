"""Stored pixels: from a file's bytes to arrays of stored values, before any rescale.

What the header declares is compared with the bytes in the file before memory is allocated.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from pydicom.pixels.processing import apply_color_lut

from voxelry.core.errors import (
    PixelDataError,
    Problem,
    TransferSyntaxError,
    TruncatedError,
    VoxelryError,
    named,
)
from voxelry.dicom.headers.attributes import numbers, tag_label, text, value_of
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.pixel_description import PixelDescription, describe_pixels
from voxelry.dicom.headers.pydicom_silence import quiet
from voxelry.dicom.headers.sop_classes import SEGMENTATIONS
from voxelry.dicom.pixels.codecs import cannot_be_decoded, is_encapsulated, is_supported, keeps_words
from voxelry.dicom.pixels.codestream_check import DEFLATED_FRAMES, check_end, check_head
from voxelry.dicom.pixels.colour_proof import as_rgb, is_mixed
from voxelry.dicom.pixels.decoding import decode_frame
from voxelry.dicom.pixels.encapsulated import check_fragments, encoded_frames
from voxelry.dicom.pixels.pixel_memory import check_room
from voxelry.dicom.pixels.uncompressed import check_length, native_frames, unpacked

Stored = npt.NDArray[Any]

_LOSSY_SYNTAXES = frozenset(
    "1.2.840.10008.1.2.4." + end for end in ("50", "51", "53", "55", "81", "93", "111")
) | frozenset(f"1.2.840.10008.1.2.4.{n}" for n in range(100, 109))
_PERHAPS_LOSSY = frozenset("1.2.840.10008.1.2.4." + end for end in ("91", "112", "203"))


def is_lossy(header: Header) -> bool:
    """True if the pixels were ever compressed with loss (PS3.3 C.7.6.1.1.5), or are now."""
    return text(header.elements, "LossyImageCompression") == "01" or header.transfer_syntax_uid in _LOSSY_SYNTAXES


def is_lossy_syntax(syntax: str) -> bool:
    """True if frames in a transfer syntax may have lost something by it."""
    return syntax in _LOSSY_SYNTAXES or syntax in _PERHAPS_LOSSY


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
        for _, decode_frame in deferred_frames(header, frames):
            yield decode_frame()
        return
    require_supported(header)
    with _PixelErrors(header):
        encoded = native_frames(header, pixels, frames)
        while True:
            with quiet:  # opened and closed around each step, never across a yield
                frame = next(encoded, None)
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


def unsupported(headers: Iterable[Header]) -> dict[Header, Problem]:
    """Those of the instances whose transfer syntax cannot be decoded here, and why; none if that is true of all."""
    found: dict[Header, Problem] = {}
    every = dict.fromkeys(headers)
    for header in every:
        try:
            require_supported(header)
        except TransferSyntaxError as error:
            found[header] = error.problem
    return found if len(found) < len(every) else {}


def check_pixels(header: Header, *, each_frame: bool = False) -> None:
    """Check that the pixels can be read, without reading them; raises what `stored_frames` would raise.

    Parameters
    ----------
    each_frame
        True to look at what each compressed frame declares of itself, too.
    """
    pixels = describe_pixels(header)
    require_supported(header)
    if not is_encapsulated(header.transfer_syntax_uid):
        check_length(header, pixels)
        return
    check_fragments(header, pixels, each_frame=each_frame)


class _PixelErrors:
    """Context that turns exceptions of pydicom and the codecs into errors that name the file."""

    def __init__(self, header: Header) -> None:
        self.header = header

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        try:
            if isinstance(error, VoxelryError):
                raise named(error, self.header.name) from None
            if isinstance(error, Exception):
                wrong = cannot_be_decoded(self.header.transfer_syntax_uid, type(error).__name__)
                raise named(wrong, self.header.name) from error
        finally:
            del error  # breaks the reference cycle of error and frame, which would keep archives open


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
    """Compressed frames, read now and decoded when the returned function is called, perhaps in another thread.

    Yields
    ------
    index, decode
        Of each frame that is wanted, ascending; ``decode`` gives what ``stored_frames`` does, or raises as it does.
    """
    require_supported(header)
    given = 0
    with _PixelErrors(header):
        pixels = describe_pixels(header)
        found = encoded_frames(header, pixels, wanted)
        while True:
            with quiet:
                index, encoded = next(found, (-1, b""))
            if index < 0:
                break
            given += 1
            yield index, partial(_decoded, header, pixels, encoded)
    if given < len(wanted):
        raise _too_few(header, pixels)


def _decoded(header: Header, pixels: PixelDescription, encoded: bytes) -> Stored:
    with _PixelErrors(header), quiet:
        return _finish(header, pixels, _expanded(header, pixels, encoded))


def _expanded(header: Header, pixels: PixelDescription, encoded: bytes) -> Stored:
    """What a codec makes of one compressed frame."""
    syntax = header.transfer_syntax_uid
    check_head(encoded, len(encoded), syntax, pixels)
    check_end(encoded, syntax)
    shape = pixels.rows, pixels.columns, pixels.samples
    check_room(shape, pixels.dtype)
    if syntax in DEFLATED_FRAMES:
        return _inflated(encoded, pixels)
    return decode_frame(encoded, syntax, shape=shape, dtype=pixels.dtype, photometric=pixels.photometric)


def lacks_said_mixing(header: Header, wanted: Collection[int]) -> bool:
    """True if the header names JPEG 2000's colour transformation and one of these frames says that it was not made."""
    pixels = describe_pixels(header)
    if pixels.photometric not in ("YBR_RCT", "YBR_ICT") or not is_encapsulated(header.transfer_syntax_uid):
        return False
    with _PixelErrors(header):
        return any(is_mixed(encoded) is False for _, encoded in encoded_frames(header, pixels, wanted))


def _inflated(encoded: bytes, pixels: PixelDescription) -> Stored:
    """A native frame that was deflated; single bits and halved chrominance are packed as they are there."""
    whole = (pixels.rows * pixels.columns * pixels.samples * pixels.bits_allocated + 7) // 8
    needed = (pixels.frame_bits + 7) // 8
    plain = zlib.decompressobj(-zlib.MAX_WBITS).decompress(encoded, whole)
    if len(plain) < needed:
        raise PixelDataError(f"a deflated frame has {len(plain)} bytes where {needed} are needed")
    halved = needed < whole and len(plain) < whole
    return unpacked(plain[: needed if halved else whole], pixels, little=True, halved=halved)


def words_of(header: Header, pixels: PixelDescription, wanted: range | None = None) -> Iterator[Stored]:
    """The words of all frames, or of those wanted, as they are stored, with whatever lies in their unused bits.

    Raises
    ------
    PixelDataError, TruncatedError
        As ``stored_frames``; the transfer syntax is one that keeps words.
    """
    frames = range(pixels.frames) if wanted is None else wanted
    if not is_encapsulated(header.transfer_syntax_uid):
        yield from native_frames(header, pixels, frames)
        return
    with _PixelErrors(header):
        for _, encoded in encoded_frames(header, pixels, frames):
            yield _expanded(header, pixels, encoded)


def decompressed_frames(header: Header, wanted: Collection[int]) -> Iterator[Stored]:
    """Compressed frames as an uncompressed file holds them.

    Codecs that keep words give them with all their bits and in their colour model; the colour of others is RGB.
    Palettes are not applied. `decompressed_colour` tells the Photometric Interpretation.

    Yields
    ------
    values
        Shape ``(row, column)`` or ``(row, column, 3)``, of the type that Bits Allocated and Pixel Representation say.

    Raises
    ------
    NoPixelDataError, PixelDataError, TransferSyntaxError, TruncatedError, TooLargeError
        The message names the file.
    """
    require_supported(header)
    pixels = describe_pixels(header)
    shape = (pixels.rows, pixels.columns, *([pixels.samples] if pixels.samples > 1 else []))
    with _PixelErrors(header):
        for _, encoded in encoded_frames(header, pixels, wanted):
            with quiet:
                values = _expanded(header, pixels, encoded)
                if values.shape != shape:
                    raise PixelDataError(f"a decoded frame has shape {values.shape}, but the header declares {shape}")
                if pixels.bits_allocated > 1 and not keeps_words(header.transfer_syntax_uid):
                    values = _of_codestream(values, pixels, header)
            yield values


def decompressed_colour(header: Header, pixels: PixelDescription) -> str:
    """The Photometric Interpretation of `decompressed_frames`."""
    if pixels.samples == 1:
        return pixels.photometric
    if not keeps_words(header.transfer_syntax_uid):
        return "RGB"
    return "YBR_FULL" if pixels.photometric == "YBR_FULL_422" else pixels.photometric


def _too_few(header: Header, pixels: PixelDescription) -> TruncatedError:
    return TruncatedError(
        f"{header.name}: the file ends after fewer than the {pixels.frames} frames that it declares; copy it again"
    )


def _finish(header: Header, pixels: PixelDescription, values: Stored) -> Stored:
    expected = (pixels.rows, pixels.columns, *([pixels.samples] if pixels.samples > 1 else []))
    if values.shape != expected:
        raise PixelDataError(
            f"{header.name}: a decoded frame has shape {values.shape}, but the header declares {expected}"
        )
    values = _conform(values, pixels, header)
    if pixels.kind == "colour":
        return _as_rgb(values, pixels, header)
    return palette_applied(header, values) if pixels.kind == "palette" else values


def _conform(values: Stored, pixels: PixelDescription, header: Header) -> Stored:
    """Keep only the stored bits; the others may hold overlays or undefined values (PS3.5 8.1.1)."""
    if pixels.keyword != "PixelData" or pixels.bits_allocated == 1:
        return values
    if keeps_words(header.transfer_syntax_uid):
        return _shifted(values, pixels, pixels.high_bit) if _is_dirty(values, pixels, pixels.high_bit) else values
    return values if pixels.kind == "colour" else _of_codestream(values, pixels, header)


def _of_codestream(values: Stored, pixels: PixelDescription, header: Header) -> Stored:
    """Values that a codec gives in its own size and sign; it holds bits lowest first, whatever High Bit says."""
    own_sign = values.dtype.kind == "u" or pixels.signed
    if values.dtype != pixels.dtype:
        if values.dtype.itemsize > pixels.dtype.itemsize and values.max() >= 1 << pixels.bits_allocated:
            raise PixelDataError(
                f"{header.name}: a compressed frame holds values up to {values.max()}, which do not fit "
                f"{tag_label('BitsAllocated')} {pixels.bits_allocated}"
            )
        values = values.astype(pixels.dtype)
    high_bit = pixels.bits_stored - 1
    if not _is_dirty(values, pixels, high_bit):
        return values
    low, high = int(values.min()), int(values.max())
    beyond = low < stored_range(pixels)[0] or high >= 1 << pixels.bits_stored
    if own_sign and beyond and not _has_embedded_overlay(header):
        return values  # more bits than Bits Stored are numbers too: a codec compresses no unused bits
    return _shifted(values, pixels, high_bit)


def _has_embedded_overlay(header: Header) -> bool:
    """True if the header says that a bit of every word is an overlay's, as lossless codecs of words keep it."""
    dataset = header.elements.dataset
    planes = [group << 16 for group in range(0x6000, 0x6020, 2) if group << 16 | 0x0102 in dataset]
    return any(plane | 0x3000 not in dataset and dataset[plane | 0x0102].value for plane in planes)


def _is_dirty(values: Stored, pixels: PixelDescription, high_bit: int) -> bool:
    """True if the unused bits may hold anything but the sign."""
    if pixels.bits_stored == pixels.bits_allocated:
        return False
    lowest, highest = stored_range(pixels)
    low, high = int(values.min()) if pixels.signed else 0, int(values.max())
    return high_bit != pixels.bits_stored - 1 or low < lowest or high > highest


def _shifted(values: Stored, pixels: PixelDescription, high_bit: int) -> Stored:
    """The stored bits alone; an arithmetic shift back extends the sign of signed values."""
    above = pixels.bits_allocated - 1 - high_bit
    shifted = np.left_shift(values, above) if above else values
    return np.asarray(np.right_shift(shifted, pixels.bits_allocated - pixels.bits_stored))


def stored_range(pixels: PixelDescription) -> tuple[int, int]:
    """The smallest and the largest possible stored value, by Bits Stored and Pixel Representation."""
    if pixels.signed:
        return -(1 << (pixels.bits_stored - 1)), (1 << (pixels.bits_stored - 1)) - 1
    return 0, (1 << pixels.bits_stored) - 1


def clear_unused_bits(values: Stored, pixels: PixelDescription) -> tuple[int, int]:
    """Clear the unused bits of uncompressed values in place; returns the smallest and the largest value.

    The smallest of unsigned values is not computed: 0 is returned, which serves most purposes.
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
    if pixels.photometric in ("YBR_FULL", "YBR_FULL_422") and keeps_words(header.transfer_syntax_uid):
        return as_rgb(values)
    return values  # a codec's colour is RGB


def padding_range(header: Header, pixels: PixelDescription) -> tuple[float, float] | None:
    """The smallest and largest stored value that is padding (PS3.3 C.7.5.1.1.2), in the right sign; None if none is."""
    if pixels.kind != "grey" or header.sop_class_uid in SEGMENTATIONS:  # whose padding is the background, a label too
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
