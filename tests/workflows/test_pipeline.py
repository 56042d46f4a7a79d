"""The seed's pipeline: jobs by name, a DICOM folder in and a DICOM folder out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import SimpleITK
from scipy import ndimage

import voxelry
from voxelry.core.errors import (
    ExistsError,
    GeometryError,
    MeasureError,
    NothingFoundError,
    ParameterError,
    VoxelryError,
)
from voxelry.core.registry import step_names
from voxelry.core.volume import Volume
from voxelry.dicom.series.stack import Stack
from voxelry.dicom.write.writing import write_series
from voxelry.testing import OBLIQUE, SECRETS, bad_files, synthetic_series, zip_folder
from voxelry.workflows.process.pipeline import (
    Config,
    InferencePipeline,
    JobEntry,
    UnknownJobError,
    load_volumes,
    write_slices,
)


def double(volume: Volume, config: Config) -> Volume:
    return replace(volume, array=volume.array.astype(np.int32) * config.get("times", 2))


def job(name: str = "double", func: Callable[..., Any] = double, **config: Any) -> JobEntry:
    return JobEntry(name, config or {"times": 2}, load_volumes, write_slices, func)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    synthetic_series(tmp_path / "in")
    return tmp_path / "in"


# --- the registry -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("registry", [None, (), [], iter(())])
def test_3dblur_is_there_from_the_start(registry: Any) -> None:
    pipeline = InferencePipeline(registry)
    assert pipeline.is_job_registered("3dblur")
    assert pipeline.jobs[0] == "3dblur"
    assert InferencePipeline().is_job_registered("3dblur")


def test_the_last_of_a_name_wins(folder: Path, tmp_path: Path) -> None:
    first, last = job(times=3), job(times=5)
    for number, pipeline in enumerate((InferencePipeline([first, last]), InferencePipeline([first]))):
        pipeline.register(last)
        pipeline.execute("double", folder, tmp_path / f"{number}")
        np.testing.assert_array_equal(
            voxelry.load_volume(tmp_path / f"{number}").array, 5 * voxelry.load_volume(folder).array.astype(int)
        )
    own = InferencePipeline([job("3dblur"), job("gaussian")])
    own.execute("gaussian", folder, tmp_path / "own")
    assert not (tmp_path / "own" / "result.json").exists()
    assert own.jobs[:2] == ("3dblur", "gaussian")


def test_unregister_forgets_and_knows_what_it_does_not_know() -> None:
    pipeline = InferencePipeline([job()])
    for name in ("double", "3dblur", "gaussian"):
        assert pipeline.is_job_registered(name)
        pipeline.unregister(name)
        assert not pipeline.is_job_registered(name)
        with pytest.raises(KeyError) as caught:
            pipeline.unregister(name)
        assert str(caught.value).startswith(f"no job is named '{name}'; known are ")
    pipeline.register(job("gaussian"))
    assert pipeline.is_job_registered("gaussian")
    assert InferencePipeline().is_job_registered("gaussian")


def test_every_step_is_a_job() -> None:
    pipeline = InferencePipeline()
    assert set(pipeline.jobs) == {"3dblur", *step_names()}
    assert all(map(pipeline.is_job_registered, pipeline.jobs))


# --- a folder in, a folder out ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", [(1, 0, 0, 0, 1, 0), OBLIQUE])
@pytest.mark.parametrize("frames", ["single", "enhanced"])
def test_3dblur_blurs_by_millimetres_and_stays_in_place(tmp_path: Path, orientation: Any, frames: Any) -> None:
    synthetic_series(tmp_path / "in", orientation=orientation, frames=frames, spacing=(2.0, 1.0, 0.5))
    before = voxelry.load_volume(tmp_path / "in")
    report = InferencePipeline().execute("3dblur", tmp_path / "in", tmp_path / "out")
    assert report.complete
    after = voxelry.load_volume(tmp_path / "out")
    expected = ndimage.gaussian_filter(before.array.astype(np.float64), (0.5, 1.0, 2.0))
    assert np.abs(after.array - expected).max() <= np.ptp(expected) * 1e-3
    np.testing.assert_allclose(after.affine, before.affine, atol=1e-6)  # type: ignore[arg-type]
    if frames == "single":
        reader = SimpleITK.ImageSeriesReader()
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path / "out")))
        image = reader.Execute()
    else:
        image = SimpleITK.ReadImage(str(report.paths[0]))
    for index in [(0, 0, 0), (4, 3, 7), (2, 15, 19)]:
        place = before.affine @ (*index, 1)  # type: ignore[operator]
        assert image.TransformPhysicalPointToIndex(tuple(map(float, place[:3]))) == index[::-1]
        assert image[index[::-1]] == pytest.approx(after.array[index], abs=1e-3)


def test_what_comes_out_is_dicom_of_the_same_study(folder: Path, tmp_path: Path) -> None:
    report = InferencePipeline([job()]).execute("double", folder, tmp_path / "out")
    assert sorted(report.paths) == sorted((tmp_path / "out").iterdir())
    before = pydicom.dcmread(min(folder.iterdir()))
    for path in report.paths:
        after = pydicom.dcmread(path)
        for keyword in ("StudyInstanceUID", "PatientID", "PatientName", "FrameOfReferenceUID", "SOPClassUID"):
            assert after[keyword].value == before[keyword].value
        assert after.SeriesInstanceUID != before.SeriesInstanceUID
        assert after.SOPInstanceUID != before.SOPInstanceUID


def test_each_series_of_a_folder_is_done(tmp_path: Path) -> None:
    for number, slices in enumerate((5, 3)):  # all in one folder
        synthetic_series(tmp_path / "in", slices=slices, seed=number, suffix=f"-{number}.dcm")
    packed = zip_folder(tmp_path / "in.zip", tmp_path / "in")
    bad_files(tmp_path / "in")
    pipeline = InferencePipeline([job()])
    for number, path in enumerate((tmp_path / "in", packed)):
        report = pipeline.execute("double", path, tmp_path / f"{number}")
        assert sorted(one.name for one in (tmp_path / f"{number}").iterdir()) == ["ct-1-1", "ct-1-2"]
        assert sorted(volume.array.shape[0] for volume in voxelry.load(report.folder).volumes) == [3, 5]
        assert report.complete == (path == packed)
        assert bool(report.skipped) == (path != packed)
        told = " ".join(problem.message for problem in report.skipped.values())
        assert not any(secret in f"{told} {report.paths}" for secret in SECRETS)


def test_phases_of_one_series_stay_apart(tmp_path: Path) -> None:
    for number in range(2):
        synthetic_series(tmp_path / "in", attributes={"TemporalPositionIdentifier": number + 1}, first_index=5 * number)
    InferencePipeline([job()]).execute("double", tmp_path / "in", tmp_path / "out")
    before, after = voxelry.load(tmp_path / "in").volumes, voxelry.load(tmp_path / "out").volumes
    sums = [sorted(int(volume.array.sum()) for volume in volumes) for volumes in (before, after)]
    assert sums[1] == [2 * one for one in sums[0]]


def test_a_step_is_executed_with_its_defaults_or_others(folder: Path, tmp_path: Path) -> None:
    pipeline = InferencePipeline()
    one = pipeline.execute("gaussian", folder, tmp_path / "one")
    two = pipeline.execute("3dblur", folder, tmp_path / "two")
    np.testing.assert_array_equal(voxelry.load_volume(one.folder).array, voxelry.load_volume(two.folder).array)
    assert all(path.is_file() for path in (*one.paths, *two.paths))
    assert json.loads((one.folder / "result.json").read_text())["step"] == "gaussian"
    pipeline.execute("gaussian", folder, tmp_path / "three", params={"sigma": 3})
    pipeline.execute("3dblur", folder, tmp_path / "four", params={"sigma": 3})
    three, four = (voxelry.load_volume(tmp_path / name).array for name in ("three", "four"))
    np.testing.assert_array_equal(three, four)
    assert np.ptp(three) < np.ptp(voxelry.load_volume(one.folder).array)
    pipeline.execute("3dblur", folder, tmp_path / "none", params={"sigma": 0})
    np.testing.assert_array_equal(voxelry.load_volume(tmp_path / "none").array, voxelry.load_volume(folder).array)


# --- the three functions ----------------------------------------------------------------------------------------------


def test_the_three_functions_are_given_what_they_are_promised(folder: Path, tmp_path: Path) -> None:
    seen: list[Any] = []

    def before(path: Path, config: Config) -> list[Volume]:
        seen.append((path, dict(config)))
        return [voxelry.load_volume(path)]

    def work(volume: Volume, config: Config) -> Volume:
        seen.append((volume.array.shape, dict(config)))
        return replace(volume, warnings=("mind this",))

    def after(volume: Volume, source: Stack, path: Path) -> Any:
        seen.append((volume.warnings, source.shape, list(path.iterdir())))
        return write_series(volume, source, path, names="slice-{index}.dcm")

    entry = JobEntry("own", {"a": 1, "b": "x"}, before, after, work)
    report = InferencePipeline([entry]).execute("own", folder, tmp_path / "out", params={"b": "y"})
    assert seen == [
        (folder, {"a": 1, "b": "y"}),
        ((5, 16, 20), {"a": 1, "b": "y"}),
        (("mind this",), (5, 16, 20), []),
    ]
    assert [path.name for path in report.paths] == [f"slice-{n}.dcm" for n in range(1, 6)]
    assert report.warnings == ("mind this",)
    assert entry.config == {"a": 1, "b": "x"}


def test_arrays_and_single_volumes_do(folder: Path, tmp_path: Path) -> None:
    entry = JobEntry(
        "array", {}, lambda path, _: voxelry.load_volume(path), write_slices, lambda volume, _: volume.array + 1
    )
    InferencePipeline([entry]).execute("array", folder, tmp_path / "out")
    np.testing.assert_array_equal(voxelry.load_volume(tmp_path / "out").array, voxelry.load_volume(folder).array + 1)
    for wrong in (
        replace(entry, func=lambda volume, _: None),  # type: ignore[arg-type, return-value]
        replace(entry, preprocess=lambda path, _: ["a"]),  # type: ignore[list-item]
    ):
        with pytest.raises(ParameterError, match="gives"):
            InferencePipeline([wrong]).execute("array", folder, tmp_path / "wrong")


@pytest.mark.parametrize("shape", [(5, 8, 20), (4, 16, 20), (16, 20), ()])
def test_an_array_of_another_shape_lies_nowhere(folder: Path, tmp_path: Path, shape: tuple[int, ...]) -> None:
    """It once became a series whose voxels had the size and the place of the source's."""
    entry = job("cut", lambda volume, _: np.zeros(shape, np.int16))
    with pytest.raises(ParameterError, match="for a volume of 5 x 16 x 20, and nothing says where that lies"):
        InferencePipeline([entry]).execute("cut", folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_volumes_that_forgot_where_they_come_from(tmp_path: Path) -> None:
    for number in range(2):
        synthetic_series(tmp_path / "in" / f"{number}", seed=number)

    def bare(path: Path, config: Config) -> list[Volume]:
        volumes = [Volume(array=one.array, affine=one.affine) for one in voxelry.load(path).volumes]
        return volumes[: config["count"]]

    entry = JobEntry("bare", {"count": 2}, bare, write_slices, double)
    InferencePipeline([entry]).execute("bare", tmp_path / "in", tmp_path / "out")
    for one, two in zip(voxelry.load(tmp_path / "in").volumes, voxelry.load(tmp_path / "out").volumes, strict=True):
        np.testing.assert_array_equal(2 * one.array.astype(int), two.array)
    with pytest.raises(ParameterError, match="which DICOM images"):
        InferencePipeline([entry]).execute("bare", tmp_path / "in", tmp_path / "other", params={"count": 1})


# --- errors -----------------------------------------------------------------------------------------------------------


def test_an_unknown_job_lists_the_known(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyError) as caught:
        InferencePipeline([job()]).execute("sharpen", folder, tmp_path / "out")
    assert isinstance(caught.value, UnknownJobError)
    assert isinstance(caught.value, VoxelryError)
    assert "3dblur" in str(caught.value)
    assert "double" in str(caught.value)
    assert "gaussian" in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["3dblur", "gaussian"])
