"""A mask of the voxels above a threshold that is given or computed from the values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, field_validator, model_validator

from voxelry.core.coded_segment import CODES_FORM, codes_of_text, segment_with_codes
from voxelry.core.counted_voxels import checked_point, counted_voxels, piece_at
from voxelry.core.errors import ParameterError
from voxelry.core.extent import CountedRange
from voxelry.core.progress import Progress, part
from voxelry.core.recipe import Recipe
from voxelry.core.region_words import (
    SEGMENT_FORM,
    SOLID_FORMS,
    NamedSegment,
    names_segment,
    segment_of_text,
    solid_of_text,
    vector_of_text,
)
from voxelry.core.regions import BoxRegion, RegionMask, SegmentRegion, SphereRegion
from voxelry.core.segmentation import RGB, Segment, Segmentation
from voxelry.core.steps import Step, StepResult
from voxelry.core.threshold_rule import Method
from voxelry.core.volume import Volume
from voxelry.steps.shared.cut import CutParams, classes_by_value, mask_rows, measured_rule, spacing_warning


class ThresholdParams(CutParams):
    """Parameters of `STEP`."""

    method: Method = Field(
        "fixed",
        description="How the threshold is found: chosen (fixed, units, percentile, hysteresis) or from the values",
    )
    within: str = Field(
        "",
        max_length=1000,
        description=f"Only in this region of the patient, {SOLID_FORMS}, or {SEGMENT_FORM}, a label of the second "
        "volume; the whole volume where it is empty",
    )
    component: str = Field(
        "",
        max_length=200,
        description="Only what is connected, through faces, to the voxel that holds this point, X,Y,Z in LPS mm",
    )
    label: str = Field("", max_length=60, description="Name of the segment; empty for one that tells the limits")
    codes: str = Field("", max_length=400, description=f"What the segment is: {CODES_FORM}; empty for a tissue")
    colour: str = Field("", pattern=r"^(#[0-9a-fA-F]{6})?$", description="Of the segment, #rrggbb; empty for none")

    @field_validator("within")
    @classmethod
    def _region(cls, text: str) -> str:
        if text:
            _region_of_text(text)
        return text

    @field_validator("component")
    @classmethod
    def _point(cls, text: str) -> str:
        if text:
            vector_of_text(text)
        return text

    @field_validator("codes")
    @classmethod
    def _codes(cls, text: str) -> str:
        if text:
            codes_of_text(text)
        return text

    @field_validator("label")
    @classmethod
    def _name(cls, text: str) -> str:
        if "\\" in text or not text.isprintable() or text != text.strip():
            raise ValueError("the name of a segment has no backslash, no control character and no blank at its ends")
        return text

    @model_validator(mode="after")
    def _one_class(self) -> Self:
        if self.component and self.several:
            raise ValueError("several classes have no connected piece")
        return self


def _threshold(volumes: Sequence[Volume], params: ThresholdParams, progress: Progress) -> StepResult:
    volume = volumes[0]
    region = _region(volumes, params)
    parted = classes_by_value(volume, params, part(progress, 0.0, 0.6))
    labels = _where(volume, parted.labels, region, params, part(progress, 0.6, 1.0))
    names = [params.label, *(f"{params.label} {number}" for number in range(2, len(parted.names) + 1))]
    segments = tuple(
        segment_with_codes(
            Segment(
                number=number,
                label=(name if params.label else found)[:64],
                algorithm="threshold",
                colour=_rgb(params.colour) if number == 1 else None,
            ),
            params.codes,
        )
        for number, (name, found) in enumerate(zip(names, parted.names, strict=True), 1)
    )
    progress(1.0, "done")
    rows = tuple(
        {**row, "threshold": lower, "upper": upper, "unit": volume.unit}
        for row, (lower, upper) in zip(mask_rows(volume, labels, segments), parted.limits, strict=True)
    )
    warnings = list(parted.warnings)
    if params.within and not labels.any():
        warnings.append("no voxel of the region counts: the mask is empty")
    recipe = recipe_of(volume, params)
    return StepResult(
        segmentation=Segmentation(
            labels=labels, source=volume, segments=segments, recipe="" if recipe is None else recipe.text
        ),
        rows=rows,
        warnings=(*warnings, *spacing_warning(volume)),
    )


def recipe_of(volume: Volume, params: ThresholdParams) -> Recipe | None:
    """How to measure again what the step chose, of several classes all together; None where it is inverted."""
    if params.invert:
        return None
    rule = measured_rule(params)
    within = _region_of_text(params.within) if params.within else None
    component = vector_of_text(params.component) if params.component else None
    return Recipe(
        method=rule.method,
        threshold=rule.threshold,
        lower=rule.lower,
        upper=rule.upper,
        percentile=rule.percentile,
        classes=rule.classes,
        class_number=rule.class_number,
        within=within,
        component=component,
        series_instance_uid=volume.series_instance_uid,
        label=volume.label,
    )


def _rgb(colour: str) -> RGB | None:
    if not colour:
        return None
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue


def _region_of_text(text: str) -> SphereRegion | BoxRegion | NamedSegment:
    return segment_of_text(text) if names_segment(text) else solid_of_text(text)


def _region(volumes: Sequence[Volume], params: ThresholdParams) -> RegionMask | None:
    """Where voxels may count; None for everywhere."""
    wanted = _region_of_text(params.within) if params.within else None
    if isinstance(wanted, NamedSegment):
        if len(volumes) < 2:
            raise ParameterError(
                f"within names segment {wanted.number} of a segmentation: give its labels as the second volume"
            )
        return _labelled(volumes[1], wanted.number).within(volumes[0])
    if len(volumes) > 1:
        raise ParameterError(f"a second volume holds the labels of a region: say which by within, {SEGMENT_FORM}")
    return None if wanted is None else wanted.within(volumes[0])


def _labelled(volume: Volume, number: int) -> SegmentRegion:
    """A label of a volume as a region. That both volumes lie in one place was checked when they were read."""
    labels = np.asarray(volume.array == number, np.uint8)
    segment = Segment(number=1, label="Region")
    region = Segmentation(labels=labels, geometry=volume.geometry, segments=(segment,))
    return SegmentRegion(region, same_frame_of_reference=True)


def _where(
    volume: Volume,
    labels: npt.NDArray[np.uint8],
    region: RegionMask | None,
    params: ThresholdParams,
    progress: Progress,
) -> npt.NDArray[np.uint8]:
    """Labels in a region, and of these those connected to a point; the same array where neither is asked for."""
    if region is None and not params.component:
        return labels
    mask = Volume(array=labels, geometry=volume.geometry)
    counted = counted_voxels(mask, CountedRange(np.uint8(1), None), region)
    plane = counted.plane
    if params.component:
        plane = piece_at(counted, checked_point(vector_of_text(params.component)), progress=progress).plane
    kept = np.zeros_like(labels)
    for index, whole in enumerate(range(counted.box[0].start, counted.box[0].stop)):
        here = whole, *counted.box[1:]
        kept[here] = np.where(plane(index), labels[here], 0)
    return kept


STEP = Step(
    name="threshold",
    title="Threshold",
    description="A mask of the voxels above a threshold: on [0, 1], in the volume's units, or found from the values.",
    params=ThresholdParams,
    function=_threshold,
    optional=("region",),
    group="mask",
)
