"""Libraries of extras: known as the project declares them, and missed in one sentence."""

from __future__ import annotations

import functools
import pickle
import sys
import tomllib
from collections.abc import Mapping, Sequence
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from typer.testing import CliRunner

import voxelry
from voxelry.cli import app
from voxelry.core.errors import MissingExtraError, VoxelryError
from voxelry.core.extras import LIBRARIES, missing, needed_for, require
from voxelry.core.registry import StepRegistry, installed_steps
from voxelry.core.steps import Params, Step, StepResult
from voxelry.core.volume import Volume

ROOT = Path(__file__).resolve().parents[2]
EXTRAS: dict[str, list[str]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
STEPS_EXTRA = [name for name, library in LIBRARIES.items() if library.extra in ("steps", "onnx")]


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if no extra were installed."""
    for name in LIBRARIES:
        if LIBRARIES[name].extra not in ("server", "s3"):
            monkeypatch.setitem(sys.modules, name, None)


@functools.cache  # it reads the metadata of everything that is installed
def distributions() -> Mapping[str, list[str]]:
    """What is installed, by the name that is imported."""
    return packages_distributions()


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_library_belongs_to_the_extra_that_declares_it(name: str) -> None:
    wanted = {canonicalize_name(Requirement(text).name) for text in EXTRAS[LIBRARIES[name].extra]}
    installed = {canonicalize_name(one) for one in distributions()[name]}
    # httptools of uvicorn, boto3 of django-storages and the like belong to one of them at least
    assert wanted & installed, f"{name} is of {installed}, and the extra asks for {wanted}"


def test_what_is_missing_is_told_in_one_sentence(bare: None) -> None:
    assert missing(["json", "cv2"]) == "cv2"
    assert missing(["json"]) is None
    with pytest.raises(MissingExtraError) as caught:
        require("`gaussian`", ["scipy"])
    assert str(caught.value) == "`gaussian` needs scipy: pip install 'voxelry[steps]'"
    assert caught.value.problem.record == {
        "code": "missing_extra",
        "message": str(caught.value),
        "extra": "steps",
        "library": "scipy",
    }
    assert isinstance(caught.value, VoxelryError)
    assert isinstance(caught.value, ImportError)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_an_import_that_fails_otherwise_is_left_alone() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_module"), needed_for("this"):
        import no_such_module  # type: ignore[import-not-found]  # noqa: F401


def _volumes(count: int) -> Sequence[Volume]:
    array = np.full((8, 24, 24), -1000, np.int16)
    array[:, 4:20, 4:20] = 40
    affine = np.array([[0, 0, 1.0, 0], [0, 1.0, 0, 0], [2.0, 0, 0, 0], [0, 0, 0, 1.0]])
    one = Volume(array=array, affine=affine, spacing=(2.0, 1.0, 1.0), unit="HU", metadata={"Modality": "CT"})
    return [one] * count


@pytest.mark.parametrize("step", installed_steps(), ids=lambda step: step.name)
def test_a_step_says_what_it_lacks_before_it_works(step: Any, bare: None) -> None:
    """A step that declares no library runs without the extras; every other one refuses, and is told in lists."""
    if not step.libraries:
        assert step.lack is None
        step.run(_volumes(len(step.inputs)), {})
        return
    assert set(step.libraries) <= set(STEPS_EXTRA)
    with pytest.raises(MissingExtraError) as caught:
        step.run(_volumes(len(step.inputs)), {})
    assert str(caught.value) == step.lack
    assert step.lack.startswith(f"`{step.name}` needs ")


def test_a_step_that_needs_it_for_some_parameters_says_so_then(bare: None) -> None:
    def function(volumes: Any, params: Any, progress: Any) -> StepResult:
        from scipy import ndimage

        return StepResult(rows=({"count": int(ndimage.label(volumes[0].array)[1])},))

    step = Step(name="odd", title="Odd", description="Counts pieces.", params=Params, function=function)
    with pytest.raises(MissingExtraError, match=r"^`odd` needs scipy: pip install 'voxelry\[steps\]'$"):
        step.run(_volumes(1), {})


def test_hysteresis_needs_no_extra(bare: None) -> None:
    (step,) = (one for one in installed_steps() if one.name == "threshold")
    (volume,) = _volumes(1)
    (row,) = step.run([volume], {"method": "hysteresis", "lower": -500, "upper": 0}).rows
    assert row["count"] == voxelry.measure(volume, method="hysteresis", lower=-500, upper=0).pixels_above_threshold


def test_a_plug_in_of_others_that_lacks_a_library_is_told(bare: None, tmp_path: Path, monkeypatch: Any) -> None:
    from importlib.metadata import EntryPoint

    (tmp_path / "odd_plug_in.py").write_text("import scipy\n")
    monkeypatch.syspath_prepend(tmp_path)
    registry = StepRegistry(lambda: [EntryPoint("odd", "odd_plug_in:STEP", "voxelry.steps")])
    assert registry.steps() == ()
    (problem,) = registry.problems()
    assert problem.message == "the step 'odd' cannot be used: it needs scipy: pip install 'voxelry[steps]'"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", "gaussian", "scan", "out"], "`gaussian` needs OpenCV: pip install 'voxelry[steps]'"),
        (["run", "3dblur", "scan", "out"], "`3dblur` needs OpenCV: pip install 'voxelry[steps]'"),
        (["convert", "scan", "out.h5"], "`hdf5` needs h5py: pip install 'voxelry[formats]'"),
        (["convert", "scan", "out.zarr"], "`zarr` needs zarr: pip install 'voxelry[formats]'"),
        (["convert", "scan", "out.gif"], "`gif` needs Pillow: pip install 'voxelry[formats]'"),
        (["tags", "scan", "--out", "out.parquet"], "Parquet needs pyarrow: pip install 'voxelry[formats]'"),
    ],
)
def test_the_terminal_says_it_in_one_line(
    arguments: list[str], sentence: str, bare: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    voxelry.write_sample(tmp_path)
    (tmp_path / "phantom").rename(tmp_path / "scan")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, arguments)
    assert (done.exit_code, done.stderr) == (1, f"Error: {sentence}\n")
    assert not list(tmp_path.glob("out*"))


def test_lists_say_what_cannot_be_had(bare: None) -> None:
    listed = CliRunner().invoke(app, ["run", "--list"])
    assert listed.exit_code == 0
    assert "(`gaussian` needs OpenCV: pip install 'voxelry[steps]') Blurs a volume" in listed.stdout
    helped = CliRunner().invoke(app, ["run", "--help"])
    assert helped.exit_code == 0
    formats = CliRunner().invoke(app, ["convert", "--list-formats"])
    assert "it needs h5py: pip install 'voxelry[formats]'" in " ".join(formats.stdout.split())


def test_the_site_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    from voxelry.cli import site_options

    def absent(name: str) -> None:
        raise ModuleNotFoundError("No module named 'kombu'", name="kombu.connection")

    monkeypatch.setattr(site_options, "import_module", absent)
    done = CliRunner().invoke(app, ["token", "list"])
    assert (done.exit_code, done.stderr) == (1, "Error: the site needs kombu: pip install 'voxelry[server]'\n")
