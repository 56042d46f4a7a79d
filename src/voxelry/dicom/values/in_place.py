"""Fast path for whole numbers that stay whole: read or decoded into the volume's memory and rescaled there.

What the frames of a series share is computed once.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.frame_facts import Facts
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.sources import FileSource
from voxelry.dicom.pixels.stored_pixels import stored_range
from voxelry.dicom.pixels.uncompressed import is_direct
from voxelry.dicom.values.modality import SMALLEST, ValueRange

_MODALITY_LUT = 0x00283000
_FARTHEST = 2**31
"""Slopes and intercepts beyond this are for the general case."""
_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


@dataclass(frozen=True, slots=True)
class InPlace:
    """How frames that share their facts become modality values in an array of one integer dtype."""

    facts: Facts
    direct: bool
    slope: int
    intercept: int
    stored: np.dtype[Any]
    plain: np.dtype[Any]
    size: int
    needed: int
    range: tuple[int, int]
    limits: tuple[int, int]
    factor: np.generic | None
    shift: np.generic | None
    exact: bool

    @classmethod
    def of(cls, frame: Frame, dtype: np.dtype[Any]) -> InPlace | None:
        """The plan for frames like this one; None if they need the general path."""
        encoded, pixels = frame.header.elements.encoded, frame.pixels
        stored = pixels.dtype
        slope, intercept = frame.slope, frame.intercept
        if encoded is None or _MODALITY_LUT in encoded or pixels.keyword != "PixelData" or pixels.kind != "grey":
            return None
        if dtype.kind not in "iu" or stored.kind not in "iu" or not stored.itemsize == dtype.itemsize <= 2:
            return None
        if not (slope.is_integer() and intercept.is_integer() and max(abs(slope), abs(intercept)) < _FARTHEST):
            return None
        plain = np.dtype(f"u{dtype.itemsize}")
        span = 2 ** (8 * dtype.itemsize)
        info = np.iinfo(dtype)
        return cls(
            frame.facts,
            is_direct(frame.header, pixels) and pixels.high_bit == pixels.bits_stored - 1 and hasattr(os, "preadv"),
            int(slope),
            int(intercept),
            stored,
            plain,
            pixels.frame_bits // 8,
            pixels.frame_bits // 8 * pixels.frames,
            stored_range(pixels),
            (int(info.min), int(info.max)),
            None if slope == 1 else plain.type(int(slope) % span),
            None if intercept == 0 else plain.type(int(intercept) % span),
            pixels.signed or dtype != SMALLEST,
        )

    def read(self, header: Header, index: int, out: npt.NDArray[Any]) -> bool:
        """Read the stored values of a frame, and of those behind it, into ``out``; False if they cannot be had so.

        ``header`` is of a frame that has the facts of the one that this was made for.
        """
        source, place = header.source, header.pixel_bytes
        if (
            not self.direct
            or type(source) is not FileSource
            or place is None
            or place.offset is None
            or place.length is None
        ):
            return False
        if place.length < self.needed or source.size - place.offset < self.needed:
            return False
        descriptor = os.open(source.path, _FLAGS)
        try:
            return os.preadv(descriptor, [out.data], place.offset + index * self.size) == out.nbytes
        finally:
            os.close(descriptor)

    def rescale(self, values: npt.NDArray[Any], out: npt.NDArray[Any]) -> ValueRange | None:
        """Write the modality values of stored ``values`` into ``out``, whose own memory they may be.

        Modulo 2**bits every step is exact, as the result fits. None, and nothing done, where bits that are not
        stored are dirty, or the values do not fit.
        """
        if values.dtype != self.stored:
            return None
        high = int(np.maximum.reduce(values, axis=None))
        low = int(np.minimum.reduce(values, axis=None)) if self.exact else 0
        if low < self.range[0] or high > self.range[1]:
            return None
        first, last = low * self.slope + self.intercept, high * self.slope + self.intercept
        if first > last:
            first, last = last, first
        if first < self.limits[0] or last > self.limits[1]:
            return None
        source, plain = values.view(self.plain), out.view(self.plain)
        if self.factor is not None:
            source = np.multiply(source, self.factor, out=plain)
        if self.shift is not None:
            np.add(source, self.shift, out=plain)
        elif not np.may_share_memory(source, plain):
            np.copyto(plain, source)
        return ValueRange.between(first, last)
