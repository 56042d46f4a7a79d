"""Compares what a compressed frame declares with the header, before it is decoded and memory is allocated.

Decoders trust the numbers in a frame. If a frame is cut off, some decoders fill in the rest, and others search for its
end for seconds.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from voxelry.core.errors import PixelDataError
from voxelry.dicom.pixels.codestream import codestream_size

if TYPE_CHECKING:
    from voxelry.dicom.headers.pixel_description import PixelDescription

_JPEG = "1.2.840.10008.1.2.4."
JPEG_DCT = frozenset(_JPEG + end for end in ("50", "51", "53", "55"))
JPEG_LOSSLESS = frozenset(_JPEG + end for end in ("57", "70"))
JPEG_LS = frozenset(_JPEG + end for end in ("80", "81"))
JPEG_2000 = frozenset(_JPEG + end for end in ("90", "91"))
HTJ2K = frozenset(_JPEG + end for end in ("201", "202", "203"))
RLE = frozenset({"1.2.840.10008.1.2.5"})
DEFLATED_FRAMES = frozenset({"1.2.840.10008.1.2.8.1"})

_START_OF_IMAGE, END_OF_IMAGE = b"\xff\xd8", b"\xff\xd9"
_MOST_RLE = 64
"""Two bytes of an RLE segment make 128 at most (PS3.5 G.3.1)."""
_MOST_DEFLATE = 1032
"""Two bits of a deflated stream make 258 bytes at most (RFC 1951 3.2.5), and so much is a byte then."""
_RLE_HEADER = 64


def check_head(head: bytes, length: int, syntax: str, pixels: PixelDescription) -> None:
    """Refuse a frame whose first bytes contradict the header.

    Parameters
    ----------
    head
        The first bytes, or all.
    length
        How many bytes the frame has.

    Raises
    ------
    PixelDataError
        If its own rows and columns differ from the header's, or if it is too short to hold them.
    """
    if syntax in RLE:
        _check_rle(head, length, pixels)
    elif syntax in DEFLATED_FRAMES:
        if pixels.frame_bits // 8 > _MOST_DEFLATE * length:
            raise PixelDataError(f"a deflated frame has {length} bytes, which cannot hold {pixels.frame_bits // 8}")
    elif syntax in JPEG_DCT | JPEG_LOSSLESS | JPEG_LS and not head.startswith(_START_OF_IMAGE):
        raise PixelDataError("the compressed frame is no JPEG: it does not begin with the marker SOI")
    found = codestream_size(head) if syntax not in RLE | DEFLATED_FRAMES else None
    if found is not None and found != (pixels.rows, pixels.columns):
        raise PixelDataError(
            f"the compressed frame is {found[0]} x {found[1]} pixels, but Rows (0028,0010) and Columns (0028,0011) say "
            f"{pixels.rows} x {pixels.columns}"
        )


def check_end(encoded: bytes, syntax: str) -> None:
    """Refuse a JPEG or JPEG-LS frame without an end marker.

    libjpeg silently fills the missing part with grey; CharLS searches for the end without limit.

    Raises
    ------
    PixelDataError
        If the frame has no end marker.
    """
    if syntax not in JPEG_DCT | JPEG_LOSSLESS | JPEG_LS:
        return
    if END_OF_IMAGE not in encoded[-64:] and END_OF_IMAGE not in encoded.rstrip(b"\0")[-64:]:
        kind = "JPEG-LS" if syntax in JPEG_LS else "JPEG"
        raise PixelDataError(f"a {kind} frame is cut off: it has no end-of-image marker; copy the file again")


def _check_rle(head: bytes, length: int, pixels: PixelDescription) -> None:
    """PS3.5 G.5: the number of segments, then where each begins."""
    needed = pixels.samples * max(1, pixels.bits_allocated // 8)
    words = [int.from_bytes(head[at : at + 4], "little") for at in range(0, min(len(head), _RLE_HEADER), 4)]
    if len(words) < _RLE_HEADER // 4 or words[0] != needed or needed > len(words) - 1:
        raise PixelDataError(f"an RLE frame has {words[0] if words else 0} segments where {needed} are needed")
    starts = [*words[1 : 1 + needed], length]
    for number, (start, stop) in enumerate(pairwise(starts), 1):
        if not _RLE_HEADER <= start <= stop <= length:
            raise PixelDataError(f"RLE segment {number} reaches from byte {start} to {stop} of a frame of {length}")
        if (stop - start) * _MOST_RLE < pixels.rows * pixels.columns:
            raise PixelDataError(
                f"RLE segment {number} has {stop - start} bytes, which cannot hold {pixels.rows} x {pixels.columns}"
            )
