"""Who has a job: claims, and one heart for all the leases of a process."""

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
from django.utils import timezone

from voxelry.server.jobs.models import Job, State

logger = logging.getLogger(__name__)

DatabaseTrouble = (DatabaseError, InterfaceError)
"""What a database raises that is away, starts again or is busy for too long."""

WATCH_SECONDS = 0.5
"""How often the rows of running jobs are looked at: a cancelled job is stopped within little more than this."""

_COLUMNS = ", ".join(f'"{field.column}"' for field in Job._meta.concrete_fields)  # noqa: SLF001
# Literals where the index has them, or SQLite would not use it.
_CLAIM = f"""
UPDATE jobs_job
SET state = 'running', owner = %s, lease_until = %s, started = %s, attempts = attempts + 1, progress = 0, message = ''
WHERE state = 'queued' AND NOT is_batch AND id = ({{which}})
RETURNING {_COLUMNS}
"""  # noqa: S608 - names of this module's own
_BEST = """
SELECT id FROM jobs_job {index} WHERE state = 'queued' AND NOT is_batch AND queue IN ({queues})
ORDER BY priority DESC, id LIMIT 1 {lock}
"""


_turn = threading.Lock()


def claim(*, key: int | None = None, queues: Iterable[str] = ()) -> Job | None:
    """Take one job by compare-and-set, in one statement; None if there is nothing to take.

    Parameters
    ----------
    key
        This one; else the best that waits in any of ``queues``: the highest priority, then who came first.
    """
    now = timezone.now()
    adapted = connection.ops.adapt_datetimefield_value
    values: list[object] = [new_owner(), adapted(lease_end()), adapted(now)]
    if key is not None:
        which = "%s"
        values.append(key)
    else:
        chosen = list(queues)
        # SQLite thinks that sorting all that waits is as good. PostgreSQL's other claimers take the next row
        # instead of waiting for us.
        index, lock = ("INDEXED BY job_claim", "") if connection.vendor == "sqlite" else ("", "FOR UPDATE SKIP LOCKED")
        which = _BEST.format(queues=", ".join(["%s"] * len(chosen)), index=index, lock=lock)
        values += chosen
    with in_turn():
        found = list(Job.objects.raw(_CLAIM.format(which=which), values))
    return found[0] if found else None


@contextmanager
def in_turn() -> Iterator[None]:
    """Write when no other thread of this process does, where the database lets only one write at a time.

    SQLite's own way of waiting is to sleep and to look again, for longer and longer.
    """
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        with _turn:
            yield
    else:
        yield


def waiting(queues: Iterable[str]) -> bool:
    """Whether there is something to claim: a look that locks nothing."""
    return Job.objects.filter(state=State.QUEUED, is_batch=False, queue__in=list(queues)).exists()


def new_owner() -> str:
    """This machine, this process, this attempt."""
    return f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex}"


def lease_end() -> datetime:
    """Told to people; others wait until the lease stands still, so that no clock needs to be right."""
    return timezone.now() + timedelta(seconds=settings.VOXELRY.lease_seconds)


class Leased(Protocol):
    """An attempt, as its heart sees it."""

    @property
    def owner(self) -> str: ...

    def cancelled(self) -> None:
        """Somebody cancelled it."""

    def lost(self) -> None:
        """Somebody else has it now."""

    def tick(self) -> None:
        """Time passes."""


class Heart:
    """Renews the leases of this process and looks who was cancelled: one thread, one statement for all of them."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._leased: dict[str, Leased] = {}
        self._thread: threading.Thread | None = None
        self._resting = False
        self._connected = False

    def add(self, leased: Leased) -> None:
        """From now on."""
        with self._lock:
            self._leased[leased.owner] = leased
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._forever, name="leases", daemon=True)
                self._thread.start()
            elif self._resting:
                self._lock.notify()

    def remove(self, leased: Leased) -> None:
        """No longer; it may have ended already."""
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
                # Most jobs are over before they are looked at.
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
        """Tell the attempts what became of their rows."""
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
        """All of them at once."""
        Job.objects.filter(owner__in=list(leased), state=State.RUNNING).update(lease_until=lease_end())


heart = Heart()
