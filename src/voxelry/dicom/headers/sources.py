"""Bytes with a name: files on disk and bytes in memory."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO, Protocol

from voxelry.core.errors import Problem

StrPath = str | os.PathLike[str]
OnProblem = Callable[[str, Problem], None]
"""Called with the name of a file and why it is refused."""

HEAD_BYTES = 8192
"""Most headers are shorter."""
_OPENING = os.O_CLOEXEC | os.O_NONBLOCK if os.name == "posix" else os.O_BINARY  # type: ignore[attr-defined]


class Source(Protocol):
    """Bytes with a name for messages: ``folder/a.dcm`` or ``archive.zip/inner/a.dcm``."""

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
        """The file at ``path``; ``name`` replaces the path in messages."""
        return cls(os.fspath(path), str(path) if name is None else name, os.stat(path).st_size)  # noqa: PTH116

    def open(self) -> BinaryIO:
        return open(self.path, "rb")  # noqa: PTH123 - a Path for each of thousands of files costs more than reading it

    def head(self, count: int) -> bytes:
        return start_of_file(self.path, count)


def start_of_file(path: str, count: int) -> bytes:
    """The first bytes of the file at ``path``: ``count``, or all if there are fewer."""
    descriptor = os.open(path, os.O_RDONLY | _OPENING)
    try:
        return os.read(descriptor, count)
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class MemorySource:
    """Bytes in memory, with the name of the file that they come from."""

    name: str
    content: bytes

    @property
    def size(self) -> int:
        return len(self.content)

    def open(self) -> BinaryIO:
        return BytesIO(self.content)

    def head(self, count: int) -> bytes:
        return self.content[:count]


def unreadable(name: str, error: OSError) -> Problem:
    """The problem of a file that the operating system cannot read."""
    return Problem("unreadable", f"{name}: cannot be read ({error.strerror or 'input/output error'})")
