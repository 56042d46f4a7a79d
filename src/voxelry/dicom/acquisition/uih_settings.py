"""Settings of United Imaging's scanners (UIH): phase encoding as it is shown, the time of the readout."""

from __future__ import annotations

from voxelry.core.errors import PixelDataError
from voxelry.core.value import Value
from voxelry.dicom.acquisition.phase_encoding import is_echo_planar
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.group_attributes import frame_number
from voxelry.dicom.frames.private_places import frame_private_text
from voxelry.dicom.frames.uih_grids import uih_slices
from voxelry.dicom.headers.attributes import number

_SHORTEST, _LONGEST = 0.9, 3.0
"""A readout takes at least the time to sample its echoes; it is rounded to milliseconds, and gradients have to ramp."""


def uih_settings(frame: Frame) -> dict[str, Value]:
    """The settings by the names of BIDS and of dcm2niix; what is not said is left out.

    ``TotalReadoutTime`` is Acquisition Duration (0018,9073), in which UIH writes the milliseconds of one echo planar
    readout. The standard has seconds of the whole acquisition there: a number that the echoes cannot take is not used.
    """
    found: dict[str, Value] = {}
    shown = frame_private_text(frame, 0x0065, "Image Private Header", 0x05)
    if shown:
        found["PhaseEncodingDirectionDisplayed"] = shown
    duration, echoes = _duration(frame), frame_number(frame, "EchoTrainLength")
    bandwidth = frame_number(frame, "PixelBandwidth")
    if None in (duration, echoes, bandwidth) or not is_echo_planar(frame):
        return found
    if duration and echoes and bandwidth and echoes > 1 and bandwidth > 0:
        sampled = 1000 * echoes / bandwidth
        if _SHORTEST * sampled <= duration <= _LONGEST * sampled:
            found["TotalReadoutTime"] = duration / 1000
    return found


def _duration(frame: Frame) -> float | None:
    """Of the instance, else of the first slice of a grid."""
    found = frame_number(frame, "AcquisitionDuration")
    if found is not None or frame.tile is None:
        return found
    try:
        return next((number(one, "AcquisitionDuration") for one in uih_slices(frame)), None)
    except PixelDataError:
        return None
