"""Several volumes of one series are named in the terminal: in tables and in JSON, by one name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.uid import UID
from typer.testing import CliRunner

from voxelry.cli import app
from voxelry.testing import synthetic_series

PLANES = {"axial": (1, 0, 0, 0, 1, 0), "coronal": (1, 0, 0, 0, 0, -1)}


@pytest.mark.parametrize("command", ["measure", "info", "demo"])
def test_volumes_of_one_series_have_names(tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for seed, (name, orientation) in enumerate(PLANES.items()):

        def edit(_: int, dataset: Dataset) -> None:
            dataset.SeriesInstanceUID, dataset.StudyInstanceUID = UID("2.25.1"), UID("2.25.2")
            dataset.FrameOfReferenceUID = UID("2.25.3")

        synthetic_series(Path("in") / name, slices=3, seed=seed, orientation=orientation, edit=edit)
    table = CliRunner().invoke(app, [command, "in"])
    record = json.loads(CliRunner().invoke(app, [command, "in", "--json"]).stdout)
    found = {
        "measure": lambda: record["measurements"],
        "info": lambda: record["studies"][0]["series"][0]["stacks"],
        "demo": lambda: record["volumes"],
    }[command]()
    assert sorted(one["label"] for one in found) == ["axial", "coronal"]
    assert "axial" in table.stdout
    assert "coronal" in table.stdout


def test_a_volume_alone_has_none(tmp_path: Path) -> None:
    synthetic_series(tmp_path, slices=3)
    (measured,) = json.loads(CliRunner().invoke(app, ["measure", str(tmp_path), "--json"]).stdout)["measurements"]
    assert "label" not in measured
