"""Value representations (PS3.5 6.2): how long their length field is, and how their binary numbers are encoded."""

from __future__ import annotations

from functools import cache

from pydicom.datadict import dictionary_VR

LONG_VRS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
"""Value representations whose explicit length has 4 bytes (PS3.5 7.1.2)."""
SHORT_VRS = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
"""Value representations whose explicit length has 2 bytes (PS3.5 7.1.2)."""
BINARY_VRS = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN", "OB or OW"})
"""Value representations without a readable value, as pydicom names them."""
NUMBER_FORMATS = {
    b"FD": "<d",
    b"FL": "<f",
    b"SL": "<i",
    b"SS": "<h",
    b"SV": "<q",
    b"UL": "<I",
    b"US": "<H",
    b"UV": "<Q",
}
"""The ``struct`` format of one little endian number of each binary value representation."""
PIXEL_TAGS = {0x7FE00008: "FloatPixelData", 0x7FE00009: "DoubleFloatPixelData", 0x7FE00010: "PixelData"}
"""The three attributes that hold pixels, by tag."""


@cache
def dictionary_vr(tag: int) -> bytes:
    """Value representation of a standard attribute; empty if it is unknown or depends on other attributes."""
    try:
        found = dictionary_VR(tag)
    except KeyError:
        return b""
    return found.encode() if len(found) == 2 else b""
