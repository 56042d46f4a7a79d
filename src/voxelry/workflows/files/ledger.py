"""What earlier conversions made, so that a second run does only what is left."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from voxelry.dicom.headers.sources import StrPath
from voxelry.workflows.files.atomic import published

LEDGER = ".voxelry-converted.json"
"""Beside what was converted: for each output its sources' fingerprint, and the files that it became, with their sizes.

The fingerprint is a SHA-256 of SOP Instance UIDs, sizes and times of change: it tells nobody's name.
"""
JOURNAL = ".voxelry-converted.log"
"""The journal of a running conversion, one line for each output: the ledger is not rewritten each time."""


@dataclass(frozen=True, slots=True)
class Done:
    """What was made earlier: its files, and the shape that was told of it."""

    paths: tuple[Path, ...]
    shape: tuple[int, ...]


class Ledger:
    """The record of one folder. A record that cannot be read counts as none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = _entries(folder)
        self._own: dict[str, dict[str, object]] = {}
        self._lock = threading.Lock()

    def done(self, name: str, fingerprint: str) -> Done | None:
        """What ``name`` became when it was made from the same; None if that is not so, or not there any more."""
        entry = self._files.get(name, {})
        made = entry.get("made")
        if entry.get("source") != fingerprint or not isinstance(made, dict) or not made or entry.get("lacks"):
            return None
        paths = tuple(self._folder / file for file in made)
        if any(size_on_disk(path) != size for path, size in zip(paths, made.values(), strict=True)):
            return None
        shape = entry.get("shape")
        return Done(paths, tuple(shape) if isinstance(shape, list) else ())

    def left(self, name: str, fingerprint: str) -> frozenset[Path]:
        """Of what ``name`` became when it was made from the same, the files that are still there."""
        return self.unchanged(name) if self._files.get(name, {}).get("source") == fingerprint else frozenset()

    def unchanged(self, name: str) -> frozenset[Path]:
        """Of what ``name`` became, whatever it was made from, the files that are still there as they were made."""
        made = self._files.get(name, {}).get("made")
        if not isinstance(made, dict):
            return frozenset()
        sizes = {self._folder / str(file): size for file, size in made.items()}
        return frozenset(path for path, size in sizes.items() if size is not None and size_on_disk(path) == size)

    def add(
        self,
        name: str,
        fingerprint: str,
        made: Mapping[Path, int | None],
        shape: tuple[int, ...],
        *,
        whole: bool = True,
    ) -> None:
        """Note what is made, at once: an interrupted run goes on where it was.

        Parameters
        ----------
        made
            Files and their sizes, as `size_on_disk` tells them. They need not be there yet.
        whole
            False if more belongs to it, which is not there: it is to be made again.
        """
        sizes = {path.relative_to(self._folder).as_posix(): size for path, size in made.items()}
        entry: dict[str, object] = {"source": fingerprint, "made": sizes, "shape": list(shape)}
        if not whole:
            entry["lacks"] = True
        line = "\n" + json.dumps({"name": name, **entry})  # what came before may have been cut off
        with self._lock:
            self._files[name] = self._own[name] = entry
            with (self._folder / JOURNAL).open("a", encoding="utf-8") as journal:
                journal.write(line)

    def close(self) -> None:
        """Merge the journal into the ledger; entries that another run has added stay."""
        with self._lock:
            if not (self._folder / JOURNAL).is_file():
                return
            files = _entries(self._folder) | self._own
            try:
                with published(self._folder / LEDGER) as aside:
                    aside.write_text(json.dumps({"version": 1, "files": files}, indent=1) + "\n", encoding="utf-8")
                (self._folder / JOURNAL).unlink(missing_ok=True)
            except OSError:
                pass  # the disk is full: the journal holds the same entries


def made_in(folder: Path) -> tuple[Path, ...]:
    """Everything that a folder's ledger says was made there, whatever became of it since."""
    made = [entry.get("made") for entry in _entries(folder).values()]
    return tuple(folder / str(file) for files in made if isinstance(files, dict) for file in files)


def made_below(root: StrPath) -> frozenset[str]:
    """Everything that the ledgers below a folder say was made there, as paths joined to it."""
    found: set[str] = set()
    for folder, _, files in os.walk(root):
        if LEDGER in files or JOURNAL in files:
            found.update(os.path.join(folder, *path.relative_to(folder).parts) for path in made_in(Path(folder)))  # noqa: PTH118
    return frozenset(found)


def _entries(folder: Path) -> dict[str, dict[str, object]]:
    """What the ledger says, and after it what a run that was killed left in the journal."""
    files: dict[str, dict[str, object]] = {}
    try:
        found = json.loads((folder / LEDGER).read_text("utf-8"))
        files = {str(name): dict(entry) for name, entry in dict(found["files"]).items()}
    except (OSError, ValueError, KeyError, TypeError):
        pass
    try:
        lines = (folder / JOURNAL).read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        try:
            entry = dict(json.loads(line))
            files[str(entry.pop("name"))] = entry
        except (ValueError, KeyError, TypeError):  # the last one, when the run was killed
            pass
    return files


def size_on_disk(path: Path) -> int | None:
    """Of a file; -1 for a folder, None for nothing."""
    if path.is_dir():
        return -1
    return path.stat().st_size if path.is_file() else None
