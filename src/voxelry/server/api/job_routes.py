"""Routes of jobs and their results."""

from __future__ import annotations

import io
import json
import mimetypes
from collections.abc import Iterator
from functools import partial
from typing import IO, Annotated, cast

from django.core.files.storage import default_storage
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from ninja import Query, Router, Status

from voxelry.core.value import Value
from voxelry.server.access.authentication import asking, asking_again, requester
from voxelry.server.access.bounded_lists import MOST_COUNTED
from voxelry.server.access.rules import Rule, needs
from voxelry.server.api import job_records, study_records
from voxelry.server.api import job_schemas as out
from voxelry.server.api.downloads import Content, download
from voxelry.server.api.events import followed, followed_async
from voxelry.server.api.key_pages import key_page
from voxelry.server.api.problems import not_found
from voxelry.server.api.schemas import ERRORS, LARGEST, Accepted, Page, StateName
from voxelry.server.archive.at_rest.files_at_rest import chunks
from voxelry.server.archive.at_rest.integrity import checked_crc
from voxelry.server.jobs import job_queries, submit
from voxelry.server.jobs.job_kinds import role_of
from voxelry.server.jobs.models import Job
from voxelry.server.processing import process_queries
from voxelry.server.processing.models import Process
from voxelry.server.processing.step_request import (
    ChosenVolume,
    JobLimits,
    job_names,
    request_again,
    request_batch,
    request_step,
)
from voxelry.workflows.files.csv_table import write_csv

router = Router()
Limit = Annotated[int, Query(100, ge=1, le=1000, description="How many items at most.")]
Offset = Annotated[int, Query(0, ge=0, le=MOST_COUNTED, description="How many items to leave out first.")]
After = Annotated[int | None, Query(None, ge=1, le=LARGEST, description="`next` of another page.")]
Name = Annotated[str, Query("", max_length=100, description="Those of one step, `ingest` or `build`.")]
About = Annotated[int | None, Query(None, ge=1, le=LARGEST, description="Those about one series.")]
Parent = Annotated[int | None, Query(None, ge=1, le=LARGEST, description="Those of one batch.")]
SameFrame = Annotated[
    bool,
    Query(
        False,
        description="Confirms what a job with the problem `frame_of_reference` asks for: the images lie in one "
        "place of the patient.",
    ),
]
Top = Annotated[bool, Query(False, description="Leave out the jobs of batches; the batches stay.")]


def _content(media: str, schema: dict[str, object]) -> dict[str, object]:
    return {"responses": {200: {"description": "OK", "content": {media: {"schema": schema}}}}}


@router.get("/steps", response={200: list[out.StepOut], **ERRORS}, tags=["jobs"])
@needs(Rule.ACCOUNT)
def list_steps(request: HttpRequest) -> object:
    """What can be done with volumes: every installed step, with the JSON schema of its parameters."""
    return [
        out.StepOut(
            name=job.name,
            title=job.title,
            description=job.description if job.step.lack is None else f"({job.step.lack}) {job.description}",
            group=job.step.group,
            inputs=list(job.step.inputs),
            optional=list(job.step.optional),
            needs=list(job.step.needs),
            params=job.step.params.model_json_schema(),
        )
        for job in job_names()
    ]


@router.post("/jobs", response={202: Accepted, **ERRORS}, tags=["jobs"])
@needs(Rule.ANALYST)
def create_job(request: HttpRequest, response: HttpResponse, body: out.JobRequest) -> object:
    """Ask for a step on a volume; everything is checked before there is a job."""
    inputs = [
        ChosenVolume(key, stack) for key, stack in ((body.series, body.stack), (body.second, body.second_stack)) if key
    ]
    job = request_step(
        body.job_name,
        inputs=inputs,
        in_dir=body.in_dir,
        project=body.project,
        params=body.params,
        priority=body.priority,
        limits=JobLimits(body.time_limit_seconds, body.memory_limit_bytes),
        same_frame_of_reference=body.same_frame_of_reference,
        who=asking(request),
        requested_by=requester(request),
    )
    return accepted_job(job, response)


@router.post("/jobs/batch", response={202: Accepted, **ERRORS}, tags=["jobs"])
@needs(Rule.ANALYST)
def create_batch(request: HttpRequest, response: HttpResponse, body: out.BatchRequest) -> object:
    """Ask for the same step on many series: one parent job, which ends with the last of its own."""
    job = request_batch(
        body.job_name,
        [ChosenVolume(key, body.stack) for key in dict.fromkeys(body.series)],
        params=body.params,
        priority=body.priority,
        limits=JobLimits(body.time_limit_seconds, body.memory_limit_bytes),
        same_frame_of_reference=body.same_frame_of_reference,
        who=asking(request),
        requested_by=requester(request),
    )
    return accepted_job(job, response)


@router.get("/jobs", response={200: Page[out.JobRow], **ERRORS}, tags=["jobs"])
@needs(Rule.VIEWER)
def list_jobs(
    request: HttpRequest,
    state: StateName | None = None,
    job_name: Name = "",
    series: About = None,
    parent: Parent = None,
    top: Top = False,
    limit: Limit = 100,
    offset: Offset = 0,
    after: After = None,
) -> object:
    """The last jobs first."""
    who = asking(request)
    rows = job_records.found(job_queries.jobs(who), who, job_name=job_name, series=series)
    if state is not None:
        rows = rows.filter(state=state)
    if parent is not None:
        rows = rows.filter(parent=parent)
    if top:
        rows = rows.filter(parent=None)
    page = key_page(rows, who, limit=limit, offset=offset, after=after)
    jobs = job_queries.jobs(who).select_related("requested_by").defer("trace", "log", "result")
    listed = job_records.job_rows(jobs.filter(pk__in=page.keys).order_by("-pk"), who)
    return study_records.page_record(listed, page.count, more_than=page.more_than, following=page.next)


