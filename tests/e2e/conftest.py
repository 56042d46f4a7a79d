"""A real site in a process of its own, and a real browser."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.e2e.steps import HANG_MS, log_in, open_context
from tests.servers.made_tables import put_tables

HANG_SECONDS = 300.0
"""For the site's start and its end, on a machine that does much else."""
expect.set_options(timeout=HANG_MS)
PASSWORD = "a-password-of-this-test"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


PATIENT_STEP = """
import time

from voxelry.core.steps import Params, Step, StepResult


class Nothing(Params):
    pass


def wait(volumes, params, progress):
    for second in range(6000):
        progress(second / 6000, f"waiting for the {second}th time")
        time.sleep(0.1)
    return StepResult(rows=({"waited": True},))


STEP = Step(name="patient", title="Patient step", description="Waits.", params=Nothing, function=wait)
"""


@dataclass(frozen=True)
class Site:
    """Where the site is, and what it printed at its start."""

    address: str
    printed: str
    data: Path

    @property
    def login_link(self) -> str:
        found = re.search(r"\S+/login/link/\S+", self.printed)
        assert found is not None, self.printed
        return found.group()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site that most tests share: what one leaves in it, others see."""
    yield from running_site(tmp_path_factory.mktemp("site"))


def running_site(data: Path) -> Iterator[Site]:
    """``voxelry serve`` on a free port, with a data folder in which there are only tables."""
    log = data / "log"
    put_tables(data / "data")
    arguments = [sys.executable, "-m", "voxelry.cli", "serve", "--port", "0", "--data", str(data / "data")]
    own = [str(_install_step(data / "packages")), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {
        **os.environ,
        "VOXELRY_ADMIN_PASSWORD": PASSWORD,
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": os.pathsep.join(own),
    }
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    with log.open("w") as written:
        process = subprocess.Popen(arguments, stdout=written, stderr=subprocess.STDOUT, env=environment)
    try:
        yield Site(_address(process, log), log.read_text(), data / "data")
        assert "Traceback" not in log.read_text()
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(HANG_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def _install_step(folder: Path) -> Path:
    """A package as another maker's, with a step that takes longer than any test."""
    told = folder / "patient_step-1.0.dist-info"
    told.mkdir(parents=True)
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: patient-step\nVersion: 1.0\n")
    (told / "entry_points.txt").write_text("[voxelry.steps]\npatient = patient_step:STEP\n")
    (folder / "patient_step.py").write_text(PATIENT_STEP)
    return folder


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    end = time.monotonic() + HANG_SECONDS
    while time.monotonic() < end:
        text = log.read_text()
        if "Ctrl-C" in text and (found := re.search(r"http://\S+:\d+", text)):
            return found.group()
        if process.poll() is not None:
            break
        time.sleep(0.1)  # between looks at another process's output, which tells nobody when it grows
    pytest.fail(f"the site did not start:\n{log.read_text()}")


# Playwright keeps an event loop running in this thread while it lives; other modules' tests have loops of their own.
@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=FLAGS, timeout=HANG_MS)
        yield started
        started.close()


@contextmanager
def watched_page(browser: Browser, site: Site) -> Iterator[Page]:
    """A page of a new visitor; an error that the page throws or logs fails the test, or the module that shares it."""
    context = open_context(browser, site.address, viewport={"width": 1440, "height": 900})
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda message: errors.append(_words(message)) if _is_error(message) else None)
    yield opened
    context.close()
    assert not errors


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    """A new visitor's page; an error that it throws or logs fails the test."""
    with watched_page(browser, site) as opened:
        yield opened


@pytest.fixture(scope="module")
def visitor(browser: Browser, site: Site) -> Iterator[Page]:
    """The administrator's page at home, which all tests of a module share: what they upload is uploaded once."""
    with watched_page(browser, site) as opened:
        log_in(opened, "admin", PASSWORD)
        yield opened


def _words(message: ConsoleMessage) -> str:
    return f"{message.text} {message.location['url']}"


def _is_error(message: ConsoleMessage) -> bool:
    """A refusal that the page explains to its user is no error, though the browser logs its status."""
    if message.type != "error" or "status of 422" in message.text:
        return False
    return not ("status of 404" in message.text and message.location["url"].endswith("/api/jobs/batch"))


@pytest.fixture
def logged_in(page: Page) -> Page:
    """The same, logged in by the form, at home."""
    log_in(page, "admin", PASSWORD)
    return page
