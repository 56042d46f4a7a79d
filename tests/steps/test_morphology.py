"""Opening, closing, filling and pieces of masks: scipy judges."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from voxelry.core.errors import ParameterError, UnplacedError
from voxelry.core.progress import silent
from voxelry.core.registry import AnyStep
from voxelry.core.volume import Volume
from voxelry.steps import close, fill, interpolate_slices, largest_components, margin
from voxelry.steps import open as opening
from voxelry.steps.shared.morphology import ball, closed, dilated, eroded, opened
from voxelry.testing.steps import StepTests, body
from voxelry.testing.volumes import AXIAL_LPS, affines, placed, spacing_of

masks = hnp.arrays(np.bool_, st.tuples(*[st.integers(1, 6)] * 3))
REACH = 4
"""How many voxels the balls of the judges reach."""


class TestOpen(StepTests):
    step = opening.STEP
    examples = ({"radius": 0.9}, {"radius": 3.5, "method": "multi_otsu"}, {"radius": 0.1})
    needs = "spacing"


class TestClose(StepTests):
    step = close.STEP
    examples = ({"radius": 0.9}, {"radius": 3.5, "method": "multi_otsu"})
    needs = "spacing"


class TestFill(StepTests):
    step = fill.STEP
    examples = ({"method": "units", "upper": 0.0}, {"dimensions": 2, "largest": 5.0}, {})


class TestLargestComponents(StepTests):
    step = largest_components.STEP
    examples = ({}, {"count": 3, "neighbours": "6", "smallest": 2.0}, {"separate": True, "count": 20})


class TestMargin(StepTests):
    step = margin.STEP
    examples = ({"mm": 0.9}, {"mm": -2.5, "method": "multi_otsu"}, {"mm": 0.0})
    needs = "spacing"


class TestInterpolateSlices(StepTests):
    step = interpolate_slices.STEP
    examples = ({}, {"axis": "row", "method": "multi_otsu"}, {"axis": "column"})
    needs = "spacing"


def labels_of(step: AnyStep, volume: Volume, **params: object) -> npt.NDArray[Any]:
    found = step.run(volume, params).segmentation
    assert found is not None
    return found.labels


# --- opening and closing ----------------------------------------------------------------------------------------------


def structure(cell: npt.NDArray[np.float64], radius: float) -> npt.NDArray[np.bool_]:
    """The ball, by trying every offset of a generous cube."""
    far = np.arange(-REACH, REACH + 1)
    offsets = np.stack(np.meshgrid(far, far, far, indexing="ij"), axis=-1)
    return np.asarray(np.linalg.norm(offsets @ cell.T, axis=-1) <= radius * (1 + 1e-9))


@settings(max_examples=30)
@given(masks, affines(), st.floats(0.3, 1))
def test_growing_and_shrinking_are_scipys(
    mask: npt.NDArray[np.bool_], affine: npt.NDArray[np.float64], share: float
) -> None:
    cell = affine[:3, :3]
    radius = share * REACH / float(np.linalg.norm(np.linalg.inv(cell), axis=1).max())
    by, judge = ball(cell, radius), structure(cell, radius)
    np.testing.assert_array_equal(dilated(mask, by, silent), ndimage.binary_dilation(mask, judge))
    np.testing.assert_array_equal(eroded(mask, by, silent), ndimage.binary_erosion(mask, judge, border_value=1))
    wide = np.pad(mask, REACH)
    inner = (slice(REACH, -REACH),) * 3
    np.testing.assert_array_equal(closed(mask, by, silent), ndimage.binary_closing(wide, judge)[inner])


@settings(max_examples=40)
@given(masks, affines(), st.floats(0.1, 4))
def test_an_opening_takes_a_closing_adds_and_both_are_done_once(
    mask: npt.NDArray[np.bool_], affine: npt.NDArray[np.float64], radius: float
) -> None:
    by = ball(affine[:3, :3], radius / float(np.linalg.norm(np.linalg.inv(affine[:3, :3]), axis=1).max()))
    less, more = opened(mask, by, silent), closed(mask, by, silent)
    assert not (less & ~mask).any()
    assert not (mask & ~more).any()
    np.testing.assert_array_equal(opened(less, by, silent), less)
    np.testing.assert_array_equal(closed(more, by, silent), more)


def test_the_radius_is_in_millimetres_in_every_direction() -> None:
    mask = np.zeros((21, 41, 41), bool)
    mask[10, 20, 20] = True
    grown = dilated(mask, ball(np.diag([2.0, 1.0, 0.5]), 4.0), silent)
    places = np.argwhere(grown) - [10, 20, 20]
    assert np.abs(places).max(axis=0).tolist() == [2, 4, 8]
    distance = ndimage.distance_transform_edt(~mask, sampling=(2.0, 1.0, 0.5))
    np.testing.assert_array_equal(grown, distance <= 4.0)


def test_a_bridge_is_cut_and_a_cleft_is_closed() -> None:
    mask = np.zeros((9, 30, 30), np.uint8)
    mask[:, 5:25, 3:13] = mask[:, 5:25, 17:27] = 1
    mask[:, 14, 13:17] = 1
    volume = placed(mask, np.diag([1.0, 1.0, 1.0, 1.0]))
    assert not labels_of(opening.STEP, volume, radius=2.0, method="labels")[:, 14, 14:16].any()
    assert labels_of(close.STEP, volume, radius=2.5, method="labels")[4, 6:24, 13:17].all()


def test_structures_keep_what_they_had_when_others_grow() -> None:
    labels = np.array([[[1, 0, 1, 2, 0, 2]]], np.uint8)
    for slices in (1, 5):
        volume = placed(np.broadcast_to(labels, (slices, 5, 6)), np.eye(4))
        found = labels_of(close.STEP, volume, radius=1.0, method="labels")
        assert found[slices // 2, 2].tolist() == [1, 1, 1, 2, 2, 2]


def test_no_millimetres_no_radius_and_no_ball_without_end() -> None:
    volume = Volume(array=body(), spacing=(None, 0.8, 0.7))
    for step in (opening.STEP, close.STEP):
        with pytest.raises(UnplacedError, match="slices' spacing is unknown"):
            step.run(volume, {})
    with pytest.raises(ParameterError, match="too many"):
        ball(np.eye(3) / 100, 100.0)


# --- holes and pieces -------------------------------------------------------------------------------------------------


@given(masks)
def test_filling_is_scipys(mask: npt.NDArray[np.bool_]) -> None:
    volume = placed(mask.astype(np.uint8))
    if len(mask) > 1:
        np.testing.assert_array_equal(labels_of(fill.STEP, volume, method="labels"), ndimage.binary_fill_holes(mask))
    flat = np.stack([ndimage.binary_fill_holes(plane) for plane in mask])
    np.testing.assert_array_equal(labels_of(fill.STEP, volume, method="labels", dimensions=2), flat)


def test_only_holes_up_to_a_size_are_filled() -> None:
    mask = np.ones((1, 9, 9), np.uint8)
    mask[0, 1, 1] = 0
    mask[0, 4:7, 4:7] = 0
    volume = placed(mask)  # a pixel has 0.56 mm2
    assert labels_of(fill.STEP, volume, method="labels", dimensions=2, largest=1.0).sum() == 72
    assert labels_of(fill.STEP, volume, method="labels", dimensions=2).sum() == 81
    with pytest.raises(UnplacedError):
        fill.STEP.run(Volume(array=mask), {"largest": 1.0})


@given(masks, st.sampled_from(("6", "18", "26")), st.integers(1, 4))
def test_the_largest_pieces_are_the_largest(mask: npt.NDArray[np.bool_], neighbours: str, count: int) -> None:
    order = {"6": 1, "18": 2, "26": 3}[neighbours]
    numbers, _ = ndimage.label(mask, ndimage.generate_binary_structure(3, order))
    sizes = sorted(np.bincount(numbers.ravel())[1:].tolist(), reverse=True)
    volume = placed(mask.astype(np.uint8))
    params: dict[str, object] = {"method": "labels", "neighbours": neighbours, "count": count}
    found = labels_of(largest_components.STEP, volume, **params)
    assert found.sum() == sum(sizes[:count])
    assert not (found.astype(bool) & ~mask).any()
    rows = largest_components.STEP.run(volume, params | {"separate": True}).rows
    assert [row["count"] for row in rows] == (sizes[:count] or [0])


def test_small_pieces_go() -> None:
    mask = np.array([[[1, 1, 0, 1, 0, 1, 1, 1]]], np.uint8)
    volume = placed(mask, AXIAL_LPS)  # a voxel has 1.4 mm3
    found = labels_of(largest_components.STEP, volume, method="labels", count=9, smallest=2.0)
    assert found.tolist() == [[[1, 1, 0, 0, 0, 1, 1, 1]]]


@settings(max_examples=60, deadline=None)
@given(affine=affines(), count=st.integers(1, 7))
@example(affine=np.diag([0.0625, 0.0546875, 0.25, 1.0]), count=1)  # det gives another last digit than the product
def test_a_size_that_is_met_exactly_is_met_whatever_is_rounded(affine: npt.NDArray[np.float64], count: int) -> None:
    """As rows and spacings tell it: pieces of exactly the smallest volume stay, holes of exactly the largest go."""
    mask = np.zeros((3, 3, 9), np.uint8)
    mask[1, 1, 1 : 1 + count] = 1
    volume = Volume(array=mask, affine=affine, spacing=spacing_of(affine))
    assert volume.voxel_mm3 is not None
    for size in (count * volume.voxel_mm3, count * abs(float(np.linalg.det(affine[:3, :3])))):
        kept = largest_components.STEP.run(volume, {"method": "labels", "smallest": size}).rows[0]["count"]
        assert kept == count
        holed = replace(volume, array=1 - mask)
        assert fill.STEP.run(holed, {"method": "labels", "largest": size}).rows[0]["count"] == mask.size


# --- margins and slices between painted ones --------------------------------------------------------------------------


@settings(max_examples=30)
@given(masks, st.tuples(*[st.floats(0.4, 3)] * 3), st.floats(0, 4))
def test_a_margin_is_a_distance(mask: npt.NDArray[np.bool_], steps: tuple[float, float, float], mm: float) -> None:
    volume = placed(mask.astype(np.uint8), np.diag([*steps, 1.0]))
    grown = labels_of(margin.STEP, volume, mm=mm, method="labels") > 0
    shrunk = labels_of(margin.STEP, volume, mm=-mm, method="labels") > 0
    far = np.inf if mask.any() else -1.0
    judge = ndimage.distance_transform_edt(~mask, sampling=steps) if mask.any() else np.full(mask.shape, np.inf)
    np.testing.assert_array_equal(grown, (judge <= mm + 1e-6) & (far > 0))
    if not mask.all():
        np.testing.assert_array_equal(shrunk, ndimage.distance_transform_edt(mask, sampling=steps) > mm + 1e-6)
    else:
        assert shrunk.all()


def test_a_margin_counts_millimetres_that_rounding_made_a_little_longer() -> None:
    mask = np.zeros((1, 1, 9), np.uint8)
    mask[0, 0, 4] = 1
    grown = labels_of(margin.STEP, placed(mask, np.diag([5.0, 5.0, 0.1, 1.0])), mm=0.3, method="labels")
    assert grown.sum() == 7


def test_slices_between_two_discs_are_a_cylinder_and_between_two_sizes_a_cone() -> None:
    rows, columns = np.indices((41, 41)) - 20
    away = np.hypot(rows * 0.6, columns * 0.9)
    affine = np.diag([2.5, 0.6, 0.9, 1.0])
    for radii in (np.full(9, 8.0), np.linspace(10, 4, 9)):
        whole = away <= radii[:, None, None]
        painted = whole.astype(np.uint8)
        painted[1:8] = 0
        found = labels_of(interpolate_slices.STEP, placed(painted, affine), method="labels") > 0
        assert not ((found != whole) & (np.abs(away - radii[:, None, None]) > 0.9)).any()
        # Two hundredths of the volume are a hundredth of the radius: an eighth of a pixel at most.
        assert abs(found.sum() / whole.sum() - 1) < 0.02


def test_interpolated_structures_do_not_take_voxels_of_others() -> None:
    labels = np.zeros((5, 8, 8), np.uint8)
    labels[[0, 4], 2:6, 2:6] = 1
    labels[2, 3:5, 3:5] = 2
    found = labels_of(interpolate_slices.STEP, placed(labels, np.eye(4)), method="labels")
    assert (found[2] == 2).sum() == 4
    assert (found[2] == 1).sum() == 12
