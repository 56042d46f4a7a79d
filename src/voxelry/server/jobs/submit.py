"""Submits, cancels and retries jobs."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from voxelry.core.errors import Problem, VoxelryError
from voxelry.server.jobs import batches, job_kinds, wake_up
from voxelry.server.jobs.models import Job, Json, Queue, State

if TYPE_CHECKING:
    from django.contrib.auth.models import User

logger = logging.getLogger(__name__)

LONGEST_QUIET_SECONDS = 10.0
"""How long a job waits at most for a time without requests for it."""
_AFTER_SECONDS = 0.02
ROWS = 500
"""The number of rows written by one statement."""


class JobStateError(VoxelryError):
    """The job's state does not allow that."""

    code = "job_state"


@dataclass(frozen=True, slots=True)
class Item:
    """One job of a batch."""

    subject: int = 0
    params: Mapping[str, Json] = field(default_factory=dict)


def submit(
    kind: str,
    *,
    subject: int = 0,
    params: Mapping[str, Json] | None = None,
    priority: int | None = None,
    requested_by: User | None = None,
    project: int | None = None,
    time_limit_seconds: float | None = None,
    memory_limit_bytes: int | None = None,
    queue: str | None = None,
    quiet_seconds: float = 0.0,
) -> Job:
    """Queue a job, and wake the workers when the transaction commits.

    If the kind is registered with ``once`` and a job waits for the same subject, that job is returned, with the higher
    of both priorities.

    Parameters
    ----------
    subject
        The key of the row that it is about; 0 for none.
    params
        What to do, as JSON in the shape of its kind. Kept in the row: never a patient's value.
    priority, queue
        The higher priority goes first. None for the kind's own.
    project
        Whose members see it; None for the site's own work.
    time_limit_seconds, memory_limit_bytes
        None for the configuration's.
    quiet_seconds
        The job begins when it was not requested again for so long, or after `LONGEST_QUIET_SECONDS`. A request without
        this lets it begin at once.
    """
    row = partial(
        _row,
        kind,
        subject=subject,
        not_before=timezone.now() + timedelta(seconds=quiet_seconds) if quiet_seconds else None,
        params=params,
        priority=priority,
        requested_by=requested_by,
        project_id=project,
        time_limit_seconds=time_limit_seconds,
        memory_limit_bytes=memory_limit_bytes,
        queue=queue,
    )
    job = row()
    if job.once:
        job = _once(job)
    else:
        job.save(force_insert=True)
    if job.not_before is None:
        transaction.on_commit(partial(dispatch, job.pk, queue=job.queue))
    else:  # if the wake-up is lost, an idle worker finds it when it is due
        transaction.on_commit(partial(wake_up.wake_workers_later, quiet_seconds + _AFTER_SECONDS))
    return job


def postpone(kind: str, subjects: Sequence[int], *, quiet_seconds: float) -> bool:
    """Let jobs that wait for a quiet time wait on; False, and nothing done, if one of the subjects has none.

    A row is written only if the time would end soon: thousands of requests write it some times a second.
    """
    now = timezone.now()
    waiting = Job.objects.filter(
        kind=kind, subject__in=subjects, state=State.QUEUED, once=True, not_before__isnull=False
    )
    found = list(waiting.order_by().values_list("pk", "not_before", "created"))
    if len(found) < len(subjects):
        return False
    for key, due, created in found:
        end = min(now + timedelta(seconds=quiet_seconds), created + timedelta(seconds=LONGEST_QUIET_SECONDS))
        if due is not None and (end - due).total_seconds() > quiet_seconds / 4:
            waiting.filter(pk=key).update(not_before=end)
            transaction.on_commit(partial(wake_up.wake_workers_later, quiet_seconds + _AFTER_SECONDS))
    return True


def open_states(kind: str, *, subject: int) -> set[str]:
    """The states of the jobs of a subject that wait or run.

    None of them begins or ends before the transaction ends in which this is called. What is written in it is seen by a
    job that is yet to begin, and by the ``publish`` of one that runs.
    """
    rows = Job.objects.select_for_update(no_key=True).filter(kind=kind, subject=subject, state__in=batches.OPEN)
    return set(rows.order_by("pk").values_list("state", flat=True))


