"""Outlines hold exactly the pixels of their mask, by scikit-image's and our own rule, and their area."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import grid_points_in_poly

from voxelry.core.mask_outlines import Holes, outlines
from voxelry.core.polygons import signed_area


def inside(paths: list[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    """What lies inside an odd number of paths."""
    found = np.zeros(shape, np.bool_)
    for path in paths:
        found ^= grid_points_in_poly(shape, path)
    return found


@pytest.mark.parametrize("holes", ["keyhole", "xor"])
@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(1, 14), columns=st.integers(1, 14), full=st.floats(0.05, 0.95))
def test_outlines_hold_the_pixels_of_the_mask(holes: Holes, seed: int, rows: int, columns: int, full: float) -> None:
    mask = np.random.default_rng(seed).random((rows, columns)) < full
    paths = outlines(mask, holes=holes)
    np.testing.assert_array_equal(inside(paths, mask.shape), mask)
    assert sum(signed_area(path) for path in paths) == pytest.approx(-float(mask.sum())) or sum(
        signed_area(path) for path in paths
    ) == pytest.approx(float(mask.sum()))
    for path in paths:
        assert len(path) >= 4
        assert (np.abs(path % 1) == 0.5).all()


def test_nested_holes_and_islands() -> None:
    mask = np.zeros((21, 21), np.bool_)
    for number, edge in enumerate((1, 3, 6, 8)):
        mask[edge:-edge, edge:-edge] = number % 2 == 0
    assert len(outlines(mask)) == 2
    assert len(outlines(mask, holes="xor")) == 4
    np.testing.assert_array_equal(inside(outlines(mask), mask.shape), mask)


def test_pixels_that_meet_at_a_corner_are_two_paths() -> None:
    assert len(outlines(np.eye(2, dtype=np.bool_))) == 2


def test_nothing_has_no_outline() -> None:
    assert outlines(np.zeros((3, 3), np.bool_)) == []
    assert outlines(np.zeros((0, 3), np.bool_)) == []
