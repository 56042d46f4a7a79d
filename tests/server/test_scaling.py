"""Scaling that only some slices have is told on the site where the figures are, files by the names they had."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydicom import Dataset

from voxelry.testing import synthetic_series


def test_slices_of_two_scales_are_told_beside_picture_and_figure(site: Any, tmp_path: Path) -> None:
    def edit(index: int, dataset: Dataset) -> None:
        if index in (1, 4):
            del dataset.RescaleSlope

    truth = synthetic_series(tmp_path, slices=6, rescale=(2.0, -1024.0), edit=edit)
    (key,) = site.upload([*truth.paths])["series"]
    series, measured = site.get(f"/series/{key}"), site.get(f"/series/{key}/measure")
    for told in (series["volumes"][0]["warnings"], measured["warnings"]):
        assert any("missing or empty in 2 of 6 files" in words for words in told)
    assert any(problem["code"] == "scaling" for problem in series["report"]["problems"])
    assert str(tmp_path) not in str(measured["warnings"])
