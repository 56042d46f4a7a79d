"""The data folder as a cache of the bucket's files: fetched on demand, evicted when others need the room."""

from __future__ import annotations

import os
import shutil
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from django.conf import settings

_locks = [threading.Lock() for _ in range(64)]
"""One lock for each hash of a path, so that requests that miss the same file fetch it once."""


def evict(path: Path) -> None:
    """Remove a file or folder from the cache in one step."""
    aside = aside_path()
    with suppress(FileNotFoundError):
        path.rename(aside)
        if aside.is_dir():
            shutil.rmtree(aside, ignore_errors=True)
        else:
            aside.unlink()


def cached_before(folder: Path, before: float) -> list[str]:
    """The cached files below a folder that were last used before a time, relative to it."""
    found = []
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < before:
                    found.append(path.relative_to(folder).as_posix())
    return found


def aside_path() -> Path:
    folder: Path = settings.VOXELRY.data / "temp"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"cache-{uuid.uuid4().hex}"


def lock_of(path: Path) -> threading.Lock:
    return _locks[hash(path) % len(_locks)]


def touch_if_cached(path: Path) -> bool:
    """Whether the file is in the cache; if it is, it is marked as used now."""
    try:
        stamp(path)
    except FileNotFoundError:
        return False
    return True


def stamp(path: Path) -> None:
    """Mark a file as used now, by the system's clock, which is finer than the file system's."""
    now = time.time_ns()
    os.utime(path, ns=(now, now))


def units(data: Path) -> Iterator[tuple[float, int, Path]]:
    """The files and folders that are fetched and evicted as a whole: time of last use, bytes, path."""
    for place, _, names in os.walk(data / "files"):
        yield from _measured(Path(place, name) for name in names)
    for build in (data / "stacks").glob("*/*"):
        with suppress(FileNotFoundError, NotADirectoryError):
            yield from _measured(build.iterdir())


def _measured(paths: Iterable[Path]) -> Iterator[tuple[float, int, Path]]:
    for path in paths:
        with suppress(FileNotFoundError):
            status = path.stat()
            size = status.st_size
            if path.is_dir():
                size = sum(Path(place, name).stat().st_size for place, _, names in os.walk(path) for name in names)
            yield status.st_mtime, size, path
