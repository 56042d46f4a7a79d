"""Median filter: scipy and SimpleITK judge."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from voxelry.core.errors import ParameterError
from voxelry.core.volume import Volume
from voxelry.steps.median import STEP
from voxelry.testing.steps import StepTests, body
from voxelry.testing.volumes import placed


class TestMedian(StepTests):
    step = STEP
    examples = ({}, {"size": [1, 3, 5]}, {"size": 1})


class TestMedianInMillimetres(StepTests):
    step = STEP
    examples = ({"size_mm": 2.4},)
    needs = "spacing"


def filtered(volume: Volume, **values: object) -> Volume:
    (found,) = STEP.run(volume, values).volumes
    return found


@settings(max_examples=80, deadline=None)
@given(
    shape=st.tuples(*[st.integers(1, 9)] * 3),
    size=st.tuples(*[st.sampled_from([1, 3, 5])] * 3),
    dtype=st.sampled_from(["int8", "uint8", "int16", "uint32", "int64", "float32", "float64"]),
    seed=st.integers(0, 99),
)
@example(shape=(2, 1, 3), size=(5, 1, 5), dtype="int8", seed=0)  # a box larger than the volume
def test_scipy_agrees_exactly(shape: tuple[int, ...], size: tuple[int, int, int], dtype: str, seed: int) -> None:
    array = np.random.default_rng(seed).integers(0, 100, shape).astype(dtype)
    found = filtered(Volume(array=array), size=size)
    np.testing.assert_array_equal(found.array, ndimage.median_filter(array, size, mode="nearest"))
    assert found.array.dtype == dtype


def test_simpleitk_agrees_exactly() -> None:
    array = body((9, 40, 41))
    wanted = SimpleITK.GetArrayFromImage(SimpleITK.Median(SimpleITK.GetImageFromArray(array), [2, 1, 0]))
    np.testing.assert_array_equal(filtered(placed(array), size=[1, 3, 5]).array, wanted)


def test_millimetres_are_the_nearest_odd_number_of_voxels() -> None:
    volume = placed(body())  # 2.5, 0.8 and 0.7 mm
    for size_mm, size in ((2.4, (1, 3, 3)), ((7.5, 0.1, 3.3), (3, 1, 5)), (2.5, (1, 3, 3))):
        np.testing.assert_array_equal(filtered(volume, size_mm=size_mm).array, filtered(volume, size=size).array)


@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_what_has_no_value_takes_part_in_no_median(dtype: str) -> None:
    random = np.random.default_rng(3)
    array = random.permutation(6 * 12 * 11).reshape(6, 12, 11).astype(dtype)
    hole = random.random(array.shape) < 0.3
    array[hole] = -2000
    if dtype == "float32":
        array[0][hole[0]] = np.nan
    found = filtered(Volume(array=array, padding=np.full((6, 2), -2000.0)))
    for place in np.ndindex(array.shape):
        box = tuple(slice(max(0, at - 1), at + 2) for at in place)
        if hole[place]:
            np.testing.assert_equal(found.array[place], array[place])
        elif all(0 < at < size - 1 for at, size in zip(place, array.shape, strict=True)):
            values = np.sort(array[box][~hole[box]])
            assert found.array[place] == values[(values.size - 1) // 2]
    assert bool(found.warnings) == (dtype == "float32")


def test_boxes_that_make_no_sense_are_refused() -> None:
    for wrong in ({"size": 2}, {"size": [3, 3, 4]}, {"size": 3, "size_mm": 2.0}, {"size": 0}, {"size": 2.5}):
        with pytest.raises(ParameterError):
            STEP.checked(wrong)
    with pytest.raises(ParameterError, match="729 voxels in the box"):
        filtered(Volume(array=body((20, 20, 20))), size=9)


@pytest.mark.parametrize("size_mm", [1e30, 1.7e308])
def test_a_box_without_end_is_refused_in_a_sentence(size_mm: float) -> None:
    with pytest.raises(ParameterError, match="voxels in the box are more than the 343"):
        filtered(placed(body()), size_mm=size_mm)
