"""The records of the REST API's answers; the OpenAPI document is made from them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from ninja import Field, Schema
from pydantic import BaseModel, ConfigDict
from typing_extensions import TypedDict

from voxelry.server.api.pixelless_schemas import ClassCount
from voxelry.server.api.project_schemas import OwnProject
from voxelry.server.api.slice_schemas import (
    PixelSpacing,
    SeparatorOut,
    SlicePlace,
    SliceRegions,
    SliceSides,
    SliceViews,
    TableOut,
    WindowOut,
)

Row = TypeVar("Row")
LARGEST = 2**31 - 1
"""The largest number that a request may name a row or a position by."""
StateName = Literal["queued", "running", "succeeded", "failed", "cancelled"]

Spacing = tuple[float | None, float | None, float | None]
"""Millimetres between slices, rows and columns; None where unknown."""


class Page(Schema, Generic[Row]):
    """A part of a list, and the length of the list. ``more_than``: it is longer than ``count``, where counting ends.

    ``next`` is the ``after`` of the page behind this one; null where the list ends, and in lists without it.
    """

    items: list[Row]
    count: int
    more_than: bool = False
    next: int | None = None


class ProblemDocument(Schema):
    """RFC 9457; ``code`` is stable, ``detail`` is for people."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    errors: list[FieldErrorOut] | None = None
    skipped: dict[str, ProblemOut] | None = None
    newer: NewerOut | None = None


ERRORS = {(401, 403, 404, 409, 413, 422, 507): ProblemDocument}
"""What routes answer with beside their own records."""


class FieldErrorOut(Schema):
    """What is wrong with one part of a request; ``loc`` is the path to it, ``type`` a stable code."""

    loc: list[str]
    msg: str
    type: str


class NewerOut(Schema):
    """What was saved from the same segmentation meanwhile; ``segmentation`` is null while its job is not done."""

    job: int
    segmentation: int | None


class ProblemOut(Schema):
    """Why a file, a series or a job failed."""

    code: str
    message: str


class ServerSettings(Schema):
    """The part of the configuration that the page uses."""

    threshold: float
    trash_days: float = 7.0


class Me(Schema):
    """The signed-in user with the projects that are open to it, and the server's version and settings."""

    username: str
    is_staff: bool
    is_admin: bool
    projects: list[OwnProject]
    version: str
    settings: ServerSettings


class JobOut(Schema):
    """A job; ``upload`` or ``series`` is the record that it works on."""

    id: int
    kind: str
    state: StateName
    progress: float = Field(ge=0, le=1)
    message: str
    created: datetime
    started: datetime | None
    finished: datetime | None
    attempts: int
    problem: ProblemOut | None
    upload: int | None
    series: int | None


class Accepted(Schema):
    """An accepted request; ``address`` gives its state."""

    id: int
    address: str


class Counts(Schema):
    """How many files of an upload were new, already stored, or could not be used."""

    stored: int
    present: int
    skipped: int


class EntryOut(Schema):
    """The result of one file of an upload."""

    name: str
    status: Literal["stored", "present", "skipped"]
    code: str
    message: str
    series: int | None


class UploadRow(Schema):
    """An upload in a list. ``node`` is the name of the node of the DICOM network that brought it, or empty."""

    id: int
    project_id: int
    state: StateName
    progress: float
    message: str
    created: datetime
    finished: datetime | None
    node: str
    names: list[str]
    counts: Counts
    problem: ProblemOut | None


class SeriesName(Schema):
    """The name of a series; ``description`` is empty if its header has none."""

    id: int
    number: int | None
    modality: str
    description: str


class UploadOut(UploadRow):
    """An upload with a part of its report.

    ``series_names`` are those of ``series``, in the same order. ``kept_aside`` is the number of files whose UID was
    here with other content and whose bytes are kept aside, because a node brought them.
    """

    entries: list[EntryOut]
    entry_count: int
    kept_aside: int
    series: list[int]
    series_names: list[SeriesName]
    jobs: list[JobOut]


class PatientOut(Schema):
    """A patient."""

    id: int
    patient_id: str
    name: str
    birth_date: str
    sex: str


class StudyBrief(Schema):
    """The study of a series."""

    id: int
    description: str
    date: str


class SeriesRow(Schema):
    """A series in a list; ``state`` is the state of building its volumes, ``shape`` the shape of the first volume.

    ``volume_labels`` are the labels of its volumes (echo, phase, time, plane), or of the first few of many. ``problem``
    says which of its files could not be used.
    """

    id: int
    study_id: int
    project_id: int
    series_instance_uid: str
    number: int | None
    modality: str
    description: str
    body_part: str
    instance_count: int
    state: StateName
    progress: float
    thumbnail: str | None
    volume_count: int
    volume_labels: list[str]
    regular: bool | None
    lossy: bool
    shape: list[int] | None
    problem: ProblemOut | None
    study: StudyBrief
    patient: PatientOut


class PlaneOut(Schema):
    """The slices along one direction; ``spacing_mm`` is that of rows and of columns.

    ``aspect`` is the height of a pixel over its width, for display. ``lean`` is the number of columns by which each row
    is shifted to the right of the row above; it is not 0 if the plane crosses the slices of a tilted stack.
    """

    # Answers hold every field, so the contract requires those with a default too.
    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    count: int
    rows: int
    columns: int
    spacing_mm: PixelSpacing
    aspect: float = 1.0
    lean: float = 0.0


class AcquiredPlane(TypedDict):
    """The plane that every volume has."""

    acquired: PlaneOut


