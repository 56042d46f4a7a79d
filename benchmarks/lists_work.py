"""The cost of lists, searches and pages by the size of the archive, on SQLite and PostgreSQL.

Each archive is a process; a case is asked of all archives in turns, so that a busy machine is busy for all. The whole
request is measured: authentication, queries, the answer's text.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.race import Row
from benchmarks.server_processes import stop_process

ROOT = Path(__file__).resolve().parents[1]
TRIED = 7
"""Where each case is asked once, only each of so many cases is."""
FACTOR = 1.5
"""What a request may cost more in a large archive than in the smallest."""


@dataclass(frozen=True)
class Archive:
    """A site with so many studies: its data folder and the address of its database, empty for SQLite."""

    studies: int
    data: Path
    database: str = ""

    @property
    def engine(self) -> str:
        """The name of the database."""
        return "PostgreSQL" if self.database else "SQLite"


class _Process:
    """An archive's process."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("VOXELRY_", "DJANGO_"))
        }
        environment |= {
            "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
            "DJANGO_SETTINGS_MODULE": "voxelry.server.settings",
            "VOXELRY_DATA": str(archive.data),
            "VOXELRY_DATABASE_URL": archive.database,
        }
        archive.data.mkdir(parents=True, exist_ok=True)
        self._log = archive.data / "driver.log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.lists_driver", str(archive.studies)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment, cwd=ROOT, text=True,
            )  # fmt: skip
        self.cases: list[str] = json.loads(self._line())

    def ask(self, case: str) -> float:
        """The milliseconds of a case."""
        assert self._process.stdin is not None  # noqa: S101 - for mypy
        self._process.stdin.write(case + "\n")
        self._process.stdin.flush()
        return float(self._line())

    def stop(self) -> None:
        """End the process."""
        stop_process(self._process)
        for stream in (self._process.stdin, self._process.stdout):
            with suppress(BrokenPipeError):
                if stream is not None:
                    stream.close()

    def _line(self) -> str:
        assert self._process.stdout is not None  # noqa: S101 - for mypy
        line = self._process.stdout.readline()
        if not line:
            told = self._log.read_text()[-2000:]
            raise RuntimeError(f"the process of {self.archive.studies} studies on {self.archive.engine} ended: {told}")
        return line


def rows(sizes: Sequence[int], rounds: int, scratch: Path, say: Callable[[str], None]) -> list[Row]:
    """Make the archives and measure them; a database that is not installed has rows without figures."""
    with _postgres() as address:
        found: list[Row] = []
        archives = [Archive(size, scratch / f"lists-{size}") for size in sizes]
        found += measured(archives, rounds, say)
        if address is None:
            return [
                *found,
                Row("lists", "lists on PostgreSQL", "ms", found[0].ours, "", None, "", None, "not installed"),
            ]
        archives = [Archive(size, scratch / f"lists-pg-{size}", address(f"lists_{size}")) for size in sizes]
        return [*found, *measured(archives, rounds, say)]


def measured(archives: Sequence[Archive], rounds: int, say: Callable[[str], None], *, only: str = "") -> list[Row]:
    """The median of each case in each archive but the smallest, beside that in the smallest."""
    with ExitStack() as stack:
        processes = []
        for archive in archives:
            say(f"lists: {archive.studies} studies on {archive.engine}")
            processes.append(_Process(archive))
            stack.callback(processes[-1].stop)
        names = [name for name in processes[0].cases if only in name]
        if rounds == 1:  # a trial of the benchmark itself
            names = names[::TRIED]
        found: list[Row] = []
        for number, case in enumerate(names):
            say(f"lists: {case} ({number + 1} of {len(names)})")
            found += _compared(case, _costs(case, processes, rounds))
        return found


def _costs(case: str, processes: Sequence[_Process], rounds: int) -> Mapping[Archive, float]:
    if rounds > 1:
        for process in processes:
            process.ask(case)
    times: dict[Archive, list[float]] = {process.archive: [] for process in processes}
    for _ in range(rounds):
        for process in processes:
            times[process.archive].append(process.ask(case))
    return {archive: statistics.median(each) for archive, each in times.items()}


def _compared(case: str, costs: Mapping[Archive, float]) -> Iterator[Row]:
    (smallest, least), *others = costs.items()
    for archive, cost in others:
        yield Row(
            "lists",
            f"{case}, {archive.studies}, {archive.engine}",
            "ms",
            cost,
            f"{smallest.studies} studies",
            least,
            f"<= {FACTOR:g} x",
            cost <= FACTOR * least,
        )


@contextmanager
def _postgres() -> Iterator[Callable[[str], str] | None]:
    """A server of PostgreSQL, on which a name gives the address of a new database; None if it is not installed."""
    from tests.servers.running import create_database, postgres, postgres_folder

    binaries = postgres_folder()
    if binaries is None:
        yield None
        return
    with postgres(binaries) as server:

        def address(name: str) -> str:
            create_database(binaries, server.port, name, check=True)
            return f"postgresql://voxelry@127.0.0.1:{server.port}/{name}"

        yield address
