"""A setting that a few slices of one stack have otherwise is told; one that follows each slice is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset

import voxelry
from voxelry.testing import synthetic_series


def of_settings(folder: Path, keyword: str, value: Callable[[int], Any], *, modality: str) -> voxelry.Volume:
    def edit(number: int, dataset: Dataset) -> None:
        setattr(dataset, keyword, value(number))

    synthetic_series(folder, slices=8, rows=4, columns=5, modality=modality, edit=edit)
    return voxelry.load_volume(folder)


@pytest.mark.parametrize(
    ("modality", "keyword", "usual", "other", "said"),
    [
        ("CT", "KVP", "120", "80", "KVP (0018,0060) differs within the stack: 120 in 5, 80 in 3 of 8 slices"),
        ("CT", "ConvolutionKernel", "B30f", "B70f", "B30f in 7, B70f in 1 of 8 slices"),
        ("MR", "EchoTime", "4.6", "9.2", "4.6 in 5, 9.2 in 3 of 8 slices"),
        ("MR", "FlipAngle", "5", "", "5 in 5, none in 3 of 8 slices"),
        ("MR", "ImageType", ["ORIGINAL", "PRIMARY", "M"], ["ORIGINAL", "PRIMARY", "P"], r"ORIGINAL\PRIMARY\P in 3"),
    ],
)
def test_slices_of_another_setting_are_told(
    tmp_path: Path, modality: str, keyword: str, usual: Any, other: Any, said: str
) -> None:
    odd = (2,) if keyword == "ConvolutionKernel" else (5, 6, 7)  # several of another kernel are a volume of their own
    volume = of_settings(tmp_path, keyword, lambda number: other if number in odd else usual, modality=modality)
    assert volume.array.shape == (8, 4, 5)
    [warning] = volume.warnings
    assert said in warning


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("RepetitionTime", lambda number: 900 + 10 * number),  # each slice's own heartbeat
        ("EchoTime", lambda number: "4.6" if number % 2 else "4.60"),  # one number
        ("EchoTime", lambda number: "4.6" if number < 4 else "4.61"),  # nearly one
        ("SequenceName", lambda number: f"name {number // 4}"),
    ],
)
def test_what_follows_each_slice_or_is_one_setting_is_no_warning(
    tmp_path: Path, keyword: str, value: Callable[[int], Any]
) -> None:
    assert of_settings(tmp_path, keyword, value, modality="MR").warnings == ()
