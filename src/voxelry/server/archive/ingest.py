"""Taking in an upload: a job that walks its files, keeps each object and reports on every one.

Running it again after a kill gives the same rows and the same report.
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
from voxelry.dicom.headers.archives import SPOOL_BYTES, ArchiveLimits
from voxelry.dicom.headers.file_search import walk
from voxelry.dicom.headers.sources import MemorySource, Source
from voxelry.dicom.series.lost_files import LostFile, unseen_file
from voxelry.server.archive import deletions, files_at_rest, store_instance, unused_files
from voxelry.server.archive.build import submit_build
from voxelry.server.archive.flushing import sync_rows
from voxelry.server.archive.models import Entry, Instance, Series, UnusedFile, Upload
from voxelry.server.archive.row_values import Described
from voxelry.server.jobs.failures import Cancelled, JobError
from voxelry.server.jobs.job_run import Run

KIND = "ingest"
BATCH = 64
BATCH_SECONDS = 0.5
"""Rows are written in transactions of this many files, or of this long, whichever comes first."""


@dataclass(frozen=True, slots=True)
class _Taken:
    """A file that was kept, or the reason why not, and what a series may miss then."""

    name: str
    problem: Problem | None = None
    kept: files_at_rest.Kept | None = None
    described: Described | None = None
    unused: unused_files.Unused | None = None


@dataclass(slots=True)
class _Tally:
    """What this attempt has done so far."""

    position: int = 0
    stored: set[str] = field(default_factory=set)
    touched: set[int] = field(default_factory=set)
    used: int = 0
    last_problem: Problem | None = None
    doubtful: list[LostFile] = field(default_factory=list)


def limits() -> ArchiveLimits:
    """What archives may ask of this server."""
    told = settings.VOXELRY
    return ArchiveLimits(
        nesting=told.nesting, entries=told.entries, expanded_bytes=told.expanded_bytes, ratio=told.ratio
    )


def ingest(run: Run) -> None:
    """The handler of ingest jobs.

    Raises
    ------
    JobError
        If nothing of the upload could be used; the files stay for another try.
    """
    upload = Upload.objects.filter(pk=run.subject).first()
    folder = files_at_rest.near_folder(files_at_rest.upload_folder(run.subject))
    if upload is None or not folder.is_dir():
        raise JobError(Problem("upload_gone", "the files of this upload are no longer here; upload them again"))
    with run.publishing():
        upload.entries.all().delete()
        upload.unused_files.all().delete()
        Upload.objects.filter(pk=upload.pk).update(stored=0, present=0, skipped=0)
    tally = _Tally()
    try:
        _take_all(run, upload, folder, tally)
    except Cancelled:
        # What came in before stays, and is to be seen.
        _submit_builds(upload, tally)
        raise
    _submit_builds(upload, tally)
    if not tally.used:
        raise JobError(_nothing_used(tally))
    upload.refresh_from_db()
    run.summary = f"{upload.stored} stored, {upload.present} already here, {upload.skipped} skipped"
    sync_rows()
    files_at_rest.remove_folder(folder)


def _take_all(run: Run, upload: Upload, folder: Path, tally: _Tally) -> None:
    paths = [folder / f"{position:06d}" for position in range(len(upload.names))]
    expected = max(1, sum(_expected(path) for path in paths))
    batch: list[_Taken] = []
    began = time.monotonic()
    try:
        for path, name in zip(paths, upload.names, strict=True):
            for taken in _take_file(path, name, run):
                batch.append(taken)
                done = tally.position + len(batch)
                run.progress(min(done / expected, 0.99), f"{done} of {max(done, expected)} files")
                if len(batch) >= BATCH or time.monotonic() - began > BATCH_SECONDS:
                    _write(run, upload, batch, tally)
                    batch, began = [], time.monotonic()
        _write(run, upload, batch, tally)
    except BaseException:
        # Bytes that got no row would stay for ever: nothing that is deleted later leads to them.
        files_at_rest.discard(taken.kept.sha256 for taken in batch if taken.kept is not None)
        raise


def _take_file(path: Path, name: str, run: Run) -> Iterator[_Taken]:
    """Under the user's own name: the place where the upload waits tells them nothing."""
    refused: list[_Taken] = []

    def refuse(where: str, problem: Problem) -> None:
        seen = unseen_file(where, problem)
        refused.append(_Taken(where, problem, unused=None if seen is None else unused_files.Unused(seen)))

    for source in walk(path, name=name, limits=limits(), on_problem=refuse):
        yield from refused
        refused.clear()
        run.check()
        yield _take(source)
    yield from refused


