"""The job that ingests an upload: it stores each DICOM object and reports on every file.

Run again after a kill, it gives the same rows and the same report.
"""

from __future__ import annotations

import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models import F

from voxelry.core.errors import Problem, VoxelryError
from voxelry.dicom.headers.file_search import walk
from voxelry.dicom.headers.packed_files import SPOOL_BYTES, ArchiveLimits
from voxelry.dicom.headers.sources import MemorySource, Source
from voxelry.dicom.series.lost_files import LostFile, unseen_file
from voxelry.server.access.grants import as_site
from voxelry.server.access.models import Role
from voxelry.server.archive import deletions, files_at_rest, integrity, queries, store_instance, unused_files
from voxelry.server.archive.build import submit_builds
from voxelry.server.archive.flushing import sync_rows
from voxelry.server.archive.models import Entry, Instance, Upload
from voxelry.server.archive.row_values import InstanceValues
from voxelry.server.archive.study_listing import refresh_listing
from voxelry.server.jobs.failures import Cancelled, JobError
from voxelry.server.jobs.job_run import Run
from voxelry.server.jobs.requesters import MembershipEndedError, require_requester

KIND = "ingest"
BATCH = 64
BATCH_SECONDS = 0.5
"""Rows are written in transactions of this many files, or of this long, whichever comes first."""


@dataclass(frozen=True, slots=True)
class _FileResult:
    """A file that was stored, or the problem because of which it was not, and what a series may lack then."""

    name: str
    problem: Problem | None = None
    kept: files_at_rest.Kept | None = None
    values: InstanceValues | None = None
    unused: unused_files.Unused | None = None


@dataclass(frozen=True, slots=True)
class _Place:
    """The project that an upload goes to, and the files of the upload whose rows are not written yet."""

    project: int
    batch: list[_FileResult]

    def known(self, uid: str) -> tuple[str | None, bool]:
        """The SHA-256 of the project's instance with this UID, and whether a whole file replaces it."""
        for file in self.batch:
            if file.kept is not None and file.values is not None and file.values.instance["sop_instance_uid"] == uid:
                return file.kept.sha256, False
        row = store_instance.known_instances(self.project, [uid]).get(uid)
        return (None, False) if row is None else (row.sha256, bool(row.problem_code))


@dataclass(slots=True)
class _Tally:
    """The counts of this attempt."""

    position: int = 0
    stored: set[str] = field(default_factory=set)
    touched: set[int] = field(default_factory=set)
    used: int = 0
    last_problem: Problem | None = None
    doubtful: list[LostFile] = field(default_factory=list)


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
    tally = _Tally()
    try:
        _ingest_all(run, upload, folder, tally)
    except (Cancelled, MembershipEndedError):
        # What was stored before stays, and gets its volumes.
        _submit_builds(upload, tally)
        raise
    _submit_builds(upload, tally)
    if not tally.used:
        raise JobError(_nothing_used(tally))
    upload.refresh_from_db()
    run.summary = f"{upload.stored} stored, {upload.present} already here, {upload.skipped} skipped"
    sync_rows()
    files_at_rest.remove_folder(folder)


def _require_uploader(run: Run, upload: Upload) -> None:
    """Check that who asked, or else who brought the files, may still add to the project; read again for each batch."""
    user = upload.user_id if run.requested_by_id is None else run.requested_by_id
    require_requester(user, least=Role.UPLOADER, project=upload.project_id)


def _ingest_all(run: Run, upload: Upload, folder: Path, tally: _Tally) -> None:
    # The sender of an upload that grew may have been killed before it gave the names.
    count = max(len(upload.names), sum(1 for _ in folder.iterdir()))
    names = [*upload.names, *(files_at_rest.waiting_name(position) for position in range(len(upload.names), count))]
    paths = [folder / files_at_rest.waiting_name(position) for position in range(count)]
    expected = max(1, sum(_expected(path) for path in paths))
    batch: list[_FileResult] = []
    began = time.monotonic()
    try:
        for path, name in zip(paths, names, strict=True):
            for file in _file_results(path, name, run, _Place(upload.project_id, batch)):
                batch.append(file)
                done = tally.position + len(batch)
                run.progress(min(done / expected, 0.99), f"{done} of {max(done, expected)} files")
                if len(batch) >= BATCH or time.monotonic() - began > BATCH_SECONDS:
                    _write(run, upload, batch, tally)
                    batch.clear()
                    began = time.monotonic()
        _write(run, upload, batch, tally)
    except BaseException:
        # Bytes without a row would stay forever: no later deletion names them.
        files_at_rest.discard(file.kept.sha256 for file in batch if file.kept is not None)
        raise


def _file_results(path: Path, name: str, run: Run, place: _Place) -> Iterator[_FileResult]:
    """The results of one file of the upload, which may be an archive, under the name that the user gave."""
    refused: list[_FileResult] = []

    def refuse(where: str, problem: Problem) -> None:
        seen = unseen_file(where, problem)
        refused.append(_FileResult(where, problem, unused=None if seen is None else unused_files.Unused(seen)))

    for source in walk(path, name=name, limits=archive_limits(), on_problem=refuse):
        yield from refused
        refused.clear()
        run.check()
        yield _store(source, place)
    yield from refused


