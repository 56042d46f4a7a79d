"""The header segments of a JPEG or JPEG-LS frame, before its first scan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_START = b"\xff\xd8"
_START_OF_SCAN = 0xDA
_NO_FRAME = frozenset({0xC4, 0xC8, 0xCC})
"""Markers in the range of the frame markers that do not begin a frame."""
_JPEG_LS_FRAME = 0xF7


@dataclass(frozen=True, slots=True)
class JpegMarks:
    """What the header segments of a frame declare.

    Attributes
    ----------
    rows, columns, components
        None and empty where no segment declares a frame. Components are told by their identifiers.
    adobe
        The transform flag of Adobe's segment; None without one.
    subsampled
        True if a component has fewer pixels than another.

    References
    ----------
    ISO/IEC 10918-1 B.2, 10918-5 (JFIF), 10918-6 6.5.3 (Adobe)
    """

    rows: int | None
    columns: int | None
    jfif: bool
    adobe: int | None
    components: tuple[int, ...]
    subsampled: bool


def is_jpeg(encoded: bytes) -> bool:
    """True if bytes begin as a JPEG or JPEG-LS frame does."""
    return encoded[:2] == _START


def jpeg_marks(encoded: bytes) -> JpegMarks:
    """The header segments before the first scan; damaged segments are left out."""
    jfif, adobe = False, None
    rows = columns = None
    listed = b""
    for marker, content in _segments(encoded):
        if marker == 0xE0 and content[:5] == b"JFIF\0":
            jfif = True
        elif marker == 0xEE and content[:5] == b"Adobe" and len(content) >= 12:
            adobe = content[11]
        elif ((0xC0 <= marker <= 0xCF and marker not in _NO_FRAME) or marker == _JPEG_LS_FRAME) and len(content) >= 6:
            rows, columns = int.from_bytes(content[1:3], "big"), int.from_bytes(content[3:5], "big")
            listed = content[6 : 6 + 3 * content[5]]
    return JpegMarks(rows, columns, jfif, adobe, tuple(listed[::3]), len(set(listed[1::3])) > 1)


def _segments(encoded: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and content of each segment before the first scan."""
    at = 2
    while at + 4 <= len(encoded) and encoded[at] == 0xFF:
        marker = encoded[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        length = int.from_bytes(encoded[at + 2 : at + 4], "big")
        if marker == _START_OF_SCAN or length < 2:
            return
        yield marker, encoded[at + 4 : at + 2 + length]
        at += 2 + length
