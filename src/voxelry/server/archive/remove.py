"""Deleting for good: rows, with a record of their files, and the files once the rows are gone."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from django.db import transaction

from voxelry.server.archive import deletions, unused_files
from voxelry.server.archive.build import KIND as BUILD
from voxelry.server.archive.models import Instance, Patient, Series, Study
from voxelry.server.jobs.models import Job, State
from voxelry.server.jobs.submit import JobStateError, cancel


def remove_studies(keys: Iterable[int]) -> None:
    """Studies with all that is in them, and patients that have none left."""
    keys = list(keys)
    with transaction.atomic():
        patients = list(Study.objects.filter(pk__in=keys).values_list("patient_id", flat=True))
        _remove_series(list(Series.objects.filter(study__in=keys).values_list("pk", flat=True)))
        unused_files.forget(studies=keys)
        Study.objects.filter(pk__in=keys).delete()
        Patient.objects.filter(pk__in=patients, studies=None).delete()


def remove_series(keys: Iterable[int]) -> None:
    """Series with all that is in them; their studies stay."""
    with transaction.atomic():
        _remove_series(list(keys))


def _remove_series(keys: list[int]) -> None:
    for job in Job.objects.filter(kind=BUILD, subject__in=keys, state__in=[State.QUEUED, State.RUNNING]):
        with suppress(JobStateError):
            cancel(job.pk)
    digests = Instance.objects.filter(series__in=keys).values_list("sha256", flat=True)
    deletions.record([*(f"stacks/{key}" for key in keys), *map(deletions.of_instance, digests)])
    Series.objects.filter(pk__in=keys).delete()
