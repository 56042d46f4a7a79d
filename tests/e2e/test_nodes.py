"""A node of the DICOM network in a real browser: added, tested, searched, fetched from and sent to."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.network.archives import TITLE, PythonArchive, python_archive
from voxelry.testing.synthetic import synthetic_series

pytestmark = pytest.mark.browser


def test_a_study_of_a_node_is_found_and_fetched(logged_in: Page, tmp_path: Path) -> None:
    told = {"PatientName": "Faraway^Fay", "PatientID": "F1", "StudyDescription": "At the archive"}
    series = synthetic_series(tmp_path / "remote", slices=4, attributes=told)
    other = synthetic_series(tmp_path / "other", slices=1, seed=7, attributes={**told, "PatientName": "Near^Ned"})
    with python_archive([*series.paths, *other.paths]) as archive:
        _add_and_test(logged_in, archive)
        _find_and_fetch(logged_in)
        assert len(archive.sent) == 4


def _add_and_test(page: Page, archive: PythonArchive) -> None:
    page.get_by_test_id("network-link").click()
    page.get_by_test_id("add-node").click()
    dialog = page.get_by_role("dialog", name="Add a node")
    dialog.get_by_test_id("node-name").fill("Archive")
    dialog.get_by_test_id("node-title").fill(f"{TITLE}_WITH_A_LONG_TITLE")
    dialog.get_by_test_id("node-host").fill("127.0.0.1")
    dialog.get_by_test_id("node-port").fill(str(archive.port))
    page.keyboard.press("Enter")
    expect(dialog.get_by_test_id("node-title")).to_have_attribute("aria-invalid", "true")
    dialog.get_by_test_id("node-title").fill(TITLE)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Archive")).to_be_visible()
    page.get_by_test_id("test-node").click()
    expect(page.get_by_test_id("echo")).to_have_attribute("data-state", "answered")
    page.get_by_role("main").or_(page.locator(".page")).get_by_test_id("query-node").click()


def _find_and_fetch(page: Page) -> None:
    page.get_by_test_id("query-name").fill("Faraway*")
    page.keyboard.press("Enter")
    found = page.get_by_test_id("found-study")
    expect(found).to_have_count(1)
    expect(found).to_contain_text("At the archive")
    found.focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_test_id("found-series")).to_have_count(1)
    found.focus()
    page.keyboard.press("Space")
    page.get_by_test_id("retrieve").click()
    retrieval = page.get_by_test_id("retrieval")
    expect(retrieval).to_have_attribute("data-state", "succeeded")
    expect(found.get_by_test_id("here")).to_have_text("Here")
    retrieval.get_by_test_id("open-study").click()
    expect(page.get_by_role("heading", name="At the archive")).to_be_visible()
