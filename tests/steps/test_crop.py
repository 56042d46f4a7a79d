"""Cropping: voxels keep their values and their places."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxelry.core.affine import index_to_lps
from voxelry.core.errors import MeasureError, ParameterError, UnplacedError
from voxelry.core.volume import Volume
from voxelry.steps.crop import STEP
from voxelry.testing.steps import StepTests, body
from voxelry.testing.volumes import affines, full_volume, placed


class TestCrop(StepTests):
    step = STEP
    examples = ({"background": -500}, {"start": [1, 2, 3]}, {"stop": "4 9 9"}, {"background": -500, "margin": 2.0})


class TestCropWithMargin(StepTests):
    step = STEP
    examples = ({"margin": [2.0, 1.0, 1.0]},)
    needs = "spacing"


def cropped(volume: Volume, **values: object) -> Volume:
    (found,) = STEP.run(volume, values).volumes
    return found


@settings(max_examples=40, deadline=None)
@given(affine=affines(), data=st.data())
def test_every_voxel_keeps_its_place(affine: npt.NDArray[np.float64], data: st.DataObject) -> None:
    shape = tuple(data.draw(st.integers(1, 8)) for _ in range(3))
    volume = placed(np.arange(np.prod(shape)).reshape(shape), affine)
    low = [data.draw(st.integers(0, size - 1)) for size in shape]
    high = [data.draw(st.integers(start + 1, size + 3)) for start, size in zip(low, shape, strict=True)]
    found = cropped(volume, start=low, stop=high)
    np.testing.assert_array_equal(found.array, volume.array[tuple(map(slice, low, high))])
    assert found.affine is not None
    index = np.argwhere(np.ones(found.array.shape))
    scale = float(np.abs(affine).max())
    np.testing.assert_allclose(index_to_lps(found.affine, index), index_to_lps(affine, index + low), atol=1e-9 * scale)
    assert found.spacing == volume.spacing


def test_the_box_holds_all_that_is_not_background_and_its_margin() -> None:
    array = np.full((9, 30, 40), -1000, np.int16)
    array[3:5, 10:12, 20:31] = 50
    volume = placed(array)  # 2.5, 0.8 and 0.7 mm
    assert cropped(volume).array.shape == (2, 2, 11)
    assert cropped(volume, margin=2.4).array.shape == (4, 8, 17)
    assert cropped(volume, margin=[0.0, 0.8, 100.0]).array.shape == (2, 4, 40)
    array[0, 0, 0] = -990
    assert cropped(placed(array)).array.shape == (5, 12, 31)
    assert cropped(placed(array), background=-990).array.shape == (2, 2, 11)


def test_padding_and_nan_are_background() -> None:
    array = np.zeros((4, 10, 10), np.float32)
    array[:, :4] = 3000
    array[:, :, 9] = np.nan
    array[2, 6, 7] = 1
    padding = np.full((4, 2), 3000.0)
    assert cropped(Volume(array=array, padding=padding)).array.shape == (1, 1, 1)
    with pytest.raises(ParameterError, match="nothing would be left"):
        cropped(Volume(array=array, padding=padding), background=1)


def test_what_is_told_slice_by_slice_is_cut_with_the_slices() -> None:
    volume = replace(full_volume(), metadata={"Rows": 4, "Modality": "CT"})
    found = cropped(volume, start=[1, 0, 0])
    assert found.instance_uids == ("2.25.2", "2.25.3")
    np.testing.assert_array_equal(found.padding, volume.padding[1:])  # type: ignore[index]
    assert found.metadata == {"Modality": "CT"}
    assert (found.unit, found.windows, found.inverted, found.lossy) == ("HU", volume.windows, True, True)


def test_colour_is_cut_by_indices_alone() -> None:
    volume = placed(np.arange(4 * 5 * 6 * 3, dtype=np.uint8).reshape(4, 5, 6, 3))
    np.testing.assert_array_equal(cropped(volume, start=[1, 1, 1], stop=[3, 3, 3]).array, volume.array[1:3, 1:3, 1:3])
    with pytest.raises(MeasureError):
        cropped(volume)


def test_what_cannot_be_is_refused() -> None:
    box, low = {"start": [2, 0, 0], "stop": [2, 9, 9]}, {"start": [0, 0, 0], "margin": 1}
    for wrong in ({"start": [1, 1]}, {"start": [-1, 0, 0]}, box, {"start": [1.5, 0, 0]}, low, {"margin": -1}):
        with pytest.raises(ParameterError):
            STEP.checked(wrong)
    with pytest.raises(ParameterError, match="beyond the volume"):
        cropped(placed(np.zeros((2, 3, 4))), start=[0, 3, 0])
    with pytest.raises(UnplacedError):
        cropped(Volume(array=np.eye(3)[None], spacing=(None, 1.0, 1.0)), margin=1.0)


@pytest.mark.parametrize("margin", [1e30, 1.7e308, [0, 0, 2**64]])
def test_a_margin_without_end_goes_as_far_as_the_volume(margin: object) -> None:
    volume = placed(body())
    (found,) = STEP.run(volume, {"background": 100, "margin": margin}).volumes
    assert found.array.shape[2] == volume.array.shape[2]
