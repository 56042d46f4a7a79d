"""The plain case of all: whole numbers that are not compressed, read into the volume and rescaled where they lie.

What most frames of most series share is worked out once, so that a frame costs little more than its bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from voxelry.dicom.description import PixelDescription
from voxelry.dicom.frames import Frame
from voxelry.dicom.modality import SMALLEST, Extent
from voxelry.dicom.pixels import stored_range

_MODALITY_LUT = 0x00283000
_FARTHEST = 2**31
"""Slopes and intercepts beyond this are for the general case."""


@dataclass(frozen=True, slots=True)
class InPlace:
    """How frames of one description and one scale become modality values in an array of one integer dtype."""

    pixels: PixelDescription
    slope: float
    intercept: float
    stored: np.dtype[Any]
    plain: np.dtype[Any]
    range: tuple[int, int]
    limits: tuple[int, int]
    factor: np.generic | None
    shift: np.generic | None
    exact: bool

    @classmethod
    def of(cls, frame: Frame, pixels: PixelDescription, dtype: np.dtype[Any]) -> InPlace | None:
        """None where anything is unusual."""
        raw = frame.header.elements.raw
        stored = pixels.dtype
        slope, intercept = frame.slope, frame.intercept
        if raw is None or _MODALITY_LUT in raw or dtype.kind not in "iu" or stored.kind not in "iu":
            return None
        if stored.itemsize != dtype.itemsize or pixels.bits_allocated == 1 or pixels.samples != 1:
            return None
        if not (slope.is_integer() and intercept.is_integer() and max(abs(slope), abs(intercept)) < _FARTHEST):
            return None
        if pixels.high_bit != pixels.bits_stored - 1 or dtype.itemsize > 2:
            return None
        plain = np.dtype(f"u{dtype.itemsize}")
        span = 2 ** (8 * dtype.itemsize)
        info = np.iinfo(dtype)
        return cls(
            pixels,
            slope,
            intercept,
            stored,
            plain,
            stored_range(pixels),
            (int(info.min), int(info.max)),
            None if slope == 1 else plain.type(int(slope) % span),
            None if intercept == 0 else plain.type(int(intercept) % span),
            pixels.signed or dtype != SMALLEST,
        )

    def serves(self, frame: Frame, pixels: PixelDescription) -> bool:
        """True if a frame is just like the one that this was made for."""
        raw = frame.header.elements.raw
        return (
            pixels is self.pixels
            and frame.slope == self.slope
            and frame.intercept == self.intercept
            and raw is not None
            and _MODALITY_LUT not in raw
        )

    def rescale(self, out: npt.NDArray[Any]) -> Extent | None:
        """Turn the stored values that lie in ``out`` into modality values.

        Modulo 2**bits every step is exact, as the result fits. None, and nothing done, where bits that are not
        stored are dirty, or the values do not fit.
        """
        values = out.view(self.stored)
        high = int(values.max())
        low = int(values.min()) if self.exact else 0
        if low < self.range[0] or high > self.range[1]:
            return None
        first, last = low * int(self.slope) + int(self.intercept), high * int(self.slope) + int(self.intercept)
        if first > last:
            first, last = last, first
        if first < self.limits[0] or last > self.limits[1]:
            return None
        plain = out.view(self.plain)
        if self.factor is not None:
            np.multiply(plain, self.factor, out=plain)
        if self.shift is not None:
            np.add(plain, self.shift, out=plain)
        return Extent.between(first, last)
