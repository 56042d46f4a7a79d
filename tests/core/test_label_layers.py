"""Segments in label maps: each has all of its voxels, and no map has two segments at one place."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

import voxelry
from voxelry.core.errors import MeasureError, ParameterError
from voxelry.core.label_layers import LabelLayers, LayerBuilder, LayerPlace, label_extents
from voxelry.core.placed_masks import labels_by_slices, labels_on_grid

SHAPE = (4, 9, 11)
GRID = voxelry.Geometry(shape=SHAPE, affine=np.array([(0, 0, 1.0, 0), (0, 1, 0, 0), (2, 0, 0, 0), (0, 0, 0, 1)]))


def blobs(seed: int, count: int) -> list[npt.NDArray[np.bool_]]:
    """Boxes that often overlap; some are empty."""
    random = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        mask = np.zeros(SHAPE, np.bool_)
        low = [int(random.integers(0, size)) for size in SHAPE]
        mask[tuple(slice(one, one + int(random.integers(0, 5))) for one in low)] = True
        found.append(mask)
    return found


@pytest.mark.parametrize("seed", range(20))
def test_each_segment_has_all_of_its_voxels(seed: int) -> None:
    masks = blobs(seed, 12)
    numbers = np.random.default_rng(seed).permutation(np.arange(1, 400))[:12].tolist()
    segments = [voxelry.Segment(number=number, label=str(number)) for number in numbers]
    made = voxelry.Segmentation(masks=masks, geometry=GRID, segments=segments)
    layers = made.layers()
    assert list(layers.places) == numbers
    assert {one.dtype for one in layers.labels} == {np.dtype(np.uint16 if max(numbers) > 255 else np.uint8)}
    again = voxelry.Segmentation(layers=layers, geometry=GRID, segments=segments)
    for number, mask in zip(numbers, masks, strict=True):
        np.testing.assert_array_equal(layers.mask(number), mask)
        np.testing.assert_array_equal(again.mask(number), mask)
        assert again.count(number) == made.count(number)
    assert again.overlapping == made.overlapping
    assert (len(layers.labels) > 1) == made.overlapping
    if made.overlapping:
        with pytest.raises(MeasureError, match="overlap"):
            _ = again.labels
    else:
        np.testing.assert_array_equal(again.labels, made.labels)
    assert voxelry.statistics(again.source, again) == voxelry.statistics(made.source, made)


def test_as_few_maps_as_the_greedy_assignment_needs() -> None:
    whole = np.ones(SHAPE, np.bool_)
    half = whole.copy()
    half[2:] = False
    builder = LayerBuilder(SHAPE, [1, 2, 3, 4])
    for number, mask in enumerate((half, whole, ~half, np.zeros_like(whole)), 1):
        builder.add(number, mask)
    layers = builder.layers()
    assert [layers.places[number].layer for number in (1, 2, 3, 4)] == [0, 1, 0, 0]
    assert layers.overlap() == (1, 2)


def test_a_mask_of_some_slices_is_laid_where_it_belongs() -> None:
    builder = LayerBuilder(SHAPE, [7])
    builder.add(7, np.ones((2, 9, 11), np.bool_), first=1)
    assert np.flatnonzero(builder.layers().labels[0].any(axis=(1, 2))).tolist() == [1, 2]


def test_numbers_beyond_sixteen_bits_have_other_values() -> None:
    builder = LayerBuilder(SHAPE, [70_000, 5])
    builder.add(70_000, np.ones(SHAPE, np.bool_))
    layers = builder.layers()
    assert layers.places == {70_000: LayerPlace(0, 1), 5: LayerPlace(0, 2)}
    assert not layers.plain
    with pytest.raises(MeasureError, match="65,536 segments"):
        LayerBuilder(SHAPE, range(1, 65_537))


def test_layers_fit_the_segments() -> None:
    labels = np.zeros(SHAPE, np.uint8)
    one = [voxelry.Segment(number=1, label="a")]
    for layers in (
        LabelLayers((labels,), {}),
        LabelLayers((labels,), {1: LayerPlace(1, 1)}),
        LabelLayers((labels[1:],), {1: LayerPlace(0, 1)}),
    ):
        with pytest.raises(ParameterError):
            voxelry.Segmentation(layers=layers, geometry=GRID, segments=one)


def test_counts_and_boxes_are_those_of_each_label() -> None:
    labels = np.random.default_rng(3).integers(0, 30, SHAPE).astype(np.uint16)
    labels[labels > 12] = 0
    found = label_extents(labels)
    assert sorted(found) == sorted({*np.unique(labels).tolist()} - {0})
    for value, extent in found.items():
        places = np.argwhere(labels == value)
        assert extent.count == len(places)
        assert (extent.low, extent.high) == (tuple(places.min(axis=0)), tuple(places.max(axis=0) + 1))
    assert label_extents(np.zeros(SHAPE, np.uint8)) == {}


@pytest.mark.parametrize("at_once", [1, 2, 3, 100])
@pytest.mark.parametrize("turned", [False, True])
def test_labels_by_slices_are_those_of_the_whole(at_once: int, turned: bool) -> None:
    labels = np.random.default_rng(5).integers(0, 3, SHAPE).astype(np.uint8)
    labels[0] = 0
    affine = np.array([(0.2, 0.1, 0.7, -1), (0, 0.8, -0.1, 1), (1.1, 0.1, 0, -2), (0, 0, 0, 1)])
    other = voxelry.Geometry(shape=(9, 8, 13), affine=affine) if turned else GRID
    whole = labels_on_grid(labels, GRID, other)
    found = np.zeros_like(whole)
    for slices, some in labels_by_slices(labels, GRID, other, at_once=at_once):
        found[slices] = some
    np.testing.assert_array_equal(found, whole)
    assert whole.any()


def test_two_hundred_segments_inside_each_other_and_all_labels_there_are() -> None:
    builder = LayerBuilder((1, 200, 200), range(1, 201))
    for number in range(1, 201):
        mask = np.zeros((1, 200, 200), np.bool_)
        mask[0, number - 1 :, number - 1 :] = True
        builder.add(number, mask)
    layers = builder.layers()
    assert len(layers.labels) == 200
    assert [int(np.count_nonzero(layers.mask(number))) for number in (1, 2, 200)] == [200 * 200, 199 * 199, 1]
    every = np.arange(65_536, dtype=np.uint16).reshape(4, 128, 128)
    found = label_extents(every)
    assert len(found) == 65_535
    assert (found[65_535].count, found[65_535].low) == (1, (3, 127, 127))
