"""Files at rest. Names hold keys and digests only; nothing half-written bears a final name.

Instances go through Django's storage, so that settings alone can send them elsewhere. What is derived from
them (volumes, pictures) is kept as plain files in the data folder, to be mapped into memory, and can be made again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

from django.conf import settings
from django.core.files import File
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import connection, transaction

from voxelry.dicom.sources import FileSource, Source
from voxelry.server.archive.models import Instance

_CHUNK = 2**20
FORGOTTEN_SECONDS = 24 * 3600


class DataFolderStorage(FileSystemStorage):
    """Files below ``files/`` in the data folder, written aside, flushed, and renamed into place."""

    @property
    def base_location(self) -> str:
        return str(settings.VOXELRY.data / "files")

    @property
    def location(self) -> str:
        return self.base_location

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        # A name is its content's digest: what is there already is the same.
        return name

    def _save(self, name: str, content: File[bytes]) -> str:
        final = Path(self.path(name))
        final.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=temporary_folder(), delete=False) as aside:
            try:
                for chunk in content.chunks(_CHUNK):
                    aside.write(chunk)
                _flush(aside)
                Path(aside.name).replace(final)
            except BaseException:
                Path(aside.name).unlink(missing_ok=True)
                raise
        sync_folder(final.parent)
        return name


@dataclass(frozen=True, slots=True)
class Kept:
    """Bytes in the archive."""

    sha256: str
    size: int


def keep(stream: IO[bytes]) -> Kept:
    """Store bytes under their digest; those that are there already are not written again."""
    digest = hashlib.sha256()
    size = 0
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
        size += len(chunk)
    kept = Kept(digest.hexdigest(), size)
    if not default_storage.exists(stored_name(kept.sha256)):
        stream.seek(0)
        default_storage.save(stored_name(kept.sha256), File(stream))
    return kept


def adopt(path: Path, kept: Kept) -> bool:
    """Take over a file whose digest is known and whose bytes are on disk; False if they are here already.

    Beside the archive's own disk it is renamed into its place.
    """
    name = stored_name(kept.sha256)
    if default_storage.exists(name):
        return False
    try:
        final = Path(default_storage.path(name))
    except NotImplementedError:
        with path.open("rb") as stream:
            default_storage.save(name, File(stream))
        return True
    final.parent.mkdir(parents=True, exist_ok=True)
    path.replace(final)
    return True


def is_kept(sha256: str) -> bool:
    """Whether the bytes are there."""
    return default_storage.exists(stored_name(sha256))


def open_kept(sha256: str) -> BinaryIO:
    """The bytes of an instance."""
    return cast(BinaryIO, default_storage.open(stored_name(sha256)))


@dataclass(frozen=True, slots=True)
class _Remote:
    """An instance at rest where there are no paths, under the name that it came with."""

    sha256: str
    name: str
    size: int

    def open(self) -> BinaryIO:
        return open_kept(self.sha256)

    def head(self, count: int) -> bytes:
        with self.open() as file:
            return file.read(count)


def kept_source(sha256: str, *, name: str, size: int) -> Source:
    """An instance's bytes, called ``name``; on this machine's disk they are read as any file is."""
    try:
        return FileSource(default_storage.path(stored_name(sha256)), name, size)
    except NotImplementedError:
        return _Remote(sha256, name, size)


def discard(digests: Iterable[str]) -> None:
    """Remove bytes that no instance needs any more.

    One transaction each, because an upload of the same bytes may be storing its row just now. SQLite lets one write
    at a time; PostgreSQL has to be told to wait for whoever is writing such rows.
    """
    for sha256 in digests:
        with transaction.atomic():
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute(f"LOCK TABLE {Instance._meta.db_table} IN SHARE MODE")  # noqa: SLF001
            if not Instance.objects.filter(sha256=sha256).exists():
                default_storage.delete(stored_name(sha256))


def temporary_folder() -> Path:
    """For what is not finished; in the data folder, so that finishing it is a rename."""
    folder: Path = settings.VOXELRY.data / "temp"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def remove_forgotten() -> None:
    """Remove what killed processes left in the temporary folder, once nobody can be working on it any more."""
    before = time.time() - FORGOTTEN_SECONDS
    for entry in temporary_folder().iterdir():
        with suppress(FileNotFoundError):
            if entry.stat().st_mtime >= before:
                continue
            if entry.is_dir():
                remove_folder(entry)
            else:
                entry.unlink()


def upload_folder(key: int) -> Path:
    """Where the files of an upload wait for their job."""
    folder: Path = settings.VOXELRY.data / "uploads" / str(key)
    return folder


def stacks_folder(series: int) -> Path:
    """Where the volumes of a series are, one folder for each time they were made."""
    folder: Path = settings.VOXELRY.data / "stacks" / str(series)
    return folder


def remove_folder(folder: Path) -> None:
    """Remove a folder; one that is not there is gone already."""
    shutil.rmtree(folder, ignore_errors=True)


def sync_folder(folder: Path) -> None:
    """Flush a folder's names to disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Flush a folder's files and names to disk, before it gets its final name."""
    for place, _, names in os.walk(folder):
        for name in names:
            with Path(place, name).open("rb") as file:
                os.fsync(file.fileno())
        sync_folder(Path(place))


def _flush(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def stored_name(sha256: str) -> str:
    """Where the bytes of an instance are in Django's storage."""
    return f"instances/{sha256[:2]}/{sha256}"
