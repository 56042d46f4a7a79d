"""One door out: volumes and segmentations from memory into files of any format."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest

import voxelry
from voxelry.testing import synthetic_series
from voxelry.testing.volumes import placed, voxels

VOLUME = replace(placed(voxels((3, 4, 5), "int16")), unit="HU")
SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".mha", ".npz", ".h5", ".zarr")


def names(folder: Path) -> list[str]:
    return sorted(one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file())


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_saved_is_loaded_again(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    assert voxelry.save(VOLUME, path).paths == (path,)
    found = voxelry.load_volume(path)
    np.testing.assert_array_equal(found.array, VOLUME.array)
    assert found.affine is not None
    assert VOLUME.affine is not None
    np.testing.assert_allclose(found.affine, VOLUME.affine, atol=1e-4)


@pytest.mark.parametrize("suffix", [".nii.gz", ".h5", ".zarr", ".dcm", ".png", ".gif"])
def test_what_is_there_is_replaced_only_if_that_is_asked_for(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    voxelry.save(VOLUME, path)
    before = names(tmp_path)
    with pytest.raises(FileExistsError, match="overwrite=True") as caught:
        voxelry.save(VOLUME, path)
    assert isinstance(caught.value, voxelry.VoxelryError)
    voxelry.save(VOLUME, path, overwrite=True)
    assert names(tmp_path) == before


def test_a_folder_gets_a_file_for_each_slice(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in")
    volume = voxelry.load_volume(tmp_path / "in")
    written = voxelry.save(volume, tmp_path / "1.2.840.3")
    assert [one.name for one in written.paths] == [f"{n:04d}.dcm" for n in range(1, 6)]
    first = pydicom.dcmread(written.paths[0])
    assert first.SeriesInstanceUID == written.series_instance_uid != volume.series_instance_uid
    assert first.PatientID == volume.metadata["PatientID"]
    again = voxelry.load_volume(tmp_path / "1.2.840.3")
    np.testing.assert_array_equal(again.array, volume.array)
    with pytest.raises(FileExistsError):
        voxelry.save(volume, tmp_path / "1.2.840.3")
    voxelry.save(volume, tmp_path / "1.2.840.3", overwrite=True)
    (tmp_path / "1.2.840.3" / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="other things than a series"):
        voxelry.save(volume, tmp_path / "1.2.840.3", overwrite=True)
    assert (tmp_path / "1.2.840.3" / "notes.txt").read_text() == "mine"


def test_pictures_in_a_folder(tmp_path: Path) -> None:
    written = voxelry.save(VOLUME, tmp_path / "p", format="png", options={"window": "40,400"})
    assert [one.name for one in written.paths] == ["slice-0000.png", "slice-0001.png", "slice-0002.png"]
    with pytest.raises(FileExistsError):
        voxelry.save(VOLUME, tmp_path / "p", format="png")


def test_several_volumes_of_one_grid_are_one_file_where_the_format_holds_them(tmp_path: Path) -> None:
    volumes = [placed(voxels((3, 4, 5), "int16", seed=n)) for n in range(3)]
    voxelry.save(volumes, tmp_path / "a.nii")
    found = voxelry.load(tmp_path / "a.nii").volumes
    assert len(found) == 3
    for one, volume in zip(found, volumes, strict=True):
        np.testing.assert_array_equal(one.array, volume.array)
    series = voxelry.save((replace(one, label=f"phase {n}") for n, one in enumerate(volumes)), tmp_path / "series")
    assert len(series.paths) == 9
    assert {one.parent.name for one in series.paths} == {"phase_0", "phase_1", "phase_2"}


def test_volumes_of_several_grids_need_a_folder(tmp_path: Path) -> None:
    volumes = [VOLUME, placed(voxels((2, 4, 5), "int16"))]
    with pytest.raises(ValueError, match='name a folder, with format="nifti"'):
        voxelry.save(volumes, tmp_path / "a.nii.gz")
    written = voxelry.save(volumes, tmp_path / "all", format="nifti")
    assert [one.name for one in written.paths] == ["volume-1.nii.gz", "volume-2.nii.gz"]
    assert [one.array.shape for one in voxelry.load(tmp_path / "all").volumes] == [(3, 4, 5), (2, 4, 5)]


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    colour = voxelry.Volume(array=np.zeros((2, 3, 4, 3), np.uint8))
    with pytest.raises(voxelry.VoxelryError):
        voxelry.save(colour, tmp_path / "a.nii", options={"reorient": "RAS"})
    with pytest.raises(ValueError, match="no option 'colour'"):
        voxelry.save(VOLUME, tmp_path / "b.nrrd", options={"colour": 1})

    def stop(_: float, __: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        voxelry.save(VOLUME, tmp_path / "c", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.nii").mkdir()
    (tmp_path / "a.nii" / "mine.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="a folder that holds something"):
        voxelry.save(VOLUME, tmp_path / "a.nii", overwrite=True)
    assert names(tmp_path) == ["a.nii/mine.txt"]


def test_segmentations_as_dicom_and_as_labels(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in")
    series = voxelry.load_study(tmp_path / "in").series[0]
    volume = series.stacks[0].volume()
    labels = (volume.array > np.median(volume.array)).astype(np.uint8)
    made = voxelry.Segmentation(labels=labels, source=volume, segments=[voxelry.Segment(number=1, label="Bright")])
    with pytest.raises(ValueError, match="give them as source="):
        voxelry.save(made, tmp_path / "seg.dcm")
    written = voxelry.save(made, tmp_path / "seg.dcm", source=series, options={"kind": "labelmap"})
    assert written.paths == (tmp_path / "seg.dcm",)
    with pytest.raises(FileExistsError):
        voxelry.save(made, tmp_path / "seg.dcm", source=series)
    assert voxelry.save(made, tmp_path / "seg", source=series).paths[0].name == "segmentation.dcm"
    for name in ("seg.nrrd", "seg.nii.gz", "seg.h5"):
        voxelry.save(made, tmp_path / name)
        np.testing.assert_array_equal(voxelry.load_volume(tmp_path / name).array, labels)
    assert voxelry.load_segmentation(tmp_path / "seg.nrrd").segments[0].label == "Bright"


@pytest.mark.parametrize("wrong", [np.zeros((2, 3)), 3, None, "brain.nii", [VOLUME, 3]])
def test_what_is_no_volume_is_told(tmp_path: Path, wrong: object) -> None:
    with pytest.raises(TypeError, match=r"can be saved, not (an? |None)"):
        voxelry.save(wrong, tmp_path / "a.nii")  # type: ignore[arg-type]


def test_paths_that_say_nothing_are_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no format is known by the end of the name '.tif'; formats are .*nifti"):
        voxelry.save(VOLUME, tmp_path / "a.tif")
    with pytest.raises(ValueError, match="there is no volume to save"):
        voxelry.save([], tmp_path / "a.nii")
    with pytest.raises(TypeError, match="the volume comes first"):
        voxelry.save(tmp_path / "a.nii", VOLUME)  # type: ignore[arg-type]
