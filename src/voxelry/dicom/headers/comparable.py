"""Values of attributes in a form that compares as they mean: numbers as numbers, texts without their padding.

``4.6``, ``4.60`` and ``46e-1`` are one value, whichever value representation holds them.
"""

from __future__ import annotations

import math
import re
import struct
from typing import TypeAlias

from pydicom.dataelem import DataElement
from pydicom.multival import MultiValue

Comparable: TypeAlias = tuple[str | float | bytes, ...]
"""The values of one attribute, in order; empty for one that is absent or empty."""

ABSENT: Comparable = ()
LONGEST = 1024
"""Bytes: what is longer is a table or a picture, not a value to tell images apart by."""

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?").fullmatch
_FORMS = {b"FD": "<d", b"FL": "<f", b"SL": "<i", b"SS": "<h", b"SV": "<q", b"UL": "<I", b"US": "<H", b"UV": "<Q"}
_TEXTS = frozenset((b"CS", b"AE", b"AS", b"DA", b"DT", b"TM", b"UI"))
_NUMBERS_OR_TEXTS = frozenset((b"DS", b"IS", b"LO", b"SH", b"UC", b"LT", b"ST", b"UT"))
_DIGITS = 7
"""As many as a 32 bit float holds: 4.6 written as FL and as DS is one value."""


def floats_of(value: Comparable) -> tuple[float, ...]:
    """The numbers of a value."""
    return tuple(one for one in value if isinstance(one, float))


def comparable_number(value: float) -> float:
    """A number without the digits beyond a 32 bit float; whole numbers are exact."""
    return value + 0.0 if value.is_integer() or not math.isfinite(value) else float(f"{value:.{_DIGITS}g}")


def comparable_bytes(vr: bytes, content: bytes) -> Comparable | None:
    """Of an attribute as a little endian file holds it; None for one that is too long to tell images apart.

    Parameters
    ----------
    vr
        The value representation; empty where it is unknown.
    """
    form = _FORMS.get(vr)
    if form is not None and len(content) % struct.calcsize(form) == 0:
        return tuple(comparable_number(float(number)) for (number,) in struct.iter_unpack(form, content))
    if len(content) > LONGEST:
        return None
    if vr in _TEXTS or vr in _NUMBERS_OR_TEXTS:
        return comparable_text(content.decode("latin-1"), numbers=vr in _NUMBERS_OR_TEXTS)
    words = content.rstrip(b"\0 ")
    if words.isascii() and words.decode("ascii").isprintable():  # a private attribute that is not declared
        return comparable_text(words.decode("ascii"), numbers=True)
    return (content,)


def comparable_text(text: str, *, numbers: bool) -> Comparable:
    """Of a text with its values joined by backslashes."""
    words = [word.strip("\0 \t\r\n") for word in text.split("\\")]
    while words and not words[-1]:
        words.pop()
    return tuple(comparable_number(float(word)) if numbers and _NUMBER(word) else word for word in words)


def comparable_element(element: DataElement) -> Comparable | None:
    """Of an element that pydicom read."""
    value = element.value
    if isinstance(value, bytes):
        return comparable_bytes(b"", value)
    several = list(value) if isinstance(value, MultiValue | list | tuple) else [] if value is None else [value]
    found: list[str | float | bytes] = []
    numbers = element.VR.encode() in _NUMBERS_OR_TEXTS
    for one in several:
        if isinstance(one, int | float):
            found.append(comparable_number(float(one)))
        else:
            found += comparable_text(str(one), numbers=numbers)
    return None if sum(len(one) for one in found if isinstance(one, str)) > LONGEST else tuple(found)
