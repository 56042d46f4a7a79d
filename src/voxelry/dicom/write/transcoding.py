"""An instance in another transfer syntax, made piece by piece while it is sent.

The values of attributes stay byte for byte, but for byte order; pixels are equal, and the Image Pixel module says how
they are stored now. What an instance is in Explicit VR Little Endian is what its metadata tells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import PixelDataError, TransferSyntaxError, VoxelryError
from voxelry.dicom.headers.elements import EncodedValue
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.part10_elements import PixelBytes
from voxelry.dicom.headers.pixel_description import PixelDescription, describe_pixels
from voxelry.dicom.json_model.json_instance import pixel_element
from voxelry.dicom.json_model.nested_elements import (
    MAX_DEPTH,
    Surroundings,
    encoded_elements,
    is_explicit,
    resolved_vr,
    sequence_items,
)
from voxelry.dicom.pixels.codecs import is_encapsulated, is_supported
from voxelry.dicom.pixels.encode import (
    EXPLICIT,
    HTJ2K_LOSSLESS,
    JPEG_2000_LOSSLESS,
    JPEG_LS,
    RLE,
    encode_frame,
)
from voxelry.dicom.pixels.stored_pixels import decompressed_colour, decompressed_frames, is_lossy
from voxelry.dicom.pixels.uncompressed import native_frame_places, native_octets
from voxelry.dicom.write.header_bytes import encoded_element, encoded_items, file_head, joined, short, words

_PHOTOMETRIC, _PLANAR, _LOSSY = 0x00280004, 0x00280006, 0x00282110
_OFFSET_TABLES = (0x7FE00001, 0x7FE00002, 0x7FE00003)
_ITEM, _SEQUENCE_END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0\0\0\0\0"
_UNDEFINED = b"\xff\xff\xff\xff"
_EMPTY_TABLE = _ITEM + bytes(4)
_CODED_BITS = {RLE: (8, 16, 32), JPEG_LS: (8, 16), JPEG_2000_LOSSLESS: (8, 16), HTJ2K_LOSSLESS: (8, 16)}


@dataclass(frozen=True, slots=True)
class FileSpan:
    """Bytes of the instance's own file."""

    start: int
    length: int


Piece = bytes | FileSpan


@dataclass(frozen=True, slots=True)
class Transcoded:
    """A file that is made while it is read.

    Attributes
    ----------
    length
        In bytes; None if only encoding tells.
    pieces
        Returns the file's bytes, one piece after the other; a frame is decoded when its turn comes.
    """

    length: int | None
    pieces: Callable[[], Iterator[Piece]]


def decoded_changes(header: Header) -> dict[int, EncodedValue | None]:
    """The elements that differ in the uncompressed instance; None for those that it lacks.

    Empty if it is not compressed, or cannot be decoded here.
    """
    syntax = header.transfer_syntax_uid
    if header.pixel_bytes is None or not is_encapsulated(syntax) or not is_supported(syntax):
        return {}
    try:
        pixels = describe_pixels(header)
    except VoxelryError:
        return {}
    found: dict[int, EncodedValue | None] = {
        tag: None for tag in _OFFSET_TABLES if tag in encoded_elements(header.elements)
    }
    colour = decompressed_colour(header, pixels)
    if colour != pixels.photometric:
        found[_PHOTOMETRIC] = words(b"CS", colour)
    if pixels.samples > 1:
        found[_PLANAR] = short(0)
    if is_lossy(header):
        found[_LOSSY] = words(b"CS", "01")
    return found


def encodable(header: Header) -> frozenset[str]:
    """The transfer syntaxes that compress without loss and that these pixels can be encoded in."""
    if header.pixel_bytes is None or header.pixel_bytes.keyword != "PixelData":
        return frozenset()
    if not is_supported(header.transfer_syntax_uid):
        return frozenset()
    try:
        pixels = describe_pixels(header)
    except VoxelryError:
        return frozenset()
    if pixels.samples > 1 and (
        pixels.photometric == "YBR_FULL_422" and not is_encapsulated(header.transfer_syntax_uid)
    ):
        return frozenset()
    return frozenset(syntax for syntax, bits in _CODED_BITS.items() if pixels.bits_allocated in bits)


def frame_octets(header: Header, wanted: Iterator[int] | range | tuple[int, ...]) -> Iterator[bytes]:
    """Frames as Explicit VR Little Endian holds them, ascending, each beginning at a byte."""
    indices = tuple(wanted)
    if is_encapsulated(header.transfer_syntax_uid):
        for values in decompressed_frames(header, indices):
            yield _octets(values)
    else:
        yield from native_octets(header, describe_pixels(header), indices)


