"""The bucket that holds the files at rest if ``storage.url`` names one; the data folder is then its cache.

A file's key is its path in the data folder. A file is in the bucket as a whole before its row is committed. It is
fetched under a temporary name, and renamed when its size and digest are checked.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings

from voxelry.core.errors import Problem
from voxelry.server.archive.at_rest import cache
from voxelry.server.jobs.failures import Away

GRACE_SECONDS = 60.0
"""A file or folder that was used this recently is not evicted: its files may be opened one after the other."""
TRIES = 4
"""How often a request is sent, with pauses of seconds, before the bucket counts as unreachable."""
_CHUNK = 2**20
_LARGE = 8 * 2**20
_THREADS = 16
_DENIED = frozenset(
    {"403", "AccessDenied", "ExpiredToken", "Forbidden", "InvalidAccessKeyId", "InvalidToken", "SignatureDoesNotMatch"}
)
_MISSING = frozenset({"404", "NoSuchKey", "NotFound"})
_T = TypeVar("_T")
_R = TypeVar("_R")

OWNER = "database"
"""The object that names the database which the other objects belong to."""


class Bucket:
    """A bucket of S3, or of a compatible store. Paths are those in the data folder.

    A call that uses the network raises `Away` if the bucket cannot be reached.
    """

    def __init__(self, url: str, endpoint: str, region: str) -> None:
        self.name, _, prefix = url.removeprefix("s3://").partition("/")
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._client = _client(self.name, endpoint, region)
        # The size of the cache is unknown at first, so that the first file fetched or sent has it counted.
        self._added = float("inf")

    def exists(self, path: Path) -> bool:
        """Whether the bucket has a file."""
        with self._in_words():
            try:
                self._client.head_object(Bucket=self.name, Key=self._key(path))
            except self._client.exceptions.ClientError as error:
                if _code(error) in _MISSING:
                    return False
                raise
        return True

    def is_whole(self, path: Path, sha256: str, size: int) -> bool:
        """Whether the bucket has a file of this size and recorded digest."""
        with self._in_words():
            try:
                told = self._client.head_object(Bucket=self.name, Key=self._key(path))
            except self._client.exceptions.ClientError as error:
                if _code(error) in _MISSING:
                    return False
                raise
        return bool(told["ContentLength"] == size and told["Metadata"].get("sha256") == sha256)

    def existing(self, paths: Iterable[Path]) -> set[Path]:
        """Those of the files that the bucket has; the requests run in parallel."""
        wanted = list(paths)
        return {path for path, there in zip(wanted, _side_by_side(self.exists, wanted), strict=True) if there}

    def put(self, source: Path, path: Path) -> None:
        """Send a file; when this returns, the bucket has the whole file."""
        digest = hashlib.sha256()
        with source.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
            size = file.tell()
            file.seek(0)
            told = {"Metadata": {"sha256": digest.hexdigest()}}
            with self._in_words():
                if size < _LARGE:
                    self._client.put_object(Bucket=self.name, Key=self._key(path), Body=file, **told)
                else:
                    self._client.upload_fileobj(file, self.name, self._key(path), ExtraArgs=told)
        self._count(size)

    def put_tree(self, source: Path, folder: Path) -> None:
        """Send all files below a folder."""
        files = [Path(place, name).relative_to(source) for place, _, names in os.walk(source) for name in names]
        _side_by_side(lambda file: self.put(source / file, folder / file), files)

    def put_all(self, made: Mapping[Path, Path]) -> None:
        """Send files; the keys are their paths in the data folder. The requests run in parallel."""
        _side_by_side(lambda path: self.put(made[path], path), made)

    def fetch(self, path: Path) -> None:
        """Fetch a file into the cache, unless it is there.

        Raises
        ------
        FileNotFoundError
            If the bucket does not have it.
        OSError
            If its bytes are not those that were sent.
        """
        with cache.lock_of(path):
            if cache.touch_if_cached(path):
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            aside = cache.aside_path()
            try:
                size = self._download(self._key(path), aside, path)
                cache.stamp(aside)
                aside.replace(path)
            finally:
                aside.unlink(missing_ok=True)
        self._count(size)

    def fetch_all(self, paths: Iterable[Path]) -> None:
        """Fetch files into the cache; one that the bucket does not have raises when it is opened."""

        def fetch(path: Path) -> None:
            with suppress(FileNotFoundError):
                self.fetch(path)

        _side_by_side(fetch, [path for path in paths if not path.exists()])

    def fetch_folder(self, folder: Path) -> None:
        """Fetch a folder with all its files into the cache, if the bucket has any of them."""
        with cache.lock_of(folder):
            if cache.touch_if_cached(folder):
                return
            keys = [key for key, _ in self._listed(f"{self._key(folder)}/")]
            if not keys:
                return
            aside = cache.aside_path()
            try:
                targets = [aside / key.removeprefix(f"{self._key(folder)}/") for key in keys]
                for place in {target.parent for target in targets}:
                    place.mkdir(parents=True, exist_ok=True)
                sizes = _side_by_side(
                    lambda one: self._download(one[0], one[1], one[1]), zip(keys, targets, strict=True)
                )
                folder.parent.mkdir(parents=True, exist_ok=True)
                cache.stamp(aside)
                try:
                    aside.replace(folder)
                except OSError as error:  # another process fetched the same files first
                    if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                        raise
            finally:
                shutil.rmtree(aside, ignore_errors=True)
        self._count(sum(sizes))

    def remove(self, paths: Iterable[Path]) -> None:
        """Remove files; a missing one is no error."""
        self._remove([self._key(path) for path in paths])

    def remove_folder(self, folder: Path, *, but: str = "") -> None:
        """Remove all files below a folder, except those below its subfolder ``but``."""
        top = f"{self._key(folder)}/"
        self._remove([key for key, _ in self._listed(top) if not but or not key.startswith(f"{top}{but}/")])

    def _remove(self, keys: Sequence[str]) -> None:
        for start in range(0, len(keys), 1000):
            wanted = [{"Key": key} for key in keys[start : start + 1000]]
            with self._in_words():
                self._client.delete_objects(Bucket=self.name, Delete={"Objects": wanted, "Quiet": True})

    def is_of(self, database: str) -> bool:
        """Whether the objects belong to this database; the first database that asks becomes their owner."""
        key = f"{self._prefix}{OWNER}"
        with self._in_words():
            try:
                with self._client.get_object(Bucket=self.name, Key=key)["Body"] as body:
                    return bool(body.read(len(database) + 1) == database.encode())
            except self._client.exceptions.ClientError as error:
                if _code(error) not in _MISSING:
                    raise
            self._client.put_object(Bucket=self.name, Key=key, Body=database.encode())
        return True

    def listed(self, folder: Path) -> list[tuple[str, float]]:
        """The files below a folder, relative to it, with the time at which each was sent (seconds since 1970)."""
        top = f"{self._key(folder)}/"
        return [(key.removeprefix(top), sent) for key, sent in self._listed(top)]

    def move(self, path: Path, target: Path) -> None:
        """Move a file to another path."""
        with self._in_words():
            source = {"Bucket": self.name, "Key": self._key(path)}
            self._client.copy(source, self.name, self._key(target))
        self._remove([self._key(path)])

    def digest(self, path: Path) -> str | None:
        """The SHA-256 of a file's bytes, read from the bucket; None if it does not have the file."""
        found = hashlib.sha256()
        with self._in_words():
            try:
                answer = self._client.get_object(Bucket=self.name, Key=self._key(path))
            except self._client.exceptions.ClientError as error:
                if _code(error) in _MISSING:
                    return None
                raise
            with answer["Body"] as body:
                while chunk := body.read(_CHUNK):
                    found.update(chunk)
        return found.hexdigest()

    def sent_before(self, folder: Path, before: float) -> list[str]:
        """The files below a folder, relative to it, that were sent before a time (seconds since 1970)."""
        return [place for place, sent in self.listed(folder) if sent < before]

    def _listed(self, prefix: str) -> list[tuple[str, float]]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        with self._in_words():
            return [(one["Key"], one["LastModified"].timestamp()) for page in pages for one in page.get("Contents", ())]

    def _download(self, key: str, target: Path, path: Path) -> int:
        digest = hashlib.sha256()
        with self._in_words():
            try:
                answer = self._client.get_object(Bucket=self.name, Key=key)
            except self._client.exceptions.ClientError as error:
                if _code(error) in _MISSING:
                    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path)) from None
                raise
            with answer["Body"] as body, target.open("wb") as file:
                while chunk := body.read(_CHUNK):
                    digest.update(chunk)
                    file.write(chunk)
                size = file.tell()
                # Flushed before it is renamed: after a loss of power no file may have its final name and fewer bytes.
                file.flush()
                os.fsync(file.fileno())
        # Instances and results are named by their digest.
        wanted = path.name if len(path.name) == len(digest.hexdigest()) else answer["Metadata"].get("sha256", "")
        if size != answer["ContentLength"] or wanted not in ("", digest.hexdigest()):
            raise OSError(errno.EIO, "the bucket holds other bytes than were stored", str(path))
        return size

    def _key(self, path: Path) -> str:
        return f"{self._prefix}{path.relative_to(settings.VOXELRY.data).as_posix()}"

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

        try:
            yield
        except ClientError as error:
            code = _code(error)
            if code == "NoSuchBucket":
                words = f"there is no bucket {self.name!r}"
            elif code in _DENIED:
                words = f"access to the bucket {self.name!r} is denied ({code})"
            else:
                words = f"the bucket {self.name!r} cannot be used ({code})"
            raise _away(words) from error
        except (NoCredentialsError, PartialCredentialsError) as error:
            raise _away(f"there are no credentials for the bucket {self.name!r}") from error
        except BotoCoreError as error:
            raise _away(f"the bucket {self.name!r} cannot be reached ({type(error).__name__})") from error

    # --- the cache ---

    def _count(self, size: int) -> None:
        """Shrink the cache after enough new bytes; not each time, because counting reads all of its names."""
        self._added += size
        limit = settings.VOXELRY.storage_cache_bytes
        if limit and self._added > limit / 16:
            self._added = 0.0
            with suppress(Away):  # later, then
                self.shrink(limit)

    def shrink(self, limit: int) -> None:
        """Evict files until the cache holds at most this many bytes.

        The least recently used go first. Files that the bucket does not have, or that were just used, stay. A process
        that has an evicted file open can read on.
        """
        now = time.time()
        units = sorted(cache.units(settings.VOXELRY.data))
        total = sum(size for _, size, _ in units)
        for used, size, path in units:
            if total <= limit or used > now - GRACE_SECONDS:
                return
            if self._has(path):
                cache.evict(path)
                total -= size

    def _has(self, path: Path) -> bool:
        if not path.is_dir():
            return self.exists(path)
        top = f"{self._key(path)}/"
        there = {key.removeprefix(top) for key, _ in self._listed(top)}
        return all(
            Path(place, name).relative_to(path).as_posix() in there
            for place, _, names in os.walk(path)
            for name in names
        )


