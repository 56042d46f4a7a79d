"""Siemens' CSA headers: both layouts are read, and broken bytes cost neither memory nor an error."""

from __future__ import annotations

import importlib
import struct
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian

from voxelry.dicom.headers import siemens_csa
from voxelry.dicom.headers.header import Header, read_header
from voxelry.dicom.headers.siemens_csa import csa_values, protocol_values, read_csa, read_protocol
from voxelry.dicom.headers.sources import FileSource
from voxelry.testing import csa_header, siemens_protocol, synthetic_instance, write

TAGS = {
    "EchoLinePosition": ("64",),
    "NumberOfImagesInMosaic": ("36",),
    "SliceNormalVector": ("0.0", "-0.17364818", "0.98480775"),
    "MosaicRefAcqTimes": tuple(f"{n * 52.5:.8f}" for n in range(36)),
    "ImaCoilString": ("HEA;HEP",),
    "Nothing": (),
}
PROTOCOL: dict[str, str | float] = {
    "sSliceArray.lSize": 36,
    "sSliceArray.asSlice[0].sPosition.dTra": -41.5,
    "tSequenceFileName": "ep2d_bold",
}


def in_file(folder: Path, *, image: bytes = b"", series: bytes = b"", implicit: bool = False) -> Header:
    dataset = synthetic_instance(modality="MR", rows=4, columns=4)
    block = dataset.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
    block.add_new(0x10, "OB", image)
    block.add_new(0x20, "OB", series)
    if implicit:
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    path = folder / "one.dcm"
    write(dataset, path)
    return read_header(FileSource.of(path))


@pytest.mark.parametrize("older", [False, True])
def test_each_tag_has_its_values(older: bool) -> None:
    assert read_csa(csa_header(TAGS, older=older)) == TAGS


@pytest.mark.filterwarnings("ignore:The DICOM readers are highly experimental")
def test_nibabel_reads_the_same() -> None:
    csareader = importlib.import_module("nibabel.nicom.csareader")
    theirs = csareader.read(csa_header(TAGS))["tags"]
    assert {name: tuple(filter(None, tag["items"])) for name, tag in theirs.items()} == TAGS


def test_the_older_layout_may_have_a_word_behind_whole_words() -> None:
    def item(value: bytes) -> bytes:
        return struct.pack("<4i", len(value) + 1, 0, 205, 0) + value + b"\0" * (4 - len(value) % 4)

    content = struct.pack("<2I", 2, 77)
    for name, value in ((b"One", b"12345678"), (b"Two", b"123")):
        content += struct.pack("<64si4s3i", name, 1, b"LO", 19, 1, 205) + item(value)
    assert read_csa(content) == {"One": ("12345678",), "Two": ("123",)}


@pytest.mark.parametrize("implicit", [False, True])
def test_a_file_tells_of_its_image_and_of_its_series(tmp_path: Path, implicit: bool) -> None:
    text = "<XProtocol>{}\n" + siemens_protocol(PROTOCOL) + "\n" + " " * 50_000
    series = csa_header({"UsedPatientWeight": ["70"], "MrPhoenixProtocol": [text]})
    elements = in_file(tmp_path, image=csa_header(TAGS), series=series, implicit=implicit).elements
    assert csa_values(elements) == TAGS
    assert csa_values(elements, "series")["UsedPatientWeight"] == ("70",)
    assert protocol_values(elements) == {name: str(value) for name, value in PROTOCOL.items()}
    assert csa_values(elements) is csa_values(elements)


def test_the_protocol_of_xa_lies_in_a_functional_group(tmp_path: Path) -> None:
    item = Dataset()
    item.private_block(0x0021, "SIEMENS MR SDS 01", create=True).add_new(
        0x19, "OB", siemens_protocol(PROTOCOL).encode()
    )
    shared = Dataset()
    shared.private_block(0x0021, "SIEMENS MR SDS 01", create=True).add_new(0xFE, "SQ", [item])
    dataset = synthetic_instance(modality="MR", rows=4, columns=4)
    dataset.SharedFunctionalGroupsSequence = [shared]
    write(dataset, tmp_path / "one.dcm")
    elements = read_header(FileSource.of(tmp_path / "one.dcm")).elements
    assert protocol_values(elements)["sSliceArray.lSize"] == "36"


