"""What earlier conversions made, so that a second run does only what is left."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from voxelry.workflows.publish import published

LEDGER = ".voxelry-converted.json"
"""Beside what was converted: for each output its sources' fingerprint, and the files that it became, with their sizes.

The fingerprint is a SHA-256 of SOP Instance UIDs, sizes and times of change: it tells nobody's name.
"""


@dataclass(frozen=True, slots=True)
class Done:
    """What was made earlier: its files, and the shape that was told of it."""

    paths: tuple[Path, ...]
    shape: tuple[int, ...]


class Ledger:
    """The record of one folder. A record that cannot be read is as good as none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / LEDGER
        self._files: dict[str, dict[str, object]] = {}
        self._lock = threading.Lock()
        try:
            found = json.loads(self._path.read_text("utf-8"))
            self._files = {str(name): dict(entry) for name, entry in dict(found["files"]).items()}
        except (OSError, ValueError, KeyError, TypeError):
            pass

    def done(self, name: str, fingerprint: str) -> Done | None:
        """What ``name`` became when it was made from the same; None if that is not so, or not there any more."""
        entry = self._files.get(name, {})
        made = entry.get("made")
        if entry.get("source") != fingerprint or not isinstance(made, dict) or not made:
            return None
        paths = tuple(self._folder / file for file in made)
        if any(_size(path) != size for path, size in zip(paths, made.values(), strict=True)):
            return None
        shape = entry.get("shape")
        return Done(paths, tuple(shape) if isinstance(shape, list) else ())

    def left(self, name: str, fingerprint: str) -> frozenset[Path]:
        """Of what ``name`` became when it was made from the same, the files that are still there."""
        entry = self._files.get(name, {})
        made = entry.get("made")
        if entry.get("source") != fingerprint or not isinstance(made, dict):
            return frozenset()
        sizes = {self._folder / str(file): size for file, size in made.items()}
        return frozenset(path for path, size in sizes.items() if size is not None and _size(path) == size)

    def add(self, name: str, fingerprint: str, made: Iterable[Path], shape: tuple[int, ...]) -> None:
        """Note what was made, at once: an interrupted run goes on where it was."""
        sizes = {path.relative_to(self._folder).as_posix(): _size(path) for path in made}
        with self._lock, published(self._path) as aside:
            self._files[name] = {"source": fingerprint, "made": sizes, "shape": list(shape)}
            aside.write_text(json.dumps({"version": 1, "files": self._files}, indent=1) + "\n", encoding="utf-8")


def made_in(folder: Path) -> tuple[Path, ...]:
    """Everything that a folder's ledger says was made there, whatever became of it since."""
    try:
        entries = dict(json.loads((folder / LEDGER).read_text("utf-8"))["files"]).values()
        return tuple(folder / str(file) for entry in entries for file in entry["made"])
    except (OSError, ValueError, KeyError, TypeError):
        return ()


def _size(path: Path) -> int | None:
    """Of a file; -1 for a folder, None for nothing."""
    if path.is_dir():
        return -1
    return path.stat().st_size if path.is_file() else None
