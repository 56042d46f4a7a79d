"""The Segmentation: labels, masks that overlap, and fractions, on a grid."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from voxelry.core.errors import MeasureError, ParameterError
from voxelry.core.geometry import Geometry
from voxelry.core.label_volumes import label_volumes, segmentation_of_volumes
from voxelry.core.segment_items import items_of, segments_of
from voxelry.core.segmentation import ANATOMY, Code, Segment, Segmentation
from voxelry.core.volume import Volume

SHAPE = (2, 3, 4)
GRID = Geometry(shape=SHAPE, affine=np.array([[0, 0, 1.5, 0], [0, 2.0, 0, 0], [5, 0.3, 0, 0], [0, 0, 0, 1]]))
TWO = (Segment(number=1, label="one"), Segment(number=3, label="three"))


def labels() -> npt.NDArray[np.uint8]:
    found = np.zeros(SHAPE, np.uint8)
    found[0], found[1, 0] = 1, 3
    return found


def masks(*, overlap: bool) -> list[npt.NDArray[np.bool_]]:
    one, three = labels() == 1, labels() == 3
    return [one, three | (one & (np.arange(4) == 0))] if overlap else [one, three]


def test_labels_have_masks_counts_and_volumes() -> None:
    found = Segmentation(segments=TWO, labels=labels(), geometry=GRID, recipe="by hand")
    assert found.count(1) == found.count("one") == 12
    assert found.volumes_mm3() == pytest.approx({1: 12 * 15, 3: 4 * 15})
    assert found.geometry is GRID
    assert not found.overlapping
    assert found.recipe == "by hand"
    assert found.source.affine is not None
    np.testing.assert_array_equal(found.mask(3), labels() == 3)
    np.testing.assert_array_equal(found.fractions(1), labels() == 1)
    with pytest.raises(ValueError, match="read-only"):
        found.labels[0] = 1
    assert "one" not in repr(found)


def test_masks_are_labels_unless_they_overlap() -> None:
    apart = Segmentation(segments=TWO, masks=masks(overlap=False), geometry=GRID)
    np.testing.assert_array_equal(apart.labels, labels())
    assert apart.labels.dtype == np.uint8
    over = Segmentation(segments=TWO, masks=masks(overlap=True), geometry=GRID)
    assert over.overlapping
    assert over.count(3) == 7
    with pytest.raises(MeasureError, match="segments 1 and 3 overlap"):
        _ = over.labels


def test_fractions_have_a_volume_by_their_kind() -> None:
    values: list[Any] = [np.full(SHAPE, 0.25, np.float32), np.full(SHAPE, 0.75, np.float32)]
    sums = Segmentation(segments=TWO, fractions=values, fractional_type="OCCUPANCY", geometry=GRID)
    assert sums.volume_mm3(1) == pytest.approx(24 * 15 / 4)
    assert sums.volume_mm3("three", threshold=0.5) == pytest.approx(24 * 15)
    assert sums.volume_mm3(1, threshold=0.5) == 0
    likely = Segmentation(segments=TWO, fractions=values, geometry=GRID)
    assert likely.volumes_mm3() == {1: None, 3: None}
    assert not likely.overlapping
    for threshold in (None, 1.5):
        with pytest.raises(ParameterError, match="threshold"):
            likely.mask(1, threshold=threshold)
    with pytest.raises(MeasureError, match="fractions"):
        _ = likely.labels


def test_without_a_spacing_there_is_no_volume() -> None:
    found = Segmentation(segments=TWO, labels=labels(), geometry=Geometry(shape=SHAPE, spacing=(None, 1, 1)))
    assert found.volumes_mm3() == {1: None, 3: None}
    assert found.count(1) == 12
    assert found.source.affine is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"labels": labels().astype(np.int16)}, "unsigned"),
        ({"labels": labels()[1:]}, "shape"),
        ({"masks": masks(overlap=True)[:1]}, "1 masks are of 2 segments"),
        ({"masks": [labels(), labels()]}, "booleans"),
        ({"fractions": [np.full(SHAPE, 1.5)] * 2}, "0 to 1"),
        ({"fractions": [np.full(SHAPE, np.nan)] * 2}, "0 to 1"),
        ({"labels": labels(), "masks": masks(overlap=False)}, "labels, or masks, or fractions"),
        ({}, "labels, or masks, or fractions"),
        ({"labels": labels(), "geometry": None}, "grid"),
        ({"labels": labels(), "segments": ()}, "numbered"),
        ({"labels": labels(), "segments": (TWO[0], TWO[0])}, "numbered"),
        ({"labels": labels(), "segments": (Segment(number=0, label="none"),)}, "numbered"),
    ],
)
def test_what_does_not_fit_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        Segmentation(**{"segments": TWO, "geometry": GRID, **given})


def test_unknown_segments_are_refused() -> None:
    found = Segmentation(segments=(TWO[0], Segment(number=2, label="one")), labels=labels(), geometry=GRID)
    for which in (7, "seven", "one"):
        with pytest.raises(ParameterError, match="numbers are 1, 2"):
            found.mask(which)


def test_it_can_be_sent_to_another_process() -> None:
    found = pickle.loads(pickle.dumps(Segmentation(segments=TWO, labels=labels(), geometry=GRID)))
    np.testing.assert_array_equal(found.labels, labels())
    assert found.segments == TWO


def test_another_source_has_the_same_segments() -> None:
    volume = Volume(array=np.zeros(SHAPE, np.int16), affine=GRID.affine, spacing=GRID.spacing)
    for given in ({"labels": labels()}, {"masks": masks(overlap=True)}, {"fractions": [np.zeros(SHAPE)] * 2}):
        found = Segmentation(segments=TWO, geometry=GRID, recipe="r", **given).with_source(volume)
        assert found.source is volume
        assert (found.segments, found.recipe) == (TWO, "r")


def test_descriptions_go_to_dicoms_attributes_and_back() -> None:
    segments = (
        Segment(number=2, label="Liver", category=ANATOMY, type=Code("10200004", "SCT", "Liver"), colour=(12, 200, 99)),
        Segment(number=9, label="Läsion", algorithm="net", algorithm_type="SEMIAUTOMATIC", colour=(0, 0, 0),
                anatomic_region=Code("818981001", "SCT", "Abdomen")),
        Segment(number=11, label="drawn", algorithm_type="MANUAL"),
    )  # fmt: skip
    assert segments_of({"SegmentSequence": items_of(segments)}) == {one.number: one for one in segments}


def test_descriptions_that_are_damaged_are_left_out() -> None:
    items: list[Any] = [
        "x", {}, {"SegmentNumber": 0}, {"SegmentNumber": 2}, {"SegmentNumber": 2, "SegmentLabel": "again"},
        {"SegmentNumber": 3, "SegmentLabel": "c" * 99, "RecommendedDisplayCIELabValue": [1, 2],
         "SegmentAlgorithmType": 4, "SegmentedPropertyTypeCodeSequence": [{}], "AnatomicRegionSequence": ["x"]},
    ]  # fmt: skip
    assert segments_of({"SegmentSequence": items}) == {
        2: Segment(number=2, label="Label 2"),
        3: Segment(number=3, label="c" * 64),
    }
    assert segments_of({"SegmentSequence": 4}) == {}


def test_labels_are_a_volume_and_back() -> None:
    found = Segmentation(segments=TWO, labels=labels(), geometry=GRID)
    again = segmentation_of_volumes(label_volumes(found))
    np.testing.assert_array_equal(again.labels, labels())
    assert again.segments == TWO
    np.testing.assert_array_equal(again.geometry.known_affine, GRID.known_affine)


def test_layers_are_masks_with_numbers_of_their_own() -> None:
    layers = [
        Volume(array=one.astype(np.uint8), affine=GRID.affine, spacing=GRID.spacing) for one in masks(overlap=True)
    ]
    found = segmentation_of_volumes(layers)
    assert [one.number for one in found.segments] == [1, 2]
    assert found.overlapping
    assert found.count(2) == 7


@pytest.mark.parametrize("values", [[0.5], [-1], [70_000], [np.nan]])
def test_values_that_are_no_labels_are_refused(values: list[float]) -> None:
    with pytest.raises(MeasureError, match="whole numbers"):
        segmentation_of_volumes([Volume(array=np.array(values).reshape(1, 1, 1))])
