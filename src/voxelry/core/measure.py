"""Counting voxels above a threshold, exactly.

The definition is ``(x - min) / (max - min) > threshold`` in float64 over the whole volume, without its
padding, NaN and infinities, which take part in nothing. A histogram answers for any threshold with the very same
figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NotRequired, TypedDict, get_args

import numpy as np
import numpy.typing as npt

from voxelry.core.argument_types import a_kind
from voxelry.core.errors import MeasureError, ParameterError, WrongTypeError
from voxelry.core.extent import COLOUR, Each, Extent, extent, extent_and_count, first_above, normalised
from voxelry.core.holes import missing_mask
from voxelry.core.regions import PatientRegion
from voxelry.core.segment_values import OCCUPANCY, PROBABILITY, SegmentKind, labelled, segment_kind, sum_of
from voxelry.core.spacing import Spacing
from voxelry.core.volume import Volume

Method = Literal["fixed"]
METHODS: tuple[str, ...] = get_args(Method)
MAX_BINS = 65_536
DEFAULT_THRESHOLD = 0.5


class MeasurementRecord(TypedDict):
    """A measurement as JSON; the terminal and the REST API answer with the same."""

    series_instance_uid: str
    pixels_above_threshold: int
    pixels_total: int
    volume_mm3: float | None
    threshold: float
    method: str
    spacing_mm: list[float | None]
    warnings: list[str]
    label: NotRequired[str]
    """The volume's label; absent if the series has only one."""
    within: NotRequired[dict[str, Any]]
    """The region in which voxels were counted; absent if it was the whole volume."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """How many voxels lie above a threshold, and their volume.

    Attributes
    ----------
    pixels_above_threshold, pixels_total
        Numbers of voxels, in ``within`` if there is a region; the total includes padding, NaN and infinities, which are
        never above.
    volume_mm3
        ``pixels_above_threshold`` times the volume of a voxel; None where a spacing is unknown
        (``warnings`` says which).
    threshold
        On [0, 1], from the smallest to the largest value that is neither padding nor NaN nor infinite.
    spacing
        Millimetres ``(slice, row, column)``.
    label
        What tells the volume from others of its series; empty if there are no others.
    series_instance_uid
        Series Instance UID (0020,000E) of the volume; empty where it has none.
    method
        How the threshold was found: ``"fixed"``.
    warnings
        What a user must know before trusting the figures; sentences without patients' values.
    within
        The region in which voxels were counted; None if it was the whole volume.

    Examples
    --------
    >>> measurement = voxelry.measure(voxelry.load_volume("sample/phantom"), threshold=0.9)
    >>> isinstance(measurement, voxelry.Measurement), measurement.volume_mm3
    (True, 65508.75)
    >>> measurement.record()["pixels_above_threshold"]
    11646
    """

    series_instance_uid: str
    pixels_above_threshold: int
    pixels_total: int
    volume_mm3: float | None
    threshold: float
    method: Method
    spacing: Spacing
    warnings: tuple[str, ...]
    label: str = ""
    within: PatientRegion | None = None

    def record(self) -> MeasurementRecord:
        """The same as JSON values."""
        found: MeasurementRecord = {
            "series_instance_uid": self.series_instance_uid,
            "pixels_above_threshold": self.pixels_above_threshold,
            "pixels_total": self.pixels_total,
            "volume_mm3": self.volume_mm3,
            "threshold": self.threshold,
            "method": self.method,
            "spacing_mm": list(self.spacing),
            "warnings": list(self.warnings),
        }
        if self.label:
            found["label"] = self.label
        if self.within is not None:
            found["within"] = self.within.record()
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """How often each value occurs among the voxels that are neither padding nor NaN nor infinite.

    Attributes
    ----------
    values
        Ascending, float64; the distinct values themselves if ``exact``, else the centres of equal bins.
    counts
        int64, same shape.
    minimum, maximum
        Of the values; NaN if there is no voxel.
    exact
        False if a float volume has more than 65,536 distinct values; then a count above a threshold
        cannot be told from the bins.
    """

    values: npt.NDArray[np.float64]
    counts: npt.NDArray[np.int64]
    minimum: float
    maximum: float
    exact: bool


def histogram(volume: Volume) -> Histogram:
    """How often each value occurs; padding, NaN and infinities are left out.

    Raises
    ------
    MeasureError
        If the volume is in colour, which has no single intensity.
    """
    if volume.colour:
        raise MeasureError(COLOUR)
    slices = [values for part in volume.unpadded() if (values := _finite(part)).size]
    if not slices:
        return Histogram(np.empty(0), np.empty(0, np.int64), float("nan"), float("nan"), exact=True)
    if volume.array.dtype.kind in "iub":
        values, counts = _count_integers(slices)
    else:
        values, counts, exact = _count_floats(slices)
        if not exact:
            low, high = float(min(s.min() for s in slices)), float(max(s.max() for s in slices))
            return Histogram(values, counts, low, high, exact=False)
    return Histogram(values, counts, float(values[0]), float(values[-1]), exact=True)


def _finite(values: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """The values without NaN and infinities; the same array where there are none."""
    if values.dtype.kind != "f":
        return values
    finite = np.isfinite(values)
    return values if finite.all() else values[finite]


def _count_integers(slices: Sequence[npt.NDArray[np.generic]]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    low, high = min(int(s.min()) for s in slices), max(int(s.max()) for s in slices)
    # A table of all values between, unless they lie so far apart that it would outgrow the voxels.
    if high - low < max(2**16, sum(s.size for s in slices)):
        counts = np.zeros(high - low + 1, np.int64)
        for values in slices:
            flat = values.ravel()
            # uint64 is moved down before it would outgrow int64.
            moved = np.subtract(flat, low, dtype=np.uint64) if flat.dtype == np.uint64 else flat.astype(np.int64) - low
            counts += np.bincount(moved.astype(np.int64), minlength=counts.size)
        present = np.flatnonzero(counts)
        return _merged([value + low for value in present.tolist()], counts[present])
    distinct: dict[int, int] = {}
    for values in slices:
        for value, count in zip(*(part.tolist() for part in np.unique(values, return_counts=True)), strict=True):
            distinct[value] = distinct.get(value, 0) + count
    ordered = sorted(distinct)
    return _merged(ordered, np.array([distinct[value] for value in ordered], np.int64))


def _merged(
    values: Sequence[int], counts: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Ascending integers as float64, in which neighbours of more than 53 bits are one."""
    distinct, where = np.unique(np.array([float(value) for value in values]), return_inverse=True)
    if distinct.size == counts.size:
        return distinct, counts
    merged = np.zeros(distinct.size, np.int64)
    np.add.at(merged, where, counts)
    return distinct, merged


