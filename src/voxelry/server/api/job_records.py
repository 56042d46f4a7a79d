"""The API's records of jobs, with a fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from django.db.models import Count, Min, Prefetch, Q, QuerySet

from voxelry.core.errors import ParameterError
from voxelry.server.access.grants import Grants
from voxelry.server.api import job_schemas as out
from voxelry.server.api import study_records
from voxelry.server.archive import build, queries
from voxelry.server.archive.intake import ingest
from voxelry.server.archive.make_segmentations import SHOWN_AS_SEGMENTS
from voxelry.server.jobs import job_queries
from voxelry.server.jobs.models import Job
from voxelry.server.nodes import commitment_request, delivery_request, fetch_request
from voxelry.server.processing import process_queries
from voxelry.server.processing.base_version import segmentation_of_process
from voxelry.server.processing.models import Input, Process
from voxelry.server.processing.step_request import job_named

TITLES = {
    ingest.KIND: "Read an upload",
    build.KIND: "Build volumes",
    delivery_request.KIND: "Send to a node",
    fetch_request.FETCH_KIND: "Fetch from a node",
    commitment_request.COMMITMENT_KIND: "Report what is kept to a node",
    process_queries.SAVE: "Save a segmentation",
    process_queries.READ: "Read a segmentation",
}


def found(rows: QuerySet[Job], who: Grants, *, job_name: str, series: int | None) -> QuerySet[Job]:
    """The jobs with a name, or about a series."""
    job_name = job_name.replace("\0", "")  # no database column takes it
    if job_name:
        processes = process_queries.processes(who).filter(job_name=job_name).values("pk")
        step = Q(kind__in=process_queries.KINDS, subject__in=processes)
        rows = rows.filter(
            step | Q(is_batch=True, pk__in=job_queries.jobs(who).filter(step).values("parent")) | Q(kind=job_name)
        )
    if series is not None:
        about = process_queries.inputs(who).filter(series=series).values("process")
        rows = rows.filter(Q(kind__in=process_queries.KINDS, subject__in=about) | Q(kind=build.KIND, subject=series))
    return rows


def job_rows(jobs: Iterable[Job], who: Grants) -> list[out.JobRow]:
    """Jobs in a list: seven queries for any number of them."""
    listed = list(jobs)
    around = _Around(listed, who)
    return [out.JobRow(**_row(one, around)) for one in listed]


def job_detail(job: Job, who: Grants, *, staff: bool) -> out.JobDetail:
    """A job with its log and results."""
    around = _Around([job], who)
    process = around.processes.get(job.pk)
    return out.JobDetail(
        **_row(job, around),
        log=[out.LogLine(time=time, words=words) for time, words in job.log],
        result=None if process is None or job.is_batch or process.published is None else _result(job, process, who),
        trace=job.trace or None if staff else None,
    )


class _Around:
    """Related rows of some jobs, with one query for each table."""

    def __init__(self, jobs: Sequence[Job], who: Grants) -> None:
        self.processes = _processes(jobs, who)
        self.totals = _totals(jobs, who)
        built = [job.subject for job in jobs if job.kind == build.KIND]
        self.built = queries.series(who).only("number", "modality", "description").in_bulk(built) if built else {}
        inputs = [one for process in self.processes.values() for one in process.inputs.all()]
        named = queries.volumes(who).filter(
            series__in={one.series_id for one in inputs}, index__in={one.stack for one in inputs}
        )
        labels = named.values_list("series", "index", "label") if inputs else ()
        self.labels = {(series, index): label for series, index, label in labels}


def _row(job: Job, around: _Around) -> dict[str, Any]:
    process = around.processes.get(job.pk)
    inputs = [] if process is None or job.is_batch else [_input(one, around) for one in process.inputs.all()]
    about = around.built.get(job.subject) if job.kind == build.KIND and job.subject is not None else None
    base = study_records.job_record(job).model_dump()
    if inputs:
        base["series"] = inputs[0].series
    return {
        **base,
        "job_name": "" if process is None else process.job_name,
        "project_id": job.project_id,
        "title": TITLES.get(job.kind, job.kind) if process is None or job.kind in TITLES else _title(process),
        "params": {} if process is None else _params(process),
        "inputs": inputs,
        "about": None if about is None else study_records.series_name(about),
        "in_dir": "" if process is None else process.in_dir,
        "requested_by": "" if job.requested_by is None else job.requested_by.get_username(),
        "queue": job.queue,
        "priority": job.priority,
        "time_limit_seconds": job.time_limit_seconds,
        "memory_limit_bytes": job.memory_limit_bytes,
        "parent": job.parent_id,
        "totals": around.totals.get(job.pk),
    }


def _params(process: Process) -> dict[str, Any]:
    """The parameters in the order of the step's form, which PostgreSQL does not keep."""
    try:
        fields = job_named(process.job_name).step.params.model_fields
    except ParameterError:
        fields = {}
    return {name: process.params[name] for name in (*fields, *sorted(process.params)) if name in process.params}


