"""From modality to stored values: by the template's scale if it fits, else without loss, else rescaled to 16 bits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import ParameterError
from voxelry.dicom.write.header_bytes import decimal_string
from voxelry.parallel import in_parallel

T = TypeVar("T")

SINGLE_ROUNDING = 2.0**-22
"""Relative rounding error of float32; values that differ by no more are equal."""
_LARGEST_EXACT = 2**52
_STEPS = 65_535
_AT_ONCE = 8
_SMALLEST_SLOPE = 1e-300
_CONTAINERS = tuple(np.dtype(name) for name in ("u1", "u2", "i2", "u4", "i4"))


class StoredScale(NamedTuple):
    """From stored to modality values."""

    slope: float
    intercept: float

    @property
    def whole(self) -> bool:
        """True if whole values stay whole, and within 64 bits."""
        small = abs(self.slope) < 2**30 and abs(self.intercept) < 2**52
        return small and float(self.slope).is_integer() and float(self.intercept).is_integer()


IDENTITY = StoredScale(1.0, 0.0)


@dataclass(frozen=True, slots=True)
class StoredPlane:
    """One frame's values, and the template's scale at its place.

    Attributes
    ----------
    values
        Gives modality values, shape ``(row, column)``; called more than once.
    name
        For errors: ``"slice 3"``.
    """

    values: Callable[[], npt.NDArray[Any]]
    scale: StoredScale
    name: str


class FiniteRange(NamedTuple):
    """The smallest and the largest finite value of a frame, and how many are not finite."""

    low: float | int
    high: float | int
    strange: int


class Container(NamedTuple):
    """How a template stores its values."""

    dtype: np.dtype[Any]
    bits_stored: int

    @property
    def limits(self) -> tuple[int, int]:
        if self.dtype.kind == "i":
            return -(1 << (self.bits_stored - 1)), (1 << (self.bits_stored - 1)) - 1
        return 0, (1 << self.bits_stored) - 1


@dataclass(frozen=True, slots=True)
class Storage:
    """How the values of a series are stored.

    Attributes
    ----------
    scale
        Of every frame; None where each keeps its own of the template.
    lossless
        False if the values were rounded to the steps of ``scale``.
    non_finite
        What stands for NaN and infinities.
    """

    container: Container
    scale: StoredScale | None
    lossless: bool
    non_finite: float | None

    def scale_of(self, plane: StoredPlane) -> StoredScale:
        return plane.scale if self.scale is None else self.scale

    def stored(self, plane: StoredPlane) -> npt.NDArray[Any]:
        """The stored values of a frame, contiguous and little endian."""
        values, scale = with_finite_values(plane.values(), self.non_finite), self.scale_of(plane)
        dtype = self.container.dtype.newbyteorder("<")
        if values.dtype.kind in "iu" and scale.slope == 1 and scale.whole:
            return _shifted(values, int(scale.intercept), dtype)
        exact = inverted(values, scale, math.inf)
        if exact is None:
            raise ValueError("these values were not planned for")
        low, high = self.container.limits
        return np.ascontiguousarray(np.clip(exact, low, high)).astype(dtype)

    def extent(self, plane: StoredPlane, extent: FiniteRange) -> tuple[int, int]:
        """The smallest and largest stored value of a frame whose modality values have this extent."""
        scale = self.scale_of(plane)
        ends = [_step(end, scale) for end in (extent.low, extent.high)]
        low, high = self.container.limits
        return max(low, min(ends)), min(high, max(ends))


def extents_of(planes: Iterable[StoredPlane], non_finite: float | None) -> list[FiniteRange]:
    """Each frame's extent, once its strange values are replaced.

    Raises
    ------
    ParameterError
        If there are values that are not finite and nothing to stand for them.
    """
    every = list(planes)
    found = list(_each(partial(_extent, non_finite=non_finite), every))
    wrong = [(plane.name, extent.strange) for plane, extent in zip(every, found, strict=True) if extent.strange]
    if wrong and non_finite is None:
        total = sum(count for _, count in wrong)
        raise ParameterError(
            f"{total} values are not finite (NaN or infinite), the first of them in {wrong[0][0]}; stored values are "
            "whole numbers: replace them, or give a value that stands for them (non_finite)",
            values=total,
            slices=len(wrong),
        )
    return found


def plan(
    planes: Sequence[StoredPlane],
    extents: Sequence[FiniteRange],
    template: Container,
    *,
    own: bool,
    shiftable: bool = True,
    smallest_bits: int = 8,
    non_finite: float | None = None,
) -> Storage:
    """How to store values of these extents.

    Parameters
    ----------
    template
        How the template stores its own.
    own
        True if the planes' scales are the template's and may stay.
    shiftable
        False where the object knows no intercept (PET, dose).
    smallest_bits
        Bits Allocated at least.
    """
    low, high = min(extent.low for extent in extents), max(extent.high for extent in extents)
    tolerance = SINGLE_ROUNDING * max(abs(float(low)), abs(float(high)))
    most = max(16, template.dtype.itemsize * 8)
    if own:
        steps = _template_steps(planes, extents, tolerance, non_finite)
        container = None if steps is None else _container(*steps, template, smallest_bits, most)
        if container is not None:
            return Storage(container, None, True, non_finite)
    if _all_whole(planes, low, high, non_finite):
        for intercept in (0, int(low)) if shiftable else (0,):
            container = _container(int(low) - intercept, int(high) - intercept, template, smallest_bits, most)
            if container is not None:
                return Storage(container, StoredScale(1.0, float(intercept)), True, non_finite)
    return _rescaled(float(low), float(high), shiftable=shiftable, non_finite=non_finite)


def _rescaled(low: float, high: float, *, shiftable: bool, non_finite: float | None) -> Storage:
    """16 bits from the smallest to the largest value; one value alone is the intercept."""
    exact = False
    if shiftable:
        intercept = float(decimal_string(low))
        exact = low == high == intercept
        container = Container(np.dtype("u2"), 16)
        slope = max(high / _STEPS - intercept / _STEPS, _SMALLEST_SLOPE) if high > low else 1.0
    else:
        intercept, signed = 0.0, low < 0
        container = Container(np.dtype("i2" if signed else "u2"), 16)
        slope = max(max(abs(low), abs(high)) / (_STEPS // 2 if signed else _STEPS), _SMALLEST_SLOPE)
    return Storage(container, StoredScale(float(decimal_string(slope, up=True)), intercept), exact, non_finite)


def _each(work: Callable[[StoredPlane], T], planes: Sequence[StoredPlane]) -> Iterator[T]:
    """The work's result for each frame, in parallel, a few frames at a time: small ones are not worth a task."""
    tasks = (partial(_some, work, planes[start : start + _AT_ONCE]) for start in range(0, len(planes), _AT_ONCE))
    for results in in_parallel(tasks):
        yield from results


