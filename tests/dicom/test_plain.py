"""The reader of plain headers gives what pydicom gives, or nothing; and no bytes make it do anything else."""

from __future__ import annotations

import contextlib
import importlib.util
import struct
import tracemalloc
import warnings
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.agreement import MemorySource, common_header_differences, disagreements, raises, read
from tests.fuzz.fuzz_headers import judge
from tests.fuzz.header_seeds import explicit, file_of, header_seeds, implicit, item, ordered, sequence, sibling
from voxelry.core.errors import VoxelryError
from voxelry.dicom.headers.common_header import CommonHeader
from voxelry.dicom.headers.header import read_header
from voxelry.dicom.headers.sources import HEAD_BYTES, FileSource
from voxelry.testing import synthetic_instance, synthetic_series, write

SEEDS = header_seeds()
LEFT = frozenset(
    {
        "with group 4 of no standard", "with very deep sequences of undefined length", "with nothing",
        "cut off in the header", "with a value that claims more", "out of order", "with an element twice",
        "in Japanese",
    }
)  # fmt: skip
"""What is left to pydicom, explicit or implicit; and below what is of one kind."""
LEFT_TOO = frozenset(
    {
        "explicit with a sequence of undefined length as UN", "implicit with a private sequence of undefined length",
        "explicit that says implicit", "implicit that says explicit", "implicit within explicit",
    }
)  # fmt: skip
PYDICOM_DATA = Path(pydicom.__file__).parent / "data"
MORE_DATA = Path(str(getattr(importlib.util.find_spec("data_store"), "origin", ""))).parent  # of pydicom-data


@pytest.fixture(autouse=True)
def unwarned() -> Iterator[None]:
    """pydicom warns of what is wrong with a file while it is asked for the truth."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("name", SEEDS)
def test_seeds_are_read_as_pydicom_reads_them(name: str) -> None:
    judge(SEEDS[name])


def test_what_is_plain_is_read_without_pydicom(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slower reader behind the fast one hides what the fast one refuses, so that it is taken away."""
    monkeypatch.setattr("pydicom.dcmread", None)
    both = [name for name in SEEDS if name.startswith(("explicit", "implicit"))]
    plain = [name for name in both if name.split(" ", 1)[-1] not in LEFT and name not in LEFT_TOO]
    assert len(plain) > 50
    for name in plain:
        assert len(read_header(MemorySource(SEEDS[name])).elements) > 3, name


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.5"])
@pytest.mark.parametrize("modality", ["CT", "MR", "PT"])
def test_synthetic_files_are_plain(tmp_path: Path, modality: str, syntax: str) -> None:
    path = write(synthetic_instance(modality=modality, transfer_syntax=syntax), tmp_path / "a.dcm")
    content = path.read_bytes()
    assert read(content) is not None
    assert disagreements(content) == []


def test_frames_of_functional_groups_are_plain(tmp_path: Path) -> None:
    content = synthetic_series(tmp_path, slices=40, frames="enhanced").paths[0].read_bytes()
    assert read(content) is not None
    assert disagreements(content) == []


@pytest.mark.slow
def test_the_real_files_are_read_as_pydicom_reads_them(corpus: Path) -> None:
    dicom, plain = _judge_all(corpus)
    assert dicom > 1300
    assert plain > 0.98 * dicom


@pytest.mark.parametrize("folder", [PYDICOM_DATA, MORE_DATA], ids=["pydicom", "pydicom-data"])
def test_pydicom_s_own_files_are_read_as_pydicom_reads_them(folder: Path) -> None:
    """Among them are cut, wrong and rare ones, so that fewer are plain."""
    dicom, plain = _judge_all(folder)
    assert dicom > 50
    assert plain > 0.7 * dicom


def _judge_all(folder: Path) -> tuple[int, int]:
    """How many DICOM files there are, and how many of them are plain; none may show a defect."""
    dicom = plain = 0
    bad: dict[str, list[str]] = {}
    seen: set[object] = set()
    common_headers: dict[Path, CommonHeader] = defaultdict(CommonHeader)
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.suffix in {".py", ".pyc"}:
            continue
        content = path.read_bytes()
        dicom += content[128:132] == b"DICM"
        plain += read(content) is not None
        if read(content, common=common_headers[path.parent]) != read(content):
            bad[path.name] = ["another header beside the others of its folder"]
        if found := [*disagreements(content, seen), *filter(None, [raises(content)])]:
            bad[path.name] = found
    assert bad == {}
    return dicom, plain


