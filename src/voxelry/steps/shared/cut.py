"""Segmentation of an image by its values, shared by all steps that make a mask from an image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, cast

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from voxelry.core.counted_voxels import pieces_reaching
from voxelry.core.extent import CountedRange, Extent, extent
from voxelry.core.histogram import histogram
from voxelry.core.holes import missing_mask
from voxelry.core.measure import missing_spacing
from voxelry.core.progress import Progress, part
from voxelry.core.segmentation import Segment
from voxelry.core.steps import Params, Row
from voxelry.core.threshold_rule import (
    DEFAULT_CLASSES,
    DEFAULT_PERCENTILE,
    DEFAULT_THRESHOLD,
    FEWEST_CLASSES,
    MOST_CLASSES,
    Ends,
    Method,
    ThresholdRule,
    above_up_to,
)
from voxelry.core.volume import Volume
from voxelry.steps.shared.mask_grids import greyscale

VALUES = "unit of the values"
NAMES = {"otsu": "Otsu", "multi_otsu": "multi-Otsu", "li": "Li", "triangle": "triangle", "yen": "Yen"}


class CutParams(Params):
    """Parameters of every step that makes a mask from an image."""

    method: str = "fixed"
    threshold: float = Field(
        DEFAULT_THRESHOLD, ge=0, le=1, json_schema_extra={"unit": "1", "when": {"method": ["auto", "fixed"]}},
        description="Method fixed: a fraction of the range of values; a voxel counts above it",
    )  # fmt: skip
    lower: float | None = Field(
        None, json_schema_extra={"unit": VALUES, "when": {"method": ["units", "hysteresis"]}},
        description="Method units: from this value on; hysteresis: above this value",
    )  # fmt: skip
    upper: float | None = Field(
        None, json_schema_extra={"unit": VALUES, "when": {"method": ["units", "hysteresis"]}},
        description="Method units: up to this value; hysteresis: a piece counts if it reaches above this value",
    )  # fmt: skip
    percentile: float = Field(
        DEFAULT_PERCENTILE, ge=0, le=100, json_schema_extra={"unit": "%", "when": {"method": ["percentile"]}},
        description="Method percentile: a voxel counts above the value that so many of the voxels do not exceed",
    )  # fmt: skip
    classes: int = Field(
        DEFAULT_CLASSES, ge=FEWEST_CLASSES, le=MOST_CLASSES,
        json_schema_extra={"unit": "1", "when": {"method": ["multi_otsu"]}},
        description="Method multi_otsu: how many classes; the lowest is background",
    )  # fmt: skip
    class_number: int | None = Field(
        None, ge=0, le=MOST_CLASSES - 1, json_schema_extra={"unit": "1", "when": {"method": ["multi_otsu"]}},
        description="Method multi_otsu: only this class, 0 the lowest; where it is empty each class but the lowest "
        "becomes a segment",
    )  # fmt: skip
    invert: bool = Field(False, description="Take what does not count instead; never padding")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.method == "units" and self.lower is None and self.upper is None:
            raise ValueError("method units needs lower, upper or both")
        if self.method == "hysteresis" and (self.lower is None or self.upper is None):
            raise ValueError("method hysteresis needs lower and upper")
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            raise ValueError(f"lower {self.lower:g} is above upper {self.upper:g}")
        if self.several and self.invert:
            raise ValueError("several classes cannot be inverted")
        if self.method == "multi_otsu" and self.class_number is not None and self.class_number >= self.classes:
            raise ValueError(f"class_number {self.class_number} is not one of {self.classes} classes, which begin at 0")
        return self

    @property
    def several(self) -> bool:
        """Whether they may come to several segments."""
        return self.method == "multi_otsu" and self.class_number is None


@dataclass(frozen=True, slots=True, eq=False)
class ValueClasses:
    """An image segmented by its values.

    Attributes
    ----------
    labels
        uint8, shape ``(slice, row, column)``: 0 background, then the classes in order of their values.
    names
        Names of the labels from 1.
    limits
        Lower and upper value of each label, in the volume's unit; None without such a limit.
    """

    labels: npt.NDArray[np.uint8]
    names: tuple[str, ...]
    limits: tuple[tuple[float | None, float | None], ...]
    warnings: tuple[str, ...]


def classes_by_value(volume: Volume, params: CutParams, progress: Progress) -> ValueClasses:
    """Segment an image by its values; padding, NaN and infinities belong to no class and no statistic.

    Raises
    ------
    MeasureError
        If the volume is in colour, or holds too few values for the classes.
    """
    volume = volume.with_array(greyscale(volume))
    progress(0.0, "looking at the values")
    found = extent(volume)
    parted = _cut(volume, params, progress, found)
    if not found.non_finite:
        return parted
    words = f"{found.non_finite:,} voxels are NaN or infinite, which are no numbers: they are in no segment"
    return replace(parted, warnings=(*parted.warnings, words))


def _cut(volume: Volume, params: CutParams, progress: Progress, found: Extent) -> ValueClasses:
    unit = f" {volume.unit}" if volume.unit else ""
    if not found.count:
        return _nothing(volume, "every voxel is padding or no number: the mask is empty")
    if params.method not in ("units", "hysteresis") and found.constant:
        why = f"constant image: every value is {float(found.low):g}, so none is above a threshold"
        if not params.invert:
            return _nothing(volume, why)
        return ValueClasses(_labels(volume, _none, params, progress), ("Everything",), ((None, None),), (why,))
    if params.method == "fixed":
        level = float(found.low) * (1 - params.threshold) + float(found.high) * params.threshold
        labels = _labels(volume, _held(volume, params, found), params, progress)
        return ValueClasses(labels, (_named(params, f"Above {params.threshold:g} of the range"),), ((level, None),), ())
    if params.method == "units":
        labels = _labels(volume, _held(volume, params, found), params, progress)
        words = f"From {_word(params.lower)} to {_word(params.upper)}{unit}"
        return ValueClasses(labels, (_named(params, words),), ((params.lower, params.upper),), ())
    if params.method == "hysteresis":
        labels = _labels_of_pieces(volume, params, found, progress)
        words = f"Above {_word(params.lower)}{unit}, reaching {_word(params.upper)}{unit}"
        return ValueClasses(labels, (_named(params, words),), ((params.lower, None),), ())
    if params.several:
        cuts = measured_rule(params).cuts(histogram(volume))
        labels = _labels(volume, lambda values: _classes(values, cuts), params, progress)
        names = tuple(f"Above {level:.6g}{unit} (multi-Otsu)" for level in cuts)
        return ValueClasses(labels, names, tuple(zip(cuts, [*cuts[1:], None], strict=True)), ())
    ends = measured_rule(params).ends(volume)
    labels = _labels(volume, _hold(above_up_to(found, *ends)), params, progress)
    return ValueClasses(labels, (_named(params, _found_words(params, ends, unit)),), (ends,), ())


def _found_words(params: CutParams, ends: Ends, unit: str) -> str:
    limits = ", ".join(
        f"{word} {end:.6g}" for word, end in zip(("above", "up to"), ends, strict=True) if end is not None
    )
    if params.method == "multi_otsu":
        return f"Class {params.class_number} of {params.classes} by multi-Otsu, {limits}{unit}"
    return f"{limits.capitalize()}{unit} ({_method_name(params)})"


def measured_rule(params: CutParams) -> ThresholdRule:
    """The rule by which `measure` counts what the parameters choose."""
    method = cast(Method, params.method)
    limited, classed = method in ("units", "hysteresis"), method == "multi_otsu"
    return ThresholdRule(
        method,
        threshold=params.threshold if method == "fixed" else None,
        lower=params.lower if limited else None,
        upper=params.upper if limited else None,
        percentile=params.percentile if method == "percentile" else None,
        classes=params.classes if classed else None,
        class_number=params.class_number if classed else None,
    )


def _held(volume: Volume, params: CutParams, found: Extent) -> _Part:
    return _hold(measured_rule(params).within(volume, found))


def _hold(held: CountedRange | None) -> _Part:
    return _none if held is None else held.hold


def _method_name(params: CutParams) -> str:
    return NAMES.get(params.method, f"{params.percentile:g} % of the voxels")


def _named(params: CutParams, words: str) -> str:
    return f"Not {words[0].lower()}{words[1:]}" if params.invert else words


def _word(limit: float | None) -> str:
    return "the end" if limit is None else f"{limit:g}"


def _nothing(volume: Volume, why: str) -> ValueClasses:
    return ValueClasses(np.zeros(volume.array.shape, np.uint8), ("Nothing",), ((None, None),), (why,))


_Part = Callable[[npt.NDArray[Any]], npt.NDArray[Any]]


def _none(values: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    return np.zeros(values.shape, np.bool_)


def _classes(values: npt.NDArray[np.generic], cuts: Sequence[float]) -> npt.NDArray[np.uint8]:
    number = np.zeros(values.shape, np.uint8)
    for level in cuts:
        number += values > np.float64(level)
    return number


def _labels(volume: Volume, classes: _Part, params: CutParams, progress: Progress) -> npt.NDArray[np.uint8]:
    labels = np.empty(volume.array.shape, np.uint8)
    for index, values in enumerate(volume.array):
        progress(0.3 + 0.7 * index / len(labels), "comparing")
        labels[index] = classes(values)
        if params.invert:
            labels[index] = labels[index] == 0
        mask = volume.padding_mask(index)
        if mask is not None:
            labels[index][mask] = 0
        if values.dtype.kind == "f":
            labels[index][~np.isfinite(values)] = 0
    return labels


def _labels_of_pieces(volume: Volume, params: CutParams, found: Extent, progress: Progress) -> npt.NDArray[np.uint8]:
    rule = measured_rule(params)
    held, reached = rule.within(volume, found), rule.reached(found)
    pieces = pieces_reaching(volume, held, reached, progress=part(progress, 0.0, 0.7))
    inside = np.empty(volume.array.shape, np.uint8)
    for index in range(len(inside)):
        progress(0.7 + 0.3 * index / len(inside), "comparing")
        inside[index] = pieces.plane(index)
    if params.invert:
        missing = missing_mask(volume, volume.array)
        inside = np.asarray(inside == 0 if missing is None else (inside == 0) & ~missing, np.uint8)
    return inside


def mask_rows(volume: Volume, labels: npt.NDArray[Any], segments: Sequence[Segment]) -> tuple[Row, ...]:
    """A row for each segment: number, label, count and mm3 (None if a spacing is unknown)."""
    counts = label_counts(labels, max(one.number for one in segments) + 1)
    voxel = volume.voxel_mm3
    return tuple(
        {
            "segment": one.number,
            "label": one.label,
            "count": int(counts[one.number]),
            "mm3": None if voxel is None else int(counts[one.number]) * voxel,
        }
        for one in segments
    )


def label_counts(labels: npt.NDArray[Any], least: int = 1) -> npt.NDArray[np.int64]:
    """The count of each number from 0; by slices, because counting converts to a wider dtype."""
    counts = np.zeros(max(least, int(labels.max(initial=0)) + 1), np.int64)
    for plane in labels:
        counts += np.bincount(plane.ravel(), minlength=counts.size)
    return counts


def spacing_warning(volume: Volume) -> tuple[str, ...]:
    """A warning if mm3 are unknown."""
    return () if volume.voxel_mm3 is not None else (f"no volume in mm3: {missing_spacing(volume.spacing)}",)
