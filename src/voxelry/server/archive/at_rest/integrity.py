"""Checks files at rest against the SHA-256 that they were stored under."""

from __future__ import annotations

import errno
import hashlib
import zlib
from pathlib import Path
from typing import IO, ClassVar

from django.conf import settings
from django.core.files.storage import default_storage

from voxelry.core.errors import VoxelryError
from voxelry.server.archive.at_rest import cache, object_store

_CHUNK = 2**20


class DamagedAtRestError(VoxelryError):
    """A file at rest is missing, or its bytes are not those that were stored."""

    code: ClassVar[str] = "damaged_original"


def sha256_and_size(stream: IO[bytes]) -> tuple[str, int]:
    """The SHA-256 and the number of the bytes from the stream's position to its end."""
    found, size = hashlib.sha256(), 0
    while chunk := stream.read(_CHUNK):
        found.update(chunk)
        size += len(chunk)
    return found.hexdigest(), size


def is_whole(name: str, sha256: str, size: int, *, thoroughly: bool = False) -> bool:
    """Whether a file at rest has this digest and size. A cached copy that has not is removed.

    Parameters
    ----------
    thoroughly
        Read the bytes in a bucket, instead of asking it for the digest that it recorded.
    """
    path = Path(default_storage.path(name))
    bucket = object_store.bucket()
    if bucket is None:
        return _has(path, sha256, size)
    if path.exists() and not _has(path, sha256, size):
        cache.evict(path)
    return bucket.digest(path) == sha256 if thoroughly else bucket.is_whole(path, sha256, size)


def checked_crc(name: str, sha256: str) -> int:
    """The CRC-32 of a file at rest, read once and checked against its SHA-256.

    Raises
    ------
    DamagedAtRestError
        If the bytes are missing or have another SHA-256.
    """
    found = _crc(name, sha256)
    if found is None and object_store.bucket() is not None:
        cache.evict(Path(default_storage.path(name)))  # only the cached copy may be damaged
        found = _crc(name, sha256)
    if found is None:
        raise DamagedAtRestError(
            f"files/{name}: its bytes are no longer those that were stored (their SHA-256 differs), or are gone; "
            "send the file again, or bring it back from a copy"
        )
    return found


def _crc(name: str, sha256: str) -> int | None:
    found, crc = hashlib.sha256(), 0
    try:
        with default_storage.open(name) as file:
            while chunk := file.read(_CHUNK):
                found.update(chunk)
                crc = zlib.crc32(chunk, crc)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.EIO) or not settings.VOXELRY.data.is_dir():
            raise
        return None
    return crc if found.hexdigest() == sha256 else None


def _has(path: Path, sha256: str, size: int) -> bool:
    try:
        if path.stat().st_size != size:
            return False
        with path.open("rb") as file:
            return sha256_and_size(file) == (sha256, size)
    except OSError:
        return False
