"""Scaling that only some slices have is told with the number of files: 2 of 6 are of another scale than the others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence
from typer.testing import CliRunner

import voxelry
from voxelry.cli import app
from voxelry.testing import synthetic_series

Edit = Callable[[Dataset], None]


def without(*keywords: str) -> Edit:
    def edit(dataset: Dataset) -> None:
        for keyword in keywords:
            dataset.pop(keyword, None)

    return edit


def empty(dataset: Dataset) -> None:
    dataset.RescaleSlope = None


def with_table(dataset: Dataset) -> None:
    item = Dataset()
    item.add_new(0x00283002, "US", [4, 0, 16])
    item.add_new(0x00283006, "US", [100, 200, 300, 400])
    item.ModalityLUTType = "US"
    dataset.ModalityLUTSequence = Sequence([item])


def series(folder: Path, rescale: tuple[float, float] | None, edit: Edit, *, odd: tuple[int, ...] = (1, 4)) -> Path:
    def change(index: int, dataset: Dataset) -> None:
        dataset.Modality, dataset.SOPClassUID = "MR", "1.2.840.10008.5.1.4.1.1.4"
        if index in odd:
            edit(dataset)

    pixels = np.full((6, 4, 5), 1064, np.uint16)
    synthetic_series(folder, slices=6, rows=4, columns=5, pixels=pixels, rescale=rescale, edit=change)
    return folder


def found(folder: Path) -> list[dict[str, object]]:
    (stack,) = voxelry.index(folder).series[0].stacks
    return [dict(problem.numbers) for problem in stack.problems if problem.code == "scaling"]


@pytest.mark.parametrize(
    ("rescale", "edit", "attributes"),
    [
        ((2.5, 0.0), without("RescaleSlope", "RescaleIntercept"), ["RescaleSlope"]),
        ((2.5, -7.0), without("RescaleSlope", "RescaleIntercept"), ["RescaleSlope", "RescaleIntercept"]),
        ((1.0, -1024.0), without("RescaleIntercept"), ["RescaleIntercept"]),
        ((2.0, -1024.0), without("RescaleSlope"), ["RescaleSlope"]),
        ((2.0, -1024.0), empty, ["RescaleSlope"]),
    ],
)
def test_a_scale_that_some_files_lack_is_told(
    tmp_path: Path, rescale: tuple[float, float], edit: Edit, attributes: list[str]
) -> None:
    folder = series(tmp_path, rescale, edit)
    assert found(folder) == [{"severity": "warning", "attributes": attributes, "without": 2, "of": 6}]
    for lazy in (False, True):
        (words,) = voxelry.load_volume(folder, lazy=lazy).warnings
        assert "missing or empty in 2 of 6 files" in words


def test_a_lookup_table_that_some_files_have_is_told(tmp_path: Path) -> None:
    few = found(series(tmp_path / "few", None, with_table))
    assert few == [{"severity": "warning", "attributes": ["ModalityLUTSequence"], "without": 4, "of": 6}]
    most = found(series(tmp_path / "most", (2.0, 0.0), with_table, odd=(0, 1, 2, 3, 4)))
    assert most == [{"severity": "warning", "attributes": ["ModalityLUTSequence"], "without": 1, "of": 6}]


@pytest.mark.parametrize("rescale", [(1.0, 0.0), None])
def test_what_changes_no_value_is_not_told(tmp_path: Path, rescale: tuple[float, float] | None) -> None:
    folder = series(tmp_path, rescale, without("RescaleSlope"))
    assert found(folder) == []


def test_slopes_that_differ_are_no_fault(tmp_path: Path) -> None:
    """PET has one for each slice."""

    def steeper(dataset: Dataset) -> None:
        dataset.RescaleSlope = "7.25"

    folder = series(tmp_path, (2.5, 0.0), steeper)
    assert found(folder) == []
    assert voxelry.load_volume(folder).array[:2, 0, 0].tolist() == [2660, 7714]


def test_the_terminal_tells_it_wherever_there_are_figures(tmp_path: Path) -> None:
    folder = series(tmp_path / "in", (2.5, 0.0), without("RescaleSlope"))
    for command in (["info", folder], ["measure", folder], ["convert", folder, tmp_path / "out"]):
        result = CliRunner().invoke(app, [str(word) for word in command])
        words = " ".join((result.output + result.stderr).split())
        assert "2 of 6 files" in words, command


def test_frames_of_one_enhanced_file_are_counted_as_frames(tmp_path: Path) -> None:
    def edit(_: int, dataset: Dataset) -> None:
        for index in (0, 3):
            del dataset.PerFrameFunctionalGroupsSequence[index].PixelValueTransformationSequence

    synthetic_series(tmp_path, slices=5, rescale=(2.0, 0.0), frames="enhanced", edit=edit)
    (problem,) = found(tmp_path)
    assert (problem["without"], problem["of"]) == (2, 5)
    assert "in 2 of 5 frames" in voxelry.load_volume(tmp_path).warnings[0]