SMALL = sorted((seed for seed in SEEDS.values() if len(seed) < 4096), key=len)
LENGTHS = st.one_of(st.integers(0, 64), st.sampled_from([0xFFFE, 0xFFFF, 0x10000, 2**31, 2**32 - 2, 2**32 - 1]))


@st.composite
def mutants(draw: st.DrawFn) -> bytes:
    """A seed that is flipped, cut, spliced with another one, or whose lengths lie."""
    content = bytearray(draw(st.sampled_from(SMALL)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(content) - 1, 0)))
        match draw(st.sampled_from(["flip", "cut", "splice", "length", "double", "insert"])):
            case "flip" if content:
                content[at] = draw(st.integers(0, 255))
            case "cut":
                del content[at : at + draw(st.integers(1, 40))]
            case "splice":
                other = draw(st.sampled_from(SMALL))
                content[at:] = other[draw(st.integers(0, len(other))) :]
            case "length":
                form = draw(st.sampled_from(["<I", "<H"]))
                content[at : at + struct.calcsize(form)] = struct.pack(
                    form, draw(LENGTHS) & (2 ** (8 * struct.calcsize(form)) - 1)
                )
            case "double":
                content[at:at] = content[at : at + draw(st.integers(1, 80))]
            case "insert":
                content[at:at] = draw(st.binary(min_size=1, max_size=8))
    return bytes(content)


@pytest.mark.parametrize("tag", [b"\x00\x00\x00\x00", b"\x08\x00\x00\x01", b"\x08\x00\x40\x11", b"\x09\x00\x10\x10"])
def test_items_in_what_is_no_sequence_are_read_as_pydicom_reads_them(tag: bytes) -> None:
    """pydicom takes them for a value that ends at the next delimiter, wherever that belongs."""
    item, ended, over = (
        b"\xfe\xff\x00\xe0" + b"\xff" * 4,
        b"\xfe\xff\x0d\xe0" + bytes(4),
        b"\xfe\xff\xdd\xe0" + bytes(4),
    )
    code = b"\x08\x00\x00\x01\x04\x00\x00\x00CODE"
    nested = tag + b"\xff" * 4 + item + b"\x08\x00\x40\x11" + b"\xff" * 4 + item + code + ended + over + ended + over
    sequence = b"\x08\x00\x40\x11" + b"\xff" * 4 + item + nested + ended + over
    content = SEEDS["implicit"]
    at = content.index(b"\x10\x00\x10\x00")
    judge(content[:at] + sequence + content[at:])


@pytest.mark.slow
@settings(max_examples=1000)
@given(mutants())
def test_damaged_headers_are_read_as_pydicom_reads_them(content: bytes) -> None:
    judge(content)


@pytest.mark.slow
@settings(max_examples=300)
@given(st.data())
def test_what_was_read_before_changes_nothing(data: st.DataObject) -> None:
    """The files of a folder are alike, and what they have in common is compared, not read."""
    name = data.draw(st.sampled_from([name for name in SEEDS if name.startswith(("explicit", "implicit"))]))
    files = [SEEDS[name], sibling(SEEDS[name])]
    for _ in range(data.draw(st.integers(1, 5))):
        content = bytearray(data.draw(st.sampled_from(files)))
        for _ in range(data.draw(st.integers(0, 2))):
            at = data.draw(st.integers(132, len(content) - 1))
            match data.draw(st.sampled_from(["flip", "cut", "insert"])):
                case "flip":
                    content[at] = data.draw(st.integers(0, 255))
                case "cut":
                    del content[at : at + data.draw(st.integers(1, 40))]
                case "insert":
                    content[at:at] = data.draw(st.binary(min_size=1, max_size=8))
        files.append(bytes(content))
    assert common_header_differences(files) == []


