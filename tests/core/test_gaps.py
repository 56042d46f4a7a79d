"""What is wrong with a row of positions is named with its places, and never mistaken for something else."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxelry.core.errors import (
    GeometryError,
    MissingSlicesError,
    NearDuplicatePositionsError,
    ParameterError,
    RepeatedPositionsError,
    ShiftedSlicesError,
    UnevenSpacingError,
)
from voxelry.core.gaps import places_of
from voxelry.core.slice_grid import Grid, Tolerances, fit_grid
from voxelry.testing import AXIAL

steps = st.floats(0.3, 12)


def placed(offsets: npt.ArrayLike) -> npt.NDArray[np.float64]:
    along = np.asarray(offsets, np.float64)
    return np.stack([np.zeros_like(along), np.zeros_like(along), along], axis=1)


def error_of(offsets: npt.ArrayLike, **tolerances: float) -> GeometryError:
    with pytest.raises(GeometryError) as caught:
        fit_grid(placed(offsets), AXIAL, tolerances=Tolerances(**tolerances))
    return caught.value


@given(steps, st.integers(4, 60), st.data())
def test_removed_slices_are_always_named(step: float, count: int, data: st.DataObject) -> None:
    most = max(1, (count - 2) // 3)
    gone = data.draw(st.sets(st.integers(1, count - 2), min_size=1, max_size=most), label="gone")
    kept = [k for k in range(count) if k not in gone]
    if sum(k + 1 in kept for k in kept) * 2 <= len(kept):  # most neighbours are gone: the usual step is another
        return
    error = error_of(np.array(kept) * step)
    assert isinstance(error, MissingSlicesError)
    assert error.numbers["count"] == len(gone)
    assert error.numbers["spacing_mm"] == pytest.approx(step, abs=1e-5)
    holes = np.array(error.numbers["gaps_mm"])
    named = {k for k in range(count) for low, high in holes if low + 1e-4 < k * step < high - 1e-4}
    assert named == gone
    assert str(error).startswith(f"{len(gone)} slice{'s' * (len(gone) > 1)} missing: ")


@given(steps, st.integers(5, 40), st.integers(0, 10**6), st.floats(0, 0.009))
def test_jitter_below_the_tolerance_is_regular(step: float, count: int, seed: int, jitter: float) -> None:
    off = np.random.default_rng(seed).uniform(-1, 1, count) * jitter * step
    grid = fit_grid(placed(np.arange(count) * step + off), AXIAL)
    assert isinstance(grid, Grid)
    assert grid.deviation <= 0.02
    assert grid.spacing == pytest.approx(step, rel=0.01)


@given(steps, st.integers(5, 40), st.floats(0.05, 0.4), st.data())
def test_jitter_above_the_tolerance_is_uneven_spacing(
    step: float, count: int, jitter: float, data: st.DataObject
) -> None:
    offsets = np.arange(count) * step
    moved = data.draw(st.integers(1, count - 2))
    offsets[moved] += jitter * step
    error = error_of(offsets)
    assert isinstance(error, UnevenSpacingError)
    runs = error.numbers["runs"]
    assert isinstance(runs, list)
    assert sum(run["count"] for run in runs) == count - 1  # type: ignore[index,call-overload,misc]
    assert error.numbers["largest_mm"] == pytest.approx((1 + jitter) * step, abs=1e-5)


@given(steps, st.integers(4, 40), st.floats(0.005, 0.09), st.data())
def test_a_slice_almost_at_the_place_of_another_is_named(
    step: float, count: int, fraction: float, data: st.DataObject
) -> None:
    twin = data.draw(st.integers(0, count - 1))
    offsets = np.sort(np.append(np.arange(count) * step, twin * step + fraction * step))
    error = error_of(offsets)
    assert isinstance(error, NearDuplicatePositionsError)
    np.testing.assert_allclose(
        np.array(error.numbers["positions_mm"]), [[twin * step, (twin + fraction) * step]], atol=1e-5
    )
    assert error.numbers["count"] == 1


def test_every_slice_twice_with_a_shift_is_no_row_of_holes() -> None:
    offsets = np.sort(np.concatenate([np.arange(6) * 3.0, np.arange(6) * 3.0 + 0.05]))
    error = error_of(offsets)
    assert isinstance(error, NearDuplicatePositionsError)
    assert error.numbers["count"] == 6
    assert "0.05 mm or less apart where 2.950 mm are usual" in str(error)


def test_slices_beside_a_large_hole_are_no_near_duplicates() -> None:
    assert isinstance(error_of([0, 5, 10, 15, 120]), MissingSlicesError)
    assert isinstance(error_of([0, 5, 10, 15, 3000]), UnevenSpacingError)


def test_slices_at_one_position_are_named() -> None:
    error = error_of([0, 5, 5, 10])
    assert isinstance(error, RepeatedPositionsError)
    assert error.numbers == {"positions_mm": [5.0], "identical": False, "count": 2}


def test_a_sideways_shift_has_its_own_code() -> None:
    places = placed([0, 5, 10])
    places[1, 0] = 1.0
    with pytest.raises(ShiftedSlicesError) as caught:
        fit_grid(places, AXIAL)
    assert caught.value.numbers["deviation_mm"] == pytest.approx(1.0)


def test_tolerances_are_arguments() -> None:
    jittered = placed([0, 5, 10.3, 15])
    with pytest.raises(UnevenSpacingError):
        fit_grid(jittered, AXIAL)
    assert fit_grid(jittered, AXIAL, tolerances=Tolerances(irregular=0.1)).deviation == pytest.approx(0.06)
    assert isinstance(error_of([0, 5, 10, 15.4], irregular=1e-4), UnevenSpacingError)
    assert isinstance(error_of([0, 0.05, 5, 10], same_position=0.1), RepeatedPositionsError)
    assert not isinstance(error_of([0, 0.4, 5, 10, 15], near=0.01), NearDuplicatePositionsError)


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
def test_a_tolerance_that_is_none_is_refused(value: float) -> None:
    with pytest.raises(ParameterError, match="the tolerance irregular"):
        Tolerances(irregular=value)


def test_slices_closer_than_the_limit_share_a_place() -> None:
    firsts, numbers = places_of(np.array([6.0, 0.0, 3.0005, 3.0, 0.0]), same=0.01)
    assert firsts.tolist() == [1, 3, 0]
    assert numbers.tolist() == [2, 0, 1, 1, 0]
