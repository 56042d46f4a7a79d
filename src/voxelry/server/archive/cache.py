"""What the data folder keeps of a bucket's files: fetched when asked for, gone when others need the room."""

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
"""By a path's hash: requests that miss the same file fetch it once."""


def discard(path: Path) -> None:
    """Take a file or folder out of the cache, all at once."""
    aside = aside_path()
    with suppress(FileNotFoundError):
        path.rename(aside)
        if aside.is_dir():
            shutil.rmtree(aside, ignore_errors=True)
        else:
            aside.unlink()


def cached(folder: Path, before: float) -> list[str]:
    """As `Bucket.old`, what is here: others than the one who removed a row may have its files in their caches."""
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


def used(path: Path) -> bool:
    """Whether it is in the cache; if so, it was used now."""
    try:
        stamp(path)
    except FileNotFoundError:
        return False
    return True


def stamp(path: Path) -> None:
    """Used now; told exactly, since the file system's own clock stands still for milliseconds."""
    now = time.time_ns()
    os.utime(path, ns=(now, now))


def units(data: Path) -> Iterator[tuple[float, int, Path]]:
    """What is fetched and goes as one: when it was used last, its bytes, its path."""
    for place, _, names in os.walk(data / "files"):
        yield from _measured(Path(place, name) for name in names)
    for build in (data / "stacks").glob("*/*"):
        with suppress(FileNotFoundError, NotADirectoryError):
            yield from _measured(build.iterdir())


def _measured(paths: Iterable[Path]) -> Iterator[tuple[float, int, Path]]:
    for path in paths:
        with suppress(FileNotFoundError):
            told = path.stat()
            size = told.st_size
            if path.is_dir():
                size = sum(Path(place, name).stat().st_size for place, _, names in os.walk(path) for name in names)
            yield told.st_mtime, size, path
