"""A step on many series at once: selected in the lists, asked for in one form, followed on one page."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.steps import ask, choose, expect_picture, find_series
from voxelry.testing import synthetic_series, zip_folder

pytestmark = pytest.mark.browser
_numbers = itertools.count(801)


@pytest.fixture
def name() -> str:
    """In the study's description of series that no other test has."""
    return f"Cohort{next(_numbers)}"


@pytest.fixture
def cohort(logged_in: Page, tmp_path: Path, name: str) -> Page:
    """Home, showing a study of four CT, one with a missing slice and one MR: first to last as they are numbered."""
    page = logged_in
    z, y, x = np.ogrid[:12, :32, :40]
    for number in range(1, 7):
        ball = ((z - 6) * 3) ** 2 + (y - 16) ** 2 + (x - 20) ** 2 < (6 + number) ** 2
        synthetic_series(
            tmp_path / "all" / str(number),
            seed=int(name[6:]) * 10 + number,
            pixels=np.where(ball, 1400, 1000).astype(np.uint16),
            modality="MR" if number == 6 else "CT",
            offsets=[3.0 * k + (3.0 if number == 5 and k > 6 else 0.0) for k in range(12)],
            attributes={
                "StudyInstanceUID": f"1.2.826.0.1.3680043.8.498.{name[6:]}",
                "StudyID": name,
                "StudyDescription": name,
                "SeriesNumber": number,
                "SeriesDescription": f"{name} visit {number}",
            },
        )
    page.locator("input[type=file]").first.set_input_files(zip_folder(tmp_path / "all.zip", tmp_path / "all"))
    expect(find_series(page, name)).to_have_count(6)
    expect(page.locator("[data-testid=series-row][data-state=succeeded]")).to_have_count(6)
    return page


def tick(page: Page, number: int) -> Locator:
    return page.get_by_test_id("series-row").filter(has_text=f"visit {number}").get_by_test_id("tick")


def choose_at_once(page: Page, words: str) -> Locator:
    """The search waits for what is typed."""
    expect(page.get_by_test_id("step-search")).to_be_focused()
    return choose(page, words)


def test_three_series_are_blurred_within_limits(cohort: Page, name: str) -> None:
    page = cohort
    count = page.get_by_test_id("selection-count")
    tick(page, 1).focus()
    page.keyboard.press("Space")
    expect(count).to_have_text("1 series selected")
    tick(page, 3).click(modifiers=["Shift"])
    expect(count).to_have_text("3 series selected")
    page.get_by_test_id("run-selection").click()
    page.wait_for_url("**/run")
    expect(page.get_by_role("heading", level=1)).to_have_text("Run a step on 3 series")
    expect(page.get_by_test_id("selected")).to_have_count(3)
    page.reload()
    expect(page.get_by_test_id("selected")).to_have_count(3)
    expect(page.get_by_test_id("pairwise")).to_contain_text("two volumes")
    expect(page.locator("[data-step=register]")).to_have_count(0)

    form = choose_at_once(page, "gaussian blur")
    form.get_by_label("Sigma").fill("2")
    page.get_by_test_id("limits").locator("summary").click()
    form.get_by_label("Time limit").fill("1e6")
    page.get_by_test_id("run").click()
    expect(form.get_by_role("alert")).to_contain_text("360 min here at most")  # what the server said
    expect(form.get_by_label("Time limit")).to_be_focused()
    form.get_by_label("Time limit").fill("20")
    form.get_by_label("Memory limit").fill("0.01")
    form.get_by_label("Priority").fill("5")
    page.get_by_test_id("run").click()
    expect(form.get_by_role("alert")).to_contain_text("at least 0.07")
    form.get_by_label("Memory limit").fill("2")
    with page.expect_request("**/api/jobs/batch") as sent:
        page.get_by_test_id("run").click()
    asked = json.loads(sent.value.post_data or "")
    assert (asked["time_limit_seconds"], asked["memory_limit_bytes"], asked["priority"]) == (1200, 2_000_000_000, 5)

    page.wait_for_url(re.compile(r"/jobs/\d+$"))
    expect(page.get_by_test_id("job-state")).to_have_text("Done")
    expect(page.get_by_test_id("totals")).to_have_text("3 of 3 jobs finished")
    expect(page.get_by_test_id("only-succeeded")).to_have_text("3 done")
    expect(page.locator("main")).to_contain_text("20 min")
    jobs = page.get_by_test_id("job-row")
    expect(jobs).to_have_count(3)
    expect(jobs.first).to_contain_text("visit 1")  # in the order of the series
    for number in (1, 2, 3):
        expect(jobs.filter(has_text=f"{name} visit {number}")).to_have_attribute("data-state", "succeeded")
    page.goto("/")
    expect(page.get_by_test_id("run-selection")).to_have_count(0)


