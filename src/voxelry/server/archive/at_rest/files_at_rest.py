"""Files at rest. Names hold keys and digests only; a file gets its final name when it is written and flushed.

They are plain files in the data folder, which can be mapped into memory. If ``storage.url`` names a bucket, they are at
rest there, and the data folder is its cache (`object_store`). Callers of this module need not know which.
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
from voxelry.server.archive.at_rest import flushing, integrity, object_store
from voxelry.server.archive.at_rest.holdings import needed_digests, stored_name
from voxelry.server.archive.models import Instance, Upload
from voxelry.server.jobs.failures import Away

logger = logging.getLogger(__name__)

_CHUNK = 2**20
_ROWS = 500


class DataFolderStorage(FileSystemStorage):
    """Files below ``files/`` in the data folder, written to a temporary name, flushed and renamed."""

    @property
    def base_location(self) -> str:
        return str(settings.VOXELRY.data / "files")

    @property
    def location(self) -> str:
        return self.base_location

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        # A name is the digest of the content: an existing file is the same.
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
    """Bytes in the archive; ``mended`` is True if the project had them, and they were damaged or missing."""

    sha256: str
    size: int
    mended: bool = False


@dataclass(frozen=True, slots=True)
class Aside:
    """Flushed bytes in the temporary folder, with their digest.

    Attributes
    ----------
    is_known
        Whether an instance of the same project has the bytes: they are then kept only if those are damaged. Otherwise
        they are kept in any case, so that the work done does not depend on what other projects have.
    """

    path: Path
    sha256: str
    size: int
    is_known: bool = False


def keep_all(asides: Iterable[Aside]) -> list[Kept]:
    """Give files their final names under their digests; what became of each, in order.

    Of several with the same bytes the first is kept.
    """
    kept: list[Kept] = []
    finals: dict[Path, Path] = {}
    for aside in asides:
        name = stored_name(aside.sha256)
        final = Path(default_storage.path(name))
        if final in finals or (
            aside.is_known and default_storage.exists(name) and integrity.is_whole(name, aside.sha256, aside.size)
        ):
            kept.append(Kept(aside.sha256, aside.size))
        else:
            kept.append(Kept(aside.sha256, aside.size, mended=aside.is_known))
            finals[final] = aside.path
    if finals:
        _make_folders()
    if (bucket := object_store.bucket()) is not None:
        bucket.put_all(finals)
    for final, path in finals.items():
        flushing.make_folder(final.parent)
        path.replace(final)
        path.unlink(missing_ok=True)  # a link to what was there is left by the renaming
    flushing.sync_folders(final.parent for final in finals)
    return kept


def _make_folders() -> None:
    """Make all folders of instances at once: one that is made for a file would tell that it is the first in there."""
    home = Path(default_storage.path("instances"))
    if not (home / "ff").exists():
        flushing.make_folder(home)
        for number in range(256):
            (home / f"{number:02x}").mkdir(exist_ok=True)
        flushing.sync_folder(home)


def adopt(made: Mapping[Path, Kept]) -> Iterator[str]:
    """Store flushed files whose digests are known; yields the digest of each that the archive did not have.

    Files on the data folder's disk are renamed, not copied; also if other projects have the same bytes, so that the
    work does not depend on that.
    """
    finals = {path: Path(default_storage.path(stored_name(kept.sha256))) for path, kept in made.items()}
    bucket = object_store.bucket()
    here = (
        {final for final in finals.values() if final.exists()} if bucket is None else bucket.existing(finals.values())
    )
    _make_folders()
    for path, final in finals.items():
        if bucket is not None and final not in here:
            bucket.put(path, final)
        flushing.make_folder(final.parent)
        path.replace(final)
        if final not in here:
            here.add(final)
            yield made[path].sha256
    flushing.sync_folders(final.parent for final in here)


def send_ahead(made: Mapping[str, Path]) -> None:
    """Send files to the bucket under these names, before the transaction that writes their rows.

    Without a bucket this does nothing; `adopt` stores the files.
    """
    if (bucket := object_store.bucket()) is not None:
        bucket.put_all({Path(default_storage.path(name)): path for name, path in made.items()})


def is_kept(sha256: str) -> bool:
    """Whether the archive has the bytes."""
    return is_stored(stored_name(sha256))


def is_stored(name: str) -> bool:
    """Whether a file of this name is at rest."""
    return default_storage.exists(name)


def size_of(name: str) -> int:
    """The size of a file at rest, in bytes."""
    with default_storage.open(name) as file:
        return int(file.seek(0, os.SEEK_END))


def are_kept(digests: Iterable[str]) -> bool:
    """Whether the archive has all of these bytes."""
    bucket = object_store.bucket()
    if bucket is None:
        return all(is_kept(sha256) for sha256 in digests)
    paths = {Path(default_storage.path(stored_name(sha256))) for sha256 in digests}
    return bucket.existing(paths) == paths


def bring(digests: Iterable[str]) -> None:
    """Fetch bytes to this machine's disk, before they are read one after the other."""
    if (bucket := object_store.bucket()) is not None:
        bucket.fetch_all(Path(default_storage.path(stored_name(sha256))) for sha256 in digests)


