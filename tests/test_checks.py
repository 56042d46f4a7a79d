"""``script/checks.py`` and ``--quick``: what they run, and that a test which is not quick is found."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import coverage
import pytest

import checks
from tests.quick import LEFT_OUT, SECONDS

ROOT = Path(__file__).resolve().parents[1]

TESTS = """
import time
import pytest
import tests.quick

tests.quick.SECONDS = 0.05

def busy():
    end = time.process_time() + 0.1
    while time.process_time() < end:
        pass

@pytest.fixture
def slowly_made():
    busy()

def test_quick(): pass
def test_that_sleeps(): time.sleep(0.06)
def test_busy(): busy()
def test_with_a_fixture(slowly_made): pass
@pytest.mark.slow
def test_marked(): busy()
@pytest.mark.browser
def test_of_a_browser(): pass
"""


def results(folder: Path, *arguments: str) -> dict[str, str]:
    """What became of each test of a file of tests that stands apart from this project."""
    (folder / "test_apart.py").write_text(TESTS)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n" + "".join(f"  {name}\n" for name in LEFT_OUT))
    command = [sys.executable, "-m", "pytest", "-p", "tests.quick", "-rA", *arguments, "test_apart.py"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    lines = [line.split() for line in done.stdout.splitlines() if line.startswith(("PASSED", "FAILED"))]
    return {line[1].rpartition("::")[2]: line[0] for line in lines}


def test_a_quick_run_leaves_out_what_is_marked_and_finds_what_is_not_quick(tmp_path: Path) -> None:
    assert results(tmp_path, "--quick") == {
        "test_quick": "PASSED",
        "test_that_sleeps": "PASSED",
        "test_busy": "FAILED",
        "test_with_a_fixture": "FAILED",
    }


def test_any_other_run_has_all_and_no_limit(tmp_path: Path) -> None:
    found = results(tmp_path)
    assert len(found) == 6
    assert set(found.values()) == {"PASSED"}


def test_a_quick_test_may_take_two_seconds() -> None:
    assert SECONDS == 2


def test_every_folder_of_tests_is_run_once() -> None:
    def collected(run: checks.Tests, folder: str) -> bool:
        ignored = [argument.removeprefix("--ignore=") for argument in run.arguments if argument.startswith("--ignore=")]
        paths = [argument for argument in run.arguments if not argument.startswith("-")] or ["tests"]
        return folder not in ignored and any(folder == path or path == "tests" for path in paths)

    folders = [
        f"tests/{path.name}" for path in (ROOT / "tests").iterdir() if path.is_dir() and path.name[0] not in "._"
    ]
    everything = checks.all_tests(everything=True, measured=False).values()
    for folder in folders:
        assert [collected(run, folder) for run in everything].count(True) == 1, folder
        times = 0 if folder in checks.NEVER_QUICK else 1
        assert [collected(run, folder) for run in checks.quick_tests().values()].count(True) == times, folder
    assert set(checks.QUICK_CHECKS) <= set(checks.CHECKS)


@pytest.fixture
def measured(tmp_path: Path) -> Path:
    """Coverage data of a process that ended well."""
    data = coverage.CoverageData(str(tmp_path / "data"))
    data.add_lines({"somewhere.py": list(range(2000))})
    data.close()
    return tmp_path / "data"


def test_coverage_data_of_killed_processes_are_told_from_whole_ones(measured: Path, tmp_path: Path) -> None:
    assert checks.is_whole(measured)
    content = measured.read_bytes()
    for name, damaged in {
        "empty": b"",
        "cut": content[: len(content) // 2],
        "overwritten": content[:4096] + bytes(len(content) - 4096),
        "no database": b"nothing of the kind" * 1000,
    }.items():
        (tmp_path / name).write_bytes(damaged)
        assert not checks.is_whole(tmp_path / name), name
