"""Frames decoded by children: the same values, and a frame that cannot be decoded costs itself."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import voxelry
from tests.dicom import odd_decoder
from tests.dicom.odd_frames import odd, odd_children
from voxelry.core.errors import PixelDataError
from voxelry.dicom.pixels import decoding
from voxelry.parallel import in_parallel, workers
from voxelry.testing import synthetic_series

JPEG_LS, JPEG_2000, RLE = "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.5"


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[subprocess.Popen[bytes]]]:
    with odd_children(monkeypatch) as started:
        yield started


@pytest.mark.parametrize("syntax", [JPEG_LS, JPEG_2000])
@pytest.mark.parametrize("photometric", ["MONOCHROME2", "RGB"])
def test_children_give_the_same_values(
    tmp_path: Path, children: list[subprocess.Popen[bytes]], syntax: str, photometric: str
) -> None:
    rescale = {} if photometric == "MONOCHROME2" else {"rescale": None}
    truth = synthetic_series(tmp_path, slices=6, transfer_syntax=syntax, photometric=photometric, **rescale)  # type: ignore[arg-type]
    np.testing.assert_array_equal(voxelry.load_volume(tmp_path).array, truth.array)
    np.testing.assert_array_equal(voxelry.load_volume(tmp_path).array, truth.array)
    assert 0 < len(children) <= workers()


def test_what_is_small_by_itself_needs_no_child(tmp_path: Path, children: list[subprocess.Popen[bytes]]) -> None:
    for syntax in (RLE, "1.2.840.10008.1.2.1"):
        truth = synthetic_series(tmp_path / syntax, slices=3, transfer_syntax=syntax)
        np.testing.assert_array_equal(voxelry.load_volume(tmp_path / syntax).array, truth.array)
    assert not children


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "words"),
    [
        (odd_decoder.HANG, "could not be decoded within"),
        (odd_decoder.SLEEP, "could not be decoded within"),
        (odd_decoder.CRASH, "could not be decoded within"),
        (odd_decoder.GREED, "MemoryError"),
        (odd_decoder.REFUSE, "ValueError"),
    ],
)
def test_a_frame_that_cannot_be_decoded_costs_its_own_file(
    tmp_path: Path, children: list[subprocess.Popen[bytes]], what: int, words: str
) -> None:
    truth = synthetic_series(tmp_path / "good", slices=3, transfer_syntax=JPEG_LS)
    bad = odd(tmp_path / "bad.dcm", what)
    found = voxelry.load(tmp_path)
    np.testing.assert_array_equal(found.volumes[0].array, truth.array)
    assert list(found.skipped) == [str(bad)]
    assert found.skipped[str(bad)].code == "pixel_data"
    assert found.skipped[str(bad)].message.startswith(f"{bad}: ")
    assert words in found.skipped[str(bad)].message


@pytest.mark.slow
def test_frames_after_too_many_that_hang_have_less_time_and_are_tried(
    tmp_path: Path, children: list[subprocess.Popen[bytes]]
) -> None:
    truth = synthetic_series(tmp_path / "good", slices=3, transfer_syntax=JPEG_LS)
    for number in range(4):
        odd(tmp_path / f"{number}.dcm", odd_decoder.CRASH)
    with decoding.patience(1.5):  # each frame has 0.8 s
        found = voxelry.load(tmp_path)
    assert sum("within 0.8 s" in problem.message for problem in found.skipped.values()) == 2
    assert sum("within 0.1 s" in problem.message for problem in found.skipped.values()) == 2
    np.testing.assert_array_equal(found.volumes[0].array, truth.array)


def test_patience_is_shared_by_threads() -> None:
    with decoding.patience(3):
        mine = decoding._patience.get()
        assert {id(found) for found in in_parallel([decoding._patience.get] * 50)} == {id(mine)}
    assert decoding._patience.get() is None


def test_a_process_that_ends_waits_for_no_frame(
    tmp_path: Path, children: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is not at fault, so that the error is none that is told of files."""
    monkeypatch.setattr(decoding, "LEAST_SECONDS", 600.0)
    path, ended = odd(tmp_path / "bad.dcm", odd_decoder.HANG), list[BaseException]()

    def load() -> None:
        try:
            voxelry.pixels(path)
        except BaseException as error:
            ended.append(error)

    waiting = threading.Thread(target=load)
    waiting.start()
    while not children:
        time.sleep(0.01)
    decoding.close_decoders(KeyboardInterrupt)
    waiting.join(30)
    assert [type(error) for error in ended] == [KeyboardInterrupt]
    with pytest.raises(KeyboardInterrupt):
        voxelry.pixels(path)


@pytest.mark.slow
def test_a_child_that_died_idle_is_replaced(tmp_path: Path, children: list[subprocess.Popen[bytes]]) -> None:
    path = odd(tmp_path / "a.dcm", 7)
    assert voxelry.pixels(path).max() == 7
    children[0].kill()
    children[0].wait()
    assert voxelry.pixels(path).max() == 7
    with pytest.raises(PixelDataError):
        voxelry.pixels(odd(tmp_path / "b.dcm", odd_decoder.REFUSE))
    assert len(children) == 2
