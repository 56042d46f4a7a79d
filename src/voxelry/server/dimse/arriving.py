"""What nodes stored and no job has taken in yet: the uploads that grow, and the instances in them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from voxelry.server.archive.intake.incoming import ArrivedFile, GrowingUpload
from voxelry.server.jobs.held_job import open_jobs
from voxelry.server.jobs.leases import DatabaseTrouble
from voxelry.server.nodes.node_queries import storing_grants

if TYPE_CHECKING:
    from voxelry.server.archive.models import Upload
    from voxelry.server.nodes.models import Node

logger = logging.getLogger(__name__)

MOST_SECONDS: Final = 10.0
MOST_FILES: Final = 1_000
"""An upload that has grown for so long, or to so many files, is taken in while more come."""
MOST_KNOWN: Final = 200_000
"""Instances that are remembered until they are taken in; beyond these the oldest are forgotten."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.2


@dataclass(slots=True, eq=False)
class Arrival:
    """An instance that is not taken in yet; its file moves when the upload gets it, and goes when the job is over."""

    path: Path
    job: int | None = None


class Arrivals:
    """The instances and uploads of this process that wait to be taken in. Any thread may use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._growing: dict[int, set[GrowingUpload]] = {}
        self._jobs: dict[int, dict[int, list[str]]] = {}
        self._known: dict[tuple[int, str], Arrival] = {}

    def enter(self, growing: GrowingUpload) -> None:
        """Know of an upload that may grow, until `leave`."""
        with self._lock:
            self._growing.setdefault(growing.project, set()).add(growing)

    def leave(self, growing: GrowingUpload) -> None:
        """Forget an upload that grows no more."""
        with self._lock:
            others = self._growing.get(growing.project, set())
            others.discard(growing)
            if not others:
                self._growing.pop(growing.project, None)

    def claim(self, project: int, uid: str, path: Path) -> tuple[Arrival, bool]:
        """The first instance of this UID that waits to be taken in, and whether it is this one."""
        with self._lock:
            own = Arrival(path)
            first = self._known.setdefault((project, uid), own)
            return first, first is own

    def disclaim(self, project: int, uid: str) -> None:
        """Forget an instance that could not be stored."""
        with self._lock:
            self._known.pop((project, uid), None)

    def note(self, upload: Upload, uid: str, own: Arrival | None, path: Path) -> None:
        """Remember an instance of an upload until its job is over.

        Parameters
        ----------
        own
            What `claim` returned if the instance is the first one of its UID.
        """
        job = upload.job_id or 0
        with self._lock:
            jobs = self._jobs.setdefault(upload.project_id, {})
            is_new = job not in jobs
            uids = jobs.setdefault(job, [])
            if own is not None:
                own.path, own.job = path, job
                uids.append(uid)
        if is_new:
            self.forget_over()

    def forget_over(self) -> None:
        """Forget what is taken in, and the oldest instances if there are too many."""
        with self._lock:
            keys = [key for jobs in self._jobs.values() for key in jobs]
        still_open = open_jobs(keys)
        self._forget(key for key in keys if key not in still_open)
        with self._lock:
            while len(self._known) > MOST_KNOWN:
                self._known.pop(next(iter(self._known)))

    def is_quiet(self, project: int) -> bool:
        """Whether nothing of a project can be waiting."""
        return project not in self._growing and project not in self._jobs

    def close(self, project: int) -> set[int]:
        """Let the jobs of a project's uploads begin; the keys of all that may not be over."""
        with self._lock:
            growing = list(self._growing.get(project, ()))
        closed = [upload.job_id for upload in map(GrowingUpload.close, growing) if upload is not None]
        with self._lock:
            return {*(key for key in closed if key is not None), *self._jobs.get(project, ())}

    def wait(self, keys: Iterable[int], *, seconds: float) -> bool:
        """Wait for jobs to be over; whether they are."""
        waiting, pause = set(keys), _FIRST_PAUSE
        deadline = time.monotonic() + seconds
        while waiting:
            still_open = open_jobs(waiting)
            self._forget(waiting - still_open)
            waiting = still_open
            left = deadline - time.monotonic()
            if not waiting or left <= 0:
                break
            time.sleep(min(pause, left))
            pause = min(2 * pause, _LONGEST_PAUSE)
        return not waiting

    def _forget(self, jobs: Iterable[int]) -> None:
        over = set(jobs)
        if not over:
            return
        with self._lock:
            for project, own in list(self._jobs.items()):
                for key in over & own.keys():
                    for uid in own.pop(key):
                        known = self._known.get((project, uid))
                        if known is not None and known.job == key:
                            del self._known[project, uid]
                if not own:
                    del self._jobs[project]


arrivals = Arrivals()


class Receiving:
    """The instances that come in one session, as an upload after the other."""

    def __init__(self) -> None:
        self._growing: GrowingUpload | None = None

    def add(self, file: ArrivedFile, node: Node, *, uid: str, own: Arrival | None) -> None:
        """Store an instance in the node's project. When this returns, it is durable and will be taken in."""
        upload, path = self._upload_of(node).add(file)
        arrivals.note(upload, uid, own, path)
        self.close_if_due()

    def close_if_due(self) -> None:
        """Let the upload be taken in if it has grown enough."""
        growing = self._growing
        if growing is not None and (growing.count >= MOST_FILES or growing.seconds >= MOST_SECONDS):
            self.pause()

    def pause(self) -> None:
        """Let what came be taken in; more may come."""
        if self._growing is not None:
            try:
                self._growing.close()
            except DatabaseTrouble as error:  # its lease ends, and then the job is queued
                logger.warning("an upload of a node is taken in later (%s)", type(error).__name__)

    def end(self) -> None:
        """Let what came be taken in; nothing more comes."""
        self.pause()
        if self._growing is not None:
            arrivals.leave(self._growing)
            self._growing = None

    def _upload_of(self, node: Node) -> GrowingUpload:
        growing = self._growing
        if growing is not None and (growing.project, growing.node) != (node.project_id, node.name):
            self.end()
        if self._growing is None:
            self._growing = GrowingUpload(who=storing_grants(node), project=node.project_id, node=node.name)
            arrivals.enter(self._growing)
        return self._growing


def wait_until_taken_in(project: int, *, seconds: float) -> bool:
    """Let what this listener acknowledged for a project be taken in, and wait for it; whether it is.

    Parameters
    ----------
    seconds
        The longest wait. What comes meanwhile is not waited for.
    """
    if arrivals.is_quiet(project):
        return True
    return arrivals.wait(arrivals.close(project), seconds=seconds)
