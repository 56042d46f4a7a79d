"""The records of jobs: requests, states and results."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Field, Schema
from pydantic import ConfigDict

from voxelry.server.api.schemas import LARGEST, JobOut, SeriesName

Key = Annotated[int, Field(ge=1, le=LARGEST, strict=True)]
StackIndex = Annotated[
    int, Field(0, ge=0, le=LARGEST, strict=True, description="The index of the volume in its series.")
]
Priority = Annotated[int | None, Field(None, ge=-100, le=100, description="Higher goes first.")]
TimeLimit = Annotated[
    float | None,
    Field(None, gt=0, allow_inf_nan=False, description="At most the configuration's limit, which is the default."),
]
MemoryLimit = Annotated[
    int | None,
    Field(
        None,
        ge=2**26,
        le=2**62,
        description="64 MiB or more, and at most the configuration's limit, which is the default.",
    ),
]
SameFrame = Annotated[
    bool,
    Field(
        False,
        description="Confirms that the images lie in one place of the patient, though their frames of reference are "
        "unknown or differ.",
    ),
]
Parameters = Annotated[
    dict[str, Any], Field(default_factory=dict, description="As the step's JSON schema says (`GET /api/steps`).")
]


class JobRequest(Schema):
    """A request to run a step on a volume of a series, or on all volumes of a folder on the server."""

    model_config = ConfigDict(extra="forbid")

    job_name: Annotated[str, Field(min_length=1, max_length=100, description="A step, or `3dblur`.")]
    series: Key | None = None
    stack: StackIndex
    second: Annotated[Key | None, Field(description="The series of the second volume, for steps that take two.")] = None
    second_stack: StackIndex
    in_dir: Annotated[
        str, Field("", max_length=4096, description="A path below one of `processing.roots`; for administrators.")
    ]
    project: Annotated[
        int | None, Field(None, ge=1, le=LARGEST, description="Where the results of a folder's volumes go.")
    ]
    params: Parameters
    same_frame_of_reference: SameFrame
    priority: Priority
    time_limit_seconds: TimeLimit
    memory_limit_bytes: MemoryLimit


class BatchRequest(Schema):
    """A request to run a step on each of several series."""

    model_config = ConfigDict(extra="forbid")

    job_name: Annotated[str, Field(min_length=1, max_length=100)]
    series: Annotated[list[Key], Field(min_length=1, max_length=10_000)]
    stack: StackIndex
    params: Parameters
    same_frame_of_reference: SameFrame
    priority: Priority
    time_limit_seconds: TimeLimit
    memory_limit_bytes: MemoryLimit


class StepOut(Schema):
    """A step: a function on volumes.

    ``params`` is the JSON schema of its parameters; a property with ``when`` applies only if other properties have
    one of the values named there. ``needs`` lists what the first volume must have.
    """

    name: str
    title: str
    description: str
    group: str
    inputs: list[str]
    optional: list[str]
    needs: list[Literal["grey", "millimetres", "place", "straight"]]
    params: dict[str, Any]


class TotalsOut(Schema):
    """How many jobs of a batch are in each state."""

    total: int
    queued: int
    running: int
    succeeded: int
    failed: int
    cancelled: int


class InputOut(Schema):
    """A volume that a step takes; ``volume`` is its label in its series."""

    series: int
    stack: int
    description: str
    modality: str
    volume: str


class JobRow(JobOut):
    """A job in a list. Steps have ``job_name``, ``params`` and ``inputs``; batches have ``totals``.

    ``about`` is the series whose volumes it builds. A limit is null if it is the configuration's.
    """

    job_name: str
    project_id: int | None
    title: str
    params: dict[str, Any]
    inputs: list[InputOut]
    about: SeriesName | None
    in_dir: str
    requested_by: str
    queue: str
    priority: int
    time_limit_seconds: float | None
    memory_limit_bytes: int | None
    parent: int | None
    totals: TotalsOut | None


class LogLine(Schema):
    """A line of a job's log."""

    time: datetime
    words: str


class ResultSeries(Schema):
    """A series that a step created."""

    id: int
    description: str
    modality: str
    address: str


class ResultRows(Schema):
    """The measurements of a step; the addresses give all of them."""

    count: int
    columns: list[str]
    json_address: str
    csv_address: str


class ResultFileOut(Schema):
    """A file that a step wrote."""

    name: str
    size: int
    address: str


class ResultOut(Schema):
    """The results of a step. ``segmentations`` are the numbers of those among them that can be laid over images."""

    series: list[ResultSeries]
    segmentations: list[int]
    rows: ResultRows | None
    files: list[ResultFileOut]
    warnings: list[str]


class JobDetail(JobRow):
    """A job with its log and its results. ``trace``, the traceback of a failure, is given to staff only."""

    log: list[LogLine]
    result: ResultOut | None
    trace: str | None