def encoded_frame_in(header: Header, index: int, transfer_syntax: str) -> bytes:
    """One frame, compressed without loss."""
    return encode_frame(next(_frames(header, describe_pixels(header), (index,))), transfer_syntax)


def transcoded(header: Header, transfer_syntax: str, *, version: str) -> Transcoded:
    """An instance as a file in Explicit VR Little Endian, or compressed without loss.

    Parameters
    ----------
    transfer_syntax
        ``1.2.840.10008.1.2.1``, or one of `encodable`.
    version
        Of this software, for the file meta information.

    Raises
    ------
    TransferSyntaxError
        If the pixels cannot be decoded or encoded so.
    """
    changes = decoded_changes(header)
    place = header.pixel_bytes
    if place is not None and not is_supported(header.transfer_syntax_uid):
        raise TransferSyntaxError(f"{header.name}: pixels in {header.transfer_syntax_uid.name} cannot be decoded here")
    if transfer_syntax != EXPLICIT and transfer_syntax not in encodable(header):
        raise TransferSyntaxError(f"{header.name}: its pixels cannot be encoded in {transfer_syntax}")
    head = file_head(header.sop_class_uid, header.sop_instance_uid, transfer_syntax, version)
    if place is None:
        whole = head + explicit_elements(header, changes)
        return Transcoded(len(whole), lambda: iter((whole,)))
    if transfer_syntax != EXPLICIT:
        return _compressed(header, head, changes, transfer_syntax)
    return _uncompressed(header, head, changes, place)


def explicit_elements(header: Header, changes: Mapping[int, EncodedValue | None]) -> bytes:
    """The data set before the pixels in Explicit VR Little Endian, without group lengths."""
    elements = encoded_elements(header.elements)
    around = Surroundings.of(elements)
    made: dict[int, EncodedValue] = {}
    for tag, value in elements.items():
        if tag & 0xFFFF and tag not in changes:
            made[tag] = _explicit(tag, value, around, 0)
    made.update({tag: value for tag, value in changes.items() if value is not None})
    return joined(made)


def _explicit(tag: int, value: EncodedValue, around: Surroundings, depth: int) -> EncodedValue:
    if is_explicit(value):
        return value
    vr = resolved_vr(tag, value, around)
    if vr != "SQ" or depth >= MAX_DEPTH:
        return vr.encode(), value[1]
    items = []
    for item in sequence_items(value[1], explicit=False):
        inside = Surroundings.of(item, around)
        items.append(joined({inner: _explicit(inner, one, inside, depth + 1) for inner, one in item.items()}))
    return b"SQ", encoded_items(*items)


