"""Repairs what `check` found, as far as nothing is lost.

Recorded deletions are finished. An original without a row gets its row again; any other file without one is moved to
``lost+found/``. Missing and damaged files have to be sent again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import IntegrityError, transaction
from django.db.models import F

from voxelry.core.errors import VoxelryError
from voxelry.core.progress import Progress, silent
from voxelry.server.access.grants import as_site
from voxelry.server.access.models import Project
from voxelry.server.archive import queries
from voxelry.server.archive.at_rest import deletions, files_at_rest, holdings, integrity, lost_and_found
from voxelry.server.archive.at_rest.files_at_rest import Kept
from voxelry.server.archive.build import submit_build
from voxelry.server.archive.check import Findings, is_orphaned
from voxelry.server.archive.intake import store_instance
from voxelry.server.archive.lists.study_listing import refresh_listing
from voxelry.server.archive.models import Deletion

_ORIGINALS = "files/instances/"
RECOVERED = "recovered"
"""The project of originals that had no row, on a site with several projects."""


@dataclass(slots=True)
class Repaired:
    """The result of a repair.

    Attributes
    ----------
    deleted
        The number of files and folders of deleted rows that were removed.
    taken_in
        The number of originals that have a row again.
    put_away
        The new paths, in the data folder, of files without a row.
    rebuilt
        The series for which a build was submitted.
    listed
        The studies whose rows in lists were written anew.
    """

    deleted: int = 0
    taken_in: list[str] = field(default_factory=list)
    put_away: list[str] = field(default_factory=list)
    rebuilt: list[int] = field(default_factory=list)
    listed: list[int] = field(default_factory=list)


def repair(found: Findings, progress: Progress = silent) -> Repaired:
    """Repair what a check found."""
    done = Repaired()
    deletions.finish()
    done.deleted = max(0, found.unfinished - Deletion.objects.count())
    touched: set[int] = set()
    # Originals last: the keys of their new rows may be the names of folders without a row.
    for number, place in enumerate(sorted(found.orphaned, key=lambda place: place.startswith(_ORIGINALS))):
        progress(number / len(found.orphaned), "taking in what has no row")
        series = _taken_in(place)
        if series is not None:
            touched.add(series)
            done.taken_in.append(place)
        elif (where := _put_away(place)) is not None:
            done.put_away.append(where)
    done.rebuilt = _rebuilt(sorted(touched), found.unbuilt)
    with transaction.atomic():
        refresh_listing(found.unlisted)
    done.listed = found.unlisted
    return done


def _taken_in(place: str) -> int | None:
    """Give an original its row again; returns its series, or None if it cannot have a row."""
    if not place.startswith(_ORIGINALS):
        return None
    sha256 = place.rpartition("/")[2]
    name = holdings.stored_name(sha256)
    try:
        size = files_at_rest.size_of(name)
        if f"files/{name}" != place or not size or not integrity.is_whole(name, sha256, size, thoroughly=True):
            return None
        # The name that it was sent with is not known any more.
        values = store_instance.read_values(files_at_rest.kept_source(sha256, name=f"{sha256}.dcm", size=size))
        with transaction.atomic():
            files_at_rest.wait_for_writers()
            project = _project_of_recovered()
            uids = [values.instance["sop_instance_uid"]]
            if not is_orphaned(place) or store_instance.known_instances(project, uids):
                return None
            row = store_instance.instance_row(values, Kept(sha256, size), name=f"{sha256}.dcm", project=project)
            queries.instances(as_site()).bulk_create([row])
            queries.series(as_site()).filter(pk=row.series_id).update(revision=F("revision") + 1)
            refresh_listing([row.series.study_id])
            return row.series_id
    except (VoxelryError, IntegrityError, OSError):
        return None


def _project_of_recovered() -> int:
    """The project that recovered originals go to: the only one, or one that no member sees, as nothing tells whose."""
    keys = list(Project.objects.values_list("pk", flat=True)[:2])
    if len(keys) == 1:
        return keys[0]
    words = "Originals that had no row: only administrators see them, and can copy them to where they belong."
    return Project.objects.get_or_create(name=RECOVERED, defaults={"description": words})[0].pk


def _put_away(place: str) -> str | None:
    with transaction.atomic():
        files_at_rest.wait_for_writers()
        return lost_and_found.put_away(place) if is_orphaned(place) else None


def _rebuilt(touched: Sequence[int], unbuilt: Sequence[int]) -> list[int]:
    asked = []
    with transaction.atomic():
        for series in queries.series(as_site()).filter(pk__in={*touched, *unbuilt}).order_by("pk"):
            submit_build(series)
            asked.append(series.pk)
    return asked
