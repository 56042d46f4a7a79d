"""Which values of a volume are padding; what a volume refuses, and what goes along with its slices."""

from __future__ import annotations

import copy
import pickle
import timeit
from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from voxelry.core.errors import GeometryError, ParameterError
from voxelry.core.geometry import Geometry
from voxelry.core.intensity import Window
from voxelry.core.volume import Volume
from voxelry.testing.volumes import placed

ends = st.one_of(
    st.floats(-70_000, 70_000), st.integers(-300, 300).map(lambda half: half / 2), st.sampled_from([np.inf, -np.inf])
)


@given(
    hnp.arrays(st.sampled_from([np.int8, np.uint8, np.int16, np.uint16, np.int32]), (1, 4, 50)),
    ends,
    ends,
)
def test_padding_is_what_lies_between_its_limits(array: npt.NDArray[np.integer], low: float, high: float) -> None:
    mask = Volume(array=array, padding=np.array([[low, high]])).padding_mask(0)
    assert mask is not None
    values = array[0].astype(np.float64)
    np.testing.assert_array_equal(mask, (values >= low) & (values <= high))


def test_padding_of_float32_is_found_though_its_limit_is_no_float32() -> None:
    array = np.array([[[0.1, 0.2]]], np.float32)
    mask = Volume(array=array, padding=np.array([[0.1, 0.1]])).padding_mask(0)
    assert mask is not None
    assert mask.tolist() == [[True, False]]


# --- the geometry that a volume holds ---------------------------------------------------------------------------------

ARRAY = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
UIDS = ("2.25.1", "2.25.2", "2.25.3")
FRAME = "2.25.9"


def whole(**more: Any) -> Volume:
    """Three slices, each with a window, padding and an instance UID."""
    values: dict[str, Any] = {
        "metadata": {"FrameOfReferenceUID": FRAME, "Modality": "CT"},
        "padding": np.array([[-3.0, -3.0], [-2.0, -2.0], [-1.0, -1.0]]),
        "slice_voi": (Window(1, 2), None, Window(3, 4)),
        "instance_uids": UIDS,
    }
    return placed(ARRAY, **{**values, **more})


def test_a_volume_measures_the_same_wherever_it_is_asked() -> None:
    with pytest.raises(GeometryError, match=r"\(5, 5, 5\) mm disagrees with the affine, whose own is \(1, 1, 1\)"):
        Volume(array=ARRAY, affine=np.eye(4), spacing=(5, 5, 5))
    volume = Volume(array=ARRAY, affine=np.eye(4))
    assert volume.spacing == (1, 1, 1)
    assert volume.voxel_mm3 == 1
    assert Volume(array=ARRAY, spacing=(2, 3, 4)).voxel_mm3 == 24
    assert Volume(array=ARRAY, spacing=(None, 3, 4)).voxel_mm3 is None


