"""The protocol that GE keeps as a packed text in a private attribute, and how many slices it excites together."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping

from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.private_places import frame_private_text
from voxelry.dicom.headers.private_attributes import private_value

_PROTOCOL = re.compile(rb'^(?:set )?(SLICEORDER|IOPT|NOSLC|MBACCEL) "([^"\n]*)"', re.MULTILINE)
_MOST_PROTOCOL = 1 << 20
"""The most bytes of an unpacked protocol; real ones have about 2000."""
_MOST_TOGETHER = 64
"""A larger number is none of slices excited together."""


def ge_protocol_words(frame: Frame) -> Mapping[str, str]:
    """Some words of the Protocol Data Block (0025,xx1B), a gzip'd text; empty if it is missing or damaged."""
    content = private_value(frame.header.elements, 0x0025, "GEMS_SERS_01", 0x1B) or b""
    start = content.find(b"\x1f\x8b", 0, 16)
    try:
        words = b"" if start < 0 else zlib.decompressobj(31).decompress(content[start:], _MOST_PROTOCOL)
    except zlib.error:
        return {}
    return {name.decode(): value.decode("latin-1") for name, value in _PROTOCOL.findall(words)}


def ge_bands(frame: Frame, protocol: Mapping[str, str]) -> int:
    """How many slices are excited at once, by (0043,xxB6) or by the protocol; 1 if neither says it."""
    told = (frame_private_text(frame, 0x0043, "GEMS_PARM_01", 0xB6).split("\\")[0], protocol.get("MBACCEL", ""))
    numbers = [int(words) for words in map(str.strip, told) if words.isascii() and words.isdigit()]
    return max((number for number in numbers if 1 <= number <= _MOST_TOGETHER), default=1)
