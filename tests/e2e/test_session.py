"""The session ends, the server goes away, and the page stays where it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.conftest import PASSWORD, Site
from tests.e2e.steps import add_user, choose, find_series, log_in, open_context
from voxelry.testing import synthetic_series, zip_folder

pytestmark = pytest.mark.browser


@pytest.fixture
def context(browser: Browser, site: Site) -> Iterator[BrowserContext]:
    opened = open_context(browser, site.address)
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


def _watch(page: Page) -> list[str]:
    """The addresses that the page opens from now on."""
    opened: list[str] = []
    page.on("framenavigated", lambda frame: opened.append(frame.url))
    return opened


def test_a_session_that_ends_in_a_list_goes_on_in_place(page: Page, context: BrowserContext) -> None:
    log_in(page, "admin", PASSWORD, at="/jobs?state=failed#rows")
    expect(page.get_by_role("heading", name="Jobs", exact=True)).to_be_visible()
    assert page.url.endswith("/jobs?state=failed#rows")
    opened = _watch(page)
    context.clear_cookies()
    # The list is fetched again by itself, and so finds out.
    dialog = page.get_by_test_id("session-ended")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.get_by_test_id("session-ended-notice").get_by_role("button", name="Sign in").click()
    expect(dialog.get_by_test_id("sign-in-user")).to_have_value("admin")
    expect(dialog.get_by_test_id("sign-in-password")).to_be_focused()
    page.keyboard.type("not this one")
    page.keyboard.press("Enter")
    expect(dialog.get_by_test_id("sign-in-error")).to_contain_text("correct")
    dialog.get_by_test_id("sign-in-password").fill(PASSWORD)
    with page.expect_response(re.compile(r"/api/jobs\?")) as listed:
        page.keyboard.press("Enter")
    assert listed.value.ok
    expect(dialog).to_be_hidden()
    assert not opened
    assert page.url.endswith("/jobs?state=failed#rows")


def test_a_session_that_ends_in_the_viewer_is_renewed_in_another_tab(
    page: Page, context: BrowserContext, tmp_path: Path
) -> None:
    log_in(page, "admin", PASSWORD)
    synthetic_series(tmp_path / "a", seed=1717, slices=6, attributes={"SeriesDescription": "Ends early"})
    page.locator("input[type=file]").first.set_input_files(zip_folder(tmp_path / "a.zip", tmp_path / "a"))
    row = find_series(page, "Ends early").first
    expect(row).to_contain_text("Ready")
    address = row.get_by_test_id("view-link").first.get_attribute("href")
    page.goto(f"{address}?a=1#b")
    canvas = page.get_by_test_id("slice-canvas")
    expect(canvas).to_have_attribute("data-slice", re.compile(r"\d+"))
    page.wait_for_url("**/viewer?**#b")  # the page has written it
    page.get_by_test_id("open-run").click()
    form = choose(page, "gaussian")
    url, opened = page.url, _watch(page)
    context.clear_cookies()
    form.get_by_test_id("run").click()
    dialog = page.get_by_test_id("session-ended")
    expect(dialog).to_be_visible()
    expect(canvas).to_be_attached()

    other = context.new_page()
    log_in(other, "admin", PASSWORD)
    other.close()
    page.bring_to_front()
    page.evaluate("window.dispatchEvent(new Event('focus'))")  # a headless browser's windows are never in front
    expect(dialog).to_be_hidden()
    expect(page.get_by_test_id("run-card").first).to_be_visible()  # the request has waited
    assert not opened
    assert page.url == url


def test_another_user_does_not_go_on_in_the_first_ones_page(page: Page, context: BrowserContext, site: Site) -> None:
    add_user(site.data, "otto", PASSWORD)
    log_in(page, "admin", PASSWORD, at="/jobs?state=failed#rows")
    expect(page.get_by_role("heading", name="Jobs", exact=True)).to_be_visible()
    url = page.url
    context.clear_cookies()
    dialog = page.get_by_test_id("session-ended")
    expect(dialog).to_be_visible()
    dialog.get_by_test_id("sign-in-user").fill("otto")
    dialog.get_by_test_id("sign-in-password").fill(PASSWORD)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.keyboard.press("Enter")
    expect(dialog).to_contain_text("Somebody else is signed in")
    assert not [address for address in asked if "/api/jobs" in address]
    dialog.get_by_test_id("reload").click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_test_id("user-menu")).to_contain_text("otto")
    assert page.url == url


def test_a_lost_connection_is_said_once(page: Page, context: BrowserContext) -> None:
    log_in(page, "admin", PASSWORD, at="/jobs")
    expect(page.get_by_role("heading", name="Jobs", exact=True)).to_be_visible()
    context.set_offline(True)
    lost = page.get_by_test_id("connection-lost")
    expect(lost).to_have_count(1)
    expect(page.get_by_role("alert")).to_have_count(0)
    with page.expect_response(re.compile(r"/api/jobs\?")) as listed:
        context.set_offline(False)
    assert listed.value.ok
    expect(lost).to_have_count(0)