def _count_floats(
    slices: Sequence[npt.NDArray[np.generic]],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64], bool]:
    values: npt.NDArray[np.float64] = np.empty(0)
    counts: npt.NDArray[np.int64] = np.empty(0, np.int64)
    for part in slices:
        new, new_counts = np.unique(part.astype(np.float64), return_counts=True)
        merged, where = np.unique(np.concatenate([values, new]), return_inverse=True)
        if merged.size > MAX_BINS:
            break
        values = np.asarray(merged, np.float64)
        counts = np.bincount(where, np.concatenate([counts, new_counts]), merged.size).astype(np.int64)
    else:
        return values, counts, True
    low, high = float(min(s.min() for s in slices)), float(max(s.max() for s in slices))
    counts = np.zeros(MAX_BINS, np.int64)
    for part in slices:
        bins = (normalised(part.astype(np.float64), low, high) * MAX_BINS).astype(np.int64)
        counts += np.bincount(np.minimum(bins, MAX_BINS - 1).ravel(), minlength=MAX_BINS)
    fractions = (np.arange(MAX_BINS, dtype=np.float64) + 0.5) / MAX_BINS
    return low * (1 - fractions) + high * fractions, counts, False


def measure(
    volume: Volume,
    threshold: float | None = None,
    method: str = "fixed",
    *,
    default: float = DEFAULT_THRESHOLD,
    within: PatientRegion | None = None,
    each: Each = map,
) -> Measurement:
    """Count the voxels whose normalised value lies above a threshold.

    Parameters
    ----------
    volume
        Greyscale. Of a segmentation (its metadata say Segmentation Type (0062,0001)) the range is always from 0 to 1,
        each voxel with a label counts in a label map, the mm3 of occupancies are their sum, and those of probabilities
        need a threshold (PS3.3 C.8.20.2.3).
    threshold
        On [0, 1]: a voxel counts if ``(x - min) / (max - min) > threshold`` in float64, with the
        minimum and maximum of the whole volume. Padding, NaN and infinities take part in nothing.
    method
        ``"fixed"``.
    default
        The threshold where none is given.
    within
        A region of the patient: only its voxels are counted. The range stays that of the whole volume.
    each
        Does the work on parts of the volume; the built-in `map`, or one that has threads.

    Raises
    ------
    ParameterError
        If the threshold is outside [0, 1] or the method is unknown.
    MeasureError
        If the volume is in colour, or a segmentation is to be measured in a region.
    UnplacedError, FrameOfReferenceError
        If nothing says where the volume lies, or that it and the region lie in one place.
    """
    checked, stated = check_method(method), threshold is not None
    threshold = check_threshold(default if threshold is None else threshold)
    if not isinstance(volume.array, np.ndarray):  # a lazy array is read once
        volume = volume.with_array(np.asarray(volume.array))
    kind = segment_kind(volume)
    warnings = list(volume.warnings)
    total = int(volume.array.size)
    if within is not None:
        above, total, told = _within(volume, within, threshold, kind, each)
        warnings += told
    elif kind == "labels":
        above, words = labelled(volume)
        warnings.append(words)
    else:
        found, above = extent_and_count(volume, threshold, limits=(0, 1) if kind else None, each=each)
        warnings += _left_out(volume, found)
        if not found.count:
            warnings.append("every pixel is padding or no number: nothing to count")
        elif found.constant and not kind:
            warnings.append(f"constant image: every value is {float(found.low):g}, so none is above the threshold")
    voxel = volume.voxel_mm3
    if voxel is None:
        warnings.append(f"no volume in mm3: {missing_spacing(volume.spacing)}")
    voxels: float | None = above
    if kind == "occupancy":
        voxels = sum_of(volume)
        warnings.append(OCCUPANCY)
    elif kind == "probability" and not stated:
        voxels = None
        warnings.append(PROBABILITY)
    return Measurement(
        series_instance_uid=volume.series_instance_uid,
        pixels_above_threshold=above,
        pixels_total=total,
        volume_mm3=None if voxel is None or voxels is None else voxels * voxel,
        threshold=threshold,
        method=checked,
        spacing=volume.spacing,
        warnings=tuple(warnings),
        label=volume.label,
        within=within,
    )


