"""Settings of GE's scanners, from their private attributes."""

from __future__ import annotations

import math

from voxelry.core.makers import maker_name
from voxelry.core.value import Value
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.group_attributes import frame_number
from voxelry.dicom.frames.image_parts import map_word
from voxelry.dicom.frames.private_places import frame_private_numbers, frame_private_text
from voxelry.dicom.headers.attributes import text

_SHIMS = (0x02, 0x03, 0x04)
"""Gradient offsets along x, y and z (0043,xx02) to (0043,xx04)."""
_ARMS = (("NumberOfPointsPerArm", 0x60), ("NumberOfArms", 0x61), ("NumberOfExcitations", 0x62))
_LEAST_SCALE = 1.6
"""Echoes of a smaller scale would be more than 0.1 s apart."""
_LONGEST_PAUSE = 600.0
"""Seconds; a larger number is no pause."""


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
    for name, element in _ARMS:
        count = frame_private_numbers(frame, 0x0027, "GEMS_IMAG_01", element, "FL")
        if count and count[0] > 0:
            found[name] = int(count[0]) if count[0].is_integer() else count[0]
    coil = text(frame.header.elements, "ReceiveCoilName")
    if coil:
        found["CoilString"] = coil
    learned = frame_private_text(frame, 0x0043, "GEMS_PARM_01", 0xCA)
    if learned and learned.split("\\")[0].strip("0. "):
        found |= {"DeepLearning": True, "DeepLearningDetails": learned}
    found |= _field_map(frame)
    reused = frame_private_text(frame, 0x0043, "GEMS_PARM_01", 0x95)
    return found | ({"PrescanReuseString": reused} if reused else {})


def _field_map(frame: Frame) -> dict[str, Value]:
    """Unit and echo times of a field map: the second echo follows by the scale of velocity encoding (0019,xxE2)."""
    if map_word(frame) != "fieldmap":
        return {}
    found: dict[str, Value] = {"Units": "Hz"}
    first = frame_number(frame, "EchoTime")
    scale = frame_private_numbers(frame, 0x0019, "GEMS_ACQU_01", 0xE2, "DS")
    if first is None or first <= 0 or not scale or abs(scale[0]) < _LEAST_SCALE:
        return found
    later = 1 / (2 * math.pi * abs(scale[0]))
    return found | {"EchoTime1": round(first / 1000, 9), "EchoTime2": round(first / 1000 + later, 6)}


def ge_pause(frame: Frame) -> float:
    """Seconds of the pause that GE makes behind each volume (0043,xx7C), which its Repetition Time is without."""
    if maker_name(text(frame.header.elements, "Manufacturer")) != "GE":
        return 0.0
    said = frame_private_numbers(frame, 0x0043, "GEMS_PARM_01", 0x7C, "FL")
    return round(said[0], 6) if said and 0 < said[0] < _LONGEST_PAUSE else 0.0
