"""What crashed or killed processes left: deletions that are not finished, and work that nobody goes on with."""

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

from voxelry.server.archive import cache, deletions, files_at_rest, holdings, object_store
from voxelry.server.archive.models import Series, Upload
from voxelry.server.jobs.failures import Away
from voxelry.server.jobs.models import State

logger = logging.getLogger(__name__)

FORGOTTEN_SECONDS = 24 * 3600


def remove_forgotten() -> None:
    """Finish deletions, and remove what killed processes left, once nobody can be working on it any more.

    Never an original or a result without a row: a database that was brought back knows fewer than there are
    (`check`).
    """
    deletions.finish()
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
    """Builds and waiting files that nobody needs, and copies here of what was deleted elsewhere.

    Of another database's objects none has a row here, and all are needed.
    """
    if not bucket.is_of(_database()):
        logger.warning("the bucket holds the files of another database (storage.url): none of them is removed")
        return
    data: Path = settings.VOXELRY.data
    cached = cache.cached(data / "files", before)
    for start in range(0, len(cached), holdings.ROWS):
        some = cached[start : start + holdings.ROWS]
        for name in set(some) - holdings.needed(some):
            cache.discard(data / "files" / name)

    def old(folder: Path) -> set[str]:
        return {*bucket.old(folder, before), *cache.cached(folder, before)}

    builds = {tuple(place.split("/")[:2]) for place in old(data / "stacks")}
    current = {(str(key), folder) for key, folder in Series.objects.values_list("pk", "folder")}
    for build in builds - current:
        files_at_rest.remove_folder(data / "stacks" / Path(*build))
    _forget_requests(before)
    waiting = {place.partition("/")[0] for place in old(data / "uploads")}
    taken_in = Upload.objects.filter(job__state=State.SUCCEEDED, pk__in=[int(key) for key in waiting if key.isdigit()])
    for key in taken_in.values_list("pk", flat=True):
        files_at_rest.remove_folder(files_at_rest.upload_folder(key))


def _forget_requests(before: float) -> None:
    """Those that were killed before their job was asked for: nobody was told that their files are here."""
    with transaction.atomic():
        rows = Upload.objects.filter(job=None, created__lt=datetime.fromtimestamp(before, UTC))
        deletions.record([f"uploads/{key}" for key in rows.values_list("pk", flat=True)])
        rows.delete()


def _database() -> str:
    """What tells our database from every other, its own backups apart: the moment when it was made."""
    made = MigrationRecorder.Migration.objects.order_by("pk").values_list("applied", flat=True)[0]
    return hashlib.sha256(made.isoformat().encode()).hexdigest()
