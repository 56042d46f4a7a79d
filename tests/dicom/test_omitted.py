"""Segmentations whose empty frames are omitted: volumes as highdicom wrote them, and where their step comes from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

import voxelry
from tests.dicom.segmentations import Masks, segmented
from voxelry.core.volume import Volume
from voxelry.testing import OBLIQUE, SyntheticSeries, synthetic_series

VOXEL = 2.5 * 0.8 * 0.7
GEOMETRY: dict[str, Any] = {"spacing": (2.5, 0.8, 0.7), "rows": 7, "columns": 9}


def images(folder: Path, slices: int = 10, **kwargs: Any) -> SyntheticSeries:
    return synthetic_series(folder, slices=slices, **{**GEOMETRY, **kwargs})


def without_step(dataset: Dataset) -> None:
    dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].pop("SpacingBetweenSlices", None)


def mm3(volume: Volume) -> float | None:
    return voxelry.measure(volume, 0.5).volume_mm3


def of_segmentation(path: Path) -> tuple[Volume, ...]:
    return tuple(one for one in voxelry.load(path).volumes if one.metadata["Modality"] == "SEG")


def every_second(slices: int = 10) -> Masks:
    """An annotation of every second slice, with a hole of three: 4 slices of 63 pixels."""
    mask = np.zeros((slices, 7, 9), np.uint8)
    mask[[1, 3, 7, 9]] = 1
    return mask


@pytest.mark.parametrize(
    "kwargs", [{}, {"orientation": OBLIQUE}, {"shear": (0.0, 0.6, 0.0)}, {"numbering": "reversed"}]
)
def test_a_sparse_segmentation_lies_on_the_slices_of_its_images(tmp_path: Path, kwargs: dict[str, Any]) -> None:
    """With its images at hand it has their grid, whatever its own header says of the step."""
    truth = images(tmp_path / "ct", shuffled=True, **kwargs)
    mask = every_second()
    segmented(tmp_path / "seg" / "s.dcm", truth, mask, edit=without_step)
    (volume,) = of_segmentation(tmp_path)
    np.testing.assert_array_equal(volume.array, mask)
    assert volume.affine is not None
    np.testing.assert_allclose(volume.affine, truth.affine, atol=1e-6)
    assert mm3(volume) == pytest.approx(4 * 63 * VOXEL)
    assert "4 of 10 slices are encoded" in " ".join(volume.warnings)
    assert "source images" in " ".join(volume.warnings)


def test_without_its_images_the_header_tells_the_step(tmp_path: Path) -> None:
    """Spacing Between Slices, as highdicom writes it; slices beyond those that are encoded are not known of."""
    mask = every_second()
    path = segmented(tmp_path / "seg" / "s.dcm", images(tmp_path / "ct"), mask)
    (volume,) = of_segmentation(path)
    np.testing.assert_array_equal(volume.array, mask[1:])
    assert mm3(volume) == pytest.approx(4 * 63 * VOXEL)
    assert "Spacing Between Slices (0018,0088) tells their distance" in " ".join(volume.warnings)


def test_with_neither_the_smallest_gap_is_taken_with_a_warning(tmp_path: Path) -> None:
    mask = every_second()
    path = segmented(tmp_path / "seg" / "s.dcm", images(tmp_path / "ct"), mask, edit=without_step)
    (volume,) = of_segmentation(path)
    assert volume.array.shape[0] == 5
    assert volume.spacing[0] == pytest.approx(5.0)
    assert any("5 mm is the smallest gap between encoded frames" in words for words in volume.warnings)


@pytest.mark.parametrize(("edit", "step"), [(without_step, None), (None, 2.5)])
def test_one_frame_knows_its_step_from_the_header_alone(
    tmp_path: Path, edit: Callable[[Dataset], None] | None, step: float | None
) -> None:
    """Slice Thickness is no step: without images and without Spacing Between Slices there are no mm3."""
    mask = np.zeros((10, 7, 9), np.uint8)
    mask[4] = 1
    path = segmented(tmp_path / "seg" / "s.dcm", images(tmp_path / "ct"), mask, edit=edit)
    (volume,) = of_segmentation(path)
    measured = voxelry.measure(volume)
    assert volume.spacing[0] == step
    assert measured.pixels_above_threshold == 63
    assert measured.volume_mm3 == (None if step is None else pytest.approx(63 * VOXEL))
    (volume,) = of_segmentation(tmp_path)  # with its images
    assert mm3(volume) == pytest.approx(63 * VOXEL)


def test_segments_of_different_extents_share_one_grid_and_may_overlap(tmp_path: Path) -> None:
    mask = np.zeros((10, 7, 9, 2), np.uint8)
    mask[1:4, 2:, :, 0] = 1
    mask[3:9:2, :5, :, 1] = 1
    path = segmented(tmp_path / "seg" / "s.dcm", images(tmp_path / "ct"), mask)
    volumes = of_segmentation(path)
    assert len(volumes) == 2
    for number, volume in enumerate(volumes):
        np.testing.assert_array_equal(volume.array, mask[1:8, ..., number])
        assert mm3(volume) == pytest.approx(float(mask[..., number].sum()) * VOXEL)
    np.testing.assert_array_equal(volumes[0].affine, volumes[1].affine)


def test_segments_of_which_nothing_was_found_are_told(tmp_path: Path) -> None:
    mask = np.zeros((10, 7, 9, 3), np.uint8)
    mask[2:5, ..., 1] = 1
    path = segmented(tmp_path / "seg" / "s.dcm", images(tmp_path / "ct"), mask)
    (volume,) = of_segmentation(path)
    assert "segments 1, 3 are empty: no frame is encoded" in volume.warnings


def test_a_segmentation_of_a_part_of_the_images_keeps_its_own_corner(tmp_path: Path) -> None:
    truth = images(tmp_path / "ct")
    mask = every_second()

    def moved(dataset: Dataset) -> None:
        for group in dataset.PerFrameFunctionalGroupsSequence:
            x, y, z = group.PlanePositionSequence[0].ImagePositionPatient
            group.PlanePositionSequence[0].ImagePositionPatient = [float(x) + 2.1, float(y) + 1.6, z]

    segmented(tmp_path / "seg" / "s.dcm", truth, mask, edit=moved)
    (volume,) = of_segmentation(tmp_path)
    assert volume.affine is not None
    np.testing.assert_allclose(volume.affine[:3, 3], truth.affine[:3, 3] + [2.1, 1.6, 0], atol=1e-6)


def test_a_segmentation_between_the_slices_of_its_images_has_its_own_step(tmp_path: Path) -> None:
    """Made on a finer grid: no slice of the images is one of its own."""
    truth, fine = images(tmp_path / "ct"), images(tmp_path / "fine", 19, spacing=(1.25, 0.8, 0.7))
    mask = np.ones((19, 7, 9), np.uint8)
    mask[4:7] = 0
    path = segmented(tmp_path / "seg" / "s.dcm", fine, mask)
    assert truth.series_instance_uid == fine.series_instance_uid
    for file in fine.paths:
        file.unlink()
    (volume,) = of_segmentation(tmp_path)
    assert path.exists()
    np.testing.assert_array_equal(volume.array, mask)
    assert volume.spacing[0] == pytest.approx(1.25)


def test_two_segmentations_of_one_series_are_never_mixed(tmp_path: Path) -> None:
    truth = images(tmp_path / "ct")
    one, other = every_second(), np.roll(every_second(), 1, axis=0)
    segmented(tmp_path / "seg" / "1.dcm", truth, one)
    segmented(tmp_path / "seg" / "2.dcm", truth, other)
    found = of_segmentation(tmp_path)
    assert len(found) == 2
    assert {volume.array.tobytes() for volume in found} == {one.astype("<i2").tobytes(), other.astype("<i2").tobytes()}


def test_a_step_that_makes_too_many_slices_is_not_believed(tmp_path: Path) -> None:
    """A header may say a micrometre."""

    def tiny(dataset: Dataset) -> None:
        dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].SpacingBetweenSlices = "0.001"

    path = segmented(tmp_path / "seg" / "s.dcm", images(tmp_path / "ct"), every_second(), edit=tiny)
    (volume,) = of_segmentation(path)
    assert volume.array.shape[0] == 5
    assert "smallest gap" in " ".join(volume.warnings)


# --- what values mean -------------------------------------------------------------------------------------------------


def test_a_mask_of_ones_alone_counts_them(tmp_path: Path) -> None:
    path = segmented(tmp_path / "seg" / "s.dcm", images(tmp_path / "ct", 3), np.ones((3, 7, 9), np.uint8))
    assert mm3(of_segmentation(path)[0]) == pytest.approx(3 * 63 * VOXEL)


def fractions() -> Masks:
    mask = np.zeros((4, 7, 9), np.float32)
    mask[1, :2], mask[1, 2], mask[2, 0, 0] = 0.25, 0.75, 1.0
    return mask


@pytest.mark.parametrize("largest", [255, 100])
def test_occupancies_are_summed(tmp_path: Path, largest: int) -> None:
    """PS3.3 C.8.20.2.3.1: a value is the fraction of the voxel that is occupied, of the largest that may be stored."""
    path = segmented(
        tmp_path / "seg" / "s.dcm", images(tmp_path / "ct", 4), fractions(), segmentation_type="FRACTIONAL",
        fractional_type="OCCUPANCY", max_fractional_value=largest,
    )  # fmt: skip
    (volume,) = of_segmentation(path)
    np.testing.assert_allclose(volume.array, fractions()[1:3], atol=0.5 / largest)
    measured = voxelry.measure(volume)
    stored = np.around(fractions() * largest)
    assert measured.volume_mm3 == pytest.approx(float(stored.sum()) / largest * VOXEL)
    assert measured.pixels_above_threshold == 10
    assert any("sum of all fractions" in words for words in measured.warnings)


def test_probabilities_have_mm3_at_a_threshold_that_somebody_states(tmp_path: Path) -> None:
    path = segmented(
        tmp_path / "seg" / "s.dcm", images(tmp_path / "ct", 4), fractions(), segmentation_type="FRACTIONAL",
        fractional_type="PROBABILITY",
    )  # fmt: skip
    (volume,) = of_segmentation(path)
    assert voxelry.measure(volume).volume_mm3 is None
    assert any("until you give a threshold" in words for words in voxelry.measure(volume).warnings)
    assert mm3(volume) == pytest.approx(10 * VOXEL)
    assert voxelry.measure(volume, 0.2).volume_mm3 == pytest.approx(28 * VOXEL)


def label_map() -> Masks:
    labels = np.zeros((6, 7, 9), np.uint8)
    labels[1, :3], labels[4, 2:], labels[4, 0, 0] = 1, 2, 3
    return labels


@pytest.mark.parametrize("coloured", [False, True])
def test_label_maps_keep_their_labels(tmp_path: Path, coloured: bool) -> None:
    """Supplement 243: the colours of a palette are for display, the stored values are the segments' numbers."""
    more: dict[str, Any] = {}
    if coloured:
        red, green, blue = (np.array([0, 255, 0, one], np.uint8) for one in (9, 90, 200))
        more["palette_color_lut_transformation"] = highdicom.PaletteColorLUTTransformation.from_combined_lut(
            np.stack([red, green, blue], axis=-1), first_mapped_value=0
        )
    path = segmented(
        tmp_path / "seg" / "s.dcm", images(tmp_path / "ct", 6), label_map(), segmentation_type="LABELMAP", labels=True,
        **more,
    )  # fmt: skip
    assert pydicom.dcmread(path).PhotometricInterpretation == ("PALETTE COLOR" if coloured else "MONOCHROME2")
    (volume,) = of_segmentation(path)
    np.testing.assert_array_equal(volume.array, label_map()[1:5])
    measured = voxelry.measure(volume)
    assert measured.pixels_above_threshold == 27 + 45 + 1
    assert measured.volume_mm3 == pytest.approx(73 * VOXEL)
    assert "label 2: 45 pixels, 63 mm3" in " ".join(measured.warnings)
    assert volume.padding is None
