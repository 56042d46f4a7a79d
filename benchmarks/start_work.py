"""Whole processes, as users start them: what the program costs before, beside and after its work."""

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
"""As the program's own file does it."""


def races(series: BenchmarkSeries, scratch: Path) -> Iterator[tuple[str, Callable[[], Race]]]:
    """By name; each is made when it is its turn."""
    yield "start-help", lambda: _telling_race("--help")
    yield "start-version", lambda: _telling_race("--version")
    yield "start-nifti", lambda: _converting_race(plain_race(series, scratch), PLAIN, "volume.nii", scratch, series)
    yield "start-nifti-gz", lambda: _converting_race(gzip_race(series, scratch), GZIP, "volume.nii.gz", scratch, series)


def _telling_race(option: str) -> Race:
    _compile()
    return Race(
        f"start{option[1:]}",
        f"process: voxelry {option}",
        _process("voxelry", *_START, option),
        (_process(_LIBRARIES, sys.executable, "-c", _LIBRARIES),),
        (Target((_LIBRARIES,), 1.5, at_most=True),),
    )


def _converting_race(race: Race, peer: str, name: str, scratch: Path, series: BenchmarkSeries) -> Race:
    """Another race of conversions, with ours in a process of its own, as the peer's always is."""
    _compile()
    folder = scratch / f"process-{race.name}"

    def convert() -> Path:
        _run(*_START, "convert", str(series.folder), str(folder / name))
        return folder / name

    target = Target((peer,), 2.0, at_most=True) if peer == PLAIN else Target((peer,), 4.0)
    ours = Runner("voxelry", convert, before=lambda: emptied(folder))
    return replace(race, name=f"start-{race.name}", work=f"process: {race.work}", ours=ours, targets=(target,))


def _compile() -> None:
    """As an installation does it; where Python writes no bytecode, it would compile the package each time."""
    compileall.compile_dir(Path(voxelry.__file__).parent, quiet=2)


def _process(name: str, *command: str) -> Runner:
    return Runner(name, lambda: _run(*command))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
