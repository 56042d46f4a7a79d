"""Values of attributes in a comparable form: numbers as numbers, texts without padding.

``4.6``, ``4.60`` and ``46e-1`` are equal, in whatever value representation.
"""

from __future__ import annotations

import math
import re
import struct
from typing import TypeAlias

from pydicom.dataelem import DataElement
from pydicom.multival import MultiValue

from voxelry.dicom.headers.value_representations import NUMBER_FORMATS

Comparable: TypeAlias = tuple[str | float | bytes, ...]
"""The values of one attribute, in order; empty for one that is absent or empty."""

ABSENT: Comparable = ()
LONGEST = 1024
"""Bytes; a longer value is a table or a picture and does not tell images apart."""

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?").fullmatch
_TEXTS = frozenset((b"CS", b"AE", b"AS", b"DA", b"DT", b"TM", b"UI"))
_NUMBERS_OR_TEXTS = frozenset((b"DS", b"IS", b"LO", b"SH", b"UC", b"LT", b"ST", b"UT"))
_DIGITS = 7
"""The precision of a 32 bit float, so that 4.6 as FL equals 4.6 as DS."""


def floats_of(value: Comparable) -> tuple[float, ...]:
    """The numbers of a value."""
    return tuple(one for one in value if isinstance(one, float))


def comparable_number(value: float) -> float:
    """A number rounded to the precision of a 32 bit float; whole numbers stay exact."""
    return value + 0.0 if value.is_integer() or not math.isfinite(value) else float(f"{value:.{_DIGITS}g}")


def comparable_bytes(vr: bytes, content: bytes) -> Comparable | None:
    """The comparable form of little endian bytes; None if they are longer than ``LONGEST``.

    Parameters
    ----------
    vr
        The value representation; empty if it is unknown.
    content
        The attribute's value.
    """
    form = NUMBER_FORMATS.get(vr)
    if form is not None and len(content) % struct.calcsize(form) == 0:
        return tuple(comparable_number(float(number)) for (number,) in struct.iter_unpack(form, content))
    if len(content) > LONGEST:
        return None
    if vr in _TEXTS or vr in _NUMBERS_OR_TEXTS:
        return comparable_text(content.decode("latin-1"), numbers=vr in _NUMBERS_OR_TEXTS)
    words = content.rstrip(b"\0 ")
    if words.isascii() and words.decode("ascii").isprintable():  # text in a private attribute of unknown VR
        return comparable_text(words.decode("ascii"), numbers=True)
    return (content,)


def comparable_text(text: str, *, numbers: bool) -> Comparable:
    """The comparable form of a text whose values are joined by backslashes."""
    words = [word.strip("\0 \t\r\n") for word in text.split("\\")]
    while words and not words[-1]:
        words.pop()
    return tuple(comparable_number(float(word)) if numbers and _NUMBER(word) else word for word in words)


def comparable_element(element: DataElement) -> Comparable | None:
    """The comparable form of an element that pydicom read; None if it is longer than ``LONGEST``."""
    value = element.value
    if isinstance(value, bytes):
        return comparable_bytes(b"", value)
    several = list(value) if isinstance(value, MultiValue | list | tuple) else [] if value is None else [value]
    comparable: list[str | float | bytes] = []
    numbers = element.VR.encode() in _NUMBERS_OR_TEXTS
    for item in several:
        if isinstance(item, int | float):
            comparable.append(comparable_number(float(item)))
        else:
            comparable += comparable_text(str(item), numbers=numbers)
    return None if sum(len(item) for item in comparable if isinstance(item, str)) > LONGEST else tuple(comparable)
