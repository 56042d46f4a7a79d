"""Metadata are what pydicom reads of all attributes together, asked for one by one or all at once."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from voxelry.dicom.headers.common_header import CommonHeader
from voxelry.dicom.headers.elements import Elements
from voxelry.dicom.headers.header import Header, read_header
from voxelry.dicom.headers.json_values import as_metadata
from voxelry.dicom.headers.shared_attributes import shared_metadata
from voxelry.dicom.headers.sources import FileSource
from voxelry.testing import synthetic_series

KEYWORDS = ("PatientName", "SmallestImagePixelValue", "ImageType", "EchoTime", "OverlayRows", "NoSuchThing")


def headers(folder: Path, transfer_syntax: str, character_set: str) -> list[Header]:
    def edit(number: int, dataset: Dataset) -> None:
        dataset.SpecificCharacterSet = character_set
        dataset.PatientName, dataset.PatientComments = "M\u00fcller^Ren\u00e9", "" if number else "\u00e9"
        dataset.SmallestImagePixelValue = -5  # whose representation depends on another attribute
        dataset.add_new(0x60000010, "US", 4)
        dataset.add_new(0x60020010, "US", 5)
        dataset.add_new(0x00181400, "UN", b"CHEST ")
        dataset.add_new(0x00080000, "UL", 12)
        dataset.InstanceNumber, dataset.EchoTime = number, "77.5"
        item = Dataset()
        item.CodeMeaning, item.SmallestImagePixelValue = "T\u00eate", -7
        dataset.ProcedureCodeSequence = [item]

    made = synthetic_series(
        folder, slices=3, signed=True, transfer_syntax=transfer_syntax, edit=edit, attributes={"PixelRepresentation": 1}
    )
    damaged = made.paths[1].read_bytes().replace(b"77.5", b"AB.C")
    made.paths[1].write_bytes(damaged)
    common = CommonHeader()
    found = [read_header(FileSource.of(path), common=common) for path in made.paths]
    assert all(header.elements.encoded is not None for header in found)
    return found


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("transfer_syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize("character_set", ["ISO_IR 100", "ISO_IR 192"])
def test_as_of_the_whole_header(tmp_path: Path, transfer_syntax: str, character_set: str) -> None:
    for header in headers(tmp_path, transfer_syntax, character_set):
        assert header.elements.encoded is not None
        expected = as_metadata(Elements(header.elements.encoded).dataset)
        assert expected["SmallestImagePixelValue"] == -5
        metadata = shared_metadata([header])
        for keyword in (*KEYWORDS, *expected):
            assert metadata.get(keyword) == expected.get(keyword), keyword
        assert {**metadata} == expected
        assert [*metadata] == [*expected]
        assert pickle.loads(pickle.dumps(metadata)) == expected


def test_values_of_one_file_are_not_those_of_another(tmp_path: Path) -> None:
    for folder, name in (("one", "ISO_IR 100"), ("other", "ISO_IR 192")):
        whole = headers(tmp_path / folder, ExplicitVRLittleEndian, name)
        apart = [shared_metadata([header])["InstanceNumber"] for header in whole]
        assert apart == [0, 1, 2]
        together = shared_metadata(whole)
        assert "InstanceNumber" not in together
        assert together["PatientName"] == "M\u00fcller^Ren\u00e9"


@pytest.mark.parametrize("transfer_syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_what_files_share_is_the_same_one_by_one(tmp_path: Path, transfer_syntax: str) -> None:
    whole = headers(tmp_path, transfer_syntax, "ISO_IR 192")
    expected = {**shared_metadata(whole)}
    assert expected["OverlayRows"] == 4
    assert "EchoTime" not in expected
    metadata = shared_metadata(whole)
    for keyword in (*KEYWORDS, "SOPInstanceUID", *expected):
        assert metadata.get(keyword) == expected.get(keyword), keyword