def bucket() -> Bucket | None:
    """The site's bucket; None if the files at rest are in the data folder."""
    told = settings.VOXELRY
    return _bucket(told.storage_url, told.storage_endpoint, told.storage_region) if told.storage_url else None


@lru_cache(maxsize=8)
def _bucket(url: str, endpoint: str, region: str) -> Bucket:
    return Bucket(url, endpoint, region)


def _client(name: str, endpoint: str, region: str) -> Any:
    """One client for all threads, with the credentials that django-storages finds: its settings, or the environment."""
    try:
        from botocore.config import Config
        from storages.backends.s3 import S3Storage
    except ImportError as error:
        raise _away("storage.url needs the extra s3: pip install 'voxelry[server,s3]'") from error
    config = Config(
        connect_timeout=5,
        read_timeout=60,
        max_pool_connections=2 * _THREADS,
        retries={"mode": "standard", "total_max_attempts": TRIES},
        # Compatible stores have an endpoint of their own, and some do not support the newer checksums.
        s3={"addressing_style": "path"} if endpoint else {},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    storage = S3Storage(
        bucket_name=name, endpoint_url=endpoint or None, region_name=region or None, client_config=config
    )
    return storage.connection.meta.client


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _away(words: str) -> Away:
    return Away(Problem(Away.code, f"the files at rest cannot be used: {words}"))


def _side_by_side(do: Callable[[_T], _R], items: Iterable[_T]) -> list[_R]:
    items = list(items)
    if len(items) < 2:
        return [do(item) for item in items]
    with ThreadPoolExecutor(min(_THREADS, len(items))) as pool:
        try:
            return list(pool.map(do, items))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
