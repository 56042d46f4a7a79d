"""The threads of a worker that claim the best waiting job, do it, and claim the next."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

from django.db import connections

from voxelry.server.environment.freed_memory import return_freed_memory
from voxelry.server.jobs import isolated, leases
from voxelry.server.jobs.attempts import do
from voxelry.server.jobs.job_run import stopping
from voxelry.server.jobs.leases import DatabaseTrouble

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""An idle thread looks at the rows this often, so that no job depends on a wake-up or a message."""
OFFER_SECONDS = 2.0
PAUSE_SECONDS = 0.5


class Slots:
    """Does the jobs of some queues, ``count`` at a time.

    Parameters
    ----------
    queues
        The names of the queues; the best job of all of them goes first.
    """

    def __init__(self, count: int, queues: Sequence[str]) -> None:
        self._count = count
        self._queues = tuple(queues)
        self._changed = threading.Condition()
        self._idle = 0
        self._wake_ups = 0
        self._threads = [
            threading.Thread(target=self._forever, name=f"job-{number}", daemon=True) for number in range(count)
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """Wake one idle thread; each that finds a job wakes another."""
        with self._changed:
            self._wake_ups = min(self._wake_ups + 1, self._count)
            self._changed.notify()

    def offer(self, key: int) -> None:
        """Wait up to `OFFER_SECONDS` for an idle thread, then wake it: a busy worker leaves messages to others."""
        with self._changed:
            self._changed.wait_for(lambda: self._idle > self._wake_ups or stopping.is_set(), OFFER_SECONDS)
        self.wake()

    def stop(self, seconds: float) -> None:
        """Wake the idle threads after `stopping` is set, and wait for the busy ones to end."""
        with self._changed:
            self._changed.notify_all()
        end = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _forever(self) -> None:
        look, worked = True, False
        while not stopping.is_set():
            try:
                job = leases.claim(queues=self._queues) if look or leases.waiting(self._queues) else None
            except DatabaseTrouble as error:
                logger.warning("the database could not be asked for jobs (%s)", type(error).__name__)
                connections.close_all()
                stopping.wait(PAUSE_SECONDS)
                continue
            if job is None:
                if worked:
                    return_freed_memory()
                worked = False
                look = self._rest()
                continue
            look = worked = True
            self.wake()  # there may be more jobs, and another thread may be idle
            do(job)
        connections.close_all()

    def _rest(self) -> bool:
        """Wait until woken or `LOOK_SECONDS` have passed; returns whether it was woken."""
        isolated.tidy()
        with self._changed:
            self._idle += 1
            self._changed.notify_all()
            woken = self._changed.wait_for(lambda: self._wake_ups > 0 or stopping.is_set(), LOOK_SECONDS)
            self._idle -= 1
            if self._wake_ups:
                self._wake_ups -= 1
            return woken