def _store(source: Source, place: _Place) -> _FileResult:
    name = source.name
    try:
        if 0 < source.size <= SPOOL_BYTES:
            with source.open() as stream:
                source = MemorySource(name, stream.read())
        values = store_instance.read_values(source)
    except VoxelryError as error:
        return _refused(source, error.problem)
    except Exception as error:  # an unforeseen fault of one file must not fail the others
        words = f"{name}: cannot be read ({type(error).__name__}); the file is damaged"
        return _refused(source, Problem("damaged", words))
    try:
        with source.open() as stream:
            sha256, size = integrity.sha256_and_size(stream)
            uid = str(values.instance["sop_instance_uid"])
            known, is_replaceable = place.known(uid)
            if known not in (None, sha256) and not (is_replaceable and store_instance.is_usable(source)):
                # Not stored first and removed again: whether other projects have the bytes would tell.
                problem = store_instance.conflict(name, uid)
                return _FileResult(name, problem, unused=unused_files.conflicting(source, problem))
            kept = files_at_rest.keep(stream, sha256=sha256, size=size, is_known=known == sha256)
            return _FileResult(name, None, kept, values)
    except OSError as error:
        raise JobError(
            Problem("storage", f"{name}: the data folder cannot be written ({error.strerror}); nothing else was stored")
        ) from error


def _refused(source: Source, problem: Problem) -> _FileResult:
    return _FileResult(source.name, problem, unused=unused_files.unused(source, problem))


def _write(run: Run, upload: Upload, batch: list[_FileResult], tally: _Tally) -> None:
    """Write the rows of a batch, and its part of the report."""
    if not batch:
        return
    unwanted: list[str] = []
    mended: set[int] = set()
    with run.publishing():
        _require_uploader(run, upload)
        known = store_instance.known_instances(
            upload.project_id,
            (file.values.instance["sop_instance_uid"] for file in batch if file.values is not None),
        )
        entries: list[Entry] = []
        new: list[Instance] = []
        replaced: list[Instance] = []
        lost: list[unused_files.Unused] = []
        for file in batch:
            entry = Entry(upload=upload, position=tally.position, name=file.name)
            tally.position += 1
            entries.append(entry)
            if file.kept is None or file.values is None:
                _skip(entry, file.problem or Problem("damaged", f"{file.name}: cannot be read"), tally)
                lost += _lost(file.unused, tally)
                continue
            uid = str(file.values.instance["sop_instance_uid"])
            instance = known.get(uid)
            if instance is None:
                instance = known[uid] = store_instance.instance_row(
                    file.values, file.kept, name=file.name, project=upload.project_id, upload=upload
                )
                new.append(instance)
                entry.status = Entry.Status.STORED
                tally.stored.add(uid)
            elif instance.sha256 != file.kept.sha256:
                source = files_at_rest.kept_source(file.kept.sha256, name=file.name, size=file.kept.size)
                if not (instance.problem_code and store_instance.is_usable(source)):
                    unwanted.append(file.kept.sha256)
                    problem = store_instance.conflict(file.name, uid)
                    _skip(entry, problem, tally)
                    lost += _lost(unused_files.conflicting(source, problem), tally)
                    continue
                # A whole file replaces one that could not be used.
                deletions.record([deletions.of_instance(instance.sha256)])
                store_instance.replace(instance, file.values, file.kept, name=file.name, upload=upload)
                replaced.append(instance)
                entry.status = Entry.Status.STORED
                tally.stored.add(uid)
            elif instance.upload_id == upload.pk and uid not in tally.stored:
                # Stored by an earlier attempt at this upload.
                entry.status = Entry.Status.STORED
                tally.stored.add(uid)
            else:
                entry.status = Entry.Status.PRESENT
                if file.kept.mended:  # its bytes were damaged or missing: its volumes are built again
                    mended.add(instance.series_id)
            entry.series = instance.series
            tally.touched.add(instance.series_id)
            tally.used += 1
        queries.instances(as_site()).bulk_create(new)
        queries.entries(as_site()).bulk_create(entries)
        queries.unused_files(as_site()).bulk_create(unused_files.unused_file_row(unused, upload) for unused in lost)
        changed = mended | {i.series_id for i in (*new, *replaced)}
        queries.series(as_site()).filter(pk__in=changed).update(revision=F("revision") + 1)
        count = [entry.status for entry in entries].count
        queries.uploads(as_site()).filter(pk=upload.pk).update(
            stored=F("stored") + count(Entry.Status.STORED),
            present=F("present") + count(Entry.Status.PRESENT),
            skipped=F("skipped") + count(Entry.Status.SKIPPED),
        )
        refresh_listing({instance.series.study_id for instance in (*new, *replaced)})
        if not files_at_rest.are_kept(instance.sha256 for instance in (*new, *replaced)):
            # Deleted meanwhile with the last other row that needed the bytes: begin again.
            raise OperationalError("bytes were discarded while their row was written")
    files_at_rest.discard(unwanted)


def _lost(unused: unused_files.Unused | None, tally: _Tally) -> list[unused_files.Unused]:
    """The files known to belong to a series; `settle` assigns the others when all series are known."""
    if unused is not None and not unused.file.series_instance_uid:
        tally.doubtful.append(unused.file)
        return []
    return [] if unused is None else [unused]


def _skip(entry: Entry, problem: Problem, tally: _Tally) -> None:
    entry.status = Entry.Status.SKIPPED
    entry.code, entry.message = problem.code, problem.message
    tally.last_problem = problem


def _nothing_used(tally: _Tally) -> Problem:
    if tally.position == 1 and tally.last_problem is not None:
        return tally.last_problem
    if not tally.position:
        return Problem("nothing_found", "there was no file in this upload")
    return Problem("nothing_stored", f"none of the {tally.position} files could be used; the report says why for each")


def _submit_builds(upload: Upload, tally: _Tally) -> None:
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
