"""Doing one job: the claim, the work, what becomes of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.conf import settings
from django.db import IntegrityError, InterfaceError, OperationalError, connections
from pydantic_core import to_jsonable_python

from voxelry.core.errors import Problem
from voxelry.server.environment.disk_errors import is_full
from voxelry.server.jobs import batches, isolated, leases
from voxelry.server.jobs.failures import (
    Away,
    Cancelled,
    Crashed,
    JobError,
    Killed,
    LeaseLost,
    OutOfTime,
    WorkerStopping,
    failure_of,
    where,
)
from voxelry.server.jobs.job_kinds import Kind, find
from voxelry.server.jobs.job_run import Run, stopping
from voxelry.server.jobs.leases import DatabaseTrouble, heart
from voxelry.server.jobs.models import Job, Json, State

logger = logging.getLogger(__name__)

ROLL_UP_SECONDS = 0.5
"""A batch's row is written no more often than this, but for its end."""
PAUSE_SECONDS = 1.0
"""Before a job that the database failed is begun again; twice as long each time."""
PATIENCE_SECONDS = 60.0
"""How long a worker that has done a job waits for a database that is away, full or locked."""
CRASHES = 2
"""How often a job may crash its child process, or fill the memory, before it has failed."""

_rolled_up: dict[int, float] = {}


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
        this.inputs = to_jsonable_python(kind.prepare(this))
    if kind.isolated and not isolated.IN_PROCESS:
        result = isolated.work(kind, this)
    else:
        result = to_jsonable_python(kind.work(this))
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
    _persist(lambda: this.give_back(attempts))


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
