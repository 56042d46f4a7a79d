"""The places of a worker: threads that take the best row that waits, do it, and take the next."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

from django.db import connections

from voxelry.server.jobs import isolated, leases
from voxelry.server.jobs.attempts import do
from voxelry.server.jobs.job_run import stopping
from voxelry.server.jobs.leases import DatabaseTrouble

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""An idle place looks at the rows this often, so that no job depends on a bell or a message."""
OFFER_SECONDS = 2.0
PAUSE_SECONDS = 0.5


class Slots:
    """Does the jobs of some queues, so many at a time.

    Parameters
    ----------
    queues
        Which jobs; the best of all of them goes first.
    """

    def __init__(self, count: int, queues: Sequence[str]) -> None:
        self._count = count
        self._queues = tuple(queues)
        self._changed = threading.Condition()
        self._idle = 0
        self._rings = 0
        self._threads = [
            threading.Thread(target=self._forever, name=f"job-{number}", daemon=True) for number in range(count)
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def ring(self) -> None:
        """There may be something to do: for one place, or, as long as each finds something, for all."""
        with self._changed:
            self._rings = min(self._rings + 1, self._count)
            self._changed.notify()

    def offer(self, key: int) -> None:
        """The same, once a place is idle; a worker that is busy leaves the next message to others for a while."""
        with self._changed:
            self._changed.wait_for(lambda: self._idle > self._rings or stopping.is_set(), OFFER_SECONDS)
        self.ring()

    def stop(self, seconds: float) -> None:
        """`stopping` is set: wake who is idle, and wait for those at work to notice."""
        with self._changed:
            self._changed.notify_all()
        end = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _forever(self) -> None:
        look = True
        while not stopping.is_set():
            try:
                job = leases.claim(queues=self._queues) if look or leases.waiting(self._queues) else None
            except DatabaseTrouble as error:
                logger.warning("the database could not be asked for jobs (%s)", type(error).__name__)
                connections.close_all()
                stopping.wait(PAUSE_SECONDS)
                continue
            if job is None:
                look = self._rest()
                continue
            look = True
            self.ring()  # where there was one there may be more, and another place is idle
            do(job)
        connections.close_all()

    def _rest(self) -> bool:
        """Until there may be something to do; whether somebody said so."""
        isolated.tidy()
        with self._changed:
            self._idle += 1
            self._changed.notify_all()
            rung = self._changed.wait_for(lambda: self._rings > 0 or stopping.is_set(), LOOK_SECONDS)
            self._idle -= 1
            if self._rings:
                self._rings -= 1
            return rung
