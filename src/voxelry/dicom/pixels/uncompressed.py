"""Uncompressed frames: each is read from its position in the file without reading the others."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from typing import Any, BinaryIO, cast

import numpy as np
import numpy.typing as npt
import pydicom

from voxelry.core.errors import NoPixelDataError, PixelDataError, TruncatedError
from voxelry.dicom.headers.attributes import tag_label
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.part10_elements import PixelBytes
from voxelry.dicom.headers.pixel_description import PixelDescription
from voxelry.dicom.headers.sources import FileSource
from voxelry.dicom.pixels.codecs import GE_BIG_ENDIAN_PIXELS, is_encapsulated

Stored = npt.NDArray[Any]

_SCATTERED = hasattr(os, "preadv")
_LITTLE = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1")


def native_frames(header: Header, pixels: PixelDescription, wanted: Iterable[int]) -> Iterator[Stored]:
    """The frames of these indices, ascending, as they are stored: shape ``(row, column[, sample])``.

    Raises
    ------
    PixelDataError
        If the pixels are encapsulated after all.
    TruncatedError
        If there are fewer bytes than the header declares.
    """
    place, there = check_length(header, pixels)
    # Big endian files hold 8 bit values in 16 bit words only if the VR is OW.
    swapped = not _little(header) and pixels.bits_allocated == 8 and _written_as_words(header)
    # Some software decompresses 4:2:2 and leaves it in the header: the length shows it.
    whole = pixels.frames * pixels.rows * pixels.columns * 3 * pixels.bits_allocated // 8
    halved = pixels.photometric == "YBR_FULL_422" and there < whole
    bits = pixels.rows * pixels.columns * pixels.samples * pixels.bits_allocated
    bits = pixels.frame_bits if halved else bits
    with header.source.open() as opened:
        file, start = (_inflated(opened), 0) if place.offset is None else (opened, place.offset)
        for index in sorted(wanted):
            encoded = _read(file, start, index * bits, bits, swapped=swapped)
            yield unpacked(encoded, pixels, little=_little(header), first_bit=index * bits % 8, halved=halved)


def bit_frames(header: Header, pixels: PixelDescription, wanted: Iterable[int]) -> Iterator[tuple[int, Stored | None]]:
    """Native frames of single bits, by their indices, ascending: None for one without a bit, which is not unpacked.

    Yields
    ------
    index, values
        Of each frame; shape ``(row, column)``, 0 and 1.

    Raises
    ------
    PixelDataError, TruncatedError
        As `native_frames`.
    """
    place, _ = check_length(header, pixels)
    bits = pixels.rows * pixels.columns
    empty = bytes(bits // 8 + 2)
    with header.source.open() as opened:
        file, start = (_inflated(opened), 0) if place.offset is None else (opened, place.offset)
        for index in sorted(wanted):
            encoded = _read(file, start, index * bits, bits, swapped=False)
            if 8 * len(encoded) < index * bits % 8 + bits:
                raise TruncatedError(f"{header.name}: became shorter while it was read; try again")
            if encoded == empty[: len(encoded)]:
                yield index, None
            else:
                yield index, unpacked(encoded, pixels, little=True, first_bit=index * bits % 8)


def is_direct(header: Header, pixels: PixelDescription) -> bool:
    """True if frames can be read straight into an array: whole numbers of whole bytes, as this machine has them."""
    return (
        isinstance(header.source, FileSource)
        and header.transfer_syntax_uid in _LITTLE
        and pixels.keyword == "PixelData"
        and pixels.kind == "grey"
        and pixels.bits_allocated > 1
        and place_of(header).offset is not None
        and sys.byteorder == "little"
        and header.elements.little_endian
    )


def read_directly(header: Header, pixels: PixelDescription, buffers: Mapping[int, Stored]) -> Iterator[int]:
    """Read frames, by their indices, into arrays of the stored size.

    Yields
    ------
    index
        Of each frame, once it is read.

    Raises
    ------
    PixelDataError, TruncatedError
        As ``native_frames``.
    """
    place, _ = check_length(header, pixels)
    source, start, size = cast(FileSource, header.source), cast(int, place.offset), pixels.frame_bits // 8
    descriptor = os.open(source.path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        for index, buffer in buffers.items():
            if _read_fully(descriptor, buffer.data.cast("B"), start + index * size) < size:
                raise TruncatedError(f"{header.name}: became shorter while it was read; try again")
            yield index
    finally:
        os.close(descriptor)


def fill_from(path: str, offset: int, out: Stored) -> bool:
    """Read a file's bytes from ``offset`` on into an array; False if there are too few."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0))
    try:
        return _read_fully(descriptor, out.data.cast("B"), offset) == out.nbytes
    finally:
        os.close(descriptor)


