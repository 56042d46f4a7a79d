"""The reasons for which work on a job ends early, and the failure that the job then records."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import ClassVar

from voxelry.core.errors import Problem, VoxelryError
from voxelry.server.environment.disk_errors import is_full


class JobStopped(BaseException):
    """The work must stop now. Not an Exception, so that a handler for exceptions does not catch it."""


class Cancelled(JobStopped):
    """The job was cancelled."""


class LeaseLost(JobStopped):
    """Another worker has the job now; this attempt writes nothing more."""


class WorkerStopping(JobStopped):
    """This worker ends; the job goes back to the queue."""


class OutOfTime(JobStopped):
    """The job took longer than its time limit."""


class JobError(VoxelryError):
    """A failure with its own code."""

    code: ClassVar[str] = "job"

    def __init__(self, problem: Problem, trace: str = "") -> None:
        super().__init__(problem.message)
        self._problem = problem
        self.trace = trace

    @property
    def problem(self) -> Problem:
        return self._problem


class Away(Exception):
    """Something that jobs need, such as the bucket, cannot be reached now; the job is begun again.

    Not a `VoxelryError`, so that it is not reported as the fault of a file.
    """

    code: ClassVar[str] = "storage_away"

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class Crashed(JobError):
    """The child process died while it did the work."""


class Killed(Crashed):
    """The child process was killed, and not because memory ran out: the work is not at fault."""


def failure_of(error: Exception) -> JobError:
    """The failure that a job records: a sentence for everybody and, for staff, where the error was raised."""
    if isinstance(error, JobError):
        return JobError(error.problem, error.trace or where(error))
    if isinstance(error, VoxelryError | Away):
        return JobError(error.problem, where(error))
    if is_full(error) or isinstance(error, OSError):
        return JobError(_storage(error), where(error))
    if isinstance(error, MemoryError):
        return JobError(Problem("memory", "there was not enough memory for this"), where(error))
    problem = Problem("internal", "something went wrong inside Voxelry; the staff see where, under Jobs")
    return JobError(problem, where(error))


def _storage(error: Exception) -> Problem:
    if is_full(error):
        return Problem("storage_full", "the disk that holds the data folder is full; make room, then retry")
    why = getattr(error, "strerror", None) or type(error).__name__
    return Problem("storage", f"the data folder cannot be used ({why}); the staff see where, under Jobs")


def where(error: BaseException) -> str:
    """A traceback of files, lines and classes, without messages and values, which may be a patient's."""
    parts: list[str] = []
    link: BaseException | None = error
    while link is not None:
        frames = traceback.extract_tb(link.__traceback__)
        lines = [f"  {'/'.join(Path(f.filename).parts[-3:])}:{f.lineno} in {f.name}\n    {f.line}" for f in frames]
        parts.append("\n".join([*lines, f"{type(link).__module__}.{type(link).__qualname__}"]))
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return "\n\ncaused\n".join(reversed(parts))
