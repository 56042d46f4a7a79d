"""Positions decide: order, spacing, tilt and holes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from voxelry.core.affine import index_to_lps, lps_to_index, patient_axes
from voxelry.core.errors import GeometryError
from voxelry.core.slice_grid import check_orientation, fit_grid, make_affine, slice_normal, slice_offsets

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
coordinates = st.floats(-300, 300)
angles = st.floats(-np.pi, np.pi)
steps = st.floats(0.1, 20)


def rotated(a: float, b: float, c: float) -> tuple[float, ...]:
    """Row and column cosines of any orientation."""
    about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    about_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    turn = about_z @ about_y @ about_x
    return (*turn[:, 0].tolist(), *turn[:, 1].tolist())


orientations = st.builds(rotated, angles, angles, angles)
affines = st.builds(
    lambda cosines, place, s, r, c: make_affine(place, cosines, s * slice_normal(cosines), (r, c)),
    orientations,
    st.tuples(coordinates, coordinates, coordinates),
    steps,
    steps,
    steps,
)


@given(affines, st.tuples(coordinates, coordinates, coordinates))
def test_index_to_lps_and_back_is_the_identity(
    affine: npt.NDArray[np.float64], index: tuple[float, float, float]
) -> None:
    np.testing.assert_allclose(lps_to_index(affine, index_to_lps(affine, index)), index, atol=1e-6)


@given(orientations, st.lists(st.integers(-50, 50), min_size=2, max_size=12, unique=True), steps)
def test_offsets_are_the_distances_along_the_normal(cosines: tuple[float, ...], places: list[int], step: float) -> None:
    positions = np.outer(np.array(places) * step, slice_normal(cosines))
    np.testing.assert_allclose(slice_offsets(positions, cosines), np.array(places) * step, atol=1e-9)


@given(orientations, st.integers(2, 40), steps)
def test_even_positions_give_their_step_exactly(cosines: tuple[float, ...], count: int, step: float) -> None:
    grid = fit_grid(np.outer(np.arange(count) * step, slice_normal(cosines)), cosines)
    assert grid.spacing == pytest.approx(step, rel=1e-12)
    assert grid.deviation < 1e-9
    assert grid.tilt == pytest.approx(0, abs=1e-5)


@given(st.floats(1, 40), st.integers(3, 30))
def test_a_tilt_is_measured_and_spacing_is_along_the_normal(degrees: float, count: int) -> None:
    table = 2.5
    step = table * np.array([0, np.sin(np.radians(degrees)), np.cos(np.radians(degrees))])
    grid = fit_grid(np.outer(np.arange(count), step), AXIAL)
    assert grid.tilt == pytest.approx(degrees)
    assert grid.spacing == pytest.approx(table * np.cos(np.radians(degrees)))
    assert grid.length == pytest.approx(table)
    affine = make_affine((0, 0, 0), AXIAL, grid.step, (0.7, 0.6))
    assert abs(np.linalg.det(affine)) == pytest.approx(grid.spacing * 0.7 * 0.6)


def placed(*offsets: float) -> list[tuple[float, float, float]]:
    return [(0.0, 0.0, offset) for offset in offsets]


def test_a_missing_slice_is_named_with_its_place() -> None:
    with pytest.raises(GeometryError, match=r"1 slice missing: .* 5\.000 mm apart.* between 10\.00 and 20\.00 mm"):
        fit_grid(placed(0, 5, 10, 20, 25), AXIAL)


def test_uneven_spacing_is_named_with_its_runs() -> None:
    with pytest.raises(GeometryError, match=r"uneven .* 2 gaps of 5\.000 mm from 0\.00 mm, 2 gaps of 7\.000 mm from"):
        fit_grid(placed(0, 5, 10, 17, 24), AXIAL)


def test_repeated_positions_are_no_grid() -> None:
    with pytest.raises(GeometryError, match="2 slices share a position"):
        fit_grid(placed(0, 5, 5, 10), AXIAL)


def test_slices_shifted_sideways_are_no_grid() -> None:
    with pytest.raises(GeometryError, match="shifted sideways"):
        fit_grid([(0, 0, 0), (3, 0, 5), (0, 0, 10)], AXIAL)


@pytest.mark.parametrize(("off", "regular"), [(0.019, True), (0.021, False)])
def test_two_percent_of_the_step_is_the_limit(off: float, regular: bool) -> None:
    positions = placed(0, 10 + 10 * off, 20, 30)
    if regular:
        assert fit_grid(positions, AXIAL).deviation == pytest.approx(off)
    else:
        with pytest.raises(GeometryError):
            fit_grid(positions, AXIAL)


@pytest.mark.parametrize(
    "cosines", [(1, 0, 0, 1, 0, 0), (1, 0, 0, 0, 2, 0), (0, 0, 0, 0, 0, 0), (1, 0, 0), (float("nan"), 0, 0, 0, 1, 0)]
)
def test_directions_that_are_none_are_refused(cosines: tuple[float, ...]) -> None:
    with pytest.raises(GeometryError, match=r"\(0020,0037\)"):
        check_orientation(cosines)


@given(affines)
def test_every_patient_axis_has_an_index_axis_of_its_own(affine: npt.NDArray[np.float64]) -> None:
    axes, signs = patient_axes(affine)
    assert sorted(axes) == [0, 1, 2]
    for patient, (index, sign) in enumerate(zip(axes, signs, strict=True)):
        assume(abs(affine[patient, index]) > 1e-9)
        assert np.sign(affine[patient, index]) == sign
