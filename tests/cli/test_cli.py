"""The terminal: results on standard output, reasons on standard error, and honest exit codes."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
import typer
from typer.testing import CliRunner, Result

import voxelry
from voxelry.cli import app, seed
from voxelry.testing import SECRETS, bad_files, synthetic_instance, synthetic_series, write, zip_folder

runner = CliRunner(env={"COLUMNS": "200", "TERM": "dumb"})


def call(*arguments: str | Path) -> Result:
    return runner.invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def series(tmp_path: Path) -> Path:
    synthetic_series(tmp_path / "series")
    return tmp_path / "series"


@pytest.mark.corpus
def test_measure_gives_the_object_that_was_promised(corpus: Path) -> None:
    result = call("measure", corpus / "single" / "1-101.dcm", "--json")
    assert result.exit_code == 0
    record = json.loads(result.stdout)
    assert record["measurements"][0].pop("series_instance_uid")
    assert record == {
        "measurements": [
            {
                "pixels_above_threshold": 50080,
                "pixels_total": 262144,
                "volume_mm3": 143280.029296875,
                "threshold": 0.5,
                "method": "fixed",
                "limits": {"lower": -25.0, "upper": None},
                "spacing_mm": [3.0, 0.9765625, 0.9765625],
                "warnings": [],
            }
        ],
        "skipped": {},
    }
    shown = call("measure", corpus / "single" / "1-101.dcm").stdout
    assert "50,080" in shown
    assert "143,280.029" in shown


def test_partial_success_is_success_and_every_reason_is_told(series: Path) -> None:
    codes = bad_files(series / "bad")
    result = call("measure", series)
    assert result.exit_code == 0
    assert "Pixels above" in result.stdout
    assert "notes.txt" in result.stderr
    record = json.loads(call("measure", series, "--json").stdout)
    assert {Path(name).name: problem["code"] for name, problem in record["skipped"].items()} == codes


def test_measure_counts_within_a_region(tmp_path: Path) -> None:
    voxelry.write_sample(tmp_path / "sample")
    phantom = tmp_path / "sample" / "phantom"
    whole, ball = (
        json.loads(call("measure", phantom, "--json", *told).stdout)["measurements"][0]
        for told in ((), ("--within", "sphere:0,0,0:20"))
    )
    assert 0 < ball["pixels_total"] < whole["pixels_total"]
    assert ball["within"] == {"kind": "sphere", "centre_mm": [0.0, 0.0, 0.0], "radius_mm": 20.0}
    assert "within" not in whole
    refused = call("measure", phantom, "--within", "sphere:0,0:20")
    assert refused.exit_code == 1
    assert "is no region" in refused.stderr
    assert call("measure", phantom, "--within", tmp_path / "nothing.dcm").exit_code == 1


@pytest.mark.parametrize("command", ["measure", "info", "tags", "demo"])
def test_nothing_done_is_exit_code_1_with_a_sentence(tmp_path: Path, command: str) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("words " * 100)
    extra = ["--out", str(tmp_path / "out")] if command == "demo" else []
    result = call(command, notes, *extra)
    assert result.exit_code == 1
    assert "Error:" in result.stderr
    assert "notes.txt" in result.stderr
    assert "Traceback" not in result.output
    missing = call(command, tmp_path / "missing", *extra)
    assert missing.exit_code == 1
    assert "no such file" in missing.stderr


@pytest.mark.parametrize(
    "arguments",
    [["measure"], ["nonsense"], ["measure", "x", "--threshold", "much"], ["convert", "x", "y", "--window", "4"]],
)
def test_wrong_arguments_are_exit_code_2(arguments: list[str]) -> None:
    assert call(*arguments).exit_code == 2


def test_a_threshold_out_of_range_is_named(series: Path) -> None:
    result = call("measure", series, "--threshold", "2")
    assert result.exit_code == 1
    assert "not between 0 and 1" in result.stderr


def test_info_lists_volumes_and_problems_and_no_patient(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "good", seed=1)
    synthetic_series(tmp_path / "gap", seed=2, offsets=(0, 3, 6, 12, 15))
    result = call("info", tmp_path)
    assert result.exit_code == 0
    assert "5×16×20" in result.stdout
    assert "1 slice missing" in result.stdout
    assert not any(secret in result.output for secret in SECRETS)
    record = json.loads(call("info", tmp_path, "--json").stdout)
    stacks = [stack for study in record["studies"] for series in study["series"] for stack in series["stacks"]]
    assert sorted(stack["regular"] for stack in stacks) == [False, True]
    assert not any(secret in json.dumps(record) for secret in SECRETS)
    assert any(secret in call("info", tmp_path, "--patient").stdout for secret in SECRETS)


def test_tags_of_a_file_and_of_a_folder(series: Path, tmp_path: Path) -> None:
    one = next(series.iterdir())
    shown = call("tags", one).stdout
    assert "(0028,0030) DS PixelSpacing" in shown
    assert "0.8\\0.7" in shown
    assert json.loads(call("tags", one, "--json").stdout)["tags"]["PixelSpacing"] == [0.8, 0.7]
    table = call("tags", series, "--out", tmp_path / "tags.csv")
    assert table.exit_code == 0
    assert (tmp_path / "tags.csv").read_text().startswith("File,")
    flat = call("tags", series, "--out", tmp_path / "tags.parquet", "--flatten")
    assert flat.exit_code == 0
    assert f" {pyarrow.parquet.read_metadata(tmp_path / 'tags.parquet').num_columns} columns" in flat.stderr
    assert (tmp_path / "tags.parquet").read_bytes().startswith(b"PAR1")
    refused = call("tags", series, "--out", tmp_path / "tags.xlsx")
    assert refused.exit_code == 1
    assert ".parquet" in refused.stderr
    assert len(json.loads(call("tags", series, "--json").stdout)) == 5
    assert "5 instances" in call("tags", series).stdout


def test_a_terminal_obeys_nothing_that_a_file_says(tmp_path: Path) -> None:
    attributes = {"SeriesDescription": "a\x1b[2Jb [bold]c[/bold]"}
    path = write(synthetic_instance(attributes=attributes), tmp_path / "a.dcm")
    for command in ("info", "tags"):
        shown = call(command, path).stdout
        assert "\x1b[2J" not in shown
        assert "[bold]c[/bold]" in shown


def test_convert_writes_pictures_of_each_volume(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in" / "a", seed=1)
    one = call(
        "convert", tmp_path / "in", tmp_path / "one", "--axis", "coronal", "--format", "jpg", "--window", "0,500"
    )
    assert one.exit_code == 0, one.output
    assert len(list((tmp_path / "one").glob("slice-*.jpg"))) == 16
    synthetic_series(tmp_path / "in" / "b", seed=2)
    two = call("convert", zip_folder(tmp_path / "in.zip", tmp_path / "in"), tmp_path / "two", "--json")
    written = json.loads(two.stdout)["written"]
    assert sorted(written.values()) == [5, 5]
    assert not any(secret in name for name in written for secret in SECRETS)


def test_demo_writes_all_there_is(series: Path, tmp_path: Path) -> None:
    out = tmp_path / "output"
    result = call("demo", series, "--out", out)
    assert result.exit_code == 0, result.output
    (folder,) = [path for path in out.iterdir() if path.is_dir()]
    volume = voxelry.load_volume(series)
    np.testing.assert_array_equal(np.load(folder / "array.npy"), volume.array)
    record = json.loads((folder / "metadata.json").read_text())
    assert record["spacing_mm"] == list(volume.spacing)
    assert record["metadata"]["Modality"] == "CT"
    assert len(list((folder / "jpg").glob("*.jpg"))) == 5
    assert (out / "tags.csv").read_text().count("\n") == 6
    assert not any(secret in str(path) for path in out.rglob("*") for secret in SECRETS)
    one = call("demo", next(series.iterdir()), "--out", tmp_path / "single", "--json")
    assert json.loads(one.stdout)["volumes"][0]["shape"] == [1, 16, 20]


def test_the_sample_measures_as_it_says(tmp_path: Path) -> None:
    assert call("sample", tmp_path).exit_code == 0
    facts = json.loads((tmp_path / "facts.json").read_text())
    for expected in facts["measurements"]:
        shown = call("measure", tmp_path / facts["dicom_folder"], "--threshold", str(expected["threshold"]), "--json")
        (measured,) = json.loads(shown.stdout)["measurements"]
        assert measured["pixels_above_threshold"] == expected["pixels_above_threshold"]
        assert measured["volume_mm3"] == expected["volume_mm3"]
        assert measured["warnings"] == []
    sphere = next(part for part in facts["parts"] if part["name"] == "sphere")
    assert sphere["volume_mm3"] == pytest.approx(sphere["analytic_mm3"], rel=0.01)


def test_help_and_version_load_nothing_heavy() -> None:
    code = (
        "import sys; from voxelry.cli import app\n"
        "try: app(['--version'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'pandas', 'django', 'pydicom', 'imagecodecs', 'celery'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert f"voxelry {voxelry.__version__}" in done.stdout
    assert "Exit codes: 0" in " ".join(call("--help").stdout.split())


def _commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield name, command
    for inner in command.list_commands(None) if hasattr(command, "list_commands") else ():
        yield from _commands(f"{name} {inner}", command.get_command(None, inner))


def test_every_command_has_examples_that_it_understands() -> None:
    programs = {"voxelry": app, "dicom2hdf5": seed._to_hdf5, "hdf52dicom": seed._to_dicom}
    roots = {name: typer.main.get_command(program) for name, program in programs.items()}
    every = [found for name, root in roots.items() for found in _commands(name, root)]
    assert len(every) > 30
    for name, command in every:
        lines = [line for line in (command.epilog or "").split("\n\n") if line.startswith(name.split()[0] + " ")]
        assert lines or name in ("voxelry", "voxelry node", "voxelry token"), name
        for line in lines:
            first, *words = shlex.split(line)
            found: Any = roots[first]
            while hasattr(found, "get_command"):
                found = found.get_command(None, words.pop(0))
            if words != ["--help"]:
                found.make_context(line, words).close()


def test_ctrl_c_is_exit_code_130(tmp_path: Path) -> None:
    """Work that waits for ever ends when it is interrupted."""
    code = (
        "import os, signal, voxelry.workflows.measure as m\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background jobs ignore it
        "m.measure_all = lambda *a, **k: os.kill(os.getpid(), signal.SIGINT) or signal.pause()\n"
        "from voxelry.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "measure", str(tmp_path)], capture_output=True, check=False, timeout=60
    )
    assert done.returncode in (130, -signal.SIGINT)
    assert b"Traceback" not in done.stderr


def test_sigterm_clears_up_as_ctrl_c_does(tmp_path: Path) -> None:
    """A container or a queue that ends the process leaves nothing half-written."""
    code = (
        "import os, signal, sys, voxelry.workflows.measure as m\n"
        "from voxelry.workflows.files.atomic import staged\n"
        "def work(*a, **k):\n"
        "    with staged(os.path.join(sys.argv[2], 'out')):\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "        signal.pause()\n"
        "m.measure_all = work\n"
        "from voxelry.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "measure", str(tmp_path)], capture_output=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (143, b"stopped\n")
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_a_sentence_and_leaves_nothing_half_written(series: Path) -> None:
    result = call("tags", series, "--out", "/dev/full/x.csv")
    assert result.exit_code == 1
    assert "/dev/full" in result.stderr
