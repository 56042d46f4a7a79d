"""From modality values to display: windows and 8-bit pictures (PS3.3 C.11.2)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import ParameterError

WindowFunction = Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"]
_BLOCK_PIXELS = 65_536
_TABLE_FROM = 4096
"""The number of pixels from which a table of the grey level of each possible value pays off."""


@dataclass(frozen=True, slots=True)
class Window:
    """A range of modality values to show, in the units of the volume.

    Parameters
    ----------
    center, width
        Window Center (0028,1050) and Window Width (0028,1051).
    function
        VOI LUT Function (0028,1056).
    name
        Window Center & Width Explanation (0028,1055), or a preset's name.

    Raises
    ------
    ParameterError
        If the width is below 1 for ``LINEAR``, or not above 0 for the others (PS3.3 C.11.2.1.2).

    Examples
    --------
    >>> lung = voxelry.Window(center=-600, width=1500, name="LUNG")
    >>> files = voxelry.save_pictures(voxelry.load_volume("sample/phantom"), "pictures", window=lung)
    >>> len(files)
    48
    """

    center: float
    width: float
    function: WindowFunction = "LINEAR"
    name: str = ""

    def __post_init__(self) -> None:
        if not (np.isfinite(self.center) and np.isfinite(self.width)):
            raise ParameterError(f"a window needs finite numbers, not center {self.center}, width {self.width}")
        if self.function == "LINEAR" and self.width < 1:
            raise ParameterError(f"window width {self.width} is below 1; use LINEAR_EXACT for narrower windows")
        if self.width <= 0:
            raise ParameterError(f"window width {self.width} is not above 0")


@dataclass(frozen=True, slots=True, eq=False)
class VoiTable:
    """A table from modality values to display, as an item of VOI LUT Sequence (0028,3010) gives it.

    Parameters
    ----------
    first
        The modality value of the first entry; smaller values are shown as it is, and those beyond the last
        entry as the last one is.
    entries
        Whole numbers from 0, black, to ``2**bits - 1``, white; kept as uint16, read-only.
    bits
        Of each entry, 8 to 16.
    name
        LUT Explanation (0028,3003).

    Raises
    ------
    ParameterError
        If there is no entry, or one that is no number of 16 bits, or ``bits`` is out of range.

    References
    ----------
    PS3.3 C.11.2.1.1

    Examples
    --------
    >>> table = voxelry.VoiTable(first=0, entries=np.arange(256), bits=8)
    >>> table.entries.dtype.name
    'uint16'
    """

    first: int
    entries: npt.NDArray[np.uint16]
    bits: int
    name: str = ""

    def __post_init__(self) -> None:
        given = np.asarray(self.entries)
        if given.ndim != 1 or not 0 < given.size <= 2**16 or given.dtype.kind not in "iu":
            raise ParameterError(f"a VOI table needs 1 to 65536 whole numbers, not an array of {given.shape}")
        if given.min() < 0 or given.max() >= 2**16:
            raise ParameterError("a VOI table's entries are numbers of 16 bits")
        if not 8 <= self.bits <= 16:
            raise ParameterError(f"a VOI table's entries have 8 to 16 bits, not {self.bits}")
        entries = given.astype(np.uint16)
        entries.flags.writeable = False
        object.__setattr__(self, "entries", entries)

    def __repr__(self) -> str:
        """Short, without the entries."""
        return f"VoiTable({self.first} to {self.last}, {self.bits} bits{f', {self.name!r}' if self.name else ''})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, VoiTable):
            return NotImplemented
        said, theirs = (self.first, self.bits, self.name), (other.first, other.bits, other.name)
        return said == theirs and np.array_equal(self.entries, other.entries)

    def __hash__(self) -> int:
        return hash((self.first, self.bits, self.name, self.entries.size))

    @property
    def last(self) -> int:
        """The modality value of the last entry."""
        return self.first + self.entries.size - 1

    @property
    def levels(self) -> npt.NDArray[np.uint8]:
        """Each entry as a grey level, 0 black to 255 white."""
        shown = np.rint(np.minimum(self.entries * (255.0 / (2**self.bits - 1)), 255.0))
        return np.asarray(shown, np.uint8)


Voi: TypeAlias = Window | VoiTable
"""What is shown of the values: a window, or a table from the header."""


SHOWN_PERCENTILES = (0.5, 99.5)
"""The percentiles between which values are shown if the header has no window; padding is left out."""


def span_window(low: float, high: float, *, name: str = "") -> Window:
    """The window that shows ``low`` as black and ``high`` as white; a constant range is shown as mid grey."""
    width = min(high - low, float(np.finfo(np.float64).max)) if high > low else 1.0
    return Window(low / 2 + high / 2, width, "LINEAR_EXACT", name)


def window_without_outliers(values: npt.NDArray[Any], *, name: str = "") -> Window:
    """A window over ``SHOWN_PERCENTILES`` of finite values; from 0 to 1 if there are none."""
    low, high = np.percentile(values, SHOWN_PERCENTILES, method="nearest") if values.size else (0.0, 1.0)
    return span_window(float(low), float(high), name=name)


def to_display(
    values: npt.NDArray[np.generic], window: Window | VoiTable, *, invert: bool = False
) -> npt.NDArray[np.uint8]:
    """Windowed 8-bit grey levels.

    Parameters
    ----------
    values
        Modality values; any shape.
    window
        What to show, or the header's table of what to show; between whole numbers the nearest entry counts.
    invert
        True for MONOCHROME1, where the smallest value is white.

    Returns
    -------
    grey
        Same shape, 0 black to 255 white.

    References
    ----------
    PS3.3 C.11.2.1.1 (tables), C.11.2.1.2 (LINEAR), C.11.2.1.3.1 (SIGMOID), C.11.2.1.3.2 (LINEAR_EXACT)
    """
    if values.dtype.kind in "iu" and values.size >= _TABLE_FROM:
        if values.dtype.itemsize <= 2:
            return grey_levels(values.dtype.newbyteorder("="), window, invert=invert).of(values)
        low, high = values.min(), values.max()
        if (
            count := int(high) - int(low) + 1
        ) <= values.size:  # fewer possible values than pixels: each value is converted once
            table = _shown(low + np.arange(count, dtype=values.dtype), window, invert)
            return np.asarray(table.take((values - low).astype(np.intp), mode="clip"), np.uint8)
    return _shown(values, window, invert)


@dataclass(frozen=True, slots=True, eq=False)
class _Line:
    """A window in two float32 operations, for values between its ends; beyond them nothing changes."""

    low: int
    high: int
    slope: np.float32
    offset: np.float32

    def of(self, values: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
        grey = np.empty(values.shape, np.uint8)
        step = max(1, _BLOCK_PIXELS * len(values) // values.size)  # pieces stay in the processor's cache
        for start in range(0, len(values), step):
            part = values[start : start + step].clip(self.low, self.high)
            shown = np.multiply(part, self.slope, dtype=np.float32)
            shown += self.offset
            grey[start : start + step] = shown
        return grey


@dataclass(frozen=True, slots=True, eq=False)
class GreyLevels:
    """The grey level of every value of a small integer type.

    Attributes
    ----------
    table
        In the order of the values' bits, read as an unsigned number.
    line
        A faster way to the same levels, before they are inverted; None where there is none.
    """

    table: npt.NDArray[np.uint8]
    line: _Line | None
    invert: bool

    def of(self, values: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
        """The grey levels of values; same shape."""
        if self.line is None:
            bits = np.dtype(f"{values.dtype.byteorder}u{values.dtype.itemsize}")
            return self.table.take(values.view(bits), mode="clip")
        grey = self.line.of(values)
        return np.subtract(np.uint8(255), grey, out=grey) if self.invert else grey


@lru_cache(maxsize=64)  # the slices of a volume share one table
def grey_levels(
    dtype: np.dtype[Any],
    voi: Voi,
    *,
    slope: float = 1.0,
    intercept: float = 0.0,
    invert: bool = False,
    black: tuple[int, int] | None = None,
) -> GreyLevels:
    """The grey level of each value of an integer type of 8 or 16 bits: exactly that of its modality value.

    Parameters
    ----------
    slope, intercept
        From the values to modality values; the slope is not 0.
    invert
        True where the smallest value is white.
    black
        The smallest and the largest value that is padding: it stays black, inverted or not.
    """
    lowest, highest = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    first, last = (lowest, highest) if isinstance(voi, VoiTable) else _ramp(voi, slope, intercept, lowest, highest)
    levels = _levels(first, last, voi, slope, intercept)
    if levels[0] not in (0, 255) or levels[-1] not in (0, 255):
        first, last = lowest, highest
        levels = _levels(first, last, voi, slope, intercept)
    every = np.empty(highest - lowest + 1, np.uint8)
    every[: first - lowest] = levels[0]
    every[first - lowest : last - lowest + 1] = levels
    every[last - lowest + 1 :] = levels[-1]
    line = (
        None if isinstance(voi, VoiTable) else _line(np.arange(first, last + 1), levels, voi, slope, intercept, dtype)
    )
    if invert:
        every = np.subtract(np.uint8(255), every)
    if black is not None:
        padding = every[max(black[0] - lowest, 0) : max(black[1] - lowest + 1, 0)]
        line = None if padding.any() else line
        padding[:] = 0
    return GreyLevels(np.concatenate((every[-lowest:], every[:-lowest])) if lowest else every, line, invert)


def _ramp(window: Window, slope: float, intercept: float, lowest: int, highest: int) -> tuple[int, int]:
    """Values beyond which a window shows all as black, or all as white."""
    half = window.width * (2.0 if window.function == "SIGMOID" else 0.5) + 1.0
    ends = sorted((window.center + side - intercept) / slope for side in (-half, half))
    if not all(map(np.isfinite, ends)):
        return lowest, highest
    first, last = max(lowest, np.floor(ends[0]) - 1), min(highest, np.ceil(ends[1]) + 1)
    return int(min(first, highest)), int(max(last, lowest))


def _levels(first: int, last: int, voi: Voi, slope: float, intercept: float) -> npt.NDArray[np.uint8]:
    values = np.arange(first, last + 1, dtype=np.float64)
    with np.errstate(over="ignore"):
        return _shown(values if (slope, intercept) == (1.0, 0.0) else values * slope + intercept, voi, False)


def _line(
    values: npt.NDArray[Any],
    levels: npt.NDArray[np.uint8],
    window: Window,
    slope: float,
    intercept: float,
    dtype: np.dtype[np.generic],
) -> _Line | None:
    """The window as a line, if it gives each value its level: that is tried with all values between its ends."""
    linear = window.function == "LINEAR"
    width, middle = (window.width - 1, window.center - 0.5) if linear else (window.width, window.center)
    ramp = values[(levels > 0) & (levels < 255)]
    if window.function == "SIGMOID" or width == 0 or not ramp.size:
        return None
    low, high = int(ramp[0]) - 1, int(ramp[-1]) + 1
    if low < values[0] or high > values[-1]:
        return None
    steepness = 255 / width
    offset = 128 + steepness * (intercept - middle)  # 127.5, and half a level to round
    with np.errstate(over="ignore"):
        line = _Line(low, high, np.float32(steepness * slope), np.float32(offset))
    between = slice(low - int(values[0]), high - int(values[0]) + 1)
    return line if np.array_equal(line.of(values[between].astype(dtype)), levels[between]) else None


def _shown(values: npt.NDArray[np.generic], window: Window | VoiTable, invert: bool) -> npt.NDArray[np.uint8]:
    x = values.astype(np.float64)
    grey = _through(x, window) if isinstance(window, VoiTable) else _windowed(x, window)
    return np.subtract(np.uint8(255), grey) if invert else grey


def _through(x: npt.NDArray[np.float64], table: VoiTable) -> npt.NDArray[np.uint8]:
    places = np.rint(np.clip(np.nan_to_num(x, nan=-np.inf), table.first, table.last)) - table.first
    return np.where(np.isnan(x), np.uint8(0), table.levels[places.astype(np.intp)])


def _windowed(x: npt.NDArray[np.float64], window: Window) -> npt.NDArray[np.uint8]:
    center, width = window.center, window.width
    with np.errstate(over="ignore", invalid="ignore"):
        if window.function == "SIGMOID":
            shown = 255.0 / (1.0 + np.exp(-4.0 * (x - center) / width))
        elif window.function == "LINEAR_EXACT":
            shown = ((x - center) / width + 0.5) * 255.0
        elif width == 1:
            shown = np.where(x <= center - 0.5, 0.0, 255.0)
        else:
            shown = ((x - (center - 0.5)) / (width - 1.0) + 0.5) * 255.0
        shown = np.clip(np.nan_to_num(shown, nan=0.0), 0.0, 255.0)
    return np.rint(shown).astype(np.uint8)
