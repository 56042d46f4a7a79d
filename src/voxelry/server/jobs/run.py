"""Doing one job: claim, progress, result."""

from __future__ import annotations

import logging
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import IntegrityError, InterfaceError, OperationalError, connections, transaction
from django.db.models import QuerySet
from django.utils import timezone

from voxelry.core.errors import Problem
from voxelry.server.disk import is_full
from voxelry.server.jobs import batches, isolated, leases
from voxelry.server.jobs.failures import (
    Away,
    Cancelled,
    Crashed,
    JobError,
    JobStopped,
    Killed,
    LeaseLost,
    OutOfTime,
    WorkerStopping,
    failure_of,
    where,
)
from voxelry.server.jobs.kinds import Json, Kind, find, register
from voxelry.server.jobs.leases import DatabaseTrouble, heart, lease_end
from voxelry.server.jobs.models import Job, State

__all__ = ["Cancelled", "JobError", "JobStopped", "LeaseLost", "Run", "register", "run", "stopping", "where"]

logger = logging.getLogger(__name__)

REPORT_SECONDS = 0.25
"""Progress is written no more often than this, so that reporting stays cheaper than the work."""
LOG_LINES = 200
LOG_LETTERS = 300
ROLL_UP_SECONDS = 0.5
"""A batch's row is written no more often than this, but for its end."""
PAUSE_SECONDS = 1.0
"""Before a job that the database failed is begun again; twice as long each time."""
PATIENCE_SECONDS = 60.0
"""How long a worker that has done a job waits for a database that is away, full or locked."""
CRASHES = 2
"""How often a job may crash its child process, or fill the memory, before it has failed."""


stopping = threading.Event()
"""Set when this worker ends."""

_rolled_up: dict[int, float] = {}


