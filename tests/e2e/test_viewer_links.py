"""The viewer's state in its address: what somebody sends is what somebody else sees."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Site
from tests.e2e.pixels import eventually
from tests.e2e.steps import open_context
from tests.e2e.test_viewer import upload, view
from voxelry.testing import synthetic_series

pytestmark = pytest.mark.browser


def _shown(page: Page) -> list[tuple[str | None, ...]]:
    """What each view's canvas says of itself."""
    canvases = page.get_by_test_id("slice-canvas")
    names = ("data-plane", "data-slice", "data-volume")
    return [tuple(canvas.get_attribute(name) for name in names) for canvas in canvases.all()]


def _expect_three_pictures(page: Page) -> None:
    for number in range(3):
        expect(page.get_by_test_id("slice-canvas").nth(number)).to_have_attribute("data-slice", re.compile(r"\d+"))


def test_a_sent_link_opens_the_same_view_for_another_browser(
    site: Site, logged_in: Page, browser: Browser, tmp_path: Path
) -> None:
    page = logged_in
    synthetic_series(tmp_path / "linked", seed=9701, slices=9, attributes={"SeriesDescription": "Linked view"})
    upload(page, tmp_path / "linked", "Linked view")
    view(page, "Linked view")
    expect(page).to_have_url(re.compile(r"/viewer\?view=[0-9.]+"))
    assert re.search(r"/series/\d|[?&;](volume|slice|series)=\d+(&|$)", page.url) is None, page.url
    page.keyboard.press("Shift+D")
    expect(page.get_by_test_id("slice-canvas")).to_have_count(3)
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_test_id("slice-position")).to_contain_text("Slice 2 /")
    page.keyboard.press("i")
    page.keyboard.press("2")
    _expect_three_pictures(page)
    expect(page.get_by_test_id("slice-canvas").first).to_have_attribute("data-slice", "1")
    expect(page).to_have_url(re.compile("layout=3.*window:[^&]*inverted"))
    shown, window, link = _shown(page), page.get_by_test_id("window-text").first.inner_text(), page.url
    assert not re.search("DOE|Linked", link)

    page.reload()
    expect(page.get_by_test_id("slice-canvas")).to_have_count(3)
    _expect_three_pictures(page)
    expect(page.get_by_test_id("slice-position")).to_contain_text("Slice 2 /")

    def as_sent() -> None:
        assert _shown(page) == shown

    eventually(page, as_sent)
    expect(page.get_by_test_id("window-text").first).to_have_text(window)

    with open_context(browser, site.address) as context:
        stranger = context.new_page()
        stranger.goto(link)
        expect(stranger).to_have_url(re.compile(r"/login/\?next="))


def test_a_link_to_a_series_that_is_not_here_says_so(logged_in: Page) -> None:
    logged_in.goto("/viewer?view=1.2.826.0.1.3680043.999.1")
    expect(logged_in.locator("#main")).to_contain_text("Not here, or not open to you")
    logged_in.goto("/viewer?view=%3Cscript%3E")
    expect(logged_in.locator("#main")).to_contain_text("names no series")
