"""What is combined by positions needs one frame of reference, known or confirmed (PS3.3 C.7.4.1)."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset
from typer.testing import CliRunner

import voxelry
from voxelry.cli import app
from voxelry.core.errors import FrameOfReferenceError
from voxelry.core.frame_of_reference import check_one_frame_of_reference
from voxelry.testing import synthetic_series, uid
from voxelry.workflows.process.processing import process


def noisy(k: int, dataset: Dataset) -> None:
    dataset.FrameOfReferenceUID = uid("place", k)


def other(_: int, dataset: Dataset) -> None:
    dataset.FrameOfReferenceUID = uid("other place")


@pytest.mark.parametrize(("edit", "words"), [(other, "2 frames of reference"), (noisy, "unknown")])
def test_volumes_of_two_places_are_combined_when_that_is_confirmed(tmp_path: Path, edit: object, words: str) -> None:
    synthetic_series(tmp_path / "one")
    synthetic_series(tmp_path / "two", seed=1, edit=edit, attributes={"FrameOfReferenceUID": None})  # type: ignore[arg-type]
    paths = (tmp_path / "one", tmp_path / "two")
    refused = process(paths, "subtract")
    [problem] = refused.skipped.values()
    assert problem.code == "frame_of_reference"
    assert words in problem.message
    assert "--same-frame-of-reference" in problem.message
    assert len(process(paths, "subtract", same_frame_of_reference=True).results) == 1
    runner = CliRunner()
    command = ["run", "subtract", str(paths[0]), str(tmp_path / "out"), "--subtracted", str(paths[1])]
    assert runner.invoke(app, command).exit_code == 1
    assert runner.invoke(app, [*command, "--same-frame-of-reference"]).exit_code == 0


def test_one_frame_of_reference_asks_nothing(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "one")
    volume = voxelry.load_volume(tmp_path / "one")
    assert volume.frame_of_reference_uid == pydicom.dcmread(next((tmp_path / "one").iterdir())).FrameOfReferenceUID
    check_one_frame_of_reference([volume, volume], confirmed=False)


def test_a_segmentation_over_an_unknown_place_asks_first(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in", edit=noisy)
    refused = process(tmp_path / "in", "threshold", out=tmp_path / "mask")
    [problem] = refused.skipped.values()
    assert problem.code == FrameOfReferenceError.code
    report = process(tmp_path / "in", "threshold", out=tmp_path / "mask", same_frame_of_reference=True)
    [result] = report.results
    assert any("has one of its own" in words for words in result.warnings)
    written = pydicom.dcmread(tmp_path / "mask" / "segmentation.dcm")
    sources = {pydicom.dcmread(path).FrameOfReferenceUID for path in (tmp_path / "in").iterdir()}
    assert written.FrameOfReferenceUID not in sources
    assert process(tmp_path / "in", "threshold", out=tmp_path / "nifti", format="nifti").results
