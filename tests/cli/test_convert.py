"""``voxelry convert``: the suffix chooses, what was left out is told, and the exit code is honest."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from typer.testing import CliRunner, Result

import voxelry
from voxelry.cli import app
from voxelry.core.registry import format_for
from voxelry.testing import SECRETS, bad_files, synthetic_series, zip_folder

runner = CliRunner(env={"COLUMNS": "300", "TERM": "dumb"})


def call(*arguments: str | Path) -> Result:
    return runner.invoke(app, ["convert", *map(str, arguments)])


@pytest.fixture
def series(tmp_path: Path) -> Path:
    synthetic_series(tmp_path / "series")
    return tmp_path / "series"


def test_the_suffix_chooses_the_format(series: Path, tmp_path: Path) -> None:
    volume = voxelry.load_volume(series)
    for name in ("a.nii.gz", "a.nrrd", "a.mha", "a.h5", "a.zarr", "a.npz", "A.NII"):
        done = call(series, tmp_path / name)
        assert done.exit_code == 0, done.output
        assert f"{name}  5 x 16 x 20" in done.stdout
        (back,) = format_for(name).read(str(tmp_path / name))
        np.testing.assert_array_equal(back.array, volume.array)


def test_a_folder_gets_the_format_that_is_named(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in" / "a", seed=1)
    synthetic_series(tmp_path / "in" / "b", seed=2)
    done = call(zip_folder(tmp_path / "in.zip", tmp_path / "in"), tmp_path / "out", "--format", "nifti", "--json")
    assert done.exit_code == 0
    record = json.loads(done.stdout)
    assert [Path(name).name for name in record["written"]] == ["ct-1-1.nii.gz", "ct-1-2.nii.gz"]
    assert [one["shape"] for one in record["volumes"]] == [[5, 16, 20]] * 2
    assert record["skipped"] == {}
    again = call(tmp_path / "in.zip", tmp_path / "out", "-f", "nifti", "--workers", "1")
    assert again.stdout.count("there already") == 2
    named = call(tmp_path / "in", tmp_path / "named", "-f", "nii", "--name", "{series_uid}/{modality}")
    assert named.exit_code == 0
    assert len(list((tmp_path / "named").glob("*/ct.nii"))) == 2
    assert not any(secret in str(path) for path in tmp_path.rglob("*") for secret in SECRETS)


def test_something_left_out_is_exit_code_3(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in" / "a", seed=1)
    (tmp_path / "in" / "README.txt").write_text("words " * 100)
    assert call(tmp_path / "in", tmp_path / "one.nrrd").exit_code == 0
    synthetic_series(tmp_path / "in" / "gap", seed=2, offsets=(0, 3, 6, 12, 15))
    done = call(tmp_path / "in", tmp_path / "out", "-f", "nrrd")
    assert done.exit_code == 3
    assert "1 slice missing" in done.stderr
    assert len(list((tmp_path / "out").glob("*.nrrd"))) == 1
    nothing = call(tmp_path / "in" / "gap", tmp_path / "none.nrrd")
    assert nothing.exit_code == 1
    assert "nothing could be converted" in nothing.stderr
    bad_files(tmp_path / "bad")
    assert call(tmp_path / "bad", tmp_path / "none.nrrd").exit_code == 1
    assert not (tmp_path / "none.nrrd").exists()


def test_what_is_there_is_kept_unless_it_may_be_replaced(series: Path, tmp_path: Path) -> None:
    (tmp_path / "a.nrrd").write_text("mine")
    refused = call(series, tmp_path / "a.nrrd")
    assert refused.exit_code == 1
    assert "--overwrite" in refused.stderr
    assert (tmp_path / "a.nrrd").read_text() == "mine"
    assert call(series, tmp_path / "a.nrrd", "--overwrite").exit_code == 0


def test_options_reach_the_format(series: Path, tmp_path: Path) -> None:
    assert call(series, tmp_path / "a.nii", "--reorient", "RAS", "--no-sidecar").exit_code == 0
    direction = SimpleITK.ReadImage(str(tmp_path / "a.nii")).GetDirection()  # LPS
    np.testing.assert_allclose(np.reshape(direction, (3, 3)), np.diag([-1, -1, 1]), atol=1e-6)
    assert sorted(path.name for path in tmp_path.glob("a.*")) == ["a.nii"]
    assert call(series, tmp_path / "b.nii.gz", "--set", "level=9").exit_code == 0
    assert call(series, tmp_path / "c.h5", "--compression", "lzf").exit_code == 0
    for arguments in (["d.h5", "--reorient", "RAS"], ["d.nii", "--compression", "x"], ["d.nii", "--set", "colour=red"]):
        done = call(series, tmp_path / arguments[0], *arguments[1:])
        assert done.exit_code == 1
        assert "has no option" in done.stderr
    assert call(series, tmp_path / "d.nii", "--set", "level").exit_code == 2


def test_wrong_requests_are_one_sentence(series: Path, tmp_path: Path) -> None:
    (tmp_path / "text.nii").write_text("text")
    for arguments, words in {
        (str(series), "out", "--format", "tiff"): "formats are",
        (str(series), "out.nii", "--format", "nrrd"): "and not nrrd",
        (str(series), "out", "--format", "nifti", "--name", "{nobody}"): "{modality}",
        (str(tmp_path / "missing"), "out.nii"): "no such file",
        (str(series), "out.nifti"): "out.nifti: no format is known by the end of this name",
        (str(series), "out.mgz"): "formats are",
        (str(tmp_path / "text.nii"), "out.nrrd"): "text.nii: this is no NIfTI file",
    }.items():
        done = call(*arguments)
        assert done.exit_code == 1, done.output
        assert done.stderr.startswith("Error:")
        assert words in " ".join(done.stderr.split())


def test_formats_are_listed() -> None:
    done = call("--list-formats")
    assert done.exit_code == 0
    for name in ("nifti", "nrrd", "metaimage", "hdf5", "zarr", "npz", "dicom", "png", "jpg", "gif", "webp", "apng"):
        assert name in done.stdout


def test_pictures_stay_the_default_for_a_folder(series: Path, tmp_path: Path) -> None:
    done = call(series, tmp_path / "out")
    assert done.exit_code == 0
    assert "5 png pictures in" in done.stdout
    assert len(list((tmp_path / "out").glob("slice-*.png"))) == 5
    (tmp_path / "there.before").mkdir()
    for name in ("1.2.840.10008", "there.before"):  # no end of a file's name
        assert call(series, tmp_path / name).exit_code == 0
        assert len(list((tmp_path / name).glob("slice-*.png"))) == 5


@pytest.mark.slow
@pytest.mark.corpus
def test_the_whole_corpus_is_converted_and_every_loss_is_told(corpus: Path, tmp_path: Path) -> None:
    done = call(corpus, tmp_path, "--format", "nifti", "--json")
    assert done.exit_code == 3
    record = json.loads(done.stdout)
    loaded = voxelry.load(corpus)
    several = [one["shape"][0] for one in record["volumes"] if len(one["shape"]) == 4 and one["shape"][-1] != 3]
    assert sum(several) + len(record["volumes"]) - len(several) == len(loaded.volumes)  # files of NIfTI among both
    codes = {problem["code"] for problem in record["skipped"].values()}
    assert codes == {problem.code for problem in loaded.skipped.values()}
    assert not list(tmp_path.glob("*.part"))
