"""Straightening tilted stacks, and the difference of two volumes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxelry.core.errors import GeometryError, ParameterError, UnplacedError
from voxelry.core.resample import rectify as straightened
from voxelry.core.volume import Volume
from voxelry.steps import rectify, subtract
from voxelry.testing.steps import PLACES, StepTests, body
from voxelry.testing.volumes import AXIAL_LPS, placed, unplaced


class TestRectify(StepTests):
    step = rectify.STEP
    examples = ({}, {"fill": -1024})
    needs = "affine"

    def volumes(self) -> tuple[Volume, ...]:
        return (placed(body(), PLACES["tilted"], unit="HU"),)


class TestSubtract(StepTests):
    step = subtract.STEP
    examples = ({}, {"absolute": True})


def difference(first: Volume, second: Volume, **values: object) -> Volume:
    (found,) = subtract.STEP.run((first, second), values).volumes
    return found


def test_a_tilted_stack_is_straightened_as_the_library_does() -> None:
    volume = placed(body(), PLACES["tilted"], metadata={"Rows": 24, "Modality": "CT"})
    (found,) = rectify.STEP.run(volume).volumes
    wanted = straightened(volume)
    np.testing.assert_array_equal(found.array, wanted.array)
    np.testing.assert_array_equal(found.affine, wanted.affine)
    assert found.metadata == {"Modality": "CT"}
    assert "straightened" in found.warnings[-1]


def test_a_straight_one_stays() -> None:
    volume = placed(body(), instance_uids=tuple(map(str, range(7))))
    (found,) = rectify.STEP.run(volume).volumes
    np.testing.assert_array_equal(found.array, volume.array)
    assert found.instance_uids == volume.instance_uids
    assert found.warnings == ()
    with pytest.raises(UnplacedError):
        rectify.STEP.run(Volume(array=body(), spacing=(1.0, 1.0, 1.0)))


WHOLE = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "bool")


@settings(max_examples=80, deadline=None)
@given(one=st.sampled_from(WHOLE), other=st.sampled_from(WHOLE), seed=st.integers(0, 99), absolute=st.booleans())
def test_the_difference_of_whole_numbers_is_exact(one: str, other: str, seed: int, absolute: bool) -> None:
    random = np.random.default_rng(seed)

    def values(dtype: str) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
        if dtype == "bool":
            return random.integers(0, 2, (2, 3, 4)).astype(bool)
        limits = np.iinfo(dtype)
        return random.integers(limits.min // 2, limits.max // 2, (2, 3, 4), dtype)

    first, second = values(one), values(other)
    found = difference(Volume(array=first), Volume(array=second), absolute=absolute).array
    wanted = first.astype(object) * 1 - second.astype(object) * 1
    np.testing.assert_array_equal(found.astype(object), abs(wanted) if absolute else wanted)
    assert found.dtype.kind == "i"
    if one == other == "int8":
        assert found.dtype == np.int16


def test_floats_keep_what_is_no_number() -> None:
    first = np.array([[[1.5, np.nan, np.inf, 3.0]]], np.float32)
    found = difference(Volume(array=first), Volume(array=np.ones((1, 1, 4), np.int16)))
    np.testing.assert_array_equal(found.array, np.array([[[0.5, np.nan, np.inf, 2.0]]], np.float32))
    assert found.array.dtype == np.float32


def test_what_is_padding_in_either_is_0_and_told() -> None:
    one, other = np.full((1, 2, 2), 7, np.int16), np.full((1, 2, 2), 3, np.int16)
    one[0, 0, 0] = other[0, 1, 1] = -2000
    padding = np.array([[-2000.0, -2000.0]])
    found = difference(Volume(array=one, padding=padding), Volume(array=other, padding=padding))
    assert found.array.tolist() == [[[0, 4], [4, 0]]]
    assert found.padding is None
    assert "padding" in found.warnings[-1]


def test_only_voxels_in_the_same_places_are_subtracted() -> None:
    volume = placed(body())
    moved = AXIAL_LPS.copy()
    moved[0, 3] += 0.1
    with pytest.raises(GeometryError, match=r"0\.1 mm apart"):
        difference(volume, placed(volume.array, moved))
    with pytest.raises(GeometryError, match="7 x 24 x 21 and 6 x 24 x 21"):
        difference(volume, placed(volume.array[:-1]))
    with pytest.raises(UnplacedError):
        difference(volume, unplaced(volume, (2.5, 0.8, 0.7)))
    with pytest.raises(GeometryError, match="different sizes"):
        difference(Volume(array=body()), Volume(array=body(), spacing=(1.0, 1.0, 1.0)))
    with pytest.raises(ParameterError, match="HU less values in Gy"):
        difference(replace(volume, unit="HU"), replace(volume, unit="Gy"))
    moved[0, 3] = AXIAL_LPS[0, 3] + 1e-4  # as rounded decimals of a header
    assert not difference(volume, placed(volume.array, moved)).array.any()
