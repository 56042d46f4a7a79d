"""Slices that do not fit: spoilt ones are found, even ones are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import voxelry
from voxelry.core.volume import Volume
from voxelry.steps.outliers import STEP
from voxelry.testing.steps import StepTests
from voxelry.testing.volumes import placed


class TestOutliers(StepTests):
    step = STEP
    examples = ({}, {"limit": 3.0, "neighbours": 4})


def even(slices: int = 24, seed: int = 0) -> npt.NDArray[np.int16]:
    """A body that grows and shrinks slowly from slice to slice, with noise."""
    y, x = np.meshgrid(np.linspace(-1, 1, 48), np.linspace(-1, 1, 48), indexing="ij")
    radii = 0.6 + 0.25 * np.sin(np.linspace(0, 3, slices))
    inside = np.hypot(x, y)[None] < radii[:, None, None]
    return (np.where(inside, 60, -900) + np.random.default_rng(seed).normal(0, 20, inside.shape)).astype(np.int16)


def outliers(volume: Volume, **params: object) -> list[object]:
    return [row["slice"] for row in STEP.run(volume, params).rows if row["outlier"]]


@pytest.mark.parametrize("seed", range(3))
def test_an_even_series_has_none(seed: int) -> None:
    assert outliers(placed(even(seed=seed))) == []


@pytest.mark.parametrize("where", [0, 7, 23])
def test_a_spoilt_slice_is_found(where: int) -> None:
    dark, noisy, other = even(), even(), even()
    dark[where] = -900 + (dark[where] + 900) // 4
    noisy[where] += np.random.default_rng(1).normal(0, 900, (48, 48)).astype(np.int16)
    other[where] = np.roll(other[where], 20, axis=1)[::-1]
    for array in (dark, noisy, other):
        result = STEP.run(placed(array), {})
        assert [row["slice"] for row in result.rows if row["outlier"]] == [where]
        assert f"do not fit their neighbours: {where}" in " ".join(result.warnings)


def test_padding_is_no_value() -> None:
    array = even()
    padding = np.full((len(array), 2), -2000.0)
    array[5, :20] = -2000
    assert outliers(placed(array, padding=padding)) == []
    array[9] = -2000
    result = STEP.run(placed(array, padding=padding), {})
    assert "slice 9 is nothing but padding" in result.warnings
    assert result.rows[9]["mean"] is None


def test_few_slices_and_constant_ones_are_no_outliers() -> None:
    assert "too few" in STEP.run(placed(even(3)), {}).warnings[0]
    assert outliers(placed(np.full((9, 4, 4), 7, np.int16))) == []


def test_a_real_series_has_none(corpus: Path) -> None:
    assert outliers(voxelry.load_volume(corpus / "ct_lung_bases")) == []
