"""Finding jobs that lost their worker."""

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
from voxelry.server.jobs.job_run import stopping
from voxelry.server.jobs.leases import DatabaseTrouble
from voxelry.server.jobs.models import Job, State
from voxelry.server.jobs.submit import dispatch

logger = logging.getLogger(__name__)

SECONDS = 2.0


class Sweeper:
    """Takes back the jobs whose lease stood still for as long as it holds, by this process's own clock.

    What the rows say of the time is not believed: a clock that was set back would keep a dead worker's job for
    hours, and one that was set forward would take a living one's.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[tuple[int, str, datetime | None], float] = {}
        self._looked = clock()

    def sweep(self) -> None:
        """To be called every `SECONDS`.

        Who could not look for a while (this process was stopped, the machine slept, the database was away) begins
        to count anew: those who do the jobs may have slept as well, and now renew their leases.
        """
        with transaction.atomic():  # with SQLite's only lock, so that who could not write now has not looked
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
    """Queue the jobs of this machine's dead workers now, without waiting for their leases to stand still.

    To be called once, before this process claims anything.
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
        return False  # an earlier process had this number: this one has only just begun
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _take_back(job: Job) -> None:
    """Only if nobody did it meanwhile, and its worker did not come back."""
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
