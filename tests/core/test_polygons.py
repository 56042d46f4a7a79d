"""Polygons against an oracle in exact fractions, scikit-image and formulas."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import grid_points_in_poly

from voxelry.core.polygons import cleaned, covered, meetings, region_area, sides_of, signed_area

SHAPE = (13, 17)
Point = tuple[Fraction, Fraction]


def exactly(polygon: list[Point], at: Point) -> int:
    """1 inside, 0 on the line, -1 outside, by the even-odd rule, in fractions."""
    y, x = at
    odd = False
    for (y0, x0), (y1, x1) in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        cross = (y1 - y0) * (x - x0) - (x1 - x0) * (y - y0)
        if cross == 0 and min(y0, y1) <= y <= max(y0, y1) and min(x0, x1) <= x <= max(x0, x1):
            return 0
        if (y0 <= y) != (y1 <= y) and x < x0 + (x1 - x0) * (y - y0) / (y1 - y0):
            odd = not odd
    return 1 if odd else -1


def exact_masks(points: list[tuple[float, float]]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    polygon = [(Fraction(y), Fraction(x)) for y, x in points]
    sides = np.array([[exactly(polygon, (Fraction(r), Fraction(c))) for c in range(SHAPE[1])] for r in range(SHAPE[0])])
    return sides >= 0, sides == 0


eighths = st.integers(-24, 160).map(lambda number: number / 8)
halves = st.integers(-4, 36).map(lambda number: number / 2)
polygons = st.one_of(
    st.lists(st.tuples(eighths, eighths), min_size=3, max_size=12),
    st.lists(st.tuples(halves, halves), min_size=3, max_size=12),  # often on the line, often twice at one point
)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(polygons)
def test_pixels_are_those_that_exact_arithmetic_finds(points: list[tuple[float, float]]) -> None:
    inside, on = covered(np.array(points), SHAPE)
    wanted_inside, wanted_on = exact_masks(points)
    np.testing.assert_array_equal(on, wanted_on)
    np.testing.assert_array_equal(inside, wanted_inside)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(polygons, st.integers(0, 11), st.booleans())
def test_where_a_polygon_begins_and_which_way_it_goes_changes_nothing(
    points: list[tuple[float, float]], start: int, backwards: bool
) -> None:
    turned = np.roll(np.array(points), start, axis=0)[:: -1 if backwards else 1]
    for one, two in zip(covered(np.array(points), SHAPE), covered(turned, SHAPE), strict=True):
        np.testing.assert_array_equal(one, two)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.floats(-5, 20), st.floats(-5, 20)), min_size=3, max_size=20))
def test_any_floats_give_what_scikit_image_gives_but_on_the_line(points: list[tuple[float, float]]) -> None:
    inside, on = covered(np.array(points), SHAPE)
    judge = np.asarray(grid_points_in_poly(SHAPE, np.array(points)))
    sides = sides_of(np.argwhere(np.ones(SHAPE)).astype(float), np.array(points)).reshape(SHAPE)
    clear = (sides != 0) & ~on
    np.testing.assert_array_equal(inside[clear], judge[clear])
    np.testing.assert_array_equal(inside[clear], sides[clear] > 0)


def test_a_polygon_beyond_the_pixels_covers_all_of_them() -> None:
    far = np.array([[-1e12, -1e12], [-1e12, 1e12], [1e12, 1e12], [1e12, -1e12]])
    inside, on = covered(far, SHAPE)
    assert inside.all()
    assert not on.any()
    assert not covered(far + 3e12, SHAPE)[0].any()


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(polygons)
def test_areas_are_those_of_exact_bands(points: list[tuple[float, float]]) -> None:
    polygon = cleaned(np.array(points))
    if len(polygon) < 3:
        return
    met = meetings([polygon])
    area = region_area([polygon], lambda within: within[0], met.heights)
    assert area == pytest.approx(_exact_area([(Fraction(y), Fraction(x)) for y, x in polygon.tolist()]), abs=1e-6)
    if not met.crossing and not met.touching:
        assert area == pytest.approx(abs(signed_area(polygon)), abs=1e-9)


def _exact_area(polygon: list[Point]) -> float:
    """By the even-odd rule: bands between all heights at which edges end or cross, in fractions."""
    edges = [(*one, *two) for one, two in zip(polygon, [*polygon[1:], polygon[0]], strict=True)]
    heights = {y for y, _ in polygon}
    for number, (y0, x0, y1, x1) in enumerate(edges):
        for v0, u0, v1, u1 in edges[:number]:
            across = (y1 - y0) * (u1 - u0) - (x1 - x0) * (v1 - v0)
            if across:
                part = ((v0 - y0) * (u1 - u0) - (u0 - x0) * (v1 - v0)) / across
                heights.add(y0 + part * (y1 - y0))
    ordered, total = sorted(heights), Fraction(0)
    for low, high in pairwise(ordered):
        middle = (low + high) / 2
        at = sorted(
            x0 + (middle - y0) / (y1 - y0) * (x1 - x0) for y0, x0, y1, x1 in edges if (y0 <= middle) != (y1 <= middle)
        )
        total += (high - low) * sum(b - a for a, b in zip(at[::2], at[1::2], strict=True))
    return float(total)


@pytest.mark.parametrize("points", [36, 500])
def test_ellipses_have_the_area_of_their_polygon(points: int) -> None:
    angles = np.arange(points) * 2 * np.pi / points
    ellipse = np.stack([200 + 60 * np.sin(angles), 300 + 90 * np.cos(angles)], axis=1)
    area = points / 2 * math.sin(2 * math.pi / points) * 60 * 90
    assert signed_area(ellipse) == pytest.approx(-area)
    assert signed_area(ellipse[::-1]) == pytest.approx(area)
    inside, _ = covered(ellipse, (512, 512))
    assert abs(int(inside.sum()) - area) < 0.003 * area


def test_a_keyhole_leaves_its_hole_outside_and_its_lines_inside() -> None:
    outer = [(1, 1), (1, 11), (11, 11), (11, 1)]
    inner = [(4, 4), (8, 4), (8, 8), (4, 8)]
    for hole in (inner, [inner[0], *inner[:0:-1]]):  # whichever way the hole is gone around
        keyhole = np.array([*outer, outer[0], *hole, inner[0]], float)
        inside, on = covered(cleaned(keyhole), SHAPE)
        assert int(inside.sum()) == 11 * 11 - 3 * 3
        assert on[2, 2]
        assert inside[2, 2]  # the channel
        assert not inside[6, 6]
        assert inside[4, 6]  # the hole's line
        met = meetings([cleaned(keyhole)])
        assert not met.crossing
        assert met.touching
        assert region_area([keyhole], lambda within: within[0], met.heights) == pytest.approx(100 - 16)


def test_a_bow_tie_crosses_itself_and_has_the_area_of_both_halves() -> None:
    tie = np.array([[0, 0], [10, 10], [10, 0], [0, 10]], float)
    met = meetings([tie])
    assert met.crossing == {(0, 0)}
    assert signed_area(tie) == 0
    assert region_area([tie], lambda within: within[0], met.heights) == pytest.approx(50)


def test_polygons_that_cross_touch_or_stand_apart_are_told() -> None:
    square = np.array([[0, 0], [0, 4], [4, 4], [4, 0]], float)
    met = meetings([square, square + 2, square + np.array([0, 4]), square + 20, square / 4 + 1])
    assert met.crossing == {(0, 1), (1, 2)}
    assert met.touching == {(0, 2), (1, 4)}
    assert region_area([square, square + 2], lambda within: within[0] | within[1], met.heights) == pytest.approx(28)
    assert region_area([square, square + 2], lambda within: within[0] ^ within[1], met.heights) == pytest.approx(24)


def test_repeated_points_are_taken_out() -> None:
    points = np.array([[0, 0], [0, 0], [0, 4], [4, 4], [4, 4], [0, 0]], float)
    np.testing.assert_array_equal(cleaned(points), [[0, 0], [0, 4], [4, 4]])
    assert len(cleaned(np.zeros((4, 2)))) == 1
