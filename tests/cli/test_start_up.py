"""What a command imports before it works: imports are counted, because times are the machine's."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import voxelry
from voxelry.cli import app
from voxelry.cli.command_table import COMMANDS

HEAVY = {"django", "h5py", "highdicom", "pandas", "pyarrow", "scipy", "SimpleITK", "skimage", "cv2", "zarr"}
"""What no command imports that converts DICOM to NIfTI."""
SLOW = {*HEAVY, "imagecodecs", "numpy", "pydantic", "pydicom", "typer"}
"""What nothing imports that only tells of the program."""


def imported(*arguments: str | Path, done: int = 0) -> tuple[set[str], str]:
    """The modules that the program has imported at its end, and what it printed."""
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: print('\\n' + ' '.join(sys.modules), file=sys.stderr))\n"
        "from voxelry.cli import main\n"
        "main()"
    )
    command = [sys.executable, "-c", code, *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == done, ended.stderr
    return set(ended.stderr.splitlines()[-1].split()), ended.stdout


def test_the_version_imports_nothing() -> None:
    modules, printed = imported("--version")
    assert printed == f"voxelry {voxelry.__version__}\n"
    assert modules & {*SLOW, "rich"} == set()


@pytest.mark.parametrize(("arguments", "code"), [(["--help"], 0), (["-h"], 0), ([], 2)])
def test_the_overview_imports_no_command(arguments: list[str], code: int) -> None:
    modules, printed = imported(*arguments, done=code)
    assert "Usage: voxelry [OPTIONS] COMMAND [ARGS]..." in printed
    assert modules & SLOW == set()
    assert {name for name in modules if name.startswith("voxelry.")} == {
        "voxelry.cli",
        "voxelry.cli.command_table",
        "voxelry.cli.overview",
    }


def test_the_overview_says_what_typer_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Options, commands, panels and sentences; typer adds the kinds of its options."""
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setenv("TERMINAL_WIDTH", "400")
    ours = imported("--help")[1]
    theirs = CliRunner().invoke(app, ["--debug", "--help"], prog_name="voxelry").stdout
    words = [" ".join(line.replace("<bool>", "").split()) for line in theirs.strip().splitlines()]
    assert [" ".join(line.split()) for line in ours.strip().splitlines()] == words


def test_summaries_are_the_first_lines_of_the_commands_help() -> None:
    group = typer.main.get_command(app)
    assert {
        name: command.help.partition("\n")[0]
        for name, command in group.commands.items()  # type: ignore[attr-defined]
    } == {name: entry.summary for name, entry in COMMANDS.items()}


def test_a_command_s_help_imports_no_library(tmp_path: Path) -> None:
    modules, printed = imported("convert", "--help")
    assert "--reorient" in printed
    assert modules & {*HEAVY, "imagecodecs", "numpy", "pydicom"} == set()


def test_a_conversion_imports_what_it_uses(tmp_path: Path) -> None:
    voxelry.write_sample(tmp_path)
    modules, _ = imported("convert", tmp_path / "phantom", tmp_path / "volume.nii.gz")
    assert (tmp_path / "volume.nii.gz").is_file()
    assert modules & {*HEAVY, "imagecodecs", "joblib", "numpy.ma", "pydantic", "rich"} == set()
    others = {"voxelry.cli.look", "voxelry.cli.run", "voxelry.cli.site", "voxelry.dicom.write.writing"}
    assert modules & {*others, "voxelry.core.steps", "voxelry.workflows.pictures"} == set()
    of_segments = {"voxelry.core.segmentation", "voxelry.dicom.objects", "voxelry.formats.nifti.label_table"}
    assert modules & {*of_segments, "voxelry.core.measure", "voxelry.workflows.convert.conversion_plan"} == set()


def test_a_conversion_imports_nothing_that_downloads(tmp_path: Path) -> None:
    voxelry.write_sample(tmp_path)
    modules, _ = imported("convert", tmp_path / "phantom", tmp_path / "volume.nii")
    assert "pydicom.data.download" in modules
    assert modules & {"http.client", "requests", "ssl", "tqdm", "urllib3"} == set()


def test_what_pydicom_imports_late_is_whole_in_every_thread() -> None:
    """Eight threads read the first attribute at once; requests, and pydicom's decoders, are as without it."""
    ask = """
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
if late := sys.argv[1] == "late":
    from voxelry.cli.late_imports import delay_imports
    finders = list(sys.meta_path)
    delay_imports()
import pydicom
if late:
    assert sys.meta_path == finders
    assert "http.client" not in sys.modules
sys.setswitchinterval(1e-6)
barrier = Barrier(8)
def read(number):
    barrier.wait()
    if number % 2:
        return pydicom.examples.ct.Modality
    import urllib.request
    return urllib.request.urlopen.__name__
with ThreadPoolExecutor(8) as pool:
    print(*pool.map(read, range(8)))
import urllib.request
from importlib.util import find_spec
from pydicom import examples
from pydicom.pixels.decoders import base
if find_spec("requests"):
    import requests
    print(requests.get.__module__)
print(type(urllib.request), urllib.request.__spec__, type(examples), examples.__spec__, pydicom.__loader__)
print({str(uid): one.available_plugins for uid, (one, _) in base._PIXEL_DATA_DECODERS.items()})
"""
    told = [
        subprocess.run([sys.executable, "-c", ask, how], capture_output=True, text=True, check=False)
        for how in ("late", "as ever")
    ]
    assert [one.returncode for one in told] == [0, 0], told[0].stderr + told[1].stderr
    without_places = [re.sub(r" at 0x[0-9a-f]+", "", one.stdout) for one in told]
    assert without_places[0] == without_places[1]
    assert without_places[0].splitlines()[0].split() == ["urlopen", "CT"] * 4


def test_a_conversion_collects_no_garbage(tmp_path: Path) -> None:
    """All that is imported stays, and looking through it costs a tenth of the start-up."""
    voxelry.write_sample(tmp_path)
    code = (
        "import gc, sys\n"
        "begun = []\n"
        "from voxelry.cli import main\n"
        "gc.callbacks.append(lambda phase, found: begun.append(len(sys.modules)))\n"
        "try:\n"
        "    main()\n"
        "finally:\n"
        "    print(begun, file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, "convert", str(tmp_path / "phantom"), str(tmp_path / "volume.nii")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr.splitlines()[-1]) == (0, "[]")


def test_options_are_converted_and_checked_as_typer_does_it() -> None:
    """Texts, paths and what is not given go past typer; all else does not."""
    convert = typer.main.get_command(app).commands["convert"]  # type: ignore[attr-defined]
    arguments = ["in", "out.nii", "--axis", "axial", "--set", "a=3", "--set", "b=4", "--workers", "2", "--overlays"]
    given = convert.make_context("convert", arguments).params
    assert (given["path"], given["target"]) == (Path("in"), Path("out.nii"))
    assert (given["axis"].value, given["settings"], given["workers"]) == ("axial", ["a=3", "b=4"], 2)
    assert (given["overlays"], given["straighten"], given["name"], given["on_irregular"].value) == (
        True,
        False,
        None,
        "error",
    )
    for wrong in (["--workers", "0"], ["--workers", "two"], ["--axis", "oblique"]):
        done = CliRunner().invoke(app, ["convert", "in", "out.nii", *wrong])
        assert (done.exit_code, wrong[0] in done.stderr) == (2, True)
