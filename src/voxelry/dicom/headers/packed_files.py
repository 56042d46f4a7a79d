"""Zip and gzip archives, read in place.

The entries of an archive are never written to disk under their own names, so a hostile name is harmless; it is refused
nevertheless, because it shows that the archive is hostile. The sizes that an archive declares are upper limits:
Python's zipfile never returns more bytes than an entry declares.
"""

from __future__ import annotations

import gzip
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePosixPath
from typing import IO, BinaryIO, cast
from weakref import finalize

from voxelry.core.errors import (
    ArchiveError,
    DamagedError,
    NestingError,
    PasswordError,
    Problem,
    TooLargeError,
    UnsafePathError,
    VoxelryError,
)
from voxelry.core.progress import Progress, silent
from voxelry.dicom.headers.sources import HEAD_BYTES, OnProblem, Source

SPOOL_BYTES = 32 * 2**20
"""An entry up to this size is expanded in memory, a larger one in an unnamed temporary file."""
_GZIP_START = b"\x1f\x8b\x08"
_ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_ENCRYPTED = 0x1


@dataclass(frozen=True, slots=True, eq=False)
class EntrySource:
    """An entry of a zip archive; the archive stays open as long as one of its entries is in use."""

    archive: zipfile.ZipFile
    entry: zipfile.ZipInfo
    name: str

    @property
    def size(self) -> int:
        return self.entry.file_size

    def open(self) -> BinaryIO:
        with _ArchiveErrors(self.name), self.archive.open(self.entry) as packed:
            return _spooled(packed, self.size)

    def head(self, count: int) -> bytes:
        with _ArchiveErrors(self.name), self.archive.open(self.entry) as packed:
            return packed.read(count)


@dataclass(slots=True)
class ExpansionBudget:
    """How many entries and bytes an archive on disk may still expand to; reduced by each entry."""

    entries: int
    bytes: int


@dataclass(slots=True, eq=False)
class GzipSource:
    """A single file packed with gzip (RFC 1952); it is unpacked each time it is opened.

    Parameters
    ----------
    packed
        The gzip file.
    budget
        How many bytes it may expand to; all files of one archive share a budget.
    """

    packed: Source
    budget: ExpansionBudget
    _size: int = -1

    @property
    def name(self) -> str:
        return self.packed.name

    @property
    def size(self) -> int:
        """Of the content, in bytes; counted, because the size that the file declares may be wrong."""
        if self._size < 0:
            with _ArchiveErrors(self.name), self._unpacked() as content:
                total = 0
                while block := content.read(2**20):
                    total += len(block)
                    if total > self.budget.bytes:
                        raise TooLargeError(
                            f"{self.name}: would expand to more than {self.budget.bytes} bytes from "
                            f"{self.packed.size}: a gzip bomb, or unpack it first"
                        )
            self.budget.bytes -= total
            self._size = total
        return self._size

    def open(self) -> BinaryIO:
        size = self.size
        with _ArchiveErrors(self.name), self._unpacked() as content:
            return _spooled(content, size)

    def head(self, count: int) -> bytes:
        with _ArchiveErrors(self.name), self._unpacked() as content:
            return content.read(count)

    @contextmanager
    def _unpacked(self) -> Iterator[BinaryIO]:
        with self.packed.open() as file, gzip.GzipFile(fileobj=file) as content:
            yield cast(BinaryIO, content)


def _spooled(content: BinaryIO | IO[bytes], size: int) -> BinaryIO:
    if size <= SPOOL_BYTES:
        return BytesIO(content.read(size))
    spool = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - the caller closes it
    shutil.copyfileobj(content, spool, 2**20)
    spool.seek(0)
    return spool


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """Limits on what archives may expand to.

    Parameters
    ----------
    nesting
        How many archives may contain each other; 1 allows no archive in an archive.
    entries
        The largest number of entries of an archive on disk, with the archives in it.
    expanded_bytes
        The largest total size of all entries of an archive on disk.
    ratio, ratio_from
        An archive on disk may expand to ``ratio`` times its size, or to ``ratio_from`` bytes if that is more. Images
        of a single value compress by a factor of 1000, real studies by less than 50.
    """

    nesting: int = 3
    entries: int = 200_000
    expanded_bytes: int = 64 * 2**30
    ratio: float = 100.0
    ratio_from: int = 512 * 2**20


DEFAULT_LIMITS = ArchiveLimits()


def is_packed(head: bytes) -> bool:
    """True if these first bytes begin a zip archive or a gzip file."""
    return is_zip(head) or head.startswith(_GZIP_START)