@router.get("/jobs/{int:job_id}", response={200: out.JobDetail, **ERRORS}, tags=["jobs"])
@needs(Rule.VIEWER)
def get_job(request: HttpRequest, job_id: int) -> object:
    """Where a job stands, its log, and what came of it."""
    return job_records.job_detail(_job(request, job_id), asking(request), staff=_is_staff(request))


@router.post("/jobs/{int:job_id}/cancel", response={200: out.JobDetail, **ERRORS}, tags=["jobs"])
@needs(Rule.ANALYST)
def cancel_job(request: HttpRequest, job_id: int) -> object:
    """Stop a job: at once if it waits, within seconds if it runs; of a batch, all that is not over."""
    submit.cancel(_changeable(request, job_id).pk)
    return job_records.job_detail(_job(request, job_id), asking(request), staff=_is_staff(request))


@router.post("/jobs/{int:job_id}/retry", response={200: out.JobDetail, **ERRORS}, tags=["jobs"])
@needs(Rule.ANALYST)
def retry_job(request: HttpRequest, job_id: int, same_frame_of_reference: SameFrame) -> object:
    """Queue a failed or cancelled job again, with the same input; of a batch, those that failed or were cancelled."""
    request_again(
        _job(request, job_id),
        who=asking(request),
        requested_by=requester(request),
        same_frame_of_reference=same_frame_of_reference,
    )
    return job_records.job_detail(_job(request, job_id), asking(request), staff=_is_staff(request))


@router.get(
    "/jobs/{int:job_id}/events",
    tags=["jobs"],
    openapi_extra=_content("text/event-stream", {"type": "string"}),
)
@needs(Rule.VIEWER)
def follow_job(request: HttpRequest, job_id: int) -> StreamingHttpResponse:
    """Server-sent events: `job` with what `GET /api/jobs/{job_id}` gives, whenever it changes; ends with the job."""
    key, staff = _job(request, job_id).pk, _is_staff(request)
    follow = followed_async if isinstance(request, ASGIRequest) else followed
    events = follow(key, partial(asking_again, request), staff=staff)
    return StreamingHttpResponse(
        events,
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


@router.get(
    "/jobs/{int:job_id}/rows.json", tags=["jobs"], openapi_extra=_content("application/json", {"type": "array"})
)
@needs(Rule.VIEWER)
def get_rows_json(request: HttpRequest, job_id: int) -> HttpResponse:
    """The measurements of a step: a list of objects with the same keys."""
    return HttpResponse(json.dumps(_rows(request, job_id)), content_type="application/json")


@router.get("/jobs/{int:job_id}/rows.csv", tags=["jobs"], openapi_extra=_content("text/csv", {"type": "string"}))
@needs(Rule.VIEWER)
def get_rows_csv(request: HttpRequest, job_id: int) -> HttpResponseBase:
    """The same as a table."""
    rows = _rows(request, job_id)
    text = io.StringIO(newline="")
    columns = list(dict.fromkeys(name for row in rows for name in row))
    write_csv(text, columns, ([row.get(name) for name in columns] for row in rows))
    content = Content.of(text.getvalue().encode())
    return download(request, content, name=f"job-{job_id}.csv", content_type="text/csv; charset=utf-8")


@router.get(
    "/jobs/{int:job_id}/files/{name}",
    tags=["jobs"],
    openapi_extra=_content("application/octet-stream", {"type": "string", "format": "binary"}),
)
@needs(Rule.VIEWER)
def get_file(request: HttpRequest, job_id: int, name: str) -> HttpResponseBase:
    """A file that a step made; a part of it with Range. 409 if it was damaged at rest."""
    process = _process(request, job_id)
    file = next((one for one in process.files.all() if one.name == name), None)
    if file is None:
        raise not_found(f"Job {job_id} made no file of this name.")
    stored, sha256 = file.stored_name, file.sha256

    def parts(start: int, stop: int) -> Iterator[bytes]:
        with default_storage.open(stored) as opened:
            yield from chunks(cast(IO[bytes], opened), start, stop)

    def check() -> None:
        checked_crc(stored, sha256)

    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    return download(request, Content(file.size, sha256, parts, check), name=file.name, content_type=kind)


def accepted_job(job: Job, response: HttpResponse) -> Status[Accepted]:
    """The answer to a request that queued a job: its number and its address."""
    address = f"/api/jobs/{job.pk}"
    response.headers["Location"] = address
    return Status(202, Accepted(id=job.pk, address=address))


def _job(request: HttpRequest, key: int) -> Job:
    row = job_queries.jobs(asking(request)).select_related("requested_by").filter(pk=key).first()
    if row is None:
        raise not_found(f"There is no job {key}.")
    return row


def _changeable(request: HttpRequest, key: int) -> Job:
    """A job that the user may stop."""
    job = _job(request, key)
    asking(request).require(role_of(job.kind), job.project_id)
    return job


def _process(request: HttpRequest, key: int) -> Process:
    """The process of a job that has results."""
    job = _job(request, key)
    published = process_queries.processes(asking(request)).filter(pk=job.subject, published__isnull=False)
    process = published.first() if job.kind in process_queries.KINDS and not job.is_batch else None
    if process is None:
        raise not_found(f"Job {key} has no results.")
    return process


def _rows(request: HttpRequest, key: int) -> list[dict[str, Value]]:
    rows = _process(request, key).table
    if not rows:
        raise not_found(f"Job {key} measured nothing.")
    return rows


def _is_staff(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_staff", False))
