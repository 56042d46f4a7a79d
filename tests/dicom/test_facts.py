"""What a frame's header says of its values: empty slices of slope 0, padding that is NaN, and what is HU."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

import voxelry
from voxelry.core.errors import PixelDataError
from voxelry.core.histogram import histogram
from voxelry.dicom.frames.frame_facts import Facts
from voxelry.testing import synthetic_instance, synthetic_series, write

DOSE = "1.2.840.10008.5.1.4.1.1.481.2"


def pet(folder: Path, last: int, rescale: tuple[float, float] = (0.0, 0.0)) -> Path:
    pixels = np.arange(3 * 4 * 5, dtype=np.int16).reshape(3, 4, 5)
    pixels[2] = 0
    pixels[2, 1, 1] = last
    scales = [(1.5, 0.0), (2.0, 0.0), rescale]
    synthetic_series(folder, pixels=pixels, modality="PT", rescale=scales, signed=True, bits_stored=16)
    return folder


@pytest.mark.parametrize("intercept", [0.0, -7.0])
def test_an_empty_slice_of_slope_0_is_its_intercept(tmp_path: Path, intercept: float) -> None:
    """PET scanners write slope 0 for slices without counts: 0 times 0, plus the intercept."""
    volume = voxelry.load_volume(pet(tmp_path, 0, (0.0, intercept)))
    assert volume.array.shape == (3, 4, 5)
    assert (volume.array[2] == intercept).all()
    assert volume.array[0, 0, 3] == 4.5


def test_a_slope_of_0_over_stored_values_is_an_error_of_its_file(tmp_path: Path) -> None:
    result = voxelry.load(pet(tmp_path, 9))
    (problem,) = [one for one in result.skipped.values() if one.code == "pixel_data"]
    assert "Rescale Slope (0028,1053) is 0" in problem.message


def test_an_empty_slice_is_written_back_with_a_scale_that_holds_values(tmp_path: Path) -> None:
    study = voxelry.load_study(pet(tmp_path / "in", 0))
    (stack,) = study.series[0].stacks
    values = np.asarray(stack.volume().array) + 3.0
    voxelry.write_series(values, stack, tmp_path / "out")
    assert np.allclose(voxelry.load_volume(tmp_path / "out").array, values, atol=1)


def test_a_shared_slope_of_0_is_asked_of_every_frame(tmp_path: Path) -> None:
    """Of an enhanced object whose first frame is empty and whose second is not."""
    pixels = np.zeros((2, 3, 4), np.uint16)
    pixels[1] = 7

    def edit(_: int, dataset: Dataset) -> None:
        transform = Dataset()
        transform.RescaleSlope, transform.RescaleIntercept, transform.RescaleType = 0, 0, "US"
        for group in dataset.PerFrameFunctionalGroupsSequence:
            group.pop("PixelValueTransformationSequence", None)
        dataset.SharedFunctionalGroupsSequence[0].PixelValueTransformationSequence = [transform]

    synthetic_series(tmp_path, pixels=pixels, frames="enhanced", modality="MR", rescale=None, edit=edit)
    (problem,) = voxelry.load(tmp_path).skipped.values()
    assert "Rescale Slope (0028,1053) is 0" in problem.message


def test_a_dose_without_any_dose_is_zero(tmp_path: Path) -> None:
    dose = synthetic_instance(np.zeros((2, 3, 4), np.uint16), sop_class_uid=DOSE, modality="RTDOSE", rescale=None)
    dose.DoseGridScaling, dose.GridFrameOffsetVector = "0", ["0", "3"]
    assert not voxelry.load_volume(write(dose, tmp_path / "dose.dcm")).array.any()
    dose.PixelData = np.ones((2, 3, 4), np.uint16).tobytes()
    with pytest.raises(PixelDataError, match=r"Dose Grid Scaling \(3004,000E\) is 0"):
        voxelry.load_volume(write(dose, tmp_path / "full.dcm"))


def floats(path: Path, values: np.ndarray, **attributes: object) -> Path:
    dataset = synthetic_instance(np.zeros(values.shape, np.uint16), modality="MR", rescale=None)
    del dataset.PixelData
    for keyword in ("BitsStored", "HighBit", "PixelRepresentation"):
        delattr(dataset, keyword)
    dataset.BitsAllocated = 32
    dataset.add_new(0x7FE00008, "OF", values.astype("<f4").tobytes())
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return write(dataset, path)


@pytest.mark.parametrize("limit", [None, float("nan")])
def test_padding_that_is_nan_is_padding(tmp_path: Path, limit: float | None) -> None:
    values = np.array([[np.nan, 1.0, 2.0], [np.nan, 3.0, 5.0]])
    more = {"FloatPixelPaddingValue": float("nan")} | ({} if limit is None else {"FloatPixelPaddingRangeLimit": limit})
    volume = voxelry.load_volume(floats(tmp_path / "map.dcm", values, **more))
    measured = voxelry.measure(volume, 0.5)
    assert measured.pixels_above_threshold == 1
    assert histogram(volume).values.tolist() == [1, 2, 3, 5]
    assert "2 of 6 pixels are NaN or infinite, which are no numbers (padding" in " ".join(measured.warnings)


def facts(dataset: Dataset, path: Path) -> Facts:
    return voxelry.load_study(write(dataset, path)).series[0].stacks[0].frames[0].facts


@pytest.mark.parametrize(
    ("attributes", "unit"),
    [
        ({"RescaleType": None}, "HU"),
        ({"RescaleType": "HU"}, "HU"),
        ({"RescaleType": "US"}, ""),
        ({"RescaleType": None, "ImageType": ["DERIVED", "SECONDARY", "MPR"]}, ""),
        ({"RescaleType": "HU", "ImageType": ["DERIVED", "SECONDARY", "MPR"]}, "HU"),
        ({"RescaleType": None, "MultienergyCTAcquisition": "YES"}, ""),
        ({"RescaleType": None, "MultienergyCTAcquisition": "NO"}, "HU"),
        ({"RescaleType": "HU_MOD"}, "HU_MOD"),
        ({"RescaleType": None, "ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, ""),
    ],
)
def test_what_is_hu(tmp_path: Path, attributes: dict[str, object], unit: str) -> None:
    """PS3.3 C.8.2.1: Rescale Type is required where values are not HU; derived images often leave it out."""
    assert facts(synthetic_instance(attributes=attributes), tmp_path / "ct.dcm").unit == unit


def test_what_is_derived_from_hu_says_so(tmp_path: Path) -> None:
    write(synthetic_instance(attributes={"RescaleType": None}), tmp_path / "in" / "ct.dcm")
    (stack,) = voxelry.load_study(tmp_path / "in").series[0].stacks
    volume = stack.volume()
    voxelry.write_series(volume, stack, tmp_path / "out")
    assert voxelry.load_volume(tmp_path / "out").unit == volume.unit == "HU"
