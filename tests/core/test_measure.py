"""Counting above a threshold: exactly the float64 definition, whatever the values."""

from __future__ import annotations

import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import voxelry
from voxelry.core.errors import MeasureError, ParameterError
from voxelry.core.histogram import histogram
from voxelry.core.measure import measure
from voxelry.core.volume import Volume


def by_definition(values: npt.NDArray[np.generic], threshold: float) -> int:
    """``(x - min) / (max - min) > threshold`` in float64, written as plainly as can be."""
    x = values.astype(np.float64)
    low, high = x.min(), x.max()
    if np.isinf(float(high) - float(low)):  # float64 itself is too small for the range: the same, halved
        x, low, high = x / 2, low / 2, high / 2
    return 0 if low == high else int(((x - low) / (high - low) > threshold).sum())


integers = st.sampled_from(["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]).flatmap(
    lambda name: hnp.arrays(np.dtype(name), st.tuples(*[st.integers(1, 6)] * 3))
)
floats = st.sampled_from(["float16", "float32", "float64"]).flatmap(
    lambda name: hnp.arrays(
        np.dtype(name),
        st.tuples(*[st.integers(1, 6)] * 3),
        elements={"allow_nan": False, "allow_infinity": False},
    )
)


@given(st.one_of(integers, floats), st.floats(0, 1))
def test_the_count_is_the_definition(array: npt.NDArray[np.generic], threshold: float) -> None:
    assert measure(Volume(array=array), threshold).pixels_above_threshold == by_definition(array, threshold)


@given(integers, st.data())
def test_the_count_is_the_definition_at_the_values_themselves(
    array: npt.NDArray[np.generic], data: st.DataObject
) -> None:
    """A threshold that a value lies exactly on is where an integer short cut goes wrong."""
    low, high = float(array.min()), float(array.max())
    if low == high:
        return
    value = float(data.draw(st.sampled_from(array.ravel().tolist())))
    threshold = (value - low) / (high - low)
    assert measure(Volume(array=array), threshold).pixels_above_threshold == by_definition(array, threshold)


@given(integers)
def test_the_histogram_answers_for_every_threshold(array: npt.NDArray[np.generic]) -> None:
    counted = histogram(Volume(array=array))
    values, counts = np.unique(array, return_counts=True)
    assert counted.exact
    if values.dtype.itemsize == 8:  # more digits than float64 has
        values, where = np.unique(values.astype(float), return_inverse=True)
        counts = np.bincount(where, counts).astype(np.int64)
    assert counted.values.tolist() == values.astype(float).tolist()
    assert counted.counts.tolist() == counts.tolist()


def test_a_float_volume_of_many_values_is_counted_from_its_voxels() -> None:
    array = np.random.default_rng(1).normal(size=(4, 200, 200))
    volume = Volume(array=array)
    counted = histogram(volume)
    assert not counted.exact
    assert len(counted.values) == 65_536
    assert counted.counts.sum() == array.size
    for threshold in (0.0, 0.25, 0.5, 0.75):
        assert measure(volume, threshold).pixels_above_threshold == by_definition(array, threshold)


@pytest.mark.parametrize(("low", "high"), [(1.0, 1.0 + 1e-10), (0.0, 1e-315), (-1.7e308, 1.7e308)])
def test_many_values_in_a_tiny_or_a_huge_range(low: float, high: float) -> None:
    array = (low * np.linspace(1, 0, 70_000) + high * np.linspace(0, 1, 70_000)).reshape(1, 250, 280)
    volume = Volume(array=array)
    counted = histogram(volume)
    assert counted.counts.sum() == array.size
    assert (np.diff(counted.values) >= 0).all()
    assert np.isfinite(counted.values).all()
    for threshold in (0.0, 0.25, 0.5, 1.0):
        assert measure(volume, threshold).pixels_above_threshold == by_definition(array, threshold)


@given(integers, st.floats(0, 1), st.integers(0, 9))
@example(np.array([[[2**53 + 1, 0]]]), 0.0, 0)  # no float64: only nearly the padding
def test_threads_and_padding_change_nothing(array: npt.NDArray[np.generic], threshold: float, padded: int) -> None:
    padding = np.full((len(array), 2), float(array.flat[padded % array.size]))
    volume = Volume(array=array, padding=padding)
    rest = np.array([value for value in array.ravel().tolist() if value != float(padding[0, 0])], array.dtype)
    measured = voxelry.measure(volume, threshold)
    assert measured.pixels_above_threshold == (by_definition(rest, threshold) if rest.size else 0)
    with ThreadPoolExecutor(2) as pool:
        assert measure(volume, threshold, each=pool.map) == measured


def test_slices_on_one_side_of_the_threshold_are_counted_too() -> None:
    array = np.arange(40 * 3 * 3, dtype=np.int16).reshape(40, 3, 3)
    for threshold in np.linspace(0, 1, 23):
        found = measure(Volume(array=array), float(threshold)).pixels_above_threshold
        assert found == by_definition(array, float(threshold))


def test_counting_takes_a_tenth_of_the_volumes_memory_at_most() -> None:
    array = np.random.default_rng(0).integers(-1000, 3000, (60, 256, 256), np.int16)
    volume = Volume(array=array)
    voxelry.measure(volume)  # what is imported then is not the count's
    tracemalloc.start()
    try:
        measured = voxelry.measure(volume)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert measured.pixels_above_threshold == by_definition(array, 0.5)
    assert array.nbytes + peak <= 1.1 * array.nbytes


def test_large_unsigned_integers_are_counted_as_they_are() -> None:
    array = np.array([[[2**64 - 1, 2**64 - 4096, 2**63]]], np.uint64)
    assert measure(Volume(array=array), 0.5).pixels_above_threshold == 2
    near = np.array([[[2**63 + 4096, 2**63, 2**63]]], np.uint64)
    assert histogram(Volume(array=near)).counts.tolist() == [2, 1]


def test_integers_far_apart_are_counted_without_a_huge_table() -> None:
    array = np.array([[[-(2**31), 0, 2**31 - 1]]], np.int32)
    assert histogram(Volume(array=array)).values.tolist() == [-(2.0**31), 0.0, 2.0**31 - 1]


def test_padding_takes_part_in_nothing() -> None:
    array = np.array([[[-2000, 0, 10, 20], [-2000, 20, 20, 5]]], np.int16)
    padding = np.array([[-2000.0, -2000.0]])
    measured = measure(Volume(array=array, spacing=(1.0, 1.0, 1.0), padding=padding))
    assert measured.pixels_above_threshold == 3  # above 10, the middle of 0 to 20
    assert measured.pixels_total == 8
    assert measured.volume_mm3 == 3.0
    assert len(measured.warnings) == 1
    assert measured.warnings[0].startswith("2 of 8 pixels are padding")
    assert histogram(Volume(array=array, padding=padding)).minimum == 0


def test_padding_of_every_slice_is_its_own() -> None:
    array = np.array([[[0, 5]], [[0, 5]]], np.int16)
    padding = np.array([[0.0, 0.0], [np.nan, np.nan]])
    assert histogram(Volume(array=array, padding=padding)).counts.tolist() == [1, 2]


def test_nothing_but_padding_counts_nothing() -> None:
    measured = measure(Volume(array=np.zeros((1, 2, 2), np.int16), padding=np.zeros((1, 2)), spacing=(1.0, 1.0, 1.0)))
    assert measured.pixels_above_threshold == 0
    assert "every pixel is padding" in " ".join(measured.warnings)


def test_a_constant_image_counts_nothing_and_says_so() -> None:
    measured = measure(Volume(array=np.full((2, 3, 3), 7, np.int16), spacing=(1.0, 1.0, 1.0)))
    assert (measured.pixels_above_threshold, measured.volume_mm3) == (0, 0.0)
    assert "constant image: every value is 7" in measured.warnings[0]


@pytest.mark.parametrize(
    ("spacing", "reason"),
    [
        ((None, 1.0, 1.0), "slices' spacing is unknown"),
        ((3.0, None, None), "no Pixel Spacing (0028,0030)"),
    ],
)
def test_no_spacing_means_no_millimetres_and_the_reason(
    spacing: tuple[float | None, float | None, float | None], reason: str
) -> None:
    measured = measure(Volume(array=np.arange(8, dtype=np.int16).reshape(1, 2, 4), spacing=spacing))
    assert measured.pixels_above_threshold == 4
    assert measured.volume_mm3 is None
    assert reason in measured.warnings[0]
    assert measured.record()["spacing_mm"] == list(spacing)


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
def test_a_threshold_outside_its_range_is_refused(threshold: float) -> None:
    with pytest.raises(ParameterError, match="not between 0 and 1"):
        measure(Volume(array=np.zeros((1, 1, 1))), threshold)


def test_an_unknown_method_is_refused_with_those_there_are() -> None:
    with pytest.raises(ParameterError, match="'magic'; there is 'fixed'"):
        measure(Volume(array=np.zeros((1, 1, 1))), method="magic")


def test_colour_is_refused() -> None:
    with pytest.raises(MeasureError, match="colour"):
        measure(Volume(array=np.zeros((1, 2, 2, 3), np.uint8)))


no_numbers = st.sampled_from(["float16", "float32", "float64"]).flatmap(
    lambda name: hnp.arrays(np.dtype(name), st.tuples(*[st.integers(1, 5)] * 3))
)


@given(no_numbers, st.floats(0, 1))
@example(np.array([[[0, 1, 2, np.inf]]], np.float32), 1.0)
@example(np.array([[[np.nan, -np.inf], [np.inf, np.nan]]]), 0.5)
def test_nan_and_infinities_take_part_in_nothing_and_are_told(
    array: npt.NDArray[np.floating], threshold: float
) -> None:
    """The figures are those of the numbers alone, as numpy picks them."""
    finite, volume = array[np.isfinite(array)], Volume(array=array)
    measured, counted = measure(volume, threshold), histogram(volume)
    assert measured.pixels_above_threshold == (by_definition(finite, threshold) if finite.size else 0)
    assert measured.pixels_total == array.size
    assert counted.counts.sum() == finite.size
    if finite.size:
        assert (counted.minimum, counted.maximum) == (float(finite.min()), float(finite.max()))
    lost = array.size - finite.size
    assert (f"{lost:,} of {array.size:,} pixels are NaN or infinite" in " ".join(measured.warnings)) == bool(lost)


def test_nan_is_told_apart_from_padding() -> None:
    array = np.array([[[-1.0, -1.0, 0.0, 1.0, np.nan, np.inf]]])
    volume = Volume(array=array, padding=np.array([[-1.0, -1.0]]))
    told = measure(volume, 0.5)
    assert told.pixels_above_threshold == 1
    assert "2 of 6 pixels are padding" in told.warnings[0]
    assert "2 of 6 pixels are NaN or infinite" in told.warnings[1]
    named = Volume(array=array, metadata={"FloatPixelPaddingValue": "nan"})
    assert "padding: the Float Pixel Padding Value (0028,0122) is NaN" in measure(named).warnings[0]
    both = Volume(array=array, padding=np.array([[-1.0, -1.0]]), metadata={"DoubleFloatPixelPaddingValue": -1.0})
    assert "are padding (Double Float Pixel Padding Value (0028,0123))" in measure(both).warnings[0]
