"""Private attributes, found by their private creator."""

from __future__ import annotations

import math
import struct

from pydicom.multival import MultiValue

from voxelry.dicom.headers.elements import Elements
from voxelry.dicom.headers.pydicom_silence import quiet

_FIRST_BLOCK, _LAST_BLOCK = 0x10, 0xFF
_WIDEST_HOLE = 0x1F
"""The search ends at the first free block behind this one: creators occupy consecutive blocks from the first."""


def private_value(elements: Elements, group: int, creator: str, element: int) -> bytes | None:
    """The bytes of a private attribute; None if it is absent or cannot be read.

    Parameters
    ----------
    group, creator, element
        ``0x0019``, ``"SIEMENS MR HEADER"``, ``0x0C`` for (0019,xx0C), where xx is the block that the creator reserves.

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
        # GE appends its software version to the creator, as further values.
        if reserved.split(b"\\")[0].strip(b"\0 ") == creator.encode():
            return _content(elements, group << 16 | block << 8 | element)
    return None


def _content(elements: Elements, tag: int) -> bytes | None:
    if elements.encoded is not None:
        found = elements.encoded.get(tag)
        return None if found is None else found[1]
    if tag not in elements.dataset.keys():  # noqa: SIM118 - a dataset's own `in` looks the tag up in the dictionary first
        return None
    try:
        with quiet:
            value = elements.dataset[tag].value
    except Exception:  # a value that pydicom cannot read counts as absent
        return None
    several = value if isinstance(value, list | tuple | MultiValue) else [value]
    return value if isinstance(value, bytes) else "\\".join(map(str, several)).encode()


def first_number(content: bytes) -> float | None:
    """The first value of an attribute, encoded as text or as a 32 or 64 bit float; None if it is no finite number."""
    try:
        value = float(content.split(b"\\")[0].strip(b"\0 "))
    except ValueError:
        if len(content) not in (4, 8):
            return None
        (value,) = struct.unpack("<f" if len(content) == 4 else "<d", content)
    return value if math.isfinite(value) else None
