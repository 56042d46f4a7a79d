"""Stores files inside the request that brings them: when it is answered, their bytes and rows are durable.

The files become an upload with its report, as those that a job takes in, and the upload's job is recorded as done. Each
transaction leaves a whole state: what it stored has its builds submitted, so that nothing is lost if the process dies.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.db.models import F

from voxelry.dicom.headers.sources import FileSource
from voxelry.server.access.grants import Grants, as_site
from voxelry.server.access.models import Role
from voxelry.server.archive import queries, unused_files
from voxelry.server.archive.at_rest import files_at_rest
from voxelry.server.archive.build import submit_builds_later, waits_already
from voxelry.server.archive.intake.incoming import ArrivedFile
from voxelry.server.archive.intake.ingest import KIND
from voxelry.server.archive.intake.take_in import FileResult, Require, TakingIn, nothing_used, take_all
from voxelry.server.archive.models import Entry, Upload
from voxelry.server.jobs.failures import JobError
from voxelry.server.jobs.requesters import require_requester
from voxelry.server.jobs.submit import record_again, record_done

if TYPE_CHECKING:
    from types import TracebackType

QUIET_SECONDS = 1.0
"""A series is built when no instance of it came for so long."""
MOST_FILES = 8
MOST_BYTES = 2**26
"""An upload of no more files and bytes than these is stored inside its request."""
_HEAD = 132
_turn = threading.Lock()


class StoringNow:
    """An upload to a project whose files are stored while they are added. Used in ``with``.

    Parameters
    ----------
    require
        Returns why a file whose name and values are given is not wanted, or None.

    Raises
    ------
    RoleError
        If they may not add to the project.
    """

    def __init__(self, *, who: Grants, project: int, require: Require = take_all) -> None:
        who.require(Role.UPLOADER, project)
        self.upload = Upload(user_id=who.user, project_id=project)
        self._who, self._begun = who, False
        self._taking = TakingIn(
            self.upload, publishing=self._publishing, flushed=False, remembers=True, require=require
        )

    def __enter__(self) -> StoringNow:
        self._taking.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._taking.__exit__(kind, error, trace)

    @property
    def results(self) -> Sequence[tuple[FileResult, Entry]]:
        """What became of each file that was flushed, in order."""
        return self._taking.tally.results

    def add(self, file: ArrivedFile) -> None:
        """Add a file, whose name its report has; it is removed when it was read."""
        self.upload.names.append(file.name)
        self._taking.add(FileSource(str(file.path), file.name, file.size))
        file.remove()
        self._taking.flush_if_due()

    def add_if_clean(self, files: Sequence[ArrivedFile]) -> bool:
        """Store files if none of them has a problem; else nothing is done, and they stay."""
        for file in files:
            self.upload.names.append(file.name)
            self._taking.add(FileSource(str(file.path), file.name, file.size))
        if not self._taking.is_clean():
            return False
        self.flush()
        return True

    def flush(self) -> None:
        """Store what was added; durable when this returns."""
        self._taking.flush()

    @contextmanager
    def _publishing(self) -> Iterator[None]:
        with _in_turn(), transaction.atomic():
            if not self._begun:
                self.upload.pk = self.upload.job = None  # of an attempt that was rolled back
                self.upload.stored = self.upload.present = self.upload.skipped = 0
                self.upload.save(force_insert=True)
            else:  # read again for each batch but the first, which follows the request's own check
                require_requester(self._who.user, least=Role.UPLOADER, project=self.upload.project_id)
            yield
            self._conclude()
        self._begun = True

    def _conclude(self) -> None:
        """Submit builds, and record the upload's job as done."""
        tally, upload = self._taking.tally, self.upload
        changed = list(tally.changed.values())
        # Most often one instance of a series came whose build waits already.
        if len(changed) != 1 or tally.doubtful or not waits_already(changed[0], quiet_seconds=QUIET_SECONDS):
            tally.touched |= unused_files.settle(upload, tally.doubtful, tally.touched)
            stale = queries.series(as_site()).filter(pk__in=tally.touched).exclude(revision=F("built_revision"))
            submit_builds_later(list(stale.only("study", "project").order_by("pk")), quiet_seconds=QUIET_SECONDS)
        for name, count in tally.batch.items():
            setattr(upload, name, getattr(upload, name) + count)
        counts = {name: getattr(upload, name) for name in tally.batch}
        problem = None if tally.used else nothing_used(tally)
        words = f"{tally.used} of {tally.position} stored or already here"
        if self._begun and upload.job_id is not None:
            record_again(upload.job_id, message=words, problem=problem)
            queries.uploads(as_site()).filter(pk=upload.pk).update(names=upload.names, **counts)
            return
        upload.job = record_done(
            KIND,
            subject=upload.pk,
            project=upload.project_id,
            requested_by_id=self._who.user,
            message=words,
            problem=problem,
        )
        queries.uploads(as_site()).filter(pk=upload.pk).update(job=upload.job, **counts)


def store_plain_files(arrived: Sequence[ArrivedFile], *, who: Grants, project: int) -> Upload | None:
    """Store a few DICOM files at once, if each can be; None, and nothing done, if a job has to take them in.

    Raises
    ------
    RoleError
        If they may not add to the project.
    """
    if (
        not 0 < len(arrived) <= MOST_FILES
        or sum(file.size for file in arrived) > MOST_BYTES
        or files_at_rest.is_shared()
    ):
        return None
    if not all(_is_part10(file) for file in arrived):
        return None
    with StoringNow(who=who, project=project) as storing, suppress(JobError):
        return storing.upload if storing.add_if_clean(arrived) else None
    return None  # the disk is full or away: the other way says so


def _is_part10(file: ArrivedFile) -> bool:
    with file.path.open("rb") as stream:
        return stream.read(_HEAD)[-4:] == b"DICM"


@contextmanager
def _in_turn() -> Iterator[None]:
    """SQLite lets one connection write at a time, and waits by sleeping: threads of this process wait here instead."""
    if connection.vendor == "sqlite":
        with _turn:
            yield
    else:
        yield
