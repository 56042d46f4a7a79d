"""DICOM is known by content, and what is none is named."""

from __future__ import annotations

import warnings
from pathlib import Path

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import voxelry
from voxelry.core.errors import DamagedError, EmptyFileError, NotDicomError, VoxelryError
from voxelry.dicom.headers.header import read_header
from voxelry.dicom.headers.sources import FileSource
from voxelry.testing import PATIENT_NAME, synthetic_instance, write


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return write(synthetic_instance(), tmp_path / "good")


def bare(path: Path, start: int) -> Path:
    """The file without its first bytes."""
    target = path.with_name(f"bare-{start}")
    target.write_bytes(path.read_bytes()[start:])
    return target


def test_names_do_not_matter(good: Path) -> None:
    renamed = good.rename(good.with_name("picture.txt"))
    assert voxelry.load_volume(renamed).array.shape == (1, 16, 20)


@pytest.mark.parametrize("start", [0, 132])
def test_preamble_and_prefix_may_be_missing(good: Path, start: int) -> None:
    assert voxelry.load_volume(bare(good, start)).array.shape == (1, 16, 20)


@pytest.mark.parametrize("implicit", [True, False])
def test_the_meta_group_may_be_missing(good: Path, implicit: bool) -> None:
    dataset = pydicom.dcmread(good)
    del dataset.file_meta
    path = good.with_name("no-meta")
    dataset.preamble = None
    dataset.save_as(path, implicit_vr=implicit, little_endian=True)
    assert voxelry.load_volume(path).array.shape == (1, 16, 20)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"Just words, and enough of them to pass for a header of some kind. " * 4, "it is text"),
        (b"\x89PNG\r\n\x1a\n" + bytes(300), "ordinary picture"),
        (b"%PDF-1.7" + bytes(300), "PDF"),
        (b"\x1f\x8b" + bytes(300), "gzip in gzip, or of no known method"),
        (bytes(257) + b"ustar" + bytes(300), "it is a tar archive; unpack it first"),
        (bytes(400), "no DICM"),
        (b"\x00", "no DICM"),
    ],
)
def test_what_is_no_dicom_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "some.dcm"
    path.write_bytes(content)
    with pytest.raises(NotDicomError, match=words) as caught:
        voxelry.load_volume(path)
    assert "some.dcm" in str(caught.value)


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty.dcm").touch()
    with pytest.raises(EmptyFileError, match=r"empty\.dcm: the file is empty"):
        voxelry.load_volume(tmp_path / "empty.dcm")


def test_a_header_that_is_cut_off_is_damaged(good: Path) -> None:
    path = good.with_name("cut")
    path.write_bytes(good.read_bytes()[:180])
    with pytest.raises(DamagedError, match="cut off"):
        voxelry.load_volume(path)


@pytest.mark.slow
@settings(max_examples=150)
@given(data=st.data())
def test_no_damage_makes_anything_but_a_named_problem(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Whatever bytes are changed or cut: a volume, or an error of ours that names the file and no patient."""
    folder = tmp_path_factory.mktemp("damaged")
    raw = bytearray(write(synthetic_instance(), folder / "good").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path = folder / "damaged.dcm"
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))])
    try:
        result = voxelry.load(path)
    except VoxelryError as error:  # pragma: no cover - load never raises for content
        pytest.fail(f"load raised {error!r}")
    assert bool(result.volumes) != bool(result.skipped)
    for problem in result.skipped.values():
        assert "damaged.dcm" in problem.message
        assert PATIENT_NAME.split("^")[0] not in problem.message
    for volume in result.volumes:
        voxelry.measure(volume)
    voxelry.tabulate(path)


# The files in pydicom's wheel; its own way to list them would try to download others.
PYDICOM_FILES = Path(pydicom.__file__).parent / "data" / "test_files"


def test_the_header_says_where_the_pixels_are_in_all_of_pydicoms_files() -> None:
    checked = 0
    for path in sorted(PYDICOM_FILES.rglob("*")):
        if not path.is_file():
            continue
        try:
            header = read_header(FileSource.of(path))
        except VoxelryError:
            continue
        place = header.pixel_bytes
        if place is None or place.offset is None or place.length is None:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            whole = pydicom.dcmread(path, force=True)
        assert path.read_bytes()[place.offset : place.offset + place.length] == whole[place.keyword].value, path.name
        checked += 1
    assert checked > 20


def test_all_of_pydicoms_files_load_or_are_named() -> None:
    result = voxelry.load(PYDICOM_FILES)
    assert len(result.volumes) > 20
    assert all(problem.message for problem in result.skipped.values())
    assert len(voxelry.tabulate(PYDICOM_FILES)) > 60
