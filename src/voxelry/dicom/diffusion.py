"""The b-value of a diffusion image: the standard's attribute, else the maker's own."""

from __future__ import annotations

from voxelry.dicom.headers import Header
from voxelry.dicom.private import first_number, private_value

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
        content = private_value(header.elements, group, creator, element)
        value = None if content is None else first_number(content)
        if value is not None and value >= 0 and (group == 0x0043 or value < _GE_MARK):
            return f"{value % _GE_MARK if group == 0x0043 else value:g}"
    return ""
