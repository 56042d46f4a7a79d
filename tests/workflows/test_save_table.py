"""Tables of tags as files: typed, nested or flat, private attributes named."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pydicom.data
import pytest
from pyarrow import parquet
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

import voxelry
from voxelry.core.errors import ParameterError
from voxelry.testing import synthetic_series
from voxelry.workflows.tables.save_table import save_table


def edit(index: int, dataset: Dataset) -> None:
    item = Dataset()
    item.ScheduledProcedureStepID = f"step {index}"
    code = Dataset()
    code.CodeValue = "T-1"
    item.RequestedProcedureCodeSequence = Sequence([code])
    dataset.RequestAttributesSequence = Sequence([item] * (1 + index % 2))
    block = dataset.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    block.add_new(0x0C, "IS", str(100 * index))
    other = dataset.private_block(0x0021, "VOXELRY TEST", create=True)
    other.add_new(0x01, "DS", "0.1234567890123")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    synthetic_series(tmp_path / "in", edit=edit)
    return tmp_path / "in"


def saved(folder: Path, path: Path, *, flatten: bool = False) -> Path:
    save_table(voxelry.tabulate(folder), path, flatten=flatten)
    return path


def test_json_holds_values_as_they_are(folder: Path, tmp_path: Path) -> None:
    rows = json.loads(saved(folder, tmp_path / "a.json").read_text("utf-8"))
    assert len(rows) == 5
    first = next(row for row in rows if row["InstanceNumber"] == 1)
    assert first["PixelSpacing"] == [0.8, 0.7]
    assert first["(0021,1001)"] == 0.1234567890123
    assert first["(0019,100C) B_value"] == 0
    assert first["RequestAttributesSequence"] == [
        {"ScheduledProcedureStepID": "step 0", "RequestedProcedureCodeSequence": [{"CodeValue": "T-1"}]}
    ]
    assert len(first["StudyDate"]) == 10


def test_parquet_holds_types(folder: Path, tmp_path: Path) -> None:
    table = parquet.read_table(saved(folder, tmp_path / "a.parquet"))
    kinds = {name: str(table.schema.field(name).type) for name in table.column_names}
    assert kinds["InstanceNumber"] == "int64"
    assert kinds["(0019,100C) B_value"] == "int64"
    assert kinds["SliceThickness"] == "double"
    assert kinds["Modality"] == "string"
    assert kinds["StudyDate"].startswith("date32")
    assert kinds["PixelSpacing"].startswith("list<")
    assert "struct<" in kinds["RequestAttributesSequence"]
    assert sorted(table["InstanceNumber"].to_pylist()) == [1, 2, 3, 4, 5]


def test_csv_holds_json_where_a_cell_has_several_values(folder: Path, tmp_path: Path) -> None:
    with saved(folder, tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 5
    assert json.loads(rows[0]["PixelSpacing"]) == [0.8, 0.7]
    assert json.loads(rows[0]["RequestAttributesSequence"])[0]["RequestedProcedureCodeSequence"] == [
        {"CodeValue": "T-1"}
    ]


@pytest.mark.parametrize("suffix", [".csv", ".json", ".parquet"])
def test_flat_tables_have_a_column_for_each_attribute_of_an_item(folder: Path, tmp_path: Path, suffix: str) -> None:
    path = saved(folder, tmp_path / f"a{suffix}", flatten=True)
    rows: list[dict[str, Any]]
    if suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            rows = [{key: value or None for key, value in row.items()} for row in csv.DictReader(file)]
    elif suffix == ".json":
        rows = json.loads(path.read_text("utf-8"))
    else:
        rows = parquet.read_table(path).to_pylist()
    assert "RequestAttributesSequence" not in rows[0]
    by_step = {row["RequestAttributesSequence[1].ScheduledProcedureStepID"]: row for row in rows}
    assert sorted(by_step) == [f"step {index}" for index in range(5)]
    assert by_step["step 1"]["RequestAttributesSequence[2].ScheduledProcedureStepID"] == "step 1"
    assert by_step["step 2"]["RequestAttributesSequence[2].ScheduledProcedureStepID"] is None
    assert by_step["step 0"]["RequestAttributesSequence[1].RequestedProcedureCodeSequence[1].CodeValue"] == "T-1"


@pytest.mark.parametrize("flatten", [False, True])
def test_whatever_pydicom_s_files_hold_can_be_written(tmp_path: Path, flatten: bool) -> None:
    for number, name in enumerate(["CT_small.dcm", "rtplan.dcm", "reportsi.dcm", "JPEG2000.dcm", "no_meta.dcm"]):
        path = pydicom.data.get_testdata_file(name)
        assert isinstance(path, str)
        (tmp_path / f"{number}.dcm").write_bytes(Path(path).read_bytes())
    table = voxelry.tabulate(tmp_path)
    for suffix in (".csv", ".json", ".parquet"):
        save_table(table, tmp_path / "out" / f"a{suffix}", flatten=flatten)
    rows = json.loads((tmp_path / "out" / "a.json").read_text("utf-8"))
    stored = parquet.read_table(tmp_path / "out" / "a.parquet")
    assert len(rows) == stored.num_rows == len(table) > 3
    assert list(rows[0]) == stored.column_names
    assert [row["SOPInstanceUID"] for row in rows] == stored["SOPInstanceUID"].to_pylist()


def test_nothing_is_written_under_another_suffix(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"\.parquet"):
        saved(folder, tmp_path / "a.xlsx")
    assert not (tmp_path / "a.xlsx").exists()


DATES = ["20200102", "19000000", "1980", "20200230", "20200101-20201231", "2020.01.02", "99991231", ""]


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
@pytest.mark.parametrize("suffix", [".csv", ".json", ".parquet"])
def test_a_date_that_is_none_is_shown_as_it_is(tmp_path: Path, suffix: str) -> None:
    """PS3.5 6.2 asks for YYYYMMDD of a day that there is; what stands there instead is still a value."""

    def edit_date(index: int, dataset: Dataset) -> None:
        dataset.add_new("PatientBirthDate", "DA", DATES[index])
        dataset.ContentDate = "99991231"

    synthetic_series(tmp_path / "in", slices=len(DATES), edit=edit_date)
    table = voxelry.tabulate(tmp_path / "in").sort_values("InstanceNumber")
    shown = ["2020-01-02", *DATES[1:5], "2020-01-02", "9999-12-31", None]
    assert table["PatientBirthDate"].astype(object).where(table["PatientBirthDate"].notna(), None).tolist() == shown
    assert {str(day)[:10] for day in table["ContentDate"]} == {"9999-12-31"}
    path = tmp_path / f"a{suffix}"
    save_table(table, path)
    rows: list[dict[str, Any]]
    if suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            rows = [{key: value or None for key, value in row.items()} for row in csv.DictReader(file)]
    else:
        rows = json.loads(path.read_text("utf-8")) if suffix == ".json" else parquet.read_table(path).to_pylist()
    assert [row["PatientBirthDate"] for row in rows] == shown
    assert {str(row["ContentDate"]) for row in rows} == {"9999-12-31"}


def test_no_cell_of_a_csv_file_is_a_formula_and_json_holds_the_value(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in", slices=1, attributes={"StudyDescription": "=1+2", "SliceLocation": "-12.5"})
    table = voxelry.tabulate(tmp_path / "in")
    save_table(table, tmp_path / "a.csv")
    save_table(table, tmp_path / "a.json")
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["StudyDescription"], row["SliceLocation"]) == ("'=1+2", "-12.5")
    (held,) = json.loads((tmp_path / "a.json").read_text("utf-8"))
    assert (held["StudyDescription"], held["SliceLocation"]) == ("=1+2", -12.5)
