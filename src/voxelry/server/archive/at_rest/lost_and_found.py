"""Moves files without a row to ``lost+found/`` in the data folder; they are never deleted."""

from __future__ import annotations

import itertools
from pathlib import Path

from django.conf import settings

from voxelry.server.archive.at_rest import flushing, object_store

FOLDER = "lost+found"


def put_away(place: str) -> str | None:
    """Move a file or folder of the data folder, and of the bucket, to the same place below ``lost+found/``.

    Returns
    -------
    place
        Its new path in the data folder; None if there was nothing.
    """
    data: Path = settings.VOXELRY.data
    bucket = object_store.bucket()
    found = [] if bucket is None else _in_bucket(bucket, data / place)
    if not found and not (data / place).exists():
        return None
    target = _free(data, place, bucket)
    if (data / place).exists():
        flushing.make_folder((data / target).parent)
        (data / place).replace(data / target)
        flushing.sync_folders([(data / place).parent, (data / target).parent])
    if bucket is not None:
        for path in found:
            bucket.move(path, data / target / path.relative_to(data / place))
    return target


def _in_bucket(bucket: object_store.Bucket, path: Path) -> list[Path]:
    return [path] if bucket.exists(path) else [path / name for name, _ in bucket.listed(path)]


def _free(data: Path, place: str, bucket: object_store.Bucket | None) -> str:
    """An unused name: a file that was moved earlier is not replaced."""
    for number in itertools.count():
        target = f"{FOLDER}/{place}{f'-{number}' if number else ''}"
        if not (data / target).exists() and (bucket is None or not _in_bucket(bucket, data / target)):
            return target
    raise AssertionError("unreachable")
