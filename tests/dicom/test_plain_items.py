"""Items of sequences read from the file's bytes are those that pydicom reads."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID

from voxelry.dicom.headers.attributes import dataset_of, first_attributes, item_attributes, items, numbers, text
from voxelry.dicom.headers.elements import Elements
from voxelry.dicom.headers.header import read_header
from voxelry.dicom.headers.item_columns import item_columns
from voxelry.dicom.headers.plain_items import plain_items
from voxelry.dicom.headers.sources import FileSource
from voxelry.testing import synthetic_series

SEQUENCE = "PerFrameFunctionalGroupsSequence"
SYNTAXES = ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2"]


def position(x: float) -> Dataset:
    place = Dataset()
    place.ImagePositionPatient = [x, 2.5, -3]
    place.ImageComments = "Lège"
    return place


def frame(x: float, *, undefined: bool) -> Dataset:
    group, content = Dataset(), Dataset()
    content.DimensionIndexValues = [1, round(abs(x)) + 1]
    group.FrameContentSequence = Sequence([content])
    group.PlanePositionSequence = Sequence([position(x)])
    group.DerivationImageSequence = Sequence([])
    for element in group:
        element.is_undefined_length = undefined
        for item in element.value:
            item.is_undefined_length_sequence_item = undefined
    group.is_undefined_length_sequence_item = undefined
    return group


def written(folder: Path, frames: list[Dataset], syntax: str, *, undefined: bool) -> Path:
    [path] = synthetic_series(folder, slices=1).paths
    dataset = pydicom.dcmread(path)
    dataset.SpecificCharacterSet = "ISO_IR 192"
    setattr(dataset, SEQUENCE, Sequence(frames))
    dataset[SEQUENCE].is_undefined_length = undefined
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.save_as(path, implicit_vr=syntax == SYNTAXES[1], little_endian=True)
    return path


@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_items_are_those_of_pydicom(tmp_path: Path, syntax: str, undefined: bool) -> None:
    frames = [frame(x, undefined=undefined) for x in (-1.5, 0, 7)]
    header = read_header(FileSource.of(written(tmp_path, frames, syntax, undefined=undefined)))
    read, theirs = item_attributes(header.elements, SEQUENCE), items(header.elements, SEQUENCE)
    assert all(isinstance(one, Elements) and one.encoded is not None for one in read)
    assert list(map(dataset_of, read)) == list(theirs)
    assert item_attributes(header.elements, SEQUENCE) is read
    for one, expected in zip(read, (-1.5, 0, 7), strict=True):
        place = first_attributes(one, "PlanePositionSequence")
        assert place is not None
        assert numbers(place, "ImagePositionPatient", 3) == (expected, 2.5, -3)
        assert text(place, "ImageComments") == "Lège"  # in the character set of the file
        assert first_attributes(one, "DerivationImageSequence") is None
        assert 0x00209113 in one
        assert "FrameContentSequence" in one
        assert "PixelMeasuresSequence" not in one


def encoded(frames: list[Dataset]) -> bytes:
    file = DicomBytesIO()
    file.is_little_endian, file.is_implicit_VR = True, False
    whole = Dataset()
    setattr(whole, SEQUENCE, Sequence(frames))
    write_dataset(file, whole)
    return file.getvalue()[12:]


CONTENT = encoded([frame(1, undefined=False), frame(2, undefined=True)])


@given(st.integers(0, len(CONTENT) - 1), st.binary(min_size=1, max_size=4))
def test_damaged_items_are_left_to_pydicom_or_read_in_full(at: int, dirt: bytes) -> None:
    found = plain_items((b"SQ", CONTENT[:at] + dirt + CONTENT[at + len(dirt) :]))
    assert found is None or all(isinstance(tag, int) for item in found for tag in item)


@given(st.integers(1, len(CONTENT) - 1))
def test_items_that_end_early_are_never_read_as_whole_ones(length: int) -> None:
    found = plain_items((b"SQ", CONTENT[:length]))
    assert found is None or len(found) < 2


ELEMENTS = st.dictionaries(
    st.sampled_from([0x00080018, 0x00189087, 0x00209056, 0x00209157, 0x00211010, 0x00289110]),
    st.tuples(
        st.sampled_from([b"LO", b"UN", b"SQ", b"FD"]), st.sampled_from([b"", b"ab", b"abcd", b"\xfe\xff\x00\xe0" * 2])
    ),
    max_size=4,
)


def item_of(elements: dict[int, tuple[bytes, bytes]]) -> bytes:
    content = b""
    for tag, (vr, value) in sorted(elements.items()):
        content += (tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little") + vr
        content += (
            len(value).to_bytes(2, "little")
            if vr in (b"LO", b"FD", b"UL")
            else bytes(2) + len(value).to_bytes(4, "little")
        )
        content += value
    return b"\xfe\xff\x00\xe0" + len(content).to_bytes(4, "little") + content


@given(st.lists(ELEMENTS, min_size=1, max_size=3), st.lists(st.integers(0, 2), min_size=1, max_size=30))
def test_items_of_one_length_are_told_apart(kinds: list[dict[int, tuple[bytes, bytes]]], order: list[int]) -> None:
    """Layouts are remembered; whatever came before, each item has its own elements."""
    chosen = [kinds[number % len(kinds)] for number in order]
    found = plain_items((b"SQ", b"".join(map(item_of, chosen))))
    assert found == [dict(sorted(one.items())) for one in chosen]
    assert [[*one] for one in found or ()] == [sorted(one) for one in chosen]


def test_the_values_of_a_layout_are_not_remembered() -> None:
    first, second = ({0x00209157: (b"UL", bytes([number] * 8))} for number in (1, 2))
    assert plain_items((b"SQ", item_of(first) * 3 + item_of(second))) == [first, first, first, second]


@given(
    st.lists(ELEMENTS, min_size=1, max_size=3),
    st.lists(st.integers(0, 2), min_size=1, max_size=30),
    st.integers(0, 40),
    st.binary(max_size=2),
)
def test_columns_are_the_elements_of_each_item(
    kinds: list[dict[int, tuple[bytes, bytes]]], order: list[int], at: int, dirt: bytes
) -> None:
    """Also where lengths, layouts or damage differ from one item to the next."""
    values = [item_of(kinds[number % len(kinds)]) for number in order]
    values[-1] = values[-1][:at] + dirt + values[-1][at + len(dirt) :]
    read = [plain_items((b"SQ", value)) for value in values]
    tags = (0x00080018, 0x00189087, 0x00209157, 0x00211010, 0x7FE00010)
    found = item_columns([(b"SQ", value) for value in values], tags)
    alone = [items[0] for items in read if items is not None and len(items) == 1]
    if len(alone) < len(read) or any(vr == b"SQ" for item in alone for vr, _ in item.values()):
        assert found is None
    else:
        assert found == {tag: [item.get(tag) for item in alone] for tag in tags}


def test_implicit_sequences_are_no_columns() -> None:
    assert item_columns([(b"", item_of({}))], (0x00209157,)) is None