def record_done(
    kind: str,
    *,
    subject: int,
    project: int,
    requested_by_id: int | None,
    message: str,
    problem: Problem | None = None,
) -> Job:
    """Write the row of a job whose work was done by who asked for it, without a worker."""
    now = timezone.now()
    job = _row(
        kind,
        subject=subject,
        project_id=project,
        requested_by_id=requested_by_id,
        once=False,
        progress=1.0,
        attempts=1,
        started=now,
        finished=now,
        **_outcome(message, problem),
    )
    job.save(force_insert=True)
    return job


def record_again(key: int, *, message: str, problem: Problem | None = None) -> None:
    """Write again how a job of `record_done` ended."""
    Job.objects.filter(pk=key).update(finished=timezone.now(), **_outcome(message, problem))


def _outcome(message: str, problem: Problem | None) -> dict[str, Any]:
    if problem is None:
        return {"state": State.SUCCEEDED, "message": message[:300], "problem_code": "", "problem_message": ""}
    told = {"problem_code": problem.code, "problem_message": problem.message.replace("\0", "")}
    return {"state": State.FAILED, "message": "failed", **told}


def _once(new: Job) -> Job:
    waiting = Job.objects.filter(kind=new.kind, subject=new.subject, state=State.QUEUED, once=True)
    job = waiting.first()
    if job is None:
        try:
            with transaction.atomic():
                new.save(force_insert=True)
            return new
        except IntegrityError:
            job = waiting.get()
    if job.priority < new.priority:
        # A request with a higher priority raises that of the waiting job.
        waiting.filter(pk=job.pk).update(priority=new.priority)
        job.priority = new.priority
    if job.not_before is not None:
        longest = job.created + timedelta(seconds=LONGEST_QUIET_SECONDS)
        job.not_before = None if new.not_before is None else min(new.not_before, longest)
        waiting.filter(pk=job.pk).update(not_before=job.not_before)
    return job


def submit_batch(
    kind: str,
    items: Iterable[Item],
    *,
    priority: int | None = None,
    requested_by: User | None = None,
    project: int | None = None,
    time_limit_seconds: float | None = None,
    memory_limit_bytes: int | None = None,
    queue: str | None = None,
) -> Job:
    """Queue one job for each item; returns their parent, which succeeds if each of them does.

    Raises
    ------
    ValueError
        If there is no item.
    """
    row = partial(
        _row,
        kind,
        priority=priority,
        requested_by=requested_by,
        project_id=project,
        time_limit_seconds=time_limit_seconds,
        memory_limit_bytes=memory_limit_bytes,
        queue=queue,
    )
    with transaction.atomic():
        parent = row()
        parent.is_batch, parent.once = True, False
        parent.save(force_insert=True)
        children = [row(subject=item.subject, params=item.params, parent=parent, once=False) for item in items]
        if not children:
            raise ValueError("a batch needs at least one item")
        Job.objects.bulk_create(children, batch_size=ROWS)
        transaction.on_commit(partial(dispatch, *(child.pk for child in children), queue=parent.queue))
    return parent


def _row(
    kind: str,
    *,
    params: Mapping[str, Json] | None = None,
    priority: int | None = None,
    queue: str | None = None,
    once: bool | None = None,
    **values: Any,
) -> Job:
    known = job_kinds.find(kind) or job_kinds.Kind(kind, work=_nothing)
    return Job(
        kind=kind,
        params=dict(params or {}),
        priority=known.priority if priority is None else priority,
        queue=known.queue if queue is None else Queue(queue),
        once=known.once if once is None else once,
        **values,
    )


def _nothing(run: object) -> None:
    """Stands for the work of an unknown kind, whose jobs fail with a message when they are begun."""


def dispatch(*keys: int, queue: str) -> None:
    """Wake the workers. Never raises: the rows are queued, and idle workers look at them anyway."""
    wake_up.wake_workers()
    if not settings.VOXELRY.broker_url:
        return
    try:
        from voxelry.server.jobs.tasks import hint  # Celery takes 8 MB, and most sites have no broker

        hint(keys, queue)
    except Exception as error:  # a broker may raise anything
        logger.warning(
            "the broker took no message for job %s (%s); idle workers find it", keys[0], type(error).__name__
        )