class PlanesOut(AcquiredPlane, total=False):
    """The planes of a volume; only ``acquired`` if its slices have no position in the patient."""

    axial: PlaneOut
    coronal: PlaneOut
    sagittal: PlaneOut


class LimitsOut(Schema):
    """The values that count, both ends included, in the volume's unit; null where there is no limit."""

    lower: float | None
    upper: float | None


class MeasurementOut(Schema):
    """A measurement, as ``voxelry measure --json`` gives it.

    ``threshold`` is null of other methods than ``fixed``. ``limits`` asked for as ``lower`` and ``upper`` give the same
    count; null of a label map, where no value can count, and of what was measured before there were limits.
    """

    series_instance_uid: str
    pixels_above_threshold: int
    pixels_total: int
    volume_mm3: float | None
    threshold: float | None
    method: str
    limits: LimitsOut | None = None
    spacing_mm: Spacing
    warnings: list[str]


class CountedOut(MeasurementOut):
    """What was counted as somebody asked: ``within`` a region, connected to a point ``component`` (LPS, mm)."""

    label: str | None = None
    within: dict[str, Any] | None = None
    component: tuple[float, float, float] | None = None


class VolumeOut(Schema):
    """One stack of a series. ``version`` changes when it is made again: add it to slice addresses as ``v``.

    Each slice is shown with its own of ``slice_views``, else with ``default_view``; ``default_window`` is the nearest
    window, for clients without tables. ``padding_ranges`` holds the smallest and the largest padding value, which are
    shown as black: one pair for all slices, or one for each. ``frame_rate`` is the header's frames per second, their
    mean if ``frame_times_ms`` says how long each frame is shown; ``frame_sweep`` is true if they play back and forth.

    Volumes of a series with the same ``grid`` have their voxels in the same places; ``separators`` tell them apart.
    ``acquired_s`` is when it was acquired, in seconds after the first volume of its grid, by ``acquired_by``; null
    where headers do not tell the volumes' times apart. ``quadruped`` is true for an animal whose axes are left, dorsal
    and cranial instead of left, posterior and superior. ``overlay_slices`` are the acquired slices with overlays.
    ``slice_sides`` is null where no header says anything of it, ``ultrasound`` where there is no calibrated region.
    """

    index: int
    version: str
    label: str
    shape: list[int]
    dtype: str
    byte_order: Literal["little"]
    colour: bool
    regular: bool
    problem: ProblemOut | None
    warnings: list[str]
    affine: list[list[float]] | None
    spacing_mm: Spacing
    frame_of_reference_uid: str | None
    unit: str
    min: float | None
    max: float | None
    padding_count: int
    inverted: bool
    lossy: bool
    windows: list[WindowOut]
    default_window: WindowOut
    tables: list[TableOut]
    default_view: WindowOut | TableOut
    slice_views: SliceViews | None
    padding_ranges: list[tuple[float, float] | None] | None
    slice_places: list[SlicePlace] | None
    slice_sides: SliceSides | None
    quadruped: bool
    overlay_slices: list[int]
    ultrasound: SliceRegions | None
    grid: int | None
    separators: list[SeparatorOut]
    acquired_s: float | None
    acquired_by: str
    frame_rate: float | None
    frame_times_ms: list[float] | None
    frame_sweep: bool
    frame_rate_source: str
    planes: PlanesOut
    measurement: MeasurementOut | None


class FindingOut(BaseModel):
    """A finding on a series' geometry; further fields differ from code to code, those in millimetres end in ``_mm``."""

    model_config = ConfigDict(extra="allow")

    code: str
    message: str
    severity: Literal["error", "warning", "note"]
    stack: int | None
    stacks: list[int]


class ReportOut(BaseModel):
    """The geometry of a series: a summary in words, and the findings."""

    regular: bool
    summary: str
    problems: list[FindingOut]


class SeriesOut(SeriesRow):
    """A series with its volumes. ``report`` is null until its volumes are built."""

    metadata: dict[str, Any]
    report: ReportOut | None
    pixelless: list[ClassCount]
    job: JobOut | None
    volumes: list[VolumeOut]


class StudyOut(Schema):
    """A study with its series."""

    id: int
    project_id: int
    study_instance_uid: str
    patient: PatientOut
    date: str
    time: str
    description: str
    accession_number: str
    modalities: list[str]
    series_count: int
    instance_count: int
    bytes: int
    series: list[SeriesRow]


class HistogramOut(Schema):
    """How often each value occurs, without padding, NaN and infinities.

    ``exact`` is true if there is an entry for each distinct value, so that counts above a threshold follow from them.
    It is false for segmentations. ``total`` is the number of voxels of the region, padding included; null without one.
    """

    values: list[float]
    counts: list[int]
    min: float | None
    max: float | None
    exact: bool
    total: int | None = None


class MeasureView(Schema):
    """The middle slice of a measured volume, and the histogram for the threshold's slider."""

    picture: str
    rows: int
    columns: int
    slice: int
    spacing_mm: PixelSpacing
    aspect: float
    histogram: HistogramOut | None
    unit: str
    shape: list[int]


class ViewedMeasurement(CountedOut):
    """A measurement with its view, if requested, and the volume's label, if its series has several."""

    view: MeasureView | None = None


class MeasureOut(Schema):
    """The measurement of each volume in a file, and the problems of files that are in no volume."""

    measurements: list[ViewedMeasurement]
    skipped: dict[str, ProblemOut]


ProblemDocument.model_rebuild()
