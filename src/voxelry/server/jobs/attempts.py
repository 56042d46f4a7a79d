"""One job from its claim to its end: does the work and writes the result or the failure."""

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
from voxelry.server.jobs.job_kinds import Kind, find, tell_failed
from voxelry.server.jobs.job_run import Run, stopping
from voxelry.server.jobs.leases import DatabaseTrouble, lease_renewer
from voxelry.server.jobs.models import Job, Json, State

logger = logging.getLogger(__name__)

ROLL_UP_SECONDS = 0.5
"""The row of a batch is written at most this often, and once more at its end."""
PAUSE_SECONDS = 1.0
"""Pause before a job is begun again that failed because of the database; doubled each time."""
PATIENCE_SECONDS = 60.0
"""How long a worker tries to write the end of a job while the database is unreachable, full or locked."""
CRASHES = 2
"""Attempts after which a job fails that crashes its child process or fills the memory."""

_rolled_up: dict[int, float] = {}


def attempt_job(key: int) -> bool:
    """Claim the job and do it; False if it is not queued."""
    job = leases.claim(key=key)
    if job is None:
        return False
    do(job)
    return True


def do(job: Job) -> None:
    """Do a claimed job and write how it ended."""
    this = Run(job)
    lease_renewer.add(this)
    try:
        _roll_up(job.parent_id, ended=False)
        _attempt(job, this)
        _roll_up(job.parent_id, ended=True)
    finally:
        lease_renewer.remove(this)
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
        _give_back(this, attempts=job.attempts - 1)  # the worker ended, the job did not fail
    except OutOfTime:
        _fail(this, Problem("time_limit", f"it took longer than the {this.time_limit:g} s that it may take"), "")
    except (OperationalError, InterfaceError, IntegrityError) as error:
        # The database was unreachable or busy for too long, or another job wrote the same row first. Begun again, this
        # job finds what the other wrote.
        logger.warning("job %s: database trouble (%s)", job.pk, type(error).__name__)
        if is_full(error):  # another attempt makes no room
            full = failure_of(error)
            _fail(this, full.problem, full.trace)
        elif job.attempts < settings.VOXELRY.attempts:
            if not isinstance(error, IntegrityError):
                # A pause, because a database that restarts would use up all attempts.
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
            # Known by its code, because a child process sends no exception.
            logger.warning("job %s: %s", job.pk, failure)
            this.log(str(failure))
            _give_back(this, attempts=job.attempts)
            return
        if failure.problem.code == "internal":
            logger.error("job %s failed inside:\n%s", job.pk, failure.trace)
        _fail(this, failure.problem, failure.trace)


def _work(kind: Kind, this: Run) -> None:
    """Do the work; then publish its result and mark the job as succeeded in one transaction."""
    if kind.prepare is not None:
        this.inputs = to_jsonable_python(kind.prepare(this))
    if kind.isolated and not isolated.IN_PROCESS:
        result = isolated.work_in_child(kind, this)
    else:
        result = to_jsonable_python(kind.work(this))
    if kind.publish is None:
        _finish(this, State.SUCCEEDED, progress=1.0, message=this.summary[:300], result=result)
        return
    _persist(this.beat)  # the result outlasts a short absence of the database
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
    _persist(lambda: tell_failed(this.kind, this.subject))


def _finish(this: Run, state: State, **values: Json) -> None:
    _persist(lambda: this.finish(state, **values))


def _give_back(this: Run, *, attempts: int) -> None:
    _persist(lambda: this.give_back(attempts))


def _persist(write: Callable[[], object]) -> None:
    """Write how a job ended, retrying while the database is unreachable.

    After `PATIENCE_SECONDS` it is left to the sweep, which finds a lease that is no longer renewed.
    """
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
    """Update the row of the job's batch, if it has one: every `ROLL_UP_SECONDS`, and at its last child's end."""
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
