"""Patient planes show the patient the way radiologists look: checked by where each pixel lies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxelry.core.affine import index_to_lps
from voxelry.core.errors import GeometryError, ParameterError
from voxelry.core.planes import (
    AXES,
    Axis,
    acquired_axis,
    plane,
    plane_affine,
    plane_count,
    plane_padding,
    plane_shape,
    plane_spacing,
)
from voxelry.core.slice_grid import make_affine, slice_normal
from voxelry.core.volume import Volume

DIRECTIONS = [(x, y) for x in range(3) for y in range(3) if x != y]
# Where the plane's index, its rows and its columns lead, LPS: to superior, posterior, left, and so on.
TOWARDS: dict[Axis, tuple[tuple[int, int, int], ...]] = {
    "axial": ((0, 0, 1), (0, 1, 0), (1, 0, 0)),
    "coronal": ((0, 1, 0), (0, 0, -1), (1, 0, 0)),
    "sagittal": ((1, 0, 0), (0, 0, -1), (0, 1, 0)),
}


@st.composite
def volumes(draw: st.DrawFn) -> Volume:
    """Volumes in all 48 orientations along the patient's axes; each voxel's value is its number."""
    rows, columns = draw(st.sampled_from(DIRECTIONS))
    cosines = np.zeros(6)
    cosines[rows] = draw(st.sampled_from([-1, 1]))
    cosines[3 + columns] = draw(st.sampled_from([-1, 1]))
    normal = slice_normal(cosines)
    shape = (2, 3, 4)
    array = np.arange(24, dtype=np.int16).reshape(shape)
    affine = make_affine((5, -7, 11), cosines, 3.0 * normal, (0.5, 0.8))
    return Volume(array=array, affine=affine, spacing=(3.0, 0.5, 0.8), padding=np.array([[3.0, 9.0], [14.0, 15.0]]))


@given(volumes(), st.sampled_from(AXES))
def test_each_pixel_is_the_voxel_that_lies_there(volume: Volume, axis: Axis) -> None:
    affine = plane_affine(volume, axis)
    assert affine is not None
    assert volume.affine is not None
    rows, columns = plane_shape(volume, axis)
    for index in range(plane_count(volume, axis)):
        values = plane(volume, index, axis=axis)
        assert values.shape == (rows, columns)
        for row in range(rows):
            for column in range(columns):
                there = index_to_lps(affine, (index, row, column))
                voxel = np.argwhere(volume.array == values[row, column])[0]
                np.testing.assert_allclose(index_to_lps(volume.affine, voxel), there)


@given(volumes(), st.sampled_from([None, *AXES]))
def test_planes_of_a_second_order_are_the_same(volume: Volume, axis: Axis | None) -> None:
    across = np.ascontiguousarray(np.moveaxis(volume.array, 2, 0))
    for index in range(plane_count(volume, axis)):
        expected = plane(volume, index, axis=axis)
        np.testing.assert_array_equal(plane(volume, index, axis=axis, across=across), expected)
    with pytest.raises(IndexError):
        plane(volume, plane_count(volume, axis), axis=axis, across=across)


@given(volumes(), st.sampled_from(AXES))
def test_planes_are_turned_the_way_radiologists_look(volume: Volume, axis: Axis) -> None:
    affine = plane_affine(volume, axis)
    assert affine is not None
    for column, towards in enumerate(TOWARDS[axis]):
        assert affine[:3, column] @ towards > 0
        assert np.linalg.norm(affine[:3, column]) == pytest.approx(affine[:3, column] @ towards)
    assert plane_spacing(volume, axis) == pytest.approx(tuple(np.linalg.norm(affine[:3, 1:3], axis=0)))


@given(volumes(), st.sampled_from(AXES))
def test_padding_is_known_in_every_plane(volume: Volume, axis: Axis) -> None:
    for index in range(plane_count(volume, axis)):
        values = plane(volume, index, axis=axis)
        expected = np.isin(values, [3, 4, 5, 6, 7, 8, 9, 14, 15])
        np.testing.assert_array_equal(plane_padding(volume, index, axis=axis), expected)


@given(volumes())
def test_one_patient_plane_is_the_acquired_one(volume: Volume) -> None:
    axis = acquired_axis(volume)
    assert plane_count(volume, axis) == plane_count(volume)
    assert {frozenset(plane(volume, k, axis=axis).ravel().tolist()) for k in range(2)} == {
        frozenset(plane(volume, k).ravel().tolist()) for k in range(2)
    }


def test_without_a_place_in_the_patient_there_are_no_patient_planes() -> None:
    volume = Volume(array=np.zeros((2, 3, 4)))
    assert plane(volume, 1).shape == (3, 4)
    assert acquired_axis(volume) is None
    with pytest.raises(GeometryError, match="no coronal plane"):
        plane(volume, 0, axis="coronal")


@pytest.mark.parametrize("index", [-1, 2])
def test_a_plane_that_is_not_there(index: int) -> None:
    with pytest.raises(IndexError, match="there are 2"):
        plane(Volume(array=np.zeros((2, 3, 4))), index)


def test_a_plane_of_no_name() -> None:
    with pytest.raises(ParameterError, match="axial, coronal, sagittal"):
        plane_count(Volume(array=np.zeros((2, 3, 4))), "diagonal")  # type: ignore[arg-type]
