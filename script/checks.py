"""Run all checks of CI, and print the result of each at the end.

A failed check does not stop later ones. Four runs of pytest overlap: the tests that mostly wait for other programs
(installers, a browser, commands of the handbook), those of sites and peers, those of the server alone, and all others.
The first takes longest; it and that of the server alone start immediately, the others after the checks, which use one
core each. The last line counts pytest's tests, and each other check as one.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
PYTHON = Path(sys.executable).parent
CACHE = ROOT / ".cache"
ALL_OTHERS, WAITING, SERVER, PEERS = "tests", "tests that wait", "tests of the server alone", "tests of sites and peers"
BESIDE = {
    WAITING: ["tests/packaging", "tests/e2e", "tests/test_docs.py"],
    SERVER: ["tests/server"],
    PEERS: [
        "tests/server/test_earlier_sites.py",
        "tests/server/test_postgresql.py",
        "tests/dicomweb",
        "tests/dimse",
        "tests/network",
        "tests/peers",
    ],
}
"""Tests that mostly wait for other programs or restarted processes; chosen so that all runs take equally long."""

QUICK_CHECKS = ("ruff format", "ruff check", "import-linter", "mypy")
QUICK_TESTS = {
    ALL_OTHERS: ["tests", "--ignore=tests/core", "--ignore=tests/dicom"],
    "tests of core and dicom": ["tests/core", "tests/dicom"],
    "tests of the server": [
        f"tests/server/{name}.py"
        for name in ("jobs/test_rows", "test_access", "test_account", "test_configuration", "test_contract")
    ],
}
"""Parallel runs of pytest. The server's tests are those of access, of answers and of rows."""
NEVER_QUICK = [
    "tests/packaging",
    "tests/e2e",
    "tests/server",
    "tests/dicomweb",
    "tests/dimse",
    "tests/network",
    "tests/peers",
]
"""Folders that the first of these runs does not collect."""

SHOWN_MESSAGE = 300

CHECKS: dict[str, list[str]] = {
    "ruff format": [str(PYTHON / "ruff"), "format", "--check"],
    "ruff check": [str(PYTHON / "ruff"), "check"],
    "mypy": [str(PYTHON / "mypy")],
    "import-linter": [str(PYTHON / "lint-imports")],
    "eslint": [sys.executable, "script/web_page.py", "run", "lint"],
    "vue-tsc": [sys.executable, "script/web_page.py", "run", "typecheck"],
    "types of the REST API": [sys.executable, "script/web_page.py", "run", "types:check"],
    "vitest": [sys.executable, "script/web_page.py", "run", "test"],
}


@dataclass
class Outcome:
    name: str
    failed: bool
    seconds: float

    def __str__(self) -> str:
        return f"{'FAILED' if self.failed else 'ok':7} {self.name} ({self.seconds:.0f} s)"


@dataclass
class Count:
    """Counts of pytest's results."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: list[str] = field(default_factory=list)
    """A line for each failed test: its name, and how its message begins."""


def run(name: str, command: list[str]) -> Outcome:
    print(f"\n=== {name}", flush=True)
    start = time.monotonic()
    code = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode
    return Outcome(name, code != 0, time.monotonic() - start)


@dataclass
class Tests:
    """A run of pytest in parallel to another; its output is held back while another run's is shown."""

    name: str
    arguments: list[str]
    coverage: bool

    @property
    def results(self) -> Path:
        return CACHE / f"{self.name}.xml"

    @property
    def covered(self) -> Path:
        return CACHE / "coverage" / self.name

    def run(self, output: IO[bytes] | None) -> Outcome:
        start = time.monotonic()
        self.results.unlink(missing_ok=True)
        shutil.rmtree(self.covered, ignore_errors=True)
        self.covered.mkdir(parents=True)
        command = [sys.executable, "-m", "pytest", *self.arguments, f"--junitxml={self.results}"]
        command += ["--cov", "--cov-report="] if self.coverage else []
        done = subprocess.run(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
            env={**os.environ, "COVERAGE_FILE": str(self.covered / "data")},
            check=False,
        )
        return Outcome(f"pytest: {self.name}", done.returncode != 0, time.monotonic() - start)


def all_tests(*, everything: bool, measured: bool) -> dict[str, Tests]:
    """The four runs of pytest; measuring what they cover takes as much time again as the tests."""
    demand = ["--all"] if everything else []
    elsewhere = [f"--ignore={path}" for paths in BESIDE.values() for path in paths]
    shown = Tests(ALL_OTHERS, [*demand, *elsewhere], measured)
    # Coverage would also measure each program that the first run starts, for lines that other tests cover anyway.
    beside = [
        Tests(name, [*demand, *paths, *_of_others(name)], measured and name != WAITING)
        for name, paths in BESIDE.items()
    ]
    return {tests.name: tests for tests in (shown, *beside)}


def _of_others(name: str) -> list[str]:
    """Leaves out what lies in a folder of this run and belongs to another one."""
    others = [path for other, paths in BESIDE.items() if other != name for path in paths]
    return [f"--ignore={path}" for path in others if any(path.startswith(f"{own}/") for own in BESIDE[name])]


