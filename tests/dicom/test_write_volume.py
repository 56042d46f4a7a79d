"""Bare volumes as DICOM objects: the same numbers in the same places, and no patient invented."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import voxelry
from voxelry.core.errors import ParameterError, UnplacedError
from voxelry.core.volume import Volume
from voxelry.dicom.pixels.encode import SYNTAXES
from voxelry.dicom.write.writing import write_volume
from voxelry.testing import AXIAL, OBLIQUE

MOMENT = datetime(2021, 3, 4, 5, 6, 7)  # noqa: DTZ001 - DICOM's is local time


def affine_of(orientation: tuple[float, ...] = AXIAL, *, shear: float = 0.0, flip: bool = False) -> npt.NDArray[Any]:
    """Of 3 x 0.8 x 0.7 mm voxels; sheared along the columns, or with slices that descend along the normal."""
    cosines = np.array(orientation)
    affine = np.eye(4)
    affine[:3, 0] = np.cross(cosines[:3], cosines[3:]) * (-3 if flip else 3) + shear * cosines[3:]
    affine[:3, 1], affine[:3, 2] = cosines[3:] * 0.8, cosines[:3] * 0.7
    affine[:3, 3] = -10, 20, -30
    return affine


def volume_of(array: npt.NDArray[Any], **more: Any) -> Volume:
    return Volume(array=array, **{"affine": affine_of(), "unit": "HU", **more})


RAMP = np.arange(5 * 6 * 7, dtype=np.int16).reshape(5, 6, 7) - 100


@pytest.mark.parametrize("syntax", list(SYNTAXES))
@pytest.mark.parametrize(("modality", "kind"), [("CT", "single"), ("MR", "single"), ("OT", "single"),
                                                ("CT", "enhanced"), ("MR", "enhanced")])  # fmt: skip
@pytest.mark.parametrize("shear", [0.0, 0.6])
def test_a_volume_comes_back(tmp_path: Path, modality: str, kind: Any, syntax: Any, shear: float) -> None:
    volume = volume_of(RAMP, affine=affine_of(OBLIQUE, shear=shear), unit="HU" if modality == "CT" else "")
    target = tmp_path / "out" if kind == "single" else tmp_path / "out" / "all.dcm"
    written = write_volume(
        volume, target, attributes={"Modality": modality, "PatientID": "4711"}, kind=kind, transfer_syntax=syntax
    )
    assert not written.warnings
    assert len(written.paths) == (5 if kind == "single" else 1)
    assert sorted(written.paths) == sorted((tmp_path / "out").iterdir())
    loaded = voxelry.load_volume(tmp_path / "out")
    np.testing.assert_array_equal(loaded.array, volume.array)
    assert loaded.affine is not None
    assert volume.affine is not None
    np.testing.assert_allclose(loaded.affine, volume.affine, atol=1e-9)
    assert loaded.unit == volume.unit
    assert loaded.metadata["PatientID"] == "4711"
    assert loaded.series_instance_uid == written.series_instance_uid


def test_a_left_handed_volume_keeps_its_places(tmp_path: Path) -> None:
    """Its slices come back in the order of the normal: other indices, the same voxel at the same place."""
    volume = volume_of(RAMP, affine=affine_of(flip=True))
    write_volume(volume, tmp_path / "out")
    loaded = voxelry.load_volume(tmp_path / "out")
    np.testing.assert_array_equal(loaded.array[::-1], volume.array)
    assert loaded.affine is not None
    assert volume.affine is not None
    np.testing.assert_allclose(loaded.affine @ [4, 0, 0, 1], volume.affine @ [0, 0, 0, 1], atol=1e-9)


@settings(max_examples=30)
@given(
    values=arrays.arrays(np.int16, (2, 3, 4)) | arrays.arrays(np.uint16, (2, 3, 4)),
    kind=st.sampled_from(["single", "enhanced"]),
    syntax=st.sampled_from(list(SYNTAXES)),
)
def test_whole_values_lose_nothing(
    tmp_path_factory: pytest.TempPathFactory, values: npt.NDArray[Any], kind: Any, syntax: Any
) -> None:
    target = tmp_path_factory.mktemp("volume") / "out"
    write_volume(volume_of(values), target / "a.dcm" if kind == "enhanced" else target, kind=kind,
                 transfer_syntax=syntax)  # fmt: skip
    np.testing.assert_array_equal(voxelry.load_volume(target).array, values)


def test_fractions_are_rescaled_and_it_is_said(tmp_path: Path) -> None:
    values = np.random.default_rng(1).normal(size=(5, 6, 7)).astype(np.float32)
    written = write_volume(volume_of(values), tmp_path / "out")
    assert "rescaled into 16 bits" in written.warnings[0]
    step = (values.max() - values.min()) / 65_535
    np.testing.assert_allclose(voxelry.load_volume(tmp_path / "out").array, values, atol=0.51 * step)


def test_colour_is_secondary_capture(tmp_path: Path) -> None:
    values = np.random.default_rng(1).integers(0, 255, (2, 6, 7, 3), dtype=np.uint8)
    written = write_volume(Volume(array=values), tmp_path / "out")
    assert pydicom.dcmread(written.paths[0]).SOPClassUID == pydicom.uid.SecondaryCaptureImageStorage
    np.testing.assert_array_equal(voxelry.load_volume(tmp_path / "out").array, values)


def test_nothing_is_invented_about_the_patient(tmp_path: Path) -> None:
    written = write_volume(volume_of(RAMP), tmp_path / "out", created=MOMENT)
    sets = [pydicom.dcmread(path) for path in written.paths]
    for dataset in sets:
        for keyword in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "AccessionNumber"):
            assert keyword in dataset
            assert not dataset[keyword].value
        assert dataset.Modality == "CT"  # Hounsfield units are CT's
        assert dataset.ImageType[:2] == ["DERIVED", "SECONDARY"]
        assert dataset.ContentDate == "20210304"
        assert dataset.ContributingEquipmentSequence[0].Manufacturer == "Voxelry"
    for keyword, count in (("SOPInstanceUID", 5), ("SeriesInstanceUID", 1), ("FrameOfReferenceUID", 1)):
        assert len({dataset[keyword].value for dataset in sets}) == count
    assert [dataset.InstanceNumber for dataset in sets] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("kind", ["single", "enhanced"])
def test_a_seed_gives_the_same_bytes_again(tmp_path: Path, kind: Any) -> None:
    targets = [tmp_path / name / "a.dcm" if kind == "enhanced" else tmp_path / name for name in "ab"]
    once, again = (write_volume(volume_of(RAMP), target, kind=kind, seed="x") for target in targets)
    assert [path.read_bytes() for path in once.paths] == [path.read_bytes() for path in again.paths]


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"Rows": 5}, "Rows follows from the volume"),
        ({"NoSuchThing": 5}, "'NoSuchThing' is no keyword"),
        ({"PatientBirthDate": object()}, "PatientBirthDate|attribute cannot have"),
        ({"SeriesNumber": "SECRET"}, "SeriesNumber cannot have"),
    ],
)
def test_attributes_that_cannot_be_are_refused(tmp_path: Path, attributes: dict[str, object], words: str) -> None:
    with pytest.raises(ParameterError, match=words) as caught:
        write_volume(volume_of(RAMP), tmp_path / "out", attributes=attributes)
    assert "SECRET" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_volume_without_a_place_is_refused_where_one_is_needed(tmp_path: Path) -> None:
    with pytest.raises(UnplacedError, match="affine is unknown"):
        write_volume(volume_of(RAMP, affine=None), tmp_path / "out")
    write_volume(volume_of(RAMP, affine=None), tmp_path / "out", attributes={"Modality": "OT"})
    np.testing.assert_array_equal(voxelry.load_volume(tmp_path / "out").array, RAMP)


def test_what_no_image_can_say_is_refused(tmp_path: Path) -> None:
    skewed = affine_of()
    skewed[:3, 1] += skewed[:3, 2]
    with pytest.raises(ParameterError, match="not perpendicular"):
        write_volume(volume_of(RAMP, affine=skewed), tmp_path / "out")
    with pytest.raises(ParameterError, match="enhanced objects are of CT or MR"):
        write_volume(volume_of(RAMP), tmp_path / "a.dcm", kind="enhanced", attributes={"Modality": "PT"})
    with pytest.raises(ParameterError, match="transfer syntax is one of explicit, rle"):
        write_volume(volume_of(RAMP), tmp_path / "out", transfer_syntax="jpeg")  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())
