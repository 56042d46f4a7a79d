"""What a test may need of the machine, and what happens where it is missing.

A test says what it needs by a fixture (``corpus``, ``chromium``, ``postgres_url``, ``redis_url``) or by a marker
(``corpus``, ``browser``, ``servers``, ``programs("dcmdump")``). Where the machine has no such thing the test is skipped
and says why. With ``--all``, as in CI, nothing may be skipped: whatever would skip a test fails it instead.
"""

from __future__ import annotations

import functools
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers.running import create_database, postgres, postgres_folder, redis

pytest_plugins = ["tests.quick"]

ROOT = Path(__file__).resolve().parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
numbers = itertools.count(1)
"""Tell one module's databases from another's."""

FIXTURE_MARKERS = {
    "corpus": "corpus",
    "chromium": "browser",
    "postgres_url": "servers",
    "redis_url": "servers",
}
"""The marker that a test gets by asking for a fixture, so that ``-m "not browser"`` finds it."""


# --- the option and the rule ------------------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--all",
        action="store_true",
        default=False,
        help="demand everything a test needs (corpus, browser, servers, programs): what is missing fails the run",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for fixture in getattr(item, "fixturenames", ()):
            if fixture in FIXTURE_MARKERS:
                item.add_marker(FIXTURE_MARKERS[fixture])


def pytest_runtest_setup(item: pytest.Item) -> None:
    for reason in missing_needs(item):
        pytest.skip(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report: pytest.TestReport = yield  # type: ignore[assignment]
    if report.skipped and not hasattr(report, "wasxfail") and item.config.getoption("--all"):
        words = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"--all allows no skipped test.\n{words}"
    return report  # type: ignore[return-value]


def missing_needs(item: pytest.Item) -> Iterator[str]:
    """Why a test cannot run here, a sentence for each thing that its markers ask for and the machine lacks."""
    checks: dict[str, Callable[[], str | None]] = {
        "corpus": no_corpus,
        "browser": no_browser,
        "servers": no_servers,
        "registries": no_registries,
    }
    for marker, check in checks.items():
        if item.get_closest_marker(marker) and (reason := check()):
            yield reason
    for mark in item.iter_markers("programs"):
        for program in mark.args:
            if shutil.which(program) is None:
                yield f"the program {program} is not installed"


# --- what there is ----------------------------------------------------------------------------------------------------


def corpus_folder() -> Path:
    return Path(os.environ.get("VOXELRY_TEST_DATA") or ROOT.parent / "shared" / "data")


def no_corpus() -> str | None:
    if (corpus_folder() / "single" / "1-101.dcm").is_file():
        return None
    return "no real DICOM data at ../shared/data (VOXELRY_TEST_DATA names another folder)"


def browser_path() -> str | None:
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def no_browser() -> str | None:
    return None if browser_path() else "no Chromium is installed"


def no_servers() -> str | None:
    if postgres_folder() is None:
        return "PostgreSQL is not installed"
    if shutil.which("redis-server") is None:
        return "Redis is not installed"
    return None


@functools.cache
def no_registries() -> str | None:
    """Ask pip for something small: what is in its way (a mirror, a proxy, no network) is its own affair."""
    with tempfile.TemporaryDirectory() as folder:
        download = ["download", "--quiet", "--no-deps", "--no-cache-dir", "--dest", folder, "iniconfig"]
        done = subprocess.run([sys.executable, "-m", "pip", *download], capture_output=True, check=False)
    return "the package registries cannot be reached" if done.returncode else None


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real DICOM data."""
    if reason := no_corpus():
        pytest.skip(reason)
    return corpus_folder()


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the machine's Chromium."""
    path = browser_path()
    if path is None:
        pytest.skip("no Chromium is installed")
    return path


# --- servers, on free ports and in temporary folders ------------------------------------------------------------------


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[tuple[Path, int]]:
    """A PostgreSQL server of this run's own: where its programs are, and its port."""
    binaries = postgres_folder()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed")
    with postgres(binaries) as server:
        yield binaries, server.port


@pytest.fixture(scope="module")
def postgres_url(postgres_server: tuple[Path, int]) -> str:
    """An empty PostgreSQL database, another one for each module: a site's first start is a first start."""
    binaries, port = postgres_server
    name = f"voxelry_{next(numbers)}"
    create_database(binaries, port, name, check=True)
    return f"postgresql://voxelry@127.0.0.1:{port}/{name}"


@pytest.fixture(scope="session")
def redis_server() -> Iterator[int]:
    """A Redis server of this run's own: its port."""
    with redis() as server:
        yield server.port


@pytest.fixture(scope="module")
def redis_url(redis_server: int) -> str:
    """An empty Redis database, another one for each module."""
    return f"redis://127.0.0.1:{redis_server}/{next(numbers)}"
