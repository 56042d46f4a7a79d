"""Windows are the standard's formulae; faster ways give the same grey levels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from voxelry.core.display import default_window
from voxelry.core.errors import ParameterError
from voxelry.core.intensity import Window, WindowFunction, span_window, to_display
from voxelry.core.volume import Volume

windows = st.builds(
    Window,
    st.floats(-2000, 2000),
    st.floats(1, 4000),
    st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]),
)


@given(windows, hnp.arrays(np.int16, st.integers(2, 300)))
def test_windowing_is_monotone_and_integers_may_go_by_table(window: Window, values: np.ndarray) -> None:
    shown = to_display(values, window)
    assert (np.diff(shown[np.argsort(values, kind="stable")].astype(int)) >= 0).all()
    np.testing.assert_array_equal(shown, to_display(values.astype(np.float64), window))
    # Many pixels of few values take the way by a table.
    np.testing.assert_array_equal(to_display(np.tile(values, 300), window), np.tile(shown, 300))
    np.testing.assert_array_equal(to_display(values, window, invert=True), 255 - shown)


EVERY = {kind: np.arange(np.iinfo(kind).min, np.iinfo(kind).max + 1).astype(kind) for kind in ("i2", "u2", "i1", "u1")}


@given(
    st.one_of(
        windows,
        # what headers and people choose: whole and half numbers, where grey levels lie exactly between two
        st.builds(
            Window,
            st.integers(-4000, 66_000).map(lambda half: half / 2),
            st.integers(1, 66_000),
            st.sampled_from(["LINEAR", "LINEAR_EXACT"]),
        ),
    ),
    st.sampled_from(sorted(EVERY)),
    st.booleans(),
)
def test_every_whole_number_is_shown_as_the_definition_says(window: Window, kind: str, invert: bool) -> None:
    values = EVERY[kind]
    if values.size < 65_536:
        values = np.tile(values, 20)
    expected = definition(values, window)
    shown = to_display(values.reshape(-1, 128), window, invert=invert).ravel()
    np.testing.assert_array_equal(shown, 255 - expected if invert else expected)
    turned = to_display(values.astype(f">{kind}").reshape(128, -1).T[::-1], window)
    np.testing.assert_array_equal(turned, expected.reshape(128, -1).T[::-1])


def definition(values: np.ndarray, window: Window) -> np.ndarray:
    """PS3.3 C.11.2.1.2 and C.11.2.1.3 word by word, in float64; output 0 to 255."""
    x, c, w = values.astype(np.float64), window.center, window.width
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        if window.function == "SIGMOID":
            y = 255 / (1 + np.exp(-4 * (x - c) / w))
        elif window.function == "LINEAR_EXACT":
            y = np.where(x <= c - w / 2, 0, np.where(x > c + w / 2, 255, ((x - c) / w + 0.5) * 255))
        else:
            inside = ((x - (c - 0.5)) / (w - 1) + 0.5) * 255
            y = np.where(x <= c - 0.5 - (w - 1) / 2, 0, np.where(x > c - 0.5 + (w - 1) / 2, 255, inside))
    return np.rint(y).astype(np.uint8)


def test_wide_integers_take_a_table_of_their_range() -> None:
    values = np.random.default_rng(7).integers(-3000, 3000, (100, 200))
    for kind, start in (("i4", 0), ("i8", -(2**40)), ("u4", 2**31), ("u8", 2**40)):
        wide = (values + (3000 if kind[0] == "u" else 0)).astype(kind) + np.array(start).astype(kind)
        window = Window(float(wide.mean()), 2500)
        np.testing.assert_array_equal(to_display(wide, window), definition(wide, window))


@pytest.mark.parametrize(
    ("window", "values", "shown"),
    [
        # PS3.3 C.11.2.1.2.1: for center 2048 and width 4096, 0 is black and 4095 white
        (Window(2048, 4096), [-1, 0, 4095, 5000], [0, 0, 255, 255]),
        (Window(2048, 1), [2047, 2048], [0, 255]),
        (Window(0, 100, "LINEAR_EXACT"), [-50, 0, 50], [0, 128, 255]),
        (Window(0, 100, "SIGMOID"), [-10_000, 0, 10_000], [0, 128, 255]),
    ],
)
def test_the_standards_examples(window: Window, values: list[int], shown: list[int]) -> None:
    assert to_display(np.array(values), window).tolist() == shown


def test_no_number_is_black() -> None:
    assert to_display(np.array([np.nan, np.inf, -np.inf]), Window(0, 10)).tolist() == [0, 255, 0]


@pytest.mark.parametrize(("width", "function"), [(0.5, "LINEAR"), (0, "LINEAR_EXACT"), (-1, "SIGMOID")])
def test_a_width_that_is_none_is_refused(width: float, function: WindowFunction) -> None:
    with pytest.raises(ParameterError, match="width"):
        Window(0, width, function)


def test_the_headers_window_comes_first_then_the_range_without_outliers_and_padding() -> None:
    header = Window(40, 400)
    array = np.concatenate([np.full(500, -2000), np.arange(1000), [30_000]]).astype(np.int16).reshape(1, 1, -1)
    assert default_window(Volume(array=array, windows=(header,))) == header
    guessed = default_window(Volume(array=array, padding=np.array([[-2000.0, -2000.0]])))
    low, high = guessed.center - guessed.width / 2, guessed.center + guessed.width / 2
    assert 0 <= low < 20
    assert 980 < high < 1000


def test_a_constant_volume_has_a_window() -> None:
    window = default_window(Volume(array=np.full((1, 2, 2), 5, np.int16)))
    assert (window.center, window.width) == (5, 1)
    assert span_window(2, 4) == Window(3, 2, "LINEAR_EXACT")
