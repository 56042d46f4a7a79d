"""Thresholds: scikit-image judges those that are found, the definition those that are chosen."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from voxelry.core import levels
from voxelry.core.errors import MeasureError, ParameterError
from voxelry.core.histogram import histogram
from voxelry.core.measure import measure
from voxelry.core.volume import Volume
from voxelry.steps.threshold import STEP
from voxelry.testing.steps import StepTests, body
from voxelry.testing.volumes import placed

METHODS = ("fixed", "otsu", "li", "triangle", "yen", "percentile", "multi_otsu")
images = hnp.arrays(
    np.int16, st.tuples(*[st.integers(2, 6)] * 3), elements=st.integers(-300, 300), unique=False
).filter(lambda array: np.unique(array).size > 3)


class TestThreshold(StepTests):
    step = STEP
    examples = (
        {},
        *({"method": method} for method in METHODS),
        {"method": "units", "lower": -200.0, "upper": 300.0, "invert": True},
        {"method": "hysteresis", "lower": 0.0, "upper": 500.0, "invert": True},
        {"method": "multi_otsu", "classes": 4},
    )


def labels_of(volume: Volume, **params: object) -> npt.NDArray[Any]:
    found = STEP.run(volume, params).segmentation
    assert found is not None
    return found.labels


@given(images, st.floats(0, 1))
def test_fixed_is_the_definition_and_the_count_is_what_measure_says(array: npt.NDArray[Any], threshold: float) -> None:
    volume = placed(array)
    x = array.astype(np.float64)
    np.testing.assert_array_equal(
        labels_of(volume, threshold=threshold) == 1, (x - x.min()) / (x.max() - x.min()) > threshold
    )
    (row,) = STEP.run(volume, {"threshold": threshold}).rows
    assert row["count"] == measure(volume, threshold).pixels_above_threshold
    assert row["mm3"] == pytest.approx(measure(volume, threshold).volume_mm3)
    assert row["threshold"] == pytest.approx(x.min() + threshold * (x.max() - x.min()), abs=1e-6)


@pytest.mark.parametrize("method", ["otsu", "li", "triangle", "yen"])
@pytest.mark.parametrize("seed", range(4))
def test_found_thresholds_are_those_of_scikit_image(method: str, seed: int) -> None:
    from skimage import filters

    array = body((9, 40, 36), seed) + np.random.default_rng(seed).normal(0, 150, (9, 40, 36)).astype(np.int16)
    judge = getattr(filters, f"threshold_{method}")(array.astype(np.int32))
    (row,) = STEP.run(placed(array), {"method": method}).rows
    # scikit-image sums in float32 and takes whole values' bins: neighbours are as good.
    assert row["threshold"] == pytest.approx(judge, abs=1.01)
    assert row["count"] == pytest.approx(int((array > judge).sum()), rel=5e-3)


@pytest.mark.parametrize("method", ["triangle", "yen"])
def test_floats_are_binned_as_scikit_image_does(method: str) -> None:
    from skimage import filters

    array = body((9, 40, 36)).astype(np.float32) * np.float32(0.37)
    judge = getattr(filters, f"threshold_{method}")(array)
    (row,) = STEP.run(placed(array), {"method": method}).rows
    assert row["threshold"] == pytest.approx(judge, abs=1.01 * float(np.ptp(array)) / 256)


@settings(max_examples=60)
@given(images)
def test_otsu_has_the_largest_variance_between_classes(array: npt.NDArray[Any]) -> None:
    x = array.ravel().astype(np.float64)

    def between(level: float) -> float:
        low, high = x[x <= level], x[x > level]
        return float(low.size * high.size * (low.mean() - high.mean()) ** 2) if low.size and high.size else 0.0

    best = max(between(level) for level in np.unique(x))
    assert between(levels.otsu(histogram(Volume(array=array)))) == pytest.approx(best, rel=1e-9)


@pytest.mark.parametrize("size", [1e-310, 1.0, 1e308])
def test_otsu_parts_the_smallest_and_the_largest_numbers_alike(size: float) -> None:
    array = np.array([[[0.0, 0.1, 0.2, 1.0, 1.1]]]) * size
    assert levels.otsu(histogram(Volume(array=array))) == array[0, 0, 2]
    assert levels.multi_otsu(histogram(Volume(array=array)), 2) == [array[0, 0, 2]]


@settings(max_examples=30)
@given(hnp.arrays(np.int16, (2, 3, 4), elements=st.integers(0, 12)), st.integers(2, 4))
def test_multi_otsu_is_the_best_of_all_choices(array: npt.NDArray[Any], classes: int) -> None:
    x = array.ravel().astype(np.float64)
    values = np.unique(x)
    if values.size < classes:
        with pytest.raises(MeasureError, match="distinct values"):
            levels.multi_otsu(histogram(Volume(array=array)), classes)
        return

    def between(cuts: tuple[float, ...] | list[float]) -> float:
        number = np.searchsorted(np.array(cuts), x, side="left")
        return sum(
            float(x[number == k].sum()) ** 2 / int((number == k).sum()) for k in range(classes) if (number == k).any()
        )

    best = max(between(cuts) for cuts in itertools.combinations(values[:-1], classes - 1))
    assert between(levels.multi_otsu(histogram(Volume(array=array)), classes)) == pytest.approx(best, rel=1e-9)


@pytest.mark.parametrize("classes", [2, 3, 4])
def test_multi_otsu_agrees_with_scikit_image(classes: int) -> None:
    from skimage import filters

    array = (body((7, 30, 30)) // 16).astype(np.int32)
    wanted = filters.threshold_multiotsu(array, classes)
    found = [row["threshold"] for row in STEP.run(placed(array), {"method": "multi_otsu", "classes": classes}).rows]
    x = array.ravel().astype(np.float64)

    def within(cuts: Any) -> float:
        number = np.searchsorted(np.asarray(cuts, float), x, side="left")
        return sum(float(x[number == k].var() * (number == k).sum()) for k in range(classes))

    assert within(found) <= within(wanted) * (1 + 1e-9)
    labels = labels_of(placed(array), method="multi_otsu", classes=classes)
    np.testing.assert_array_equal(labels, np.searchsorted(np.array(found, float), array, side="left"))


@given(images, st.integers(-300, 300), st.integers(-300, 300))
def test_hysteresis_is_scikit_images(array: npt.NDArray[Any], one: int, other: int) -> None:
    from skimage.filters import apply_hysteresis_threshold

    low, high = min(one, other), max(one, other)
    found = labels_of(placed(array), method="hysteresis", lower=low, upper=high)
    np.testing.assert_array_equal(found == 1, apply_hysteresis_threshold(array, low, high))


@given(images, st.sampled_from(("fixed", "otsu", "li", "yen", "triangle", "percentile", "units", "hysteresis")))
def test_padding_changes_nothing_but_itself(array: npt.NDArray[Any], method: str) -> None:
    params: dict[str, object] = {"method": method, "lower": -20.0, "upper": 50.0}
    plain = STEP.run(placed(array), params)
    padded = np.concatenate([array, np.full_like(array[:, :1], -2000)], axis=1)
    padding = np.full((len(array), 2), -2000.0)
    for invert in (False, True):
        result = STEP.run(placed(padded, padding=padding), params | {"invert": invert})
        assert plain.segmentation is not None
        assert result.segmentation is not None
        assert not result.segmentation.labels[:, -1].any()
        wanted = (plain.segmentation.labels == 0) if invert else plain.segmentation.labels
        if method != "hysteresis":  # whose pieces may be joined otherwise, not through padding
            np.testing.assert_array_equal(result.segmentation.labels[:, :-1], wanted)
        assert result.rows[0]["threshold"] == plain.rows[0]["threshold"]


def test_units_take_both_ends_and_fractions() -> None:
    array = np.array([[[0, 1, 2, 3]]], np.int16)
    assert labels_of(placed(array), method="units", lower=1, upper=2).tolist() == [[[0, 1, 1, 0]]]
    assert labels_of(placed(array), method="units", lower=0.5).tolist() == [[[0, 1, 1, 1]]]
    assert labels_of(placed(array), method="units", upper=0.5).tolist() == [[[1, 0, 0, 0]]]


def test_unknown_spacing_gives_a_count_and_no_mm3() -> None:
    result = STEP.run(Volume(array=body(), spacing=(None, 0.8, 0.7)), {})
    assert result.rows[0]["mm3"] is None
    assert "slices' spacing is unknown" in " ".join(result.warnings)


def test_a_constant_image_and_one_of_padding_alone_give_an_empty_mask_and_say_so() -> None:
    for method in METHODS:
        result = STEP.run(placed(np.full((2, 3, 4), 7, np.int16)), {"method": method})
        assert result.rows[0]["count"] == 0
        assert "constant image" in result.warnings[0]
    blank = placed(np.zeros((2, 3, 4), np.int16), padding=np.zeros((2, 2)))
    assert "every voxel is padding" in STEP.run(blank, {"invert": True}).warnings[0]
    assert not labels_of(blank, invert=True).any()


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"method": "units"}, "needs lower"),
        ({"method": "hysteresis", "lower": 1}, "needs lower and upper"),
        ({"method": "units", "lower": 2, "upper": 1}, "lower 2 is above upper 1"),
        ({"method": "multi_otsu", "invert": True}, "cannot be inverted"),
        ({"method": "magic"}, "method"),
    ],
)
def test_parameters_that_contradict_each_other_are_refused(params: dict[str, object], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        STEP.checked(params)


@settings(max_examples=60, deadline=None)
@given(images, st.sampled_from(["fixed", "otsu", "li", "percentile", "units", "hysteresis"]), st.booleans())
def test_inverted_is_all_that_does_not_count(array: npt.NDArray[Any], method: str, constant: bool) -> None:
    """Of a constant image too: none of its voxels is above a threshold."""
    volume = Volume(array=np.full_like(array, array.flat[0]) if constant else array)
    params = {"method": method, "lower": 3.0, "upper": 9.0}
    one, other = (STEP.run(volume, {**params, "invert": invert}) for invert in (False, True))
    assert one.segmentation is not None
    assert other.segmentation is not None
    np.testing.assert_array_equal(one.segmentation.labels == 0, other.segmentation.labels > 0)
