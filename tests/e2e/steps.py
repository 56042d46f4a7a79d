"""What several tests do: open the site, upload and find series, and choose a step."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from operator import itemgetter
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from voxelry.testing import zip_folder

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
    # Enter takes the first step that applies, once it is known what does.
    expect(page.locator("[data-step][aria-disabled=false]").first).to_be_visible()
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
    headers = {"X-CSRFToken": cookies["csrftoken"]}
    answer = page.request.fetch(f"/api{path}", method=method, headers=headers, **options)
    assert answer.ok, answer.text()
    return answer.json() if answer.body() else None


def leave(page: Page) -> None:
    """Show nothing, before the API deletes what the page shows: a browser logs each answer of 404 to a page."""
    page.goto("about:blank")


def expect_picture(row: Locator) -> None:
    """Wait for the small picture of a row before what it shows is deleted, so that nobody asks for it afterwards."""
    picture = row.locator("img")
    picture.scroll_into_view_if_needed()  # it is asked for when it comes into view
    expect(picture).not_to_have_js_property("naturalWidth", 0)


def wait_for(page: Page, path: str, until: Callable[[Any], bool]) -> Any:
    """Ask for a resource again until it is as wanted."""
    end = time.monotonic() + HANG_MS / 1000
    while not until(answer := ask(page, "GET", path)):
        assert time.monotonic() < end, answer
        page.wait_for_timeout(50)  # the job runs in another process
    return answer


def built_masks(page: Page, series: int, count: int) -> list[dict[str, Any]]:
    """The records of the masks over an image, when there are so many and all can be shown.

    What a job has saved is prepared by another job, and has no segments until then.
    """
    found = wait_for(
        page,
        f"/segmentations?series={series}",
        lambda answer: [one["state"] for one in answer["segmentations"]] == ["ready"] * count,
    )
    return [ask(page, "GET", f"/segmentations/{one['id']}") for one in found["segmentations"]]


def series_of_upload(
    page: Page,
    folder: Path,
    wanted: set[str],
    *,
    tmp: Path,
    name_of: Callable[[dict[str, Any]], str] = itemgetter("modality"),
) -> dict[str, int]:
    """Upload a folder as a zip, made in ``tmp``: its series by name, once all wanted ones are there."""
    before = {one["id"] for one in _all_series(page)}
    page.goto("/")
    page.locator("input[type=file]").first.set_input_files(zip_folder(tmp / f"{folder.name}.zip", folder))
    end = time.monotonic() + HANG_MS / 1000
    built: dict[str, int] = {}
    while not wanted <= built.keys():
        assert time.monotonic() < end, f"only {sorted(built)} of {sorted(wanted)} were built"
        page.wait_for_timeout(300)  # between looks at the server, which tells nobody when a series is built
        own = [one for one in _all_series(page) if one["id"] not in before]
        built = {name_of(one): one["id"] for one in own if one["state"] == "succeeded" and one["volume_count"]}
    return built


def _all_series(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask(page, "GET", "/series?limit=100")["items"]
    return found


def add_user(data: Path, name: str, password: str) -> None:
    """A user without a project, beside the site that runs in this data folder."""
    subprocess.run([sys.executable, "-c", MAKE_USER, str(data), name, password], check=True)
