"""Where bytes come from: files, folders and zip archives, read in place.

An archive's entries are never written under their own names, so a hostile name has nowhere to go; it is
refused all the same, because no honest archive holds one. What an archive says of its sizes is believed
only downwards: Python's zipfile never yields more than an entry declares.
"""

from __future__ import annotations

import gzip
import os
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePosixPath
from typing import IO, BinaryIO, Protocol, cast

from voxelry.core.errors import (
    ArchiveError,
    DamagedError,
    NestingError,
    NothingFoundError,
    PasswordError,
    Problem,
    TooLargeError,
    UnsafePathError,
    VoxelryError,
)
from voxelry.core.progress import Progress, part, silent

StrPath = str | os.PathLike[str]
OnProblem = Callable[[str, Problem], None]

SPOOL_BYTES = 32 * 2**20
"""An archive's entry up to this size is expanded in memory, a larger one in a nameless temporary file."""
HEAD_BYTES = 8192
"""Most headers end within so many bytes."""
_HEAD = 132
_OPENING = os.O_CLOEXEC | os.O_NONBLOCK if os.name == "posix" else os.O_BINARY  # type: ignore[attr-defined]
_GZIP_START = b"\x1f\x8b\x08"
_ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_ENCRYPTED = 0x1


class Source(Protocol):
    """Bytes with a name for people: ``folder/a.dcm`` or ``archive.zip/inner/a.dcm``."""

    @property
    def name(self) -> str: ...
    @property
    def size(self) -> int: ...
    def open(self) -> BinaryIO:
        """The bytes from the start, seekable."""

    def head(self, count: int) -> bytes:
        """The first ``count`` bytes, or all if there are fewer, without reading the rest."""


@dataclass(frozen=True, slots=True)
class FileSource:
    """A file on disk."""

    path: str
    name: str
    size: int

    @classmethod
    def of(cls, path: StrPath, name: str | None = None) -> FileSource:
        """The file at ``path``, shown to people as ``name``."""
        return cls(os.fspath(path), str(path) if name is None else name, os.stat(path).st_size)  # noqa: PTH116

    def open(self) -> BinaryIO:
        return open(self.path, "rb")  # noqa: PTH123 - thousands of them: a Path for each costs more than reading

    def head(self, count: int) -> bytes:
        return _first_bytes(self.path, count)


def _first_bytes(path: str, count: int) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | _OPENING)
    try:
        return os.read(descriptor, count)
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class HeldSource:
    """Bytes in memory, under the name of the file that they come from."""

    name: str
    content: bytes

    @property
    def size(self) -> int:
        return len(self.content)

    def open(self) -> BinaryIO:
        return BytesIO(self.content)

    def head(self, count: int) -> bytes:
        return self.content[:count]


@dataclass(frozen=True, slots=True, eq=False)
class EntrySource:
    """An entry of a zip archive that stays open as long as its entries are in use."""

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
class Budget:
    """How many entries and bytes an archive on disk may still give."""

    entries: int
    bytes: int


@dataclass(slots=True, eq=False)
class GzipSource:
    """A file that is packed by itself (RFC 1952); it is unpacked each time it is opened.

    Parameters
    ----------
    packed
        The file as it lies there.
    budget
        How many bytes it may expand to; shared by all that lie in one archive.
    """

    packed: Source
    budget: Budget
    _size: int = -1

    @property
    def name(self) -> str:
        return self.packed.name

    @property
    def size(self) -> int:
        """Of the content; what the file itself says of it is no more than a claim, so that it is counted."""
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
class Limits:
    """What archives may ask of this machine.

    Parameters
    ----------
    nesting
        How deep archives may lie in archives; 1 is an archive by itself.
    entries
        How many entries all archives of one path may hold.
    expanded_bytes
        How much all entries of one archive on disk may come to.
    ratio, ratio_from
        An archive on disk may not expand to more than ``ratio`` times its size, once that is above
        ``ratio_from`` bytes. Images of one value compress a thousandfold, honest studies below fiftyfold.
    """

    nesting: int = 3
    entries: int = 200_000
    expanded_bytes: int = 64 * 2**30
    ratio: float = 100.0
    ratio_from: int = 512 * 2**20


DEFAULT_LIMITS = Limits()


def walk(
    path: StrPath, *, on_problem: OnProblem, limits: Limits = DEFAULT_LIMITS, name: str | None = None
) -> Iterator[Source]:
    """Every file below a path, archives opened, in the order of their names.

    Parameters
    ----------
    path
        A file, a folder at any depth, or a zip archive; archives are known by content.
    on_problem
        Told the name and the reason of each archive or entry that is refused; the walk goes on.
    name
        What to call the path in names and messages, where people know it by another.

    Raises
    ------
    NothingFoundError
        If the path does not exist.
    """
    return (source for source, _ in scan(path, on_problem=on_problem, limits=limits, name=name))


