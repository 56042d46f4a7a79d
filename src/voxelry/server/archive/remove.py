"""Deletes studies for good: their rows with a record of their files, then the files."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from django.db import transaction

from voxelry.server.access.grants import as_site
from voxelry.server.archive import queries, unused_files
from voxelry.server.archive.at_rest import deletions
from voxelry.server.archive.build import KIND as BUILD
from voxelry.server.jobs import job_queries
from voxelry.server.jobs.models import State
from voxelry.server.jobs.submit import JobStateError, cancel


def remove_studies(keys: Iterable[int]) -> None:
    """Delete studies with their series and instances, and patients without another study."""
    keys = list(keys)
    with transaction.atomic():
        patients = list(queries.studies(as_site()).filter(pk__in=keys).values_list("patient_id", flat=True))
        _remove_waiting_files(keys)
        _remove_series(list(queries.series(as_site()).filter(study__in=keys).values_list("pk", flat=True)))
        unused_files.forget(studies=keys)
        queries.studies(as_site()).filter(pk__in=keys).delete()
        queries.patients(as_site()).filter(pk__in=patients, studies=None).delete()


def _remove_waiting_files(studies: list[int]) -> None:
    """Delete the files of uploads that brought a part of the studies and were not ended: some are of the studies."""
    entries = queries.entries(as_site()).filter(series__study__in=studies).order_by().values("upload")
    uploads = queries.uploads(as_site()).filter(pk__in=entries, job__state__in=[State.FAILED, State.CANCELLED])
    deletions.record([deletions.waiting_files(key) for key in uploads.values_list("pk", flat=True)])


def _remove_series(keys: list[int]) -> None:
    for job in job_queries.jobs(as_site()).filter(
        kind=BUILD, subject__in=keys, state__in=[State.QUEUED, State.RUNNING]
    ):
        with suppress(JobStateError):
            cancel(job.pk)
    digests = queries.instances(as_site()).filter(series__in=keys).values_list("sha256", flat=True)
    deletions.record([*(f"stacks/{key}" for key in keys), *map(deletions.of_instance, digests)])
    queries.series(as_site()).filter(pk__in=keys).delete()