def _read_fully(descriptor: int, into: memoryview, offset: int) -> int:
    """Read until ``into`` is full or the file ends; returns the number of bytes."""
    done = 0
    while done < len(into):
        if _SCATTERED:
            count = os.preadv(descriptor, [into[done:]], offset + done)
        else:
            os.lseek(descriptor, offset + done, os.SEEK_SET)
            block = os.read(descriptor, min(len(into) - done, 2**20))
            count = len(block)
            into[done : done + count] = block
        if count == 0:
            break
        done += count
    return done


def check_length(header: Header, pixels: PixelDescription) -> tuple[PixelBytes, int]:
    """Where the pixels are, and how many bytes the header declares; raises a TruncatedError if the file has fewer."""
    place = place_of(header)
    if place.length is None:
        raise PixelDataError(
            f"{header.name}: {tag_label(place.keyword)} is encapsulated, but the transfer syntax is "
            f"{header.transfer_syntax_uid.name}"
        )
    needed = (pixels.frame_bits * pixels.frames + 7) // 8
    there = place.length if place.offset is None else min(place.length, header.source.size - place.offset)
    if there < needed:
        raise TruncatedError(
            f"{header.name}: {tag_label(place.keyword)} needs {needed} bytes for {pixels.frames} x {pixels.rows} x "
            f"{pixels.columns} pixels, but {max(there, 0)} are there; the file is cut off: copy it again"
        )
    return place, there


def check_bytes(header: Header, pixels: PixelDescription) -> None:
    """Raise a TruncatedError if native pixels are fewer than the header declares; of others only a decoder can tell."""
    place = header.pixel_bytes
    if place is None or place.length is None or place.offset is None:
        return
    needed = (pixels.frame_bits * pixels.frames + 7) // 8
    if header.source.size - place.offset < needed and not is_encapsulated(header.transfer_syntax_uid):
        check_length(header, pixels)


def place_of(header: Header) -> PixelBytes:
    """Where the pixels lie, or a NoPixelDataError."""
    if header.pixel_bytes is None:
        raise NoPixelDataError(f"{header.name}: holds no Pixel Data (7FE0,0010)")
    return header.pixel_bytes


def _read(file: BinaryIO, start: int, first_bit: int, bits: int, *, swapped: bool) -> bytes:
    first, last = first_bit // 8, (first_bit + bits + 7) // 8
    if not swapped:
        file.seek(start + first)
        return file.read(last - first)
    even = first - first % 2  # a frame of odd size begins in the middle of a word
    file.seek(start + even)
    words = file.read(last + last % 2 - even)
    return np.frombuffer(words, np.uint16).byteswap().tobytes()[first - even : last - even]


def unpacked(
    encoded: bytes, pixels: PixelDescription, *, little: bool, first_bit: int = 0, halved: bool = False
) -> Stored:
    """The stored values that one frame's bytes hold; shape ``(row, column[, sample])``.

    Parameters
    ----------
    first_bit
        Where the frame begins in the first byte, of single bits.
    halved
        True if two pixels share their chrominance.
    """
    if pixels.bits_allocated == 1:  # frames need not begin at a byte
        count = pixels.rows * pixels.columns
        bits = np.unpackbits(np.frombuffer(encoded, np.uint8), bitorder="little")
        return bits[first_bit : first_bit + count].reshape(pixels.rows, pixels.columns)
    values = np.frombuffer(encoded, pixels.dtype.newbyteorder("<" if little else ">"))
    values = values.astype(pixels.dtype, copy=False)
    if halved:
        return _from_422(values, pixels)
    if pixels.samples > 1 and pixels.planar:
        return values.reshape(pixels.samples, pixels.rows, pixels.columns).transpose(1, 2, 0)
    if pixels.samples > 1:
        return values.reshape(pixels.rows, pixels.columns, pixels.samples)
    return values.reshape(pixels.rows, pixels.columns)


