"""Which tests ``--quick`` runs, and the proof that they are quick.

``script/test --quick`` leaves out what starts browsers, servers and installers, and the tests with the marker ``slow``.
So that this does not rot, each test that is run takes part in a check: one that takes more processor time than it may
fails, and says that it wants the marker. Processor time, unlike a clock, does not depend on who else uses the machine.
"""

from __future__ import annotations

import importlib.util
import resource
from collections.abc import Iterator

import pytest

LEFT_OUT = ("slow", "browser", "servers", "registries")
"""Markers of tests that are not run; the root's conftest.py gives some of them for a fixture."""

SECONDS = 2.0
"""Processor time that a test, its fixtures' set-up and the processes that it waits for may take.

Twice the time from which tests are marked, so that a slower machine finds the same."""

IMPORTED_BEFORE = ("pandas", "pyarrow", "pydicom", "scipy.ndimage", "SimpleITK", "skimage.measure")
"""Libraries that take long to import: no test pays for being the first that needs them."""

STARTED = pytest.StashKey[float]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--quick",
        action="store_true",
        default=False,
        help=f"leave out tests marked {', '.join(LEFT_OUT)}; a test that takes more than {SECONDS:g} s of processor "
        "time fails",
    )


@pytest.hookimpl(trylast=True)  # after the markers that other hooks give
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--quick"):
        return
    left_out = [item for item in items if any(map(item.get_closest_marker, LEFT_OUT))]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not any(map(item.get_closest_marker, LEFT_OUT))]


def pytest_collection_finish(session: pytest.Session) -> None:
    if session.config.getoption("--quick"):
        for library in IMPORTED_BEFORE:
            if importlib.util.find_spec(library.partition(".")[0]):
                importlib.import_module(library)


@pytest.hookimpl(tryfirst=True)  # before the fixtures are made
def pytest_runtest_setup(item: pytest.Item) -> None:
    item.stash[STARTED] = processor_seconds()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report: pytest.TestReport = yield  # type: ignore[assignment]
    if call.when == "call" and report.passed and item.config.getoption("--quick"):
        seconds = processor_seconds() - item.stash[STARTED]
        if seconds > SECONDS:
            report.outcome = "failed"
            report.longrepr = (
                f"{item.nodeid} takes {seconds:.1f} s of processor time, and a test of `script/test --quick` may take "
                f"{SECONDS:g} s. Make it faster, or mark it with @pytest.mark.slow: then only `script/test` runs it. "
                "Where a fixture of the whole module takes the time, `pytestmark = pytest.mark.slow` marks the module."
            )
    return report  # type: ignore[return-value]


def processor_seconds() -> float:
    """What this process and the children that it waited for have taken so far."""
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
