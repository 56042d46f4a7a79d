"""Bytes that are written aside, flushed in the background, and then kept under their digests."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO

from voxelry.dicom.headers.sources import FileSource, MemorySource, Source
from voxelry.server.archive.at_rest import files_at_rest, flushing
from voxelry.server.archive.at_rest.files_at_rest import Aside

_CHUNK = 2**20


class AsideFiles:
    """Files in the temporary folder that are not kept yet. `close` removes those that are there still.

    Parameters
    ----------
    flushed
        Whether files on this disk that are given are flushed already.
    """

    def __init__(self, *, flushed: bool) -> None:
        self._flushed = flushed
        self._paths: list[Path] = []
        self._waiting: list[Path] = []
        self._flushing: list[Future[None]] = []
        self._pool: ThreadPoolExecutor | None = None

    def write(self, given: Source, content: Source) -> Aside:
        """Write the bytes of a file aside. They are flushed in other threads, while the next file is read.

        Parameters
        ----------
        given
            The file as it came: one on this disk is linked, not copied.
        content
            The same bytes, in memory if they are few.
        """
        path = files_at_rest.temporary_folder() / f"aside-{uuid.uuid4().hex}"
        self._paths.append(path)
        linked = isinstance(given, FileSource) and _link(given.path, path)
        with path.open("rb" if linked else "xb") as file:
            sha256, size = _copied(content, None if linked else file)
        if not (linked and self._flushed):
            self._waiting.append(path)
            if len(self._paths) > 1:
                self._flush_waiting()
        return Aside(path, sha256, size)

    def keep(self, asides: Sequence[Aside]) -> list[files_at_rest.Kept]:
        """Give the files their final names when they are flushed; what became of each."""
        flushing.sync_files(self._waiting)
        for one in self._flushing:
            one.result()
        self._waiting.clear()
        self._flushing.clear()
        return files_at_rest.keep_all(asides)

    def close(self) -> None:
        """Remove what was not kept."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None
        for path in self._paths:
            path.unlink(missing_ok=True)
        self._paths.clear()
        self._waiting.clear()
        self._flushing.clear()

    def _flush_waiting(self) -> None:
        if self._pool is None:
            self._pool = flushing.pool()
        self._flushing += [self._pool.submit(flushing.sync_files, [path]) for path in self._waiting]
        self._waiting.clear()


def _copied(content: Source, file: IO[bytes] | None) -> tuple[str, int]:
    """The digest and the size of some bytes, which are written to a file if there is one."""
    if isinstance(content, MemorySource):
        if file is not None:
            file.write(content.content)
        return hashlib.sha256(content.content).hexdigest(), content.size
    found, size = hashlib.sha256(), 0
    with content.open() as stream:
        while chunk := stream.read(_CHUNK):
            found.update(chunk)
            size += len(chunk)
            if file is not None:
                file.write(chunk)
    return found.hexdigest(), size


def _link(given: str, path: Path) -> bool:
    """Make ``path`` another name of a file; False if the file system has no links, or it is on another."""
    try:
        os.link(given, path)
    except OSError:
        return False
    return True
