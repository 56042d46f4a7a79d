"""Files that lie about themselves: told in words, before memory or time is spent, and the rest of the folder loads."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, generate_uid

import voxelry
from voxelry import machine
from voxelry.core.errors import NotEnoughMemoryError, Problem, TruncatedError
from voxelry.dicom.frames.frame import frames_of
from voxelry.dicom.headers.header import read_header
from voxelry.dicom.headers.sources import FileSource
from voxelry.dicom.pixels import codecs, encapsulated, pixel_memory
from voxelry.dicom.pixels.encode import encode_frame
from voxelry.testing import pattern, synthetic_instance, synthetic_series, write

RLE, DEFLATED = "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.8.1"
JPEG, JPEG_LOSSLESS, JPEG_LS, JPEG_2000, HTJ2K = (f"1.2.840.10008.1.2.4.{n}" for n in ("50", "70", "80", "90", "201"))
SMALL = pattern((8, 8), bits=12).astype(np.uint16)
NOISE = np.random.default_rng(12).integers(0, 4096, (64, 64), np.uint16)
FRAMES: dict[str, tuple[str, bytes]] = {
    "rle": (RLE, encode_frame(SMALL, RLE)),
    "jpeg": (JPEG, bytes(imagecodecs.jpeg8_encode(SMALL.astype(np.uint8)))),
    "jpeg-lossless": (JPEG_LOSSLESS, bytes(imagecodecs.ljpeg_encode(SMALL))),
    "jpeg-ls": (JPEG_LS, bytes(imagecodecs.jpegls_encode(SMALL))),
    "jpeg-2000": (JPEG_2000, bytes(imagecodecs.jpeg2k_encode(SMALL, codecformat="j2k", level=0))),
    "htj2k": (HTJ2K, bytes(imagecodecs.htj2k_encode(SMALL, reversible=True))),
    "deflated": (DEFLATED, b"\x03\x00"),
}
MILLION = 999_999
SPENT = 64 * 2**20
"""Bytes that reading a hostile file of a few MB may take."""


def _file(path: Path, syntax: str = "", frames: bytes | list[bytes] = b"", **attributes: object) -> Path:
    """An instance of 8 x 8 pixels, of which its header says something else."""
    dataset = synthetic_instance(SMALL.copy(), bits_stored=16, rescale=None)
    dataset.SeriesInstanceUID, dataset.SOPInstanceUID = generate_uid(), generate_uid()
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    if frames:
        dataset.PixelData = frames if isinstance(frames, bytes) else encapsulate(frames)
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
        # pydicom does not write deflated frames yet: with a UID of the same length.
        dataset.file_meta.TransferSyntaxUID = UID(syntax.replace(DEFLATED, JPEG_2000))
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    write(dataset, path)
    if syntax == DEFLATED:
        path.write_bytes(path.read_bytes().replace(JPEG_2000.encode(), DEFLATED.encode() + b"\0", 1))
    return path


def _item(content: bytes) -> bytes:
    content += b"\0" * (len(content) % 2)
    return b"\xfe\xff\x00\xe0" + len(content).to_bytes(4, "little") + content


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[], Problem]:
    """A good series beside hostile files: loads the folder, and gives what is said of the one that is hostile."""
    good = synthetic_series(tmp_path / "good", slices=3)

    def load() -> Problem:
        tracemalloc.start()
        try:
            found = voxelry.load(tmp_path)
            assert tracemalloc.get_traced_memory()[1] < SPENT
        finally:
            tracemalloc.stop()
        (volume,) = found.volumes
        np.testing.assert_array_equal(volume.array, good.array)
        ((name, problem),) = found.skipped.items()
        assert problem.message.startswith(f"{name}: ")
        return problem

    return load


@pytest.mark.parametrize("frames", [1, 10_000])
def test_native_pixels_that_are_not_there_cost_no_memory(
    tmp_path: Path, folder: Callable[[], Problem], frames: int
) -> None:
    _file(tmp_path / "bad.dcm", Rows=65_535, Columns=65_535, NumberOfFrames=frames)
    problem = folder()
    assert problem.code == "truncated"
    assert str(65_535 * 65_535 * 2 * frames) in problem.message


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.parametrize("frames", [1, 10_000])
def test_compressed_frames_that_cannot_be_so_large_cost_no_memory(
    tmp_path: Path, folder: Callable[[], Problem], name: str, frames: int
) -> None:
    syntax, frame = FRAMES[name]
    _file(tmp_path / "bad.dcm", syntax, [frame], Rows=65_535, Columns=65_535, NumberOfFrames=frames)
    problem = folder()
    assert problem.code == ("pixel_data" if frames == 1 else "truncated")
    assert ("65535" in problem.message or "8589672450" in problem.message) == (frames == 1)


@pytest.mark.parametrize("name", FRAMES)
def test_declared_frames_without_fragments_are_not_walked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    syntax, frame = FRAMES[name]
    path = _file(tmp_path / "bad.dcm", syntax, [frame], NumberOfFrames=MILLION)
    asked = _count_items(monkeypatch)
    with pytest.raises(TruncatedError, match=f"declares {MILLION} frames"):
        next(frames_of(read_header(FileSource.of(path))))
    assert not asked


def test_fragments_that_are_no_frames_are_not_walked_to_the_end(tmp_path: Path, folder: Callable[[], Problem]) -> None:
    _file(tmp_path / "bad.dcm", JPEG_LS, _item(b"") * 5001, NumberOfFrames=5000)
    assert "does not begin with the marker SOI" in folder().message


@pytest.mark.parametrize("extended", [False, True])
def test_a_table_of_a_million_offsets_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Callable[[], Problem], extended: bool
) -> None:
    frame = _item(FRAMES["jpeg-ls"][1])
    table = _item(b"" if extended else (np.arange(MILLION, dtype="<u4") * 8).tobytes())
    attributes = (
        {f"ExtendedOffsetTable{end}": np.zeros(MILLION, "<u8").tobytes() for end in ("", "Lengths")} if extended else {}
    )
    _file(tmp_path / "bad.dcm", JPEG_LS, table + frame, NumberOfFrames=MILLION, **attributes)
    asked = _count_items(monkeypatch)
    assert folder().code == "truncated"
    assert len(asked) < 10


@pytest.mark.parametrize(
    "offsets",
    [[0, 0, 0], [0, 5, 9], [0, 2**32 - 1, 0], [8, 16, 24], [0] * MILLION, []],
    ids=["overlapping", "no items", "outside", "not from the first", "too many", "none"],
)
@pytest.mark.parametrize("extended", [False, True])
def test_a_table_that_leads_nowhere_is_not_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offsets: list[int], extended: bool
) -> None:
    """As many fragments as frames: each is one, whatever a table says (PS3.5 A.4)."""
    pixels = pattern((3, 8, 8), bits=12).astype(np.uint16)
    items = b"".join(_item(bytes(imagecodecs.jpegls_encode(frame))) for frame in pixels)
    table = _item(b"" if extended else np.array(offsets, "<u4").tobytes())
    attributes = (
        {f"ExtendedOffsetTable{end}": np.array(offsets, "<u8").tobytes() for end in ("", "Lengths")} if extended else {}
    )
    path = _file(tmp_path / "a.dcm", JPEG_LS, table + items, NumberOfFrames=3, **attributes)
    asked = _count_items(monkeypatch)
    np.testing.assert_array_equal(voxelry.pixels(path), pixels)
    assert len(asked) < 20


def test_a_fragment_that_is_cut_off_is_told_with_both_numbers(tmp_path: Path) -> None:
    syntax, frame = FRAMES["rle"]
    path = _file(tmp_path / "cut.dcm", syntax, [frame])
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(TruncatedError, match=rf"cut\.dcm: a fragment .* has {len(frame)} bytes, but \d+ are there"):
        voxelry.pixels(path)


def test_a_stack_that_needs_more_memory_than_there_is_costs_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Callable[[], Problem]
) -> None:
    """A blank frame of any size is a few bytes of JPEG-LS: only its memory is in the way."""
    frame = bytearray(imagecodecs.jpegls_encode(SMALL))
    at = frame.index(b"\xff\xf7")
    frame[at + 5 : at + 9] = b"\xff\xff\xff\xff"
    _file(tmp_path / "bad.dcm", JPEG_LS, [bytes(frame)] * 20, Rows=65_535, Columns=65_535, NumberOfFrames=20)
    monkeypatch.setattr(pixel_memory, "memory_bytes", lambda: 4 * 2**30)
    problem = folder()
    assert problem.code == "memory"
    assert problem.numbers == {"needed_bytes": 20 * 65_535**2 * 2, "memory_bytes": 4 * 2**30}


def test_memory_that_the_system_refuses_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(np, "empty", refuse)
    with pytest.raises(NotEnoughMemoryError, match="8 x 8 values need"):
        pixel_memory.room_for((8, 8), np.int16)


@pytest.mark.parametrize(
    ("groups", "files", "least"),
    [
        ("0::/\n", {"memory.max": "1000"}, 1000),
        ("0::/\n", {"memory.max": "max"}, None),
        ("0::/jobs/one\n", {"memory.max": "max", "jobs/memory.max": "900", "jobs/one/memory.max": "max"}, 900),
        ("5:cpu,memory:/one\n0::/\n", {"memory/memory.limit_in_bytes": "800"}, 800),
        ("5:memory:/one\n", {"memory/one/memory.limit_in_bytes": "700"}, 700),
        ("5:memory:/host/path\n", {"memory/memory.limit_in_bytes": "9223372036854771712"}, None),
    ],
)
def test_the_memory_of_a_container_is_that_of_its_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, groups: str, files: dict[str, str], least: int | None
) -> None:
    for name, content in files.items():
        (tmp_path / "cgroup" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "cgroup" / name).write_text(content + "\n", "ascii")
    (tmp_path / "own").write_text(groups, "ascii")
    machines = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    monkeypatch.setattr(machine, "_CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(machine, "_OWN", tmp_path / "own")
    assert machine.memory_bytes() == (machines if least is None else least)


def test_a_jpeg_ls_frame_that_is_cut_off_never_reaches_the_decoder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Callable[[], Problem]
) -> None:
    _file(tmp_path / "bad.dcm", JPEG_LS, [bytes(imagecodecs.jpegls_encode(NOISE))[:1000]], Rows=64, Columns=64)
    monkeypatch.setattr(codecs, "decode", lambda *_, **__: pytest.fail("it was decoded"))
    assert "a JPEG-LS frame is cut off" in folder().message


def test_no_code_of_a_jpeg_ls_frame_is_looked_for_beyond_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """CharLS reads zeros where no marker ends the data: 2**31 bits of them, for 4.8 s."""
    decode, seen = imagecodecs.jpegls_decode, list[bytes]()

    def watched(data: bytes) -> object:
        seen.append(data)
        return decode(data)

    monkeypatch.setattr(imagecodecs, "jpegls_decode", watched)
    raw = bytes(imagecodecs.jpegls_encode(NOISE))[:1000]
    with pytest.raises(imagecodecs.JpeglsError):
        codecs.decode(raw, UID(JPEG_LS), shape=(64, 64, 1), dtype=np.dtype("u2"), photometric="MONOCHROME2")
    assert seen[0].endswith(b"\xff\xd9")


def test_zeros_after_the_end_of_a_frame_are_no_cut(tmp_path: Path) -> None:
    path = _file(tmp_path / "a.dcm", JPEG_LS, [FRAMES["jpeg-ls"][1] + bytes(500)])
    np.testing.assert_array_equal(voxelry.pixels(path)[0], SMALL[0])


def test_sequences_without_end_are_one_files_problem(tmp_path: Path, folder: Callable[[], Problem]) -> None:
    path = _file(tmp_path / "bad.dcm")
    content = path.read_bytes()
    at = content.index(b"\xe0\x7f\x10\x00")
    begun = b"\x40\x00\x30\xa7SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    path.write_bytes(content[:at] + begun * 20_000 + content[at:])
    assert folder().code == "damaged"


def test_a_million_groups_of_one_frame_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Callable[[], Problem]
) -> None:
    path = _file(tmp_path / "bad.dcm")
    content = path.read_bytes()
    at = content.index(b"\xe0\x7f\x10\x00")
    head = b"\x00\x52\x30\x92SQ\0\0" + (8 * MILLION).to_bytes(4, "little")
    path.write_bytes(content[:at] + head + b"\xfe\xff\x00\xe0\0\0\0\0" * MILLION + content[at:])
    monkeypatch.setattr("pydicom.values.convert_SQ", lambda *_: pytest.fail("it was read"))
    assert "has more items" in folder().message


def test_frames_that_share_their_groups_share_what_is_read_of_them(tmp_path: Path) -> None:
    group = Dataset()
    group.PixelMeasuresSequence = [Dataset()]
    group.PixelMeasuresSequence[0].PixelSpacing = [0.5, 0.5]
    dataset = synthetic_instance(pattern((9, 8, 8), bits=12).astype(np.uint16))
    dataset.SharedFunctionalGroupsSequence = [group]
    frames = list(frames_of(read_header(FileSource.of(write(dataset, tmp_path / "a.dcm")))))
    assert len(frames) == 9
    assert len({id(frame.facts) for frame in frames}) == 1
    assert frames[0].pixel_spacing == (0.5, 0.5)


def _count_items(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    asked: list[int] = []
    item = encapsulated._Encapsulated._item

    def counted(self: encapsulated._Encapsulated, at: int) -> encapsulated.Fragment | None:
        asked.append(at)
        return item(self, at)

    monkeypatch.setattr(encapsulated._Encapsulated, "_item", counted)
    return asked
