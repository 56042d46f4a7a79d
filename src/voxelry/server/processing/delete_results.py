"""Deletes results with their inputs, and files at rest with their rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.signals import post_delete, pre_delete

from voxelry.server.access.grants import as_site
from voxelry.server.archive import trashed_jobs
from voxelry.server.archive.at_rest import deletions, holdings
from voxelry.server.archive.at_rest.holdings import AtRest
from voxelry.server.archive.models import Series
from voxelry.server.jobs import job_queries
from voxelry.server.jobs.submit import ROWS, cancel_all
from voxelry.server.processing import process_queries
from voxelry.server.processing.models import GivenFile, Process, ResultFile


def connect() -> None:
    """Connect the signals; called once, when the applications are ready."""
    pre_delete.connect(_before_series_delete, sender=Series, dispatch_uid="voxelry-series-goes")
    pre_delete.connect(_before_process_delete, sender=Process, dispatch_uid="voxelry-process-goes")
    trashed_jobs.JOBS_OF_SERIES["inputs"] = trashed_jobs.JobsOfSeries(_jobs_on, going=True)
    trashed_jobs.JOBS_OF_SERIES["outputs"] = trashed_jobs.JobsOfSeries(_jobs_that_made, going=False)
    holdings.HOLDINGS["results"] = holdings.Holding(_needed, _files)
    holdings.HOLDINGS["given"] = holdings.Holding(_needed_given, _given)
    post_delete.connect(_after_file_delete, sender=ResultFile, dispatch_uid="voxelry-result-file-gone")
    post_delete.connect(_after_file_delete, sender=GivenFile, dispatch_uid="voxelry-given-file-gone")


def _jobs_on(series: QuerySet[Series]) -> Q:
    """The condition of jobs with an input among some series."""
    inputs = process_queries.inputs(as_site()).filter(series__in=series.order_by().values("pk"))
    return Q(kind__in=process_queries.KINDS, subject__in=inputs.order_by().values("process"))


def _jobs_that_made(series: QuerySet[Series]) -> Q:
    """The condition of jobs with an output among some series."""
    outputs = process_queries.outputs(as_site()).filter(series__in=series.order_by().values("pk"))
    return Q(kind__in=process_queries.KINDS, subject__in=outputs.order_by().values("process"))


def _needed(names: list[str]) -> set[str]:
    """Those of the names that a row of a result file holds."""
    rows = process_queries.result_files(as_site()).filter(sha256__in=[name.rpartition("/")[2] for name in names])
    return {row.stored_name for row in rows}


def _files() -> Iterator[AtRest]:
    for row in process_queries.result_files(as_site()).order_by("pk").iterator(ROWS):
        yield AtRest(row.stored_name, row.sha256, row.size)


def _needed_given(names: list[str]) -> set[str]:
    """Those of the names that a row of a given file holds."""
    rows = process_queries.given_files(as_site()).filter(sha256__in=[name.rpartition("/")[2] for name in names])
    return {row.stored_name for row in rows}


def _given() -> Iterator[AtRest]:
    for row in process_queries.given_files(as_site()).order_by("pk").iterator(ROWS):
        yield AtRest(row.stored_name, row.sha256, row.size)


def _before_series_delete(instance: Series, **_: Any) -> None:
    """Delete the results that were made of a series, and cancel the jobs on it.

    In few statements, because a series may have a thousand jobs and other writers wait meanwhile.
    """
    processes = list(process_queries.inputs(as_site()).filter(series=instance).values_list("process", flat=True))
    for start in range(0, len(processes), ROWS):
        part = processes[start : start + ROWS]
        cancel_all(job_queries.jobs(as_site()).filter(kind__in=process_queries.KINDS, subject__in=part))
        process_queries.processes(as_site()).filter(pk__in=part).delete()


def _before_process_delete(instance: Process, **_: Any) -> None:
    cancel_all(job_queries.jobs(as_site()).filter(kind__in=process_queries.KINDS, subject=instance.pk))


def _after_file_delete(instance: ResultFile | GivenFile, **_: Any) -> None:
    deletions.record([f"files/{instance.stored_name}"])
