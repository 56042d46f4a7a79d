"""Where the table was: as BIDS has it, from the private attributes of Siemens and GE."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

import voxelry
from tests.dicom.newest_dcm2niix import sidecar_by_newest, with_newest
from voxelry.testing import csa_header, synthetic_epi, synthetic_series

SIEMENS, GE = "SIEMENS", "GE MEDICAL SYSTEMS"


def by_attribute(dataset: Dataset) -> None:
    dataset.private_block(0x19, "SIEMENS MR HEADER", create=True).add_new(0x14, "IS", ["4", "5", "-6"])


def by_csa(dataset: Dataset) -> None:
    content = csa_header({"ImaRelTablePosition": ["1", "2", "3"]})
    dataset.private_block(0x29, "SIEMENS CSA HEADER", create=True).add_new(
        0x10, "OB", content + b"\0" * (len(content) % 2)
    )


def ge_place(dataset: Dataset) -> None:
    own = dataset.private_block(0x43, "GEMS_PARM_01", create=True)
    own.add_new(0xB2, "LO", ["956.1", "320.1", "-17.3125", "0", "75.3604", "58.0479"])


def ge_place_and_offset(dataset: Dataset) -> None:
    ge_place(dataset)
    dataset.private_block(0x19, "GEMS_ACQU_01", create=True).add_new(0x7F, "DS", "4.25")


def too_few(dataset: Dataset) -> None:
    dataset.private_block(0x19, "SIEMENS MR HEADER", create=True).add_new(0x14, "IS", ["4", "5"])


def no_number(dataset: Dataset) -> None:
    dataset.private_block(0x43, "GEMS_PARM_01", create=True).add_new(0xB2, "LO", ["1", "2", "near"])


KINDS: list[tuple[str, Callable[[Dataset], None], list[float] | None]] = [
    (SIEMENS, by_attribute, [4, 5, 6]),
    (SIEMENS, by_csa, [1, 2, -3]),
    (GE, ge_place, [0, 0, -17.3125]),
    (GE, ge_place_and_offset, [0, 0, -21.5625]),
    (SIEMENS, too_few, None),
    (GE, no_number, None),
    ("Philips Medical Systems", by_attribute, None),
]


def written(folder: Path, maker: str, stamp: Callable[[Dataset], None]) -> None:
    attributes = {"Manufacturer": maker, "MRAcquisitionType": "2D", "ScanningSequence": "GR", "EchoTime": "5"}
    synthetic_series(
        folder, modality="MR", rescale=None, attributes=attributes, edit=lambda _, dataset: stamp(dataset), slices=3
    )


def ours(folder: Path) -> dict[str, Any]:
    assert voxelry.convert(folder / "in", folder / "ours.nii").complete
    found: dict[str, Any] = json.loads((folder / "ours.json").read_text())
    return found


@pytest.mark.parametrize(("maker", "stamp", "expected"), KINDS)
def test_the_table_s_position_is_told(
    tmp_path: Path, maker: str, stamp: Callable[[Dataset], None], expected: list[float] | None
) -> None:
    written(tmp_path / "in", maker, stamp)
    assert ours(tmp_path).get("TablePosition") == expected


def test_it_is_told_of_enhanced_objects_of_xa(tmp_path: Path) -> None:
    (path,) = synthetic_epi(tmp_path / "in", maker="Siemens XA").paths
    dataset = pydicom.dcmread(path)
    item = Dataset()
    item.private_block(0x21, "SIEMENS MR SDS 01", create=True).add_new(0x05, "IS", ["1", "2", "3"])
    shared = dataset.SharedFunctionalGroupsSequence[0]
    shared.private_block(0x21, "SIEMENS MR SDS 01").add_new(0xFE, "SQ", DicomSequence([item]))
    dataset.save_as(path)
    assert ours(tmp_path)["TablePosition"] == [1, 2, -3]


@with_newest
@pytest.mark.parametrize(("maker", "stamp", "expected"), KINDS[:4])
def test_dcm2niix_says_the_same(
    tmp_path: Path, maker: str, stamp: Callable[[Dataset], None], expected: list[float]
) -> None:
    written(tmp_path / "in", maker, stamp)
    theirs = sidecar_by_newest(tmp_path / "in", tmp_path)
    assert theirs["TablePosition"] == pytest.approx(expected)
