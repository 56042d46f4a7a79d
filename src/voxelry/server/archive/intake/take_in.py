"""Takes files into a project: their bytes, their rows, and the report on each.

The job of an upload and requests that store at once do the same here. Files are taken in batches: the bytes of a batch
are written aside while it is collected, flushed together, and get their final names before their rows are written.
What is done does not depend on what other projects have.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace

from django.db import IntegrityError, OperationalError
from django.db.models import F

from voxelry.core.errors import Problem, VoxelryError
from voxelry.dicom.headers.packed_files import SPOOL_BYTES
from voxelry.dicom.headers.sources import FileSource, MemorySource, Source
from voxelry.dicom.pixels.same_object import is_same_object
from voxelry.dicom.series.lost_files import CONFLICT, LostFile, unseen_file
from voxelry.server.access.grants import as_site
from voxelry.server.archive import queries, unused_files
from voxelry.server.archive.at_rest import deletions, files_at_rest
from voxelry.server.archive.at_rest.aside import AsideFiles
from voxelry.server.archive.at_rest.files_at_rest import Aside
from voxelry.server.archive.intake import store_instance
from voxelry.server.archive.intake.arrivals import tell_arrived
from voxelry.server.archive.lists.study_listing import count_added, refresh_listing
from voxelry.server.archive.models import Entry, Instance, Series, Upload
from voxelry.server.archive.row_values import InstanceValues
from voxelry.server.jobs.failures import JobError

BATCH = 64
BATCH_SECONDS = 0.5
"""Rows are written in transactions of this many files, or of this long, whichever comes first."""

Require = Callable[[str, InstanceValues], Problem | None]


def take_all(name: str, values: InstanceValues) -> None:
    """Every file is wanted."""


@dataclass(frozen=True, slots=True)
class FileResult:
    """A file that is stored or here already, or the problem because of which it is not, and what a series lacks then.

    Attributes
    ----------
    values
        None if the file could not be read.
    doubt
        What is wrong with a file that is stored nevertheless.
    equal
        Whether the project has its data set, with other bytes.
    """

    name: str
    problem: Problem | None = None
    values: InstanceValues | None = None
    doubt: Problem | None = None
    aside: Aside | None = None
    kept: files_at_rest.Kept | None = None
    equal: bool = False
    unused: unused_files.Unused | None = None

    @property
    def uid(self) -> str:
        return "" if self.values is None else str(self.values.instance["sop_instance_uid"])

    def source(self) -> Source:
        """The bytes that were written aside."""
        if self.aside is None:
            raise ValueError(f"{self.name}: nothing was written aside")
        return FileSource(str(self.aside.path), self.name, self.aside.size)


@dataclass(slots=True)
class Tally:
    """The counts of this attempt.

    Attributes
    ----------
    batch
        The numbers of the last batch, by `Entry.Status`: ``publishing`` adds them to the upload's.
    changed
        The series that gained instances in the last batch.
    results
        What became of each file, in order; only if `TakingIn` is asked to remember it.
    """

    position: int = 0
    stored: set[str] = field(default_factory=set)
    touched: set[int] = field(default_factory=set)
    used: int = 0
    last_problem: Problem | None = None
    doubtful: list[LostFile] = field(default_factory=list)
    batch: dict[str, int] = field(default_factory=dict)
    changed: dict[int, Series] = field(default_factory=dict)
    results: list[tuple[FileResult, Entry]] = field(default_factory=list)

    def copy(self) -> Tally:
        """The same counts, which change by themselves; the results are shared."""
        copied = {"stored": set(self.stored), "touched": set(self.touched), "doubtful": list(self.doubtful)}
        return replace(self, **copied)  # type: ignore[arg-type]


class TakingIn:
    """Collects files for an upload and writes them in batches. Used in ``with``, which removes what is not kept.

    Parameters
    ----------
    publishing
        A transaction in which rows of a batch are written, if that is still allowed. It ends by adding
        ``tally.batch`` to the upload's numbers.
    flushed
        Whether files on this disk that are added are flushed already.
    remembers
        Keep what became of each file in ``tally.results``.
    require
        Returns why a file whose name and values are given is not wanted, or None.
    """

    def __init__(
        self,
        upload: Upload,
        *,
        publishing: Callable[[], AbstractContextManager[None]],
        flushed: bool,
        remembers: bool = False,
        require: Require = take_all,
    ) -> None:
        self._upload, self._publishing, self._remembers = upload, publishing, remembers
        self._require = require
        self._asides = AsideFiles(flushed=flushed)
        self._batch: list[FileResult] = []
        self._here: list[str] = []
        self._began = time.monotonic()
        self.tally = Tally()

    def __enter__(self) -> TakingIn:
        return self

    def __exit__(self, *_: object) -> None:
        self._asides.close()

    @property
    def done(self) -> int:
        """The number of files that were added."""
        return self.tally.position + len(self._batch)

    def add(self, source: Source) -> None:
        """Read a file and write its bytes aside."""
        self._batch.append(_store(source, self._asides, self._require))

    def refuse(self, name: str, problem: Problem) -> None:
        """Report on a file that could not be opened."""
        seen = unseen_file(name, problem)
        self._batch.append(FileResult(name, problem, unused=None if seen is None else unused_files.Unused(seen)))

    def flush_if_due(self) -> None:
        """Write the batch if it is large enough or old enough."""
        if len(self._batch) >= BATCH or time.monotonic() - self._began > BATCH_SECONDS:
            self.flush()

    def is_clean(self) -> bool:
        """Whether no file of the batch has a problem, so that `flush` would store each."""
        self._decide()
        return not any(file.problem for file in self._batch)

    def flush(self) -> None:
        """Write the batch: bytes, then rows and the report. If that fails, nothing of the batch is stored."""
        try:
            if self._batch:
                self._decide()
                self._keep()
                self._write_rows()
        except BaseException:
            # Bytes without a row would stay forever: no later deletion names them.
            files_at_rest.discard(file.kept.sha256 for file in self._batch if file.kept is not None)
            raise
        finally:
            self._batch.clear()
            self._asides.close()
            self._began = time.monotonic()

    def _decide(self) -> None:
        """Find the files whose SOP Instance UID the project has, or a file before them in the batch."""
        batch, project = self._batch, self._upload.project_id
        self._here = store_instance.known_uids(project, [file.uid for file in batch if file.values is not None])
        known = store_instance.known_instances(project, self._here) if self._here else {}
        before: dict[str, FileResult] = {}
        for number, file in enumerate(batch):
            if file.problem is not None or file.aside is None:
                continue
            first, row = before.get(file.uid), known.get(file.uid)
            if first is not None and first.aside is not None:
                if first.aside.sha256 != file.aside.sha256:
                    batch[number] = self._of_known_uid(file, first.source())
            elif row is not None and row.sha256 == file.aside.sha256:
                batch[number] = replace(file, aside=replace(file.aside, is_known=True))
            elif row is not None and not (row.problem_code and store_instance.is_usable(file.source())):
                # Not stored first and removed again: whether other projects have the bytes would tell.
                have = files_at_rest.kept_source(row.sha256, name=row.name, size=row.size)
                batch[number] = self._of_known_uid(file, have)
            if batch[number].problem is None and not batch[number].equal:
                before.setdefault(file.uid, batch[number])

    def _of_known_uid(self, file: FileResult, have: Source) -> FileResult:
        """A file whose SOP Instance UID is here with other bytes: with the same data set, or in conflict."""
        source = file.source()
        if is_same_object(source, have):
            return replace(file, equal=True)
        problem = store_instance.conflict(file.name, file.uid, kept_aside=bool(self._upload.node))
        return replace(file, problem=problem, unused=unused_files.conflicting(source, problem))

    def _write_rows(self) -> None:
        given = self._publishing, self._upload, self._batch
        before = self.tally.copy()
        try:
            _write(*given, self._here, self.tally, self._remembers)
        except IntegrityError:
            # One of the instances came otherwise since `_decide` looked: all are looked for in the transaction.
            self.tally = before
            _write(*given, [file.uid for file in self._batch if file.values is not None], before, self._remembers)

    def _keep(self) -> None:
        waiting = [number for number, file in enumerate(self._batch) if self._has_bytes_to_keep(file)]
        asides = [aside for number in waiting if (aside := self._batch[number].aside) is not None]
        for number, kept in zip(waiting, self._asides.keep(asides), strict=True):
            file = self._batch[number]
            unused = file.unused and replace(file.unused, sha256=kept.sha256, size=kept.size)
            self._batch[number] = replace(file, kept=kept, unused=unused)

    def _has_bytes_to_keep(self, file: FileResult) -> bool:
        """Whether they are an instance's, or in conflict with one: a node that brought them may delete its own."""
        if file.problem is None:
            return file.aside is not None and not file.equal
        is_conflict = bool(self._upload.node) and file.problem.code == CONFLICT
        return is_conflict and file.aside is not None and file.unused is not None


