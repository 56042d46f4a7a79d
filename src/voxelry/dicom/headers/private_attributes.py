"""Private attributes, by the name of who made them."""

from __future__ import annotations

import math
import struct

from pydicom.multival import MultiValue

from voxelry.dicom.headers.elements import Elements
from voxelry.dicom.headers.pydicom_silence import quiet

_FIRST_BLOCK, _LAST_BLOCK = 0x10, 0xFF
_WIDEST_HOLE = 0x1F
"""Creators follow each other from the first block; nobody leaves so wide a hole."""


def private_value(elements: Elements, group: int, creator: str, element: int) -> bytes | None:
    """The bytes of a private attribute; None where there is none, or it cannot be read.

    Parameters
    ----------
    group, creator, element
        ``0x0019``, ``"SIEMENS MR HEADER"``, ``0x0C`` for what is written (0019,xx0C): the creator reserves a block of
        elements.

    References
    ----------
    PS3.5 7.8.1
    """
    for block in range(_FIRST_BLOCK, _LAST_BLOCK + 1):
        reserved = _content(elements, group << 16 | block)
        if reserved is None:
            if block > _WIDEST_HOLE:
                return None
            continue
        # GE writes its software's version behind its name, as further values.
        if reserved.split(b"\\")[0].strip(b"\0 ") == creator.encode():
            return _content(elements, group << 16 | block << 8 | element)
    return None


def _content(elements: Elements, tag: int) -> bytes | None:
    if elements.raw is not None:
        found = elements.raw.get(tag)
        return None if found is None else found[1]
    if tag not in elements.dataset.keys():  # noqa: SIM118 - the keys hold tags; the dataset would look each one up
        return None
    try:
        with quiet:
            value = elements.dataset[tag].value
    except Exception:  # a value that pydicom cannot read is as good as none
        return None
    several = value if isinstance(value, list | tuple | MultiValue) else [value]
    return value if isinstance(value, bytes) else "\\".join(map(str, several)).encode()


def first_number(content: bytes) -> float | None:
    """The first value of an attribute, written as text or as a float of 32 or 64 bits; None where it is no number."""
    try:
        found = float(content.split(b"\\")[0].strip(b"\0 "))
    except ValueError:
        if len(content) not in (4, 8):
            return None
        (found,) = struct.unpack("<f" if len(content) == 4 else "<d", content)
    return found if math.isfinite(found) else None