def test_what_cannot_be_run_on_is_said_and_a_job_that_fails_is_found(cohort: Page, name: str) -> None:
    page = cohort
    tick(page, 5).click(force=True)
    expect(page.locator(".notice")).to_contain_text(f"{name} visit 5: it has no regular volume")
    expect(tick(page, 5)).not_to_be_checked()
    page.get_by_test_id("select-all").get_by_role("checkbox").check()
    expect(page.get_by_test_id("selection-count")).to_have_text("1 study selected")
    expect(page.get_by_test_id("select-study").get_by_role("checkbox")).to_be_checked()
    expect(page.get_by_test_id("series-row").get_by_role("checkbox", checked=True)).to_have_count(5)
    page.get_by_test_id("search").fill("no study is called so")
    expect(page.get_by_text("No study matches")).to_be_visible()
    expect(page.get_by_test_id("selection-count")).to_have_text("1 study selected, none of them shown here")
    page.get_by_test_id("search").fill(name)
    expect(page.get_by_test_id("selection-count")).to_have_text("1 study selected")
    page.reload()
    expect(page.get_by_test_id("selection-count")).to_contain_text("1 study selected")
    page.get_by_test_id("search").fill(name)
    expect(page.get_by_test_id("series-row")).to_have_count(6)
    for number in (2, 3, 4):
        tick(page, number).uncheck()
    expect(page.get_by_test_id("selection-count")).to_have_text("2 series selected")
    page.get_by_test_id("run-selection").click()
    choose_at_once(page, "bones")
    expect(page.get_by_test_id("run")).to_contain_text("Run on 2 series")
    page.get_by_test_id("run").click()
    page.wait_for_url(re.compile(r"/jobs/\d+$"))
    expect(page.get_by_test_id("job-state")).to_have_text("Failed")
    expect(page.get_by_test_id("job-problem")).to_contain_text("1 of 2 jobs failed")
    page.get_by_test_id("only-failed").click()
    failed = page.get_by_test_id("job-row")
    expect(failed).to_have_count(1)
    expect(failed).to_contain_text(f"{name} visit 6")
    expect(failed).to_contain_text("Hounsfield")
    expect(page.get_by_test_id("retry")).to_have_text("Retry 1 job")


def test_all_are_queued_or_none(cohort: Page) -> None:
    page = cohort
    for number in range(1, 7):
        expect_picture(page.get_by_test_id("series-row").filter(has_text=f"visit {number}"))
    expect_picture(page.get_by_test_id("study"))
    tick(page, 1).check()
    tick(page, 2).check()
    # Deleted by somebody else while the form is filled in.
    page.get_by_test_id("run-selection").click()
    choose_at_once(page, "median")
    ask(page, "DELETE", f"/studies/{ask(page, 'GET', '/studies?limit=1')['items'][0]['id']}")
    before = ask(page, "GET", "/jobs")["count"]
    with page.expect_response("**/api/jobs/batch") as answered:
        page.get_by_test_id("run").click()
    assert answered.value.status == 404
    expect(page.get_by_test_id("run-error")).to_contain_text("there is no series")
    wrong = page.locator("[data-testid=selected].wrong")
    expect(wrong).to_have_count(1)
    assert ask(page, "GET", "/jobs")["count"] == before
    page.get_by_test_id("selected-series").get_by_role("button", name="Unselect all").click()
    expect(page.get_by_text("No series is selected")).to_be_visible()