def _uncompressed(
    header: Header, head: bytes, changes: Mapping[int, EncodedValue | None], place: PixelBytes
) -> Transcoded:
    tag, vr = pixel_element(header) or (0x7FE00010, "OW")
    before = head + explicit_elements(header, changes)
    size = place.length or 0
    if place.offset is not None:
        size = min(size, header.source.size - place.offset)
    if place.length == 0 or (place.length is not None and place.offset is not None and _is_plain(header)):
        # As they are in the file, single bits too, which are packed across frames in a file.
        start = before + encoded_element(tag, (vr.encode(), b""))[:8] + (size + size % 2).to_bytes(4, "little")
        end = b"\0" * (size % 2)
        span = FileSpan(place.offset or 0, size)
        return Transcoded(len(start) + size + len(end), lambda: iter((start, span, end) if size else (start,)))
    pixels = describe_pixels(header)
    bits = pixels.rows * pixels.columns * pixels.samples * pixels.bits_allocated
    if not is_encapsulated(header.transfer_syntax_uid):
        bits = min(bits, 8 * size // pixels.frames) if pixels.bits_allocated > 1 else bits
        bits = pixels.frame_bits if pixels.photometric == "YBR_FULL_422" and bits >= pixels.frame_bits else bits
    total = (bits * pixels.frames + 7) // 8
    start = before + encoded_element(tag, (vr.encode(), b""))[:8] + (total + total % 2).to_bytes(4, "little")

    def pieces() -> Iterator[Piece]:
        yield start
        yield from (
            _packed_together(header, pixels)
            if pixels.bits_allocated == 1
            else frame_octets(header, range(pixels.frames))
        )
        if total % 2:
            yield b"\0"

    return Transcoded(len(start) + total + total % 2, pieces)


def _is_plain(header: Header) -> bool:
    """Whether the file's pixel bytes are those of Explicit VR Little Endian."""
    try:
        pixels = describe_pixels(header)
    except VoxelryError:  # pixels that nobody can describe are sent as they are
        return header.elements.little_endian
    return native_frame_places(header, pixels) is not None or (
        pixels.bits_allocated == 1 and header.elements.little_endian
    )


def _packed_together(header: Header, pixels: PixelDescription) -> Iterator[bytes]:
    """Single bits of all frames without a gap (PS3.5 8.1.1)."""
    count = pixels.rows * pixels.columns
    kept = np.empty(0, np.uint8)
    for octets in frame_octets(header, range(pixels.frames)):
        bits = np.unpackbits(np.frombuffer(octets, np.uint8), bitorder="little")[:count]
        kept = np.concatenate([kept, bits])
        whole = len(kept) - len(kept) % 8
        yield np.packbits(kept[:whole], bitorder="little").tobytes()
        kept = kept[whole:]
    yield np.packbits(kept, bitorder="little").tobytes()


def _compressed(
    header: Header, head: bytes, changes: Mapping[int, EncodedValue | None], transfer_syntax: str
) -> Transcoded:
    pixels = describe_pixels(header)
    told = dict(changes)
    if pixels.samples > 1:
        told[_PLANAR] = short(0)
        if transfer_syntax == HTJ2K_LOSSLESS:  # its encoder mixes the samples reversibly
            told[_PHOTOMETRIC] = words(b"CS", "YBR_RCT")
    before = head + explicit_elements(header, told) + encoded_element(0x7FE00010, (b"OB", b""))[:8] + _UNDEFINED

    def pieces() -> Iterator[Piece]:
        yield before + _EMPTY_TABLE
        for frame in _frames(header, pixels, tuple(range(pixels.frames))):
            encoded = encode_frame(frame, transfer_syntax)
            encoded += b"\0" * (len(encoded) % 2)
            yield _ITEM + len(encoded).to_bytes(4, "little")
            yield encoded
        yield _SEQUENCE_END

    return Transcoded(None, pieces)


def _frames(header: Header, pixels: PixelDescription, wanted: tuple[int, ...]) -> Iterator[npt.NDArray[Any]]:
    """Frames as arrays, samples last."""
    if is_encapsulated(header.transfer_syntax_uid):
        yield from decompressed_frames(header, wanted)
        return
    dtype = np.dtype(f"{'i' if pixels.signed else 'u'}{pixels.bits_allocated // 8}").newbyteorder("<")
    for octets in native_octets(header, pixels, wanted):
        values = np.frombuffer(octets, dtype)
        if pixels.samples == 1:
            yield values.reshape(pixels.rows, pixels.columns)
        elif pixels.planar:
            yield np.moveaxis(values.reshape(pixels.samples, pixels.rows, pixels.columns), 0, -1)
        elif values.size == pixels.rows * pixels.columns * pixels.samples:
            yield values.reshape(pixels.rows, pixels.columns, pixels.samples)
        else:
            raise PixelDataError(f"{header.name}: halved chrominance cannot be encoded without loss")


def _octets(values: npt.NDArray[Any]) -> bytes:
    if values.dtype.itemsize > 1 and values.dtype.byteorder == ">":
        values = values.astype(values.dtype.newbyteorder("<"))
    return np.ascontiguousarray(values).tobytes()


def uncompressed_pixels(header: Header) -> tuple[tuple[int, int] | Iterator[bytes], int]:
    """The value of the element with the pixels in Explicit VR Little Endian, and its length without padding.

    Returns
    -------
    value
        Where it is in the file; or its bytes, made while they are read, the first ones already.

    Raises
    ------
    VoxelryError
        If the pixels cannot be decoded.
    """
    place = header.pixel_bytes
    if place is not None and place.length is not None and place.offset is not None and _is_plain(header):
        length = min(place.length, header.source.size - place.offset)
        return (place.offset, length), length
    pixels = describe_pixels(header)
    total = (pixels.rows * pixels.columns * pixels.samples * pixels.bits_allocated * pixels.frames + 7) // 8
    frames = (
        _packed_together(header, pixels) if pixels.bits_allocated == 1 else frame_octets(header, range(pixels.frames))
    )
    first = next(frames)
    return chain((first,), frames), total