def test_an_empty_folder_is_told(tmp_path: Path, name: str) -> None:
    pipeline = InferencePipeline()
    (tmp_path / "empty").mkdir()
    with pytest.raises(NothingFoundError, match="no DICOM"):
        pipeline.execute(name, tmp_path / "empty", tmp_path / "out")
    with pytest.raises(NothingFoundError, match="does not exist"):
        pipeline.execute(name, tmp_path / "nowhere", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


@pytest.mark.parametrize("name", ["3dblur", "gaussian"])
def test_nothing_is_overwritten(folder: Path, tmp_path: Path, name: str) -> None:
    pipeline = InferencePipeline()
    before = {path: path.read_bytes() for path in folder.iterdir()}
    (tmp_path / "link").symlink_to(folder)
    for out in (folder, tmp_path / "in" / ".." / "in", tmp_path / "link"):
        with pytest.raises(ExistsError, match="the input as well"):
            pipeline.execute(name, folder, out)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").write_text("mine")
    with pytest.raises(ExistsError, match="not empty"):
        pipeline.execute(name, folder, tmp_path / "full")
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    (tmp_path / "made").mkdir()
    assert len(pipeline.execute(name, folder, tmp_path / "made").paths) == 5


def test_what_fails_spoils_nothing_else(tmp_path: Path) -> None:
    for number, slices in enumerate((5, 3)):
        synthetic_series(tmp_path / "in" / f"{number}", slices=slices, seed=number)

    def picky(volume: Volume, config: Config) -> Volume:
        if len(volume.array) < config["slices"]:
            raise MeasureError("too few slices")
        return volume

    pipeline = InferencePipeline([job("picky", picky, slices=4)])
    report = pipeline.execute("picky", tmp_path / "in", tmp_path / "out")
    assert [problem.code for problem in report.skipped.values()] == ["measure"]
    (kept,) = (tmp_path / "out").iterdir()
    assert len(list(kept.iterdir())) == 5
    assert kept.name not in report.skipped
    with pytest.raises(MeasureError):
        pipeline.execute("picky", tmp_path / "in", tmp_path / "none", params={"slices": 9})
    with pytest.raises(ParameterError, match="has no parameter 'slides'; it has slices"):
        pipeline.execute("picky", tmp_path / "in", tmp_path / "none", params={"slides": 9})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]


def test_a_mistake_in_a_job_s_own_code_is_seen(folder: Path, tmp_path: Path) -> None:
    def broken(volume: Volume, config: Config) -> Volume:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        InferencePipeline([job("broken", broken)]).execute("broken", folder, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_step_that_can_do_nothing_says_why(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in", shear=(0.0, 1.0, 0.0))
    with pytest.raises(GeometryError, match=r"sheared|tilted"):
        InferencePipeline().execute("gaussian", tmp_path / "in", tmp_path / "out")
    with pytest.raises(ParameterError, match="sigma"):
        InferencePipeline().execute("3dblur", tmp_path / "in", tmp_path / "out", params={"sigma": -1})
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
