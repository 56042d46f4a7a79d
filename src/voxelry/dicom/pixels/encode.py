"""Encodes frames without loss with imagecodecs; the inverse of ``codecs``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from threading import Lock
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

EXPLICIT = "1.2.840.10008.1.2.1"
RLE = "1.2.840.10008.1.2.5"
JPEG_LS = "1.2.840.10008.1.2.4.80"
JPEG_2000_LOSSLESS = "1.2.840.10008.1.2.4.90"
HTJ2K_LOSSLESS = "1.2.840.10008.1.2.4.201"

SYNTAXES: Mapping[str, str] = MappingProxyType(
    {
        "explicit": EXPLICIT,
        "rle": RLE,
        "jpeg-ls": JPEG_LS,
        "jpeg-2000": JPEG_2000_LOSSLESS,
        "htj2k": HTJ2K_LOSSLESS,
    }
)
"""Transfer syntaxes that can be written, by the names that people give them."""

_opening = Lock()

_ITEM = b"\xfe\xff\x00\xe0"
_SEQUENCE_END = b"\xfe\xff\xdd\xe0\0\0\0\0"
_LONGEST_TABLE = 2**32 - 1


def encode_frame(frame: npt.NDArray[Any], transfer_syntax: str) -> bytes:
    """One frame as a compressed bit stream without loss.

    Parameters
    ----------
    frame
        Stored values; shape ``(row, column)``, or ``(row, column, 3)`` for RGB; integers of 8 or 16 bits, and of
        32 in RLE.
    transfer_syntax
        The UID of one of ``SYNTAXES`` that compresses.

    References
    ----------
    PS3.5 8.2, A.4, annex G
    """
    if transfer_syntax == RLE:
        return _encode_rle(frame)
    import imagecodecs

    if transfer_syntax == JPEG_LS:  # it knows no signs: the same bits, whose sign the header tells
        return bytes(imagecodecs.jpegls_encode(np.ascontiguousarray(frame).view(f"u{frame.dtype.itemsize}")))
    if transfer_syntax == JPEG_2000_LOSSLESS:
        return bytes(imagecodecs.jpeg2k_encode(frame, codecformat="j2k", level=0, reversible=True, mct=False))
    if transfer_syntax == HTJ2K_LOSSLESS:
        with _opening:
            _open_htj2k()
        return bytes(imagecodecs.htj2k_encode(frame, reversible=True))
    raise ValueError(f"frames cannot be written in transfer syntax {transfer_syntax}")


@cache
def _open_htj2k() -> None:
    """Encode once in a single thread.

    The first encoding of a process fills tables without a lock (OpenJPH 0.26). A second thread that encodes at the
    same time would silently write wrong values.
    """
    import imagecodecs

    imagecodecs.htj2k_encode(np.arange(64, dtype=np.uint16).reshape(8, 8), reversible=True)


def encapsulated(streams: Sequence[bytes]) -> list[bytes]:
    """The value of an encapsulated Pixel Data element: offset table, a fragment for each frame, delimiter (PS3.5 A.4).

    The table is empty where its 32 bits cannot reach the last frame.
    """
    padded = [stream + b"\0" * (len(stream) % 2) for stream in streams]
    starts = np.cumsum([0, *(len(stream) + 8 for stream in padded[:-1])])
    table = starts.astype("<u4").tobytes() if starts[-1] <= _LONGEST_TABLE else b""
    pieces = [_ITEM + len(table).to_bytes(4, "little") + table]
    for stream in padded:
        pieces += [_ITEM + len(stream).to_bytes(4, "little"), stream]
    return [*pieces, _SEQUENCE_END]


def _encode_rle(frame: npt.NDArray[Any]) -> bytes:
    """PS3.5 annex G: a segment for each byte of each sample, the most significant first, rows on their own."""
    import imagecodecs

    samples = np.moveaxis(frame, -1, 0) if frame.ndim == 3 else frame[None]
    segments = []
    for sample in samples:
        big = np.ascontiguousarray(sample.astype(sample.dtype.newbyteorder(">")))
        octets = big.view(np.uint8).reshape(*big.shape, big.dtype.itemsize)
        for k in range(big.dtype.itemsize):
            packed = bytes(imagecodecs.packbits_encode(np.ascontiguousarray(octets[..., k]), axis=-1))
            segments.append(packed + b"\0" * (len(packed) % 2))
    header = np.zeros(16, dtype="<u4")
    header[0] = len(segments)
    header[1 : len(segments) + 1] = 64 + np.cumsum([0, *map(len, segments[:-1])])
    return header.tobytes() + b"".join(segments)
