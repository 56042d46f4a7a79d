"""Files that could not be used: which series lack them, and what is sent again clears it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Exists, F, OuterRef, QuerySet

from voxelry.core.errors import Problem
from voxelry.dicom.headers.cut_headers import readable_start, remains_of_header
from voxelry.dicom.headers.sources import HEAD_BYTES, MemorySource, Source
from voxelry.dicom.series.lost_files import CONFLICT, LostFile, lost_file, may_be_slices, unseen_file
from voxelry.server.archive.models import Entry, Instance, Series, Study, UnusedFile, Upload

START_BYTES = 2**16
"""So much of a file that is known to belong to a series is kept: what places its slices comes first."""
_ARCHIVES = (".zip", ".gz")


@dataclass(frozen=True, slots=True)
class Unused:
    """A file that was refused, if a series may miss it, and its first bytes if one is known to."""

    file: LostFile
    start: bytes = b""


def unused(source: Source, problem: Problem) -> Unused | None:
    """What is to be remembered of a file that was refused; None if no series misses it."""
    head = readable_start(source, HEAD_BYTES)
    found = lost_file(source, head, problem) if head else unseen_file(source.name, problem)
    return None if found is None else _kept(found, source)


def _kept(file: LostFile, source: Source) -> Unused:
    return Unused(file, readable_start(source, START_BYTES) if file.series_instance_uid else b"")


def conflicting(source: Source, problem: Problem) -> Unused | None:
    """The same of a file that was refused because another bears its SOP Instance UID."""
    start = readable_start(source, START_BYTES)
    header = remains_of_header(source, start)
    known = header is not None and header.series_instance_uid
    return Unused(LostFile(source.name, problem, header), start) if known else None


def row(told: Unused, upload: Upload) -> UnusedFile:
    """Of a file that is known to belong to a series; not saved yet."""
    header = told.file.header
    return UnusedFile(
        upload=upload,
        certain=True,
        study_instance_uid="" if header is None else header.study_instance_uid,
        series_instance_uid=told.file.series_instance_uid,
        sop_instance_uid="" if header is None else header.sop_instance_uid,
        name=told.file.name.replace("\0", ""),
        code=told.file.problem.code,
        message=told.file.problem.message.replace("\0", ""),
        start=told.start,
    )


def settle(upload: Upload, doubtful: Iterable[LostFile], touched: Iterable[int]) -> set[int]:
    """Give what an upload brought to the series that lack it, and clear what it brought whole. In a transaction.

    Parameters
    ----------
    doubtful
        Files of the upload without a readable series.
    touched
        The series of which it brought instances.

    Returns
    -------
    keys
        The series that lack something else than before: they are to be built again.
    """
    keys = set(touched)
    changed = _adopted(upload, keys) | _doubted(upload, list(doubtful), keys)
    changed |= _cleared(upload, keys)
    Series.objects.filter(pk__in=changed).update(revision=F("revision") + 1)
    return changed


def _adopted(upload: Upload, touched: set[int]) -> set[int]:
    """Rows that found their series: the upload's own, and earlier ones of series that came with it."""
    changed: set[int] = set()
    own = UnusedFile.objects.filter(certain=True, series=None)
    arrived = Series.objects.filter(pk__in=touched).values("series_instance_uid")
    for one in (own.filter(upload=upload) | own.filter(series_instance_uid__in=arrived)).defer("start"):
        series = Series.objects.filter(series_instance_uid=one.series_instance_uid)
        if one.study_instance_uid:
            series = series.filter(study__study_instance_uid=one.study_instance_uid)
        found = series.first()
        if found is None:
            continue
        if one.sop_instance_uid:
            _same(one, found).delete()
        UnusedFile.objects.filter(pk=one.pk).update(series=found)
        Entry.objects.filter(upload=one.upload_id, name=one.name, status=Entry.Status.SKIPPED).update(series=found)
        changed.add(found.pk)
    return changed


