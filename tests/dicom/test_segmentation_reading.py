"""DICOM segmentations read as Segmentation: bits, overlapping bits, fractions and labels, with highdicom as judge."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import numpy.typing as npt
import pytest

import voxelry
from tests.dicom.segmentations import segmented
from voxelry.core.errors import MeasureError, NothingFoundError, NotOneVolumeError, ParameterError
from voxelry.core.segmentation import ANATOMY, Code, Segment, Segmentation
from voxelry.testing import synthetic_series

SHAPE = (5, 16, 20)
LIVER = Code("10200004", "SCT", "Liver")


def masks_of(*boxes: tuple[slice, slice, slice]) -> npt.NDArray[np.uint8]:
    """Boxes of a volume, in the order of the series' files, a segment along the last axis."""
    found = np.zeros((*SHAPE, len(boxes)), np.uint8)
    for number, box in enumerate(boxes):
        found[(*box, number)] = 1
    return found


ONE = (slice(1, 3), slice(2, 9), slice(3, 12))
APART = (slice(3, 5), slice(1, 4), slice(0, 5))
ACROSS = (slice(2, 4), slice(5, 12), slice(8, 16))


@pytest.mark.parametrize("with_images", [True, False])
def test_bits_become_labels_on_one_grid(tmp_path: Path, with_images: bool) -> None:
    series = synthetic_series(tmp_path / "images")
    mask = masks_of(ONE, APART)
    path = segmented(tmp_path / "seg.dcm", series, mask)
    found = voxelry.load_segmentation(path, images=tmp_path / "images" if with_images else None)
    assert found.fractional_type is None
    assert not found.overlapping
    assert [(one.number, one.label, one.algorithm_type) for one in found.segments] == [
        (1, "segment 1", "MANUAL"),
        (2, "segment 2", "MANUAL"),
    ]
    assert found.segment(1).type == LIVER
    start = 0 if with_images else 1  # without the images, no slice beyond those with a segment
    assert found.geometry.shape == (5 - start, 16, 20)
    np.testing.assert_allclose(found.geometry.index_to_lps((-start, 0, 0)), series.affine[:3, 3], atol=1e-6)
    for number in (1, 2):
        np.testing.assert_array_equal(found.mask(number), mask[start:, ..., number - 1] != 0)
    voxel = float(np.prod(series.spacing))
    assert found.volumes_mm3() == pytest.approx({1: 2 * 7 * 9 * voxel, 2: 2 * 3 * 5 * voxel})
    assert found.count("segment 2") == 30


def test_overlapping_bits_stay_masks_as_highdicom_reads_them(tmp_path: Path) -> None:
    series = synthetic_series(tmp_path / "images")
    mask = masks_of(ONE, ACROSS)
    path = segmented(tmp_path / "seg.dcm", series, mask)
    found = voxelry.load_segmentation(tmp_path)
    assert found.overlapping
    judge = highdicom.seg.segread(path).get_volume(combine_segments=False).array
    for number in (1, 2):
        np.testing.assert_array_equal(found.mask(number), mask[..., number - 1] != 0)
        assert found.count(number) == int(judge[..., number - 1].sum())
    with pytest.raises(MeasureError, match="segments 1 and 2 overlap"):
        _ = found.labels
    images = voxelry.load_study(tmp_path / "images").series[0]
    with pytest.raises(MeasureError, match="segments 1 and 2 overlap"):
        voxelry.write_segmentation(found, images, tmp_path / "x.dcm", kind="labelmap")


def test_overlapping_segments_are_written_and_read_again(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "images")
    images = voxelry.load_study(tmp_path / "images").series[0]
    volume = images.stacks[0].volume()
    mask = masks_of(ONE, ACROSS)
    segments = (
        Segment(
            number=1, label="Liver", category=ANATOMY, type=LIVER, algorithm="somebody's",
            algorithm_type="SEMIAUTOMATIC", anatomic_region=Code("818981001", "SCT", "Abdomen"), colour=(200, 30, 60),
        ),
        Segment(number=2, label="Lesion", algorithm_type="MANUAL", colour=(1, 2, 3)),
    )  # fmt: skip
    segmentation = Segmentation(
        segments=segments, masks=[mask[..., 0] != 0, mask[..., 1] != 0], source=volume, recipe="drawn"
    )
    written = voxelry.write_segmentation(segmentation, images, tmp_path / "seg.dcm", description="drawn")
    found = voxelry.load_segmentation(tmp_path)
    assert found.segments == segments
    assert "drawn" in found.recipe
    for number in (1, 2):
        np.testing.assert_array_equal(found.mask(number), mask[..., number - 1] != 0)
        assert found.volume_mm3(number) == pytest.approx(segmentation.volume_mm3(number))
    judge = highdicom.seg.segread(tmp_path / "seg.dcm")
    assert judge.number_of_segments == 2
    assert not written.warnings


