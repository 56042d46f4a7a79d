"""What several tests do: open the site, find series at home, and choose a step."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

MAKE_USER = """
import sys
from pathlib import Path

from voxelry.server.environment import django_setup

django_setup.prepare(data=Path(sys.argv[1]), config=None)
django_setup.set_up()
from django.contrib.auth.models import User

User.objects.create_user(sys.argv[2], password=sys.argv[3])
"""

HANG_MS = 120_000
"""How long anything may take that a test waits for: uploads, jobs and pages of a machine that does much else."""


def open_context(browser: Browser, address: str, **options: Any) -> BrowserContext:
    """A visitor of the site, who waits for everything as long as it takes."""
    context = browser.new_context(base_url=address, **options)
    context.set_default_timeout(HANG_MS)
    return context


def choose(page: Page, words: str) -> Locator:
    """By the keyboard alone: type, Enter."""
    page.get_by_test_id("step-search").fill(words)
    page.keyboard.press("Enter")
    form = page.get_by_test_id("step-form")
    expect(form).to_be_visible()
    return form


def find_series(page: Page, words: str) -> Locator:
    """The rows at home of the series with these words, in the only study that has them: it opens by itself."""
    page.get_by_test_id("search").fill(words)  # There is nothing to search before the first study.
    return page.get_by_test_id("series-row").filter(has_text=words)


def log_in(page: Page, user: str, password: str, *, at: str = "/") -> None:
    """By the form, which leads to the address that was asked for."""
    page.goto(at)
    page.get_by_label("User name").fill(user)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_label("User name")).to_have_count(0)


def ask(page: Page, method: str, path: str, **options: Any) -> Any:
    """A request to the REST API in the page's session; its answer must be good."""
    cookies = {one["name"]: one["value"] for one in page.context.cookies()}
    headers = {"X-CSRFToken": cookies["csrftoken"], "Referer": page.url}
    answer = page.request.fetch(f"/api{path}", method=method, headers=headers, **options)
    assert answer.ok, answer.text()
    return answer.json() if answer.body() else None


def wait_for(page: Page, path: str, until: Callable[[Any], bool]) -> Any:
    """Ask for a resource again until it is as wanted."""
    end = time.monotonic() + HANG_MS / 1000
    while not until(answer := ask(page, "GET", path)):
        assert time.monotonic() < end, answer
        page.wait_for_timeout(50)  # the job runs in another process
    return answer


def add_user(data: Path, name: str, password: str) -> None:
    """A user without a project, beside the site that runs in this data folder."""
    subprocess.run([sys.executable, "-c", MAKE_USER, str(data), name, password], check=True)
