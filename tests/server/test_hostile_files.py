"""Hostile files through the site: each costs itself, is told in a problem document, and blocks nobody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.dicom.odd_decoder import CRASH, HANG
from tests.dicom.odd_frames import odd, odd_children
from voxelry.core.errors import VoxelryError
from voxelry.dicom.pixels import pixel_memory
from voxelry.server.api import measure_routes
from voxelry.server.api.turns import NoTurnError, Turns
from voxelry.server.archive.models import Series
from voxelry.testing import synthetic_instance, synthetic_series, write, zip_folder

pytestmark = pytest.mark.django_db(transaction=True)
JPEG_LS = "1.2.840.10008.1.2.4.80"


@pytest.fixture
def _children(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with odd_children(monkeypatch):
        yield


def _sent(path: Path) -> SimpleUploadedFile:
    return SimpleUploadedFile(path.name, path.read_bytes())


@pytest.mark.usefixtures("_children")
def test_a_poisoned_file_is_told_and_the_others_are_measured(site: Any, tmp_path: Path) -> None:
    told = site.post("/measure", 422, file=_sent(odd(tmp_path / "bad.dcm", HANG)))
    assert told["code"] == "pixel_data"
    assert told["detail"].startswith("bad.dcm: the compressed frame could not be decoded within ")
    synthetic_series(tmp_path / "all" / "good", slices=3, transfer_syntax=JPEG_LS)
    for number in range(2):
        odd(tmp_path / "all" / f"{number}.dcm", CRASH)
    told = site.post("/measure", 200, file=_sent(zip_folder(tmp_path / "all.zip", tmp_path / "all")))
    assert len(told["measurements"]) == 1
    assert len(told["skipped"]) == 2


@pytest.mark.usefixtures("_children")
def test_a_poisoned_file_costs_a_build_itself(site: Any, tmp_path: Path) -> None:
    synthetic_series(tmp_path / "good", slices=3, transfer_syntax=JPEG_LS)
    odd(tmp_path / "bad.dcm", HANG)
    site.upload(sorted(tmp_path.rglob("*.dcm")))
    good, bad = sorted(Series.objects.all(), key=lambda series: series.instances.count(), reverse=True)
    assert [stack.shape for stack in good.stacks.all()] == [[3, 16, 20]]
    assert not bad.stacks.exists()
    assert "could not be decoded within" in bad.problem_message


def test_what_claims_more_than_is_there_is_a_problem_document(site: Any, tmp_path: Path) -> None:
    dataset = synthetic_instance(np.zeros((8, 8), np.uint16))
    dataset.Rows = dataset.Columns = 65_535
    dataset.NumberOfFrames = 10_000
    told = site.post("/measure", 422, file=_sent(write(dataset, tmp_path / "a.dcm")))
    assert (told["status"], told["code"]) == (422, "truncated")


def test_volumes_that_are_measured_take_so_much_memory_together(tmp_path: Path) -> None:
    """Files that compress well unpack to more than an archive's limit knows of."""
    with pixel_memory.limited_memory(3 * 8 * 8 * 2):
        pixel_memory.room_for((2, 8, 8), np.int16)
        pixel_memory.room_for((1, 8, 8), np.int16)
        with pytest.raises(VoxelryError, match=r"1 x 8 x 8 values need .*may be taken here"):
            pixel_memory.room_for((1, 8, 8), np.int16)
    pixel_memory.room_for((1, 8, 8), np.int16)


@pytest.mark.parametrize("error", [RecursionError("words"), MemoryError(), KeyError("words"), AttributeError("words")])
def test_what_nobody_foresaw_is_no_fault_of_the_server(
    site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(measure_routes, "measure_all", fail)
    told = site.post("/measure", 422, file=_sent(write(synthetic_instance(), tmp_path / "a.dcm")))
    assert told["code"] == "damaged"
    assert type(error).__name__ in told["detail"]
    assert type(error).__name__ in caplog.text
    assert "words" not in caplog.text + told["detail"]


def test_measuring_has_an_end(site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure_routes, "LONGEST_SECONDS", -1.0)
    told = site.post("/measure", 422, file=_sent(write(synthetic_instance(), tmp_path / "a.dcm")))
    assert told["code"] == "too_slow"
    assert "upload it" in told["detail"]


def test_nobody_takes_the_last_place_and_who_is_slow_blocks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Turns(2)
    with turns.take(1, patience=1), turns.take(1, patience=1):
        with pytest.raises(NoTurnError), turns.take(2, patience=0.01):
            pass
        monkeypatch.setattr("voxelry.server.api.turns.SLOW_SECONDS", 0.0)
        with turns.take(1, patience=1):
            with pytest.raises(NoTurnError), turns.take(1, patience=0.01):
                pass
            with turns.take(2, patience=1), pytest.raises(NoTurnError), turns.take(3, patience=0.01):
                pass
    with turns.take(3, patience=0.01):
        pass
