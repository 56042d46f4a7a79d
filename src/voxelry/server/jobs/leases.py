"""Claims of jobs, and the thread that renews all leases of a process."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Protocol

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, connections
from django.db.models import Q
from django.utils import timezone

from voxelry.server.jobs.models import Job, State

logger = logging.getLogger(__name__)

DatabaseTrouble = (DatabaseError, InterfaceError)
"""Raised if the database is unreachable, restarts or is busy for too long."""

WATCH_SECONDS = 0.5
"""How often the rows of running jobs are read: a cancelled job stops within little more than this."""

_COLUMNS = ", ".join(f'"{field.column}"' for field in Job._meta.concrete_fields)  # noqa: SLF001
# Literals as in the index's condition, or SQLite would not use the index.
_CLAIM = f"""
UPDATE jobs_job
SET state = 'running', owner = %s, lease_until = %s, started = %s, attempts = attempts + 1, progress = 0, message = ''
WHERE state = 'queued' AND NOT is_batch AND id = ({{which}})
RETURNING {_COLUMNS}
"""  # noqa: S608 - names of this module's own
_BEST = """
SELECT id FROM jobs_job {index} WHERE state = 'queued' AND NOT is_batch AND queue IN ({queues})
AND (not_before IS NULL OR not_before <= %s)
ORDER BY priority DESC, id LIMIT 1 {lock}
"""


_turn = threading.Lock()


def claim(*, key: int | None = None, queues: Iterable[str] = ()) -> Job | None:
    """Take one job by compare-and-set, in one statement; None if there is nothing to take.

    Parameters
    ----------
    key
        Claims this job; without it the best that waits in any of ``queues``: highest priority, then oldest.
    """
    now = timezone.now()
    adapted = connection.ops.adapt_datetimefield_value
    values: list[object] = [new_owner(), adapted(lease_end()), adapted(now)]
    if key is not None:
        which = "%s"
        values.append(key)
    else:
        chosen = list(queues)
        # Without the hint SQLite sorts all waiting rows. With SKIP LOCKED other claimers of PostgreSQL take the next
        # row instead of waiting.
        index, lock = ("INDEXED BY job_claim", "") if connection.vendor == "sqlite" else ("", "FOR UPDATE SKIP LOCKED")
        which = _BEST.format(queues=", ".join(["%s"] * len(chosen)), index=index, lock=lock)
        values += [*chosen, adapted(now)]
    with in_turn():
        found = list(Job.objects.raw(_CLAIM.format(which=which), values))
    return found[0] if found else None


@contextmanager
def in_turn() -> Iterator[None]:
    """Hold this process's write lock if the database is SQLite, which lets one connection write at a time.

    SQLite itself would wait by sleeping, longer each time.
    """
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        with _turn:
            yield
    else:
        yield


def waiting(queues: Iterable[str]) -> bool:
    """Whether a job that may begin waits in any of the queues; reads without a lock."""
    due = Q(not_before=None) | Q(not_before__lte=timezone.now())
    return Job.objects.filter(due, state=State.QUEUED, is_batch=False, queue__in=list(queues)).exists()


def new_owner() -> str:
    """A name for an attempt: the machine, the process, and a UUID."""
    return f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex}"


def lease_end() -> datetime:
    """The end of a lease that begins now. Only shown: a sweep waits until it stands still, so clocks may be wrong."""
    return timezone.now() + timedelta(seconds=settings.VOXELRY.lease_seconds)


class Leased(Protocol):
    """An attempt whose lease is renewed."""

    @property
    def owner(self) -> str: ...

    def cancelled(self) -> None:
        """Called if the job was cancelled."""

    def lost(self) -> None:
        """Called if another attempt has the lease."""

    def tick(self) -> None:
        """Called at each look at the rows."""


class LeaseRenewer:
    """Renews the leases of this process and finds cancelled jobs: one thread, and one statement for all of them."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._leased: dict[str, Leased] = {}
        self._thread: threading.Thread | None = None
        self._resting = False
        self._connected = False

    def add(self, leased: Leased) -> None:
        """Renew the lease from now on."""
        with self._lock:
            self._leased[leased.owner] = leased
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._forever, name="leases", daemon=True)
                self._thread.start()
            elif self._resting:
                self._lock.notify()

    def remove(self, leased: Leased) -> None:
        """Stop renewing the lease; does nothing if it has ended."""
        with self._lock:
            self._leased.pop(leased.owner, None)
            if self._connected and not self._leased:
                self._lock.notify()

    def _forever(self) -> None:
        renewed = time.monotonic()
        while True:
            with self._lock:
                if not self._leased:
                    connections.close_all()
                    self._connected = False
                    self._resting = True
                    self._lock.wait()
                    self._resting = False
                    renewed = time.monotonic()
                # Most jobs are over before the first look at their rows.
                self._lock.wait_for(lambda: self._connected and not self._leased, WATCH_SECONDS)
                leased = dict(self._leased)
                self._connected = bool(leased)
            try:
                self.watch(leased)
                if time.monotonic() - renewed >= settings.VOXELRY.lease_seconds / 4:
                    self.renew(leased)
                    renewed = time.monotonic()
            except DatabaseTrouble as error:
                logger.warning("leases could not be renewed (%s)", type(error).__name__)
                connections.close_all()

    @staticmethod
    def watch(leased: Mapping[str, Leased]) -> None:
        """Tell the attempts whether they were cancelled or lost their lease."""
        if not leased:
            return
        for each in leased.values():
            each.tick()
        rows = Job.objects.filter(owner__in=list(leased), state=State.RUNNING).values_list("owner", "cancel_requested")
        found = dict(rows)
        for owner, each in leased.items():
            if owner not in found:
                each.lost()
            elif found[owner]:
                each.cancelled()

    @staticmethod
    def renew(leased: Mapping[str, Leased]) -> None:
        """Renew the leases, all in one statement."""
        Job.objects.filter(owner__in=list(leased), state=State.RUNNING).update(lease_until=lease_end())


lease_renewer = LeaseRenewer()