def _title(process: Process) -> str:
    try:
        return job_named(process.job_name).title
    except ParameterError:  # its package was uninstalled
        return process.job_name


def _input(row: Input, around: _Around) -> out.InputOut:
    return out.InputOut(
        series=row.series_id,
        stack=row.stack,
        description=row.series.description,
        modality=row.series.modality,
        volume=around.labels.get((row.series_id, row.stack), ""),
    )


def _processes(jobs: Sequence[Job], who: Grants) -> dict[int, Process]:
    """The processes by the job's key; for a batch, the process of its first job."""
    subjects = {job.pk: job.subject for job in jobs if job.kind in process_queries.KINDS and not job.is_batch}
    batches = [job.pk for job in jobs if job.kind in process_queries.KINDS and job.is_batch]
    if batches:
        children = job_queries.jobs(who).filter(parent__in=batches)
        first = children.order_by().values("parent").annotate(subject=Min("subject"))
        subjects.update({cast(int, parent): subject for parent, subject in first.values_list("parent", "subject")})
    seen = process_queries.inputs(who).select_related("series")
    inputs = seen.only("process", "stack", "series__description", "series__modality")
    known = (
        process_queries.processes(who)
        .filter(pk__in=subjects.values())
        .defer("rows")
        .prefetch_related(Prefetch("inputs", inputs))
        .in_bulk()
    )
    return {job: known[process] for job, process in subjects.items() if process in known}


def _totals(jobs: Sequence[Job], who: Grants) -> dict[int, out.TotalsOut]:
    batches = [job.pk for job in jobs if job.is_batch]
    counted: dict[int, dict[str, int]] = {key: {} for key in batches}
    if batches:
        children = job_queries.jobs(who).filter(parent__in=batches)
        states = children.order_by().values("parent", "state").annotate(n=Count("pk"))
        for parent, state, n in states.values_list("parent", "state", "n"):
            counted[cast(int, parent)][state] = n
    names = ("queued", "running", "succeeded", "failed", "cancelled")
    return {
        key: out.TotalsOut(total=sum(found.values()), **{name: found.get(name, 0) for name in names})
        for key, found in counted.items()
    }


def _segmentations(process: Process, outputs: list[int], who: Grants) -> list[int]:
    """Those that a process made: of a step all in its series, which are its own; of a draft the one that it wrote."""
    if process.job_name in (process_queries.SAVE, process_queries.READ):
        made = segmentation_of_process(process, who)
        return [] if made is None else [made]
    rows = queries.instances(who).filter(series__in=outputs, sop_class_uid__in=SHOWN_AS_SEGMENTS)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def _result(job: Job, process: Process, who: Grants) -> out.ResultOut:
    outputs = process_queries.outputs(who).filter(process=process).values_list("series", flat=True)
    series = queries.series(who).only("description", "modality").in_bulk(list(outputs))
    address = f"/api/jobs/{job.pk}"
    return out.ResultOut(
        series=[
            out.ResultSeries(id=key, description=one.description, modality=one.modality, address=f"/api/series/{key}")
            for key in outputs
            if (one := series.get(key)) is not None
        ],
        segmentations=_segmentations(process, list(outputs), who),
        rows=out.ResultRows(
            count=len(process.rows),
            columns=process.columns,
            json_address=f"{address}/rows.json",
            csv_address=f"{address}/rows.csv",
        )
        if process.rows
        else None,
        files=[
            out.ResultFileOut(name=file.name, size=file.size, address=f"{address}/files/{file.name}")
            for file in process.files.all()
        ],
        warnings=process.warnings,
    )