def _little(header: Header) -> bool:
    little = header.elements.little_endian
    return bool(little) and header.transfer_syntax_uid != GE_BIG_ENDIAN_PIXELS


def _inflated(file: BinaryIO) -> BinaryIO:
    whole = pydicom.dcmread(file, force=True)
    keyword = next(k for k in ("PixelData", "FloatPixelData", "DoubleFloatPixelData") if k in whole)
    return BytesIO(whole[keyword].value)


def _written_as_words(header: Header) -> bool:
    place = place_of(header)
    if place.offset is None:
        return False
    with header.source.open() as file:
        file.seek(place.offset - 8)
        return file.read(2) == b"OW"


def _from_422(values: Stored, pixels: PixelDescription) -> Stored:
    """Y1 Y2 Cb Cr of each pixel pair to Y Cb Cr of each pixel (PS3.3 C.7.6.3.1.2)."""
    pairs = values.reshape(-1, 4)
    full = np.empty((len(pairs), 2, 3), values.dtype)
    full[:, 0, 0], full[:, 1, 0] = pairs[:, 0], pairs[:, 1]
    full[:, :, 1], full[:, :, 2] = pairs[:, 2:3], pairs[:, 3:4]
    return full.reshape(pixels.rows, pixels.columns, 3)


def native_octets(header: Header, pixels: PixelDescription, wanted: Iterable[int]) -> Iterator[bytes]:
    """The bytes of these frames as a file in Explicit VR Little Endian holds them, each beginning at a byte.

    Planes, halved chrominance and unused bits stay as they are.

    Raises
    ------
    PixelDataError
        If the pixels are encapsulated after all.
    TruncatedError
        If there are fewer bytes than the header declares.
    """
    place, there = check_length(header, pixels)
    little = _little(header)
    swapped = not little and pixels.bits_allocated == 8 and _written_as_words(header)
    bits = stored_frame_bits(pixels, there)
    with header.source.open() as opened:
        file, start = (_inflated(opened), 0) if place.offset is None else (opened, place.offset)
        for index in sorted(wanted):
            encoded = _read(file, start, index * bits, bits, swapped=swapped)
            if pixels.bits_allocated == 1:
                first = index * bits % 8
                single = np.unpackbits(np.frombuffer(encoded, np.uint8), bitorder="little")[first : first + bits]
                yield np.packbits(single, bitorder="little").tobytes()
            elif little or pixels.bits_allocated == 8:
                yield encoded
            else:
                yield np.frombuffer(encoded, f"u{pixels.bits_allocated // 8}").byteswap().tobytes()


def stored_frame_bits(pixels: PixelDescription, there: int) -> int:
    """The bits of one native frame, if the pixels have this many bytes.

    Some software decompresses 4:2:2 and leaves it in the header: the length shows it.
    """
    whole = pixels.rows * pixels.columns * pixels.samples * pixels.bits_allocated
    return pixels.frame_bits if pixels.frames * whole > 8 * there else whole


def native_frame_places(header: Header, pixels: PixelDescription) -> tuple[int, int] | None:
    """Where the first native frame begins in the file, and the bytes of each, if they can be sent from there.

    Returns None if they have to be read: compressed or deflated ones, big endian words, and single bits of which a
    frame fills no whole bytes.
    """
    place = header.pixel_bytes
    if place is None or place.offset is None or place.length is None or is_encapsulated(header.transfer_syntax_uid):
        return None
    bits = stored_frame_bits(pixels, min(place.length, header.source.size - place.offset))
    if bits % 8 or not _little(header) or place.offset + pixels.frames * bits // 8 > header.source.size:
        return None
    return place.offset, bits // 8
