"""Finding jobs that lost their worker or their message."""

from __future__ import annotations

import logging
import os
import socket
import threading
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, IntegrityError, connections, transaction
from django.db.models import Q
from django.utils import timezone

from voxelry.server.jobs.models import Job, State
from voxelry.server.jobs.run import stopping
from voxelry.server.jobs.submit import dispatch

logger = logging.getLogger(__name__)

SECONDS = 2.0
RESEND_SECONDS = 10.0
RESEND_AT_ONCE = 8
"""A long queue is in order; only its head is sent again, so that messages never pile up."""


def sweep() -> None:
    """Queue the jobs whose lease ran out; send again the keys whose message seems lost."""
    now = timezone.now()
    for job in Job.objects.filter(state=State.RUNNING, lease_until__lt=now):
        _take_back(job)
    late = Q(dispatched=None) | Q(dispatched__lt=now - timedelta(seconds=RESEND_SECONDS))
    for key in (
        Job.objects.filter(late, state=State.QUEUED).order_by("pk").values_list("pk", flat=True)[:RESEND_AT_ONCE]
    ):
        dispatch(key)


def take_back_own() -> None:
    """Queue the jobs of this machine's dead workers now, without waiting for their leases to run out.

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
    while True:
        try:
            sweep()
        except DatabaseError as error:
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
                    state=State.QUEUED,
                    owner="",
                    lease_until=None,
                    dispatched=None,
                    message="its worker died; waiting to begin again",
                )
        except IntegrityError:
            still.update(state=State.CANCELLED, message="replaced by a newer job", **over)
        else:
            if changed:
                logger.warning("job %s lost its worker and is queued again", job.pk)