@pytest.mark.parametrize("kind", ["OCCUPANCY", "PROBABILITY"])
def test_fractions_stay_fractions(tmp_path: Path, kind: str) -> None:
    series = synthetic_series(tmp_path / "images")
    values = masks_of(ONE).astype(np.float32)[..., 0] * np.linspace(0, 1, 20, dtype=np.float32)
    fractional: dict[str, Any] = {"fractional_type": kind, "max_fractional_value": 200}
    segmented(tmp_path / "seg.dcm", series, values, segmentation_type="FRACTIONAL", **fractional)
    found = voxelry.load_segmentation(tmp_path)
    assert found.fractional_type == kind
    np.testing.assert_allclose(found.fractions(1), values, atol=0.003)
    voxel = float(np.prod(series.spacing))
    whole = found.volume_mm3(1)
    if kind == "OCCUPANCY":
        assert whole == pytest.approx(float(values.sum()) * voxel, rel=0.01)
    else:
        assert whole is None
    assert found.volume_mm3(1, threshold=0.3) == pytest.approx(np.count_nonzero(values > 0.3) * voxel)
    with pytest.raises(ParameterError, match="threshold"):
        found.mask(1)
    with pytest.raises(MeasureError, match="fractions"):
        _ = found.labels


def test_label_maps_keep_their_numbers(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "images")
    images = voxelry.load_study(tmp_path / "images").series[0]
    volume = images.stacks[0].volume()
    labels = np.zeros(SHAPE, np.uint16)
    labels[ONE], labels[APART] = 7, 300
    segments = (Segment(number=7, label="a"), Segment(number=300, label="b"), Segment(number=9, label="never found"))
    segmentation = Segmentation(labels=labels, source=volume, segments=segments)
    voxelry.write_segmentation(segmentation, images, tmp_path / "seg.dcm", kind="labelmap")
    found = voxelry.load_segmentation(tmp_path)
    np.testing.assert_array_equal(found.labels, labels)
    assert [(one.number, one.label) for one in found.segments] == [(7, "a"), (9, "never found"), (300, "b")]
    assert found.count("never found") == 0


def test_a_segment_without_a_frame_is_empty(tmp_path: Path) -> None:
    series = synthetic_series(tmp_path / "images")
    mask = masks_of(ONE, APART)
    mask[..., 1] = 0
    segmented(tmp_path / "seg.dcm", series, mask)
    found = voxelry.load_segmentation(tmp_path)
    assert [one.number for one in found.segments] == [1, 2]
    assert found.count(2) == 0
    assert any("empty" in one for one in found.warnings)


def test_a_segmentation_without_a_place_has_no_mm3(tmp_path: Path) -> None:
    def unplaced(dataset: Any) -> None:
        for item in (dataset.SharedFunctionalGroupsSequence[0], *dataset.PerFrameFunctionalGroupsSequence):
            for keyword in ("PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence"):
                item.pop(keyword, None)

    series = synthetic_series(tmp_path / "images")
    path = segmented(tmp_path / "seg.dcm", series, masks_of(ONE), edit=unplaced)
    found = voxelry.load_segmentation(path)
    assert not found.geometry.placed
    assert found.volume_mm3(1) is None
    assert found.count(1) == 126


@pytest.mark.parametrize("make", [lambda path: None, lambda path: (path / "a").write_text("x")])
def test_where_there_is_none_it_is_said(tmp_path: Path, make: Callable[[Path], object]) -> None:
    synthetic_series(tmp_path / "images")
    make(tmp_path)
    with pytest.raises(NothingFoundError, match="no segmentation"):
        voxelry.load_segmentation(tmp_path)


def test_several_are_not_one(tmp_path: Path) -> None:
    series = synthetic_series(tmp_path / "images")
    for name in "ab":
        segmented(tmp_path / f"{name}.dcm", series, masks_of(ONE))
    with pytest.raises(NotOneVolumeError, match="2 segmentations"):
        voxelry.load_segmentation(tmp_path)


def test_masks_of_contours_can_be_stored(tmp_path: Path) -> None:
    """From contours to a DICOM segmentation and back."""
    series = synthetic_series(tmp_path / "images")
    images = voxelry.load_study(tmp_path / "images").series[0]
    corners = np.array([(2, 3, 3), (2, 3, 12), (2, 9, 12), (2, 9, 3)], float)
    points = np.c_[corners, np.ones(4)] @ series.affine.T
    structure = voxelry.Contours(contours=(voxelry.Contour(points[:, :3]),), name="a", colour=(9, 8, 7))
    stack = images.stacks[0]
    geometry = voxelry.Geometry(shape=SHAPE, affine=stack.affine, frame_of_reference_uid=stack.frame_of_reference_uid)
    segmentation = voxelry.StructureSet(structures=(structure,), geometry=geometry).segmentation()
    voxelry.write_segmentation(segmentation, images, tmp_path / "seg.dcm")
    found = voxelry.load_segmentation(tmp_path)
    np.testing.assert_array_equal(found.labels, segmentation.labels)
    assert found.segments == segmentation.segments
