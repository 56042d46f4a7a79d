"""The DICOM JSON and XML models of instances, with pydicom as judge."""

from __future__ import annotations

import json
import struct
import warnings
import xml.etree.ElementTree as ET
from io import BytesIO
from pathlib import Path
from typing import Any

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from voxelry.core.errors import VoxelryError
from voxelry.dicom.headers.elements import Elements
from voxelry.dicom.headers.header import Header, read_header
from voxelry.dicom.headers.sources import FileSource, MemorySource
from voxelry.dicom.headers.value_representations import LONG_VRS, SHORT_VRS
from voxelry.dicom.json_model.bulk_values import bulk_value, bulk_values
from voxelry.dicom.json_model.json_instance import JsonInstances
from voxelry.dicom.json_model.xml_instance import xml_instance
from voxelry.testing import synthetic_instance

BULK = "https://pacs.example.org/instances/1/bulkdata"
IMPLICIT, BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"


def _header(dataset: Dataset, syntax: str = "1.2.840.10008.1.2.1") -> Header:
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.UID(syntax)
    buffer = BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pydicom.dcmwrite(
            buffer, dataset, implicit_vr=syntax == IMPLICIT, little_endian=syntax != BIG, enforce_file_format=True
        )
    return read_header(MemorySource("a.dcm", buffer.getvalue()))


def _model(header: Header) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(JsonInstances().write(header, bulk=BULK))
    return found


def _image(**attributes: object) -> Dataset:
    return synthetic_instance(rows=4, columns=4, attributes=attributes)


def _plain(value: object) -> object:
    """Padding and the empty string, which the model writes as null, aside."""
    return (value.rstrip() or None) if isinstance(value, str) else value


