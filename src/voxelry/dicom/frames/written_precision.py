"""Precision of positions: half a unit of the last digit in the header's text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.multiframe_positions import plane_attributes
from voxelry.dicom.headers.attributes import Attributes, first_attributes, texts

_SINGLE_DIGITS = 8
"""Text with this many significant digits may come from a 32 bit float, whose precision is seven digits."""


def rounding_of(frames: Sequence[Frame]) -> npt.NDArray[np.float64] | None:
    """Half a unit of the last digit of each coordinate of Image Position (Patient), mm; shape ``(3,)``.

    Some writers leave out zeros at the end, so that the longest text of a coordinate counts. A coordinate that is the
    same everywhere has no rounding. None where a position is not the header's own text.
    """
    words: list[tuple[str, ...]] = []
    for frame in frames:
        written = texts(_place_of(frame), "ImagePositionPatient")
        if len(written) != 3 or frame.position is None or tuple(map(_number, written)) != frame.position:
            return None
        words.append(written)
    columns = [list(dict.fromkeys(column)) for column in zip(*words, strict=True)]
    return np.array([
        0.5 * 10.0 ** -max(map(_decimals, column)) if len(set(map(_number, column))) > 1 else 0.0 for column in columns
    ])  # fmt: skip


def _place_of(frame: Frame) -> Attributes:
    for group in frame.groups:
        item = first_attributes(group, "PlanePositionSequence")
        if item is not None:
            return item
    return plane_attributes(frame.header)


def _number(written: str) -> float | None:
    try:
        return float(written)
    except ValueError:
        return None


def _decimals(written: str) -> int:
    """Digits behind the point, an exponent counted; of a 32-bit number those that it was made from."""
    mantissa, _, exponent = written.strip().lower().partition("e")
    digits = mantissa.lstrip("+-").replace(".", "").lstrip("0")
    if len(digits) >= _SINGLE_DIGITS and not digits.endswith("0"):
        shortest = np.format_float_positional(np.float32(written), unique=True, trim="-")
        if len(shortest) < len(written.strip()):
            mantissa, exponent = shortest, ""
    return len(mantissa.partition(".")[2]) - int(exponent or 0)
