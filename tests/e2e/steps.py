"""Choosing a step, in a series' panel and on the page of a batch."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect


def choose(page: Page, words: str) -> Locator:
    """By the keyboard alone: type, Enter."""
    page.get_by_test_id("step-search").fill(words)
    page.keyboard.press("Enter")
    form = page.get_by_test_id("step-form")
    expect(form).to_be_visible()
    return form
