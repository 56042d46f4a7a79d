"""What earlier conversions made, so that a second run does only what is left."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from pathlib import Path

from voxelry.workflows.publish import published

LEDGER = ".voxelry-converted.json"
"""Beside what was converted: for each output its sources' fingerprint, and the files that it became, with their sizes.

The fingerprint is a SHA-256 of SOP Instance UIDs, sizes and times of change: it tells nobody's name.
"""


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

    def done(self, name: str, fingerprint: str) -> tuple[Path, ...] | None:
        """What ``name`` became when it was made from the same; None if that is not so, or not there any more."""
        entry = self._files.get(name, {})
        made = entry.get("made")
        if entry.get("source") != fingerprint or not isinstance(made, dict) or not made:
            return None
        paths = tuple(self._folder / file for file in made)
        return paths if all(_size(path) == size for path, size in zip(paths, made.values(), strict=True)) else None

    def add(self, name: str, fingerprint: str, made: Iterable[Path]) -> None:
        """Note what was made, at once: an interrupted run goes on where it was."""
        sizes = {path.relative_to(self._folder).as_posix(): _size(path) for path in made}
        with self._lock, published(self._path) as aside:
            self._files[name] = {"source": fingerprint, "made": sizes}
            aside.write_text(json.dumps({"version": 1, "files": self._files}, indent=1) + "\n", encoding="utf-8")


def _size(path: Path) -> int | None:
    """Of a file; -1 for a folder, None for nothing."""
    if path.is_dir():
        return -1
    return path.stat().st_size if path.is_file() else None