def _differences(ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    found = []
    for tag in ours.keys() & theirs.keys():
        one, other = ours[tag], theirs[tag]
        if one["vr"] == other["vr"] == "SQ":
            pairs = list(zip(one.get("Value", []), other.get("Value", []), strict=True))
            found += [different for own, their in pairs for different in _differences(own, their)]
        elif {one["vr"], other["vr"]} != {"UN", "OB"}:
            values = [[_plain(value) for value in each.get("Value") or []] for each in (one, other)]
            same = one["vr"] == other["vr"] and values[0] == values[1]
            inline = [each.get("InlineBinary") or None for each in (one, other) if "BulkDataURI" not in each]
            if not same or len(set(inline)) > 1:
                found.append(tag)
    return found


def test_the_model_is_what_pydicom_reads_of_its_own_files() -> None:
    writer, compared = JsonInstances(), 0
    for path in sorted(Path(str(get_testdata_file("CT_small.dcm"))).parent.glob("*.dcm")):
        try:
            header = read_header(FileSource.of(path))
        except VoxelryError:
            continue
        ours = json.loads(writer.write(header, bulk=BULK))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(path, force=True, stop_before_pixels=True)
            theirs = dataset.to_json_dict(
                bulk_data_threshold=1024, bulk_data_element_handler=lambda _: "", suppress_invalid_tags=True
            )
        ours.pop("00080005"), theirs.pop("00080005", None)
        assert not _differences(ours, theirs), path.name
        assert not {tag for tag in theirs.keys() - ours.keys() if not tag.endswith("0000")}
        compared += 1
    assert compared > 60


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", IMPLICIT, BIG])
def test_every_encoding_gives_one_model(syntax: str) -> None:
    item = Dataset()
    item.CodeValue, item.CodeMeaning = "1", "Grün"
    inner = Dataset()
    inner.PixelSpacing = [1, 2]
    item.PixelMeasuresSequence = Sequence([inner, Dataset()])
    dataset = _image(
        ProcedureCodeSequence=Sequence([item]),
        FrameIncrementPointer=0x00181063,
        PixelAspectRatio=["1", "2"],
        SmallestImagePixelValue=7,
        MaskSubtractionSequence=Sequence([]),
    )
    found = _model(_header(dataset, syntax))
    assert found["00081032"]["Value"][0]["00080104"] == {"vr": "LO", "Value": ["Grün"]}
    assert found["00081032"]["Value"][0]["00289110"]["Value"] == [{"00280030": {"vr": "DS", "Value": [1.0, 2.0]}}, {}]
    assert found["00280009"] == {"vr": "AT", "Value": ["00181063"]}
    assert found["00280106"] == {"vr": "US", "Value": [7]}
    assert found["00286100"] == {"vr": "SQ"}
    assert found["7FE00010"] == {"vr": "OW", "BulkDataURI": f"{BULK}/7FE00010"}
    assert not any(tag.startswith("0002") or tag.endswith("0000") for tag in found)


def test_values_are_told_as_the_standard_says() -> None:
    dataset = _image(
        PatientName="Yamada^Tarou=山田^太郎=やまだ^たろう",
        OtherPatientIDs=["a", "", "b"],
        ReferringPhysicianName="",
        PatientWeight="070.50",
        InstanceNumber=None,
    )
    dataset.add_new(0x00189087, "FD", float("nan"))
    dataset.add_new(0x00189073, "FD", [1.5, float("inf"), float("-inf")])
    dataset.add_new(0x0008041B, "OB", b"\1\2")
    dataset.add_new(0x7FE00001, "OV", b"\1" * 8)
    dataset.add_new(0x00720083, "UV", [2**64 - 1, 5])
    dataset.add_new(0x00091001, "OB", bytes(1025) + b"\0")
    dataset.add_new(0x00090010, "LO", "ACME")
    found = _model(_header(dataset))
    assert found["00100010"]["Value"] == [
        {"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎", "Phonetic": "やまだ^たろう"}
    ]
    assert found["00101000"]["Value"] == ["a", None, "b"]
    assert found["00080090"] == {"vr": "PN"}
    assert found["00101030"]["Value"] == [70.5]
    assert found["00189087"]["Value"] == ["NaN"]
    assert found["00189073"]["Value"] == [1.5, "inf", "-inf"]
    assert found["0008041B"] == {"vr": "OB", "InlineBinary": "AQI="}
    assert found["00720083"]["Value"] == [str(2**64 - 1), 5]
    assert found["00091001"] == {"vr": "OB", "BulkDataURI": f"{BULK}/00091001"}
    assert found["00080005"]["Value"] == ["ISO_IR 192"]


def test_numbers_that_are_none_stay_strings_and_hide_nothing() -> None:
    dataset = _image()
    header = _header(dataset)
    assert header.elements.encoded is not None
    odd = {
        0x00180050: (b"DS", b"1,5 "),
        0x00180088: (b"DS", b"+1.50\\ .5\\1e999"),
        0x00200013: (b"IS", b"1.5\\+07\\99999999999999999999"),
        0x00281052: (b"FL", struct.pack("<f", 0.5) + b"\0"),
        0x00100020: (b"LO", b'\xff\xfe"\x01\\b'),
    }
    found = json.loads(JsonInstances().write(header, bulk=BULK, changes=odd))
    assert found["00180050"]["Value"] == ["1,5"]
    assert found["00180088"]["Value"] == [1.5, 0.5, "1e999"]
    assert found["00200013"]["Value"] == ["1.5", 7, "99999999999999999999"]
    assert found["00281052"]["Value"] == [0.5]
    assert found["00100020"]["Value"] == ['\ufffd\ufffd"\x01', "b"]
    assert found["00200052"]["Value"]


@pytest.mark.parametrize(
    ("character_set", "encoding", "name"),
    [
        ("GB18030", "gb18030", "王^小东"),
        ("GBK", "gbk", "誠^晨"),
        ("\\ISO 2022 IR 87", "iso2022_jp", "山田^太郎"),
        ("\\ISO 2022 IR 149", "", "홍^길동"),
        ("ISO_IR 166", "tis-620", "ก^ข"),
        ("ISO_IR 144", "iso8859_5", "Люкceмбypг"),
    ],
)
def test_text_of_any_character_set_becomes_utf_8(character_set: str, encoding: str, name: str) -> None:
    encoded = (
        name.encode(encoding)
        if encoding
        else b"\x1b$)C" + "홍".encode("euc_kr") + b"^\x1b$)C" + "길동".encode("euc_kr")
    )
    header = _header(_image(SpecificCharacterSet="ISO_IR 100"))
    changes = {0x00080005: (b"CS", character_set.encode()), 0x00100010: (b"PN", encoded)}
    assert header.elements.encoded is not None
    encoded_header = {**header.elements.encoded, **changes}
    header = Header(
        header.source, type(header.elements)(encoded_header), header.transfer_syntax_uid, None, "1", "1", "1", "1"
    )
    found = _model(header)
    assert found["00100010"]["Value"] == [{"Alphabetic": name}]
    assert found["00080005"]["Value"] == ["ISO_IR 192"]


def test_bulk_data_of_items_is_addressed_by_its_path() -> None:
    item, inner = Dataset(), Dataset()
    inner.add_new(0x54001010, "OW", bytes(2000))
    item.WaveformSequence = Sequence([Dataset(), inner])
    found = _model(_header(_image(ContentSequence=Sequence([item]))))
    nested = found["0040A730"]["Value"][0]["54000100"]["Value"][1]["54001010"]
    assert nested == {"vr": "OW", "BulkDataURI": f"{BULK}/0040A730/0/54000100/1/54001010"}


def test_xml_holds_any_text_and_says_what_json_says() -> None:
    item = Dataset()
    item.CodeMeaning = "<&\"'>"
    dataset = _image(
        PatientName="A&B^<C>=山^田", StudyDescription="x\x01y\rz", ProcedureCodeSequence=Sequence([item, Dataset()])
    )
    dataset.add_new(0x00090010, "LO", "ACME")
    dataset.add_new(0x00091001, "OB", b"\1\2")
    text = xml_instance(_header(dataset), bulk=BULK)
    assert "<!" not in text
    root = ET.fromstring(text)
    space = {"n": "http://dicom.nema.org/PS3.19/models/NativeDICOM"}
    by_tag = {one.get("tag"): one for one in root.findall("n:DicomAttribute", space)}
    name = by_tag["00100010"].find("n:PersonName/n:Alphabetic/n:FamilyName", space)
    assert name is not None
    assert name.text == "A&B"
    description = by_tag["00081030"].find("n:Value", space)
    assert description is not None
    assert description.text == "x\ufffdy\rz"
    items = by_tag["00081032"].findall("n:Item", space)
    assert [len(one) for one in items] == [1, 0]
    assert items[0][0][0].text == "<&\"'>"
    assert by_tag["00091001"].get("privateCreator") == "ACME"
    assert by_tag["00091001"][0].text == "AQI="
    assert by_tag["7FE00010"][0].get("uri") == f"{BULK}/7FE00010"
    assert by_tag.keys() == _model(_header(dataset)).keys()


def test_hostile_sequences_end() -> None:
    header = _header(_image())
    deep = b"\xfe\xff\x00\xe0\xff\xff\xff\xff\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff" * 5000
    changes = {
        0x00081140: (b"SQ", deep),
        0x00081115: (b"SQ", b"\xfe\xff\x00\xe0\xff\xff\xff\x7f\x08\x00"),
        0x00081032: (b"SQ", b"\xfe\xff\x00\xe0\x04\0\0\0\x08\x00\x40\x11"),
    }
    found = json.loads(JsonInstances().write(header, bulk=BULK, changes=changes))
    assert found["00081032"]["Value"] == [{}]
    assert xml_instance(header, bulk=BULK, changes=changes)


_VRS = sorted(LONG_VRS | SHORT_VRS)
_TAGS = st.sampled_from(
    [0x00080005, 0x00100010, 0x00280106, 0x00283006, 0x00091001, 0x00090010, 0x0040A730, 0x00720083]
)
_VALUES = st.binary(max_size=40) | st.sampled_from(
    [b"\x1b$B\x5c\x5c", b"\\\\", b"1e400\\-0\\NaN", b"\xfe\xff\x00\xe0\xff\xff\xff\xff", b"ISO 2022 IR 87", bytes(2000)]
)


@settings(max_examples=300)
@given(st.dictionaries(_TAGS, st.tuples(st.sampled_from([b"", *_VRS]), _VALUES), max_size=6))
def test_any_bytes_become_json_and_xml(odd: dict[int, tuple[bytes, bytes]]) -> None:
    header = _odd_header(odd)
    found = json.loads(JsonInstances().write(header, bulk=BULK))
    root = ET.fromstring(xml_instance(header, bulk=BULK))
    assert {one.get("tag") for one in root} == found.keys()
    for path, value in bulk_values(header):
        assert bulk_value(header, path) == value


def _odd_header(elements: dict[int, tuple[bytes, bytes]]) -> Header:
    return Header(
        MemorySource("a", b""), Elements(elements), pydicom.uid.ExplicitVRLittleEndian, None, "1", "1", "1", "1"
    )
