"""The b-value of a diffusion image: the standard's attribute, else the maker's own."""

from __future__ import annotations

import struct

from pydicom.multival import MultiValue

from voxelry.dicom.elements import Elements
from voxelry.dicom.headers import Header
from voxelry.dicom.quiet import quiet

_MAKERS = (
    # group, private creator, element within the creator's block
    (0x0019, "SIEMENS MR HEADER", 0x0C),
    (0x0043, "GEMS_PARM_01", 0x39),
    (0x2001, "Philips Imaging DD 001", 0x03),
)
_GE_MARK = 100_000
"""GE adds 1e9 to b-values of multi-shell protocols; what is above this is that mark."""


def private_b_value(header: Header) -> str:
    """A b-value in s/mm2 of a maker's private attribute, as text; empty where there is none."""
    for group, creator, element in _MAKERS:
        content = _private(header.elements, group, creator, element)
        value = None if content is None else _first_number(content)
        if value is not None and value >= 0:
            return f"{value % _GE_MARK if group == 0x0043 else value:g}"
    return ""


def _private(elements: Elements, group: int, creator: str, element: int) -> bytes | None:
    """The bytes of a private attribute: its creator reserves a block of elements (PS3.5 7.8.1)."""
    if elements.raw is None:
        try:
            with quiet:
                value = elements.dataset.private_block(group, creator)[element].value
        except Exception:  # no such block, or a value that pydicom cannot read: both are no b-value
            return None
        several = value if isinstance(value, list | tuple | MultiValue) else [value]
        return value if isinstance(value, bytes) else "\\".join(map(str, several)).encode()
    for block in range(0x10, 0x100):
        reserved = elements.raw.get(group << 16 | block)
        if reserved is None:
            if block > 0x1F:  # creators follow each other from the first block; nobody leaves so wide a hole
                return None
            continue
        if reserved[1].strip(b"\0 ").decode("latin-1") == creator:
            found = elements.raw.get(group << 16 | block << 8 | element)
            return None if found is None else found[1]
    return None


def _first_number(content: bytes) -> float | None:
    try:
        return float(content.split(b"\\")[0].strip(b"\0 "))
    except ValueError:
        pass
    if len(content) in (4, 8):  # FL or FD
        found: float = struct.unpack("<f" if len(content) == 4 else "<d", content)[0]
        return found if 0 <= found < _GE_MARK else None
    return None
