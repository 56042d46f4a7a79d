"""Races of jobs against plain Celery with Redis: the delay until a job starts, and the time of a thousand empty jobs.

Voxelry runs in its default set-up: a worker with two slots and a database in a folder. A job of Voxelry is a row with
its submitter and its result; a plain Celery task stores nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.race import Race, Runner, Target
from benchmarks.server_processes import free_port, stop_process, wait_for_port

ROOT = Path(__file__).resolve().parents[1]
CELERY = "bare Celery, Redis"


def races(count: int, scratch: Path) -> Iterator[tuple[str, Callable[[], Race]]]:
    """The races; their processes start with the first race and end with the last."""
    with _processes(scratch) as ask:
        at_most = (Target((CELERY,), 2.0, at_most=True),)

        def race(name: str, work: str, *words: str) -> Callable[[], Race]:
            def made() -> Race:
                peer = Runner(CELERY, lambda: ask("celery", *words), ("redis-server", "celery"))
                return Race(name, work, Runner("voxelry", lambda: ask("voxelry", *words)), (peer,), at_most)

            return made

        yield "jobs-start", race("jobs-start", "a job from queued to running", "start")
        yield "jobs-batch", race("jobs-batch", f"{count} empty jobs, asked for together", "all", str(count))
        yield "jobs-each", race("jobs-each", f"{count} empty jobs, each asked for by itself", "each", str(count))


@contextmanager
def _processes(scratch: Path) -> Iterator[Callable[..., float]]:
    started: list[subprocess.Popen[str]] = []
    drivers: dict[str, subprocess.Popen[str]] = {}
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("VOXELRY_", "DJANGO_"))}
    environment |= {
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
        "DJANGO_SETTINGS_MODULE": "benchmarks.jobs_settings",
        "VOXELRY_DATA": str(scratch / "site"),
        "BENCHMARK_REDIS": f"redis://127.0.0.1:{port}/0",
    }

    def start(*arguments: str, talks: bool = False) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE if talks else subprocess.DEVNULL
        process = subprocess.Popen(
            arguments, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=environment, cwd=ROOT, text=True
        )
        started.append(process)
        return process

    def driver(who: str) -> subprocess.Popen[str]:
        if who not in drivers:
            if who == "celery":
                start("redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
                wait_for_port(port)
                work = [sys.executable, "-m", "celery", "--app", "benchmarks.jobs_driver", "worker"]
                start(*work, "--concurrency", "2", "--loglevel", "error")
            drivers[who] = start(sys.executable, "-m", "benchmarks.jobs_driver", who, talks=True)
            assert _read(drivers[who]) == "ready"  # noqa: S101
            if who == "voxelry":
                start(sys.executable, "-m", "voxelry.server.site.worker")
        return drivers[who]

    def ask(who: str, *words: str) -> float:
        process = driver(who)
        assert process.stdin is not None  # noqa: S101 - for mypy
        process.stdin.write(" ".join(words) + "\n")
        process.stdin.flush()
        return float(_read(process))

    try:
        yield ask
    finally:
        for process in reversed(started):
            stop_process(process)
            for stream in (process.stdin, process.stdout):
                with suppress(BrokenPipeError):
                    if stream is not None:
                        stream.close()


def _read(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None  # noqa: S101 - for mypy
    line = process.stdout.readline()
    if not line:
        raise RuntimeError("the driver of a benchmark ended")
    return line.strip()
