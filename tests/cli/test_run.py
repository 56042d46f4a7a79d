"""``voxelry run``: each step is a command, its parameters are flags, and what is wrong is said in words."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import SimpleITK
from pydantic import Field
from typer.testing import CliRunner, Result

import voxelry
from voxelry.cli import app, flags
from voxelry.cli.run import command_of
from voxelry.core.progress import Progress
from voxelry.core.registry import format_named, installed_steps, step_names
from voxelry.core.steps import Params, Step, StepResult
from voxelry.core.volume import Volume
from voxelry.testing import SECRETS, bad_files, synthetic_series

runner = CliRunner(env={"COLUMNS": "300", "TERM": "dumb"})


def call(*arguments: str | Path) -> Result:
    return runner.invoke(app, ["run", *map(str, arguments)])


def told(result: Result) -> str:
    return " ".join(result.output.split())


@pytest.fixture
def series(tmp_path: Path) -> Path:
    synthetic_series(tmp_path / "series")
    return tmp_path / "series"


# --- lists and help ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [(), ("--list",)])
def test_the_jobs_are_listed_by_group(arguments: tuple[str, ...]) -> None:
    done = call(*arguments)
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "Filters"
    for step in installed_steps():
        assert f"  {step.name} " in done.stdout
        assert step.description in done.stdout
    assert "3dblur" in done.stdout


def test_the_list_for_programs_holds_the_schemas() -> None:
    found = {one["name"]: one for one in json.loads(call("--list", "--json").stdout)}
    assert found.keys() == {"3dblur", *step_names()}
    assert found["gaussian"]["params"]["properties"]["sigma"]["unit"] == "mm"


@pytest.mark.parametrize("name", ["3dblur", *step_names()])
def test_every_parameter_of_every_step_is_a_flag(name: str) -> None:
    done = call(name, "--help")
    assert done.exit_code == 0, done.output
    if name == "3dblur":
        assert "--sigma" in done.stdout
        return
    (step,) = (step for step in installed_steps() if step.name == name)
    for field in step.params.model_fields:
        assert flags.flag_of(field) in done.stdout
    for further in (*step.inputs[1:], *step.optional):
        assert f"--{further.replace(' ', '-').replace('_', '-')}" in done.stdout


def test_help_tells_units_ranges_and_defaults() -> None:
    words = told(call("gaussian", "--help"))
    assert "in mm" in words
    assert "at least 0, default 1" in words
    assert "2 to 3, default 3" in words
    assert "Standard deviation of the Gaussian (mm, at least 0, default 1)" in told(call("3dblur", "--help"))


def test_the_start_loads_no_step() -> None:
    heavy = ["joblib", "numpy", "pydantic", "scipy", "SimpleITK", "cv2", "highdicom", "voxelry.core.registry"]
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom voxelry.cli import app\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- doing it ---------------------------------------------------------------------------------------------------------


def test_3dblur_gives_dicom_in_the_same_place(series: Path, tmp_path: Path) -> None:
    done = call("3dblur", series, tmp_path / "out", "--sigma", "2")
    assert done.exit_code == 0, done.output
    assert "5 dicom files (5 x 16 x 20)" in done.stdout
    expected = voxelry.InferencePipeline().execute("3dblur", series, tmp_path / "other", params={"sigma": 2})
    np.testing.assert_array_equal(
        voxelry.load_volume(tmp_path / "out").array, voxelry.load_volume(expected.folder).array
    )
    reader = SimpleITK.ImageSeriesReader()
    images = []
    for folder in (series, tmp_path / "out"):
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
        images.append(reader.Execute())
    assert images[0].GetOrigin() == pytest.approx(images[1].GetOrigin())
    assert images[0].GetDirection() == pytest.approx(images[1].GetDirection())
    assert images[0].GetSpacing() == pytest.approx(images[1].GetSpacing())


def test_flags_and_param_mean_the_same(series: Path, tmp_path: Path) -> None:
    for name, arguments in (
        ("a", ("--sigma", "2,1,1", "--dimensions", "3")),
        ("b", ("--param", "sigma=2,1,1", "-p", "dimensions=3")),
    ):
        assert call("gaussian", series, tmp_path / name, *arguments).exit_code == 0
    one, two = (json.loads((tmp_path / name / "result.json").read_text()) for name in "ab")
    assert one["params"] == two["params"]
    assert one["params"]["sigma"] == [2.0, 1.0, 1.0]


@pytest.mark.slow
def test_a_mask_and_its_statistics(series: Path, tmp_path: Path) -> None:
    done = call("threshold", series, tmp_path / "mask", "--threshold", "0.25")
    assert done.exit_code == 0, done.output
    assert "segmentation.dcm (1 segment, 5 x 16 x 20)" in done.stdout
    again = call("label_statistics", tmp_path / "mask" / "segmentation.dcm", tmp_path / "rows", "--image", series)
    assert again.exit_code == 0, again.output
    (row,) = json.loads((tmp_path / "rows" / "rows.json").read_text())
    assert row["count"] == voxelry.measure(voxelry.load_volume(series), 0.25).pixels_above_threshold
    assert f"{row['count']:,}" in again.stdout


@pytest.mark.parametrize("name", ["nifti", "nrrd"])
def test_other_formats(series: Path, tmp_path: Path, name: str) -> None:
    done = call("threshold", series, tmp_path / "out", "--format", name, "--json")
    assert done.exit_code == 0, done.output
    (result,) = json.loads(done.stdout)["results"]
    output = next(one for one in result["outputs"] if one["kind"] == "segmentation")
    (read,) = format_named(name).read(str(tmp_path / "out" / output["path"]))
    assert read.array.shape == (5, 16, 20)
    assert call("3dblur", series, tmp_path / "bad", "--format", "betamax").exit_code == 1


def test_a_label_map(series: Path, tmp_path: Path) -> None:
    assert call("threshold", series, tmp_path / "out", "--labelmap").exit_code == 0
    header = voxelry.index(tmp_path / "out").series[0].instances[0]
    assert header.sop_class_uid == "1.2.840.10008.5.1.4.1.1.66.7"


def test_several_series_and_what_is_left_out(tmp_path: Path) -> None:
    for seed in range(2):
        synthetic_series(tmp_path / "in" / f"{seed}", seed=seed)
    bad_files(tmp_path / "in")
    done = call("3dblur", tmp_path / "in", tmp_path / "out", "--workers", "1")
    assert done.exit_code == 3, done.output
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["ct-1-1", "ct-1-2"]
    assert "left out" in done.stderr
    assert told(done).count("rescaled into 16 bits") == 1
    assert "likewise in 1 other" in done.stderr
    assert not any(secret in done.output for secret in SECRETS)
    again = call("3dblur", tmp_path / "in" / "0", tmp_path / "out" / "ct-1-1")
    assert again.exit_code == 1
    assert "ct-1-1: is there already, and what it holds stays;" in " ".join(again.stderr.replace("\n", "").split())
    assert "left out" not in again.stderr
    assert "--overwrite" in again.stderr
    all_again = call("3dblur", tmp_path / "in", tmp_path / "out")
    assert all_again.exit_code == 1
    assert "the 2 results in it stay; choose another folder" in " ".join(all_again.stderr.split())
    assert call("3dblur", tmp_path / "in" / "0", tmp_path / "out" / "ct-1-1", "--overwrite").exit_code == 0


# --- what is wrong ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("gaussian", "IN", "OUT", "--sigma", "-3"), "--sigma"),
        (("gaussian", "IN", "OUT", "--dimensions", "4"), "2 to 3, default 3"),
        (("gaussian", "IN", "OUT", "--dimensions", "x"), "--dimensions"),
        (("gaussian", "IN", "OUT", "--param", "simga=1"), "did you mean sigma?"),
        (("gaussian", "IN", "OUT", "--param", "sigma"), "NAME=VALUE"),
        (("gausian", "IN", "OUT"), "did you mean gaussian?"),
        (("nonsense", "IN", "OUT"), "voxelry run lists them"),
        (("gaussian", "IN"), "OUT"),
        (("gaussian", "IN", "OUT", "--no-such-flag"), "--no-such-flag"),
    ],
)
def test_wrong_arguments_are_told_before_anything_is_read(
    series: Path, tmp_path: Path, arguments: Sequence[str], words: str
) -> None:
    places = {"IN": str(series), "OUT": str(tmp_path / "out")}
    done = call(*(places.get(one, one) for one in arguments))
    assert done.exit_code == 2, done.output
    assert words in told(done)
    assert not (tmp_path / "out").exists()


def test_nothing_done_is_exit_code_1(series: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for source in (tmp_path / "nowhere", tmp_path / "empty"):
        done = call("3dblur", source, tmp_path / "out")
        assert done.exit_code == 1
        assert "nothing could be done" in done.stderr
        assert not (tmp_path / "out").exists()
    before = sorted(path.name for path in series.iterdir())
    assert "the input as well" in call("3dblur", series, series).stderr
    assert sorted(path.name for path in series.iterdir()) == before


# --- flags from any schema --------------------------------------------------------------------------------------------


class Every(Params):
    number: float = Field(description="A number", gt=0, lt=5, json_schema_extra={"unit": "mm"})
    size_mm: float | None = Field(default=None, description="Perhaps a size.")
    choice: Literal["first", "second"] = Field(default="first", description="One of two")
    switch: bool = Field(default=False, description="On or off")
    names: tuple[str, ...] = Field(default=(), description="Some names")
    point: tuple[int, int, int] = Field(default=(0, 0, 0), description="A point")
    format: str = Field(default="x", description="Called as a flag is that all have")
    source: int = Field(default=0, description="Called as what all are given")
    kind: int = Field(default=0, description="The same")


def give(volumes: Sequence[Volume], params: Every, progress: Progress) -> StepResult:
    told: Any = params.model_dump(mode="json")
    return StepResult(rows=({"given": json.dumps(told), "volumes": len(volumes)},))


EVERY = Step(
    name="every", title="Every", description="Of [every] kind.", params=Every, function=give,
    inputs=("fixed", "moving"), optional=("mask", "volume 4"), group="odd",
)  # fmt: skip


def run_every(*arguments: str | Path) -> tuple[int, str]:
    try:
        command_of(EVERY).main([*map(str, arguments)], prog_name="every", standalone_mode=False)
    except BaseException as error:
        message = getattr(error, "format_message", None)
        return getattr(error, "exit_code", 1), str(error) if message is None else str(message())
    return 0, ""


def test_flags_of_every_kind(series: Path, tmp_path: Path) -> None:
    code, words = run_every(
        series, tmp_path / "out", "--moving", series, "--number", "4.5", "--size-mm", "none", "--choice", "second",
        "--switch", "--names", "a,b", "--point", "1,2,3", "--param", "format=y", "--source", "5", "--kind", "6",
    )  # fmt: skip
    assert code == 0, words
    (row,) = json.loads((tmp_path / "out" / "rows.json").read_text())
    assert row["volumes"] == 2
    assert json.loads(row["given"]) == {
        "number": 4.5,
        "size_mm": None,
        "choice": "second",
        "switch": True,
        "names": ["a", "b"],
        "point": [1, 2, 3],
        "format": "y",
        "source": 5,
        "kind": 6,
    }
    three = run_every(series, tmp_path / "3", "--second", series, "--number", "1", "--mask", series, "--no-switch")
    assert three == (0, "")
    assert json.loads((tmp_path / "3" / "rows.json").read_text())[0]["volumes"] == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--moving", "IN"), "--number: field required. It is: A number (mm, above 0 and below 5, needed)."),
        (("--moving", "IN", "--number", "7"), "--number: input should be less than 5"),
        (("--moving", "IN", "--number", "1", "--choice", "third"), "first or second"),
        (("--number", "1"), "moving"),
        (("--moving", "IN", "--number", "1", "--volume-4", "IN"), "without the mask"),
    ],
)
def test_what_does_not_fit_says_what_would(series: Path, tmp_path: Path, arguments: Sequence[str], words: str) -> None:
    code, message = run_every(series, tmp_path / "out", *(str(series) if one == "IN" else one for one in arguments))
    assert code == 2
    assert words in message