def chunks(file: IO[bytes], start: int, stop: int) -> Iterator[bytes]:
    """The bytes of an open file from ``start`` to before ``stop``, in chunks."""
    file.seek(start)
    while start < stop and (chunk := file.read(min(_CHUNK, stop - start))):
        start += len(chunk)
        yield chunk


def open_kept(sha256: str) -> BinaryIO:
    """The bytes of an instance."""
    return cast(BinaryIO, default_storage.open(stored_name(sha256)))


@dataclass(frozen=True, slots=True)
class _Remote:
    """An instance in a bucket, which is fetched when it is opened if the cache does not have it."""

    sha256: str
    name: str
    size: int

    def open(self) -> BinaryIO:
        return open_kept(self.sha256)

    def head(self, count: int) -> bytes:
        with self.open() as file:
            return file.read(count)


def kept_source(sha256: str, *, name: str, size: int) -> Source:
    """The bytes of an instance as a source called ``name``."""
    if object_store.bucket() is not None:
        return _Remote(sha256, name, size)
    return FileSource(default_storage.path(stored_name(sha256)), name, size)


def discard(digests: Iterable[str]) -> None:
    """Remove those of the bytes that no instance needs.

    In one transaction each, because an upload of the same bytes may be writing its row now; with a bucket, which is
    slower, in one for many. SQLite allows one writer at a time; on PostgreSQL the transaction waits for writers of such
    rows.
    """
    waiting = list(digests)
    at_once = _ROWS if object_store.bucket() is not None else 1
    for start in range(0, len(waiting), at_once):
        some = waiting[start : start + at_once]
        with transaction.atomic():
            wait_for_writers()
            needed = needed_digests(some)
            _delete([stored_name(sha256) for sha256 in some if sha256 not in needed])


def wait_for_writers(*, writing: bool = False) -> None:
    """Keep others from writing rows of instances and uploads until the transaction ends.

    Parameters
    ----------
    writing
        True if the transaction writes such rows itself: two of them would then wait for each other.
    """
    if connection.vendor == "postgresql":
        tables = ", ".join(model._meta.db_table for model in (Instance, Upload))  # noqa: SLF001
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {tables} IN SHARE {'ROW EXCLUSIVE ' if writing else ''}MODE")


def _delete(names: list[str]) -> None:
    paths = [Path(default_storage.path(name)) for name in names]
    for path in paths:
        path.unlink(missing_ok=True)
    with _if_reached() as bucket:
        if bucket is not None:
            bucket.remove(paths)


def temporary_folder() -> Path:
    """The folder for unfinished files; in the data folder, so that a rename finishes them."""
    folder: Path = settings.VOXELRY.data / "temp"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def upload_folder(key: int) -> Path:
    """The folder in which the files of an upload wait for their job."""
    folder: Path = settings.VOXELRY.data / "uploads" / str(key)
    return folder


def waiting_name(position: int) -> str:
    """The name of a file in the folder of its upload."""
    return f"{position:06d}"


def send(path: Path, final: Path) -> None:
    """Send a flushed file to the bucket; without one this does nothing."""
    if (bucket := object_store.bucket()) is not None:
        bucket.put(path, final)


def stacks_folder(series: int) -> Path:
    """The folder of a series' volumes, with a subfolder for each build."""
    folder: Path = settings.VOXELRY.data / "stacks" / str(series)
    return folder


def place_folder(aside: Path, folder: Path) -> None:
    """Give a finished and flushed folder its final name."""
    if (bucket := object_store.bucket()) is not None:
        bucket.put_tree(aside, folder)
    flushing.make_folder(folder.parent)
    aside.replace(folder)
    flushing.sync_folder(folder.parent)


def near(path: Path) -> Path:
    """Fetch a file to this machine's disk, if it exists; returns the same path."""
    if (bucket := object_store.bucket()) is not None:
        with suppress(FileNotFoundError):
            bucket.fetch(path)
    return path


def near_folder(folder: Path) -> Path:
    """Fetch a folder with all its files to this machine's disk, if it exists; returns the same path."""
    if (bucket := object_store.bucket()) is not None:
        bucket.fetch_folder(folder)
    return folder


def hand_over(folder: Path) -> None:
    """Move a folder to the bucket, for processes of other machines. Does nothing without a bucket."""
    if (bucket := object_store.bucket()) is not None:
        bucket.put_tree(folder, folder)
        shutil.rmtree(folder, ignore_errors=True)


def is_shared() -> bool:
    """Whether files at rest are in a bucket: sending files may then take long, and belongs outside of a transaction."""
    return object_store.bucket() is not None


def remove_folder(folder: Path) -> None:
    """Remove a folder; a missing one is no error."""
    shutil.rmtree(folder, ignore_errors=True)
    with _if_reached() as bucket:
        if bucket is not None and temporary_folder() not in folder.parents:
            bucket.remove_folder(folder)


def remove_others(home: Path, folder: str) -> None:
    """Remove all folders in ``home`` except this one."""
    for other in home.iterdir():
        if other.name != folder:
            shutil.rmtree(other, ignore_errors=True)
    with _if_reached() as bucket:
        if bucket is not None:
            bucket.remove_folder(home, but=folder)


@contextmanager
def _if_reached() -> Iterator[object_store.Bucket | None]:
    """The bucket, for removing files without a row: if it cannot be reached, `check` finds them later."""
    try:
        yield object_store.bucket()
    except Away as error:
        logger.warning("files without rows stay for now: %s", error)
