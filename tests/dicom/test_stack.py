"""Stacks from synthetic series, where the truth is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

import voxelry
from voxelry.core.errors import GeometryError, NotOneVolumeError
from voxelry.testing import AXIAL, CORONAL, OBLIQUE, SAGITTAL, SECRETS, synthetic_instance, synthetic_series, write


@pytest.mark.parametrize("orientation", [AXIAL, CORONAL, SAGITTAL, OBLIQUE])
@pytest.mark.parametrize("numbering", ["ascending", "reversed", "same", "none"])
def test_positions_decide_whatever_numbers_and_names_say(
    tmp_path: Path, orientation: tuple[float, ...], numbering: str
) -> None:
    truth = synthetic_series(tmp_path, orientation=orientation, numbering=numbering, shuffled=True)  # type: ignore[arg-type]
    volume = voxelry.load_volume(tmp_path)
    np.testing.assert_array_equal(volume.array, truth.array)
    assert volume.affine is not None
    np.testing.assert_allclose(volume.affine, truth.affine, atol=1e-6)
    assert volume.spacing == pytest.approx(truth.spacing)
    assert volume.voxel_mm3 == pytest.approx(abs(np.linalg.det(volume.affine)))
    assert volume.instance_uids == truth.instance_uids
    assert volume.unit == "HU"
    assert volume.array.dtype == np.int16
    assert not volume.warnings


@settings(max_examples=25)
@given(order=st.permutations(range(5)), seed=st.integers(0, 5))
def test_file_order_never_matters(tmp_path_factory: pytest.TempPathFactory, order: list[int], seed: int) -> None:
    folder = tmp_path_factory.mktemp("series")
    truth = synthetic_series(folder, orientation=OBLIQUE, seed=seed)
    for number, k in enumerate(order):
        truth.paths[k].rename(folder / f"moved-{number}")
    np.testing.assert_array_equal(voxelry.load_volume(folder).array, truth.array)


def test_a_volume_is_frozen(tmp_path: Path) -> None:
    synthetic_series(tmp_path)
    volume = voxelry.load_volume(tmp_path)
    with pytest.raises(ValueError, match="read-only"):
        volume.array[0, 0, 0] = 1
    with pytest.raises(AttributeError):
        volume.unit = "m"  # type: ignore[misc]


def test_a_tilted_stack_keeps_its_shear_and_says_so(tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path, shear=(0.0, 1.0, 0.0))
    volume = voxelry.load_volume(tmp_path)
    assert volume.affine is not None
    np.testing.assert_allclose(volume.affine, truth.affine, atol=1e-6)
    assert volume.spacing[0] == pytest.approx(3.0)
    assert volume.voxel_mm3 == pytest.approx(abs(np.linalg.det(truth.affine)))
    assert "sheared by 18.43 degrees" in " ".join(volume.warnings)


@pytest.mark.parametrize(
    ("offsets", "code", "words"),
    [
        ((0, 3, 9, 12, 15), "missing_slices", "1 slice missing"),
        ((0, 3, 6, 11, 16), "uneven_spacing", "uneven slice spacing"),
        ((0, 3, 3.1, 6, 9), "near_duplicate_positions", "1 pair of slices lie almost at one position, 0.1 mm"),
        ((0, 3, 3, 6, 9), "repeated_positions", "hold more than one slice with different pixels"),
        ((0, 0, 0, 0, 0), "repeated_positions", "all 5 slices lie at one position"),
    ],
)
def test_an_irregular_stack_is_no_volume_and_names_why(
    tmp_path: Path, offsets: tuple[float, ...], code: str, words: str
) -> None:
    synthetic_series(tmp_path, offsets=offsets, edit=_same_times)
    with pytest.raises(GeometryError, match=words) as caught:
        voxelry.load_volume(tmp_path)
    assert caught.value.code == code
    result = voxelry.load(tmp_path)
    assert not result.volumes
    assert len(result.skipped) == 5
    assert all(words in problem.message and problem.code == code for problem in result.skipped.values())
    stack = voxelry.load_study(tmp_path).series[0].stacks[0]
    assert not stack.regular
    seen = stack.for_viewing()
    assert seen.array.shape == (5, 16, 20)
    assert seen.affine is None
    assert seen.spacing == (None, 0.8, 0.7)


def _same_times(_: int, dataset: Dataset) -> None:
    for keyword in ("AcquisitionTime", "ContentTime", "AcquisitionDateTime", "AcquisitionNumber", "InstanceNumber"):
        if keyword in dataset:
            del dataset[keyword]


def test_a_repeated_slice_with_the_same_pixels_is_left_out_with_a_warning(tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path)
    pixels = np.stack([truth.stored[2]])
    synthetic_series(tmp_path, pixels=pixels, position=(-10.0, 20.0, -24.0), first_index=5)
    result = voxelry.load(tmp_path)
    (volume,) = result.volumes
    np.testing.assert_array_equal(volume.array, truth.array)
    assert "1 duplicate slice with identical pixels left out, at -24.00 mm (along the normal)" in volume.warnings


def _separate(keyword: str, values: tuple[object, ...]) -> Callable[[int, Dataset], None]:
    def edit(k: int, dataset: Dataset) -> None:
        setattr(dataset, keyword, values[k % len(values)])

    return edit


@pytest.mark.parametrize(
    ("keyword", "values"),
    [
        ("TemporalPositionIdentifier", (1, 2)),
        ("EchoTime", ("4.6", "11.5")),
        ("DiffusionBValue", (0.0, 1000.0)),
        ("TriggerTime", ("0", "420")),
        ("ImageType", (["ORIGINAL", "PRIMARY", "M"], ["ORIGINAL", "PRIMARY", "P"])),
        ("ConvolutionKernel", ("B30f", "B70f")),
        ("KVP", ("80", "140")),
        ("SequenceName", ("ep_b0", "ep_b1000#1")),
        ("AcquisitionNumber", ("1", "2")),
        ("ContentTime", ("101010", "101112")),
    ],
)
def test_repeated_positions_are_told_apart_by_what_truly_separates_them(
    tmp_path: Path, keyword: str, values: tuple[object, ...]
) -> None:
    """Ten images at five positions, the two of a position interleaved."""
    offsets = tuple(3.0 * (k // 2) for k in range(10))
    truth = synthetic_series(
        tmp_path,
        slices=10,
        offsets=offsets,
        modality="MR",
        rescale=None,
        edit=_separate(keyword, values),
        shuffled=True,
    )
    result = voxelry.load(tmp_path)
    assert not result.skipped
    assert [volume.array.shape for volume in result.volumes] == [(5, 16, 20)] * 2
    for phase, volume in enumerate(result.volumes):
        np.testing.assert_array_equal(volume.array, truth.array[phase::2])
        assert volume.label.startswith(keyword)
        assert not volume.warnings
    with pytest.raises(NotOneVolumeError, match="2 volumes"):
        voxelry.load_volume(tmp_path)


def test_phases_without_any_other_mark_follow_their_numbers_and_say_so(tmp_path: Path) -> None:
    offsets = tuple(3.0 * (k % 5) for k in range(10))
    truth = synthetic_series(tmp_path, slices=10, offsets=offsets, modality="MR", rescale=None, edit=_drop_times)
    result = voxelry.load(tmp_path)
    assert [volume.label for volume in result.volumes] == ["InstanceNumber 1-5", "InstanceNumber 6-10"]
    np.testing.assert_array_equal(result.volumes[1].array, truth.array[5:])
    assert "Instance Number" in result.volumes[0].warnings[0]


def _drop_times(_: int, dataset: Dataset) -> None:
    for keyword in ("AcquisitionTime", "ContentTime", "AcquisitionDateTime", "AcquisitionNumber"):
        if keyword in dataset:
            del dataset[keyword]


def test_a_series_of_several_kinds_gives_a_stack_for_each(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "a", slices=6)
    synthetic_series(tmp_path / "b", slices=3, orientation=CORONAL, first_index=6)
    synthetic_series(tmp_path / "c", slices=4, rows=8, first_index=9)
    shapes = sorted(volume.array.shape for volume in voxelry.load(tmp_path).volumes)
    assert shapes == [(3, 16, 20), (4, 8, 20), (6, 16, 20)]


def test_the_order_of_numbers_serves_where_there_are_no_positions_and_says_so(tmp_path: Path) -> None:
    truth = synthetic_series(
        tmp_path, shuffled=True, attributes={"ImagePositionPatient": None, "ImageOrientationPatient": None}
    )
    volume = voxelry.load_volume(tmp_path)
    np.testing.assert_array_equal(volume.array, truth.array)
    assert volume.affine is None
    assert volume.spacing == (None, 0.8, 0.7)
    assert "no Image Position" in volume.warnings[0]


def test_enhanced_frames_take_their_place_from_the_functional_groups(tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path, frames="enhanced", modality="CT", orientation=OBLIQUE)
    volume = voxelry.load_volume(tmp_path)
    np.testing.assert_array_equal(volume.array, truth.array)
    assert volume.affine is not None
    np.testing.assert_allclose(volume.affine, truth.affine, atol=1e-6)


def test_plain_frames_follow_each_other_without_a_place(tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path, frames="plain", rescale=None)
    volume = voxelry.load_volume(tmp_path)
    np.testing.assert_array_equal(volume.array, truth.array)
    assert volume.spacing[0] is None


def test_every_slice_has_its_own_rescale(tmp_path: Path) -> None:
    pairs = [(0.5 * (k + 1), -10.0 * k) for k in range(5)]
    truth = synthetic_series(tmp_path, rescale=pairs, modality="PT")
    volume = voxelry.load_volume(tmp_path)
    np.testing.assert_allclose(volume.array, truth.array, rtol=1e-12)
    assert volume.array.dtype == np.float32  # halves lose nothing in it


@pytest.mark.parametrize(
    ("rescale", "signed", "dtype"),
    [
        ((1.0, -1024.0), False, "int16"),
        ((1.0, 0.0), False, "int16"),
        ((16.0, 0.0), False, "uint16"),
        ((100.0, -1000.0), False, "int32"),
        ((0.1, 0.0), False, "float64"),
        ((0.25, 0.0), True, "float32"),
    ],
)
def test_the_values_that_are_there_decide_the_dtype(
    tmp_path: Path, rescale: tuple[float, float], signed: bool, dtype: str
) -> None:
    truth = synthetic_series(tmp_path, rescale=rescale, signed=signed)
    volume = voxelry.load_volume(tmp_path)
    assert volume.array.dtype == dtype
    np.testing.assert_array_equal(volume.array, truth.array)


def test_a_padding_value_in_the_wrong_sign_is_understood(tmp_path: Path) -> None:
    pixels = np.arange(-4, 36, dtype=np.int16).reshape(1, 5, 8)
    pixels[0, 0, :3] = -2000
    synthetic_series(tmp_path, pixels=pixels, signed=True, bits_stored=16, rescale=(1.0, 0.0), edit=_unsigned_padding)
    measured = voxelry.measure(voxelry.load_volume(tmp_path))
    assert "3 of 40 pixels are padding" in " ".join(measured.warnings)


def _unsigned_padding(_: int, dataset: Dataset) -> None:
    dataset.add_new(0x00280120, "US", 65536 - 2000)


def test_monochrome1_changes_the_display_and_never_a_value(tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path, photometric="MONOCHROME1")
    volume = voxelry.load_volume(tmp_path)
    assert volume.inverted
    np.testing.assert_array_equal(volume.array, truth.array)


@pytest.mark.parametrize(
    ("value", "words"), [(value, "is no distance") for value in ([0, 0], [-1, 1], [1e-150, 1e-150], [1e200, 1e200])]
)
def test_a_spacing_that_is_no_distance_is_unknown(tmp_path: Path, value: list[float], words: str) -> None:
    synthetic_series(tmp_path, slices=1, attributes={"PixelSpacing": value})
    volume = voxelry.load_volume(tmp_path)
    assert volume.spacing == (3.0, None, None)
    assert words in " ".join(volume.warnings)
    assert voxelry.measure(volume).volume_mm3 is None


def test_implausible_numbers_are_named(tmp_path: Path) -> None:
    synthetic_series(tmp_path, slices=1, attributes={"PixelSpacing": [900, 900]}, rescale=(1000.0, -1024.0))
    words = " ".join(voxelry.load_volume(tmp_path).warnings)
    assert "Pixel Spacing (0028,0030) is implausible: 900" in words
    assert "implausible values for Hounsfield units" in words


def test_a_slope_of_zero_is_refused(tmp_path: Path) -> None:
    path = write(synthetic_instance(rescale=(0.0, 0.0)), tmp_path / "flat.dcm")
    result = voxelry.load(path)
    assert "Rescale Slope (0028,1053) is 0" in result.skipped[str(path)].message


def test_a_ct_localizer_is_a_projection_and_says_so(tmp_path: Path) -> None:
    synthetic_series(tmp_path, slices=1, attributes={"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]})
    assert "whose mm3 is no volume of tissue" in " ".join(voxelry.load_volume(tmp_path).warnings)


def test_what_is_shown_of_objects_is_short_and_holds_no_patients_value(tmp_path: Path) -> None:
    """A repr goes into logs, notebooks and tracebacks."""
    synthetic_series(tmp_path / "a")
    synthetic_series(tmp_path / "b", frames="enhanced", modality="MR", seed=1)
    index = voxelry.index(tmp_path)
    result = voxelry.load(tmp_path)
    shown = [repr(index), repr(result), *(repr(volume) for volume in result.volumes)]
    for series in index.series:
        shown += [repr(series), repr(series.instances[0])]
        shown += [repr(part) for stack in series.stacks for part in (stack, stack.frames[0])]
    assert not [text for text in shown if any(secret in text for secret in SECRETS)]
    assert max(map(len, shown)) < 1500
    assert "<Volume 5 x 16 x 20 int16 HU, spacing (3, 0.8, 0.7) mm>" in shown


def test_phases_whose_times_follow_each_other_need_no_warning(tmp_path: Path) -> None:
    """Each slice has a time of its own, so that no time separates the phases; their order does."""
    offsets = tuple(3.0 * (k % 5) for k in range(10))

    def edit(k: int, dataset: Dataset) -> None:
        _drop_times(k, dataset)
        dataset.AcquisitionTime = f"{101000 + 100 * (k // 5) + k:06d}"

    synthetic_series(tmp_path, slices=10, offsets=offsets, modality="MR", rescale=None, edit=edit)
    volumes = voxelry.load(tmp_path).volumes
    assert [volume.label for volume in volumes] == ["InstanceNumber 1-5", "InstanceNumber 6-10"]
    assert not any(volume.warnings for volume in volumes)
