"""Settings of Philips' scanners: slices excited together, steps of phase encoding, the name of the sequence."""

from __future__ import annotations

from voxelry.core.value import Value
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.group_attributes import frame_number, frame_words
from voxelry.dicom.frames.private_places import frame_private_text
from voxelry.dicom.headers.attributes import text

_IMAGING = "Philips Imaging DD 001"
_MOST_TOGETHER = 16
"""A larger factor is none of slices excited together."""


def philips_settings(frame: Frame) -> dict[str, Value]:
    """The settings by the names of BIDS and of dcm2niix; what is not said is left out.

    Returns
    -------
    fields
        ``MultibandAccelerationFactor``: Philips writes it as the reduction factor out of the plane (technique MBSENSE);
        2-D acquisitions have no other. ``PhaseEncodingStepsNoPartialFourier``: with partial Fourier
        the steps that Philips writes are those of the whole of k-space, and not what was acquired.
        ``PulseSequenceName``: of older software, from its scanning technique (2001,xx20).
    """
    found: dict[str, Value] = {}
    bands = frame_number(frame, "ParallelReductionFactorOutOfPlane")
    flat = text(frame.header.elements, "MRAcquisitionType") == "2D"
    if flat and bands is not None and bands.is_integer() and 1 < bands <= _MOST_TOGETHER:
        found["MultibandAccelerationFactor"] = int(bands)
    steps = frame_number(frame, "MRAcquisitionPhaseEncodingStepsInPlane")
    steps = frame_number(frame, "NumberOfPhaseEncodingSteps") if steps is None else steps
    partial = frame_words(frame, "PartialFourier")
    if steps is not None and steps > 0 and partial and partial[0] == "YES":
        found["PhaseEncodingStepsNoPartialFourier"] = int(steps)
    name = text(frame.header.elements, "PulseSequenceName") or frame_private_text(frame, 0x2001, _IMAGING, 0x20)
    return found | ({"PulseSequenceName": name} if name else {})
