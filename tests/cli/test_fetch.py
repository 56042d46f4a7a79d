"""``voxelry fetch``."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest

from tests.cli.network_terminal import run, run_json
from tests.network.archives import python_archive
from tests.servers.running import free_port
from voxelry.testing.synthetic import synthetic_series


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    """A series that the node has."""
    attributes = {"PatientID": "P1", "PatientName": "Müller^Jörg", "AccessionNumber": "A1", "StudyDate": "20240102"}
    return list(synthetic_series(tmp_path / "remote", slices=5, attributes=attributes).paths)


def require_files(folder: Path, paths: list[Path]) -> None:
    """Each instance is in the folder of its study and series, equal to the original, and nothing else."""
    originals = [pydicom.dcmread(path) for path in paths]
    expected = {
        folder / file.StudyInstanceUID / file.SeriesInstanceUID / f"{file.SOPInstanceUID}.dcm": file
        for file in originals
    }
    assert {path for path in folder.rglob("*") if path.is_file()} == set(expected)
    assert all(pydicom.dcmread(path) == file for path, file in expected.items())


def test_a_study_is_fetched_once(tmp_path: Path, paths: list[Path]) -> None:
    folder = tmp_path / "out"
    with python_archive(paths) as archive:
        node = str(archive.peer)
        result = run("fetch", node, "--patient", "P1", "--out", folder)
        assert (result.exit_code, result.stdout) == (0, f"5 fetched, 0 were here: {folder}\n")
        require_files(folder, paths)
        next(folder.rglob("*.dcm")).unlink()
        record = run_json("fetch", node, "--accession", "A1", "--out", folder)
        assert (record["fetched"], record["were_here"], record["failed"]) == (1, 4, {})
        assert len(archive.sent) == 6
    require_files(folder, paths)


def test_by_move(tmp_path: Path, paths: list[Path]) -> None:
    port, folder = free_port(), tmp_path / "out"
    with python_archive(paths, destinations={"ME": port}) as archive:
        result = run("fetch", archive.peer, "--patient", "P1", "--move", "ME", "--port", str(port), "--out", folder)
    assert (result.exit_code, result.stderr) == (0, "")
    require_files(folder, paths)


def test_what_does_not_come_is_named(tmp_path: Path, paths: list[Path]) -> None:
    lost = str(pydicom.dcmread(paths[0]).SOPInstanceUID)
    with python_archive(paths, without={lost}) as archive:
        result = run("fetch", archive.peer, "--patient", "P1", "--out", tmp_path / "out")
    assert result.exit_code == 3
    assert lost in result.stderr
    require_files(tmp_path / "out", paths[1:])


def test_the_list_fetches_nothing(paths: list[Path]) -> None:
    study = str(pydicom.dcmread(paths[0]).StudyInstanceUID)
    with python_archive(paths) as archive:
        shown = run("fetch", archive.peer, "--study", study, "--list").stdout
        record = run_json("fetch", archive.peer, "--study", study, "--list")
        assert archive.sent == []
    assert "Müller^Jörg" in shown
    assert (record[0]["StudyInstanceUID"], len(record[0]["Series"])) == (study, 1)


def test_wrong_questions(tmp_path: Path, paths: list[Path]) -> None:
    assert run("fetch", "A@127.0.0.1:104").exit_code == 2
    assert run("fetch", "A@127.0.0.1:104", "--series", "1.2").exit_code == 2
    assert run("fetch", "A@127.0.0.1:104", "--study", "../x").exit_code == 2
    with python_archive(paths) as archive:
        nothing = run("fetch", archive.peer, "--study", "1.2.3", "--out", tmp_path / "out")
    assert (nothing.exit_code, "no instance of this study" in nothing.stderr) == (1, True)
