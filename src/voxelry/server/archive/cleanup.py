"""Removes what is due: studies in the trash, unfinished deletions, and work that killed processes abandoned."""

from __future__ import annotations

import hashlib
import logging
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.migrations.recorder import MigrationRecorder

from voxelry.server.access.grants import as_site
from voxelry.server.archive import queries, trash
from voxelry.server.archive.at_rest import cache, deletions, files_at_rest, holdings, object_store
from voxelry.server.archive.lists import search_index
from voxelry.server.jobs.failures import Away
from voxelry.server.jobs.models import State

logger = logging.getLogger(__name__)

FORGOTTEN_SECONDS = 24 * 3600


def remove_forgotten() -> None:
    """Finish deletions, delete what is due in the trash, and remove what killed processes left.

    The latter once it is too old to be in use.
    Originals and results without a row stay: a database restored from a backup has fewer rows than there are files
    (`check` finds them).
    """
    deletions.finish()
    trash.empty_due()
    search_index.purge()
    before = time.time() - FORGOTTEN_SECONDS
    for entry in files_at_rest.temporary_folder().iterdir():
        with suppress(FileNotFoundError):
            if entry.stat().st_mtime >= before:
                continue
            if entry.is_dir():
                files_at_rest.remove_folder(entry)
            else:
                entry.unlink()
    try:
        bucket = object_store.bucket()
        if bucket is not None:
            _of_bucket(bucket, before)
    except Away as error:
        logger.warning("the bucket is tidied up later: %s", error)


def _of_bucket(bucket: object_store.Bucket, before: float) -> None:
    """Remove builds and waiting files without a row from the bucket, and cached copies of deleted files.

    Does nothing if the objects belong to another database, because none of them has a row in this one.
    """
    if not bucket.is_of(_database()):
        logger.warning("the bucket holds the files of another database (storage.url): none of them is removed")
        return
    data: Path = settings.VOXELRY.data
    cached = cache.cached_before(data / "files", before)
    for start in range(0, len(cached), holdings.ROWS):
        some = cached[start : start + holdings.ROWS]
        for name in set(some) - holdings.needed(some):
            cache.evict(data / "files" / name)

    def old(folder: Path) -> set[str]:
        return {*bucket.sent_before(folder, before), *cache.cached_before(folder, before)}

    builds = {tuple(place.split("/")[:2]) for place in old(data / "stacks")}
    current = {(str(key), folder) for key, folder in queries.series(as_site()).values_list("pk", "folder")}
    for build in builds - current:
        files_at_rest.remove_folder(data / "stacks" / Path(*build))
    _forget_requests(before)
    waiting = {place.partition("/")[0] for place in old(data / "uploads")}
    taken_in = queries.uploads(as_site()).filter(
        job__state=State.SUCCEEDED, pk__in=[int(key) for key in waiting if key.isdigit()]
    )
    for key in taken_in.values_list("pk", flat=True):
        files_at_rest.remove_folder(files_at_rest.upload_folder(key))


def _forget_requests(before: float) -> None:
    """Remove uploads that were killed before their job was submitted: their sender got no answer."""
    with transaction.atomic():
        rows = queries.uploads(as_site()).filter(job=None, created__lt=datetime.fromtimestamp(before, UTC))
        deletions.record([f"uploads/{key}" for key in rows.values_list("pk", flat=True)])
        rows.delete()


def _database() -> str:
    """A name of this database and its backups: the digest of the time at which it was created."""
    made = MigrationRecorder.Migration.objects.order_by("pk").values_list("applied", flat=True)[0]
    return hashlib.sha256(made.isoformat().encode()).hexdigest()
