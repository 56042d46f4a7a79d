"""What several tests do: find series at home, and choose a step."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect


def choose(page: Page, words: str) -> Locator:
    """By the keyboard alone: type, Enter."""
    page.get_by_test_id("step-search").fill(words)
    page.keyboard.press("Enter")
    form = page.get_by_test_id("step-form")
    expect(form).to_be_visible()
    return form


def find_series(page: Page, words: str) -> Locator:
    """The rows at home of the series with these words, in the only study that has them: it opens by itself."""
    page.get_by_test_id("search").fill(words, timeout=60_000)  # There is nothing to search before the first study.
    return page.get_by_test_id("series-row").filter(has_text=words)
