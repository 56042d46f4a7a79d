"""Compares rows and files: finds what is missing, damaged, or without a row.

Changes nothing; `repair` does what loses nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from voxelry.core.progress import Progress, silent
from voxelry.server.access.grants import as_site
from voxelry.server.archive import queries
from voxelry.server.archive.at_rest import files_at_rest, holdings, integrity, object_store
from voxelry.server.archive.lists.study_listing import differing
from voxelry.server.archive.make_segmentations import MODALITIES
from voxelry.server.archive.models import Deletion
from voxelry.server.jobs import job_queries
from voxelry.server.jobs.models import State

_OPEN = (State.QUEUED, State.RUNNING)


@dataclass(slots=True)
class Findings:
    """The result of a check; places are paths in the data folder.

    Attributes
    ----------
    rows
        The number of files with a row.
    missing, damaged
        Files with a row that are missing, and those with another SHA-256.
    orphaned
        Files, waiting uploads and volumes' folders without a row.
    in_work
        The number of further files without a row that a running job may be about to give one.
    unfinished
        The number of files or folders of deleted rows that are still to be removed.
    unbuilt
        The series whose volumes or label maps are missing; they can be built again from the originals.
    unlisted
        The studies that lists show otherwise than they are.
    """

    rows: int = 0
    missing: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    orphaned: list[str] = field(default_factory=list)
    in_work: int = 0
    unfinished: int = 0
    unbuilt: list[int] = field(default_factory=list)
    unlisted: list[int] = field(default_factory=list)

    @property
    def fine(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.missing or self.damaged or self.orphaned or self.unfinished or self.unbuilt or self.unlisted)


def check(progress: Progress = silent) -> Findings:
    """Compare every row with its file, byte for byte, and every file with the rows."""
    found = Findings(unfinished=Deletion.objects.count())
    begun = [_work_under_way_since()]
    _compare_rows(found, progress)
    leaving = set(Deletion.objects.values_list("place", flat=True))
    unknown = [one for one in (*_files_without_rows(), *_folders_without_rows()) if one[0] not in leaving]
    begun.append(_work_under_way_since())  # and jobs that have begun meanwhile
    since = min((one.timestamp() for one in begun if one is not None), default=None)
    for place, changed in unknown:
        if since is not None and changed >= since:
            found.in_work += 1
        else:
            found.orphaned.append(place)
    found.orphaned.sort()
    _look_for_volumes(found)
    found.unlisted = list(differing())
    return found


def left_of(found: Findings) -> list[str]:
    """The places that a repair leaves: files that only a person can send again, and places that could not be moved."""
    orphaned = [place for place in found.orphaned if _is_there(place) and is_orphaned(place)]
    return [*found.missing, *found.damaged, *orphaned, *Deletion.objects.values_list("place", flat=True)]


def _is_there(place: str) -> bool:
    path: Path = settings.VOXELRY.data / place
    bucket = object_store.bucket()
    return path.exists() if bucket is None else bucket.exists(path) or bool(bucket.listed(path))


def is_orphaned(place: str) -> bool:
    """Whether a place has no row. Stays true in a transaction after `wait_for_writers`."""
    top, _, rest = place.partition("/")
    if top == "files":
        return rest not in holdings.needed([rest])
    rows = {"stacks": queries.series(as_site()), "uploads": queries.uploads(as_site())}[top]
    return not (rest.isdigit() and rows.filter(pk=int(rest)).exists())


def _work_under_way_since() -> datetime | None:
    """When the oldest running job began. Jobs store files before rows, so a file changed since then is no orphan."""
    begun = job_queries.jobs(as_site()).filter(state__in=_OPEN, is_batch=False, attempts__gt=0)
    first = begun.order_by("created").values_list("created", flat=True).first()
    return None if first is None else min(first, timezone.now())


def _compare_rows(found: Findings, progress: Progress) -> None:
    missing: list[str] = []
    damaged: list[str] = []
    total = max(1, sum(1 for _ in holdings.rows()))
    for row in holdings.rows():
        found.rows += 1
        progress(min(1.0, found.rows / total), f"{found.rows} of {total} files")
        if not files_at_rest.is_stored(row.name):
            missing.append(row.name)
        elif not integrity.is_whole(row.name, row.sha256, row.size, thoroughly=True):
            damaged.append(row.name)
    # A file whose row was deleted meanwhile is neither missing nor damaged.
    still = holdings.needed([*missing, *damaged])
    found.missing = [f"files/{name}" for name in missing if name in still]
    found.damaged = [f"files/{name}" for name in damaged if name in still and files_at_rest.is_stored(name)]


def _files_without_rows() -> Iterator[tuple[str, float]]:
    some: list[tuple[str, float]] = []
    for one in _listed(settings.VOXELRY.data / "files"):
        some.append(one)
        if len(some) == holdings.ROWS:
            yield from _without_row(some)
            some = []
    yield from _without_row(some)


def _without_row(some: Iterable[tuple[str, float]]) -> Iterator[tuple[str, float]]:
    changed = dict(some)
    for name in changed.keys() - holdings.needed(changed):
        yield f"files/{name}", changed[name]


def _folders_without_rows() -> Iterator[tuple[str, float]]:
    """Folders of uploads and volumes without a row. In a transaction, so that an upload being stored has its row."""
    data: Path = settings.VOXELRY.data
    with transaction.atomic():
        files_at_rest.wait_for_writers()
        for top, rows in (("uploads", queries.uploads(as_site())), ("stacks", queries.series(as_site()))):
            newest: dict[str, float] = {}
            for name, changed in _listed(data / top):
                key = name.partition("/")[0]
                newest[key] = max(changed, newest.get(key, 0.0))
            known = {str(key) for key in rows.values_list("pk", flat=True)}
            yield from ((f"{top}/{key}", changed) for key, changed in newest.items() if key not in known)


def _listed(folder: Path) -> Iterator[tuple[str, float]]:
    """The files below a folder, relative to it, with the time of their last change (seconds since 1970)."""
    bucket = object_store.bucket()
    if bucket is not None:
        yield from bucket.listed(folder)
        return
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            try:
                changed = path.stat().st_mtime
            except FileNotFoundError:
                continue
            yield path.relative_to(folder).as_posix(), changed


def _look_for_volumes(found: Findings) -> None:
    prepared = Q(stacks__isnull=False) | Q(modality__in=MODALITIES)  # structure sets have no volume, but label maps
    rows = queries.series(as_site()).exclude(folder="").filter(prepared).distinct().values_list("pk", "folder")
    for key, folder in rows:
        if not files_at_rest.near_folder(files_at_rest.stacks_folder(key) / folder).is_dir():
            found.unbuilt.append(key)
