"""A row for each instance, a typed column for each attribute."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

import voxelry
from voxelry.testing import synthetic_report, synthetic_series, write


def test_columns_are_typed_and_named_by_keyword(tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path / "a")
    table = voxelry.tabulate(tmp_path)
    assert len(table) == 5
    assert table.columns[0] == "File"
    assert sorted(table["SOPInstanceUID"]) == sorted(truth.instance_uids)
    assert str(table["InstanceNumber"].dtype) == "Int64"
    assert str(table["Rows"].dtype) == "Int64"
    assert str(table["SliceThickness"].dtype) == "float64"
    assert isinstance(table["Modality"].dtype, pd.StringDtype)
    assert str(table["StudyDate"].dtype).startswith("datetime64")
    assert table["PixelSpacing"][0] == [0.8, 0.7]
    assert "PixelData" not in table


def test_what_an_instance_lacks_is_missing_and_objects_without_pixels_have_rows(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "a")
    write(synthetic_report(), tmp_path / "report.dcm")
    (tmp_path / "notes.txt").write_text("words " * 50)
    table = voxelry.tabulate(tmp_path)
    assert len(table) == 6
    assert table["Rows"].isna().sum() == 1
    assert list(table.attrs["skipped"]) == [str(tmp_path / "notes.txt")]


def test_nothing_gives_an_empty_table(tmp_path: Path) -> None:
    assert voxelry.tabulate(tmp_path).empty


def test_private_attributes_have_their_tags_as_names(tmp_path: Path) -> None:
    def edit(_: int, dataset) -> None:  # type: ignore[no-untyped-def]
        block = dataset.private_block(0x0019, "VOXELRY TEST", create=True)
        block.add_new(0x01, "DS", "2.5")

    synthetic_series(tmp_path, edit=edit)
    table = voxelry.tabulate(tmp_path)
    assert table["(0019,1001)"].tolist() == [2.5] * 5
