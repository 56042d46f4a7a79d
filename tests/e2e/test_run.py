"""Steps that people run from a series' page, and the page of jobs."""

from __future__ import annotations

import csv
import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect
from pydicom.dataset import Dataset

from tests.e2e.steps import choose, find_series
from voxelry.testing import synthetic_series, uid, zip_folder

pytestmark = pytest.mark.browser
_z, _y, _x = np.ogrid[:16, :40, :48]
BALL = ((_z - 8) * 3) ** 2 + (_y - 20) ** 2 + (_x - 24) ** 2 < 15**2


_numbers = itertools.count(701)


@pytest.fixture
def name() -> str:
    """Of a series that no other test has."""
    return f"Ball {next(_numbers)}"


@pytest.fixture
def series(logged_in: Page, tmp_path: Path, name: str) -> Page:
    """The page of a series with a bright ball in it."""
    page = logged_in
    pixels = np.where(BALL, 1400, 1000).astype(np.uint16)
    synthetic_series(tmp_path / "a", seed=int(name[5:]), pixels=pixels, attributes={"SeriesDescription": name})
    page.locator("input[type=file]").first.set_input_files(zip_folder(tmp_path / "a.zip", tmp_path / "a"))
    row = find_series(page, name).first
    expect(row).to_contain_text("Ready")
    row.get_by_test_id("view-link").first.click()
    expect(page.get_by_test_id("slice-canvas")).to_have_attribute("data-slice", re.compile(r"\d+"))
    page.get_by_test_id("open-run").click()
    expect(page.get_by_test_id("step-search")).to_be_focused()
    return page


def test_a_list_links_to_the_steps_of_a_series(series: Page, name: str) -> None:
    page = series
    page.goto("/")
    find_series(page, name).get_by_test_id("run-link").first.click()
    expect(page.get_by_test_id("step-search")).to_be_focused()
    page.reload()
    expect(page.get_by_test_id("step-search")).to_be_focused()


@pytest.fixture
def newest(series: Page) -> Locator:
    """The card of what was asked for last."""
    return series.get_by_test_id("run-card").first


def test_a_blur_is_run_and_its_series_opened(series: Page, newest: Locator) -> None:
    page = series
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    form = choose(page, "gaussian")
    sigma = form.get_by_label("Sigma")
    sigma.fill("-1")
    page.keyboard.press("Enter")
    expect(form.get_by_role("alert")).to_contain_text("at least 0")
    expect(sigma).to_be_focused()
    assert not [address for address in asked if address.endswith("/api/jobs")], "what is wrong here is not sent"
    sigma.fill("0")  # only the server knows that this is nothing to do
    page.keyboard.press("Enter")
    expect(form.get_by_role("alert")).to_contain_text("above 0")
    expect(sigma).to_have_attribute("aria-invalid", "true")
    sigma.fill("2, 1, 1")
    page.get_by_test_id("run").click()
    expect(newest).to_have_attribute("data-state", "succeeded")
    assert [address for address in asked if address.endswith("/events")]
    expect(newest).to_contain_text("sigma 2 × 1 × 1")
    newest.get_by_test_id("open-result").click()
    page.wait_for_url("**/viewer?*")
    expect(page.get_by_test_id("slice-canvas")).to_have_attribute("data-slice", re.compile(r"\d+"))
    expect(page.get_by_test_id("slice-position")).to_contain_text("/ 16")
    expect(page.locator("body")).to_contain_text("gaussian")


def test_a_mask_is_measured_and_opened(series: Page, newest: Locator) -> None:
    page = series
    form = choose(page, "threshold")
    form.get_by_label("Method").select_option("otsu")
    page.get_by_test_id("run").click()
    expect(newest).to_have_attribute("data-state", "succeeded")
    table = newest.get_by_test_id("rows")
    expect(table.get_by_text("mm³", exact=True)).to_be_visible()
    with page.expect_download() as downloading:
        newest.get_by_test_id("rows-csv").click()
    rows = list(csv.DictReader(downloading.value.path().read_text("utf-8").splitlines()))
    assert len(rows) == 1
    counted = int(rows[0]["count"])
    assert counted == int(BALL.sum())
    newest.get_by_test_id("open-result").click()
    page.wait_for_url("**/viewer?*")
    expect(page.get_by_test_id("measure-count")).to_have_text(f"{counted:,}")


def test_a_long_job_is_seen_and_cancelled(series: Page, newest: Locator, name: str) -> None:
    page = series
    choose(page, "patient")
    page.get_by_test_id("run").click()
    expect(newest).to_have_attribute("data-state", "running")
    expect(newest).to_contain_text(re.compile(r"waiting for the [1-9]\d*th time"))
    number = newest.get_attribute("data-job")
    page.goto("/jobs")
    page.get_by_test_id("job-name").select_option("patient")
    row = page.get_by_test_id("job-row").first
    expect(row).to_have_attribute("data-job", number or "")
    expect(row).to_contain_text(name)
    row.get_by_role("link", name="Patient step").click()
    page.wait_for_url(f"**/jobs/{number}")
    expect(page.get_by_test_id("job-log")).to_contain_text("patient on 16 x 40 x 48")
    page.get_by_test_id("cancel").click()
    expect(page.get_by_test_id("job-state")).to_have_text("Cancelled")
    page.get_by_test_id("retry").click()
    expect(page.get_by_test_id("job-state")).to_have_text("Running")
    page.get_by_test_id("cancel").click()
    expect(page.get_by_test_id("job-state")).to_have_text("Cancelled")


def test_images_of_two_places_are_combined_when_the_user_says_that_they_are_one(
    logged_in: Page, tmp_path: Path
) -> None:
    page = logged_in

    def of_one_study(_: int, dataset: Dataset) -> None:
        dataset.StudyInstanceUID = uid("study", "two places")

    for number in (811, 812):
        told = {"SeriesDescription": f"Place {number}"}
        synthetic_series(tmp_path / "in" / str(number), seed=number, attributes=told, edit=of_one_study)
    page.locator("input[type=file]").first.set_input_files(zip_folder(tmp_path / "a.zip", tmp_path / "in"))
    found = find_series(page, "Place")
    rows = [found.filter(has_text=f"Place {number}") for number in (811, 812)]
    for row in rows:
        expect(row).to_contain_text("Ready")
    rows[0].get_by_test_id("view-link").click()
    page.get_by_test_id("open-run").click()
    form = choose(page, "subtract")
    form.get_by_test_id("run-second").select_option(index=1)
    form.get_by_test_id("run").click()
    expect(form.get_by_test_id("run-place")).to_contain_text("one place of the patient")
    form.get_by_test_id("same-place").check()
    form.get_by_test_id("run").click()
    expect(page.get_by_test_id("run-card").first).to_have_attribute("data-state", "succeeded")
