"""Counting voxels above a threshold, or between limits, exactly.

The definition of a threshold is ``(x - min) / (max - min) > threshold`` in float64 over the whole volume, without its
padding, NaN and infinities, which take part in nothing. A histogram answers for any threshold with the very same
figure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NotRequired, TypeAlias, TypedDict

import numpy as np

from voxelry.core.affine import Vector
from voxelry.core.counted_voxels import checked_point, count_all, counted_voxels, piece_at, pieces_reaching
from voxelry.core.errors import MeasureError
from voxelry.core.extent import CountedRange, Each, Extent, extent, extent_and_count
from voxelry.core.progress import Progress, silent
from voxelry.core.regions import PatientRegion
from voxelry.core.segment_values import OCCUPANCY, PROBABILITY, SegmentKind, labelled, segment_kind, sum_of
from voxelry.core.spacing import Spacing
from voxelry.core.threshold_rule import DEFAULT_THRESHOLD, Method, ThresholdRule, threshold_rule
from voxelry.core.volume import Volume

Limits: TypeAlias = tuple[float | None, float | None]
"""The smallest and the largest value that count, both included, in the volume's unit; None where there is no limit."""


class LimitsRecord(TypedDict):
    """The values that count, both ends included, in the volume's unit; null where there is no limit."""

    lower: float | None
    upper: float | None


