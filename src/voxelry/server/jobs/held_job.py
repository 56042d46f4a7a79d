"""Holds a job back while its sender still brings what it is about."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from voxelry.server.jobs import batches, submit
from voxelry.server.jobs.leases import lease_end, lease_renewer, new_owner
from voxelry.server.jobs.models import Job, State

_HELD = (
    f"SELECT 1 FROM {Job._meta.db_table} "  # noqa: SLF001, S608 - names of this module's own
    "WHERE id = %s AND owner = %s AND state = 'running' AND NOT cancel_requested"
)


def open_jobs(keys: Iterable[int]) -> set[int]:
    """Those of some jobs that wait or run."""
    return set(Job.objects.filter(pk__in=list(keys), state__in=batches.OPEN).order_by().values_list("pk", flat=True))


class HeldJob:
    """A job that waits for what its sender still brings: leased to this process, and not begun.

    If the process is killed, the job is queued as that of a killed worker is.
    """

    def __init__(self, key: int) -> None:
        self._key, self._owner = key, new_owner()

    @property
    def owner(self) -> str:
        return self._owner

    def hold(self, words: str) -> None:
        """Lease the queued job, in the transaction that submits it; its lease is renewed from the commit on."""
        now = timezone.now()
        Job.objects.filter(pk=self._key, state=State.QUEUED).update(
            state=State.RUNNING, owner=self._owner, lease_until=lease_end(), started=now, message=words
        )
        transaction.on_commit(partial(lease_renewer.add, self))

    def is_held(self) -> bool:
        """Whether the job is this process's, and not cancelled. Only reads: it may be taken back right after that."""
        with connection.cursor() as cursor:  # asked for each file that comes: the ORM would take ten times as long
            cursor.execute(_HELD, [self._key, self._owner])
            return cursor.fetchone() is not None

    def release(self) -> bool:
        """Queue the job, or end it if it was cancelled; False if it was taken back. Called in a transaction."""
        lease_renewer.remove(self)
        held = Job.objects.filter(pk=self._key, owner=self._owner, state=State.RUNNING)
        over: dict[str, Any] = {"owner": "", "lease_until": None}
        if held.filter(cancel_requested=True).update(
            state=State.CANCELLED, message="cancelled", finished=timezone.now(), **over
        ):
            return True
        if not held.update(state=State.QUEUED, started=None, message="", **over):
            return False
        queue = Job.objects.values_list("queue", flat=True).get(pk=self._key)
        transaction.on_commit(partial(submit.dispatch, self._key, queue=queue))
        return True

    def cancelled(self) -> None:
        """Does nothing: `is_held` finds it."""

    def lost(self) -> None:
        """Does nothing: `is_held` finds it."""

    def tick(self) -> None:
        """Does nothing."""
