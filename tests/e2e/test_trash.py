"""The page of the trash, and the dialog that copies a study, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.steps import ask, expect_picture, leave, wait_for
from voxelry.testing import synthetic_instance, write

pytestmark = pytest.mark.browser


def _study(page: Page, path: Path) -> int:
    """Upload a file; the key of its study, which is built."""
    sent = {"name": path.name, "mimeType": "application/dicom", "buffer": path.read_bytes()}
    key = ask(page, "POST", "/uploads", multipart={"files": sent})["id"]
    (series,) = wait_for(page, f"/uploads/{key}", lambda answer: answer["state"] == "succeeded")["series"]
    built = wait_for(page, f"/series/{series}", lambda answer: answer["state"] == "succeeded")
    return int(built["study"]["id"])


def test_a_deleted_study_is_restored_on_the_page_of_the_trash(logged_in: Page, tmp_path: Path) -> None:
    page = logged_in
    told = {"StudyDescription": "For the trash", "PatientID": "T1", "PatientName": "Trash^Tess"}
    study = _study(page, write(synthetic_instance(seed=901, attributes=told), tmp_path / "a.dcm"))
    page.goto(f"/studies/{study}")
    expect_picture(page.get_by_test_id("series-row"))
    page.get_by_test_id("delete-study").click()
    page.locator("dialog[open]").get_by_test_id("confirm").click()
    page.wait_for_url("**/")
    expect(page.get_by_text("1 study moved to the trash.")).to_be_visible()
    page.get_by_test_id("notice-action").click()
    expect(page.get_by_text("1 study restored.")).to_be_visible()
    leave(page)
    ask(page, "DELETE", f"/studies/{study}")
    page.goto("/")
    page.get_by_test_id("user-menu").click()
    page.get_by_test_id("trash-link").click()
    row = page.get_by_test_id("trash-row").filter(has_text="For the trash")
    expect(row).to_contain_text("Tess")
    expect(row).to_contain_text("in 7 days")
    row.get_by_test_id("restore").click()
    expect(row).to_have_count(0)
    page.goto(f"/studies/{study}")
    expect(page.get_by_role("heading", name="For the trash")).to_be_visible()
    leave(page)
    ask(page, "DELETE", f"/studies/{study}")
    page.goto("/trash")
    row.get_by_test_id("delete-now").click()
    page.locator("dialog[open]").get_by_test_id("confirm").click()
    expect(row).to_have_count(0)


def test_a_study_is_copied_from_its_page(logged_in: Page, tmp_path: Path) -> None:
    page = logged_in
    study = _study(page, write(synthetic_instance(seed=902), tmp_path / "a.dcm"))
    ask(page, "POST", "/projects", data={"name": "Teaching"})
    page.goto(f"/studies/{study}")
    page.get_by_test_id("copy-study").click()
    page.locator("dialog[open]").get_by_test_id("copy-project").select_option(label="Teaching")
    page.locator("dialog[open]").get_by_test_id("confirm").click()
    expect(page.get_by_text("1 file copied to Teaching.")).to_be_visible()