def _same(one: UnusedFile, series: Series) -> QuerySet[UnusedFile]:
    """Earlier rows of a file that was sent once more, and is damaged once more: it is one file that is missing."""
    rows = UnusedFile.objects.filter(series=series, certain=True, sop_instance_uid=one.sop_instance_uid)
    rows = rows.exclude(pk=one.pk)
    # Several files that bear one UID are several slices.
    return rows.filter(code=CONFLICT, name=one.name) if one.code == CONFLICT else rows.exclude(code=CONFLICT)


def _doubted(upload: Upload, doubtful: list[LostFile], touched: set[int]) -> set[int]:
    """Rows of files that may belong to the series of their folder in this upload."""
    changed: set[int] = set()
    if not doubtful:
        return changed
    names: dict[int, list[str]] = {key: [] for key in touched}
    for key, name in Entry.objects.filter(upload=upload, series__in=touched).values_list("series_id", "name"):
        names[key].append(name)
    for key, own in names.items():
        perhaps = may_be_slices(doubtful, own)
        known = set(UnusedFile.objects.filter(series=key, certain=False).values_list("name", flat=True))
        new = [one for one in perhaps if one.name.replace("\0", "") not in known]
        UnusedFile.objects.bulk_create(_doubtful_row(one, upload, key) for one in new)
        if new:
            changed.add(key)
    return changed


def _doubtful_row(one: LostFile, upload: Upload, series: int) -> UnusedFile:
    return UnusedFile(
        series_id=series,
        upload=upload,
        certain=False,
        name=one.name.replace("\0", ""),
        code=one.problem.code,
        message=one.problem.message.replace("\0", ""),
    )


def _cleared(upload: Upload, touched: set[int]) -> set[int]:
    """The series of files that are here now: by their SOP Instance UID, or by their name in their folder."""
    here = Instance.objects.filter(sop_instance_uid=OuterRef("sop_instance_uid"), problem_code="")
    whole = UnusedFile.objects.exclude(sop_instance_uid="").exclude(code=CONFLICT).filter(Exists(here))
    gone = set(whole.values_list("pk", flat=True))
    for one in _doubtful_arrived(upload, touched):
        # It has turned out whose it is: no other series misses it.
        same = UnusedFile.objects.filter(certain=False, name=one.name, upload=one.upload_id)
        gone |= {one.pk, *same.values_list("pk", flat=True)}
    rows = UnusedFile.objects.filter(pk__in=gone)
    changed = {key for key in rows.values_list("series_id", flat=True) if key is not None}
    rows.delete()
    return changed


def _doubtful_arrived(upload: Upload, touched: set[int]) -> list[UnusedFile]:
    doubtful = list(UnusedFile.objects.filter(certain=False, series__in=touched).defer("start"))
    if not doubtful:
        return []
    arrived: dict[tuple[int | None, str], list[str]] = {}
    entries = Entry.objects.filter(upload=upload, series__in=touched).exclude(status=Entry.Status.SKIPPED)
    for key, name in entries.values_list("series_id", "name"):
        arrived.setdefault((key, _base(name)), []).append(name)
    return [
        one
        for one in doubtful
        if any(_is_same(one.name, name) for name in arrived.get((one.series_id, _base(one.name)), ()))
    ]


def _base(name: str) -> str:
    return posixpath.basename(name.replace("\\", "/")).lower().removesuffix(".gz")


def _is_same(one: str, other: str) -> bool:
    """True if two names stand for one file: one's folders, archives aside, end with all that the other's are."""
    mine, yours = (
        [part for part in name.replace("\\", "/").split("/")[:-1] if not part.lower().endswith(_ARCHIVES)]
        for name in (one, other)
    )
    shorter, longer = sorted((mine, yours), key=len)
    return not shorter or longer[-len(shorter) :] == shorter


def of_series(series: Series) -> tuple[tuple[LostFile, ...], tuple[LostFile, ...]]:
    """The files that a series is known to lack, and those that it may."""
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
    """Delete the rows of series that never came: of studies, or of an upload. In a transaction."""
    rows = UnusedFile.objects.filter(series=None)
    if upload is not None:
        rows.filter(upload=upload).delete()
    uids = Study.objects.filter(pk__in=list(studies)).values_list("study_instance_uid", flat=True)
    rows.filter(study_instance_uid__in=list(uids)).delete()
