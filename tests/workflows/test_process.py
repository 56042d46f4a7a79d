"""Steps over many series: what fails spoils nothing else, order is kept, and the work can be stopped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pydicom
import pytest
from pydantic import Field

import voxelry
from voxelry.core.errors import ExistsError, MeasureError, ParameterError
from voxelry.core.progress import Progress
from voxelry.core.registry import format_named
from voxelry.core.segmentation import Segment, Segmentation
from voxelry.core.steps import Params, Step, StepResult
from voxelry.core.volume import Volume
from voxelry.dicom.objects.segmentation import write_segmentation
from voxelry.testing import SECRETS, bad_files, synthetic_series, zip_folder
from voxelry.workflows.process.processing import process


class AddParams(Params):
    value: int = Field(default=1, ge=-100, le=100)


def add(volumes: Sequence[Volume], params: AddParams, progress: Progress) -> StepResult:
    progress(0.5, "adding")
    (volume,) = volumes
    return StepResult(volumes=(replace(volume, array=volume.array + np.int16(params.value)),))


def fail(volumes: Sequence[Volume], params: AddParams, progress: Progress) -> StepResult:
    (volume,) = volumes
    if volume.array.shape[0] == 4:
        raise MeasureError("four slices are not enough")
    if volume.array.shape[0] == 6:
        raise RuntimeError(f"of {volume.metadata['PatientName']}")
    return add(volumes, params, progress)


def difference(volumes: Sequence[Volume], params: AddParams, progress: Progress) -> StepResult:
    fixed, moving = volumes
    return StepResult(volumes=(replace(fixed, array=fixed.array - moving.array),), rows=({"voxels": fixed.array.size},))


ADD = Step(name="add", title="Add", description="Adds.", params=AddParams, function=add)
FAIL = Step(name="fail", title="Fail", description="Fails at times.", params=AddParams, function=fail)
DIFFERENCE = Step(
    name="difference", title="Difference", description="Subtracts.", params=AddParams, function=difference,
    inputs=("fixed", "moving"),
)  # fmt: skip


@pytest.fixture
def three(tmp_path: Path) -> Path:
    for number, slices in enumerate((5, 4, 6)):
        synthetic_series(tmp_path / "in" / f"{number}", slices=slices, seed=number)
    return tmp_path / "in"


def arrays(path: Path) -> list[np.ndarray]:
    return [volume.array for volume in voxelry.load(path).volumes]


# --- what is done -----------------------------------------------------------------------------------------------------


def test_every_volume_below_a_path_in_order(three: Path) -> None:
    report = process(three, ADD, params={"value": "7"})
    assert report.complete
    assert not report.skipped
    for one, array in zip(report.results, arrays(three), strict=True):
        assert one.result is not None
        np.testing.assert_array_equal(one.result.volumes[0].array, array + 7)
        assert one.saved is None


def test_several_paths_keep_their_order(three: Path, tmp_path: Path) -> None:
    paths: list[Path | str] = [three / "2", zip_folder(tmp_path / "a.zip", three / "0"), str(three / "1")]
    report = process(paths, "gaussian", params={"sigma": 0.5})
    assert [one.result.volumes[0].array.shape[0] for one in report.results if one.result] == [6, 5, 4]
    assert [one.name for one in report.results] == list(map(str, paths))


def test_what_fails_spoils_nothing_else(three: Path, tmp_path: Path) -> None:
    bad_files(three / "bad")
    report = process([three, tmp_path / "nowhere"], FAIL)
    assert [one.result.volumes[0].array.shape[0] for one in report.results if one.result] == [5]
    codes = {problem.code for problem in report.skipped.values()}
    assert {"measure", "step_failed", "nothing_found", "not_dicom"} <= codes
    assert not report.complete
    words = " ".join((*report.skipped, *(problem.message for problem in report.skipped.values())))
    assert "four slices are not enough" in words
    assert "RuntimeError" in words
    assert not any(secret in words for secret in SECRETS)
    with pytest.raises(RuntimeError):
        process(three, FAIL, on_error="raise")


def test_an_irregular_series_is_told_or_made_even(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in", slices=4, offsets=(0, 3, 9, 12))
    report = process(tmp_path / "in", ADD)
    assert not report.results
    assert {problem.code for problem in report.skipped.values()} == {"missing_slices"}
    assert len(process(tmp_path / "in", ADD, on_irregular="resample").results) == 1


def test_files_of_other_formats(three: Path, tmp_path: Path) -> None:
    (first, *_) = voxelry.load(three).volumes
    format_named("nrrd").write([first], str(tmp_path / "a.nrrd"), options={})
    report = process([tmp_path / "a.nrrd", three / "1"], ADD, out=tmp_path / "out")
    assert sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.json")) == [
        "ct-1/result.json",
        "volume/result.json",
    ]
    assert [one.saved.outputs[0].format for one in report.results if one.saved] == ["nifti", "dicom"]


# --- results in folders -----------------------------------------------------------------------------------------------


def test_a_single_volume_is_the_folder(three: Path, tmp_path: Path) -> None:
    report = process(three / "0", ADD, params=AddParams(value=2), out=tmp_path / "out")
    (one,) = report.results
    assert one.result is None
    assert one.saved is not None
    assert one.saved.folder == tmp_path / "out"
    np.testing.assert_array_equal(arrays(tmp_path / "out")[0], arrays(three / "0")[0] + 2)
    told = json.loads((tmp_path / "out" / "result.json").read_text())
    assert (told["step"], told["params"]) == ("add", {"value": 2})


@pytest.mark.parametrize("workers", [1, 2])
def test_many_get_a_folder_each_and_are_kept(three: Path, tmp_path: Path, workers: int) -> None:
    out = tmp_path / "out"
    with joblib.parallel_config(backend="threading"):
        report = process(three, ADD, out=out, workers=workers)
        names = ["ct-1-1", "ct-1-2", "ct-1-3"]
        assert sorted(path.name for path in out.iterdir()) == names
        assert [one.saved.folder.name for one in report.results if one.saved] == names
        again = process(three, ADD, out=out, workers=workers)
        assert not again.results
        assert [problem.code for problem in again.skipped.values()] == ["exists"] * 3
        assert len(process(three, ADD, out=out, workers=workers, overwrite=True).results) == 3
    assert sorted(path.name for path in out.iterdir()) == names


def test_other_formats(three: Path, tmp_path: Path) -> None:
    process(three, ADD, out=tmp_path / "out", format="nrrd", options={})
    assert len(list((tmp_path / "out").rglob("volume.nrrd"))) == 3
    with pytest.raises(ParameterError, match="no format"):
        process(three, ADD, out=tmp_path / "other", format="betamax")
    assert not (tmp_path / "other").exists()


# --- several volumes --------------------------------------------------------------------------------------------------


def test_steps_of_two_volumes_take_pairs(tmp_path: Path) -> None:
    for seed in range(2):
        synthetic_series(tmp_path / f"{seed}", seed=seed)
    synthetic_series(tmp_path / "1" / "more", seed=9)
    one, two = tmp_path / "0", tmp_path / "1"
    report = process([(one, one), (one, two)], DIFFERENCE, out=tmp_path / "out")
    (same,) = report.results
    assert same.saved is not None
    assert not arrays(same.saved.folder)[0].any()
    assert [problem.code for problem in report.skipped.values()] == ["not_one_volume"]
    with pytest.raises(ParameterError, match="fixed and moving"):
        process([one], DIFFERENCE)
    process((one, one), DIFFERENCE, out=tmp_path / "alone")
    assert not arrays(tmp_path / "alone")[0].any()
    with pytest.raises(ParameterError, match="takes 1 volumes"):
        process([(one, two)], ADD)


def test_volumes_of_two_patients_are_told(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "a")
    synthetic_series(tmp_path / "b", seed=1, attributes={"PatientID": "somebody else"})
    one, two = tmp_path / "a", tmp_path / "b"
    assert not any("different patients" in words for words in process((one, one), DIFFERENCE).results[0].warnings)
    (warning,) = (
        words
        for words in process((one, two), DIFFERENCE, same_frame_of_reference=True).results[0].warnings
        if "patients" in words
    )
    assert "somebody" not in warning


# --- wrong from the start ---------------------------------------------------------------------------------------------


def test_what_is_wrong_for_all_is_an_error(three: Path, tmp_path: Path) -> None:
    for arguments, words in (
        ({"step": ADD, "params": {"value": 1000}}, "value"),
        ({"step": ADD, "params": {"valve": 1}}, "valve"),
        ({"step": ADD, "workers": 0}, "workers"),
        ({"step": "no_such_step"}, "gaussian"),
        ({"step": ADD, "on_irregular": "guess"}, "on_irregular"),
        ({"step": "gaussian", "params": AddParams()}, "another step's"),
    ):
        with pytest.raises(ParameterError, match=words):
            process(three, out=tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()


# --- joblib -----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_other_processes_give_the_same(three: Path) -> None:
    here = process(three, "gaussian")
    there = process(three, "gaussian", workers=2)
    for one, two in zip(here.results, there.results, strict=True):
        assert one.result is not None
        assert two.result is not None
        volume, other = one.result.volumes[0], two.result.volumes[0]
        np.testing.assert_array_equal(volume.array, other.array)
        assert dict(volume.metadata) == dict(other.metadata)
        assert not other.array.flags.writeable


def test_the_backend_is_the_caller_s_line(three: Path) -> None:
    seen: list[str] = []
    with joblib.parallel_config(backend="threading", n_jobs=2):
        report = process(three, ADD, progress=lambda _, words: seen.append(words))
    assert len(report.results) == 3
    assert "3 of 3 volumes" in seen


# --- progress and stopping --------------------------------------------------------------------------------------------


def test_progress_runs_from_0_to_1(three: Path) -> None:
    told: list[tuple[float, str]] = []
    process(three, ADD, progress=lambda fraction, words: told.append((fraction, words)))
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert [words for _, words in told].count("adding") == 3


class Stop(Exception):
    pass


@pytest.mark.parametrize("words", ["adding", "1 of 3 volumes"])
def test_progress_stops_the_work(three: Path, tmp_path: Path, words: str) -> None:
    def stop(_: float, now: str) -> None:
        if now == words:
            raise Stop

    several = words != "adding"
    with joblib.parallel_config(backend="threading"), pytest.raises(Stop):
        process(three, ADD, out=tmp_path / "out", workers=2 if several else None, progress=stop)
    assert (tmp_path / "out").exists() == several
    if several:
        assert len(list((tmp_path / "out").glob("ct-1-*/result.json"))) >= 1


def test_nothing_is_left_of_what_was_stopped(three: Path, tmp_path: Path) -> None:
    def stop(fraction: float, now: str) -> None:
        if "DICOM" in now and fraction > 0.5:
            raise Stop

    with pytest.raises(Stop):
        process(three, ADD, out=tmp_path / "out", progress=stop)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["ct-1-1"]
    process(three, ADD, out=tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["ct-1-1", "ct-1-2", "ct-1-3"]


# --- segments ---------------------------------------------------------------------------------------------------------


def count(volumes: Sequence[Volume], params: AddParams, progress: Progress) -> StepResult:
    (volume,) = volumes
    numbers = [int(number) for number in np.unique(volume.array)]
    return StepResult(rows=tuple({"label": one, "voxels": int((volume.array == one).sum())} for one in numbers))


COUNT = Step(name="count", title="Count", description="Counts.", params=AddParams, function=count, group="measure")


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("packed", [True, False])
def test_a_segmentation_is_one_volume_of_labels(
    tmp_path: Path, full: bool, packed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not full:  # only the slices that hold some of a segment
        monkeypatch.setattr("voxelry.dicom.objects.segmentation.MOST_BYTES", 10)
    synthetic_series(tmp_path / "in", slices=7)
    (series,) = voxelry.index(tmp_path / "in").series
    volume = series.stacks[0].volume()
    labels = np.zeros(volume.array.shape, np.uint8)
    labels[2:4, 3:9] = 1
    labels[3:6, 11] = 2
    labels[1, 0, 0] = 3
    segments = tuple(Segment(number=number, label=f"part {number}") for number in (1, 2, 3))
    (path,) = write_segmentation(
        Segmentation(labels=labels, source=volume, segments=segments), series, tmp_path / "seg" / "a.dcm"
    ).paths
    given = zip_folder(tmp_path / "seg.zip", tmp_path / "seg") if packed else path
    (one,) = process(given, COUNT).results
    assert one.result is not None
    assert [row["voxels"] for row in one.result.rows if row["label"]] == [int((labels == n).sum()) for n in (1, 2, 3)]
    (added,) = process(given, ADD, params={"value": 0}).results
    assert added.result is not None
    (found,) = added.result.volumes
    assert found.affine is not None
    assert volume.affine is not None
    for number in (1, 2, 3):
        first = np.argwhere(found.array == number)[0]
        np.testing.assert_allclose(
            found.affine @ (*first, 1), volume.affine @ (*np.argwhere(labels == number)[0], 1), atol=1e-6
        )


def test_segments_that_overlap_have_no_one_label(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in")
    (series,) = voxelry.index(tmp_path / "in").series
    volume = series.stacks[0].volume()
    labels = np.ones(volume.array.shape, np.uint8)
    segments = (Segment(number=1, label="a"), Segment(number=2, label="b"))
    (path,) = write_segmentation(
        Segmentation(labels=labels, source=volume, segments=segments), series, tmp_path / "a.dcm"
    ).paths
    read = pydicom.dcmread(path)
    read.PixelData = b"\xff" * len(read.PixelData)
    read.save_as(path)
    report = process(path, COUNT)
    assert "segments 1 and 2 overlap" in report.skipped[str(path)].message


def test_what_is_no_path_and_no_step_is_told(tmp_path: Path) -> None:
    array = synthetic_series(tmp_path / "in").array
    for wrong in (array, [array], [3]):
        with pytest.raises(ParameterError, match="a path or a Volume is wanted"):
            process(wrong, ADD)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="a step is named"):
        process(tmp_path / "in", add)  # type: ignore[arg-type]


def test_overwriting_takes_no_source_and_nothing_of_others(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "out" / "in")
    (tmp_path / "out" / "notes.txt").write_text("mine")
    with pytest.raises(ExistsError, match="holds the input"):
        process(tmp_path / "out" / "in", ADD, out=tmp_path / "out", overwrite=True)
    with pytest.raises(ExistsError, match="is the input as well"):
        process(tmp_path / "out" / "in", ADD, out=tmp_path / "out" / "in", overwrite=True)
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "notes.txt").write_text("mine")
    report = process(tmp_path / "out" / "in", ADD, out=tmp_path / "others", overwrite=True)
    assert [problem.code for problem in report.skipped.values()] == ["exists"]
    assert "holds no result" in str(next(iter(report.skipped.values())))
    assert (tmp_path / "others" / "notes.txt").read_text() == (tmp_path / "out" / "notes.txt").read_text() == "mine"
    assert len(list((tmp_path / "out" / "in").iterdir())) == 5
    for _ in range(2):
        assert process(tmp_path / "out" / "in", ADD, out=tmp_path / "result", overwrite=True).complete