class MeasurementRecord(TypedDict):
    """A measurement as JSON; the terminal and the REST API answer with the same."""

    series_instance_uid: str
    pixels_above_threshold: int
    pixels_total: int
    volume_mm3: float | None
    threshold: float | None
    method: str
    limits: LimitsRecord | None
    spacing_mm: list[float | None]
    warnings: list[str]
    label: NotRequired[str]
    """The volume's label; absent if the series has only one."""
    within: NotRequired[dict[str, Any]]
    """The region in which voxels were counted; absent if it was the whole volume."""
    component: NotRequired[list[float]]
    """The point whose connected voxels were counted; absent if all were."""


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
        On [0, 1], from the smallest to the largest value that is neither padding nor NaN nor infinite; None of other
        methods than ``"fixed"``.
    spacing
        Millimetres ``(slice, row, column)``.
    label
        What tells the volume from others of its series; empty if there are no others.
    series_instance_uid
        Series Instance UID (0020,000E) of the volume; empty where it has none.
    method
        How the threshold was found: ``"fixed"``, ``"units"`` of limits, or the name of a method.
    warnings
        What a user must know before trusting the figures; sentences without patients' values.
    within
        The region in which voxels were counted; None if it was the whole volume.
    limits
        The smallest and the largest value that count, both included, in the volume's unit, each None where that side
        has no limit: ``measure(volume, lower=..., upper=...)`` with them gives the same count. None of label maps and
        of hysteresis, whose count no limits give, and where no value can count.
    component
        The point, LPS in mm, whose connected voxels were counted; None if all were.

    Examples
    --------
    >>> measurement = voxelry.measure(voxelry.load_volume("sample/phantom"), threshold=0.9)
    >>> isinstance(measurement, voxelry.Measurement), measurement.volume_mm3
    (True, 65508.75)
    >>> measurement.record()["pixels_above_threshold"]
    11646
    >>> measurement.limits
    (178.0, None)
    """

    series_instance_uid: str
    pixels_above_threshold: int
    pixels_total: int
    volume_mm3: float | None
    threshold: float | None
    method: Method
    spacing: Spacing
    warnings: tuple[str, ...]
    limits: Limits | None = None
    label: str = ""
    within: PatientRegion | None = None
    component: Vector | None = None

    def record(self) -> MeasurementRecord:
        """The same as JSON values."""
        found: MeasurementRecord = {
            "series_instance_uid": self.series_instance_uid,
            "pixels_above_threshold": self.pixels_above_threshold,
            "pixels_total": self.pixels_total,
            "volume_mm3": self.volume_mm3,
            "threshold": self.threshold,
            "method": self.method,
            "limits": None if self.limits is None else {"lower": self.limits[0], "upper": self.limits[1]},
            "spacing_mm": list(self.spacing),
            "warnings": list(self.warnings),
        }
        if self.label:
            found["label"] = self.label
        if self.within is not None:
            found["within"] = self.within.record()
        if self.component is not None:
            found["component"] = list(self.component)
        return found


def measure(
    volume: Volume,
    threshold: float | None = None,
    method: str | None = None,
    *,
    lower: float | None = None,
    upper: float | None = None,
    percentile: float | None = None,
    classes: int | None = None,
    class_number: int | None = None,
    default: float = DEFAULT_THRESHOLD,
    within: PatientRegion | None = None,
    component: Vector | None = None,
    each: Each = map,
    progress: Progress = silent,
) -> Measurement:
    """Count the voxels whose value lies above a threshold, or between limits.

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
        As in `ThresholdRule`; ``"units"`` where none is given and a limit is, else ``"fixed"``.
    lower, upper
        In the volume's unit: a voxel counts from ``lower`` on, and up to ``upper``, both included; of hysteresis above
        ``lower``, in a piece that reaches above ``upper``.
    percentile
        Of the method ``"percentile"``.
    classes, class_number
        Of the method ``"multi_otsu"``.
    default
        The threshold where none is given.
    within
        A region of the patient: only its voxels are counted. The range, and a value that a method finds, stay those of
        the whole volume.
    component
        A point in LPS mm: of the voxels that count, in the region if there is one, only those that are connected
        through faces to the voxel that holds the point.
    each
        Does the work on parts of the volume; the built-in `map`, or one that has threads.
    progress
        Called for each slice where there is a region, a component or hysteresis; what it raises stops the work.

    Raises
    ------
    ParameterError
        If a number is out of range, the method is unknown, or the point lies outside or in a voxel that does not count.
    MeasureError
        If the volume is in colour, has fewer values than classes, or is a segmentation that is to be measured by
        limits, in a region or at a point.
    UnplacedError, FrameOfReferenceError
        If nothing says where the volume lies, or that it and the region lie in one place.
    """
    stated = threshold is not None
    rule = threshold_rule(
        threshold, method, lower=lower, upper=upper, percentile=percentile, classes=classes, class_number=class_number,
        default=default,
    )  # fmt: skip
    point = None if component is None else checked_point(component)
    if not isinstance(volume.array, np.ndarray):  # a lazy array is read once
        volume = volume.with_array(np.asarray(volume.array))
    kind = segment_kind(volume)
    if kind and (within is not None or point is not None or rule.method != "fixed"):
        raise MeasureError(
            "a segmentation has no values to count by limits, in a region or at a point; its own size is measured "
            "without them"
        )
    warnings = list(volume.warnings)
    total = int(volume.array.size)
    limits: Limits | None = None
    if kind == "labels":
        above, words = labelled(volume)
        warnings.append(words)
    elif within is not None or point is not None or rule.by_pieces:
        above, total, limits, told = _counted_at(volume, rule, within, point, each, progress)
        warnings += told
    else:
        found, held, above = extent_and_count(volume, lambda found: _held(rule, volume, kind, found), each=each)
        limits = _limits(rule, held)
        warnings += [*_left_out(volume, found), *([] if kind else _nothing_counts(rule, found))]
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
        threshold=rule.threshold,
        method=rule.method,
        spacing=volume.spacing,
        warnings=tuple(warnings),
        limits=limits,
        label=volume.label,
        within=within,
        component=point,
    )


def _held(rule: ThresholdRule, volume: Volume, kind: SegmentKind, found: Extent) -> CountedRange | None:
    if not kind or not found.count:
        return rule.within(volume, found)
    number = volume.array.dtype.type  # a segmentation goes from 0 to 1, whatever values it has
    return rule.within(volume, Extent(number(0), number(1), found.count))


def _limits(rule: ThresholdRule, held: CountedRange | None) -> Limits | None:
    if held is None or rule.by_pieces:
        return None
    return (rule.lower, rule.upper) if rule.method == "units" else held.limits


def _nothing_counts(rule: ThresholdRule, found: Extent) -> list[str]:
    """Why no voxel counts, if it is for want of values."""
    if not found.count:
        return ["every pixel is padding or no number: nothing to count"]
    if found.constant and rule.method not in ("units", "hysteresis"):
        return [f"constant image: every value is {float(found.low):g}, so none is above the threshold"]
    return []


def _counted_at(
    volume: Volume,
    rule: ThresholdRule,
    region: PatientRegion | None,
    point: Vector | None,
    each: Each,
    progress: Progress,
) -> tuple[int, int, Limits | None, list[str]]:
    """How many voxels count in a region, or connected to a point; how many lie in the region; limits; warnings."""
    whole = extent(volume, each=each)
    held = rule.within(volume, whole)
    placed = None if region is None else region.within(volume)
    total = int(volume.array.size) if placed is None else placed.count
    told = [*_left_out(volume, whole), *_nothing_counts(rule, whole)]
    if not total:
        told.append("no pixel of this volume lies in the region")
    pieces = pieces_reaching(volume, held, rule.reached(whole), progress=progress) if rule.by_pieces else None
    counted = counted_voxels(volume, held, placed, pieces)
    if point is not None:
        count = piece_at(counted, point, progress=progress).count
    else:
        count = count_all(counted, progress=progress)
    return count, total, _limits(rule, held), told


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
