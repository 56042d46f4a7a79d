"""Series to HDF5 and back, whatever kind they are; what the terminal's programs do, without the terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset

import voxelry
from voxelry.core.errors import ExistsError, ParameterError
from voxelry.testing import synthetic_series
from voxelry.workflows.convert.normalised import dicom_to_hdf5
from voxelry.workflows.convert.restored import RestoredReport, hdf5_to_dicom

RNG = np.random.default_rng(1)


def with_table(_: int, dataset: Dataset) -> None:
    """A Modality LUT that no slope can stand for, and that takes many stored values to one."""
    table = Dataset()
    table.LUTDescriptor, table.LUTData, table.ModalityLUTType = [4096, 0, 16], [k // 3 for k in range(4096)], "US"
    table["LUTDescriptor"].VR = table["LUTData"].VR = "US"
    dataset.ModalityLUTSequence = [table]


SLOPES = [(0.001 * 1.7**k, 0.0) for k in range(5)]
KINDS: dict[str, dict[str, Any]] = {
    "32 bits": {
        "pixels": RNG.integers(0, 2**32, (3, 16, 20), dtype=np.uint32),
        "bits_stored": 32,
        "rescale": None,
        "modality": "MR",
    },
    "32 bits, signed": {
        "pixels": RNG.integers(-(2**31), 2**31, (3, 16, 20)).astype(np.int32),
        "bits_stored": 32,
        "signed": True,
        "rescale": (0.5, 1.0),
    },
    "a slope for each slice": {"modality": "PT", "rescale": SLOPES},
    "enhanced": {"frames": "enhanced", "modality": "MR", "rescale": None},
    "enhanced, a slope for each frame": {"frames": "enhanced", "modality": "PT", "rescale": SLOPES},
    "frames without functional groups": {"frames": "plain"},
    "colour": {"photometric": "RGB", "modality": "US", "rescale": None, "bits_stored": 8},
    "values by a table": {"rescale": None, "edit": with_table},
    "inverted": {"photometric": "MONOCHROME1"},
    "padding": {"padding_value": 0},
    "tilted": {"shear": (0.0, 0.7, 0.0)},
}


def there_and_back(folder: Path) -> RestoredReport:
    dicom_to_hdf5(folder / "in", folder / "a.h5", folder / "a.json")
    return hdf5_to_dicom(folder / "a.h5", folder / "in", folder / "out")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_series_comes_back(tmp_path: Path, kind: str) -> None:
    synthetic_series(tmp_path / "in", **KINDS[kind])
    assert there_and_back(tmp_path).warnings == ()
    (before,), (after,) = voxelry.load(tmp_path / "in").volumes, voxelry.load(tmp_path / "out").volumes
    np.testing.assert_array_equal(before.array, after.array)
    assert before.array.dtype == after.array.dtype
    assert (before.affine is None) == (after.affine is None)
    if before.affine is not None and after.affine is not None:
        np.testing.assert_allclose(before.affine, after.affine)
    assert before.unit == after.unit
    assert before.inverted == after.inverted


@pytest.mark.corpus
@pytest.mark.parametrize("name", ["ct_mr_pet_rtstruct", "mr_localizer_three_planes", "mixed_kinds_in_one_series"])
def test_folders_of_several_grids_come_back(corpus: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "in").symlink_to(corpus / name)
    there_and_back(tmp_path)
    before, after = voxelry.load(corpus / name).volumes, voxelry.load(tmp_path / "out").volumes
    assert len(before) == len(after)
    for mine in before:
        assert sum(mine.array.shape == one.array.shape and np.array_equal(mine.array, one.array) for one in after) == 1


@pytest.mark.parametrize("name", ["SC_rgb_32bit.dcm", "SC_rgb_16bit_2frame.dcm", "SC_rgb_small_odd.dcm"])
def test_colours_of_every_width_come_back(tmp_path: Path, name: str) -> None:
    source = str(get_testdata_file(name))
    dicom_to_hdf5(source, tmp_path / "a.h5", tmp_path / "a.json")
    (made,) = hdf5_to_dicom(tmp_path / "a.h5", source, tmp_path / "out").paths
    np.testing.assert_array_equal(pydicom.dcmread(made).pixel_array, pydicom.dcmread(source).pixel_array)
    if "32" in name:
        with pytest.raises(ParameterError, match="colours of 32 bits are written as 'explicit'"):
            hdf5_to_dicom(tmp_path / "a.h5", source, tmp_path / "rle", transfer_syntax="rle")


def test_values_beyond_the_template_s_bits_are_rescaled_and_told(tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path / "in", rescale=None, modality="MR")
    dicom_to_hdf5(tmp_path / "in", tmp_path / "a.h5", tmp_path / "a.json")
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        file["volume"][2] = file["volume"][2] * 1000
    report = hdf5_to_dicom(tmp_path / "a.h5", tmp_path / "in", tmp_path / "out")
    assert any("rescaled" in words for words in report.warnings)
    after = voxelry.load_volume(tmp_path / "out").array
    low, step = float(truth.stored.min()), float(np.ptp(truth.stored)) * 1000 / 65535
    wanted = (truth.stored[2].astype(float) - low) * 1000 + low
    np.testing.assert_allclose(after[2], wanted, atol=step)


def test_the_json_is_json_and_tells_every_source(tmp_path: Path) -> None:
    def edit(index: int, dataset: Any) -> None:
        dataset.RescaleSlope = 1
        dataset.add_new(0x00189306, "FD", float("nan"))  # Single Collimation Width, which is no number here

    truth = synthetic_series(tmp_path / "in", edit=edit, modality="CT")
    there_and_back(tmp_path)
    text = (tmp_path / "a.json").read_text("utf-8")
    assert "NaN" not in text
    (series,) = json.loads(text)["series"]
    assert sorted(one["sop_instance_uid"] for one in series["slices"]) == sorted(truth.instance_uids)
    assert {one["metadata"]["InstanceNumber"] for one in series["slices"]} == {1, 2, 3, 4, 5}
    assert not set(series["metadata"]) & set(series["slices"][0]["metadata"])


def test_a_folder_with_something_in_it_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").touch()
    with pytest.raises(ExistsError, match="not empty"):
        hdf5_to_dicom(tmp_path / "missing.h5", tmp_path, tmp_path / "out")


def test_a_template_of_other_series_has_to_be_told_apart(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in", seed=1)
    dicom_to_hdf5(tmp_path / "in", tmp_path / "a.h5", tmp_path / "a.json")
    synthetic_series(tmp_path / "two" / "a", seed=2)
    synthetic_series(tmp_path / "two" / "b", seed=3)
    with pytest.raises(ParameterError, match="in number: it holds 2 volumes"):
        hdf5_to_dicom(tmp_path / "a.h5", tmp_path / "two", tmp_path / "out")
    synthetic_series(tmp_path / "two" / "own", seed=1)
    report = hdf5_to_dicom(tmp_path / "a.h5", tmp_path / "two", tmp_path / "out")
    assert len(report.paths) == 5
    with pytest.raises(ParameterError, match="explicit"):
        hdf5_to_dicom(tmp_path / "a.h5", tmp_path / "in", tmp_path / "zip", transfer_syntax="zip")


def test_no_source_is_overwritten(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in")
    first = min((tmp_path / "in").iterdir())
    before = first.read_bytes()
    for hdf5, record in ((first, tmp_path / "a.json"), (tmp_path / "a.h5", first)):
        with pytest.raises(ParameterError, match="would be lost"):
            dicom_to_hdf5(tmp_path / "in", hdf5, record)
    assert first.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
