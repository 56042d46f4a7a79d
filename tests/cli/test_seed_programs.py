"""``dicom2hdf5`` and ``hdf52dicom``, with the flags that they always had."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from pydicom.dataset import Dataset

import voxelry
from voxelry.testing import SECRETS, bad_files, synthetic_instance, synthetic_series, write, zip_folder

pytestmark = pytest.mark.slow  # each test starts programs, and many convert real series

ENTRY = "from voxelry.cli.seed import main_{0} as main; main()"


def run(program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The program by its entry point, whether the package was installed with it or before it."""
    command = [sys.executable, "-c", ENTRY.format(program), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def to_hdf5(source: Path, target: Path) -> tuple[dict[str, Any], subprocess.CompletedProcess[str]]:
    hdf5, record = target / "series.h5", target / "series.json"
    done = run("dicom2hdf5", "-i", source, "-h", hdf5, "-j", record)
    assert done.returncode in (0, 3), done.stderr
    return json.loads(record.read_text("utf-8"), parse_constant=_never), done


def _never(word: str) -> float:
    raise AssertionError(f"{word} is no JSON")


def to_dicom(hdf5: Path, template: Path, target: Path) -> subprocess.CompletedProcess[str]:
    return run("hdf52dicom", "--input-hdf5", hdf5, "--input-dicom", template, "--output-dicom", target)


def stored(folder: Path) -> dict[tuple[float, ...], list[npt.NDArray[Any]]]:
    """Stored values by position, in the order of Instance Number."""
    found: dict[tuple[float, ...], list[npt.NDArray[Any]]] = {}
    files = [pydicom.dcmread(path) for path in folder.rglob("*") if path.is_file() and path.suffix != ".txt"]
    images = [dataset for dataset in files if "PixelData" in dataset]
    for dataset in sorted(images, key=lambda one: int(one.InstanceNumber)):
        found.setdefault(tuple(map(float, dataset.ImagePositionPatient)), []).append(dataset.pixel_array)
    return found


def assert_same_stored(one: Path, other: Path) -> None:
    mine, theirs = stored(one), stored(other)
    assert mine.keys() == theirs.keys()
    for place, arrays in mine.items():
        assert len(arrays) == len(theirs[place])
        for left, right in zip(arrays, theirs[place], strict=True):
            np.testing.assert_array_equal(left, right)


def phase(number: int, index: int, dataset: Dataset) -> None:
    dataset.SOPInstanceUID = f"{dataset.SOPInstanceUID}.{number}"
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.InstanceNumber = 100 * number + index + 1


# --- DICOM to HDF5 ----------------------------------------------------------------------------------------------------


def test_both_are_installed_as_programs() -> None:
    scripts = (Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8")
    assert 'dicom2hdf5 = "voxelry.cli.seed:main_dicom2hdf5"' in scripts
    assert 'hdf52dicom = "voxelry.cli.seed:main_hdf52dicom"' in scripts


@pytest.mark.parametrize("program", ["dicom2hdf5", "hdf52dicom"])
def test_help_is_help_and_h_is_the_hdf5_file(program: str) -> None:
    helped = run(program, "--help")
    assert helped.returncode == 0
    assert re.search(r"-hdf5\s+-h\b", helped.stdout)
    missing = run(program)
    assert missing.returncode == 2
    assert "Missing option" in missing.stderr


@pytest.mark.parametrize("shuffled", [False, True])
def test_slices_are_sorted_and_values_normalised(tmp_path: Path, shuffled: bool) -> None:
    truth = synthetic_series(tmp_path / "in", shuffled=shuffled, numbering="reversed")
    record, _ = to_hdf5(tmp_path / "in", tmp_path)
    with h5py.File(tmp_path / "series.h5") as file:
        volume = file["volume"]
        assert volume.dtype == np.float32
        assert volume.shape == (5, 1, 16, 20)
        values, low, high = volume[:, 0], volume.attrs["minimum"], volume.attrs["maximum"]
    assert (values.min(), values.max()) == (0, 1)
    assert (low, high) == (truth.stored.min(), truth.stored.max())
    np.testing.assert_array_equal(np.rint(values.astype(float) * (high - low) + low), truth.stored)
    (series,) = record["series"]
    assert series["series_instance_uid"] == truth.series_instance_uid
    assert [one["sop_instance_uid"] for one in series["slices"]] == list(truth.instance_uids)
    assert series["metadata"]["Modality"] == "CT"
    assert series["slices"][0]["position_mm"] == [-10, 20, -30]
    assert not any(one["file"].startswith("/") for one in series["slices"])
    np.testing.assert_allclose(series["affine_lps_mm"], truth.affine)


@pytest.mark.corpus
def test_the_three_phases_of_a_breast_stay_together(corpus: Path, tmp_path: Path) -> None:
    source = corpus / "mr_breast_three_phases"
    record, done = to_hdf5(source, tmp_path)
    assert done.returncode == 0
    assert "60 x 3 x 256 x 256" in done.stdout
    (series,) = record["series"]
    assert series["shape"] == [60, 3, 256, 256]
    assert len({one["sop_instance_uid"] for one in series["slices"]}) == 180
    with h5py.File(tmp_path / "series.h5") as file:
        values = file["volume"][:]
        low, high = (file["volume"].attrs[name] for name in ("minimum", "maximum"))
    for one in series["slices"][::17]:
        pixels = pydicom.dcmread(source / one["file"]).pixel_array
        shown = values[one["location"], one["phase"]].astype(float)
        np.testing.assert_array_equal(np.rint(shown * (high - low) + low), pixels)
    positions = [tuple(one["position_mm"]) for one in series["slices"]]
    assert all(len(set(positions[start : start + 3])) == 1 for start in range(0, 180, 3))


def test_what_is_left_out_is_told_and_nothing_is_half_written(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for source in (tmp_path / "missing", empty):
        done = run("dicom2hdf5", "-i", source, "-h", tmp_path / "a.h5", "-j", tmp_path / "a.json")
        assert done.returncode == 1
        assert done.stderr.startswith("Error:")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "notes.txt").write_text("words " * 100)
    done = run("dicom2hdf5", "-i", tmp_path / "notes", "-h", tmp_path / "a.h5", "-j", tmp_path / "a.json")
    assert "not a DICOM file" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "notes"]
    synthetic_series(tmp_path / "in")
    codes = bad_files(tmp_path / "in" / "bad")
    record, done = to_hdf5(tmp_path / "in", tmp_path)
    assert {problem["code"] for problem in record["skipped"].values()} == set(codes.values())
    assert done.returncode == 3
    assert not any(secret in done.stdout + done.stderr for secret in SECRETS)


def test_the_two_files_need_two_names(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in", slices=2)
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "one")
    for hdf5, record, words in (("one", "one", "names of their own"), ("one", "link", "names of their own"),
                                ("folder", "one", "is a folder"), ("one", "folder", "is a folder")):  # fmt: skip
        done = run("dicom2hdf5", "-i", tmp_path / "in", "-h", tmp_path / hdf5, "-j", tmp_path / record)
        assert done.returncode == 1
        assert words in " ".join(done.stderr.split())
    assert {path.name for path in tmp_path.iterdir()} == {"in", "folder", "link"}


def test_a_full_disk_is_told_of_the_file_that_was_to_be(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in", slices=2)
    to_hdf5(tmp_path / "in", tmp_path)
    small = tmp_path / "small"
    small.mkdir()
    for program, given, made in (
        ("dicom2hdf5", ["-i", tmp_path / "in", "-h", small / "a.h5", "-j", small / "a.json"], "a.h5"),
        ("hdf52dicom", ["-h", tmp_path / "series.h5", "-d", tmp_path / "in", "-o", small / "out"], "out"),
    ):
        code = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n{ENTRY.format(program)}"
        done = subprocess.run(
            [sys.executable, "-B", "-c", code, *map(str, given)], capture_output=True, text=True, check=False
        )  # no bytecode: it would be cut off as well, and be found by whoever imports it next
        assert done.returncode == 1
        assert f"{small / made}" in "".join(done.stderr.split())
        assert not list(small.iterdir())


def test_uneven_slices_have_no_affine_and_a_warning(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in", offsets=(0, 3, 6, 12, 15))
    record, done = to_hdf5(tmp_path / "in", tmp_path)
    assert record["series"][0]["affine_lps_mm"] is None
    assert "1 slice missing" in done.stderr
    assert to_dicom(tmp_path / "series.h5", tmp_path / "in", tmp_path / "out").returncode == 0
    assert_same_stored(tmp_path / "in", tmp_path / "out")


# --- there and back ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("signed", "bits", "rescale"), [(False, 16, (1.0, -1024.0)), (True, 16, (0.37, 12.5)), (False, 8, None)]
)
def test_there_and_back_every_stored_value_is_the_same(
    tmp_path: Path, signed: bool, bits: int, rescale: tuple[float, float] | None
) -> None:
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    every = np.resize(np.arange(low, high + 1), (5, 128, 128))
    pixels = every.astype(np.int16 if signed else np.uint8 if bits == 8 else np.uint16)
    synthetic_series(tmp_path / "in", pixels=pixels, signed=signed, bits_stored=bits, rescale=rescale)
    to_hdf5(tmp_path / "in", tmp_path)
    assert to_dicom(tmp_path / "series.h5", tmp_path / "in", tmp_path / "out").returncode == 0
    assert_same_stored(tmp_path / "in", tmp_path / "out")
    before, after = voxelry.load_volume(tmp_path / "in"), voxelry.load_volume(tmp_path / "out")
    np.testing.assert_array_equal(before.array, after.array)
    np.testing.assert_allclose(np.asarray(before.affine), np.asarray(after.affine))
    assert before.series_instance_uid != after.series_instance_uid
    assert not set(before.instance_uids) & set(after.instance_uids)
    assert before.metadata["PatientID"] == after.metadata["PatientID"]


@pytest.mark.corpus
@pytest.mark.parametrize(
    "name",
    ["mr_breast_three_phases", "ct_lung_bases", "ct_gantry_tilt", "mr_fmri_repeated_positions", "mr_axial_oblique"],
)
def test_real_series_come_back(corpus: Path, tmp_path: Path, name: str) -> None:
    record, _ = to_hdf5(corpus / name, tmp_path)
    done = to_dicom(tmp_path / "series.h5", corpus / name, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    if len(record["series"]) == 1:
        assert_same_stored(corpus / name, tmp_path / "out")
    before, after = voxelry.load(corpus / name).volumes, voxelry.load(tmp_path / "out").volumes
    assert len(before) == len(after)
    for mine, theirs in zip(before, after, strict=True):
        np.testing.assert_array_equal(mine.array, theirs.array)
        np.testing.assert_allclose(np.asarray(mine.affine), np.asarray(theirs.affine), atol=1e-6)


@pytest.mark.corpus
def test_the_values_are_the_hdf5_s_and_not_the_template_s(corpus: Path, tmp_path: Path) -> None:
    source = corpus / "mr_breast_three_phases"
    record, _ = to_hdf5(source, tmp_path)
    location, changed = 17, 1
    with h5py.File(tmp_path / "series.h5", "r+") as file:
        volume = file["volume"]
        volume[location, changed] = np.flip(volume[location, changed])
    assert to_dicom(tmp_path / "series.h5", source, tmp_path / "out").returncode == 0
    entry = next(one for one in record["series"][0]["slices"] if (one["location"], one["phase"]) == (location, changed))
    template = pydicom.dcmread(source / entry["file"])
    before, after = stored(source), stored(tmp_path / "out")
    place = tuple(map(float, template.ImagePositionPatient))
    np.testing.assert_array_equal(after[place][changed], np.flip(template.pixel_array))
    others = [
        (where, index)
        for where, arrays in before.items()
        for index in range(len(arrays))
        if (where, index) != (place, changed)
    ]
    assert len(others) == 179
    assert all(np.array_equal(before[where][index], after[where][index]) for where, index in others)


def test_several_series_come_back_into_a_folder_each(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in" / "a", seed=1)
    synthetic_series(tmp_path / "in" / "b", seed=2, rows=8)
    record, _ = to_hdf5(tmp_path / "in", tmp_path)
    assert [one["dataset"] for one in record["series"]] == ["volume", "2/volume"]
    assert to_dicom(tmp_path / "series.h5", tmp_path / "in", tmp_path / "out").returncode == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["ct-1-1", "ct-1-2"]
    shapes = {volume.array.shape for volume in voxelry.load(tmp_path / "out").volumes}
    assert shapes == {(5, 16, 20), (5, 8, 20)}


def test_a_zip_is_a_folder_too(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in")
    archive = zip_folder(tmp_path / "in.zip", tmp_path / "in")
    to_hdf5(archive, tmp_path)
    assert to_dicom(tmp_path / "series.h5", archive, tmp_path / "out").returncode == 0
    assert_same_stored(tmp_path / "in", tmp_path / "out")


# --- bad input --------------------------------------------------------------------------------------------------------


def test_a_template_that_does_not_match_is_refused_and_told_in_what(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in")
    to_hdf5(tmp_path / "in", tmp_path)
    for name, word in {
        "fewer": "number",
        "smaller": "shape",
        "elsewhere": "position",
    }.items():
        synthetic_series(
            tmp_path / name,
            seed=3,
            slices=4 if name == "fewer" else 5,
            rows=8 if name == "smaller" else 16,
            position=(0, 0, 500) if name == "elsewhere" else (-10, 20, -30),
        )
        done = to_dicom(tmp_path / "series.h5", tmp_path / name, tmp_path / "out")
        assert done.returncode == 1
        assert f"does not match in {word}" in done.stderr
        assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_values_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in")
    to_hdf5(tmp_path / "in", tmp_path)
    with h5py.File(tmp_path / "series.h5", "r+") as file:
        file["volume"][2, 0, 3, 4] = np.nan
    done = to_dicom(tmp_path / "series.h5", tmp_path / "in", tmp_path / "out")
    assert done.returncode == 1
    assert "slice 2" in done.stderr
    assert "finite" in done.stderr


def test_an_hdf5_by_others_is_used_as_far_as_it_goes(tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path / "in")
    with h5py.File(tmp_path / "theirs.h5", "w") as file:
        file["images"] = truth.stored[::-1].copy()
    done = to_dicom(tmp_path / "theirs.h5", tmp_path / "in", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "Warning: " in done.stderr
    back = voxelry.load_volume(tmp_path / "out")
    np.testing.assert_array_equal(back.array, truth.array[::-1])


def test_an_hdf5_without_a_place_says_that_the_template_s_is_taken(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in", slices=3)
    to_hdf5(tmp_path / "in", tmp_path)
    with h5py.File(tmp_path / "series.h5", "r+") as file:
        del file["volume"].attrs["affine_lps_mm"]
    done = to_dicom(tmp_path / "series.h5", tmp_path / "in", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "does not say where its slices lie" in " ".join(done.stderr.split())
    assert_same_stored(tmp_path / "in", tmp_path / "out")


def test_what_is_no_hdf5_or_no_template_is_a_sentence(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in")
    to_hdf5(tmp_path / "in", tmp_path)
    notes = tmp_path / "notes.h5"
    notes.write_text("words")
    write(synthetic_instance(), tmp_path / "one" / "a.dcm")
    for hdf5, template in ((notes, "in"), (tmp_path / "missing.h5", "in"), (tmp_path / "series.h5", "missing")):
        done = to_dicom(hdf5, tmp_path / template, tmp_path / "out")
        assert done.returncode == 1
        assert done.stderr.startswith("Error:")
        assert "Traceback" not in done.stderr
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    done = to_dicom(tmp_path / "series.h5", tmp_path / "in", tmp_path / "full")
    assert done.returncode == 1
    assert "not empty" in done.stderr
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]