def expanded(
    source: Source, head: bytes, limits: ArchiveLimits, on_problem: OnProblem, progress: Progress
) -> Iterator[tuple[Source, bytes]]:
    """What a packed file contains, each with its first ``HEAD_BYTES`` bytes; archives in archives are expanded.

    Parameters
    ----------
    head
        The file's first bytes.
    on_problem
        Called for each archive or entry that is refused.
    progress
        Called with the part of a zip archive's entries that is done.
    """
    budget = ExpansionBudget(limits.entries, _expansion_limit(source.size, limits))
    if is_zip(head):
        yield from _open_archive(source, limits, budget, 1, on_problem, progress)
    else:
        yield from _unpacked(source, head, budget, on_problem)


def _expansion_limit(size: int, limits: ArchiveLimits) -> int:
    return min(limits.expanded_bytes, max(limits.ratio_from, int(limits.ratio * size)))


def _unpacked(
    source: Source, head: bytes, budget: ExpansionBudget, on_problem: OnProblem
) -> Iterator[tuple[Source, bytes]]:
    """The file itself, or its content if it is a gzip file."""
    if not head.startswith(_GZIP_START) or head[128:132] == b"DICM":
        yield source, head
        return
    content = GzipSource(source, budget)
    try:
        yield content, content.head(HEAD_BYTES)
    except VoxelryError as error:
        on_problem(source.name, error.problem)


def is_zip(head: bytes) -> bool:
    """True if these first bytes begin a zip archive; False for a DICOM file whose preamble looks like one."""
    return head.startswith(_ZIP_STARTS) and head[128:132] != b"DICM"


def _open_archive(
    source: Source,
    limits: ArchiveLimits,
    budget: ExpansionBudget,
    depth: int,
    on_problem: OnProblem,
    progress: Progress,
) -> Iterator[tuple[Source, bytes]]:
    name = source.name
    try:
        if depth > limits.nesting:
            raise NestingError(
                f"{name}: lies {depth} archives deep; at most {limits.nesting} are opened; unpack it, load it by itself"
            )
        with _ArchiveErrors(name):
            archive = _Archive(source.open())  # closed when the last of its entries is garbage collected
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        if len(entries) > budget.entries:
            raise TooLargeError(f"{name}: holds {len(entries)} entries; {budget.entries} are left of {limits.entries}")
        budget.entries -= len(entries)
    except VoxelryError as error:
        on_problem(name, error.problem)
        return
    if not entries:
        on_problem(name, Problem("empty_archive", f"{name}: the archive holds no files"))
    for done, entry in enumerate(sorted(entries, key=lambda entry: entry.filename)):
        progress(done / len(entries), "reading headers")
        shown = f"{name}/{_printable(entry.filename)}"
        try:
            _check_entry(entry, shown, limits, budget)
            inner = EntrySource(archive, entry, shown)
            head = inner.head(HEAD_BYTES)
        except VoxelryError as error:
            on_problem(shown, error.problem)
            continue
        if is_zip(head):
            yield from _open_archive(inner, limits, budget, depth + 1, on_problem, silent)
        else:
            yield from _unpacked(inner, head, budget, on_problem)


class _Archive(zipfile.ZipFile):
    """A zip archive that closes the file it was opened from, at the latest when it is garbage-collected."""

    def __init__(self, file: BinaryIO) -> None:
        # Not by `ZipFile.__del__` alone: in a circle, such as an error's frames, the file may be collected first.
        self._close_owned = finalize(self, file.close)
        try:
            super().__init__(file)
        except BaseException:
            self._close_owned()
            raise

    def close(self) -> None:
        super().close()
        self._close_owned()


def _check_entry(entry: zipfile.ZipInfo, shown: str, limits: ArchiveLimits, budget: ExpansionBudget) -> None:
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or (path.parts and path.parts[0].endswith(":")):
        raise UnsafePathError(f"{shown}: the entry's path points outside its archive; it was left out")
    if entry.flag_bits & _ENCRYPTED:
        raise PasswordError(f"{shown}: protected by a password; unpack the archive and load what is in it")
    if entry.file_size > budget.bytes:
        raise TooLargeError(
            f"{shown}: would expand to {entry.file_size} bytes from {entry.compress_size}, more than this archive may "
            f"({limits.ratio:g} times its size, at most {limits.expanded_bytes} bytes): a zip bomb, or unpack it first"
        )
    budget.bytes -= entry.file_size


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)


class _ArchiveErrors:
    """Context that turns the exceptions of zipfile and gzip into errors that name the archive."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, NotImplementedError):
            raise ArchiveError(
                f"{self.name}: compressed by a method that cannot be read here (only stored, deflate, bzip2 and lzma); "
                "pack it again as an ordinary zip"
            ) from error
        if isinstance(error, RuntimeError) and "password" in str(error):
            raise PasswordError(f"{self.name}: protected by a password; unpack it and load what is in it") from error
        # zlib, bz2, lzma, struct and zipfile raise different exceptions for damaged bytes.
        if isinstance(error, Exception) and not isinstance(error, VoxelryError | MemoryError):
            raise DamagedError(f"{self.name}: the archive is damaged or cut off; pack or copy it again") from error
