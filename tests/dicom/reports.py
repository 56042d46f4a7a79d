"""What the tests of geometry reports share: asking for one, and for one finding of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from pydicom.dataset import Dataset

import voxelry
from voxelry import GeometryReport, Problem, Series, Tolerances
from voxelry.core.slice_grid import DEFAULT_TOLERANCES
from voxelry.testing import SECRETS

Edit = Callable[[int, Dataset], None]


def series_at(folder: Path, tolerances: Tolerances = DEFAULT_TOLERANCES) -> Series:
    (found,) = voxelry.index(folder, tolerances=tolerances).series
    return found


def report_at(folder: Path, tolerances: Tolerances = DEFAULT_TOLERANCES) -> GeometryReport:
    report = series_at(folder, tolerances).report
    record = json.loads(json.dumps(report.record, allow_nan=False))
    assert record["regular"] == report.regular
    assert record["summary"] == report.words == str(report)
    for problem in record["problems"]:
        assert problem["code"]
        assert problem["message"]
        assert problem["severity"] in ("error", "warning", "note")
        assert (problem["stack"] is None) or problem["stack"] == problem["stacks"][0]
    assert not any(secret in json.dumps(record) for secret in SECRETS)
    return report


def found(report: GeometryReport, code: str) -> Problem:
    (problem,) = [problem for problem in report.problems if problem.code == code]
    return problem


def without(*keywords: str) -> Edit:
    def edit(_: int, dataset: Dataset) -> None:
        for keyword in keywords:
            if keyword in dataset:
                del dataset[keyword]

    return edit


untimed = without("AcquisitionTime", "ContentTime", "AcquisitionDateTime", "AcquisitionNumber")
