"""Acknowledged means durable: bytes, names and rows are on disk before the answer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, connections

from voxelry.server.archive.at_rest import files_at_rest, flushing, holdings
from voxelry.server.archive.models import Instance, Upload
from voxelry.testing import synthetic_series


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The inodes that were flushed, and how large each was then, in order."""
    found: list[tuple[int, int]] = []
    flush = os.fsync

    def noting(descriptor: int) -> None:
        told = os.fstat(descriptor)
        found.append((told.st_ino, told.st_size))
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", noting)
    return found


def _is_synced(path: Path, synced: list[tuple[int, int]]) -> bool:
    told = path.stat()
    return told.st_ino in {inode for inode, size in synced if path.is_dir() or size == told.st_size}


def test_an_upload_is_on_disk_before_it_is_acknowledged(
    site: Any, data_folder: Path, synced: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    in_time: list[int] = []
    connection.ensure_connection()
    commit = connection._commit  # type: ignore[attr-defined]

    def noting() -> None:
        if Upload.objects.exists():
            in_time.append(len(synced))
        commit()

    monkeypatch.setattr(connections["default"], "_commit", noting)
    contents = [bytes([number]) * 2000 for number in range(3)]
    files = [SimpleUploadedFile(f"{number}.dcm", content) for number, content in enumerate(contents)]
    key = site.post("/uploads", 202, files=files)["id"]
    before = synced[: in_time[0]]  # ahead of the row
    folder = data_folder / "uploads" / str(key)
    assert sorted(path.read_bytes() for path in folder.iterdir()) == contents
    for path in (*folder.iterdir(), folder, folder.parent, data_folder):
        assert _is_synced(path, before), path


def test_originals_are_on_disk_before_their_rows(
    site: Any, tmp_path: Path, data_folder: Path, synced: list[tuple[int, int]]
) -> None:
    """With the names of new folders up to the data folder."""
    site.upload(synthetic_series(tmp_path / "s", slices=2).paths)
    for instance in Instance.objects.all():
        path = Path(default_storage.path(holdings.stored_name(instance.sha256)))
        above = [parent for parent in path.parents if parent == data_folder or data_folder in parent.parents]
        assert len(above) == 4
        for one in (path, *above):
            assert _is_synced(one, synced), one


@pytest.mark.parametrize(("relaxed", "level"), [(False, 2), (True, 1)])
def test_the_server_flushes_every_commit_and_a_worker_what_it_must(tmp_path: Path, relaxed: bool, level: int) -> None:
    """In WAL mode FULL (2) keeps each commit, NORMAL (1) may lose the last with the power (sqlite.org/pragma.html)."""
    code = """
import sys
from voxelry.server.environment import database
from voxelry.server.environment import django_setup
django_setup.prepare()
django_setup.set_up()
if sys.argv[1] == "True":
    database.relax()
from django.db import connection, connections
print(connection.cursor().execute("PRAGMA synchronous").fetchone()[0])
print(connection.cursor().execute("PRAGMA journal_mode").fetchone()[0])
"""
    environment = {**os.environ, "VOXELRY_DATA": str(tmp_path / "data")}
    told = subprocess.run(
        [sys.executable, "-c", code, str(relaxed)], env=environment, capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == [str(level), "wal"]


def test_rows_are_on_disk_before_what_waited_is_removed(
    site: Any, tmp_path: Path, synced: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Path(f"{connection.settings_dict['NAME']}-wal")
    remove_folder = files_at_rest.remove_folder
    in_time: list[bool] = []

    def noting(folder: Path) -> None:
        if "uploads" in folder.parts:
            in_time.append(log.stat().st_ino in {inode for inode, _ in synced})
        remove_folder(folder)

    monkeypatch.setattr(files_at_rest, "remove_folder", noting)
    site.upload(synthetic_series(tmp_path / "s", slices=2).paths)
    assert in_time == [True]


def test_many_files_are_flushed_each(tmp_path: Path, synced: list[tuple[int, int]]) -> None:
    paths = [tmp_path / str(number) for number in range(20)]
    for path in paths:
        path.write_bytes(b"x")
    flushing.sync_files(paths)
    assert {inode for inode, _ in synced} == {path.stat().st_ino for path in paths}
    with pytest.raises(FileNotFoundError):
        flushing.sync_files([*paths, tmp_path / "gone"])