TAGS = st.sampled_from([0x00080008, 0x00080060, 0x00100010, 0x00180050, 0x00200013, 0x00200032, 0x00280030, 0x00290010])
VRS = st.sampled_from([b"AE AS AT CS DA DS DT FD FL IS LO LT OB OW PN SH SL SQ SS ST TM UC UI UL UN UR US UT".split()])


@pytest.mark.slow
@settings(max_examples=500)
@given(st.data())
def test_headers_of_any_elements_are_read_as_pydicom_reads_them(data: st.DataObject) -> None:
    """Not damaged but strange: any value under any tag and representation, in sequences or not."""
    element = data.draw(st.sampled_from([explicit, implicit]))
    texts = st.text("019 .-+eE\\^=\t\n\x1bAZaz\0é", max_size=12).map(lambda text: text.encode("latin-1"))
    parts = []
    for tag in data.draw(st.lists(TAGS, unique=True)):
        vr = data.draw(data.draw(VRS.map(st.sampled_from)))
        value = data.draw(st.one_of(texts, st.binary(max_size=12)))
        part = element(tag, vr, value)
        if data.draw(st.booleans()):
            nested = [item(part, defined=data.draw(st.booleans()))] * data.draw(st.integers(0, 2))
            part = sequence(element, tag | 0x1000, nested, defined=data.draw(st.booleans()))
        parts.append(part)
    characters = data.draw(st.sampled_from([b"", b"ISO_IR 100", b"ISO_IR 192", b"ISO_IR 13 ", b"\\ISO 2022 IR 87 "]))
    body = ordered(element(0x00080005, b"CS", characters), element(0x00080016, b"UI", b"1.2\0"), *parts)
    judge(file_of(body, "1.2.840.10008.1.2.1" if element is explicit else "1.2.840.10008.1.2"))


@pytest.mark.parametrize("value", [b"  ", b"\n ", b"\t", b"\0\0", b" \0", b"\r\n"])
@pytest.mark.parametrize("vr", [b"IS", b"DS", b"CS", b"LO", b"UI", b"DA", b"TM"])
def test_blanks_are_no_value_where_pydicom_says_so(vr: bytes, value: bytes) -> None:
    body = ordered(explicit(0x00080016, b"UI", b"1.2\0"), explicit(0x00200013, vr, value))
    judge(file_of(body, "1.2.840.10008.1.2.1"))


@settings(max_examples=100)
@given(mutants())
def test_a_file_on_disk_costs_no_more_than_it_is_long(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """Lengths of gigabytes are claims; nothing is allocated because of them."""
    path = tmp_path_factory.mktemp("damaged") / "a.dcm"
    path.write_bytes(content)
    assert _peak(path) < 8 * len(content) + 2**20


@pytest.mark.slow
@pytest.mark.parametrize("element", [explicit, implicit])
@pytest.mark.parametrize("defined", [True, False])
@pytest.mark.parametrize("cut", [True, False])
def test_a_long_sequence_is_read_in_few_steps(tmp_path: Path, element: object, defined: bool, cut: bool) -> None:
    """20,000 items, cut off or not: read on in steps that grow, so that the cost stays linear."""
    assert callable(element)
    items = [item(element(0x00080100, b"SH", b"121401"), defined=defined)] * 20_000
    syntax = "1.2.840.10008.1.2.1" if element is explicit else "1.2.840.10008.1.2"
    body = element(0x00080016, b"UI", b"1.2\0") + sequence(element, 0x00089215, items, defined=defined)
    content = file_of(body if not cut else body[:-100], syntax)
    asked: list[int] = []

    class Counted(MemorySource):
        def head(self, count: int) -> bytes:
            asked.append(count)
            return super().head(count)

    source = Counted(content)
    if cut:
        with pytest.raises(VoxelryError):
            read_header(source)
    else:
        assert len(read_header(source).elements) == 2
    assert sum(asked) < 8 * len(content)


def _peak(path: Path) -> int:
    source = FileSource.of(path)
    tracemalloc.start()
    try:
        source.head(HEAD_BYTES)
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        with contextlib.suppress(VoxelryError):
            read_header(source)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