def scan(
    path: StrPath,
    *,
    on_problem: OnProblem,
    limits: Limits = DEFAULT_LIMITS,
    name: str | None = None,
    leave_out: Collection[str] = (),
    progress: Progress = silent,
) -> Iterator[tuple[Source, bytes]]:
    """As ``walk``, each with its first ``HEAD_BYTES`` bytes: looking at them is how archives are known.

    ``progress`` is told which part of the files was given. ``leave_out`` holds paths of files and folders below the
    path, joined to it, that are not looked at.
    """
    root, shown = os.fspath(path), str(path) if name is None else name
    try:
        is_folder = stat.S_ISDIR(os.stat(root).st_mode)  # noqa: PTH116
    except (OSError, ValueError) as error:
        raise NothingFoundError(f"{shown}: there is no such file or folder") from error
    progress(0.0, "looking for files")
    files = list(_files(root, shown, leave_out, on_problem)) if is_folder else [(root, shown)]
    for done, (file, called) in enumerate(files):
        progress(done / len(files), "reading headers")
        try:
            told = os.stat(file)  # noqa: PTH116
            if not stat.S_ISREG(told.st_mode):
                on_problem(called, Problem("unreadable", f"{called}: is no regular file"))
                continue
            head = _first_bytes(file, HEAD_BYTES)
        except OSError as error:
            on_problem(called, unreadable(called, error))
            continue
        source = FileSource(file, called, told.st_size)
        if is_zip(head):
            allowed = _allowed(source.size, limits)
            share = part(progress, done / len(files), (done + 1) / len(files))
            yield from _open_archive(source, limits, Budget(limits.entries, allowed), 1, on_problem, share)
        elif head.startswith(_GZIP_START):
            yield from _unpacked(source, head, Budget(limits.entries, _allowed(source.size, limits)), on_problem)
        else:
            yield source, head
    progress(1.0, "reading headers")


def _allowed(size: int, limits: Limits) -> int:
    return min(limits.expanded_bytes, max(limits.ratio_from, int(limits.ratio * size)))


def _unpacked(source: Source, head: bytes, budget: Budget, on_problem: OnProblem) -> Iterator[tuple[Source, bytes]]:
    """The file itself, or what is in it where it is gzip."""
    if not head.startswith(_GZIP_START) or head[128:132] == b"DICM":
        yield source, head
        return
    content = GzipSource(source, budget)
    try:
        yield content, content.head(HEAD_BYTES)
    except VoxelryError as error:
        on_problem(source.name, error.problem)


def _files(root: str, name: str, leave_out: Collection[str], on_problem: OnProblem) -> Iterator[tuple[str, str]]:
    def shown(path: str) -> str:
        below = path[len(root) :].lstrip(os.sep)
        return os.path.join(name, below) if below else name  # noqa: PTH118

    def unlisted(error: OSError) -> None:
        called = shown(str(error.filename))
        on_problem(called, unreadable(called, error))

    visited: set[tuple[int, int]] = set()
    for folder, folders, files in os.walk(root, onerror=unlisted, followlinks=True):
        try:
            place = os.stat(folder)  # noqa: PTH116
        except OSError as error:
            unlisted(error)
            folders.clear()
            continue
        if (place.st_dev, place.st_ino) in visited:  # a link back to where we have been
            folders.clear()
            continue
        visited.add((place.st_dev, place.st_ino))
        start, called = os.path.join(folder, ""), os.path.join(shown(folder), "")  # noqa: PTH118
        folders[:] = sorted(one for one in folders if start + one not in leave_out)
        for file in sorted(files):
            if start + file not in leave_out:
                yield start + file, called + file


def unreadable(name: str, error: OSError) -> Problem:
    """What the machine said when it would not read a file."""
    return Problem("unreadable", f"{name}: cannot be read ({error.strerror or 'input/output error'})")


def is_zip(head: bytes) -> bool:
    """True if these first bytes begin a zip archive, and not a DICOM file with an odd preamble."""
    return head.startswith(_ZIP_STARTS) and head[128:132] != b"DICM"


def _open_archive(
    source: Source, limits: Limits, budget: Budget, depth: int, on_problem: OnProblem, progress: Progress
) -> Iterator[tuple[Source, bytes]]:
    name = source.name
    try:
        if depth > limits.nesting:
            raise NestingError(
                f"{name}: lies {depth} archives deep; at most {limits.nesting} are opened; unpack it, load it by itself"
            )
        with _ArchiveErrors(name):
            archive = _Archive(source.open())  # not closed here: the last of its entries to go closes it
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
    """A zip archive that closes its file with itself."""

    def __init__(self, file: BinaryIO) -> None:
        self._owned = file
        try:
            super().__init__(file)
        except BaseException:
            file.close()
            raise

    def close(self) -> None:
        super().close()
        self._owned.close()


def _check_entry(entry: zipfile.ZipInfo, shown: str, limits: Limits, budget: Budget) -> None:
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
    """Turns what zipfile raises on bad archives into errors that name the archive."""

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
        # zlib, bz2, lzma, struct and zipfile itself each have errors of their own for bytes that make no sense.
        if isinstance(error, Exception) and not isinstance(error, VoxelryError | MemoryError):
            raise DamagedError(f"{self.name}: the archive is damaged or cut off; pack or copy it again") from error
