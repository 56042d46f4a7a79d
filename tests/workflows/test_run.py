"""One step on volumes in memory, and the list of steps."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import voxelry
from voxelry.testing.volumes import placed, voxels

VOLUME = placed(voxels((4, 6, 8), "int16"))


def test_a_step_by_name_gives_what_the_step_itself_gives() -> None:
    from voxelry.core.registry import step_named

    result = voxelry.run("gaussian", VOLUME, sigma=2)
    truth = step_named("gaussian").run(VOLUME, {"sigma": 2})
    np.testing.assert_array_equal(result.volumes[0].array, truth.volumes[0].array)
    again = voxelry.run(step_named("gaussian"), VOLUME, sigma=2)
    np.testing.assert_array_equal(again.volumes[0].array, truth.volumes[0].array)


def test_several_volumes_are_given_one_after_the_other() -> None:
    result = voxelry.run("subtract", VOLUME, VOLUME)
    assert not result.volumes[0].array.any()
    with pytest.raises(voxelry.VoxelryError, match="takes 2 volumes"):
        voxelry.run("subtract", VOLUME)


def test_volumes_of_two_frames_of_reference_are_confirmed() -> None:
    one, other = (
        voxelry.Volume(array=VOLUME.array, metadata={"SeriesInstanceUID": f"1.{n}", "FrameOfReferenceUID": f"2.{n}"})
        for n in range(2)
    )
    with pytest.raises(voxelry.VoxelryError, match="same_frame_of_reference=True"):
        voxelry.run("subtract", one, other)
    assert voxelry.run("subtract", one, other, same_frame_of_reference=True).volumes


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"sigmaa": 2}, "the parameters are sigma, dimensions, truncate"),
        ({"sigma": "wide"}, "sigma is: Standard deviation .*at least 0"),
        ({"sigma": -1}, "sigma is: Standard deviation .*at least 0"),
        ({"dimensions": 4}, "dimensions is: .*2 to 3"),
    ],
)
def test_a_wrong_parameter_names_what_is_allowed(params: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told) as caught:
        voxelry.run("gaussian", VOLUME, **params)  # type: ignore[arg-type]
    assert isinstance(caught.value, voxelry.VoxelryError)
    assert caught.value.code == "parameter"


def test_a_wrong_step_or_volume_is_told() -> None:
    with pytest.raises(ValueError, match=r"no step is named 'gausian'; known are .*gaussian"):
        voxelry.run("gausian", VOLUME)
    with pytest.raises(TypeError, match=r"a step is named .* this is an int"):
        voxelry.run(3, VOLUME)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"a Volume, not a str; voxelry.load_volume reads one"):
        voxelry.run("gaussian", "brain.nii")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="a Volume, not an ndarray"):
        voxelry.run("gaussian", VOLUME.array)  # type: ignore[arg-type]


def test_progress_is_told_and_can_stop_the_work() -> None:
    def stop(_: float, __: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        voxelry.run("gaussian", VOLUME, sigma=2, progress=stop)


def test_the_list_of_steps_says_what_each_takes() -> None:
    listed = voxelry.steps()
    assert "gaussian            Gaussian blur" in repr(listed)
    (one,) = voxelry.steps("gaussian")
    assert one.title == "Gaussian blur"
    assert [parameter.name for parameter in one.parameters] == ["sigma", "dimensions", "truncate"]
    assert "sigma: Standard deviation" in repr(one)
    assert {one.name for one in listed} >= {"gaussian", "register", "threshold"}
    with pytest.raises(ValueError, match="no step is named 'gausian'"):
        voxelry.steps("gausian")


@pytest.mark.parametrize("first", ["voxelry.steps()", "import voxelry.steps.gaussian", "from voxelry import steps"])
def test_the_list_can_be_called_whatever_was_imported_first(first: str) -> None:
    program = f"import voxelry\n{first}\nprint(len(voxelry.steps()))\nimport voxelry.steps.window\nvoxelry.steps()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(done.stdout) == len(voxelry.steps())
    package = importlib.import_module("voxelry.steps")
    assert repr(package()) == repr(voxelry.steps())  # type: ignore[operator]


@pytest.mark.parametrize("workers", [1, 2])
def test_process_takes_volumes_as_well_as_paths(tmp_path: Path, workers: int) -> None:
    voxelry.save(VOLUME, tmp_path / "a.nrrd")
    report = voxelry.process(
        [VOLUME, str(tmp_path / "a.nrrd"), VOLUME], "gaussian", params={"sigma": 2}, workers=workers
    )
    assert [one.name for one in report.results] == ["volume 1", str(tmp_path / "a.nrrd"), "volume 3"]
    truth = voxelry.run("gaussian", VOLUME, sigma=2).volumes[0]
    for one in report.results:
        assert one.result is not None
        np.testing.assert_array_equal(one.result.volumes[0].array, truth.array)


def test_process_of_one_volume_writes_into_the_folder(tmp_path: Path) -> None:
    report = voxelry.process(VOLUME, "gaussian", out=tmp_path / "out")
    assert not report.skipped
    assert (tmp_path / "out" / "result.json").is_file()
    pair = voxelry.process((VOLUME, VOLUME), "subtract", out=tmp_path / "pair")
    assert not pair.skipped
    assert voxelry.load(tmp_path / "pair").volumes[0].array.any() == np.False_
    both = voxelry.process([VOLUME, VOLUME], "gaussian", out=tmp_path / "both")
    assert sorted(one.name for one in (tmp_path / "both").iterdir()) == ["volume-1", "volume-2"]
    assert len(both.results) == 2


def test_process_of_something_else_is_told() -> None:
    with pytest.raises(TypeError, match="an ndarray is neither a path nor a volume"):
        voxelry.process(VOLUME.array, "gaussian")
    with pytest.raises(TypeError, match="an int is neither a path nor a volume"):
        voxelry.process([3], "gaussian")  # type: ignore[list-item]
