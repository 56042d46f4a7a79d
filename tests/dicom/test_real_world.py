"""Real World Value Mapping: told of every stack that has one, used where it is asked for (PS3.3 C.7.6.16.2.11)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from typer.testing import CliRunner

import voxelry
from voxelry.cli import app
from voxelry.testing import SyntheticSeries, synthetic_series


def mapping(slope: float | None, unit: str = "mm2/s", label: str = "ADC") -> Dataset:
    item, code = Dataset(), Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = unit, "UCUM", "unit"
    item.MeasurementUnitsCodeSequence = Sequence([code])
    item.LUTLabel, item.LUTExplanation = label, label
    item.RealWorldValueFirstValueMapped, item.RealWorldValueLastValueMapped = 0, 4095
    if slope is None:
        item.RealWorldValueLUTData = [float(value) for value in range(4096)]
    else:
        item.RealWorldValueSlope, item.RealWorldValueIntercept = slope, -1.0
    return item


def series(folder: Path, *items: Dataset) -> SyntheticSeries:
    sequence = {"RealWorldValueMappingSequence": Sequence(items)}
    return synthetic_series(folder, modality="MR", rescale=(2.0, 5.0), slices=3, attributes=sequence)


def test_it_is_told_and_changes_nothing_unless_it_is_asked_for(tmp_path: Path) -> None:
    truth = series(tmp_path / "in", mapping(0.001), mapping(1.0, label="other"))
    (one,) = voxelry.index(tmp_path).series
    (told,) = [problem for problem in one.report.problems if problem.code == "real_world_values"]
    assert "stored x 0.001 + -1 mm2/s (ADC)" in told.message
    assert (told.numbers["slope"], told.numbers["unit"]) == (0.001, "mm2/s")
    np.testing.assert_array_equal(voxelry.load_volume(tmp_path).array, truth.array)
    asked = voxelry.load_volume(tmp_path, real_world=True)
    np.testing.assert_allclose(asked.array, truth.stored * 0.001 - 1.0)
    assert asked.unit == "mm2/s"
    assert any("real-world values by" in words and "1 more mappings" in words for words in asked.warnings)


def test_the_terminal_and_conversions_use_it_where_asked(tmp_path: Path) -> None:
    truth = series(tmp_path / "in", mapping(0.001))
    done = CliRunner().invoke(app, ["measure", str(tmp_path / "in"), "--real-world", "--json"])
    assert any("real-world values by" in words for words in json.loads(done.stdout)["measurements"][0]["warnings"])
    voxelry.convert(tmp_path / "in", tmp_path / "out.npz", real_world=True)
    with np.load(tmp_path / "out.npz") as file:
        np.testing.assert_allclose(file["array"], truth.stored * 0.001 - 1.0)


@pytest.mark.parametrize("items", [(), (mapping(None),)])
def test_where_there_is_no_line_modality_values_stand_and_it_is_told(tmp_path: Path, items: tuple[Dataset]) -> None:
    truth = series(tmp_path, *items)
    volume = voxelry.load_volume(tmp_path, real_world=True)
    np.testing.assert_array_equal(volume.array, truth.array)
    assert any("these are modality values" in words for words in volume.warnings)