def _store(source: Source, asides: AsideFiles, require: Require) -> FileResult:
    """Read what the rows of a file hold, and write its bytes aside."""
    name, given = source.name, source
    try:
        if 0 < source.size <= SPOOL_BYTES:
            with source.open() as stream:
                source = MemorySource(name, stream.read())
        values, doubt = store_instance.read_object(source)
    except VoxelryError as error:
        return _refused(source, error.problem)
    except Exception as error:  # an unforeseen fault of one file must not fail the others
        words = f"{name}: cannot be read ({type(error).__name__}); the file is damaged"
        return _refused(source, Problem("damaged", words))
    if (unwanted := require(name, values)) is not None:
        return FileResult(name, unwanted, values)
    try:
        return FileResult(name, values=values, doubt=doubt, aside=asides.write(given, source))
    except OSError as error:
        raise JobError(
            Problem("storage", f"{name}: the data folder cannot be written ({error.strerror}); nothing else was stored")
        ) from error


def _refused(source: Source, problem: Problem) -> FileResult:
    return FileResult(source.name, problem, unused=unused_files.unused(source, problem))


def _write(
    publishing: Callable[[], AbstractContextManager[None]],
    upload: Upload,
    batch: list[FileResult],
    here: list[str],
    tally: Tally,
    remembers: bool,
) -> None:
    """Write the rows of a batch, and its part of the report.

    Parameters
    ----------
    here
        The SOP Instance UIDs that are looked for among the project's rows.

    Raises
    ------
    IntegrityError
        If the project has another one.
    """
    unwanted: list[str] = []
    mended: set[int] = set()
    results: list[tuple[FileResult, Entry]] = []
    with publishing():
        known = store_instance.known_instances(upload.project_id, here) if here else {}
        rows = store_instance.RowMaker(upload.project_id, upload)
        entries: list[Entry] = []
        new: list[Instance] = []
        replaced: list[Instance] = []
        lost: list[unused_files.Unused] = []
        for file in batch:
            entry = Entry(upload=upload, position=tally.position, name=file.name)
            tally.position += 1
            entries.append(entry)
            results.append((file, entry))
            if file.values is None or file.problem is not None or (file.kept is None and not file.equal):
                _skip(entry, file.problem or Problem("damaged", f"{file.name}: cannot be read"), tally)
                lost += _lost(file.unused, tally)
                continue
            uid = file.uid
            instance = known.get(uid)
            if file.kept is None:
                if instance is None:
                    raise OperationalError("an instance was deleted while another of the same data set came")
                entry.status = Entry.Status.PRESENT
            elif instance is None:
                instance = known[uid] = rows.instance(file.values, file.kept, name=file.name)
                new.append(instance)
                entry.status = Entry.Status.STORED
                tally.stored.add(uid)
            elif instance.sha256 != file.kept.sha256:
                source = files_at_rest.kept_source(file.kept.sha256, name=file.name, size=file.kept.size)
                if not (instance.problem_code and store_instance.is_usable(source)):
                    problem = store_instance.conflict(file.name, uid, kept_aside=bool(upload.node))
                    _skip(entry, problem, tally)
                    unused = unused_files.conflicting(source, problem)
                    if upload.node and unused is not None:
                        unused = replace(unused, sha256=file.kept.sha256, size=file.kept.size)
                    else:
                        unwanted.append(file.kept.sha256)
                    lost += _lost(unused, tally)
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
        tell_arrived(upload, [*new, *replaced])
        if lost:
            rows_of_lost = (unused_files.unused_file_row(unused, upload) for unused in lost)
            queries.unused_files(as_site()).bulk_create(rows_of_lost)
        changed = mended | {i.series_id for i in (*new, *replaced)}
        if not _counted(new, rows.made, others=mended or replaced):
            queries.series(as_site()).filter(pk__in=changed).update(revision=F("revision") + 1)
            refresh_listing({instance.series.study_id for instance in (*new, *replaced)})
        statuses = [entry.status for entry in entries]
        tally.batch = {str(status): statuses.count(status) for status in Entry.Status}
        tally.changed = {instance.series_id: instance.series for instance in (*new, *replaced)}
        aside = [one.sha256 for one in lost if one.sha256]
        if not files_at_rest.are_kept([*(instance.sha256 for instance in (*new, *replaced)), *aside]):
            # Deleted meanwhile with the last other row that needed the bytes: begin again.
            raise OperationalError("bytes were discarded while their row was written")
    if remembers:
        tally.results += results
    if unwanted:
        files_at_rest.discard(unwanted)


