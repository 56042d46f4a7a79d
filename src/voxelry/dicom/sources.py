"""Where bytes come from: files, folders and zip archives, read in place.

An archive's entries are never written under their own names, so a hostile name has nowhere to go; it is
refused all the same, because no honest archive holds one. What an archive says of its sizes is believed
only downwards: Python's zipfile never yields more than an entry declares.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol, cast

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

StrPath = str | os.PathLike[str]
OnProblem = Callable[[str, Problem], None]

SPOOL_BYTES = 32 * 2**20
"""An archive's entry up to this size is expanded in memory, a larger one in a nameless temporary file."""
_HEAD = 132
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


@dataclass(frozen=True, slots=True)
class FileSource:
    """A file on disk."""

    path: Path
    name: str
    size: int

    @classmethod
    def of(cls, path: StrPath, name: str | None = None) -> FileSource:
        """The file at ``path``, shown to people as ``name``."""
        return cls(Path(path), str(path) if name is None else name, Path(path).stat().st_size)

    def open(self) -> BinaryIO:
        return self.path.open("rb")


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
            if self.size <= SPOOL_BYTES:
                return BytesIO(packed.read())
            spool = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - the caller closes it
            shutil.copyfileobj(packed, spool, 2**20)
            spool.seek(0)
            return spool

    def head(self) -> bytes:
        """The first bytes, without expanding the rest."""
        with _ArchiveErrors(self.name), self.archive.open(self.entry) as packed:
            return packed.read(_HEAD)


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


@dataclass(slots=True)
class _Budget:
    entries: int
    bytes: int


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
    root, shown = Path(path), str(path) if name is None else name
    try:
        root.stat()
    except (OSError, ValueError) as error:
        raise NothingFoundError(f"{shown}: there is no such file or folder") from error
    for file, called in _files(root, shown, on_problem):
        try:
            if not stat.S_ISREG(file.stat().st_mode):
                on_problem(called, Problem("unreadable", f"{called}: is no regular file"))
                continue
            source = FileSource.of(file, called)
            with source.open() as opened:
                archive = is_zip(opened.read(_HEAD))
        except OSError as error:
            on_problem(called, unreadable(called, error))
            continue
        if archive:
            size = source.size
            budget = _Budget(
                limits.entries, min(limits.expanded_bytes, max(limits.ratio_from, int(limits.ratio * size)))
            )
            yield from _open_archive(source, limits, budget, 1, on_problem)
        else:
            yield source


def _files(root: Path, name: str, on_problem: OnProblem) -> Iterator[tuple[Path, str]]:
    if not root.is_dir():
        yield root, name
        return

    def unlisted(error: OSError) -> None:
        shown = str(Path(name, Path(error.filename).relative_to(root)))
        on_problem(shown, unreadable(shown, error))

    visited: set[tuple[int, int]] = set()
    for folder, folders, files in os.walk(root, onerror=unlisted, followlinks=True):
        try:
            place = Path(folder).stat()
        except OSError as error:
            unlisted(error)
            folders.clear()
            continue
        if (place.st_dev, place.st_ino) in visited:  # a link back to where we have been
            folders.clear()
            continue
        visited.add((place.st_dev, place.st_ino))
        folders.sort()
        for file in sorted(files):
            found = Path(folder, file)
            yield found, str(Path(name, found.relative_to(root)))


def unreadable(name: str, error: OSError) -> Problem:
    """What the machine said when it would not read a file."""
    return Problem("unreadable", f"{name}: cannot be read ({error.strerror or 'input/output error'})")


def is_zip(head: bytes) -> bool:
    """True if these first bytes begin a zip archive, and not a DICOM file with an odd preamble."""
    return head.startswith(_ZIP_STARTS) and head[128:132] != b"DICM"


def _open_archive(
    source: Source, limits: Limits, budget: _Budget, depth: int, on_problem: OnProblem
) -> Iterator[Source]:
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
    for entry in sorted(entries, key=lambda entry: entry.filename):
        shown = f"{name}/{_printable(entry.filename)}"
        try:
            _check_entry(entry, shown, limits, budget)
            inner = EntrySource(archive, entry, shown)
            nested = is_zip(inner.head())
        except VoxelryError as error:
            on_problem(shown, error.problem)
            continue
        if nested:
            yield from _open_archive(inner, limits, budget, depth + 1, on_problem)
        else:
            yield inner


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


def _check_entry(entry: zipfile.ZipInfo, shown: str, limits: Limits, budget: _Budget) -> None:
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
