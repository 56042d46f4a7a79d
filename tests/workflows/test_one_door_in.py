"""Files of any format that can be read are taken wherever DICOM is: load, load_volume, measure, tabulate, info."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import voxelry
from voxelry.cli import app
from voxelry.core.registry import format_for
from voxelry.testing import synthetic_series
from voxelry.testing.volumes import placed, voxels

SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".mha", ".npz", ".h5", ".zarr")


def write(path: Path, *volumes: voxelry.Volume) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    format_for(str(path)).write(volumes, str(path), options={})
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_of_a_format_is_loaded_measured_and_listed(tmp_path: Path, suffix: str) -> None:
    synthetic_series(tmp_path / "dicom")
    truth = voxelry.load_volume(tmp_path / "dicom")
    path = write(tmp_path / f"brain{suffix}", truth)
    volume = voxelry.load_volume(path)
    np.testing.assert_array_equal(volume.array, truth.array)
    assert volume.affine is not None
    assert truth.affine is not None
    np.testing.assert_allclose(volume.affine, truth.affine, atol=1e-4)
    assert [one.array.shape for one in voxelry.load(str(path)).volumes] == [truth.array.shape]
    wanted = voxelry.measure(truth, 0.4)
    found = voxelry.measure(path, threshold=0.4)
    assert found.pixels_above_threshold == wanted.pixels_above_threshold
    assert found.volume_mm3 == pytest.approx(wanted.volume_mm3)
    table = voxelry.tabulate(path)
    assert [*table["File"], *table.attrs["skipped"]] == [str(path)]
    runner = CliRunner()
    answer = runner.invoke(app, ["measure", str(path), "--threshold", "0.4", "--json"])
    assert json.loads(answer.stdout)["measurements"][0]["pixels_above_threshold"] == wanted.pixels_above_threshold
    (file,) = json.loads(runner.invoke(app, ["info", str(path), "--json"]).stdout)["files"]
    assert file["volumes"][0]["shape"] == list(truth.array.shape)
    listed = runner.invoke(app, ["info", str(path)])
    assert listed.exit_code == 0
    assert "5×16×20" in listed.stdout
    assert "SECRET" not in listed.stdout


def test_what_a_format_keeps_of_dicom_is_in_the_table(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "dicom")
    path = write(tmp_path / "a.npz", voxelry.load_volume(tmp_path / "dicom"))
    table, dicom = voxelry.tabulate(path), voxelry.tabulate(tmp_path / "dicom")
    for name in ("Modality", "StudyDate", "PixelSpacing", "SeriesNumber", "SliceThickness"):
        assert table[name].dtype == dicom[name].dtype
        assert table[name][0] == dicom[name][0]


def test_a_folder_of_dicom_and_files(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "study")
    write(tmp_path / "b.nii", *(placed(voxels((2, 3, 4), "int16", seed=n)) for n in range(2)))
    write(tmp_path / "a.nrrd", placed(voxels((3, 3, 4), "int16")))
    (tmp_path / "broken.nrrd").write_text("NRRD0005\ntype: nothing\n\n")
    (tmp_path / "notes.txt").write_text("notes")
    result = voxelry.load(tmp_path)
    assert [one.array.shape for one in result.volumes] == [(5, 16, 20), (3, 3, 4), (2, 3, 4), (2, 3, 4)]
    codes = {Path(name).name: problem.code for name, problem in result.skipped.items()}
    assert codes == {"broken.nrrd": "format", "notes.txt": "not_dicom"}
    table = voxelry.tabulate(tmp_path)
    assert len(table) == 5
    assert {"a.nrrd", "b.nii"} < {Path(name).name for name in table.attrs["skipped"]}  # they keep no attributes
    with pytest.raises(voxelry.VoxelryError, match=r"holds 4 volumes.*5 x 16 x 20; a; b; broken"):
        voxelry.load_volume(tmp_path)


def test_what_a_conversion_made_beside_its_dicom_is_no_second_volume(tmp_path: Path) -> None:
    synthetic_series(tmp_path)
    voxelry.convert(tmp_path, tmp_path / "made.nii.gz")
    assert voxelry.load_volume(tmp_path).array.shape == (5, 16, 20)
    assert len(voxelry.tabulate(tmp_path)) == 5


def test_dicom_is_known_by_content_whatever_it_is_called(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "dicom", slices=1)
    (file,) = (one for one in (tmp_path / "dicom").iterdir() if one.is_file())
    moved = file.rename(tmp_path / "slice.h5")
    assert voxelry.load_volume(moved).array.shape == (1, 16, 20)
    assert [one.array.shape for one in voxelry.load(tmp_path).volumes] == [(1, 16, 20)]


def test_a_file_with_several_volumes_is_not_one(tmp_path: Path) -> None:
    path = write(tmp_path / "b.nii", *(placed(voxels((2, 3, 4), "int16", seed=n)) for n in range(2)))
    with pytest.raises(voxelry.VoxelryError, match="holds 2 volumes, not one; use load for all"):
        voxelry.load_volume(path)
    (tmp_path / "folder").mkdir()
    path.rename(tmp_path / "folder" / "b.nii")
    with pytest.raises(voxelry.VoxelryError, match="holds 2 volumes, not one; use load for all"):
        voxelry.load_volume(tmp_path / "folder")


def test_what_is_neither_says_what_would_be_taken(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("notes " * 100)
    with pytest.raises(
        voxelry.VoxelryError, match=r"notes.txt: not a DICOM file .* known by their suffix \(.*\.nii\.gz"
    ):
        voxelry.load_volume(tmp_path / "notes.txt")
    (tmp_path / "broken.nii").write_text("words " * 100)
    with pytest.raises(voxelry.VoxelryError, match=r"broken.nii: this is no NIfTI file") as caught:
        voxelry.load_volume(tmp_path / "broken.nii")
    assert caught.value.code == "format"
    assert voxelry.load(tmp_path / "broken.nii").skipped[str(tmp_path / "broken.nii")].code == "format"
    answer = CliRunner().invoke(app, ["info", str(tmp_path / "notes.txt")])
    assert answer.exit_code == 1
    assert "no file of another known format" in " ".join(answer.stderr.split())


@pytest.mark.parametrize(
    "function",
    [voxelry.load, voxelry.load_volume, voxelry.load_study, voxelry.index, voxelry.tabulate, voxelry.measure,
     voxelry.pixels, voxelry.overlays],
)  # fmt: skip
@pytest.mark.parametrize("wrong", [3, None, 0.5])
def test_no_number_is_a_path(function: Callable[..., object], wrong: object) -> None:
    with pytest.raises(TypeError) as caught:
        function(wrong)
    assert isinstance(caught.value, voxelry.VoxelryError)
    assert isinstance(caught.value, ValueError)


def test_what_is_no_volume_is_told(tmp_path: Path) -> None:
    array = np.zeros((2, 3, 4))
    for call in (
        lambda: voxelry.rectify(array),  # type: ignore[arg-type]
        lambda: voxelry.stack_volumes([array]),  # type: ignore[list-item]
        lambda: voxelry.save_pictures(array, tmp_path),  # type: ignore[arg-type]
        lambda: voxelry.write_volume(array, tmp_path),  # type: ignore[arg-type]
        lambda: voxelry.Volume(array=[1, 2, 3]),  # type: ignore[arg-type]
        lambda: voxelry.measure(array),  # type: ignore[arg-type]
    ):
        with pytest.raises(TypeError, match=r"not an? ") as caught:
            call()
        assert isinstance(caught.value, voxelry.VoxelryError)
