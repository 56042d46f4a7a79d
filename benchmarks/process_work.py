"""Measurements in separate processes: memory, imports, and the cost by the number of files."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import voxelry
from benchmarks.race import Race, Row, Runner, Target, medians
from benchmarks.series import BenchmarkSeries, phantom, write_series

MIB = 2**20
_VOLUME = "the volume itself"
_READ_PEAK = """
import re, pathlib
print(int(re.search(r"VmHWM:\\s+(\\d+) kB", pathlib.Path("/proc/self/status").read_text())[1]) / 1024)
"""
"""Code that prints the peak memory of its process alone; ``ru_maxrss`` would include the parent's at the start."""
_LOADERS = {
    "voxelry": "import voxelry; array = voxelry.load_volume(folder).array",
    "pydicom, plain loop": "from benchmarks.plain_work import by_pydicom; array = by_pydicom(paths)",
    "SimpleITK, names known": "from benchmarks.plain_work import by_simpleitk; array = by_simpleitk(paths)",
}


def races(series: BenchmarkSeries) -> Iterator[tuple[str, Callable[[], Race]]]:
    yield "memory", lambda: _memory_race(series)
    yield "import", _import_race


def _memory_race(series: BenchmarkSeries) -> Race:
    """The race of peak resident memory of a process that loads the series."""
    start = f"import pathlib; folder = {str(series.folder)!r}; paths = tuple(sorted(pathlib.Path(folder).iterdir()));"
    runners = {name: _in_process(name, f"{start} {words}\n{_READ_PEAK}") for name, words in _LOADERS.items()}
    volume = series.array.nbytes / MIB
    return Race(
        "memory",
        f"peak memory of loading {volume:.0f} MiB",
        runners.pop("voxelry"),
        tuple(runners.values()),
        (Target((_VOLUME,), 1.3, at_most=True, extra=120 * 1e6 / MIB),),
        unit="MiB",
        given={_VOLUME: volume},
    )


def _import_race() -> Race:
    """The race of imports in a new interpreter, with compiled files in the page cache."""

    def importing(name: str, words: str) -> Runner:
        return _in_process(
            name, f"import time; start = time.perf_counter(); {words}; print((time.perf_counter() - start) * 1000)"
        )

    return Race(
        "import",
        "import voxelry",
        importing("voxelry", "import voxelry"),
        (
            importing("import numpy", "import numpy"),
            importing("and what loading needs", "from voxelry import load_volume"),
        ),
        (Target(("import numpy",), 1.3, at_most=True),),
    )


def _in_process(name: str, code: str) -> Runner:
    needs = tuple(module for module in ("SimpleITK",) if name.startswith(module))

    def measure() -> float:
        done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
        return float(done.stdout)

    return Runner(name, measure, needs)


def growth(counts: tuple[int, ...], rounds: int, scratch: Path, say: Callable[[str], None]) -> list[Row]:
    """Milliseconds per small file of a folder; with linear cost the figure is the same for all counts."""
    found = []
    for count in counts:
        say(f"growth: writing {count} files")
        series = write_series(scratch / f"growth-{count}", phantom(1, 16).repeat(count, axis=0), short=True)
        ours = Runner("voxelry", _loading(series.folder))
        ours.run()
        found.append(medians("growth", [ours], rounds, say)["voxelry"] / count)
    return [
        Row(
            "growth",
            f"load, for each of {count} small files",
            "ms",
            each,
            f"each of {counts[0]}",
            found[0],
            "<= 1.5 x",
            each <= 1.5 * found[0],
        )
        for count, each in zip(counts[1:], found[1:], strict=True)
    ]


def _loading(folder: Path) -> Callable[[], object]:
    return lambda: voxelry.load_volume(folder)
