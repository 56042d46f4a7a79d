"""A row for each instance, a typed column for each attribute."""

from __future__ import annotations

from os import fsdecode
from pathlib import Path

import pandas as pd
import pydicom.data
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

import voxelry
from voxelry.dicom.headers import header
from voxelry.testing import synthetic_instance, synthetic_report, synthetic_series, write


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


def test_numbers_too_large_for_a_column_are_kept(tmp_path: Path) -> None:
    attributes = {"FileOffsetInContainer": 2**64 - 1, "FileLengthInContainer": 7}
    write(synthetic_instance(attributes=attributes), tmp_path / "a.dcm")
    raw = (tmp_path / "a.dcm").read_bytes()
    (tmp_path / "b.dcm").write_bytes(raw.replace(b"IS\x02\x001 ", b"IS\x14\x0099999999999999999999", 1))
    table = voxelry.tabulate(tmp_path)
    assert table["FileOffsetInContainer"][0] == 2**64 - 1
    assert len(table) == 2
    assert table["SeriesNumber"].tolist() == [1, 1e20]


def test_each_of_several_overlays_has_its_columns(tmp_path: Path) -> None:
    dataset = synthetic_instance()
    dataset.add_new(0x60000010, "US", 16)
    dataset.add_new(0x60020010, "US", 32)
    write(dataset, tmp_path / "a.dcm")
    table = voxelry.tabulate(tmp_path)
    assert (table["OverlayRows"][0], table["(6002,0010)"][0]) == (16, 32)
    assert voxelry.load_volume(tmp_path).metadata["OverlayRows"] == 16


def test_names_that_are_no_text_and_dates_of_old(tmp_path: Path) -> None:
    name = fsdecode(b"slice-\xff.dcm")
    path = write(synthetic_instance(), tmp_path / "a.dcm").rename(tmp_path / name)
    path.write_bytes(path.read_bytes().replace(b"DA\x08\x0020200102", b"DA\x0a\x002020.01.02", 1))
    table = voxelry.tabulate(tmp_path)
    assert table["File"][0].endswith("slice-?.dcm")
    assert str(table["StudyDate"][0].date()) == "2020-01-02"


def test_sequences_without_end_are_followed_only_so_far(tmp_path: Path) -> None:
    dataset = innermost = synthetic_instance()
    for _ in range(200):
        item = Dataset()
        innermost.ReferencedImageSequence = Sequence([item])
        innermost = item
    write(dataset, tmp_path / "a.dcm")
    voxelry.tabulate(tmp_path)
    voxelry.load(tmp_path)


@pytest.fixture(params=["bundled", "corpus"])
def pile(request: pytest.FixtureRequest) -> Path:
    if request.param == "bundled":
        return Path(pydicom.data.__file__).parent / "test_files"
    return Path(request.getfixturevalue("corpus"))


@pytest.mark.slow
@pytest.mark.no_cover  # takes more than twice as long where lines are counted
def test_tables_are_those_that_pydicom_gives(pile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = voxelry.tabulate(pile)
    monkeypatch.setattr(header, "read_part10", lambda *_: None)
    judged = voxelry.tabulate(pile)
    pd.testing.assert_frame_equal(table, judged, check_exact=True, check_column_type=True)
    assert table.attrs == judged.attrs
    assert len(table) > 60


def test_rows_share_no_lists(tmp_path: Path) -> None:
    synthetic_series(tmp_path)
    table = voxelry.tabulate(tmp_path)
    table["PixelSpacing"][0].append(0)
    assert table["PixelSpacing"][1] == [0.8, 0.7]


def test_progress_ascends_and_may_stop_the_work(tmp_path: Path) -> None:
    synthetic_series(tmp_path)
    told: list[float] = []
    voxelry.tabulate(tmp_path, progress=lambda fraction, _: told.append(fraction))
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0, 1)
    assert len(told) > 5

    def stop(fraction: float, _: str) -> None:
        if fraction > 0.5:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        voxelry.tabulate(tmp_path, progress=stop)


def test_a_file_without_attributes_has_no_row(tmp_path: Path) -> None:
    """NIfTI holds voxels and their place alone: a row of nothing but a name would look like an answer."""
    series = synthetic_series(tmp_path / "in", slices=3)
    voxelry.convert(series.paths[0].parent, tmp_path / "a.nii")
    table = voxelry.tabulate(tmp_path / "a.nii")
    assert len(table) == 0
    assert "no attributes of DICOM" in table.attrs["skipped"][str(tmp_path / "a.nii")]
