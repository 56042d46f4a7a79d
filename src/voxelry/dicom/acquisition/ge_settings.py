"""Settings of GE's scanners, from their private attributes."""

from __future__ import annotations

from voxelry.core.value import Value
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.private_places import frame_private_numbers, frame_private_text

_SHIMS = (0x02, 0x03, 0x04)
"""Gradient offsets along x, y and z (0043,xx02) to (0043,xx04)."""


def ge_settings(frame: Frame) -> dict[str, Value]:
    """The settings by the names that dcm2niix gave them; what is not said is left out."""
    found: dict[str, Value] = {}
    names = (("PulseSequenceName", 0x9C), ("InternalPulseSequenceName", 0x9E))
    for name, element in names:
        words = frame_private_text(frame, 0x0019, "GEMS_ACQU_01", element)
        if words:
            found[name] = words
    shims = [frame_private_numbers(frame, 0x0043, "GEMS_PARM_01", element, "SS") for element in _SHIMS]
    if all(shims):
        found["ShimSetting"] = [int(shim[0]) if shim[0].is_integer() else shim[0] for shim in shims]
    return found
