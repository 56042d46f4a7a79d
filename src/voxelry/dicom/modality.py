"""From stored to modality values: rescale or Modality LUT, in the smallest dtype that loses nothing (PS3.3 C.11.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from voxelry.core.errors import PixelDataError
from voxelry.dicom.attributes import describe, first_item, integer, numbers
from voxelry.dicom.frames import Frame
from voxelry.dicom.pixels import Stored

_INTEGERS = tuple(np.dtype(name) for name in ("int16", "uint16", "int32", "uint32", "int64", "uint64"))


def modality_values(stored: Sequence[Stored], frames: Sequence[Frame]) -> npt.NDArray[np.generic]:
    """One array of modality values from the stored values of each frame.

    Parameters
    ----------
    stored
        For each frame, shape ``(row, column)``.
    frames
        Their slopes, intercepts and Modality LUTs, one by one: they may differ from slice to slice.

    Returns
    -------
    array
        Shape ``(slice, row, column)``: int16 wherever all values are whole and fit, else the smallest
        integer type that holds them, else float32 if it loses nothing, else float64.
    """
    tables = [_lookup_table(frame) for frame in frames]
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows becomes infinite, and is no number to measure
        dtype = _smallest(stored, frames, tables)
        array: npt.NDArray[Any] = np.empty((len(stored), *stored[0].shape), dtype)
        for out, values, frame, table in zip(array, stored, frames, tables, strict=True):
            out[...] = _transform(values, frame, table)
    return array


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
        raise PixelDataError(f"{frame.header.name}: {describe('ModalityLUTSequence')} has no descriptor or no data")
    count = int(descriptor[0]) or 2**16
    first = int(descriptor[1])
    if signed and first >= 2**15:
        first -= 2**16
    if count < 0 or len(data) < count:
        raise PixelDataError(
            f"{frame.header.name}: {describe('ModalityLUTSequence')} has {len(data)} entries where {count} are declared"
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
        first, entries = table
        return np.asarray(entries[np.clip(values.astype(np.int64) - first, 0, len(entries) - 1)])
    if (frame.slope, frame.intercept) == (1.0, 0.0):
        return values
    if _whole(frame, values):
        return np.asarray(values.astype(np.int64) * int(frame.slope) + int(frame.intercept))
    return np.asarray(values.astype(np.float64) * frame.slope + frame.intercept)


def _whole(frame: Frame, values: Stored) -> bool:
    """True if the transform stays within 64-bit integers."""
    if values.dtype.kind not in "iu":
        return False
    if (frame.slope, frame.intercept) == (1.0, 0.0):
        return True
    numbers_ = frame.slope, frame.intercept
    return (
        all(number.is_integer() for number in numbers_)
        and abs(frame.slope) < 2**30
        and abs(frame.intercept) < 2**62
        and int(values.min()) >= -(2**32)
        and int(values.max()) <= 2**32
    )


def _smallest(stored: Sequence[Stored], frames: Sequence[Frame], tables: Sequence[_Table | None]) -> np.dtype[Any]:
    low: float = 0
    high: float = 0
    single = True
    whole = True
    for number, (values, frame, table) in enumerate(zip(stored, frames, tables, strict=True)):
        if table is not None:
            found = _transform(values, frame, table)
            ends = np.array([found.min(), found.max()])
        elif _whole(frame, values):
            ends = _transform(np.array([values.min(), values.max()]), frame, None)
        else:
            exact = _transform(values, frame, None)
            whole = whole and bool((exact == np.rint(exact)).all())
            if not whole:
                single = single and bool((exact.astype(np.float32) == exact).all())
                if not single:
                    return np.dtype("f8")
            ends = np.array([exact.min(), exact.max()])
        first, last = ends.min().item(), ends.max().item()  # exact, of whichever type
        low, high = (first, last) if number == 0 else (min(low, first), max(high, last))
    if not whole:
        # Frames before the first broken value were whole, and whole numbers this small fit float32 as well.
        return np.dtype("f4") if single and max(abs(low), abs(high)) <= 2**24 else np.dtype("f8")
    for dtype in _INTEGERS:
        limits = np.iinfo(dtype)
        if limits.min <= low and high <= limits.max:
            return dtype
    return np.dtype("f8")
