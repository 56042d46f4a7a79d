"""The job that ingests an upload: it stores each DICOM object and reports on every file.

Run again after a kill, it gives the same rows and the same report.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import F

from voxelry.core.errors import Problem
from voxelry.dicom.headers.file_search import walk
from voxelry.dicom.headers.packed_files import ArchiveLimits
from voxelry.server.access.grants import as_site
from voxelry.server.access.models import Role
from voxelry.server.archive import queries, unused_files
from voxelry.server.archive.at_rest import files_at_rest
from voxelry.server.archive.at_rest.flushing import sync_rows
from voxelry.server.archive.build import submit_builds
from voxelry.server.archive.intake.take_in import TakingIn, Tally, nothing_used
from voxelry.server.archive.models import Upload
from voxelry.server.jobs.failures import Cancelled, JobError
from voxelry.server.jobs.job_run import Run
from voxelry.server.jobs.requesters import MembershipEndedError, require_requester

KIND = "ingest"


def archive_limits() -> ArchiveLimits:
    """The configured limits of archives."""
    own = settings.VOXELRY
    return ArchiveLimits(nesting=own.nesting, entries=own.entries, expanded_bytes=own.expanded_bytes, ratio=own.ratio)


def ingest(run: Run) -> None:
    """The work of ingest jobs.

    Raises
    ------
    JobError
        If nothing of the upload could be used, or who brought it may not do that any more; the files stay for another
        try.
    """
    upload = queries.uploads(as_site()).filter(pk=run.subject).first()
    folder = files_at_rest.near_folder(files_at_rest.upload_folder(run.subject))
    if upload is None or not folder.is_dir():
        raise JobError(Problem("upload_gone", "the files of this upload are no longer here; upload them again"))
    with run.publishing():
        _require_uploader(run, upload)
        upload.entries.all().delete()
        upload.unused_files.filter(project__isnull=False).delete()  # others are in the trash
        queries.uploads(as_site()).filter(pk=upload.pk).update(stored=0, present=0, skipped=0)

    @contextmanager
    def publishing() -> Iterator[None]:
        with run.publishing():
            _require_uploader(run, upload)
            yield
            counts = {name: F(name) + count for name, count in taking.tally.batch.items()}
            queries.uploads(as_site()).filter(pk=upload.pk).update(**counts)

    taking = TakingIn(upload, publishing=publishing, flushed=True)
    try:
        with taking:
            _ingest_all(run, upload, folder, taking)
    except (Cancelled, MembershipEndedError):
        # What was stored before stays, and gets its volumes.
        _submit_builds(upload, taking.tally)
        raise
    _submit_builds(upload, taking.tally)
    if not taking.tally.used:
        raise JobError(nothing_used(taking.tally))
    upload.refresh_from_db()
    run.summary = f"{upload.stored} stored, {upload.present} already here, {upload.skipped} skipped"
    sync_rows()
    files_at_rest.remove_folder(folder)


def _require_uploader(run: Run, upload: Upload) -> None:
    """Check that who asked, or else who brought the files, may still add to the project; read again for each batch."""
    user = upload.user_id if run.requested_by_id is None else run.requested_by_id
    require_requester(user, least=Role.UPLOADER, project=upload.project_id)


def _ingest_all(run: Run, upload: Upload, folder: Path, taking: TakingIn) -> None:
    # The sender of an upload that grew may have been killed before it gave the names.
    count = max(len(upload.names), sum(1 for _ in folder.iterdir()))
    names = [*upload.names, *(files_at_rest.waiting_name(position) for position in range(len(upload.names), count))]
    paths = [folder / files_at_rest.waiting_name(position) for position in range(count)]
    expected = max(1, sum(_expected(path) for path in paths))
    for path, name in zip(paths, names, strict=True):
        for _ in _each_file(path, name, run, taking):
            done = taking.done
            run.progress(min(done / expected, 0.99), f"{done} of {max(done, expected)} files")
            taking.flush_if_due()
    taking.flush()


def _each_file(path: Path, name: str, run: Run, taking: TakingIn) -> Iterator[None]:
    """Add a file of the upload, which may be an archive, under the name that the user gave; pauses after each."""
    refused: list[tuple[str, Problem]] = []

    def refusals() -> Iterator[None]:
        for where, problem in refused:
            taking.refuse(where, problem)
            yield
        refused.clear()

    for source in walk(path, name=name, limits=archive_limits(), on_problem=lambda *what: refused.append(what)):
        yield from refusals()
        run.check()
        taking.add(source)
        yield
    yield from refusals()


def _submit_builds(upload: Upload, tally: Tally) -> None:
    """Submit a build for each series whose volumes are out of date, and for the segmentations of its study."""
    with transaction.atomic():
        tally.touched |= unused_files.settle(upload, tally.doubtful, tally.touched)
        new = (
            queries.series(as_site()).filter(pk__in=tally.touched).exclude(revision=F("built_revision")).order_by("pk")
        )
        submit_builds(new)


def _expected(path: Path) -> int:
    try:
        with zipfile.ZipFile(path) as archive:
            return len(archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return 1
