"""Segmentations as others write them: frames in any order, tiles, wrong codes, colours and numbers, many segments."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels.utils import pack_bits

import voxelry
from tests.dicom.segmentations import segmented
from voxelry.core.errors import FrameOfReferenceError, GeometryError
from voxelry.core.segmentation import Code
from voxelry.testing import synthetic_series

SHAPE = (5, 16, 20)


def two_masks() -> npt.NDArray[np.uint8]:
    """Two segments that overlap, along the last axis."""
    masks = np.zeros((*SHAPE, 2), np.uint8)
    masks[1:3, 2:9, 3:12, 0] = 1
    masks[2:4, 5:12, 8:16, 1] = 1
    return masks


def written(tmp_path: Path, edit: Callable[[Dataset], None] | None = None) -> Path:
    return segmented(tmp_path / "seg.dcm", synthetic_series(tmp_path / "images"), two_masks(), edit=edit)


def in_order(order: Callable[[int], list[int]]) -> Callable[[Dataset], None]:
    """Put the frames of a dataset into another order."""

    def edit(dataset: Dataset) -> None:
        groups, pixels = list(dataset.PerFrameFunctionalGroupsSequence), dataset.pixel_array.copy()
        indices = order(len(groups))
        dataset.PerFrameFunctionalGroupsSequence = [groups[index] for index in indices]
        dataset.PixelData = pack_bits(pixels[indices].ravel(), pad=True)

    return edit


@pytest.mark.parametrize("seed", [None, 1, 2, 3])
def test_the_order_of_frames_never_matters(tmp_path: Path, seed: int | None) -> None:
    def order(count: int) -> list[int]:
        indices = list(range(count))[::-1]
        if seed is not None:
            random.Random(seed).shuffle(indices)
        return indices

    found = voxelry.load_segmentation(written(tmp_path, in_order(order)), images=tmp_path / "images")
    assert [segment.label for segment in found.segments] == ["segment 1", "segment 2"]
    for number in (1, 2):
        np.testing.assert_array_equal(found.mask(number), two_masks()[..., number - 1] != 0)


@pytest.mark.parametrize("kind", ["TILED_FULL", "TILED_SPARSE", ""])
def test_tiles_of_whole_slide_images_are_refused_in_words(tmp_path: Path, kind: str) -> None:
    def edit(dataset: Dataset) -> None:
        dataset.DimensionOrganizationType = kind
        dataset.TotalPixelMatrixRows = dataset.TotalPixelMatrixColumns = 64
        if kind == "TILED_FULL":
            del dataset.PerFrameFunctionalGroupsSequence

    with pytest.raises(GeometryError, match="tiled"):
        voxelry.load_segmentation(written(tmp_path, edit))


def a_code(value: str, scheme: str, meaning: str) -> Dataset:
    found = Dataset()
    found.CodeValue, found.CodingSchemeDesignator, found.CodeMeaning = value, scheme, meaning
    return found


def test_what_is_missing_or_wrong_in_a_description_is_told(tmp_path: Path) -> None:
    def edit(dataset: Dataset) -> None:
        one, two = dataset.SegmentSequence
        one.SegmentLabel = " "
        one.RecommendedDisplayCIELabValue = [1, 2]
        one.SegmentedPropertyTypeCodeSequence = []
        two.SegmentLabel = "x" * 80
        two.RecommendedDisplayCIELabValue = [65535, 32896, 32896]
        two.SegmentedPropertyCategoryCodeSequence = [a_code("T1", "", "of no scheme")]
        two.SegmentedPropertyTypeCodeSequence = [a_code("X1", "99MINE", "Mine")]
        two.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = [
            a_code("7771000", "SCT", "Left")
        ]
        two.SegmentAlgorithmType = "ODD"

    found = voxelry.load_segmentation(written(tmp_path, edit))
    one, two = found.segments
    assert (one.label, one.colour, one.type.meaning) == ("Label 1", None, "Tissue")
    assert (two.label, two.colour) == ("x" * 64, (255, 255, 255))
    assert (two.type, two.type_modifier) == (Code("X1", "99MINE", "Mine"), Code("7771000", "SCT", "Left"))
    told = "\n".join(found.warnings)
    for words in (
        "segment 1: no Segment Label (0062,0005)",
        "segment 1: no code of the type (0062,000F)",
        "segment 1: Recommended Display CIELab Value (0062,000D)",
        "segment 2: the code of the category (0062,0003) is of no coding scheme",
        "segment 2: the code of the type (0062,000F) is of a private coding scheme",
    ):
        assert words in told
    assert found.count(1) == 126


def test_numbers_that_contradict_each_other_are_told(tmp_path: Path) -> None:
    def edit(dataset: Dataset) -> None:
        one, two = dataset.SegmentSequence
        two.SegmentNumber = one.SegmentNumber
        extra = Dataset()
        extra.SegmentLabel = "without a number"
        dataset.SegmentSequence.append(extra)

    found = voxelry.load_segmentation(written(tmp_path, edit))
    assert [(one.number, one.label) for one in found.segments] == [(1, "segment 1"), (2, "Label 2")]
    told = "\n".join(found.warnings)
    assert "an item of Segment Sequence (0062,0002) has no number, and was left out" in told
    assert "segment 1: described more than once" in told
    assert "segment 2: described nowhere" in told


def test_frames_of_no_segment_are_told_apart_only_if_there_is_one(tmp_path: Path) -> None:
    def edit(dataset: Dataset) -> None:
        for group in (*dataset.SharedFunctionalGroupsSequence, *dataset.PerFrameFunctionalGroupsSequence):
            group.pop("SegmentIdentificationSequence", None)

    with pytest.raises(GeometryError, match="do not say of which of its 2 segments they are"):
        voxelry.load_segmentation(written(tmp_path, edit))
    images = synthetic_series(tmp_path / "others")
    path = segmented(tmp_path / "one.dcm", images, two_masks()[..., 0], edit=edit)
    found = voxelry.load_segmentation(path)
    assert (found.segments[0].label, found.count(1)) == ("segment 1", 126)


def test_another_frame_of_reference_is_refused_unless_it_is_confirmed(tmp_path: Path) -> None:
    def edit(dataset: Dataset) -> None:
        dataset.FrameOfReferenceUID = "2.25.77"

    found = voxelry.load_segmentation(written(tmp_path, edit))
    image = voxelry.load_volume(tmp_path / "images")
    with pytest.raises(FrameOfReferenceError, match="same_frame_of_reference=True"):
        voxelry.statistics(image, found)
    counted = voxelry.statistics(image, found, same_frame_of_reference=True)
    assert [one.values.count + one.missing for one in counted] == [126, 112]


def test_two_hundred_overlapping_segments_are_read(tmp_path: Path) -> None:
    masks = np.zeros((*SHAPE, 200), np.uint8)
    for number in range(200):
        masks[number % 3 : number % 3 + 2, number % 10 : number % 10 + 6, number % 7 : number % 7 + 9, number] = 1
    path = segmented(tmp_path / "seg.dcm", synthetic_series(tmp_path / "images"), masks)
    found = voxelry.load_segmentation(path, images=tmp_path / "images")
    assert found.overlapping
    assert len(found.segments) == 200
    for number in (1, 100, 200):
        np.testing.assert_array_equal(found.mask(number), masks[..., number - 1] != 0)


def test_modifiers_are_written_and_read_again(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "images")
    images = voxelry.load_study(tmp_path / "images").series[0]
    kidney = voxelry.Segment(
        number=1,
        label="Left kidney",
        type=Code("64033007", "SCT", "Kidney"),
        type_modifier=Code("7771000", "SCT", "Left"),
        anatomic_region=Code("818981001", "SCT", "Abdomen"),
        region_modifier=Code("255561001", "SCT", "Médial"),
        colour=(10, 200, 30),
    )
    labels = two_masks()[..., 0]
    made = voxelry.Segmentation(segments=[kidney], labels=labels, source=images.stacks[0].volume())
    path = voxelry.write_segmentation(made, images, tmp_path / "seg.dcm").paths[0]
    (found,) = voxelry.load_segmentation(path).segments
    assert (found.type, found.type_modifier) == (kidney.type, kidney.type_modifier)
    assert (found.anatomic_region, found.region_modifier) == (kidney.anatomic_region, kidney.region_modifier)
