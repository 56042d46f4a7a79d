"""The folder of a result: it appears when it is complete; an empty folder is filled at the end."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from voxelry.core.errors import ExistsError
from voxelry.dicom.headers.sources import StrPath
from voxelry.workflows.files.atomic import hidden, is_hidden, staged

_NUMBERED = re.compile(r"[0-9]+\.dcm")
MANIFEST = "result.json"
"""Beside every result: what it was made of, by which step."""


def is_empty(folder: Path) -> bool:
    """Whether it is a folder with nothing in it, but for what killed processes left."""
    return folder.is_dir() and all(is_hidden(entry.name) for entry in folder.iterdir())


def is_taken(path: Path) -> bool:
    """Whether something is there that must stay."""
    return os.path.lexists(path) and not is_empty(path)


def holds(folder: Path, *sources: StrPath) -> bool:
    """Whether one of the sources is this folder, or lies in it: to replace the folder would be to lose the source."""
    real = Path(os.path.realpath(folder))
    return any(real in (source, *source.parents) for source in (Path(os.path.realpath(one)) for one in sources))


def check_apart(source: StrPath, target: StrPath) -> None:
    """Refuse to write into the source, which would then hold both.

    Raises
    ------
    ExistsError
        If both are one file or folder, by whatever name.
    """
    if os.path.exists(source) and os.path.exists(target) and os.path.samefile(source, target):  # noqa: PTH110, PTH121
        raise ExistsError(f"{target}: is the input as well; the output needs a place of its own")


def check_replaceable(folder: Path) -> None:
    """Refuse to replace anything but an earlier result, even with ``overwrite``.

    Raises
    ------
    ExistsError
        If it is no result: a folder by others, or one with other things beside.
    """
    if is_taken(folder) and not (folder / MANIFEST).is_file():
        raise ExistsError(
            f"{folder}: holds no result of an earlier run ({MANIFEST}), so that it is not overwritten; "
            "choose another folder, or remove it yourself"
        )


def check_series_folder(folder: Path) -> None:
    """Of folders that stand for a volume only those may go that hold nothing but numbered files.

    Raises
    ------
    ExistsError
        If it holds something else.
    """
    if not all(_NUMBERED.fullmatch(entry.name) for entry in folder.iterdir()):
        raise ExistsError(
            f"{folder.name} holds other things than a series of files, so that it is not overwritten; "
            "choose another folder, or remove it yourself"
        )


@contextmanager
def filled(target: Path) -> Iterator[Path]:
    """A folder to write into; all of it is ``target``'s when the block ends without an error.

    An empty folder stays the one that it is: it may be mounted, be where somebody works, or have an owner and rights.
    """
    if not is_empty(target):
        with staged(target) as aside:
            aside.mkdir()
            yield aside
        return
    aside = hidden(target)
    aside.mkdir()
    try:
        yield aside
        move_all(aside, target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def move_all(source: Path, target: Path) -> None:
    """Into a folder that has none of these names; after an error none of them is there.

    Raises
    ------
    ExistsError
        If one has appeared meanwhile.
    """
    moved: list[Path] = []
    try:
        for entry in sorted(source.iterdir()):
            final = target / entry.name
            if os.path.lexists(final):
                raise ExistsError(f"{final}: was written meanwhile; give each result a folder of its own")
            entry.rename(final)
            moved.append(final)
    except BaseException:
        for path in moved:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        raise
