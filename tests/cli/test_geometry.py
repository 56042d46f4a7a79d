"""The terminal says how series lie, and makes of irregular ones what it is asked to."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner, Result

import voxelry
from voxelry.cli import app
from voxelry.testing import synthetic_report, synthetic_series, write

runner = CliRunner(env={"COLUMNS": "200", "TERM": "dumb"})


def call(*arguments: str | Path) -> Result:
    return runner.invoke(app, [str(argument) for argument in arguments])


def test_info_says_the_report_of_every_series(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "a", seed=1, shear=(0.0, 1.0, 0.0))
    synthetic_series(tmp_path / "b", seed=2, offsets=(0, 3, 6, 12, 15))
    write(synthetic_report(seed=3), tmp_path / "report.dcm")
    shown = call("info", tmp_path).stdout
    record = json.loads(call("info", tmp_path, "--json").stdout)
    reports = [series["report"] for study in record["studies"] for series in study["series"]]
    assert reports == [series.report.record for series in voxelry.index(tmp_path).series]
    for report in reports:
        assert report["summary"] in shown
        assert all(problem["message"] in shown for problem in report["problems"])
    assert "warning: tilted stack" in shown


def test_many_time_points_are_one_row(tmp_path: Path) -> None:
    offsets = tuple(3.0 * (k % 2) for k in range(12))
    synthetic_series(
        tmp_path, slices=12, offsets=offsets, edit=lambda k, d: setattr(d, "TemporalPositionIdentifier", k // 2 + 1)
    )
    shown = call("info", tmp_path).stdout
    assert "6 of 2×16×20" in shown
    assert "TemporalPositionIdentifier 1 to 6" in shown


def test_irregular_slices_are_measured_and_written_as_asked(tmp_path: Path) -> None:
    series = tmp_path / "series"
    synthetic_series(series, offsets=(0, 3, 6, 12, 15))
    assert call("measure", series).exit_code == 1
    for choice, shapes in (("split", [3, 2]), ("resample", [6])):
        measured = json.loads(call("measure", series, "--on-irregular", choice, "--json").stdout)["measurements"]
        assert [one["pixels_total"] for one in measured] == [320 * slices for slices in shapes]
        out = tmp_path / choice
        assert call("convert", series, out, "--on-irregular", choice).exit_code == 0
        assert sum(1 for _ in out.rglob("*.png")) == sum(shapes)
    assert call("measure", series, "--on-irregular", "guess").exit_code == 2
