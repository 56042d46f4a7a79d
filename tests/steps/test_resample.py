"""Resampling: SimpleITK and scipy judge values and places."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import SimpleITK
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from tests.simpleitk_images import as_image
from voxelry.core.affine import index_to_lps
from voxelry.core.errors import ParameterError, UnplacedError
from voxelry.core.volume import Volume
from voxelry.steps.resample import STEP, _gaussian
from voxelry.testing.steps import PLACES, StepTests, body
from voxelry.testing.volumes import affines, placed

INTERPOLATORS = {"linear": SimpleITK.sitkLinear, "cubic": SimpleITK.sitkBSpline, "label": SimpleITK.sitkNearestNeighbor}


class TestResample(StepTests):
    step = STEP
    examples = (
        {"shape": [5, 11, 30]},
        {"shape": 9, "method": "cubic"},
        {"shape": [3, 40, 7], "method": "label"},
        {"shape": [20, 8, 8], "antialias": False},
    )


class TestResampleToSpacing(StepTests):
    step = STEP
    examples = ({"spacing": 1.1}, {"spacing": [3.0, 0.5, 2.0], "method": "cubic"})
    needs = "spacing"


def resampled(volume: Volume, **values: object) -> Volume:
    (found,) = STEP.run(volume, values).volumes
    return found


@pytest.mark.parametrize("place", ["axial", "oblique", "left-handed"])
@pytest.mark.parametrize("method", ["linear", "cubic", "label"])
@pytest.mark.parametrize("goal", [{"spacing": [1.7, 1.1, 0.5]}, {"shape": [12, 9, 40]}, {"spacing": 0.9}])
def test_simpleitk_agrees_in_values_and_places(place: str, method: str, goal: dict[str, Any]) -> None:
    volume = placed(body((11, 24, 21)), PLACES[place])
    found = resampled(volume, method=method, antialias=False, **goal)
    wanted = SimpleITK.GetArrayFromImage(
        SimpleITK.Resample(
            *(as_image(np.asarray(one.array), one.geometry.known_affine) for one in (volume, found)),
            SimpleITK.Transform(),
            INTERPOLATORS[method],
            0.0,
            SimpleITK.sitkFloat64,
        )
    )
    old = np.linalg.inv(np.asarray(volume.affine)) @ np.asarray(found.affine)
    index = (
        np.stack(np.meshgrid(*map(np.arange, found.array.shape), indexing="ij"), axis=-1) @ old[:3, :3].T + old[:3, 3]
    )
    within = ((index > 0) & (index < np.array(volume.array.shape) - 1)).all(axis=-1)
    assert within.mean() > 0.6
    if method == "label":
        tie = (np.abs(index - np.floor(index) - 0.5) < 1e-6).any(axis=-1)
        within &= ~tie
    np.testing.assert_allclose(found.array[within], wanted[within], rtol=0, atol=0.51 if method != "label" else 0)


@settings(max_examples=30, deadline=None)
@given(affine=affines(), shape=st.tuples(*[st.integers(1, 12)] * 3), data=st.data())
def test_the_field_of_view_stays_where_it_is(
    affine: npt.NDArray[np.float64], shape: tuple[int, ...], data: st.DataObject
) -> None:
    """Sheared or not: the outer corners by shape, the middle by spacing, and the spacing exactly."""
    volume = placed(np.zeros(shape, np.int16), affine)
    wanted = data.draw(st.tuples(*[st.integers(1, 20)] * 3))
    found = resampled(volume, shape=wanted)
    assert found.array.shape == wanted
    assert found.affine is not None
    corners = np.array(np.meshgrid([0, 1], [0, 1], [0, 1])).reshape(3, -1).T
    scale = float(np.abs(affine).max())
    np.testing.assert_allclose(
        index_to_lps(found.affine, corners * wanted - 0.5),
        index_to_lps(affine, corners * shape - 0.5),
        atol=1e-9 * scale,
    )
    spacing = data.draw(st.tuples(*[st.floats(0.5, 30)] * 3))
    if np.prod([n * s / t for n, s, t in zip(shape, volume.spacing, spacing, strict=True) if s]) > 1e6:
        return
    found = resampled(volume, spacing=spacing)
    assert found.affine is not None
    assert found.spacing == pytest.approx(spacing)
    np.testing.assert_allclose(
        index_to_lps(found.affine, (np.array(found.array.shape) - 1) / 2),
        index_to_lps(affine, (np.array(shape) - 1) / 2),
        atol=1e-9 * scale,
    )


@pytest.mark.parametrize("method", ["linear", "cubic"])
@pytest.mark.parametrize("antialias", [True, False])
def test_a_constant_and_its_own_grid_stay(method: str, antialias: bool) -> None:
    constant = placed(np.full((5, 9, 8), 1234, np.int16))
    found = resampled(constant, shape=[3, 20, 4], method=method, antialias=antialias)
    assert np.unique(found.array).tolist() == [1234]
    volume = placed(body(), instance_uids=tuple(map(str, range(7))))
    same = resampled(volume, shape=volume.array.shape, method=method, antialias=antialias)
    np.testing.assert_array_equal(same.array, volume.array)
    assert same.instance_uids == volume.instance_uids


def test_a_ramp_stays_a_ramp_in_millimetres() -> None:
    """Linear in the patient before, linear in the patient after: no shift by half a voxel anywhere."""
    index = np.stack(np.meshgrid(*map(np.arange, (12, 20, 18)), indexing="ij"), axis=-1)
    slope = np.array([3.0, -2.0, 5.0])
    volume = placed((index_to_lps(PLACES["oblique"], index) @ slope).astype(np.float32), PLACES["oblique"])
    for method in ("linear", "cubic"):
        found = resampled(volume, spacing=[2.0, 1.3, 0.6], method=method, antialias=False)
        assert found.affine is not None
        inner = np.stack(np.meshgrid(*map(np.arange, found.array.shape), indexing="ij"), axis=-1)[4:-4, 6:-6, 6:-6]
        wanted = index_to_lps(found.affine, inner) @ slope
        np.testing.assert_allclose(found.array[4:-4, 6:-6, 6:-6], wanted, atol=0.3 if method == "cubic" else 1e-3)


def test_antialias_takes_what_the_new_grid_cannot_hold() -> None:
    fine = np.indices((1, 64, 64)).sum(axis=0) % 2 * 1000
    volume = placed(fine.astype(np.int16))
    sharp = resampled(volume, shape=[1, 13, 13], antialias=False).array.std()
    smooth = resampled(volume, shape=[1, 13, 13]).array.std()
    assert smooth < sharp / 20


def test_labels_stay_labels() -> None:
    random = np.random.default_rng(0)
    labels = random.choice(np.array([0, 3, 1000, 2**40]), (6, 8, 9))
    found = resampled(placed(labels), shape=[9, 5, 20], method="label")
    assert set(np.unique(found.array)) <= {0, 3, 1000, 2**40}
    assert found.array.dtype == np.int64


@pytest.mark.parametrize("method", ["linear", "cubic"])
def test_padding_and_nan_are_mixed_with_nothing(method: str) -> None:
    array = np.array(body((8, 24, 20)))
    array[:, :7] = 30_000
    volume = placed(array, padding=np.full((8, 2), 30_000.0))
    found = resampled(volume, spacing=0.9, method=method)
    masks = np.array([found.padding_mask(index) for index in range(len(found.array))])
    assert 0.2 < masks.mean() < 0.4
    assert found.array[~masks].max() < 1000
    floats = np.where(array == 30_000, np.nan, array).astype(np.float32)
    spoilt = resampled(replace(volume, array=floats, padding=None), spacing=0.9, method=method)
    np.testing.assert_array_equal(np.isnan(spoilt.array), masks)
    np.testing.assert_allclose(spoilt.array[~masks], found.array[~masks], atol=0.51)
    assert "mixed with nothing" in spoilt.warnings[-1]


def test_what_cannot_be_is_refused() -> None:
    for wrong in ({}, {"spacing": 1.0, "shape": 3}, {"spacing": 0}, {"shape": 0}, {"shape": 2.5}):
        with pytest.raises(ParameterError):
            STEP.checked(wrong)
    with pytest.raises(ParameterError, match="voxels"):
        resampled(placed(body()), spacing=1e-4)
    with pytest.raises(UnplacedError):
        resampled(Volume(array=body(), spacing=(None, 0.8, 0.7)), spacing=1.0)
    assert resampled(Volume(array=body(), spacing=(None, 0.8, 0.7)), shape=[7, 12, 21]).spacing == (None, 1.6, 0.7)


def test_the_header_s_size_and_place_are_not_carried_on() -> None:
    told = {"Rows": 24, "PixelSpacing": [0.8, 0.7], "SliceThickness": 2.5, "Modality": "CT"}
    found = resampled(placed(body(), metadata=told, unit="HU"), spacing=1.0)
    assert found.metadata == {"Modality": "CT"}
    assert found.unit == "HU"


@pytest.mark.parametrize(
    "goal", [{"shape": [1, 1, 10**6]}, {"shape": 10**18}, {"spacing": 1e-6}, {"spacing": 1e9}, {"spacing": 1.7e308}]
)
def test_what_no_machine_has_room_for_is_refused_before_it_is_tried(goal: dict[str, object]) -> None:
    with pytest.raises(ParameterError, match=r"along (one|an) axis are more than the 65,535"):
        STEP.run(placed(body()), goal)


@settings(max_examples=60, deadline=None)
@given(length=st.integers(1, 40), sigma=st.floats(0.05, 300.0))
def test_the_blur_before_is_scipys(length: int, sigma: float) -> None:
    wanted = ndimage.gaussian_filter1d(np.eye(length), sigma, axis=0, mode="nearest")
    np.testing.assert_allclose(_gaussian(length, sigma), wanted, atol=1e-12)
