"""Deletes files: recorded in the transaction that deletes their rows, done afterwards, and finished after a crash.

A record is a path in the data folder. It is deleted when nothing is there any more; the next clean-up does what a
crashed process left. A file that a row needs again by then stays.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.db import connections, transaction

from voxelry.server.access.grants import as_site
from voxelry.server.archive import queries
from voxelry.server.archive.at_rest import files_at_rest, flushing, holdings, object_store
from voxelry.server.archive.models import Deletion
from voxelry.server.jobs.batches import OPEN
from voxelry.server.jobs.failures import Away
from voxelry.server.jobs.leases import DatabaseTrouble

logger = logging.getLogger(__name__)

AT_ONCE = 64
"""Files removed in one transaction, during which no other process stores files; few, so that it is short."""
_FILES = "files/"
_NO_FILE = "instances/none"


def record(places: Iterable[str]) -> None:
    """Record places in the data folder that are emptied after the commit. Called in a transaction."""
    Deletion.objects.bulk_create([Deletion(place=place) for place in places], batch_size=holdings.ROWS)
    transaction.on_commit(finish)


def of_instance(sha256: str) -> str:
    """The path of an original in the data folder."""
    return f"{_FILES}{holdings.stored_name(sha256)}"


def waiting_files(upload: int) -> str:
    """The place of an upload's waiting files, to delete while the upload's row stays; kept if its job waits or runs."""
    return f"uploads/{upload}/"


def finish() -> None:
    """Do the recorded deletions; one that fails stays recorded."""
    after = 0
    try:
        while rows := list(Deletion.objects.filter(pk__gt=after).order_by("pk")[:AT_ONCE]):
            after = rows[-1].pk
            _empty_all(rows)
    except (Away, *DatabaseTrouble) as error:
        logger.warning("files of what was deleted stay for now (%s)", type(error).__name__)
        if not connections["default"].in_atomic_block:
            connections["default"].close_if_unusable_or_obsolete()
        return
    if left := Deletion.objects.count():
        logger.warning("%d files or folders of what was deleted could not be removed yet", left)


def _empty_all(rows: Sequence[Deletion]) -> None:
    """Empty all places in one transaction; if one fails, each in its own."""
    try:
        _empty(rows)
    except OSError:
        for row in rows:
            with suppress(OSError):  # `finish` logs what is left
                _empty([row])


def _empty(rows: Sequence[Deletion]) -> None:
    data: Path = settings.VOXELRY.data
    places = {row.place for row in rows}
    names = {place.removeprefix(_FILES) for place in places if place.startswith(_FILES)}
    named = [data / _FILES / name for name in sorted(names)]
    with transaction.atomic():
        files_at_rest.wait_for_writers()
        gone = [data / _FILES / name for name in sorted(names - holdings.needed(names))]
        folders = [data / place for place in sorted(places) if not place.startswith(_FILES) and not _has_row(place)]
        for path in gone:
            path.unlink(missing_ok=True)
        for folder in folders:
            if folder.exists():
                shutil.rmtree(folder)
        if (bucket := object_store.bucket()) is not None:
            # One request in any case: what other projects have of the bytes costs no time.
            bucket.remove(gone or [data / _FILES / _NO_FILE])
            for folder in folders:
                bucket.remove_folder(folder)
        # Flushed first: a name that comes back after a loss of power would have no record.
        flushing.sync_folders(path.parent for path in (*named, *folders))
        Deletion.objects.filter(pk__in=[row.pk for row in rows]).delete()


def _has_row(place: str) -> bool:
    """Whether a folder has a row again, as it may after the database was restored from a backup."""
    top, _, key = place.partition("/")
    if key.endswith("/"):  # of `waiting_files`
        return queries.uploads(as_site()).filter(pk=int(key[:-1]), job__state__in=OPEN).exists()
    rows = {"stacks": queries.series(as_site()), "uploads": queries.uploads(as_site())}[top]
    return bool(rows.filter(pk=int(key)).exists())
