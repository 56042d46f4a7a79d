"""What several tests do: open the site, find series at home, and choose a step."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

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
