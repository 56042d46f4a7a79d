"""Gaussian blur in millimetres: scipy and SimpleITK judge."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import SimpleITK
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from voxelry.core.errors import GeometryError, ParameterError
from voxelry.core.intensity import Window
from voxelry.core.volume import Volume
from voxelry.steps.gaussian import STEP
from voxelry.testing.steps import PLACES, StepTests, body
from voxelry.testing.volumes import placed

SPACING = (2.5, 0.8, 0.7)


class TestGaussian(StepTests):
    step = STEP
    examples = (
        {"sigma": 1.0},
        {"sigma": [3.0, 1.0, 0.0], "truncate": 3.0},
        {"sigma": 2.0, "dimensions": 2},
        {"sigma": 500.0},
    )
    needs = "spacing"


def blurred(volume: Volume, **values: object) -> Volume:
    (found,) = STEP.run(volume, values).volumes
    return found


def spaced(array: npt.NDArray[Any], spacing: tuple[float, float, float], **more: Any) -> Volume:
    affine = np.diag([*spacing, 1.0])[[2, 1, 0, 3]]
    return placed(array, affine, **more)


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(*[st.integers(1, 20)] * 3),
    spacing=st.tuples(*[st.floats(0.3, 6.0)] * 3),
    sigma=st.one_of(st.floats(0.05, 30.0), st.tuples(*[st.floats(0.0, 5.0)] * 3).filter(lambda three: max(three) > 0)),
    truncate=st.floats(0.5, 6.0),
    dtype=st.sampled_from(["int8", "uint8", "int16", "uint16", "int32", "float32", "float64"]),
    seed=st.integers(0, 99),
)
def test_scipy_agrees(
    shape: tuple[int, int, int], spacing: tuple[float, float, float], sigma: float | tuple[float, float, float],
    truncate: float, dtype: str, seed: int,
) -> None:  # fmt: skip
    array = np.random.default_rng(seed).normal(40, 30, shape).astype(dtype)
    found = blurred(spaced(array, spacing), sigma=sigma, truncate=truncate)
    voxels = np.array(sigma if isinstance(sigma, tuple) else [sigma] * 3) / spacing
    wanted = ndimage.gaussian_filter(array.astype(np.float64), voxels, truncate=truncate)
    assert found.array.dtype == (np.float64 if dtype in ("int32", "float64") else np.float32)
    np.testing.assert_allclose(found.array, wanted, rtol=0, atol=1e-5 * max(1.0, float(np.ptp(array.astype(float)))))


def test_scipy_agrees_within_slices() -> None:
    array = body((5, 30, 31))
    found = blurred(spaced(array, SPACING), sigma=2.0, dimensions=2)
    wanted = ndimage.gaussian_filter(array.astype(np.float64), (0, 2 / 0.8, 2 / 0.7))
    np.testing.assert_allclose(found.array, wanted, rtol=0, atol=0.01)


@pytest.mark.parametrize("sigma", [4.0, 5.0])
def test_simpleitk_agrees(sigma: float) -> None:
    """Its own sigma in mm on its own spacing; its kernel is the discrete analogue, and its edge another."""
    array = body((37, 70, 67))
    image = SimpleITK.GetImageFromArray(array.astype(np.float32))
    image.SetSpacing(SPACING[::-1])
    given: dict[str, Any] = {"maximumKernelWidth": 200, "maximumError": [1e-5] * 3, "useImageSpacing": True}
    wanted = SimpleITK.GetArrayFromImage(SimpleITK.DiscreteGaussian(image, variance=[sigma**2] * 3, **given))
    found = blurred(spaced(array, SPACING), sigma=sigma).array
    margin = tuple(slice(int(4 * sigma / step) + 1, -int(4 * sigma / step) - 1) for step in SPACING)
    apart = np.abs(found - wanted)[margin] / np.ptp(array)
    assert apart.size > 1000
    assert apart.max() < 2e-3
    assert apart.mean() < 1e-3


@pytest.mark.parametrize("place", ["axial", "oblique", "left-handed"])
def test_a_point_spreads_by_sigma_in_millimetres_along_every_axis(place: str) -> None:
    array = np.zeros((41, 61, 61), np.int16)
    array[20, 30, 30] = 10_000
    volume = placed(array, PLACES[place])
    found = blurred(volume, sigma=3.0, truncate=6.0)
    weights = found.array / found.array.sum()
    assert found.array.sum() == pytest.approx(10_000, rel=1e-5)
    for axis, step in enumerate(found.spacing):
        assert step is not None
        profile = weights.sum(axis=tuple(other for other in range(3) if other != axis))
        offsets = (np.arange(profile.size) - profile.size // 2) * step
        assert np.sqrt((profile * offsets**2).sum()) == pytest.approx(3.0, rel=0.01)


def test_padding_takes_part_in_no_mean_and_stays() -> None:
    array = np.array(body((6, 30, 28)))
    array[:, :5] = -2000
    array[2] = -2000
    padding = np.full((6, 2), -2000.0)
    padding[4] = np.nan  # there the value is a value
    array[4, :5] = 17
    found = blurred(spaced(array, SPACING, padding=padding, unit="HU"), sigma=2.0)
    mask = array == -2000
    weights = ndimage.gaussian_filter((~mask).astype(float), 2 / np.array(SPACING))
    sums = ndimage.gaussian_filter(np.where(mask, 0.0, array), 2 / np.array(SPACING))
    np.testing.assert_allclose(found.array[~mask], (sums / np.maximum(weights, 1e-300))[~mask], atol=0.05)
    assert (found.array[mask] == -2000).all()
    assert found.array[~mask].min() >= array[~mask].min() - 0.05
    masks = [found.padding_mask(index) for index in range(6)]
    np.testing.assert_array_equal(np.array([np.zeros((30, 28)) if one is None else one for one in masks]), mask)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_is_left_out_and_told(value: float) -> None:
    array = body((4, 20, 20)).astype(np.float32)
    array[1, 3:5, 3:5] = value
    found = blurred(spaced(array, SPACING), sigma=1.0)
    np.testing.assert_array_equal(np.isfinite(found.array), np.isfinite(array))
    assert "4 voxels that are no finite numbers" in found.warnings[-1]


def test_a_constant_stays_what_it_is() -> None:
    for sigma in (0.1, 1.0, 10.0, 1000.0):
        found = blurred(spaced(np.full((5, 6, 7), 1234, np.int16), SPACING), sigma=sigma)
        np.testing.assert_allclose(found.array, 1234, rtol=1e-6)


def test_a_sheared_stack_is_refused_but_for_its_slices() -> None:
    volume = placed(body(), PLACES["tilted"])
    with pytest.raises(GeometryError, match=r"tilted .* by 19.80 degrees.*rectify.*dimensions 2"):
        STEP.run(volume, {"sigma": 1.0})
    straight = placed(volume.array)
    np.testing.assert_array_equal(
        blurred(volume, sigma=1.0, dimensions=2).array, blurred(straight, sigma=1.0, dimensions=2).array
    )


def test_within_slices_their_distance_may_be_unknown() -> None:
    volume = Volume(array=body(), spacing=(None, 0.8, 0.7))
    found = blurred(volume, sigma=1.0, dimensions=2)
    assert found.spacing == (None, 0.8, 0.7)
    np.testing.assert_array_equal(found.array, blurred(placed(volume.array), sigma=1.0, dimensions=2).array)


def test_all_else_of_the_volume_stays() -> None:
    volume = placed(
        body(), unit="HU", metadata={"Modality": "CT"}, windows=(Window(40, 400),), label="a", lossy=True,
        instance_uids=tuple(f"2.25.{number}" for number in range(7)),
    )  # fmt: skip
    found = blurred(volume)
    assert replace(found, array=volume.array) is not volume
    for name in ("affine", "spacing", "unit", "metadata", "warnings", "windows", "label", "lossy", "instance_uids"):
        assert getattr(found, name) is getattr(volume, name)


def test_parameters_are_read_as_people_write_them() -> None:
    assert STEP.checked({"sigma": "2, 1 1.5"}).sigma == (2.0, 1.0, 1.5)
    assert STEP.checked({"sigma": "2"}).sigma == 2.0
    assert STEP.checked({}).sigma == 1.0
    for wrong in (0, -1, "0", [0, 0, 0], [1, 2], "1 2", [1, -1, 1], "nan"):
        with pytest.raises(ParameterError, match="sigma"):
            STEP.checked({"sigma": wrong})


@pytest.mark.parametrize("sigma", [1e9, 1e300])
def test_a_sigma_whose_weights_would_fill_the_memory_is_refused(sigma: float) -> None:
    with pytest.raises(ParameterError, match="voxels under the Gaussian along one axis are more than the 16,777,216"):
        blurred(spaced(np.ones((2, 2, 2)), SPACING), sigma=sigma)


@settings(max_examples=60, deadline=None)
@given(shape=st.tuples(*[st.integers(1, 5)] * 3), sigma=st.floats(0.1, 20.0), seed=st.integers(0, 99))
@example(shape=(1, 1, 4), sigma=1.0, seed=0)
def test_the_largest_floats_raise_no_warning(shape: tuple[int, ...], sigma: float, seed: int) -> None:
    """Weights sum to 1 but for their last digit; and beside holes their sum is divided by a rounded one."""
    random = np.random.default_rng(seed)
    array = random.choice([np.inf, np.nan, np.finfo(np.float64).max, -np.finfo(np.float64).max], shape)
    blurred(spaced(array, SPACING), sigma=sigma)
    blurred(spaced(np.full(shape, np.finfo(np.float64).max), SPACING), sigma=sigma)
