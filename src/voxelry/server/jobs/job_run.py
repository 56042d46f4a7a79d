"""One attempt at a job: progress, log, folder and lease."""

from __future__ import annotations

import logging
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connections, transaction
from django.db.models import QuerySet
from django.utils import timezone
from pydantic import JsonValue

from voxelry.server.jobs import leases
from voxelry.server.jobs.failures import Cancelled, JobStopped, LeaseLost, OutOfTime, WorkerStopping
from voxelry.server.jobs.leases import DatabaseTrouble, lease_end
from voxelry.server.jobs.models import Job, Json, State

logger = logging.getLogger(__name__)

REPORT_SECONDS = 0.25
"""Progress is written at most this often, so that reporting stays cheaper than the work."""
LOG_LINES = 200
LOG_LETTERS = 300

stopping = threading.Event()
"""Set when this worker is to end."""


class Run:
    """One attempt at a job: the argument of its kind's functions.

    Attributes
    ----------
    inputs
        What the kind's ``prepare`` returned, as JSON.
    folder
        An empty folder in the data folder; removed when the attempt is over.
    summary
        The job's message when it is done.
    """

    def __init__(self, job: Job) -> None:
        self.key: int = job.pk
        self.kind = job.kind
        self.subject = job.subject
        self.params: dict[str, Json] = job.params
        self.requested_by_id: int | None = job.requested_by_id
        self.attempts = job.attempts
        self.inputs: JsonValue = None
        self.summary = "done"
        self.time_limit = job.time_limit_seconds or settings.VOXELRY.time_limit_seconds
        self.memory_limit = job.memory_limit_bytes or settings.VOXELRY.memory_limit_bytes
        self._owner = job.owner
        self._began = time.monotonic()
        self._reported = 0.0
        self._stop: type[JobStopped] | None = None
        self._folder: Path | None = None
        self._lines: list[list[str]] = list(job.log)
        self._unwritten = False
        if self.attempts > 1:
            self.log(f"attempt {self.attempts}")

    @property
    def owner(self) -> str:
        """The name in the row by which this attempt holds the lease."""
        return self._owner

    @property
    def folder(self) -> Path:
        if self._folder is None:
            temporary: Path = settings.VOXELRY.data / "temp"
            temporary.mkdir(parents=True, exist_ok=True)
            self._folder = Path(tempfile.mkdtemp(prefix=f"job-{self.key}-", dir=temporary))
        return self._folder

    def progress(self, fraction: float, words: str) -> None:
        """Write the progress, on [0, 1], at most every `REPORT_SECONDS`; raises `JobStopped` if the work must end."""
        self.check()
        now = time.monotonic()
        if now - self._reported < REPORT_SECONDS:
            return
        self._reported = now
        try:
            self._beat(progress=min(max(fraction, 0.0), 1.0), message=words[:300])
        except DatabaseTrouble as error:
            if connections["default"].in_atomic_block:
                raise
            # The work goes on: if the database stays unreachable, the lease ends, and `check` raises.
            logger.warning("job %s: progress could not be written (%s)", self.key, type(error).__name__)
            connections.close_all()
        self.check()

    def log(self, words: str) -> None:
        """Add a line to the log, with the time. The middle of a long log is left out. Never a patient's value."""
        self._lines.append([timezone.now().isoformat(timespec="milliseconds"), words[:LOG_LETTERS]])
        if len(self._lines) > LOG_LINES:
            del self._lines[LOG_LINES // 2]
            self._lines[LOG_LINES // 2][1] = "(lines left out)"
        self._unwritten = True

    def check(self) -> None:
        """Raise `JobStopped` if the work must end."""
        if stopping.is_set():
            raise WorkerStopping
        if self._stop is not None:
            raise self._stop

    @contextmanager
    def publishing(self) -> Iterator[None]:
        """A transaction under the lease: what is written in it appears as a whole or not at all."""
        self.check()
        with transaction.atomic():
            # Locks the row, so that a sweep waits. An attempt that lost the lease writes nothing.
            if not self.mine().filter(cancel_requested=False).update(lease_until=lease_end()):
                self._stop = Cancelled if self.mine().exists() else LeaseLost
                raise self._stop
            yield

    def mine(self) -> QuerySet[Job]:
        """The job's row if this attempt holds its lease; else no row."""
        return Job.objects.filter(pk=self.key, owner=self._owner, state=State.RUNNING)

    def beat(self) -> None:
        """Renew the lease."""
        self._beat()

    def cancelled(self) -> None:
        self._stop = Cancelled

    def lost(self) -> None:
        self._stop = LeaseLost

    def tick(self) -> None:
        if self._stop is None and time.monotonic() - self._began > self.time_limit:
            self._stop = OutOfTime
        if self._unwritten:
            self._write_log()

    def finish(self, state: State, **values: Json) -> bool:
        """Write the end of the job; False if another attempt has the lease."""
        over = {"owner": "", "lease_until": None, "finished": timezone.now(), "log": self._lines, **values}
        with leases.in_turn():
            return bool(self.mine().update(state=state, **over))

    def give_back(self, attempts: int) -> None:
        """Queue the job again with this number of attempts; cancel it if it was cancelled or a newer one waits."""
        with transaction.atomic():
            row = Job.objects.get(pk=self.key)
            same = Job.objects.filter(kind=row.kind, subject=row.subject, state=State.QUEUED, once=True)
            waits = {"state": State.QUEUED, "owner": "", "lease_until": None, "attempts": attempts, "log": self._lines}
            if row.once and same.exists():
                self.finish(State.CANCELLED, message="replaced by a newer job")
            elif not self.mine().filter(cancel_requested=False).update(**waits, message="waiting to begin again"):
                self.finish(State.CANCELLED, message="cancelled")  # cancelled in between: it is not queued again

    def remove_folder(self) -> None:
        """Remove the folder with all that was not renamed out of it."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _write_log(self) -> None:
        lines = list(self._lines)
        self.mine().update(log=lines)
        self._unwritten = len(self._lines) != len(lines)  # lines came meanwhile: the next tick writes them

    def _beat(self, **values: Json) -> None:
        if self.mine().filter(cancel_requested=False).update(lease_until=lease_end(), **values):
            return
        row = self.mine().first()
        self._stop = LeaseLost if row is None else Cancelled
        if row is not None:
            self.mine().update(lease_until=lease_end())