def test_a_file_without_them_has_none(tmp_path: Path) -> None:
    write(synthetic_instance(rows=4, columns=4), tmp_path / "one.dcm")
    elements = read_header(FileSource.of(tmp_path / "one.dcm")).elements
    assert not csa_values(elements)
    assert not protocol_values(elements)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ('tName = ""a name""', "a name"), ('tName\t = \t"a name"', "a name"), ('tName = ""', ""), ('tName = """"', ""),
        ("ucOne = 0x1", "0x1"), ("dOne = -1.5e-3 # 3 words", "-1.5e-3"), ("dOne =", ""), ("a.b[3].c = 1", "1"),
    ],
)  # fmt: skip
def test_assignments_as_the_versions_write_them(line: str, value: str) -> None:
    text = f"x = 9\n### ASCCONV BEGIN object=MrProtDataImpl@MrProtocolData ###\n{line}\n### ASCCONV END ###\ny = 9"
    assert list(read_protocol(text).values()) == [value]


@pytest.mark.parametrize("older", [False, True])
def test_a_header_that_breaks_off_has_the_tags_before(older: bool) -> None:
    content = csa_header(TAGS, older=older)
    for end in range(len(content)):
        found = read_csa(content[:end])
        assert list(found) == list(TAGS)[: len(found)]
        assert all(found[name] == TAGS[name] for name in found)


def test_lengths_beyond_the_bytes_cost_nothing() -> None:
    content = bytearray(csa_header({"One": ["1"]}))
    content[16 + 84 + 4 : 16 + 84 + 8] = struct.pack("<i", 2**31 - 1)
    tracemalloc.start()
    assert not read_csa(bytes(content))
    assert not read_csa(b"SV10\4\3\2\1" + struct.pack("<2I", 2**32 - 1, 77))
    assert not read_csa(struct.pack("<2I", 1, 77) + struct.pack("<64si4s3i", b"One", 1, b"", 0, 2**31 - 1, 77))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20


@given(st.data())
def test_broken_bytes_never_raise(data: st.DataObject) -> None:
    content = bytearray(csa_header(TAGS, older=data.draw(st.booleans())))
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(content) - 4))
        content[at : at + 4] = data.draw(st.binary(min_size=4, max_size=4))
    held = sum(len(value) for values in read_csa(bytes(content)).values() for value in values)
    assert held <= len(content)


@given(st.binary(max_size=400), st.booleans())
def test_any_bytes_are_read_or_none(content: bytes, marked: bool) -> None:
    read_csa((b"SV10" if marked else b"") + content)
    read_protocol("### ASCCONV BEGIN" + content.decode("latin-1"))


@given(
    values=st.lists(st.lists(st.text("0123456789.- ", max_size=9), min_size=1, max_size=4), min_size=1, max_size=6),
    data=st.data(),
)
def test_headers_of_one_layout_are_read_as_any(values: list[list[str]], data: st.DataObject) -> None:
    """Of the same lengths, and with a byte changed anywhere."""
    tags = {f"Tag{number}": own for number, own in enumerate(values)}
    first = csa_header(tags)
    other = {
        name: [data.draw(st.text("0123456789.-", min_size=len(one), max_size=len(one))) for one in own]
        for name, own in tags.items()
    }
    changed = bytearray(csa_header(other))
    if data.draw(st.booleans()):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    siemens_csa._layouts.clear()
    read_csa(first)
    assert len(first) in siemens_csa._layouts
    found = read_csa(bytes(changed))
    siemens_csa._layouts.clear()
    assert found == read_csa(bytes(changed))
    assert read_csa(first) == {
        name: siemens_csa._values_at(b"".join(_padded(own)), _spans(own)) for name, own in tags.items()
    }


def _padded(values: list[str]) -> list[bytes]:
    return [one.encode().ljust(16, b"\0") for one in values]


def _spans(values: list[str]) -> tuple[tuple[int, int], ...]:
    return tuple((16 * number, 16 * number + 16) for number in range(len(values)))
