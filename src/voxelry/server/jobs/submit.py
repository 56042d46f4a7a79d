"""Asking for work: submit, cancel, retry."""

from __future__ import annotations

import logging
from functools import partial

from django.db import IntegrityError, transaction
from django.utils import timezone

from voxelry.core.errors import VoxelryError
from voxelry.server.jobs.models import Job, State
from voxelry.server.jobs.tasks import make_broker_folders, run_job

logger = logging.getLogger(__name__)


class JobStateError(VoxelryError):
    """The job's state does not allow that."""

    code = "job_state"


def submit(kind: str, *, subject: int) -> Job:
    """A queued job, dispatched when the transaction commits; the one that waits already, if there is one."""
    waiting = Job.objects.filter(kind=kind, subject=subject, state=State.QUEUED)
    job = waiting.first()
    if job is None:
        try:
            with transaction.atomic():
                job = Job.objects.create(kind=kind, subject=subject)
        except IntegrityError:
            job = waiting.get()
    transaction.on_commit(partial(dispatch, job.pk))
    return job


def dispatch(key: int) -> None:
    """Give the key to the broker. If that fails, the sweep does it later: the row is queued all the same."""
    # Noted first: a worker may be done with the job before this line could come second.
    Job.objects.filter(pk=key, state=State.QUEUED).update(dispatched=timezone.now())
    try:
        make_broker_folders()
        run_job.apply_async(args=(key,), retry=False)
    except Exception as error:  # whatever a broker raises
        logger.warning("the broker took no message for job %s (%s); it will be sent again", key, type(error).__name__)


def cancel(key: int) -> Job:
    """Stop a job: at once if it waits, at its next step if it runs.

    Raises
    ------
    Job.DoesNotExist
        If there is none.
    JobStateError
        If it is over.
    """
    now = timezone.now()
    queued = Job.objects.filter(pk=key, state=State.QUEUED)
    if not queued.update(state=State.CANCELLED, finished=now, message="cancelled"):
        running = Job.objects.filter(pk=key, state=State.RUNNING).update(cancel_requested=True)
        job = Job.objects.get(pk=key)
        if not running and job.state != State.CANCELLED:
            raise JobStateError(f"job {key} is {job.state}; only one that waits or runs can be cancelled")
        return job
    return Job.objects.get(pk=key)


def retry(key: int) -> Job:
    """Queue a failed or cancelled job again, with the same input.

    Raises
    ------
    Job.DoesNotExist
        If there is none.
    JobStateError
        If it neither failed nor was cancelled, or the same work waits already.
    """
    try:
        with transaction.atomic():
            changed = Job.objects.filter(pk=key, state__in=[State.FAILED, State.CANCELLED]).update(
                state=State.QUEUED,
                progress=0.0,
                message="",
                started=None,
                finished=None,
                attempts=0,
                dispatched=None,
                cancel_requested=False,
                problem_code="",
                problem_message="",
                trace="",
            )
            job = Job.objects.get(pk=key)
            if not changed:
                raise JobStateError(f"job {key} is {job.state}; only a failed or cancelled one can be retried")
            transaction.on_commit(partial(dispatch, key))
            return job
    except IntegrityError as error:
        raise JobStateError(f"the work of job {key} is queued already, as another job") from error
