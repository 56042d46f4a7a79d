"""The kinds of jobs, and the functions that do them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from voxelry.server.access.grants import Grants
from voxelry.server.access.models import Role
from voxelry.server.jobs.job_run import Run
from voxelry.server.jobs.models import Job, Queue

Work = Callable[[Run], object]
Require = Callable[[Job, Grants], None]
Publish = Callable[[Run, JsonValue], Mapping[str, JsonValue] | None]


@dataclass(frozen=True, slots=True)
class Kind:
    """The functions that do the jobs of one kind, and how its jobs are queued.

    Attributes
    ----------
    work
        Does a job. The work of an isolated kind runs in a child process: it is a function at the top of a module.
    publish
        Writes the rows of what ``work`` returned, in the transaction in which the job succeeds.
    prepare
        Returns what ``work`` needs of the rows; ``work`` finds it as ``run.inputs``.
    failed
        Called with the subject of a job that has failed, after its row says so.
    once
        A second request for the same subject while one waits adds nothing.
    role
        The role in the project that stops a job or begins it again.
    require
        Raises `RoleError` for who may not begin a job again; None if the role is enough.

    Notes
    -----
    What ``prepare`` and ``work`` return is a pydantic model, a dataclass or JSON. It is handed over as JSON, because
    the work may run in another process, so ``work`` and ``publish`` validate it:
    ``StepInputs.model_validate(run.inputs)``.
    """

    name: str
    work: Work
    publish: Publish | None = None
    prepare: Work | None = None
    failed: Callable[[int], object] | None = None
    isolated: bool = False
    queue: Queue = Queue.CPU
    once: bool = False
    priority: int = 0
    role: Role = Role.UPLOADER
    require: Require | None = None

    @property
    def address(self) -> str:
        """``module:name``, by which a child process imports ``work``."""
        return f"{self.work.__module__}:{self.work.__qualname__}"


_kinds: dict[str, Kind] = {}


def register(
    kind: str,
    work: Work,
    *,
    publish: Publish | None = None,
    prepare: Work | None = None,
    failed: Callable[[int], object] | None = None,
    isolated: bool = False,
    queue: str = Queue.CPU,
    once: bool = False,
    priority: int = 0,
    role: Role = Role.UPLOADER,
    require: Require | None = None,
) -> None:
    """Register a kind; `Kind` documents the parameters.

    Raises
    ------
    ValueError
        If the queue is unknown, or if a child process could not import ``work``.
    """
    found = Kind(kind, work, publish, prepare, failed, isolated, Queue(queue), once, priority, role, require)
    if isolated and not found.address.rpartition(":")[2].isidentifier():
        raise ValueError(f"the work of an isolated kind must be at the top of a module, not {found.address}")
    _kinds[kind] = found


def tell_failed(kind: str, subject: int) -> None:
    """Tell a kind that one of its jobs has failed."""
    known = find(kind)
    if known is not None and known.failed is not None:
        known.failed(subject)


def role_of(kind: str) -> Role:
    """The role that stops jobs of a kind or begins them again."""
    known = find(kind)
    return Role.UPLOADER if known is None else known.role


def find(kind: str) -> Kind | None:
    """The kind of that name; None if none is registered."""
    return _kinds.get(kind)


def known() -> list[str]:
    """The names of the registered kinds."""
    return sorted(_kinds)