def cancel(key: int) -> Job:
    """Cancel a job: at once if it waits, within seconds if it runs. For a batch, all children that are not over.

    Raises
    ------
    Job.DoesNotExist
        If there is none.
    JobStateError
        If it is over.
    """
    job = Job.objects.get(pk=key)
    if job.is_batch:
        return _cancel_batch(job)
    found = _cancel(Job.objects.filter(pk=key))
    job = Job.objects.get(pk=key)
    if not found and job.state != State.CANCELLED:
        raise JobStateError(f"job {key} is {job.state}; only one that waits or runs can be cancelled")
    if job.over and job.parent_id is not None:
        batches.roll_up(job.parent_id)
    return job


def _cancel(jobs: QuerySet[Job]) -> int:
    """Mark all jobs that wait or run as to be cancelled, then end those that wait; returns their number.

    In this order, because the mark stops a job that is claimed in between, and keeps one that is given back from being
    queued again.
    """
    found = jobs.filter(state__in=batches.OPEN).update(cancel_requested=True)
    jobs.filter(state=State.QUEUED).update(state=State.CANCELLED, finished=timezone.now(), message="cancelled")
    return found


def cancel_all(jobs: QuerySet[Job]) -> None:
    """Cancel those of the jobs that are not over; none of them is a batch."""
    found = jobs.filter(state__in=batches.OPEN).order_by().values_list("parent", flat=True).distinct()
    parents = list(found)
    if parents:
        _cancel(jobs)
    for parent in parents:
        if parent is not None:
            batches.roll_up(parent)


def _cancel_batch(parent: Job) -> Job:
    if parent.over and parent.state != State.CANCELLED:
        raise JobStateError(f"job {parent.pk} is {parent.state}; only one that waits or runs can be cancelled")
    with transaction.atomic():
        Job.objects.filter(pk=parent.pk, state__in=batches.OPEN).update(cancel_requested=True)
        _cancel(Job.objects.filter(parent=parent))
    batches.roll_up(parent.pk)
    return Job.objects.get(pk=parent.pk)


def retry(key: int, *, requested_by: User | None = None) -> Job:
    """Queue a failed or cancelled job again, with the same input; of a batch, those that failed or were cancelled.

    Parameters
    ----------
    requested_by
        Who asks now, in whose name it is done; None for who asked first.

    Raises
    ------
    Job.DoesNotExist
        If there is none.
    JobStateError
        If it neither failed nor was cancelled, or if a job for the same subject waits already.
    """
    try:
        with transaction.atomic():
            changed = _again([key], requested_by)
            job = Job.objects.get(pk=key)
            if not changed:
                raise JobStateError(f"job {key} is {job.state}; only a failed or cancelled one can be retried")
            keys = [key]
            if job.is_batch:
                lost = Job.objects.filter(parent=job, state__in=[State.FAILED, State.CANCELLED], in_trash=False)
                keys = list(lost.values_list("pk", flat=True))
                _again(keys, requested_by)
            elif job.parent_id is not None:
                _again([job.parent_id])
            transaction.on_commit(partial(dispatch, *keys, queue=job.queue))
            return job
    except IntegrityError as error:
        raise JobStateError(f"the work of job {key} is queued already, as another job") from error


def _again(keys: Sequence[int], requested_by: User | None = None) -> int:
    changed = 0
    asked = {} if requested_by is None else {"requested_by": requested_by}
    for start in range(0, len(keys), ROWS):
        over = Job.objects.filter(pk__in=keys[start : start + ROWS], state__in=[State.FAILED, State.CANCELLED])
        changed += over.update(
            state=State.QUEUED,
            progress=0.0,
            message="",
            log=[],
            result=None,
            started=None,
            finished=None,
            attempts=0,
            cancel_requested=False,
            problem_code="",
            problem_message="",
            trace="",
            **asked,
        )
    return changed
