"""Ratio of height to width of pixels whose size in the patient is unknown; for display only."""

from __future__ import annotations

import math

from voxelry.core.errors import PixelDataError
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.headers.attributes import Attributes, first_attributes, numbers

_PAIRS = ("ImagerPixelSpacing", "NominalScannedPixelSpacing", "PixelAspectRatio")
"""Each of rows, then of columns; the standard wants the last only where there is none of the others."""
_EXTREME = 100.0
"""A larger ratio of the sides of a pixel is a mistake in the header."""


def pixel_aspect(frame: Frame) -> float | None:
    """The height of a pixel divided by its width; None if Pixel Spacing is present or no attribute gives the ratio.

    References
    ----------
    PS3.3 C.7.6.3.1.7 (Pixel Aspect Ratio), 10.7.1.3 (spacing at the detector), C.8.6.2 (scanned films),
    C.8.19.6.4 (XA/XRF Frame Pixel Data Properties)
    """
    if frame.pixel_spacing is not None:
        return None
    for keyword in _PAIRS:
        for of in _places(frame):
            found = _ratio(of, keyword)
            if found is not None:
                return found
    return None


def _places(frame: Frame) -> list[Attributes]:
    groups = [first_attributes(group, "FramePixelDataPropertiesSequence") for group in frame.groups]
    return [*(item for item in groups if item is not None), frame.header.elements]


def _ratio(of: Attributes, keyword: str) -> float | None:
    try:
        pair = numbers(of, keyword, 2)
    except PixelDataError:
        return None
    if pair is None or min(pair) <= 0 or not math.isfinite(pair[0] / pair[1]):
        return None
    ratio = pair[0] / pair[1]
    return ratio if 1 / _EXTREME <= ratio <= _EXTREME else None
