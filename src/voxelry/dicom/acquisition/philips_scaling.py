"""Philips' second scale of magnetic resonance images, beside the standard's rescale.

The stored value times Rescale Slope plus Rescale Intercept is what the standard, and everything here, takes for an
image's values. Philips chooses that scale for display, anew for each series. Divided by Scale Slope (2005,xx0E) and
Rescale Slope it is what the scanner measured, and comparable between series (Chenevert and others, 2014).
"""

from __future__ import annotations

from collections.abc import Sequence

from voxelry.core.errors import PixelDataError
from voxelry.core.makers import maker_name
from voxelry.core.value import Value
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.frame_facts import group_of
from voxelry.dicom.frames.image_parts import complex_part, map_word
from voxelry.dicom.frames.private_places import frame_private_numbers
from voxelry.dicom.headers.attributes import number, text

_NO_UNIT = frozenset({"", "US", "NORMALIZED"})
"""Rescale Type of values that have no unit."""


def philips_scale_slope(frame: Frame) -> float | None:
    """Scale Slope (2005,xx0E) of a frame; None if there is none, or none that can divide."""
    if maker_name(text(frame.header.elements, "Manufacturer")) != "Philips":
        return None
    found = frame_private_numbers(frame, 0x2005, "Philips MR Imaging DD 001", 0x0E, "FL")
    return found[0] if found and found[0] != 0 else None


def standard_rescale(frame: Frame) -> tuple[float, float] | None:
    """Rescale Slope and Intercept, whatever scale the frame has; None if there are none, or the slope is 0."""
    transform = group_of(frame.groups, "PixelValueTransformationSequence", frame.header.elements)
    try:
        slope, intercept = number(transform, "RescaleSlope"), number(transform, "RescaleIntercept")
    except PixelDataError:
        return None
    return None if not slope else (slope, intercept or 0.0)


def precise_rescale(frame: Frame) -> tuple[float, float] | None:
    """Slope and intercept from stored to precise values: (stored + RI / RS) / SS; None where there are none.

    There are none of images whose values have a unit already (ADC, Hz, milliseconds), are a phase, or come through a
    lookup table, and of other modalities.
    """
    elements = frame.header.elements
    if text(elements, "Modality") != "MR" or complex_part(frame) == "phase" or map_word(frame):
        return None
    if frame.unit.upper() not in _NO_UNIT or "ModalityLUTSequence" in elements:
        return None
    scale, rescale = philips_scale_slope(frame), standard_rescale(frame)
    if scale is None or rescale is None:
        return None
    slope, intercept = rescale
    return 1 / scale, intercept / (slope * scale)


def philips_fields(frames: Sequence[Frame]) -> dict[str, Value]:
    """Both scales of a volume, by the names that dcm2niix gave them; none where they differ from slice to slice."""
    if philips_scale_slope(frames[0]) is None:
        return {}
    found = {(philips_scale_slope(frame), standard_rescale(frame)) for frame in frames}
    used: dict[str, Value] = {"UsePhilipsFloatNotDisplayScaling": int(frames[0].philips_precise)}
    (scale, rescale), *others = found
    if others or scale is None or rescale is None:
        return used
    numbers: dict[str, Value] = {
        "PhilipsRescaleSlope": rescale[0], "PhilipsRescaleIntercept": rescale[1], "PhilipsScaleSlope": scale
    }  # fmt: skip
    return numbers | used