def _take(source: Source) -> _Taken:
    name = source.name
    try:
        if 0 < source.size <= SPOOL_BYTES:
            with source.open() as stream:
                source = MemorySource(name, stream.read())
        described = store_instance.described(source)
    except VoxelryError as error:
        return _refused(source, error.problem)
    except Exception as error:  # one file that nobody foresaw must not cost the others
        words = f"{name}: cannot be read ({type(error).__name__}); the file is damaged"
        return _refused(source, Problem("damaged", words))
    try:
        with source.open() as stream:
            return _Taken(name, None, files_at_rest.keep(stream), described)
    except OSError as error:
        raise JobError(
            Problem("storage", f"{name}: the data folder cannot be written ({error.strerror}); nothing else was stored")
        ) from error


def _refused(source: Source, problem: Problem) -> _Taken:
    return _Taken(source.name, problem, unused=unused_files.unused(source, problem))


def _write(run: Run, upload: Upload, batch: list[_Taken], tally: _Tally) -> None:
    """The rows of a batch, and its part of the report."""
    if not batch:
        return
    unwanted: list[str] = []
    mended: set[int] = set()
    with run.publishing():
        known = store_instance.known(t.described.instance["sop_instance_uid"] for t in batch if t.described is not None)
        entries: list[Entry] = []
        new: list[Instance] = []
        replaced: list[Instance] = []
        lost: list[unused_files.Unused] = []
        for taken in batch:
            entry = Entry(upload=upload, position=tally.position, name=taken.name)
            tally.position += 1
            entries.append(entry)
            if taken.kept is None or taken.described is None:
                _skip(entry, taken.problem or Problem("damaged", f"{taken.name}: cannot be read"), tally)
                lost += _lost(taken.unused, tally)
                continue
            uid = str(taken.described.instance["sop_instance_uid"])
            instance = known.get(uid)
            if instance is None:
                instance = known[uid] = store_instance.instance_row(
                    taken.described, taken.kept, name=taken.name, upload=upload
                )
                new.append(instance)
                entry.status = Entry.Status.STORED
                tally.stored.add(uid)
            elif instance.sha256 != taken.kept.sha256:
                source = files_at_rest.kept_source(taken.kept.sha256, name=taken.name, size=taken.kept.size)
                if not (instance.problem_code and store_instance.is_usable(source)):
                    unwanted.append(taken.kept.sha256)
                    problem = store_instance.conflict(taken.name, uid)
                    _skip(entry, problem, tally)
                    lost += _lost(unused_files.conflicting(source, problem), tally)
                    continue
                # What could not be used comes whole.
                deletions.record([deletions.of_instance(instance.sha256)])
                store_instance.replace(instance, taken.described, taken.kept, name=taken.name, upload=upload)
                replaced.append(instance)
                entry.status = Entry.Status.STORED
                tally.stored.add(uid)
            elif instance.upload_id == upload.pk and uid not in tally.stored:
                # Stored by an earlier attempt at this very upload.
                entry.status = Entry.Status.STORED
                tally.stored.add(uid)
            else:
                entry.status = Entry.Status.PRESENT
                if taken.kept.written:  # its bytes were damaged or gone: what was made of them is made again
                    mended.add(instance.series_id)
            entry.series = instance.series
            tally.touched.add(instance.series_id)
            tally.used += 1
        Instance.objects.bulk_create(new)
        Entry.objects.bulk_create(entries)
        UnusedFile.objects.bulk_create(unused_files.row(one, upload) for one in lost)
        changed = mended | {i.series_id for i in (*new, *replaced)}
        Series.objects.filter(pk__in=changed).update(revision=F("revision") + 1)
        count = [entry.status for entry in entries].count
        Upload.objects.filter(pk=upload.pk).update(
            stored=F("stored") + count(Entry.Status.STORED),
            present=F("present") + count(Entry.Status.PRESENT),
            skipped=F("skipped") + count(Entry.Status.SKIPPED),
        )
        if not files_at_rest.are_kept(instance.sha256 for instance in (*new, *replaced)):
            # Deleted under our hands, together with the last row that needed the bytes: begin again.
            raise OperationalError("bytes were discarded while their row was written")
    files_at_rest.discard(unwanted)


def _lost(told: unused_files.Unused | None, tally: _Tally) -> list[unused_files.Unused]:
    """What is known to belong to a series; what may belong to any is settled at the end, when all are known."""
    if told is not None and not told.file.series_instance_uid:
        tally.doubtful.append(told.file)
        return []
    return [] if told is None else [told]


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
    """A build for each series whose volumes do not show yet what it has and lacks, and for their segmentations."""
    with transaction.atomic():
        tally.touched |= unused_files.settle(upload, tally.doubtful, tally.touched)
        new = Series.objects.filter(pk__in=tally.touched).exclude(revision=F("built_revision")).order_by("pk")
        own = list(new)
        # A segmentation lies on the slices of its images, which may come after it.
        segmentations = Series.objects.filter(study__in=[one.study_id for one in own], modality="SEG")
        for series in (*own, *segmentations.exclude(pk__in=[one.pk for one in own])):
            submit_build(series)


def _expected(path: Path) -> int:
    try:
        with zipfile.ZipFile(path) as archive:
            return len(archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return 1
