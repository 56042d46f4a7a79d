"""Volumes of one grid as one array."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

import voxelry
from voxelry import Volume, stack_volumes
from voxelry.core.errors import GeometryError


def volume(array: npt.ArrayLike, *, affine: npt.NDArray[np.float64] | None = None, unit: str = "HU") -> Volume:
    return Volume(array=np.asarray(array), affine=affine, unit=unit, label="EchoTime 5")


@given(st.lists(st.sampled_from(["uint8", "int16", "uint16", "int32", "float32", "float64"]), min_size=1, max_size=4))
def test_the_common_dtype_loses_nothing_and_the_order_is_kept(dtypes: list[str]) -> None:
    limits = [np.iinfo(name) if np.dtype(name).kind in "iu" else np.finfo(name) for name in dtypes]
    arrays = [
        np.array([limit.min, limit.max, 0, n]).astype(name).reshape(1, 2, 2)
        for n, (name, limit) in enumerate(zip(dtypes, limits, strict=True))
    ]
    stacked = stack_volumes([volume(array) for array in arrays])
    assert stacked.shape == (len(dtypes), 1, 2, 2)
    for part, array in zip(stacked, arrays, strict=True):
        np.testing.assert_array_equal(part, array)
        np.testing.assert_array_equal(part.astype(array.dtype), array)


def test_equal_dtypes_stay() -> None:
    assert stack_volumes([volume(np.zeros((2, 3, 4), np.int16))] * 2).dtype == np.int16


def test_colour_has_its_samples_last() -> None:
    assert stack_volumes([volume(np.zeros((2, 3, 4, 3), np.uint8))] * 5).shape == (5, 2, 3, 4, 3)


def test_what_differs_is_named() -> None:
    cube = np.zeros((2, 3, 4), np.int16)
    moved = np.eye(4)
    moved[0, 3] = 0.5
    with pytest.raises(GeometryError, match="no volume"):
        stack_volumes([])
    with pytest.raises(GeometryError, match=r"volume 3 \(EchoTime 5\) has another shape .* 2 x 3 x 5 and 2 x 3 x 4"):
        stack_volumes([volume(cube), volume(cube), volume(np.zeros((2, 3, 5)))])
    with pytest.raises(GeometryError, match=r"volume 2 .* another unit than the first: Gy and HU"):
        stack_volumes([volume(cube), volume(cube, unit="Gy")])
    with pytest.raises(GeometryError, match=r"volume 2 .* elsewhere than the first: up to 0\.5 mm"):
        stack_volumes([volume(cube, affine=np.eye(4)), volume(cube, affine=moved)])
    with pytest.raises(GeometryError, match="unknown"):
        stack_volumes([volume(cube, affine=np.eye(4)), volume(cube)])


def test_a_spacing_that_differs_is_seen_at_the_far_end() -> None:
    cube, wider = np.zeros((101, 3, 4), np.int16), np.eye(4)
    wider[0, 0] = 1.001
    with pytest.raises(GeometryError, match=r"up to 0\.1 mm"):
        stack_volumes([volume(cube, affine=np.eye(4)), volume(cube, affine=wider)])


def test_integers_that_no_float_holds_are_refused() -> None:
    huge = volume(np.full((1, 1, 1), 2**60, np.int64))
    with pytest.raises(GeometryError, match="no dtype"):
        stack_volumes([huge, volume(np.zeros((1, 1, 1), np.float32))])
    assert voxelry.stack_volumes([huge, huge]).dtype == np.int64
