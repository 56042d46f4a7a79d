"""From stored to modality values: rescale or Modality LUT, in the smallest dtype that loses nothing (PS3.3 C.11.1)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from voxelry.core.errors import PixelDataError
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.headers.attributes import first_item, integer, numbers, tag_label
from voxelry.dicom.headers.pixel_description import PixelDescription
from voxelry.dicom.pixels.stored_pixels import Stored, stored_range

_INTEGERS = tuple(np.dtype(name) for name in ("int16", "uint16", "int32", "uint32", "int64", "uint64"))
_LIMITS = tuple((dtype, int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)) for dtype in _INTEGERS)
SMALLEST = _INTEGERS[0]
"""The dtype of all values that fit it; their exact range is not needed."""
_WHOLE_IN_SINGLE = 2**24
"""Whole numbers up to this one are exact in float32."""


class ValueRange(NamedTuple):
    """What the modality values of a frame need of a dtype.

    Attributes
    ----------
    low, high
        The smallest and the largest.
    whole
        True if all are whole numbers.
    single
        True if float32 holds them all exactly.
    """

    low: float
    high: float
    whole: bool
    single: bool

    @classmethod
    def between(cls, low: float, high: float) -> ValueRange:
        """Of whole numbers."""
        return cls(low, high, True, max(abs(low), abs(high)) <= _WHOLE_IN_SINGLE)


def smallest_dtype(extents: Iterable[ValueRange]) -> np.dtype[Any]:
    """int16 wherever all values are whole and fit, else the smallest that loses nothing."""
    every = list(extents)
    if not all(extent.whole for extent in every):
        return np.dtype("f4" if all(extent.single for extent in every) else "f8")
    low, high = min(extent.low for extent in every), max(extent.high for extent in every)
    return next((d for d, least, most in _LIMITS if least <= low and high <= most), np.dtype("f8"))


def dtype_holds(dtype: np.dtype[Any], extent: ValueRange) -> bool:
    """True if values of this extent are exact in ``dtype``."""
    if dtype.kind == "f":
        return dtype.itemsize == 8 or extent.single
    limits = np.iinfo(dtype)
    return extent.whole and limits.min <= extent.low and extent.high <= limits.max


def write_modality(
    values: Stored, frame: Frame, out: npt.NDArray[Any], ends: tuple[int, int] | None = None
) -> ValueRange:
    """Write a frame's modality values into ``out``, if its dtype holds them; ``out`` is spoilt if not.

    Parameters
    ----------
    values
        Stored values; shape ``(row, column)``. May be ``out``'s own memory in another dtype of the same size.
    out
        Same shape.
    ends
        Between which the stored values lie, if the caller knows; they need not occur. Good enough for int16 alone:
        of a wider dtype the extent has to be exact.
    """
    table = _lookup_table(frame)
    if table is not None:
        return _write(_looked_up(values, table), out)
    if values.dtype.kind not in "iu":
        return _write(_scaled(values, frame), out)
    extent = None if ends is None or out.dtype != SMALLEST else _scaled_extent(frame, *ends)
    if extent is None or not dtype_holds(SMALLEST, extent):  # the exact range is needed
        extent = _scaled_extent(frame, int(values.min()), int(values.max()))
    if extent is None:
        return _write(_scaled(values, frame), out)
    if dtype_holds(out.dtype, extent):
        slope, intercept = int(frame.slope), int(frame.intercept)
        if out.dtype.kind == "f":
            out[...] = values.astype(np.int64) * slope + intercept
        else:
            _write_modulo(values, slope, intercept, out)
    return extent


def _scaled_extent(frame: Frame, low: int, high: int) -> ValueRange | None:
    """Of stored values between these; None if the transform gives other than whole numbers."""
    if not _is_whole(frame, low, high):
        return None
    first, last = sorted(end * int(frame.slope) + int(frame.intercept) for end in (low, high))
    return ValueRange.between(first, last)


def _write_modulo(values: Stored, slope: int, intercept: int, out: npt.NDArray[Any]) -> None:
    """Modulo 2**bits every step is exact, as the result fits: no wider array is needed."""
    plain = out.view(f"u{out.dtype.itemsize}")
    span = 2 ** (8 * out.dtype.itemsize)
    if values.dtype.itemsize == out.dtype.itemsize:
        source = values.view(plain.dtype)
    else:
        np.copyto(out, values, casting="unsafe")
        source = plain
    if slope != 1:
        source = np.multiply(source, plain.dtype.type(slope % span), out=plain)
    if intercept:
        np.add(source, plain.dtype.type(intercept % span), out=plain)
    elif not np.may_share_memory(source, plain):
        np.copyto(plain, source)


def extent_of(exact: npt.NDArray[Any]) -> ValueRange:
    """The extent of modality values."""
    low, high = exact.min().item(), exact.max().item()
    if exact.dtype.kind in "iu" or (exact == np.rint(exact)).all():
        return ValueRange.between(low, high)
    return ValueRange(low, high, False, bool(np.array_equal(exact.astype(np.float32), exact, equal_nan=True)))


def _write(exact: npt.NDArray[Any], out: npt.NDArray[Any]) -> ValueRange:
    extent = extent_of(exact)
    if dtype_holds(out.dtype, extent):
        np.copyto(out, exact, casting="unsafe")
    return extent


def declared_extent(frame: Frame, pixels: PixelDescription) -> ValueRange:
    """What a frame may need of a dtype by its header alone."""
    table = _lookup_table(frame)
    if table is not None:
        return ValueRange(int(table[1].min()), int(table[1].max()), True, True)
    if pixels.keyword != "PixelData":
        identity = (frame.slope, frame.intercept) == (1.0, 0.0)
        return ValueRange(0, 0, False, identity and pixels.keyword == "FloatPixelData")
    return _scaled_extent(frame, *stored_range(pixels)) or ValueRange(0, 0, False, False)


def transform_limits(limits: tuple[float, float], frame: Frame) -> tuple[float, float]:
    """Stored limits (of padding) as modality values, ascending, computed just as the pixels are."""
    table = _lookup_table(frame)
    kind = np.float64 if not all(float(limit).is_integer() for limit in limits) else np.int64
    with np.errstate(over="ignore", invalid="ignore"):
        low, high = (float(value) for value in _transform(np.array(limits, kind), frame, table))
    return min(low, high), max(low, high)


_Table = tuple[int, npt.NDArray[np.int64]]


def _lookup_table(frame: Frame) -> _Table | None:
    """The Modality LUT: the first stored value mapped, and the values from there on (PS3.3 C.11.1.1)."""
    item = first_item(frame.header.elements, "ModalityLUTSequence")
    if item is None:
        return None
    try:
        descriptor = numbers(item, "LUTDescriptor", 3)
        signed = integer(frame.header.elements, "PixelRepresentation") == 1
        data = None if descriptor is None else _lut_data(frame, item, int(descriptor[0]) or 2**16)
    except PixelDataError as error:
        raise PixelDataError(f"{frame.header.name}: {error}") from None
    if descriptor is None or data is None:
        raise PixelDataError(f"{frame.header.name}: {tag_label('ModalityLUTSequence')} has no descriptor or no data")
    count = int(descriptor[0]) or 2**16
    first = int(descriptor[1])
    if signed and first >= 2**15:
        first -= 2**16
    if count < 0 or len(data) < count:
        raise PixelDataError(
            f"{frame.header.name}: {tag_label('ModalityLUTSequence')} has {len(data)} entries where {count} are "
            "declared"
        )
    return first, data[:count]


def _lut_data(frame: Frame, item: Dataset, count: int) -> npt.NDArray[np.int64] | None:
    value = item.get("LUTData")
    if not isinstance(value, bytes):
        found = numbers(item, "LUTData")
        return None if found is None else np.array(found, np.int64)
    if len(value) < 2 * count:  # 8 bits for each entry, two in a word
        return np.frombuffer(value, np.uint8).astype(np.int64)
    little = frame.header.elements.little_endian
    return np.frombuffer(value[: 2 * count], "<u2" if little else ">u2").astype(np.int64)


def _transform(values: Stored, frame: Frame, table: _Table | None) -> npt.NDArray[Any]:
    if table is not None:
        return _looked_up(values, table)
    if values.dtype.kind in "iu" and values.size and _is_whole(frame, int(values.min()), int(values.max())):
        return np.asarray(values.astype(np.int64) * int(frame.slope) + int(frame.intercept))
    return _scaled(values, frame)


def _looked_up(values: Stored, table: _Table) -> npt.NDArray[np.int64]:
    first, entries = table
    return np.asarray(entries[np.clip(values.astype(np.int64) - first, 0, len(entries) - 1)])


def _scaled(values: Stored, frame: Frame) -> npt.NDArray[Any]:
    if (frame.slope, frame.intercept) == (1.0, 0.0):
        return values
    # What overflows becomes infinite, and is no number to measure.
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(values.astype(np.float64) * frame.slope + frame.intercept)


def _is_whole(frame: Frame, low: int, high: int) -> bool:
    """True if the transform of stored values from ``low`` to ``high`` stays within 64-bit integers."""
    if (frame.slope, frame.intercept) == (1.0, 0.0):
        return True
    return (
        frame.slope.is_integer()
        and frame.intercept.is_integer()
        and abs(frame.slope) < 2**30
        and abs(frame.intercept) < 2**62
        and low >= -(2**32)
        and high <= 2**32
    )
