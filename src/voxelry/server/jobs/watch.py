"""Watches a job's row until it is over, for example for a stream of events to a page."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.db import close_old_connections

from voxelry.server.jobs.models import Job

SECONDS = 0.3
"""How often the row is read; each read takes less than a millisecond."""
LONGEST_SECONDS = 1.0
_SHOWN = ("state", "progress", "message", "attempts", "cancel_requested", "log")


class _Watched:
    """A job's row and the values that were last read from it."""

    def __init__(self, key: int) -> None:
        self._key = key
        self._last: tuple[object, ...] | None = None

    def look(self) -> Job | None:
        """The job if it has changed since the last look; else None.

        Raises
        ------
        Job.DoesNotExist
            If there is no such job, or no longer.
        """
        job = Job.objects.defer("trace").get(pk=self._key)
        shown = tuple(getattr(job, name) for name in _SHOWN)
        if shown == self._last:
            return None
        self._last = shown
        return job


def watch(key: int, *, seconds: float = SECONDS) -> Iterator[Job]:
    """Yields the job now and after each change, until it is over.

    Raises
    ------
    Job.DoesNotExist
        If there is no such job, or no longer.
    """
    watched = _Watched(key)
    pause = seconds
    while True:
        job = watched.look()
        if job is not None:
            yield job
            if job.over:
                return
        pause = seconds if job is not None else min(pause * 1.2, max(LONGEST_SECONDS, seconds))
        time.sleep(pause)


async def watch_async(key: int, *, seconds: float = SECONDS) -> AsyncIterator[Job]:
    """`watch` for an event loop; the row is read in a thread."""
    watched = _Watched(key)

    def looked() -> Job | None:
        try:
            return watched.look()
        finally:
            close_old_connections()  # the connection of this thread, which no request closes

    look = sync_to_async(looked)
    pause = seconds
    while True:
        job = await look()
        if job is not None:
            yield job
            if job.over:
                return
        pause = seconds if job is not None else min(pause * 1.2, max(LONGEST_SECONDS, seconds))
        await asyncio.sleep(pause)
