"""Finds jobs whose worker has died, and queues them again."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, connections, transaction
from django.utils import timezone

from voxelry.server.jobs import batches
from voxelry.server.jobs.job_kinds import tell_failed
from voxelry.server.jobs.job_run import stopping
from voxelry.server.jobs.leases import DatabaseTrouble
from voxelry.server.jobs.models import Job, State
from voxelry.server.jobs.submit import dispatch

logger = logging.getLogger(__name__)

SECONDS = 2.0


class Sweeper:
    """Takes back the jobs whose lease has not changed for its length, by this process's own clock.

    The times in the rows are not used: with a clock that was set back a dead worker would keep its job for hours, and
    with one that was set forward a living worker would lose it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[tuple[int, str, datetime | None], float] = {}
        self._looked = clock()

    def sweep(self) -> None:
        """Look at the leases once; called every `SECONDS`.

        After a long pause (this process was stopped, the machine slept, the database was unreachable) it begins to
        count anew: the workers may have paused as well, and renew their leases now.
        """
        with transaction.atomic():  # takes SQLite's write lock: a sweep that could not write has not looked
            running = Job.objects.filter(state=State.RUNNING, is_batch=False)
            rows = {(job.pk, job.owner, job.lease_until): job for job in running.defer("log", "params", "trace")}
        now = self._clock()
        if now - self._looked > settings.VOXELRY.lease_seconds / 2:
            self._seen.clear()
        self._looked = now
        self._seen = {lease: self._seen.get(lease, now) for lease in rows}
        for lease, since in self._seen.items():
            if now - since > settings.VOXELRY.lease_seconds:
                _take_back(rows[lease])
        for parent in Job.objects.filter(is_batch=True, state__in=batches.OPEN).values_list("pk", flat=True):
            batches.roll_up(parent)


def take_back_own() -> None:
    """Queue the jobs of this machine's dead workers again, without waiting for their leases.

    Called once, before this process claims a job.
    """
    host = f"{socket.gethostname()}/"
    for job in Job.objects.filter(state=State.RUNNING, owner__startswith=host):
        if not _alive(int(job.owner.split("/")[1])):
            _take_back(job)


def start() -> threading.Thread:
    """Sweep until the worker stops."""
    thread = threading.Thread(target=_forever, name="sweep", daemon=True)
    thread.start()
    return thread


def _forever() -> None:
    sweeper = Sweeper()
    while True:
        try:
            sweeper.sweep()
        except DatabaseTrouble as error:
            logger.warning("the sweep could not reach the database (%s)", type(error).__name__)
        finally:
            connections.close_all()
        if stopping.wait(SECONDS):
            return


def _alive(pid: int) -> bool:
    if pid == os.getpid():
        return False  # an earlier process had this number: this one has claimed nothing yet
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _take_back(job: Job) -> None:
    """Queue a job again, unless its lease has changed meanwhile."""
    still = Job.objects.filter(pk=job.pk, state=State.RUNNING, owner=job.owner, lease_until=job.lease_until)
    over = {"owner": "", "lease_until": None, "finished": timezone.now()}
    if job.cancel_requested:
        still.update(state=State.CANCELLED, message="cancelled", **over)
    elif job.attempts >= settings.VOXELRY.attempts:
        still.update(
            state=State.FAILED,
            message="failed",
            problem_code="worker_lost",
            problem_message=f"its worker died {job.attempts} times while doing this; "
            "memory may be too small, or a file breaks a decoder",
            **over,
        )
        tell_failed(job.kind, job.subject)
    else:
        try:
            with transaction.atomic():
                changed = still.update(
                    state=State.QUEUED, owner="", lease_until=None, message="its worker died; waiting to begin again"
                )
        except IntegrityError:
            still.update(state=State.CANCELLED, message="replaced by a newer job", **over)
        else:
            if changed:
                logger.warning("job %s lost its worker and is queued again", job.pk)
                dispatch(job.pk, queue=job.queue)
    if job.parent_id is not None:
        batches.roll_up(job.parent_id)
