"""Run every check that CI runs, one after the other, and tell at the end how each of them went.

A check that fails does not stop the ones after it. The last line counts pytest's tests, and each other check as one.
"""

from __future__ import annotations

import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = Path(sys.executable).parent
RESULTS = ROOT / ".cache/pytest.xml"

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
COVERAGE = ["--cov", "--cov-report=term:skip-covered"]


@dataclass
class Outcome:
    name: str
    failed: bool
    seconds: float

    def __str__(self) -> str:
        return f"{'FAILED' if self.failed else 'ok':7} {self.name} ({self.seconds:.0f} s)"


@dataclass
class Count:
    """What became of pytest's tests."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0


def run(name: str, command: list[str]) -> Outcome:
    print(f"\n=== {name}", flush=True)
    start = time.monotonic()
    code = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode
    return Outcome(name, code != 0, time.monotonic() - start)


def count_tests() -> tuple[Count, dict[str, int]]:
    """Read pytest's results: the counts, and each reason for skipping with how many tests it skipped."""
    count, reasons = Count(), dict[str, int]()
    if not RESULTS.is_file():
        return Count(failed=1), reasons
    # The file is pytest's own, written a moment ago.
    for case in ET.parse(RESULTS).iter("testcase"):  # noqa: S314
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            count.failed += 1
        elif skipped is not None and skipped.get("type") != "pytest.xfail":
            count.skipped += 1
            reason = skipped.get("message", "no reason given")
            reasons[reason] = reasons.get(reason, 0) + 1
        else:
            count.passed += 1
    return count, reasons


def main(arguments: list[str]) -> int:
    everything = "--all" in arguments
    only_pytest = [argument for argument in arguments if argument != "--all"]
    pytest = [sys.executable, "-m", "pytest", *arguments, f"--junitxml={RESULTS}"]
    if only_pytest:
        return subprocess.run(pytest, cwd=ROOT, check=False).returncode

    outcomes = [run(name, command) for name, command in CHECKS.items()]
    RESULTS.unlink(missing_ok=True)
    tests = run("pytest", [*pytest, *(COVERAGE if everything else [])])

    count, reasons = count_tests()
    if tests.failed and not count.failed:
        count.failed = (
            1  # not a test, but the run itself: a collection that broke, a coverage file that could not be written
        )
    print("\n=== summary")
    print(*outcomes, tests, sep="\n")
    for reason, times in reasons.items():
        print(f"skipped {times} {'test' if times == 1 else 'tests'}: {reason}")
    count.passed += sum(not outcome.failed for outcome in outcomes)
    count.failed += sum(outcome.failed for outcome in outcomes)
    seconds = sum(outcome.seconds for outcome in [*outcomes, tests])
    print(f"{count.passed} passed, {count.failed} failed, {count.skipped} skipped in {seconds:.0f} s", flush=True)
    return 1 if count.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
