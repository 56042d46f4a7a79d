"""The time from volume to volume of a NIfTI file: from times of acquisition, else the Repetition Time of EPI."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import nibabel
import pytest
from pydicom.dataset import Dataset

import voxelry
from tests.workflows.unlike_volumes import Change, unlike_volumes
from voxelry.testing import synthetic_mosaics

EPI: dict[str, Any] = {"ScanningSequence": ["EP", "GR"], "RepetitionTime": 2000.0}


def philips(seconds: float) -> Callable[[Dataset], None]:
    def change(dataset: Dataset) -> None:
        dataset.TemporalPositionIdentifier = int(seconds) + 1
        dataset.private_block(0x2005, "Philips MR Imaging DD 001", create=True).add_new(0xA0, "FL", seconds)

    return change


def clock(*seconds: float, exact: bool = True, **more: Any) -> list[dict[str, object]]:
    """Volumes at seconds after noon, with or without fractions in the header."""
    words = [f"12{int(one) // 60:02d}{one % 60:0{9 if exact else 2}.{6 if exact else 0}f}" for one in seconds]
    return [{**more, "AcquisitionDate": "20200101", "AcquisitionTime": word} for word in words]


def numbered(count: int, **more: object) -> list[Change]:
    return [{**more, "TemporalPositionIdentifier": one + 1} for one in range(count)]


CASES: dict[str, tuple[Sequence[Change], float, str]] = {
    "even times": (clock(0, 12.5, 25.0, 37.5), 12.5, "MR"),
    "times that are rounded to the scanner's ticks": (clock(0, 2.0025, 4.0, 6.0025, **EPI), 2.0, "MR"),
    "whole seconds, and a Repetition Time within them": (
        clock(0, 3, 5, 8, exact=False, ScanningSequence=["EP"], RepetitionTime=2500.0), 2.5, "MR",
    ),
    "a pause after each volume": (clock(0, 9.0, 18.0, **EPI), 9.0, "MR"),
    "a Repetition Time of EPI alone": (numbered(3, **EPI), 2.0, "MR"),
    "a Repetition Time that is no volume's": (numbered(3, ScanningSequence=["GR"], RepetitionTime=5.0), 0, "MR"),
    "Temporal Resolution": (
        numbered(3, ScanningSequence=["GR"], RepetitionTime=5.0, TemporalResolution=6400.0), 6.4, "MR",
    ),
    "phases of the heart": ([{"TriggerTime": t, "RepetitionTime": 40.0} for t in (0.0, 33.0, 66.0)], 0.033, "MR"),
    "Philips' dynamics": ([philips(s) for s in (0.0, 3.0, 6.0)], 3.0, "MR"),
    "PET": ([{"FrameReferenceTime": t, "Units": "BQML"} for t in (30_000.0, 90_000.0, 150_000.0)], 60.0, "PT"),
    "dynamic CT": (clock(0, 1.5, 3.0, 4.5), 1.5, "CT"),
    "uneven times": (clock(0, 10, 20, 60), 0, "MR"),
    "times that run back": (
        [{**one, "TemporalPositionIdentifier": n} for n, one in enumerate(clock(20, 10, 0), 1)],
        0, "MR",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_step_in_time(tmp_path: Path, case: str) -> None:
    changes, seconds, modality = CASES[case]
    unlike_volumes(tmp_path / "in", changes, modality=modality)
    (one,) = voxelry.convert(tmp_path / "in", tmp_path / "out.nii").written
    header: Any = nibabel.load(one.path).header
    assert one.shape[0] == len(changes)
    assert header.get_zooms()[3] == pytest.approx(seconds, abs=1e-6)
    assert header.get_xyzt_units()[1] == "sec"
    told = json.loads((tmp_path / "out.json").read_text("utf-8"))
    if modality == "PT":  # whose times BIDS has in other fields
        middles = told["FrameReferenceTime"]
        assert [after - before for before, after in pairwise(middles)] == [seconds] * (len(changes) - 1)
        assert "RepetitionTime" not in told
    elif seconds and case != "phases of the heart":
        assert told["RepetitionTime"] == pytest.approx(seconds, abs=1e-6)
    assert any("uneven times" in words for words in one.warnings) == (case == "uneven times")


def test_uneven_times_are_told(tmp_path: Path) -> None:
    unlike_volumes(tmp_path / "in", clock(0, 10, 20, 60, RepetitionTime=5.0))
    (one,) = voxelry.convert(tmp_path / "in", tmp_path / "out.nii").written
    (words,) = one.warnings
    assert words == (
        "the 4 volumes were acquired at uneven times, 10 to 40 s apart (Acquisition Time (0008,0032)): the file gives "
        "no time step, and its sidecar the times"
    )
    told = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert told["VolumeTiming"] == [0.0, 10.0, 20.0, 60.0]
    assert "RepetitionTime" not in told


def test_frames_of_pet_have_their_own_field(tmp_path: Path) -> None:
    unlike_volumes(tmp_path / "in", clock(0, 10, 20, 80, Units="BQML"), modality="PT")
    voxelry.convert(tmp_path / "in", tmp_path / "out.nii")
    told = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert told["FrameTimesStart"] == [0.0, 10.0, 20.0, 80.0]


def test_who_knows_better_says_so(tmp_path: Path) -> None:
    unlike_volumes(tmp_path / "in", clock(0, 10, 20, 60))
    (one,) = voxelry.convert(tmp_path / "in", tmp_path / "out.nii", options={"time_step": 7.5}).written
    assert json.loads((tmp_path / "out.json").read_text("utf-8"))["RepetitionTime"] == 7.5
    assert nibabel.load(one.path).header.get_zooms()[3] == 7.5  # type: ignore[attr-defined]
    with pytest.raises(voxelry.ParameterError, match="time_step"):
        voxelry.convert(tmp_path / "in", tmp_path / "no.nii", options={"time_step": "soon"})


def test_mosaics_have_it_too(tmp_path: Path) -> None:
    synthetic_mosaics(tmp_path / "in", volumes=3)
    (one,) = voxelry.convert(tmp_path / "in", tmp_path / "out.nii").written
    assert one.shape[0] == 3
    assert nibabel.load(one.path).header.get_zooms()[3] > 0  # type: ignore[attr-defined]