def _some(work: Callable[[StoredPlane], T], planes: Sequence[StoredPlane]) -> list[T]:
    return [work(plane) for plane in planes]


def _extent(plane: StoredPlane, non_finite: float | None) -> FiniteRange:
    found = plane.values()
    strange = 0
    if found.dtype.kind == "f":
        low, high = found.min(), found.max()
        if not (np.isfinite(low) and np.isfinite(high)):
            strange = int(np.count_nonzero(~np.isfinite(found)))
            found = with_finite_values(found, 0.0 if non_finite is None else non_finite)
    return FiniteRange(found.min().item(), found.max().item(), strange)


def with_finite_values(values: npt.NDArray[Any], non_finite: float | None) -> npt.NDArray[Any]:
    """The values with NaN and infinities replaced by ``non_finite``."""
    if values.dtype.kind != "f" or non_finite is None:
        return values
    wide = values.astype(np.float64, copy=False)
    return np.where(np.isfinite(wide), wide, non_finite)


def inverted(values: npt.NDArray[Any], scale: StoredScale, tolerance: float) -> npt.NDArray[Any] | None:
    """The stored values for a scale; None if a value is farther from a step than the tolerance."""
    if values.dtype.kind in "iu" and scale.whole and _within(values, _LARGEST_EXACT):
        steps, rest = np.divmod(values.astype(np.int64) - int(scale.intercept), int(scale.slope))
        if not rest.any():
            return steps
    exact = values.astype(np.float64, copy=False)
    with np.errstate(over="ignore", invalid="ignore"):
        rounded = np.rint((exact - scale.intercept) / scale.slope)
        worst = np.abs(rounded * scale.slope + scale.intercept - exact).max() if exact.size else 0.0
    return rounded if worst <= tolerance or tolerance == math.inf else None