class Run:
    """One attempt at a job; ``summary`` is what the job says when it is done.

    Attributes
    ----------
    inputs
        What the kind's ``prepare`` returned.
    folder
        Empty, in the data folder, and removed when the attempt is over.
    """

    def __init__(self, job: Job) -> None:
        self.key: int = job.pk
        self.kind = job.kind
        self.subject = job.subject
        self.params: dict[str, Json] = job.params
        self.requested_by_id: int | None = job.requested_by_id
        self.attempts = job.attempts
        self.inputs: Json = None
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
        """Who holds the lease: this attempt, for as long as the row says so."""
        return self._owner

    @property
    def folder(self) -> Path:
        if self._folder is None:
            temporary: Path = settings.VOXELRY.data / "temp"
            temporary.mkdir(parents=True, exist_ok=True)
            self._folder = Path(tempfile.mkdtemp(prefix=f"job-{self.key}-", dir=temporary))
        return self._folder

    def progress(self, fraction: float, words: str) -> None:
        """Tell how far it is; raises `JobStopped` where the work must end."""
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
            # No reason to lose the work: if the database stays away, the lease ends, and the heart says so.
            logger.warning("job %s: progress could not be written (%s)", self.key, type(error).__name__)
            connections.close_all()
        self.check()

    def log(self, words: str) -> None:
        """Keep a line, with the time. Of many the first and the last stay. Never a patient's value."""
        self._lines.append([timezone.now().isoformat(timespec="milliseconds"), words[:LOG_LETTERS]])
        if len(self._lines) > LOG_LINES:
            del self._lines[LOG_LINES // 2]
            self._lines[LOG_LINES // 2][1] = "(lines left out)"
        self._unwritten = True

    def check(self) -> None:
        """Raise `JobStopped` where the work must end."""
        if stopping.is_set():
            raise WorkerStopping
        if self._stop is not None:
            raise self._stop

    @contextmanager
    def publishing(self) -> Iterator[None]:
        """A transaction in which the lease is held to the end: results appear wholly, or not at all."""
        self.check()
        with transaction.atomic():
            # Locks the row, so that a sweep waits; whoever lost the lease writes nothing.
            if not self.mine().update(lease_until=lease_end()):
                self.lost()
                raise LeaseLost
            yield

    def mine(self) -> QuerySet[Job]:
        """The job's row while this attempt holds its lease; else no row."""
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
        """Write how it ended; False if somebody else has the job by now."""
        over = {"owner": "", "lease_until": None, "finished": timezone.now(), "log": self._lines, **values}
        with leases.in_turn():
            return bool(self.mine().update(state=state, **over))

    def remove_folder(self) -> None:
        """With all that was not renamed out of it."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _write_log(self) -> None:
        lines = list(self._lines)
        self.mine().update(log=lines)
        self._unwritten = len(self._lines) != len(lines)  # else the next beat tries again

    def _beat(self, **values: Json) -> None:
        if self.mine().filter(cancel_requested=False).update(lease_until=lease_end(), **values):
            return
        row = self.mine().first()
        self._stop = LeaseLost if row is None else Cancelled
        if row is not None:
            self.mine().update(lease_until=lease_end())


def run(key: int) -> bool:
    """Claim the job and do it; False if it was not there to be claimed."""
    job = leases.claim(key=key)
    if job is None:
        return False
    do(job)
    return True


def do(job: Job) -> None:
    """Do a job that was claimed, whatever comes of it."""
    this = Run(job)
    heart.add(this)
    try:
        _roll_up(job.parent_id, ended=False)
        _attempt(job, this)
        _roll_up(job.parent_id, ended=True)
    finally:
        heart.remove(this)
        this.remove_folder()


def _attempt(job: Job, this: Run) -> None:
    try:
        kind = find(job.kind)
        if kind is None:
            raise JobError(Problem("unknown_kind", f"this server knows no jobs of the kind {job.kind!r}"))
        _work(kind, this)
    except Cancelled:
        _finish(this, State.CANCELLED, message="cancelled")
    except LeaseLost:
        logger.warning("job %s was given to another worker; this attempt writes nothing", job.pk)
    except WorkerStopping:
        _give_back(this, attempts=job.attempts - 1)  # it was not the job that failed
    except OutOfTime:
        _fail(this, Problem("time_limit", f"it took longer than the {this.time_limit:g} s that it may take"), "")
    except (OperationalError, InterfaceError, IntegrityError) as error:
        # The database was away or busy for too long, or another job wrote the same row first: no fault of this
        # one's, and begun again it finds what the other wrote.
        logger.warning("job %s: database trouble (%s)", job.pk, type(error).__name__)
        if is_full(error):  # doing it all over again makes no room
            full = failure_of(error)
            _fail(this, full.problem, full.trace)
        elif job.attempts < settings.VOXELRY.attempts:
            if not isinstance(error, IntegrityError):
                # Not at once: a database that starts again would use up all attempts.
                stopping.wait(PAUSE_SECONDS * 2 ** (job.attempts - 1))
            _give_back(this, attempts=job.attempts)
        else:
            _fail(this, Problem("database", "the database could not be written; retry later"), where(error))
    except Crashed as error:
        logger.warning("job %s: %s", job.pk, error)
        if job.attempts < (settings.VOXELRY.attempts if isinstance(error, Killed) else CRASHES):
            this.log("the process that did this was killed" if isinstance(error, Killed) else str(error))
            _give_back(this, attempts=job.attempts)
        else:
            _fail(this, error.problem, error.trace)
    except Exception as error:
        failure = failure_of(error)
        if failure.problem.code == Away.code and job.attempts < settings.VOXELRY.attempts:
            # By its code, because a child process tells no more of it.
            logger.warning("job %s: %s", job.pk, failure)
            this.log(str(failure))
            _give_back(this, attempts=job.attempts)
            return
        if failure.problem.code == "internal":
            logger.error("job %s failed inside:\n%s", job.pk, failure.trace)
        _fail(this, failure.problem, failure.trace)


def _work(kind: Kind, this: Run) -> None:
    """Do it, publish what came of it, and have succeeded: the last two in one transaction."""
    if kind.prepare is not None:
        this.inputs = kind.prepare(this)
    result = isolated.work(kind, this) if kind.isolated and not isolated.IN_PROCESS else kind.work(this)
    if kind.publish is None:
        _finish(this, State.SUCCEEDED, progress=1.0, message=this.summary[:300], result=result)
        return
    _persist(this.beat)  # what was made is not thrown away because the database is away for a moment
    with this.publishing():
        kept = kind.publish(this, result)
        this.finish(State.SUCCEEDED, progress=1.0, message=this.summary[:300], result=kept)


def _fail(this: Run, problem: Problem, trace: str) -> None:
    _finish(
        this,
        State.FAILED,
        message="failed",
        problem_code=problem.code,
        problem_message=problem.message,
        trace=trace,
    )


def _finish(this: Run, state: State, **values: Json) -> None:
    _persist(lambda: this.finish(state, **values))


def _give_back(this: Run, *, attempts: int) -> None:
    _persist(lambda: _put_back(this, attempts))


def _put_back(this: Run, attempts: int) -> None:
    # Somebody may have queued the same work meanwhile; then this row has nothing left to do.
    with transaction.atomic():
        row = Job.objects.get(pk=this.key)
        same = Job.objects.filter(kind=row.kind, subject=row.subject, state=State.QUEUED, once=True)
        if row.once and same.exists():
            this.finish(State.CANCELLED, message="replaced by a newer job")
        elif (
            not this.mine()
            .filter(cancel_requested=False)
            .update(
                state=State.QUEUED,
                owner="",
                lease_until=None,
                attempts=attempts,
                message="waiting to begin again",
                log=this._lines,  # noqa: SLF001
            )
        ):
            this.finish(State.CANCELLED, message="cancelled")  # while it ended: nobody begins it again


def _persist(write: Callable[[], object]) -> None:
    """Write what became of a job, once the database can be written again; later others find it silent."""
    end = time.monotonic() + PATIENCE_SECONDS
    pause = 0.05
    while True:
        try:
            write()
            return
        except DatabaseTrouble as error:
            if time.monotonic() > end or connections["default"].in_atomic_block:
                logger.warning("what became of a job could not be written (%s)", type(error).__name__)
                return
            connections.close_all()
            time.sleep(pause)
            pause = min(pause * 2, 1.0)


def _roll_up(parent: int | None, *, ended: bool) -> None:
    """Into the batch's row, if it is of one: as the first child begins, now and then, when the last one has ended."""
    if parent is not None:
        _persist(lambda: _roll_up_now(parent, ended=ended))


def _roll_up_now(parent: int, *, ended: bool) -> None:
    now = time.monotonic()
    if now - _rolled_up.get(parent, -ROLL_UP_SECONDS) < ROLL_UP_SECONDS and (
        not ended or Job.objects.filter(parent=parent, state__in=batches.OPEN).exists()
    ):
        return
    _rolled_up[parent] = now
    if batches.roll_up(parent):
        _rolled_up.pop(parent, None)