def test_the_place_of_a_volume_cannot_be_written() -> None:
    volume = whole()
    assert volume.affine is not None
    with pytest.raises(ValueError, match="read-only"):
        volume.affine[0, 3] = 99999
    assert volume.padding is not None
    for array in (volume.affine, volume.padding):
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.flags.writeable = True
    with pytest.raises(AttributeError):
        volume.geometry = volume.geometry.crop((slice(1), slice(1), slice(1)))  # type: ignore[misc]
    with pytest.raises((AttributeError, TypeError)):
        volume.affine = np.eye(4)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"affine": np.eye(3)}, "4 x 4, not 3 x 3"),
        ({"instance_uids": UIDS[:2]}, "3 slices, and instance_uids is for 2"),
        ({"slice_voi": (None,) * 4}, "3 slices, and slice_voi is for 4"),
        ({"padding": np.zeros((2, 2))}, "3 slices, and padding is for 2"),
        ({"padding": np.zeros((3, 3))}, "two limits for each slice"),
        ({"geometry": Geometry(shape=(3, 4, 6))}, "the array has 3 x 4 x 5 voxels, its geometry 3 x 4 x 6"),
        ({"geometry": Geometry(shape=(3, 4, 5)), "affine": np.eye(4)}, "not both"),
        ({"geometry": Geometry(shape=(3, 4, 5)), "spacing": (1, 1, 1)}, "not both"),
        ({"geometry": Geometry(shape=(3, 4, 5)), "metadata": {"FrameOfReferenceUID": FRAME}}, "frame of reference"),
    ],
)
def test_what_contradicts_itself_is_refused_with_numbers(more: dict[str, Any], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        Volume(array=ARRAY, **more)


def test_slices_that_are_cut_away_take_their_windows_padding_and_uids_with_them() -> None:
    volume = whole()
    with pytest.raises(ParameterError, match="2 x 4 x 5 voxels, its geometry 3 x 4 x 5"):
        replace(volume, array=ARRAY[:2])
    with pytest.raises(ParameterError, match="2 x 4 x 5"):
        volume.with_array(ARRAY[:2])
    part = volume.crop((slice(1, 3), slice(None), slice(2, 4)))
    assert np.array_equal(part.array, ARRAY[1:3, :, 2:4])
    assert part.instance_uids == UIDS[1:]
    assert part.slice_voi == (None, Window(3, 4))
    assert part.padding is not None
    assert part.padding[:, 0].tolist() == [-2, -1]
    assert part.geometry == volume.geometry.crop((slice(1, 3), slice(None), slice(2, 4)))
    reverse = volume.with_geometry(volume.geometry, array=ARRAY[::-1], slices=(2, 1, 0))
    assert reverse.instance_uids == UIDS[::-1]
    new = volume.with_geometry(volume.geometry, array=ARRAY[::-1])
    assert (new.instance_uids, new.slice_voi, new.padding) == ((), (), None)


def test_a_volume_takes_the_frame_of_reference_of_its_geometry() -> None:
    volume = whole()
    assert volume.frame_of_reference_uid == volume.geometry.frame_of_reference_uid == FRAME
    elsewhere = replace(volume.geometry, frame_of_reference_uid="2.25.10")
    moved = volume.with_geometry(elsewhere)
    assert moved.frame_of_reference_uid == moved.metadata["FrameOfReferenceUID"] == "2.25.10"
    assert moved.instance_uids == UIDS
    lost = volume.with_geometry(replace(volume.geometry, frame_of_reference_uid=None))
    assert lost.frame_of_reference_uid is None
    assert lost.metadata == {"Modality": "CT"}
    assert Volume(array=ARRAY, geometry=elsewhere).metadata == {"FrameOfReferenceUID": "2.25.10"}
    with pytest.raises(ParameterError, match="frame of reference"):
        replace(volume, metadata={"FrameOfReferenceUID": "2.25.10"})


def test_other_values_on_the_same_grid_keep_all_the_rest() -> None:
    volume = whole()
    other = volume.with_array(ARRAY * 2.5)
    assert other.geometry is volume.geometry
    assert other.instance_uids == UIDS
    coloured = volume.with_array(np.zeros((3, 4, 5, 3), np.uint8))
    assert coloured.colour
    assert coloured.geometry is volume.geometry


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_copy_says_the_same_and_is_read_only(again: Callable[[Volume], Volume]) -> None:
    volume = whole(metadata=MappingProxyType({"FrameOfReferenceUID": FRAME}))
    found = again(volume)
    assert np.array_equal(found.array, volume.array)
    assert (found.geometry, found.metadata) == (volume.geometry, dict(volume.metadata))
    assert (found.instance_uids, found.slice_voi) == (volume.instance_uids, volume.slice_voi)
    assert not found.array.flags.writeable
    assert found.padding is not None
    assert not found.padding.flags.writeable


def test_making_a_volume_copies_no_voxel_and_takes_microseconds() -> None:
    large = np.zeros((512, 512, 64), np.int16)
    volume = Volume(array=large, affine=np.eye(4))
    assert np.shares_memory(volume.array, large)
    assert np.shares_memory(volume.with_array(large).array, large)
    best = min(timeit.repeat(lambda: Volume(array=large, affine=np.eye(4)), number=100, repeat=5)) / 100
    assert best < 1e-3  # some 20 microseconds; a copy of the voxels would take ten thousand
