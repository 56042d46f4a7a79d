"""Files at rest. Names hold keys and digests only; nothing half-written bears a final name.

All of them are plain files in the data folder, to be mapped into memory. Where ``storage.url`` names a bucket, they are
at rest there, and the data folder is a cache of it (`objects`): who asks this module for a file need not know.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

from django.conf import settings
from django.core.files import File
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import connection, transaction

from voxelry.dicom.headers.sources import FileSource, Source
from voxelry.server.archive import flushing, integrity, object_store
from voxelry.server.archive.holdings import stored_name
from voxelry.server.archive.models import Instance, Upload
from voxelry.server.jobs.failures import Away

logger = logging.getLogger(__name__)

_CHUNK = 2**20
_ROWS = 500


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
        flushing.make_folder(final.parent)
        with tempfile.NamedTemporaryFile(dir=temporary_folder(), delete=False) as aside:
            try:
                for chunk in content.chunks(_CHUNK):
                    aside.write(chunk)
                flushing.flush(aside)
                if (bucket := object_store.bucket()) is not None:
                    bucket.put(Path(aside.name), final)
                Path(aside.name).replace(final)
            except BaseException:
                Path(aside.name).unlink(missing_ok=True)
                raise
        flushing.sync_folder(final.parent)
        return name

    def open(self, name: str, mode: str = "rb") -> File[bytes]:
        if (bucket := object_store.bucket()) is not None:
            bucket.fetch(Path(self.path(name)))
        return super().open(name, mode)

    def exists(self, name: str) -> bool:
        bucket = object_store.bucket()
        return super().exists(name) if bucket is None else bucket.exists(Path(self.path(name)))

    def delete(self, name: str) -> None:
        super().delete(name)
        with _if_reached() as bucket:
            if bucket is not None:
                bucket.remove([Path(self.path(name))])


@dataclass(frozen=True, slots=True)
class Kept:
    """Bytes in the archive; whether they were written just now, or were there, and whole, already."""

    sha256: str
    size: int
    written: bool = False


def keep(stream: IO[bytes]) -> Kept:
    """Store bytes under their digest; those that are there already are written again only where they are damaged."""
    sha256, size = integrity.digest(stream)
    if default_storage.exists(stored_name(sha256)) and integrity.is_whole(stored_name(sha256), sha256, size):
        return Kept(sha256, size)
    stream.seek(0)
    default_storage.save(stored_name(sha256), File(stream))
    return Kept(sha256, size, written=True)


def adopt(made: Mapping[Path, Kept]) -> Iterator[str]:
    """Take over files whose digests are known and whose bytes are on disk: the digest of each that was not here.

    Beside the archive's own disk they are renamed into their places.
    """
    finals = {path: Path(default_storage.path(stored_name(kept.sha256))) for path, kept in made.items()}
    bucket = object_store.bucket()
    here = (
        {final for final in finals.values() if final.exists()} if bucket is None else bucket.existing(finals.values())
    )
    for path, final in finals.items():
        if bucket is not None and final not in here:
            bucket.put(path, final)
        if bucket is not None or final not in here:
            flushing.make_folder(final.parent)
            path.replace(final)
        if final not in here:
            here.add(final)
            yield made[path].sha256
    flushing.sync_folders(final.parent for final in here)


def send_ahead(made: Mapping[str, Path]) -> None:
    """Have files at rest under these names before the transaction that gives them rows, where that takes time.

    In the data folder it takes none, and there `adopt` does it all.
    """
    if (bucket := object_store.bucket()) is not None:
        bucket.put_missing({Path(default_storage.path(name)): path for name, path in made.items()})


def is_kept(sha256: str) -> bool:
    """Whether the bytes are there."""
    return is_stored(stored_name(sha256))


def is_stored(name: str) -> bool:
    """Whether there is a file of this name at rest."""
    return default_storage.exists(name)


def size_of(name: str) -> int:
    """How many bytes a file at rest has."""
    with default_storage.open(name) as file:
        return int(file.seek(0, os.SEEK_END))


def are_kept(digests: Iterable[str]) -> bool:
    """Whether all of these bytes are there."""
    bucket = object_store.bucket()
    if bucket is None:
        return all(is_kept(sha256) for sha256 in digests)
    paths = {Path(default_storage.path(stored_name(sha256))) for sha256 in digests}
    return bucket.existing(paths) == paths


def bring(digests: Iterable[str]) -> None:
    """Have bytes on this machine's disk that will be read one after the other."""
    if (bucket := object_store.bucket()) is not None:
        bucket.fetch_all(Path(default_storage.path(stored_name(sha256))) for sha256 in digests)


