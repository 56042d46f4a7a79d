"""Volumes as objects of SimpleITK, nibabel and xarray, and back; the libraries themselves say where voxels lie."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import SimpleITK
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import voxelry
from voxelry.testing.volumes import DTYPES, affines, placed, voxels

SHAPE = (3, 4, 5)
INDICES = [(0, 0, 0), (2, 0, 0), (0, 3, 0), (0, 0, 4), (1, 2, 3)]
UID = "1.2.3"
BACK: dict[str, tuple[Callable[[voxelry.Volume], Any], Callable[[Any], voxelry.Volume]]] = {
    "simpleitk": (voxelry.to_simpleitk, voxelry.from_simpleitk),
    "nibabel": (voxelry.to_nibabel, voxelry.from_nibabel),
    "xarray": (voxelry.to_xarray, voxelry.from_xarray),
}


def of(affine: np.ndarray, dtype: str = "int16") -> voxelry.Volume:
    return voxelry.Volume(
        array=voxels(SHAPE, dtype),
        affine=affine,
        unit="HU",
        metadata={"FrameOfReferenceUID": UID, "PatientID": "SECRET"},
    )


def check(again: voxelry.Volume, volume: voxelry.Volume) -> None:
    np.testing.assert_array_equal(again.array, volume.array)
    assert again.dtype == volume.dtype
    assert again.unit == volume.unit
    assert again.affine is not None
    assert volume.affine is not None
    np.testing.assert_allclose(again.affine, volume.affine, rtol=1e-12, atol=1e-9)
    assert "SECRET" not in str(dict(again.metadata))


@given(affines(shear=False), st.sampled_from(DTYPES))
def test_simpleitk_puts_each_voxel_where_we_do(affine: np.ndarray, dtype: str) -> None:
    volume = of(affine, dtype)
    image = voxelry.to_simpleitk(volume)
    for index in INDICES:
        np.testing.assert_allclose(
            image.TransformIndexToPhysicalPoint(index[::-1]), volume.to_lps(index), rtol=1e-9, atol=1e-6
        )
        np.testing.assert_equal(image.GetPixel(*index[::-1]), volume.array[index].item())
    again = voxelry.from_simpleitk(image)
    check(again, volume)
    assert again.frame_of_reference_uid == UID


@given(affines(), st.sampled_from(DTYPES))
def test_nibabel_puts_each_voxel_where_we_do(affine: np.ndarray, dtype: str) -> None:
    volume = of(affine, dtype)
    image = voxelry.to_nibabel(volume)
    values = np.asanyarray(image.dataobj)
    for index in INDICES:
        ras = nib.affines.apply_affine(image.affine, index[::-1])
        np.testing.assert_allclose(ras * [-1, -1, 1], volume.to_lps(index), rtol=1e-9, atol=1e-6)
        np.testing.assert_equal(values[index[::-1]], volume.array[index])
    check(voxelry.from_nibabel(image), volume)


@given(affines(), st.sampled_from(DTYPES))
def test_xarray_keeps_everything(affine: np.ndarray, dtype: str) -> None:
    volume = of(affine, dtype)
    again = voxelry.from_xarray(voxelry.to_xarray(volume))
    check(again, volume)
    assert again.frame_of_reference_uid == UID


@given(affines(), st.data())
def test_a_part_of_an_xarray_knows_where_it_lies(affine: np.ndarray, data: st.DataObject) -> None:
    volume = of(affine)
    cuts = {}
    for name, length in zip(("slice", "row", "column"), SHAPE, strict=True):
        start = data.draw(st.integers(0, length - 1))
        cuts[name] = slice(start, data.draw(st.integers(start + 1, length)), data.draw(st.integers(1, 2)))
        if data.draw(st.booleans()):
            cuts[name] = slice(None, None, -1)
    part = voxelry.to_xarray(volume).isel(cuts).transpose("column", "slice", "row")
    again = voxelry.from_xarray(part)
    for index in ((0, 0, 0), tuple(length - 1 for length in again.shape)):
        old = np.rint(volume.to_index(again.to_lps(index))).astype(int)
        np.testing.assert_allclose(volume.to_lps(old), again.to_lps(index), atol=1e-6)
        assert volume.array[tuple(old)] == again.array[index]


def test_what_nibabel_writes_is_what_we_read(tmp_path: Path) -> None:
    volume = placed(voxels(SHAPE, "int16"))
    nib.save(voxelry.to_nibabel(volume), tmp_path / "a.nii.gz")
    found = voxelry.load_volume(tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(found.array, volume.array)
    assert found.geometry.same_grid(volume.geometry)
    voxelry.save(volume, tmp_path / "b.nii")
    check(
        voxelry.from_nibabel(nib.Nifti1Image.from_filename(tmp_path / "b.nii")), voxelry.load_volume(tmp_path / "b.nii")
    )
    SimpleITK.WriteImage(voxelry.to_simpleitk(volume), tmp_path / "c.nrrd")
    assert voxelry.load_volume(tmp_path / "c.nrrd").geometry.same_grid(volume.geometry)


@pytest.mark.parametrize("name", BACK)
def test_colour_and_truth_values(name: str) -> None:
    to, back = BACK[name]
    affine = placed(voxels(SHAPE, "int16")).affine
    colour = voxelry.Volume(array=voxels((*SHAPE, 3), "uint8"), affine=affine)
    np.testing.assert_array_equal(back(to(colour)).array, colour.array)
    truth = voxelry.Volume(array=voxels(SHAPE, "bool"), affine=affine)
    np.testing.assert_array_equal(back(to(truth)).array, truth.array)


def test_what_a_library_cannot_hold_is_refused() -> None:
    affine = np.diag([3.0, 1, 1, 1])[[2, 1, 0, 3]]
    affine[:3, 0] += [0, 0.5, 0]
    with pytest.raises(voxelry.VoxelryError, match=r"tilted \(sheared\) by .*voxelry.rectify"):
        voxelry.to_simpleitk(of(affine))
    image = voxelry.to_nibabel(of(affine))
    assert image.header["qform_code"] == 0
    unplaced = voxelry.Volume(array=voxels(SHAPE, "int16"), spacing=(3, None, None))
    for function in (voxelry.to_simpleitk, voxelry.to_nibabel):
        with pytest.raises(voxelry.VoxelryError, match="no place in the patient"):
            function(unplaced)
    assert voxelry.from_xarray(voxelry.to_xarray(unplaced)).spacing == (3, None, None)
    deep = voxelry.Volume(array=voxels((*SHAPE, 3), "uint16"), affine=np.eye(4))
    with pytest.raises(ValueError, match="colour as uint8, not as uint16"):
        voxelry.to_nibabel(deep)


def test_other_objects_are_told() -> None:
    for to, back in BACK.values():
        with pytest.raises(TypeError, match="a Volume, not an ndarray"):
            to(np.zeros(SHAPE))  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="not an ndarray"):
            back(np.zeros(SHAPE))
    with pytest.raises(ValueError, match="of 3 axes"):
        voxelry.from_simpleitk(SimpleITK.Image(4, 4, SimpleITK.sitkInt16))
    with pytest.raises(ValueError, match=r"image.slicer takes one"):
        voxelry.from_nibabel(nib.Nifti1Image(np.zeros((2, 2, 2, 2), np.int16), np.eye(4)))
    with pytest.raises(ValueError, match="dimensions slice, row and column"):
        voxelry.from_xarray(xr.DataArray(np.zeros(SHAPE)))
    with pytest.raises(ValueError, match="indices of row are not evenly spaced"):
        voxelry.from_xarray(voxelry.to_xarray(of(np.eye(4)))[:, [0, 1, 3]])


@pytest.mark.parametrize(
    ("name", "library", "install"),
    [
        ("simpleitk", "SimpleITK", r"'voxelry\[steps\]'"),
        ("nibabel", "nibabel", "nibabel"),
        ("xarray", "xarray", "xarray"),
    ],
)
def test_a_missing_library_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, name: str, library: str, install: str
) -> None:
    find = importlib.util.find_spec
    for module in ("voxelry.core.extras", "voxelry.workflows.exchange.libraries"):
        monkeypatch.setattr(f"{module}.find_spec", lambda one: None if one == library else find(one))
    for function in BACK[name]:
        with pytest.raises(ImportError, match=f"pip install {install}"):
            function(of(np.eye(4)))
