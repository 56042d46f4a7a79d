"""Nothing half-written bears a final name."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def published(path: str | Path) -> Iterator[Path]:
    """A temporary path beside ``path``, which takes its name when the block ends without an error.

    The folder is made where it is missing. A file of that name is replaced in one step.
    """
    final = Path(path)
    final.parent.mkdir(parents=True, exist_ok=True)
    temporary = final.parent / f".{secrets.token_hex(8)}.part{final.suffix}"
    # Created as any other file is, by the process's own mask: that cannot be asked for without changing it.
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    try:
        yield temporary
        temporary.replace(final)
    except BaseException:
        temporary.unlink(missing_ok=True)
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
    aside = final.parent / f".{secrets.token_hex(8)}.part"
    aside.mkdir()
    try:
        yield aside / final.name
        others = sorted(entry for entry in aside.iterdir() if entry.name != final.name)
        for entry in (*others, aside / final.name):
            _take_place(entry, final.parent / entry.name, aside)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _take_place(entry: Path, final: Path, aside: Path) -> None:
    if final.is_dir() and not final.is_symlink():  # no folder that holds anything is replaced in one step
        final.rename(aside / f"{final.name}.{secrets.token_hex(4)}.old")
    entry.replace(final)