def _counted(new: list[Instance], made: set[int], *, others: object) -> bool:
    """Count new instances in the lists without looking at the others of their study, if nothing else changes there."""
    series = {instance.series_id: instance.series for instance in new}
    studies = {one.study_id for one in series.values()}
    lossily = any(instance.lossy and not instance.series.lossy for instance in new)
    if others or lossily or made & series.keys() or len(studies) != 1:
        return False
    added: dict[int, list[int]] = {}
    for instance in new:
        added.setdefault(instance.series_id, []).append(instance.size)
    return count_added(added, study=studies.pop())


def _lost(unused: unused_files.Unused | None, tally: Tally) -> list[unused_files.Unused]:
    """The files known to belong to a series; `settle` assigns the others when all series are known."""
    if unused is not None and not unused.file.series_instance_uid:
        tally.doubtful.append(unused.file)
        return []
    return [] if unused is None else [unused]


def _skip(entry: Entry, problem: Problem, tally: Tally) -> None:
    entry.status = Entry.Status.SKIPPED
    entry.code, entry.message = problem.code, problem.message
    tally.last_problem = problem


def nothing_used(tally: Tally) -> Problem:
    """Why nothing of an upload could be used."""
    if tally.position == 1 and tally.last_problem is not None:
        return tally.last_problem
    if not tally.position:
        return Problem("nothing_found", "there was no file in this upload")
    return Problem("nothing_stored", f"none of the {tally.position} files could be used; the report says why for each")
