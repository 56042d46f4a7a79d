"""Flushes files and folders to disk: bytes survive a loss of power once synced, names once their folder is."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

from django.db import connection

_THREADS = 8
"""Parallel syncs share the disk's next write."""


def make_folder(folder: Path) -> None:
    """Make a folder and its parents, and flush their names."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for one in reversed(missing):
        sync_folder(one.parent)


def sync_folder(folder: Path) -> None:
    """Flush a folder's names to disk."""
    _sync(folder)


def sync_folders(folders: Iterable[Path]) -> None:
    """Flush the names of each folder once; a missing folder is skipped."""
    for folder in set(folders):
        if folder.exists():
            sync_folder(folder)


def sync_files(paths: Iterable[Path]) -> None:
    """Flush the bytes of files to disk."""
    waiting = list(paths)
    if len(waiting) < 2:
        for path in waiting:
            _sync(path)
        return
    with ThreadPoolExecutor(min(_THREADS, len(waiting))) as pool:
        for _ in pool.map(_sync, waiting):
            pass


def pool() -> ThreadPoolExecutor:
    """Threads that flush files beside other work."""
    return ThreadPoolExecutor(_THREADS)


def sync_tree(folder: Path) -> None:
    """Flush a folder's files and names to disk, before it gets its final name."""
    found = list(os.walk(folder))
    sync_files(Path(place, name) for place, _, names in found for name in names)
    for place, _, _ in found:
        sync_folder(Path(place))


def sync_rows() -> None:
    """Flush the commits of this process, if its database does not (`database.relax`)."""
    if connection.vendor == "sqlite":
        log = Path(f"{connection.settings_dict['NAME']}-wal")
        if log.exists():
            _sync(log)


def flush(file: IO[bytes]) -> None:
    """Flush what was written to a file so far."""
    file.flush()
    os.fsync(file.fileno())


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
