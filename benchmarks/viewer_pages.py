"""Drives the pages of `viewer_work`: this site's own, and OHIF. All that is looked for in a page is here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from typing import Protocol

from playwright.sync_api import Browser, Locator, Page, Playwright, StorageState
from playwright.sync_api import Error as PlaywrightError

from benchmarks.viewer_work import BROWSERS

PROBE = Path(__file__).with_name("viewer_probe.js")
HANG_MS = 300_000
WIDTH, HEIGHT = 1440, 900
_LAYOUT_MS = 10_000
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-features=SpareRendererForSitePerProcess",
)


class ViewerDriver(Protocol):
    """A viewer's pages.

    Attributes
    ----------
    canvas
        The selector of the canvas with the picture.
    address
        Of the list of studies.
    """

    name: str
    canvas: str
    address: str

    def prepare(self, page: Page) -> None:
        """Log in, and dismiss what stands before the picture on a first visit."""

    def open_list(self, page: Page) -> None:
        """Open the list of studies, until what opens the viewer can be clicked."""

    def click(self, page: Page) -> None:
        """Open the viewer."""

    def is_slice(self, url: str) -> bool:
        """Whether a request is for the values of a slice."""

    def progress(self) -> tuple[str, str, str] | None:
        """Where the page says how much is loaded: selector, attribute, and the attribute of the whole number."""

    def first_slice(self, page: Page) -> None:
        """Show the first slice, from which wheeling down comes to the last one."""


class OwnPage:
    """The page of this site.

    Parameters
    ----------
    words
        What the search of the list finds only this study by.
    """

    name = "Voxelry"
    canvas = '[data-testid="slice-canvas"]'
    handle = '[data-testid="crosshair-handle"]'
    draft = '[data-testid="draft-badge"]'
    unturn_key = "0"
    _progress = "[data-loaded][data-count]"
    _position = '[data-testid="slice-position"]'
    _crosshair = '[data-testid="crosshair"]'
    _layout_key, _placing_key = "Shift+D", "Shift+X"

    def __init__(self, address: str, words: str, user: str, password: str) -> None:
        self.address = address
        self._words, self._user, self._password = words, user, password

    def prepare(self, page: Page) -> None:
        page.goto(f"{self.address}/login/")
        page.get_by_label("User name").fill(self._user)
        page.get_by_label("Password").fill(self._password)
        page.get_by_role("button", name="Log in").click()
        page.get_by_test_id("search").wait_for()

    def open_list(self, page: Page) -> None:
        page.goto(f"{self.address}/")
        page.get_by_test_id("search").fill(self._words)
        self._link(page).wait_for()
        page.wait_for_load_state("networkidle")

    def click(self, page: Page) -> None:
        self._link(page).click()

    def is_slice(self, url: str) -> bool:
        return re.search(r"/api/series/\d+/(slices/\d+|volume)\.raw", url) is not None

    def progress(self) -> tuple[str, str, str] | None:
        return self._progress, "data-loaded", "data-count"

    def first_slice(self, page: Page) -> None:
        page.keyboard.press("Home")
        page.locator('[data-testid="slice-canvas"][data-slice="0"]').first.wait_for()

    def last_slice(self, page: Page) -> None:
        """Show the last slice."""
        page.keyboard.press("End")
        page.wait_for_function(
            "selector => { const text = document.querySelector(selector)?.textContent ?? ''; "
            "const [n, count] = text.match(/\\d+/g) ?? []; return n === count; }",
            arg=self._position,
        )

    def searching(self, words: str) -> OwnPage:
        """The same page, for the study with other words."""
        return OwnPage(self.address, words, self._user, self._password)

    def open_planes(self, page: Page) -> bool:
        """Choose three linked planes, and let a press put the crosshair there; False if the page has none."""
        page.keyboard.press(self._layout_key)
        try:
            page.locator(self.canvas).nth(2).wait_for(timeout=_LAYOUT_MS)
            page.locator(self._crosshair).first.wait_for(timeout=_LAYOUT_MS)
        except PlaywrightError:
            return False
        page.keyboard.press(self._placing_key)
        return True

    def _link(self, page: Page) -> Locator:
        return page.get_by_test_id("series-row").get_by_test_id("view-link")


class OhifPage:
    """OHIF's basic viewer.

    Parameters
    ----------
    words
        A part of the patient's name as the list shows it.
    own
        This site's page at the same host: its session is OHIF's too.
    """

    name = "OHIF"
    canvas = ".cornerstone-canvas"

    def __init__(self, address: str, words: str, own: OwnPage) -> None:
        self.address = address
        self._words, self._own = words, own

    def prepare(self, page: Page) -> None:
        self._own.prepare(page)
        page.goto(self.address)
        page.get_by_role("button", name="Confirm and hide").click()
        self.open_list(page)
        self.click(page)
        page.get_by_text("Skip all").click()

    def open_list(self, page: Page) -> None:
        page.goto(self.address)
        page.get_by_text(self._words).first.click()
        page.get_by_role("button", name="Basic Viewer").wait_for()
        page.wait_for_load_state("networkidle")

    def click(self, page: Page) -> None:
        page.get_by_role("button", name="Basic Viewer").click()

    def is_slice(self, url: str) -> bool:
        return re.search(r"/instances/[\d.]+/frames/\d+$", url) is not None

    def progress(self) -> tuple[str, str, str] | None:
        return None

    def first_slice(self, page: Page) -> None:
        """It shows the first one when it opens."""


@contextmanager
def browsing(playwright: Playwright) -> Iterator[Browser]:
    """A browser of its own, whose processes are nobody else's."""
    browser = playwright.chromium.launch(
        executable_path=next(filter(None, map(which, BROWSERS)), None), args=FLAGS, timeout=HANG_MS
    )
    try:
        yield browser
    finally:
        browser.close()


def new_page(browser: Browser, state: StorageState | None = None) -> Page:
    """A page with nothing in its cache, of somebody who is logged in already if ``state`` says so.

    Service workers are blocked: OHIF's fetches all its files in the background, which would slow its first picture.
    """
    context = browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT}, service_workers="block", storage_state=state
    )
    page = context.new_page()
    page.set_default_timeout(HANG_MS)
    page.add_init_script(path=PROBE)
    return page