def _within(values: npt.NDArray[Any], limit: int) -> bool:
    return values.dtype.itemsize <= 4 or bool(-limit <= int(values.min()) and int(values.max()) <= limit)


def _template_steps(
    planes: Sequence[StoredPlane], extents: Sequence[FiniteRange], tolerance: float, non_finite: float | None
) -> tuple[int, int] | None:
    """The smallest and largest stored value by the template's own scales; None if they cannot say these values."""

    extent_of = dict(zip(map(id, planes), extents, strict=True))

    def steps(plane: StoredPlane) -> tuple[int, int] | None:
        extent = extent_of[id(plane)]
        integers = isinstance(extent.low, int) and isinstance(extent.high, int)
        if integers and plane.scale.slope == 1 and plane.scale.whole:
            shift = int(plane.scale.intercept)
            return int(extent.low) - shift, int(extent.high) - shift
        found = inverted(with_finite_values(plane.values(), non_finite), plane.scale, tolerance)
        return None if found is None else (int(found.min()), int(found.max()))

    low, high = 0, 0
    for number, ends in enumerate(_each(steps, planes)):
        if ends is None:
            return None
        low, high = (min(low, ends[0]), max(high, ends[1])) if number else ends
    return low, high


def _all_whole(planes: Sequence[StoredPlane], low: float, high: float, non_finite: float | None) -> bool:
    if not (float(low).is_integer() and float(high).is_integer()):
        return False

    def whole(plane: StoredPlane) -> bool:
        values = with_finite_values(plane.values(), non_finite)
        return values.dtype.kind in "iu" or bool((values == np.rint(values)).all())

    return all(_each(whole, planes))


def _container(low: int, high: int, template: Container, smallest_bits: int, most_bits: int) -> Container | None:
    """The template's where it holds these values; else the smallest that does, of its sign if possible."""
    first, last = template.limits
    if first <= low and high <= last and template.dtype.itemsize * 8 >= smallest_bits:
        return template
    signs = (template.dtype.kind, "i" if template.dtype.kind == "u" else "u")
    for dtype in sorted(_CONTAINERS, key=lambda one: (one.itemsize, signs.index(one.kind))):
        bits = dtype.itemsize * 8
        limits = np.iinfo(dtype)
        if smallest_bits <= bits <= most_bits and limits.min <= low and high <= limits.max:
            return Container(dtype, bits)
    return None


def _shifted(values: npt.NDArray[Any], intercept: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Modulo 2**bits the subtraction is exact, as the result fits."""
    out = np.empty(values.shape, dtype)
    np.copyto(out, values, casting="unsafe")
    if intercept:
        plain = out.view(f"<u{dtype.itemsize}")
        np.subtract(plain, plain.dtype.type(intercept % (1 << 8 * dtype.itemsize)), out=plain)
    return out


def _step(value: float | int, scale: StoredScale) -> int:
    if isinstance(value, int) and scale.whole:
        steps, rest = divmod(value - int(scale.intercept), int(scale.slope))
        if not rest:
            return steps
    return round((float(value) - scale.intercept) / scale.slope)