def _within(
    volume: Volume, region: PatientRegion, threshold: float, kind: SegmentKind, each: Each
) -> tuple[int, int, list[str]]:
    """How many voxels of an image are above in a region, how many lie in it, and what must be known."""
    if kind:
        raise MeasureError("a segmentation has no values to count in a region; its own size is measured without one")
    whole = extent(volume, each=each)
    first = first_above(whole, threshold)
    placed = region.within(volume)
    told = _left_out(volume, whole)
    if not placed.count:
        told.append("no pixel of this volume lies in the region")
    if first is None or not placed.count:
        return 0, placed.count, told
    part = volume.crop(placed.box)
    counted = placed.mask & (part.array >= first)
    hidden = missing_mask(part, part.array)
    if hidden is not None:
        counted &= ~hidden
    return int(np.count_nonzero(counted)), placed.count, told


def _left_out(volume: Volume, found: Extent) -> list[str]:
    """Which voxels are left out, and why."""
    size, told = volume.array.size, []
    padded = size - found.count - found.non_finite
    said = next((keyword for keyword in _FLOAT_PADDING if keyword in volume.metadata), "")
    named = _FLOAT_PADDING.get(said, "Pixel Padding Value (0028,0120)")
    if padded:
        told.append(f"{padded:,} of {size:,} pixels are padding ({named})")
    if found.non_finite:
        why = f" (padding: the {named} is NaN)" if volume.metadata.get(said) == "nan" else ""
        told.append(f"{found.non_finite:,} of {size:,} pixels are NaN or infinite, which are no numbers{why}")
    return [f"{words}: they take part in neither minimum, maximum nor count" for words in told]


_FLOAT_PADDING = {
    "FloatPixelPaddingValue": "Float Pixel Padding Value (0028,0122)",
    "DoubleFloatPixelPaddingValue": "Double Float Pixel Padding Value (0028,0123)",
}


def check_method(method: str) -> Method:
    """The method's name, or a ParameterError that lists those there are."""
    if method != "fixed":
        raise ParameterError(f"unknown method {method!r}; there is {', '.join(map(repr, METHODS))}")
    return "fixed"


def check_threshold(threshold: float) -> float:
    """The threshold as a float on [0, 1], or a ParameterError."""
    try:
        value = float(threshold)
    except (TypeError, ValueError):
        raise WrongTypeError(f"threshold is a number from 0 to 1, not {a_kind(threshold)}") from None
    if not 0.0 <= value <= 1.0:
        raise ParameterError(f"threshold {value:g} is not between 0 and 1; it is a fraction of the range of values")
    return value


def missing_spacing(spacing: Spacing) -> str:
    """Which millimetres are unknown, in words."""
    lacking = []
    if spacing[1] is None or spacing[2] is None:
        lacking.append("the file gives no Pixel Spacing (0028,0030)")
    if spacing[0] is None:
        lacking.append(
            "the slices' spacing is unknown: no positions tell it, and no Slice Thickness (0018,0050), or of a "
            "segmentation Spacing Between Slices (0018,0088)"
        )
    return " and ".join(lacking)
