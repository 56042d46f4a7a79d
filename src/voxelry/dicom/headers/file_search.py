"""Every file of a folder, and of the archives in it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterator

from voxelry.core.errors import NothingFoundError, Problem
from voxelry.core.progress import Progress, part, silent
from voxelry.dicom.headers.packed_files import DEFAULT_LIMITS, ArchiveLimits, expanded, is_packed
from voxelry.dicom.headers.sources import HEAD_BYTES, FileSource, OnProblem, Source, StrPath, start_of_file, unreadable


def walk(
    path: StrPath, *, on_problem: OnProblem, limits: ArchiveLimits = DEFAULT_LIMITS, name: str | None = None
) -> Iterator[Source]:
    """Every file below a path, in the order of their names; archives are expanded.

    Parameters
    ----------
    path
        A file, a folder or an archive; archives are recognised by their content.
    on_problem
        Called with the name of each file or archive entry that is refused, and why; the walk continues.
    name
        Replaces the path in names and messages.

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
    limits: ArchiveLimits = DEFAULT_LIMITS,
    name: str | None = None,
    leave_out: Collection[str] = (),
    wanted: Callable[[], int] = int,
    progress: Progress = silent,
) -> Iterator[tuple[Source, bytes]]:
    """As `walk`, each file with its first ``HEAD_BYTES`` bytes or more, which are read anyway to recognise archives.

    Parameters
    ----------
    leave_out
        Paths of files and folders to skip, each joined to ``path``.
    wanted
        Tells how many of the next file's bytes the caller needs.
    progress
        Called with the part of the files that is done.
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
            status = os.stat(file)  # noqa: PTH116
            if not stat.S_ISREG(status.st_mode):
                on_problem(called, Problem("unreadable", f"{called}: is no regular file"))
                continue
            head = start_of_file(file, max(HEAD_BYTES, wanted()))
        except OSError as error:
            on_problem(called, unreadable(called, error))
            continue
        source = FileSource(file, called, status.st_size)
        if is_packed(head):
            share = part(progress, done / len(files), (done + 1) / len(files))
            yield from expanded(source, head, limits, on_problem, share)
        else:
            yield source, head
    progress(1.0, "reading headers")


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
            status = os.stat(folder)  # noqa: PTH116
        except OSError as error:
            unlisted(error)
            folders.clear()
            continue
        if (status.st_dev, status.st_ino) in visited:  # a link to a folder that was searched
            folders.clear()
            continue
        visited.add((status.st_dev, status.st_ino))
        start, called = os.path.join(folder, ""), os.path.join(shown(folder), "")  # noqa: PTH118
        folders[:] = sorted(name for name in folders if start + name not in leave_out)
        for file in sorted(files):
            if start + file not in leave_out:
                yield start + file, called + file