def chunks(file: IO[bytes], start: int, stop: int) -> Iterator[bytes]:
    """A part of an open file."""
    file.seek(start)
    while start < stop and (chunk := file.read(min(_CHUNK, stop - start))):
        start += len(chunk)
        yield chunk


def open_kept(sha256: str) -> BinaryIO:
    """The bytes of an instance."""
    return cast(BinaryIO, default_storage.open(stored_name(sha256)))


@dataclass(frozen=True, slots=True)
class _Remote:
    """An instance that may have to be fetched each time it is opened, under the name that it came with."""

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
    if object_store.bucket() is not None:
        return _Remote(sha256, name, size)
    return FileSource(default_storage.path(stored_name(sha256)), name, size)


def discard(digests: Iterable[str]) -> None:
    """Remove bytes that no instance needs any more.

    One transaction each, because an upload of the same bytes may be storing its row just now; of a bucket, which takes
    its time, one for many. SQLite lets one write at a time; PostgreSQL has to be told to wait for whoever is writing
    such rows.
    """
    waiting = list(digests)
    at_once = _ROWS if object_store.bucket() is not None else 1
    for start in range(0, len(waiting), at_once):
        some = waiting[start : start + at_once]
        with transaction.atomic():
            wait_for_writers()
            needed = set(Instance.objects.filter(sha256__in=some).values_list("sha256", flat=True))
            _delete([stored_name(sha256) for sha256 in some if sha256 not in needed])


def wait_for_writers() -> None:
    """In a transaction: until it ends nobody writes the row of an instance, or of an upload."""
    if connection.vendor == "postgresql":
        tables = ", ".join(model._meta.db_table for model in (Instance, Upload))  # noqa: SLF001
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {tables} IN SHARE MODE")


def _delete(names: list[str]) -> None:
    paths = [Path(default_storage.path(name)) for name in names]
    for path in paths:
        path.unlink(missing_ok=True)
    with _if_reached() as bucket:
        if bucket is not None:
            bucket.remove(paths)


def temporary_folder() -> Path:
    """For what is not finished; in the data folder, so that finishing it is a rename."""
    folder: Path = settings.VOXELRY.data / "temp"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def upload_folder(key: int) -> Path:
    """Where the files of an upload wait for their job."""
    folder: Path = settings.VOXELRY.data / "uploads" / str(key)
    return folder


def stacks_folder(series: int) -> Path:
    """Where the volumes of a series are, one folder for each time they were made."""
    folder: Path = settings.VOXELRY.data / "stacks" / str(series)
    return folder


def place_folder(aside: Path, folder: Path) -> None:
    """Give a folder that is whole, and flushed, its final name."""
    if (bucket := object_store.bucket()) is not None:
        bucket.put_tree(aside, folder)
    flushing.make_folder(folder.parent)
    aside.replace(folder)
    flushing.sync_folder(folder.parent)


def near(path: Path) -> Path:
    """The same path, once the file is on this machine's disk, if there is such a file."""
    if (bucket := object_store.bucket()) is not None:
        with suppress(FileNotFoundError):
            bucket.fetch(path)
    return path


def near_folder(folder: Path) -> Path:
    """The same path, once the folder and all in it is on this machine's disk, if there is such a folder."""
    if (bucket := object_store.bucket()) is not None:
        bucket.fetch_folder(folder)
    return folder


def hand_over(folder: Path) -> None:
    """Have a folder at rest that the process of another machine may need; there, and no longer here."""
    if (bucket := object_store.bucket()) is not None:
        bucket.put_tree(folder, folder)
        shutil.rmtree(folder, ignore_errors=True)


def is_shared() -> bool:
    """Whether files at rest are elsewhere, so that what sends them should hold no transaction meanwhile."""
    return object_store.bucket() is not None


def remove_folder(folder: Path) -> None:
    """Remove a folder; one that is not there is gone already."""
    shutil.rmtree(folder, ignore_errors=True)
    with _if_reached() as bucket:
        if bucket is not None and temporary_folder() not in folder.parents:
            bucket.remove_folder(folder)


def remove_others(home: Path, folder: str) -> None:
    """Remove the folders in ``home`` but this one."""
    for other in home.iterdir():
        if other.name != folder:
            shutil.rmtree(other, ignore_errors=True)
    with _if_reached() as bucket:
        if bucket is not None:
            bucket.remove_folder(home, but=folder)


@contextmanager
def _if_reached() -> Iterator[object_store.Bucket | None]:
    """For removing what has no row any more: if it cannot be done now, `check` finds it later."""
    try:
        yield object_store.bucket()
    except Away as error:
        logger.warning("files without rows stay for now: %s", error)
