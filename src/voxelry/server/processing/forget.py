"""What goes when rows go: results with their inputs, files at rest with their rows."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models.signals import post_delete

from voxelry.server.archive import files
from voxelry.server.jobs.models import Job, State
from voxelry.server.jobs.submit import JobStateError, cancel
from voxelry.server.processing.models import Input, Process, ResultFile
from voxelry.server.processing.request import KIND


def connect() -> None:
    """To be called once, when the applications are ready."""
    post_delete.connect(_input_gone, sender=Input, dispatch_uid="voxelry-input-gone")
    files.NEEDED["results"] = _needed
    post_delete.connect(_file_gone, sender=ResultFile, dispatch_uid="voxelry-result-file-gone")


def _needed(names: list[str]) -> set[str]:
    """Those of files that a step made."""
    rows = ResultFile.objects.filter(sha256__in=[name.rpartition("/")[2] for name in names])
    return {row.stored_name for row in rows}


def _input_gone(instance: Input, **_: Any) -> None:
    """A study that is deleted for good leaves no measurement of it behind, and no work on it."""
    for key in Job.objects.filter(
        kind=KIND, subject=instance.process_id, state__in=[State.QUEUED, State.RUNNING]
    ).values_list("pk", flat=True):
        with suppress(JobStateError):
            cancel(key)
    Process.objects.filter(pk=instance.process_id).delete()


def _file_gone(instance: ResultFile, **_: Any) -> None:
    transaction.on_commit(partial(default_storage.delete, instance.stored_name))