def quick_tests() -> dict[str, Tests]:
    apart = {ALL_OTHERS: [f"--ignore={folder}" for folder in NEVER_QUICK]}
    return {
        name: Tests(name, ["--quick", *paths, *apart.get(name, [])], coverage=False)
        for name, paths in QUICK_TESTS.items()
    }


def run_all(
    tests: dict[str, Tests], checks: Iterable[str], first: Iterable[str]
) -> tuple[list[Outcome], dict[str, Outcome]]:
    """Run all checks and runs of pytest; those in ``first`` start together with the checks."""
    with ExitStack() as stack:
        kept = {name: stack.enter_context(tempfile.TemporaryFile()) for name in tests if name != ALL_OTHERS}
        pool = stack.enter_context(ThreadPoolExecutor(len(tests)))
        going = {name: pool.submit(tests[name].run, kept[name]) for name in first}
        checked = [run(name, CHECKS[name]) for name in checks]
        print("\n=== pytest", flush=True)
        going |= {name: pool.submit(tests[name].run, kept.get(name)) for name in tests if name not in going}
        tested = {name: going[name].result() for name in tests}
        for name, output in kept.items():
            print(f"\n=== pytest: {name}", flush=True)
            output.seek(0)
            shutil.copyfileobj(output, sys.stdout.buffer)
            sys.stdout.flush()
    return checked, tested


def report_coverage(folders: list[Path]) -> None:
    print("\n=== coverage", flush=True)
    found = CACHE / "coverage" / "found"
    shutil.rmtree(found, ignore_errors=True)
    found.mkdir(parents=True)
    for number, file in enumerate(file for folder in folders for file in folder.glob("data*")):
        with suppress(FileNotFoundError):  # A process that ends only now has removed its empty file.
            shutil.copy(file, found / f"{number}-{file.name}")
    for file in found.iterdir():
        if not is_whole(file):
            file.unlink()
    coverage = [sys.executable, "-m", "coverage"]
    subprocess.run([*coverage, "combine", "--quiet", *map(str, found.iterdir())], cwd=ROOT, check=False)
    subprocess.run([*coverage, "report", "--skip-covered"], cwd=ROOT, check=False)


def is_whole(data: Path) -> bool:
    """True if a file of coverage data can be read: tests kill processes, perhaps while they write it."""
    try:
        with closing(sqlite3.connect(data)) as database:
            whole = database.execute("PRAGMA quick_check").fetchone() == ("ok",)
            return whole and database.execute("SELECT version FROM coverage_schema").fetchone() is not None
    except sqlite3.DatabaseError:
        return False


def count_tests(results: Path) -> tuple[Count, dict[str, int]]:
    """Read pytest's results: the counts, and the number of skipped tests for each reason."""
    count, reasons = Count(), dict[str, int]()
    if not results.is_file():
        return Count(failed=1, failures=[f"{results.stem}: pytest wrote no results"]), reasons
    # The file was just written by pytest and is trusted.
    for case in ET.parse(results).iter("testcase"):  # noqa: S314
        skipped = case.find("skipped")
        trouble = next((found for kind in ("failure", "error") if (found := case.find(kind)) is not None), None)
        if trouble is not None:
            count.failed += 1
            begin = " ".join(trouble.get("message", "").split())[:SHOWN_MESSAGE]
            count.failures.append(f"{case.get('classname')}::{case.get('name')}: {begin}")
        elif skipped is not None and skipped.get("type") != "pytest.xfail":
            count.skipped += 1
            reason = skipped.get("message", "no reason given")
            reasons[reason] = reasons.get(reason, 0) + 1
        else:
            count.passed += 1
    return count, reasons


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--all"], ["--coverage"], ["--quick"]):
        return subprocess.run([sys.executable, "-m", "pytest", *arguments], cwd=ROOT, check=False).returncode

    start = time.monotonic()
    measured = arguments == ["--coverage"]
    if arguments == ["--quick"]:
        tests = quick_tests()
        checked, tested = run_all(tests, QUICK_CHECKS, first=[name for name in tests if name != ALL_OTHERS])
    else:
        tests = all_tests(everything=measured or arguments == ["--all"], measured=measured)
        checked, tested = run_all(tests, CHECKS, first=[WAITING, SERVER])
    if measured:
        report_coverage([run.covered for run in tests.values() if run.coverage])

    total = Count()
    told: dict[str, int] = {}
    for name, outcome in tested.items():
        count, reasons = count_tests(tests[name].results)
        # The run itself failed, not a test: in the collection, or while writing coverage data.
        count.failed = count.failed or int(outcome.failed)
        total.passed += count.passed
        total.failed += count.failed
        total.skipped += count.skipped
        total.failures += count.failures
        for reason, times in reasons.items():
            told[reason] = told.get(reason, 0) + times
    print("\n=== summary")
    print(*checked, *tested.values(), sep="\n")
    for reason, times in told.items():
        print(f"skipped {times} {'test' if times == 1 else 'tests'}: {reason}")
    for failure in total.failures:
        print(f"FAILED  {failure}")
    total.passed += sum(not outcome.failed for outcome in checked)
    total.failed += sum(outcome.failed for outcome in checked)
    seconds = time.monotonic() - start
    print(f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped in {seconds:.0f} s", flush=True)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
