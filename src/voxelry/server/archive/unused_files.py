"""Files that could not be used: the series that lack them, and their removal when they are sent again."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.models.signals import post_delete

from voxelry.core.errors import Problem
from voxelry.dicom.headers.cut_headers import readable_start, remains_of_header
from voxelry.dicom.headers.sources import HEAD_BYTES, MemorySource, Source
from voxelry.dicom.series.lost_files import CONFLICT, LostFile, lost_file, may_be_slices, unseen_file
from voxelry.server.access.grants import Grants, as_site
from voxelry.server.archive import queries
from voxelry.server.archive.at_rest import deletions
from voxelry.server.archive.models import Entry, Series, UnusedFile, Upload

START_BYTES = 2**16
"""The number of bytes kept of a file that belongs to a known series; the attributes that place its slices are there."""
_ARCHIVES = (".zip", ".gz")


@dataclass(frozen=True, slots=True)
class Unused:
    """A refused file that a series may lack, and its first bytes if the series is known.

    Attributes
    ----------
    sha256, size
        Of its bytes, if they are kept aside.
    """

    file: LostFile
    start: bytes = b""
    sha256: str = ""
    size: int = 0


def unused(source: Source, problem: Problem) -> Unused | None:
    """What to record of a refused file; None if no series lacks it."""
    head = readable_start(source, HEAD_BYTES)
    found = lost_file(source, head, problem) if head else unseen_file(source.name, problem)
    return None if found is None else _kept(found, source)


def _kept(file: LostFile, source: Source) -> Unused:
    return Unused(file, readable_start(source, START_BYTES) if file.series_instance_uid else b"")


def conflicting(source: Source, problem: Problem) -> Unused | None:
    """What to record of a file that was refused because of a conflict of its SOP Instance UID."""
    start = readable_start(source, START_BYTES)
    header = remains_of_header(source, start)
    known = header is not None and header.series_instance_uid
    return Unused(LostFile(source.name, problem, header), start) if known else None


def unused_file_row(unused: Unused, upload: Upload) -> UnusedFile:
    """The unsaved row of a file that is known to belong to a series."""
    header = unused.file.header
    return UnusedFile(
        project_id=upload.project_id,
        upload=upload,
        certain=True,
        study_instance_uid="" if header is None else header.study_instance_uid,
        series_instance_uid=unused.file.series_instance_uid,
        sop_instance_uid="" if header is None else header.sop_instance_uid,
        name=unused.file.name.replace("\0", ""),
        code=unused.file.problem.code,
        message=unused.file.problem.message.replace("\0", ""),
        start=unused.start,
        sha256=unused.sha256,
        size=unused.size,
    )


def kept_aside(upload: Upload, who: Grants) -> QuerySet[UnusedFile]:
    """The files of an upload whose bytes are kept aside; those of series in the trash are not seen."""
    return queries.unused_files(who).filter(upload=upload).exclude(sha256="")


def follow_deletions() -> None:
    """Delete bytes that are kept aside with their rows; called once, when the applications are ready."""
    post_delete.connect(_on_deleted, sender=UnusedFile, dispatch_uid="voxelry-kept-aside")


def _on_deleted(instance: UnusedFile, **_: Any) -> None:
    if instance.sha256:
        deletions.record([deletions.of_instance(instance.sha256)])


def settle(upload: Upload, doubtful: Iterable[LostFile], touched: Iterable[int]) -> set[int]:
    """Assign an upload's unused files to series, and delete the rows of files that came whole. In a transaction.

    Parameters
    ----------
    doubtful
        Files of the upload without a readable series.
    touched
        The series that gained instances.

    Returns
    -------
    keys
        The series whose lacking files have changed: they are to be built again.
    """
    keys, doubtful = set(touched), list(doubtful)
    if not doubtful and not queries.unused_files(as_site()).filter(project=upload.project_id).exists():
        return set()
    changed = _adopted(upload, keys) | _doubted(upload, doubtful, keys)
    changed |= _cleared(upload, keys)
    queries.series(as_site()).filter(pk__in=changed).update(revision=F("revision") + 1)
    return changed


def _adopted(upload: Upload, touched: set[int]) -> set[int]:
    """Assign rows to series that exist now: those of this upload, and earlier ones of its series."""
    changed: set[int] = set()
    own = queries.unused_files(as_site()).filter(project=upload.project_id, certain=True, series=None)
    arrived = queries.series(as_site()).filter(pk__in=touched).values("series_instance_uid")
    for one in (own.filter(upload=upload) | own.filter(series_instance_uid__in=arrived)).defer("start"):
        series = queries.series(as_site()).filter(
            project=upload.project_id, series_instance_uid=one.series_instance_uid
        )
        if one.study_instance_uid:
            series = series.filter(study__study_instance_uid=one.study_instance_uid)
        found = series.first()
        if found is None:
            continue
        if one.sop_instance_uid:
            _same(one, found).delete()
        queries.unused_files(as_site()).filter(pk=one.pk).update(series=found)
        queries.entries(as_site()).filter(upload=one.upload_id, name=one.name, status=Entry.Status.SKIPPED).update(
            series=found
        )
        changed.add(found.pk)
    return changed


def _same(file: UnusedFile, series: Series) -> QuerySet[UnusedFile]:
    """Earlier rows of a file that was sent again and is damaged again: it counts as one missing file."""
    rows = queries.unused_files(as_site()).filter(series=series, certain=True, sop_instance_uid=file.sop_instance_uid)
    rows = rows.exclude(pk=file.pk)
    # Several files with one UID are several slices.
    if file.code != CONFLICT:
        return rows.exclude(code=CONFLICT)
    return rows.filter(code=CONFLICT, name=file.name, sha256=file.sha256)  # others are kept aside too


def _doubted(upload: Upload, doubtful: list[LostFile], touched: set[int]) -> set[int]:
    """Write rows of files that may belong to the series of their folder in this upload."""
    changed: set[int] = set()
    if not doubtful:
        return changed
    names: dict[int, list[str]] = {key: [] for key in touched}
    for key, name in (
        queries.entries(as_site()).filter(upload=upload, series__in=touched).values_list("series_id", "name")
    ):
        names[key].append(name)
    for key, own in names.items():
        perhaps = may_be_slices(doubtful, own)
        known = set(queries.unused_files(as_site()).filter(series=key, certain=False).values_list("name", flat=True))
        new = [one for one in perhaps if one.name.replace("\0", "") not in known]
        queries.unused_files(as_site()).bulk_create(_doubtful_row(one, upload, key) for one in new)
        if new:
            changed.add(key)
    return changed


def _doubtful_row(file: LostFile, upload: Upload, series: int) -> UnusedFile:
    return UnusedFile(
        project_id=upload.project_id,
        series_id=series,
        upload=upload,
        certain=False,
        name=file.name.replace("\0", ""),
        code=file.problem.code,
        message=file.problem.message.replace("\0", ""),
    )


def _cleared(upload: Upload, touched: set[int]) -> set[int]:
    """Delete rows of files that are here now, known by SOP Instance UID or by name; returns their series."""
    here = queries.instances(as_site()).filter(
        project=upload.project_id, sop_instance_uid=OuterRef("sop_instance_uid"), problem_code=""
    )
    own = queries.unused_files(as_site()).filter(project=upload.project_id)
    whole = own.exclude(sop_instance_uid="").exclude(code=CONFLICT).filter(Exists(here))
    gone = set(whole.values_list("pk", flat=True))
    for one in _doubtful_arrived(upload, touched):
        # The series of the file is known now: no other series lacks it.
        same = queries.unused_files(as_site()).filter(certain=False, name=one.name, upload=one.upload_id)
        gone |= {one.pk, *same.values_list("pk", flat=True)}
    rows = queries.unused_files(as_site()).filter(pk__in=gone)
    changed = {key for key in rows.values_list("series_id", flat=True) if key is not None}
    rows.delete()
    return changed


def _doubtful_arrived(upload: Upload, touched: set[int]) -> list[UnusedFile]:
    doubtful = list(queries.unused_files(as_site()).filter(certain=False, series__in=touched).defer("start"))
    if not doubtful:
        return []
    arrived: dict[tuple[int | None, str], list[str]] = {}
    entries = queries.entries(as_site()).filter(upload=upload, series__in=touched).exclude(status=Entry.Status.SKIPPED)
    for key, name in entries.values_list("series_id", "name"):
        arrived.setdefault((key, _base(name)), []).append(name)
    return [
        one
        for one in doubtful
        if any(_is_same(one.name, name) for name in arrived.get((one.series_id, _base(one.name)), ()))
    ]


def _base(name: str) -> str:
    return posixpath.basename(name.replace("\\", "/")).lower().removesuffix(".gz")


def _is_same(name: str, other: str) -> bool:
    """Whether two names are of one file: the path of one, without archives, ends with the whole path of the other."""
    mine, yours = (
        [part for part in path.replace("\\", "/").split("/")[:-1] if not part.lower().endswith(_ARCHIVES)]
        for path in (name, other)
    )
    shorter, longer = sorted((mine, yours), key=len)
    return not shorter or longer[-len(shorter) :] == shorter


def of_series(series: Series) -> tuple[tuple[LostFile, ...], tuple[LostFile, ...]]:
    """The files that a series is known to lack, and those that it may lack."""
    certain: list[LostFile] = []
    perhaps: list[LostFile] = []
    for one in series.unused_files.all():
        problem = Problem(one.code, one.message)
        if one.certain:
            start = bytes(one.start)
            header = remains_of_header(MemorySource(one.name, start), start) if start else None
            certain.append(LostFile(one.name, problem, header))
        else:
            perhaps.append(LostFile(one.name, problem))
    return tuple(certain), tuple(perhaps)


def forget(*, studies: Iterable[int] = (), upload: int | None = None) -> None:
    """Delete the rows without a series of studies or of an upload. Called in a transaction."""
    rows = queries.unused_files(as_site()).filter(series=None)
    if upload is not None:
        rows.filter(upload=upload).delete()
    gone = queries.studies(as_site()).filter(pk__in=list(studies), trashed=None)  # others have theirs with them
    for project, uid in gone.values_list("project", "study_instance_uid"):
        rows.filter(project=project, study_instance_uid=uid).delete()
