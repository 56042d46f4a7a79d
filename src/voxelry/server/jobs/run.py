"""Doing one job: claim, lease, progress, result."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar

from django.conf import settings
from django.db import DatabaseError, IntegrityError, OperationalError, connections, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from voxelry.core.errors import Problem, VoxelryError
from voxelry.server.disk import is_full
from voxelry.server.jobs.models import Job, State

logger = logging.getLogger(__name__)

Handler = Callable[["Run"], None]
_handlers: dict[str, Handler] = {}

REPORT_SECONDS = 0.25
"""Progress is written no more often than this, so that reporting stays cheaper than the work."""


class JobStopped(BaseException):
    """The work must stop now. No Exception, so that a handler's error handling does not swallow it."""


class Cancelled(JobStopped):
    """Somebody cancelled it."""


class LeaseLost(JobStopped):
    """Somebody else has it now; nothing more may be written."""


class WorkerStopping(JobStopped):
    """This process ends; the job goes back to the queue."""


class JobError(VoxelryError):
    """A failure with its own code."""

    code: ClassVar[str] = "job"

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self._problem = problem

    @property
    def problem(self) -> Problem:
        return self._problem


stopping = threading.Event()
"""Set when this worker ends."""


def register(kind: str, handler: Handler) -> None:
    """Say who does the jobs of a kind."""
    _handlers[kind] = handler


class Run:
    """One attempt at a job, handed to its handler; ``summary`` is what the job says when it is done."""

    def __init__(self, key: int, subject: int, owner: str) -> None:
        self.key = key
        self.subject = subject
        self.owner = owner
        self.summary = "done"
        self._reported = 0.0
        self._stop: type[JobStopped] | None = None

    def progress(self, fraction: float, words: str) -> None:
        """Tell how far it is; raises `JobStopped` where the work must end."""
        self.check()
        now = time.monotonic()
        if now - self._reported < REPORT_SECONDS:
            return
        self._reported = now
        self._beat(progress=min(max(fraction, 0.0), 1.0), message=words[:300])
        self.check()

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
            if not self.mine().update(lease_until=_lease_end()):
                self._stop = LeaseLost
                raise LeaseLost
            yield

    def beat(self) -> None:
        """Renew the lease."""
        self._beat()

    def _beat(self, **values: float | str) -> None:
        if self.mine().filter(cancel_requested=False).update(lease_until=_lease_end(), **values):
            return
        row = self.mine().first()
        self._stop = LeaseLost if row is None else Cancelled
        if row is not None:
            self.mine().update(lease_until=_lease_end())

    def mine(self) -> QuerySet[Job]:
        """The job's row while this attempt holds its lease; else no row."""
        return Job.objects.filter(pk=self.key, owner=self.owner, state=State.RUNNING)


def run(key: int) -> bool:
    """Claim the job and do it; False if it was not there to be claimed."""
    owner = f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex}"
    claimed = Job.objects.filter(pk=key, state=State.QUEUED).update(
        state=State.RUNNING,
        owner=owner,
        lease_until=_lease_end(),
        started=timezone.now(),
        attempts=F("attempts") + 1,
        progress=0.0,
        message="",
    )
    if not claimed:
        return False
    job = Job.objects.get(pk=key)
    this = Run(key, job.subject, owner)
    ended = threading.Event()
    heart = threading.Thread(target=_heartbeat, args=(this, ended), name=f"lease-{key}", daemon=True)
    heart.start()
    try:
        _attempt(job, this)
    finally:
        ended.set()
        heart.join()
    return True


def _attempt(job: Job, this: Run) -> None:
    try:
        handler = _handlers.get(job.kind)
        if handler is None:
            raise JobError(Problem("unknown_kind", f"this server knows no jobs of the kind {job.kind!r}"))
        handler(this)
    except Cancelled:
        _finish(this, State.CANCELLED, message="cancelled")
    except LeaseLost:
        logger.warning("job %s was given to another worker; this attempt writes nothing", job.pk)
    except WorkerStopping:
        _give_back(this, attempts=job.attempts - 1)  # it was not the job that failed
    except (OperationalError, IntegrityError) as error:
        # The database was away or busy for too long, or another job wrote the same row first: no fault of this
        # one's, and begun again it finds what the other wrote.
        logger.warning("job %s: database trouble (%s)", job.pk, type(error).__name__)
        if job.attempts < settings.VOXELRY.attempts:
            _give_back(this, attempts=job.attempts)
        else:
            _fail(this, Problem("database", "the database could not be written; retry later"), where(error))
    except VoxelryError as error:
        _fail(this, error.problem, where(error))
    except OSError as error:
        _fail(this, _storage(error), where(error))
    except MemoryError as error:
        _fail(this, Problem("memory", "there was not enough memory for this"), where(error))
    except Exception as error:
        trace = where(error)
        logger.error("job %s failed inside:\n%s", job.pk, trace)
        _fail(this, Problem("internal", "something went wrong inside Voxelry; the staff see where, under Jobs"), trace)
    else:
        _finish(this, State.SUCCEEDED, progress=1.0, message=this.summary[:300])


def _storage(error: OSError) -> Problem:
    if is_full(error):
        return Problem("storage_full", "the disk that holds the data folder is full; make room, then retry")
    return Problem("storage", f"the data folder cannot be used ({error.strerror}); the staff see where, under Jobs")


def where(error: BaseException) -> str:
    """A traceback of files, lines and classes: no message and no value, which might be a patient's."""
    parts: list[str] = []
    link: BaseException | None = error
    while link is not None:
        frames = traceback.extract_tb(link.__traceback__)
        lines = [f"  {'/'.join(Path(f.filename).parts[-3:])}:{f.lineno} in {f.name}\n    {f.line}" for f in frames]
        parts.append("\n".join([*lines, f"{type(link).__module__}.{type(link).__qualname__}"]))
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return "\n\ncaused\n".join(reversed(parts))


def _lease_end() -> datetime:
    return timezone.now() + timedelta(seconds=settings.VOXELRY.lease_seconds)


def _heartbeat(this: Run, ended: threading.Event) -> None:
    try:
        while not ended.wait(settings.VOXELRY.lease_seconds / 3):
            try:
                this.beat()
            except DatabaseError as error:
                logger.warning("job %s: its lease could not be renewed (%s)", this.key, type(error).__name__)
    finally:
        connections.close_all()


def _fail(this: Run, problem: Problem, trace: str) -> None:
    _finish(
        this,
        State.FAILED,
        message="failed",
        problem_code=problem.code,
        problem_message=problem.message,
        trace=trace,
    )


def _finish(this: Run, state: State, **values: float | str) -> None:
    this.mine().update(state=state, owner="", lease_until=None, finished=timezone.now(), **values)


def _give_back(this: Run, *, attempts: int) -> None:
    # Somebody may have queued the same work meanwhile; then this row has nothing left to do.
    with transaction.atomic():
        row = Job.objects.get(pk=this.key)
        if Job.objects.filter(kind=row.kind, subject=row.subject, state=State.QUEUED).exists():
            _finish(this, State.CANCELLED, message="replaced by a newer job")
        else:
            this.mine().update(
                state=State.QUEUED,
                owner="",
                lease_until=None,
                dispatched=None,
                attempts=attempts,
                message="waiting to begin again",
            )
