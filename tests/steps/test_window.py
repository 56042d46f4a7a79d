"""Windowing and normalising: what the standard's pseudo-code and NumPy say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from voxelry.core.errors import ParameterError
from voxelry.core.intensity import Window, to_display
from voxelry.core.volume import Volume
from voxelry.steps import normalise, window
from voxelry.testing.steps import StepTests, body
from voxelry.testing.volumes import INTEGERS, full_volume, placed, voxels


class TestWindow(StepTests):
    step = window.STEP
    examples = (
        {"center": 40, "width": 400},
        {},
        {"center": -600, "width": 1500, "function": "SIGMOID"},
        {"center": 40, "width": 0.5, "function": "LINEAR_EXACT", "output": "uint8"},
    )


class TestNormalise(StepTests):
    step = normalise.STEP
    examples = ({}, {"method": "zscore"}, {"method": "percentile"}, {"method": "percentile", "clip": False})


def windowed(volume: Volume, **values: object) -> Volume:
    (found,) = window.STEP.run(volume, values).volumes
    return found


def normalised(volume: Volume, **values: object) -> Volume:
    (found,) = normalise.STEP.run(volume, values).volumes
    return found


@settings(max_examples=50, deadline=None)
@given(
    center=st.floats(-1000, 1000),
    width=st.floats(1, 3000),
    function=st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]),
)
def test_fractions_and_grey_levels_are_those_of_display(center: float, width: float, function: str) -> None:
    volume = placed(body())
    grey = windowed(volume, center=center, width=width, function=function, output="uint8").array
    fraction = windowed(volume, center=center, width=width, function=function).array
    wanted = to_display(volume.array, Window(center, width, function))  # type: ignore[arg-type]
    np.testing.assert_array_equal(grey, wanted)
    assert [str(one.dtype) for one in (grey, fraction)] == ["uint8", "float32"]
    assert 0 <= fraction.min() <= fraction.max() <= 1
    np.testing.assert_allclose(fraction * 255, wanted, atol=0.501)


def test_the_standard_s_example_ends() -> None:
    """PS3.3 C.11.2.1.2.1: c = 2048, w = 4096 over 12 bits is 0 to 1; LINEAR_EXACT differs by half a value."""
    values = placed(np.array([[[0, 1, 2047, 2048, 4095]]], np.int16))
    assert windowed(values, center=2048, width=4096).array[0, 0, [0, 4]].tolist() == [0.0, 1.0]
    exact = windowed(values, center=2048, width=4096, function="LINEAR_EXACT").array[0, 0]
    np.testing.assert_allclose(exact, [0, 1 / 4096, 2047 / 4096, 0.5, 4095 / 4096], atol=1e-7)


def test_the_header_s_window_is_taken_where_none_is_given() -> None:
    volume = placed(body(), windows=(Window(40, 400),))
    np.testing.assert_array_equal(windowed(volume).array, windowed(volume, center=40, width=400).array)


@pytest.mark.parametrize("step", [window.STEP, normalise.STEP])
def test_nothing_of_the_old_scale_holds(step: object) -> None:
    volume = full_volume()
    (found,) = step.run(volume).volumes  # type: ignore[attr-defined]
    assert (found.unit, found.padding, found.windows, found.voi_tables) == ("", None, (), ())
    assert "RescaleSlope" not in found.metadata
    assert found.metadata["Modality"] == "CT"
    assert found.instance_uids == volume.instance_uids


def test_padding_is_black() -> None:
    array = np.array(body())
    array[:, :3] = 3000
    volume = placed(array, padding=np.full((7, 2), 3000.0))
    assert (windowed(volume, center=40, width=400).array[:, :3] == 0).all()
    for method in ("minmax", "percentile", "zscore"):
        found = normalised(volume, method=method).array
        assert (found[:, :3] == found.min()).all()
        assert found[:, 3:].min() == found.min()


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(*[st.integers(1, 8)] * 3), seed=st.integers(0, 99),
    dtype=st.sampled_from(["int16", "uint8", "int64", "float32"]), low=st.floats(0, 50), high=st.floats(51, 100),
)  # fmt: skip
def test_numpy_agrees(shape: tuple[int, ...], seed: int, dtype: str, low: float, high: float) -> None:
    array = np.random.default_rng(seed).normal(100, 30, shape).clip(0, 255).astype(dtype)
    array.flat[0], array.flat[-1] = 3, 200
    if array.size < 4:
        return
    volume, x = Volume(array=array), array.astype(np.float64)
    np.testing.assert_allclose(normalised(volume).array, (x - x.min()) / np.ptp(x), atol=1e-6)
    np.testing.assert_allclose(normalised(volume, method="zscore").array, (x - x.mean()) / x.std(), atol=1e-5)
    ends = np.percentile(x, [low, high])
    if ends[0] < ends[1] - 1:
        wanted = (x - ends[0]) / (ends[1] - ends[0])
        found = normalised(volume, method="percentile", low=low, high=high)
        np.testing.assert_allclose(found.array, wanted.clip(0, 1), atol=1e-5)
        found = normalised(volume, method="percentile", low=low, high=high, clip=False)
        np.testing.assert_allclose(found.array, wanted, rtol=1e-5, atol=1e-5)


def test_a_constant_becomes_0_and_says_so() -> None:
    for method in ("minmax", "zscore", "percentile"):
        found = normalised(Volume(array=np.full((2, 3, 4), 7, np.int16)), method=method)
        assert not found.array.any()
        assert "the same" in found.warnings[-1]


def test_what_makes_no_sense_is_refused() -> None:
    for wrong in ({"center": 40}, {"width": 400}, {"center": 1, "width": 0}, {"function": "CUBIC"}):
        with pytest.raises(ParameterError):
            window.STEP.checked(wrong)
    with pytest.raises(ParameterError, match="below 1"):
        windowed(placed(body()), center=40, width=0.5)
    with pytest.raises(ParameterError, match="low has to be below high"):
        normalise.STEP.checked({"low": 99, "high": 1})


@settings(max_examples=60, deadline=None)
@given(value=st.floats(-1e6, 1e6), shape=st.tuples(*[st.integers(1, 9)] * 3))
@example(value=0.1, shape=(3, 3, 3))  # whose mean is not 0.1 to the last digit
def test_no_constant_is_anything_but_0(value: float, shape: tuple[int, ...]) -> None:
    for method in ("minmax", "zscore", "percentile"):
        found = normalised(Volume(array=np.full(shape, value)), method=method)
        assert not found.array.any()
        assert "the same" in found.warnings[-1]


@settings(max_examples=60, deadline=None)
@given(data=st.data(), dtype=st.sampled_from(["bool", *INTEGERS]))
def test_percentiles_of_every_dtype_are_those_of_its_values(data: st.DataObject, dtype: str) -> None:
    """Numpy takes differences in the array's own type: of int8 from -128 to 127 the quarter is -128.25 there."""
    array = voxels((2, 3, 2), dtype, data.draw(st.integers(0, 99)))
    low, high = data.draw(st.floats(0, 45)), data.draw(st.floats(55, 100))
    x = array.astype(np.float64)
    ends = np.percentile(x, [low, high])
    found = normalised(Volume(array=array), method="percentile", low=low, high=high, clip=False)
    if ends[1] - ends[0] > 1e-6 * np.abs(x).max():
        np.testing.assert_allclose(found.array, (x - ends[0]) / (ends[1] - ends[0]), rtol=1e-5, atol=1e-4)
