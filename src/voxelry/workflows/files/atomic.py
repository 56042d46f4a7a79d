"""Files and folders that get their final name only when they are whole."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from voxelry.core.errors import Problem

try:
    import fcntl
except ImportError:  # on Windows, files that a killed process left are kept
    fcntl = None  # type: ignore[assignment]

_HIDDEN = re.compile(r"\.[0-9a-f]{16}(\.staged)?\.part")
_STAGED = ".staged.part"
_QUIET_SECONDS = 60.0
"""Seconds; a hidden folder that changed more recently counts as in use."""


def hidden(folder: Path, ending: str = ".part") -> Path:
    """A new name in a folder for what is not whole yet."""
    return folder / f".{secrets.token_hex(8)}{ending}"


def is_hidden(name: str) -> bool:
    """Whether this is the name of a folder or file that is not whole yet, or that a killed process left."""
    return _HIDDEN.fullmatch(name) is not None


def not_written(name: str, error: OSError) -> Problem:
    """What the system said, of the thing that was to be made."""
    words = error.strerror or type(error).__name__
    return Problem("not_written", f"{name}: cannot be read or written ({words})")


@contextmanager
def published(path: str | Path) -> Iterator[Path]:
    """A temporary path beside ``path``, which takes its name when the block ends without an error.

    The folder is made where it is missing. A file of that name is replaced in one step.
    """
    final = Path(path)
    final.parent.mkdir(parents=True, exist_ok=True)
    temporary = hidden(final.parent, f".part{final.suffix}")
    try:
        # Created as any other file is, by the process's own mask: that cannot be asked for without changing it.
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        yield temporary
        temporary.replace(final)
    except BaseException as error:
        with suppress(OSError):  # where nothing can be written nothing can be removed
            temporary.unlink()
        if isinstance(error, OSError) and error.filename == str(temporary):  # a random name, which nobody else uses
            raise OSError(error.errno, error.strerror, str(final)) from error
        raise


def publish(path: str | Path, content: bytes) -> None:
    """A whole file at once; its folder is there."""
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{secrets.token_hex(8)}.part")  # noqa: PTH118 - hundreds of pictures a second
    try:
        with open(temporary, "xb", buffering=0) as file:  # noqa: PTH123
            file.write(content)
        os.replace(temporary, os.path.join(folder, name))  # noqa: PTH105, PTH118
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextmanager
def staged(path: str | Path) -> Iterator[Path]:
    """A path of the same name in a hidden folder beside ``path``; what is written there moves out when the block ends.

    For files that name each other, whose suffix matters, and for folders that stand for a file: all that lies in
    the hidden folder takes its place beside ``path``, and ``path`` itself last. After an error nothing is left.
    """
    final = Path(path)
    final.parent.mkdir(parents=True, exist_ok=True)
    aside = hidden(final.parent, _STAGED)
    aside.mkdir()
    with _held(aside):
        try:
            yield aside / final.name
            others = sorted(entry for entry in aside.iterdir() if entry.name != final.name)
            for entry in (*others, aside / final.name):
                _take_place(entry, final.parent / entry.name, aside)
        finally:
            shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Locked as long as the block and this process last, so that others know that it is in use."""
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system without locks: hidden folders stay there
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def clear_left(folder: Path) -> None:
    """Remove the hidden folders of `staged` that killed processes left: nobody holds them, and nobody works in them."""
    if fcntl is None or not folder.is_dir():
        return
    for entry in folder.iterdir():
        if is_hidden(entry.name) and entry.name.endswith(_STAGED) and entry.is_dir() and not entry.is_symlink():
            with suppress(OSError):
                handle = os.open(entry, os.O_RDONLY)
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    if time.time() - _latest(entry) > _QUIET_SECONDS:
                        shutil.rmtree(entry, ignore_errors=True)
                finally:
                    os.close(handle)


def _latest(folder: Path) -> float:
    """When something in a folder was changed last."""
    return max(path.lstat().st_mtime for path in (folder, *folder.rglob("*")))


def _take_place(entry: Path, final: Path, aside: Path) -> None:
    if final.is_dir() and not final.is_symlink():  # no folder that holds anything is replaced in one step
        final.rename(aside / f"{final.name}.{secrets.token_hex(4)}.old")
    entry.replace(final)
