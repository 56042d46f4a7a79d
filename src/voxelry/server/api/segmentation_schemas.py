"""The records of stored segmentations: which there are, their segments, and figures of these over an image."""

from __future__ import annotations

from typing import Annotated, Literal

from ninja import Field, Schema
from pydantic import ConfigDict

from voxelry.core.threshold_rule import Method
from voxelry.server.api.schemas import LARGEST, ProblemOut, Spacing

SegmentationKind = Literal["SEG", "RTSTRUCT"]
Place = Literal["frame", "unknown", "other"]
RecipeNumber = Annotated[float, Field(allow_inf_nan=False)]
IndexOut = tuple[int, int, int]
"""Slice, row, column."""


class SegmentationSummaryOut(Schema):
    """A stored segmentation or structure set. ``problem`` says why it can be laid over no image.

    ``state`` is ``building`` while a job prepares it. ``created`` is ISO text, as far as the header tells it.
    ``space`` is its Frame of Reference UID. ``placed`` says whether the image that was asked for lies in the same frame
    of reference: ``frame`` if it does, ``other`` if not, ``unknown`` if one of the two is unknown; null without image.
    """

    id: int
    series_id: int
    study_id: int
    sop_instance_uid: str
    kind: SegmentationKind
    label: str
    created: str
    segment_count: int
    problem: ProblemOut | None
    state: Literal["ready", "building"]
    space: str
    placed: Place | None


class SegmentationsOut(Schema):
    """The segmentations of a study, at most 1000."""

    segmentations: list[SegmentationSummaryOut]


class RecipeIn(Schema):
    """Which voxels are chosen, as `GET /api/series/{series_id}/measure` takes it.

    ``within`` is `sphere:X,Y,Z:RADIUS`, `box:X,Y,Z:X,Y,Z`, or a segment: `segmentation:ID#NUMBER`, or
    `segment:UID#NUMBER` with the SOP Instance UID, as recipes have it. ``component`` is a point; LPS, mm.
    """

    model_config = ConfigDict(extra="forbid")

    method: Method | None = None
    threshold: RecipeNumber | None = None
    lower: RecipeNumber | None = None
    upper: RecipeNumber | None = None
    percentile: RecipeNumber | None = None
    classes: Annotated[int | None, Field(strict=True)] = None
    class_number: Annotated[int | None, Field(strict=True)] = None
    within: Annotated[str | None, Field(max_length=1000)] = None
    component: tuple[RecipeNumber, RecipeNumber, RecipeNumber] | None = None


class CodeOut(Schema):
    """A coded concept (PS3.3 8.8)."""

    value: str
    scheme: str
    meaning: str


class CodesIn(Schema):
    """What a segment is, in the codes of a terminology."""

    model_config = ConfigDict(extra="forbid")

    category: CodeOut
    type: CodeOut
    type_modifier: CodeOut | None = None
    anatomic_region: CodeOut | None = None


class SegmentationRequest(Schema):
    """A request to make a segmentation of a volume by its values."""

    model_config = ConfigDict(extra="forbid")

    series: Annotated[int, Field(ge=1, le=LARGEST, strict=True)]
    volume: Annotated[int, Field(ge=0, le=LARGEST, strict=True, description="Where a series has several.")] = 0
    label: Annotated[str, Field(min_length=1, max_length=60, description="The segment's name.")]
    recipe: RecipeIn
    codes: Annotated[CodesIn | None, Field(description="What the segment is; a tissue without them.")] = None
    colour: Annotated[str | None, Field(pattern="^#[0-9a-fA-F]{6}$")] = None
    same_frame_of_reference: Annotated[
        bool,
        Field(strict=True, description="The segment lies in the image's place, though no header says so."),
    ] = False


class SegmentOut(Schema):
    """A segment: what it is, and where.

    Its voxels are those of label map ``layer`` that have ``value``; 0 if it has no place. ``count`` and ``mm3`` are of
    its own grid. ``box`` holds the first index of each axis and the one after the last; null if it is empty.
    ``contour_mm3`` is the volume of a structure by its contours. Modifiers tell left from right.
    """

    number: int
    label: str
    colour: str
    category: CodeOut | None
    type: CodeOut | None
    type_modifier: CodeOut | None
    anatomic_region: CodeOut | None
    region_modifier: CodeOut | None
    algorithm: str
    algorithm_type: str
    layer: int
    value: int
    count: int
    mm3: float | None
    box: tuple[IndexOut, IndexOut] | None
    contour_mm3: float | None


class SegmentationOut(SegmentationSummaryOut):
    """A segmentation on its own grid. ``version`` changes when it is made again: add it to addresses as ``v``.

    ``affine`` leads from (slice, row, column) to LPS millimetres. Segments that overlap lie in several label maps,
    ``layers`` of them. Of fractions (``fractional``) the voxels above 0.5 are shown, and a warning says so. Without
    label maps ``shape`` is empty.
    """

    version: str
    shape: list[int]
    affine: list[list[float]] | None
    spacing_mm: Spacing
    voxel_mm3: float | None
    dtype: Literal["uint8", "uint16"]
    layers: int
    fractional: Literal["OCCUPANCY", "PROBABILITY"] | None
    recipe: str
    warnings: list[str]
    segments: list[SegmentOut]


class ValueStatisticsOut(Schema):
    """Figures of the values of some voxels; all but ``count`` are null of none. ``std`` is of a sample (n - 1)."""

    count: int
    mean: float | None
    std: float | None
    minimum: float | None
    p5: float | None
    p25: float | None
    median: float | None
    p75: float | None
    p95: float | None
    maximum: float | None


class SegmentFiguresOut(Schema):
    """A segment over an image: its own size, and the image's values in it; ``missing`` voxels have none."""

    number: int
    count: int
    mm3: float | None
    values: ValueStatisticsOut
    missing: int


class SegmentationStatisticsOut(Schema):
    """The figures of all segments over an image, as `voxelry.statistics` gives them; ``unit`` is the values'."""

    unit: str
    segments: list[SegmentFiguresOut]
