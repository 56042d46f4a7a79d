"""Races of whole processes as users start them, with the cost of start-up and exit."""

from __future__ import annotations

import compileall
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import voxelry
from benchmarks.convert_work import GZIP, PLAIN, gzip_race, plain_race
from benchmarks.race import Race, Runner, Target, emptied
from benchmarks.series import BenchmarkSeries

_LIBRARIES = "import typer, rich"
_START = (sys.executable, "-c", "from voxelry.cli import main; main()")
"""The code of the program's entry point."""


def races(series: BenchmarkSeries, scratch: Path) -> Iterator[tuple[str, Callable[[], Race]]]:
    """Races by name; each is made on use."""
    yield "start-help", lambda: _telling_race("--help")
    yield "start-version", lambda: _telling_race("--version")
    yield "start-nifti", lambda: converting_race(plain_race(series, scratch), PLAIN, "volume.nii", scratch, series)
    yield "start-nifti-gz", lambda: converting_race(gzip_race(series, scratch), GZIP, "volume.nii.gz", scratch, series)


def _telling_race(option: str) -> Race:
    _compile()
    return Race(
        f"start{option[1:]}",
        f"process: voxelry {option}",
        _process("voxelry", *_START, option),
        (_process(_LIBRARIES, sys.executable, "-c", _LIBRARIES),),
        (Target((_LIBRARIES,), 1.5, at_most=True),),
    )


def converting_race(race: Race, peer: str, name: str, scratch: Path, series: BenchmarkSeries) -> Race:
    """A race of conversions with Voxelry in a separate process, like the peer."""
    _compile()
    folder = scratch / f"process-{race.name}"

    def convert() -> Path:
        _run(*_START, "convert", str(series.folder), str(folder / name))
        return folder / name

    target = Target((peer,), 2.0, at_most=True) if peer == PLAIN else Target((peer,), 4.0)
    ours = Runner("voxelry", convert, before=lambda: emptied(folder))
    return replace(race, name=f"start-{race.name}", work=f"process: {race.work}", ours=ours, targets=(target,))


def _compile() -> None:
    """Compile the package, as an installation does; without bytecode, Python would compile it at each start."""
    compileall.compile_dir(Path(voxelry.__file__).parent, quiet=2)


def _process(name: str, *command: str) -> Runner:
    return Runner(name, lambda: _run(*command))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
