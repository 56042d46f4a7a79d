"""Checks that paths lie below ``processing.roots``, with links resolved."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from django.conf import settings

from voxelry.core.errors import NothingFoundError, VoxelryError


class OutsideRootsError(VoxelryError):
    """A path leads out of the configured roots, or there are none."""

    code: ClassVar[str] = "outside_roots"


def allowed_path(path: str) -> Path:
    """The real path of a file or folder that steps may read.

    Raises
    ------
    OutsideRootsError
        If it is not absolute, or leads out of every root, by ``..`` or by a link. The message does not depend on
        whether the path exists.
    NothingFoundError
        If it is inside and does not exist.
    """
    roots = _roots()
    if not roots:
        raise OutsideRootsError("this server reads no folders: none are configured (processing.roots)")
    outside = OutsideRootsError("the path lies outside of the folders that this server may read (processing.roots)")
    if "\0" in path or not Path(path).is_absolute():
        raise outside
    try:
        real = Path(os.path.realpath(path))
    except (OSError, ValueError):
        raise outside from None
    if not _inside(real, roots):
        raise outside
    if not _exists(real):
        raise NothingFoundError("there is no such file or folder on the server")
    return real


def check_links(folder: Path) -> None:
    """Check that every link below a folder leads to a path below the roots.

    Raises
    ------
    OutsideRootsError
        If a link leads out.
    """
    roots = _roots()
    for link in _links(folder, set()):
        if not _inside(Path(os.path.realpath(link)), roots):
            raise OutsideRootsError(
                "the folder holds a link that leads out of the folders that this server may read (processing.roots)"
            )


def _roots() -> tuple[Path, ...]:
    return tuple(Path(os.path.realpath(root)) for root in settings.VOXELRY.processing_roots)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name longer than the system allows
        return False


def _inside(path: Path, roots: tuple[Path, ...]) -> bool:
    return any(path == root or root in path.parents for root in roots)


def _links(folder: Path, seen: set[Path]) -> Iterator[Path]:
    """Links below a folder, and below the folders that they lead to."""
    if folder in seen:
        return
    seen.add(folder)
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(place, name)
            if path.is_symlink():
                yield path  # checked by the caller before the link is followed
                if path.is_dir():
                    yield from _links(Path(os.path.realpath(path)), seen)
