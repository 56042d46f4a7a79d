"""``voxelry send``."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest

from tests.cli.network_terminal import run, run_json
from tests.servers.running import Server, free_port, running
from voxelry.testing.synthetic import synthetic_series


@pytest.fixture
def storescp(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """dcmtk's receiver: its address and its folder."""
    port, folder = free_port(), tmp_path / "received"
    folder.mkdir()
    with running(Server(["storescp", "--output-directory", str(folder), "+xa", str(port)], tmp_path, port)):
        yield f"STORE@127.0.0.1:{port}", folder


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """A folder with a series of 4, a zip with another of 3, and a text."""
    folder = tmp_path / "scans"
    synthetic_series(folder / "a", slices=4)
    others = synthetic_series(tmp_path / "b", slices=3, seed=2)
    with zipfile.ZipFile(folder / "b.zip", "w") as archive:
        for path in others.paths:
            archive.write(path, path.name)
    (folder / "notes.txt").write_text("no image")
    return folder


def test_folders_and_zips_are_sent(storescp: tuple[str, Path], scans: Path) -> None:
    address, folder = storescp
    result = run("send", scans, address)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"7 of 7 instances sent to {address} in ")
    assert "notes.txt" in result.stderr
    assert len({pydicom.dcmread(path).SOPInstanceUID for path in folder.iterdir()}) == 7


def test_as_json(storescp: tuple[str, Path], scans: Path) -> None:
    record = run_json("send", scans, storescp[0])
    assert (record["sent"], record["warnings"], record["failed"]) == (7, 0, {})
    assert [problem["code"] for problem in record["skipped"].values()] == ["not_dicom"]


def test_what_the_node_does_not_take_is_named(tmp_path: Path, storescp: tuple[str, Path]) -> None:
    paths = synthetic_series(tmp_path / "c", slices=2).paths
    file = pydicom.dcmread(paths[0])
    file.SOPClassUID = file.file_meta.MediaStorageSOPClassUID = pydicom.uid.UID("1.2.3.4")
    file.save_as(paths[0])
    result = run("send", tmp_path / "c", storescp[0])
    assert result.exit_code == 3
    assert result.stdout.startswith("1 of 2 instances sent")
    assert "1 not sent" in result.stderr
    assert "the node takes neither 1.2.3.4" in result.stderr


def test_nothing_is_sent(tmp_path: Path, scans: Path) -> None:
    assert run("send", scans / "notes.txt", "X@127.0.0.1:1").exit_code == 1
    refused = run("send", scans, f"X@127.0.0.1:{free_port()}")
    assert (refused.exit_code, "cannot be reached" in refused.stderr) == (1, True)
    assert "is no port" in run("send", scans, "X@127.0.0.1:0").stderr
