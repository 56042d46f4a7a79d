"""The table of studies at home: sorted, filtered, opened, selected, deleted and restored."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, Request, expect

from tests.e2e.conftest import Site
from tests.e2e.steps import expect_picture, open_context
from voxelry.testing import SECRETS, synthetic_series, uid, zip_folder

pytestmark = pytest.mark.browser
STUDIES = 64
FAMILIES = ("Adler", "Brook", "Cruz", "Dahl", "Egger", "Fox", "Grau", "Holm")
MODALITIES = ("CT", "MR", "PT")
TYPE = """(field, words) => {
    for (const letter of words) {
        field.value += letter;
        field.dispatchEvent(new Event('input', {bubbles: true}));
    }
}"""
"""Letter by letter without a pause; keys come from another process, which may have to wait for its turn between two."""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """64 studies of eight patients, eight each; every eighth has two series."""
    folder = tmp_path_factory.mktemp("many")
    for number in range(STUDIES):
        patient = number % len(FAMILIES)
        for series in range(2 if number % 8 == 0 else 1):
            synthetic_series(
                folder / "in" / f"{number}" / f"{series}",
                seed=9000 + number * 2 + series,
                slices=4,
                modality=MODALITIES[number % 3],
                attributes={
                    "StudyInstanceUID": uid("home", str(number)),
                    "StudyDescription": f"Table {number:02d}",
                    "SeriesDescription": f"Table series {number:02d} {series}",
                    "SeriesNumber": series + 1,
                    "StudyDate": f"2024{1 + number % 12:02d}{1 + number % 28:02d}",
                    "PatientName": f"{FAMILIES[patient]}^Test",
                    "PatientID": f"TABLE-{patient}",
                    "AccessionNumber": f"ACC{number:03d}",
                },
            )
    return zip_folder(folder / "many.zip", folder / "in")


@pytest.fixture
def home(logged_in: Page, archive: Path) -> Page:
    """Home, filtered to the 64 studies, all of them built."""
    page = logged_in
    page.locator("input[type=file]").first.set_input_files(archive)
    expect(page.get_by_test_id("upload-progress").locator("[data-phase=done]")).to_be_visible()
    search(page, "Table")
    expect(page.get_by_test_id("count")).to_have_text(f"{STUDIES} studies found")
    expect(page.get_by_test_id("building-mark")).to_have_count(0)
    page.get_by_role("button", name="Dismiss").first.click()
    return page


def search(page: Page, words: str) -> None:
    page.get_by_test_id("search").fill(words)


def rows(page: Page) -> Locator:
    return page.get_by_test_id("study")


def head(page: Page, column: str) -> Locator:
    return page.locator(f"th[data-column={column}]")


def test_it_sorts_and_turns_pages(home: Page) -> None:
    page = home
    expect(head(page, "arrived")).to_have_attribute("aria-sort", "descending")
    head(page, "description").get_by_role("button").click()
    expect(head(page, "description")).to_have_attribute("aria-sort", "ascending")
    expect(rows(page).first).to_contain_text("Table 00")
    expect(rows(page)).to_have_count(50)
    expect(page.get_by_test_id("range")).to_have_text("1–50 of 64")
    page.get_by_test_id("next-page").click()
    expect(rows(page)).to_have_count(14)
    expect(rows(page).first).to_contain_text("Table 50")
    expect(page.get_by_test_id("range")).to_have_text("51–64 of 64")
    expect(page.get_by_test_id("next-page")).to_be_disabled()
    page.get_by_test_id("previous-page").click()
    expect(rows(page).first).to_contain_text("Table 00")
    head(page, "description").get_by_role("button").press("Enter")
    expect(head(page, "description")).to_have_attribute("aria-sort", "descending")
    expect(rows(page).first).to_contain_text("Table 63")
    page.get_by_test_id("page-size").select_option("100")
    expect(rows(page)).to_have_count(STUDIES)
    head(page, "series").get_by_role("button").click()
    expect(rows(page).first.locator(".c-series")).to_have_text("2")


def test_it_filters_as_one_types_and_says_the_words_to_nobody_else(home: Page) -> None:
    page = home
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))
    page.get_by_test_id("search").evaluate(TYPE, " dahl")
    expect(page.get_by_test_id("count")).to_have_text("8 studies found")
    page.get_by_test_id("filter-modality").locator("summary").click()
    page.get_by_test_id("filter-modality").get_by_role("button", name="MR", exact=True).click()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("filter-modality")).to_contain_text("MR")
    expect(page.get_by_test_id("count")).not_to_have_text("8 studies found")
    for row in rows(page).all():
        expect(row).to_contain_text("DAHL, TEST", ignore_case=True)
        expect(row.locator(".c-modalities")).to_have_text("MR")
    page.get_by_test_id("filter-date").locator("summary").click()
    page.get_by_test_id("date-from").fill("2026-01-01")
    page.keyboard.press("Escape")
    expect(page.get_by_text("No study matches")).to_be_visible()
    searches = [json.loads(request.post_data or "") for request in asked if request.url.endswith("/api/studies/search")]
    assert {search["search"] for search in searches} <= {"Table", "Table dahl"}, (
        "the page waits for the typing to pause"
    )
    told = " ".join([page.url, *(request.url for request in asked)]).lower()
    assert "dahl" not in told
    kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert "dahl" not in kept.lower()
    page.get_by_test_id("clear-filter").click()
    expect(page.get_by_test_id("search")).to_have_value("")
    expect(page.get_by_test_id("count")).to_contain_text("studies")


def test_a_filter_is_saved_renamed_and_deleted(home: Page) -> None:
    page = home
    search(page, "Table egger")
    expect(page.get_by_test_id("count")).to_have_text("8 studies found")
    menu = page.get_by_test_id("saved-filters")
    menu.locator("summary").click()
    menu.get_by_test_id("filter-name").fill("All of Egger")
    menu.get_by_test_id("save-filter").click()
    expect(menu.get_by_test_id("saved-filter")).to_have_text("All of Egger")
    expect(menu.locator("summary")).to_contain_text("All of Egger")
    page.keyboard.press("Escape")
    page.get_by_test_id("clear-filter").click()
    page.reload()
    menu.locator("summary").click()
    menu.get_by_role("button", name="All of Egger", exact=True).click()
    expect(page.get_by_test_id("count")).to_have_text("8 studies found")
    expect(page.get_by_test_id("search")).to_have_value("Table egger")
    menu.locator("summary").click()
    menu.get_by_role("button", name="Rename All of Egger").click()
    menu.get_by_label("New name").fill("Egger")
    page.keyboard.press("Enter")
    expect(menu.get_by_test_id("saved-filter")).to_have_text("Egger")
    menu.get_by_role("button", name="Delete Egger").click()
    expect(menu.get_by_test_id("saved-filter")).to_have_count(0)


def test_studies_open_and_stand_below_their_patients(home: Page) -> None:
    page = home
    search(page, "ACC008")
    series = page.get_by_test_id("series-row")
    expect(series).to_have_count(2)  # of the only study, which opens by itself
    expect(series.first).to_contain_text("Table series 08 0")
    search(page, "Table")
    page.get_by_test_id("group").click()
    patients = page.get_by_test_id("patient-row")
    expect(patients.first).to_contain_text("8 studies")
    expect(patients.first).to_contain_text("ADLER, TEST", ignore_case=True)
    page.get_by_test_id("group").click()
    rows(page).filter(has_text="Table 03").get_by_role("link", name=re.compile("dahl", re.IGNORECASE)).click()
    page.wait_for_url(re.compile(r"/patients/\d+$"))
    expect(page.get_by_test_id("patient-name")).to_have_text("DAHL, TEST", ignore_case=True)
    expect(page.get_by_test_id("count")).to_have_text("8 studies")
    page.go_back()
    expect(page.get_by_test_id("search")).to_have_value("Table")
    rows(page).filter(has_text="Table 03").get_by_test_id("study-link").click()
    page.wait_for_url(re.compile(r"/studies/\d+$"))


def test_the_keyboard_is_enough(home: Page) -> None:
    page = home
    head(page, "description").get_by_role("button").click()
    expect(rows(page).first).to_contain_text("Table 00")
    keys = [row.get_attribute("data-key") for row in rows(page).all()[:12]]
    page.get_by_test_id("search").press("ArrowDown")
    page.wait_for_function("key => document.activeElement.closest('tr')?.dataset.key === key", arg=keys[0])
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    page.wait_for_function("key => document.activeElement.dataset.key === key", arg=keys[2])
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Shift+ArrowDown")
    expect(page.get_by_test_id("selection-count")).to_have_text("3 studies selected")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_test_id("series-row")).to_have_count(2)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("x")
    expect(page.get_by_test_id("selection-count")).to_have_text("3 studies and 1 series selected")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_test_id("series-row")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("selection-bar")).to_have_count(0)
    page.keyboard.press("PageDown")
    page.wait_for_function("key => document.activeElement.dataset.key === key", arg=keys[10])
    page.keyboard.press("?")
    expect(page.get_by_test_id("keyboard-help")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    expect(page.get_by_test_id("range")).to_have_text("51–64 of 64")
    page.keyboard.press("/")
    expect(page.get_by_test_id("search")).to_be_focused()
    rows(page).first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/studies/\d+$"))


def test_selected_studies_go_to_the_trash_and_come_back(home: Page) -> None:
    page = home
    head(page, "description").get_by_role("button").click()
    expect(rows(page).first).to_contain_text("Table 00")
    for number in range(10, 14):
        expect_picture(rows(page).filter(has_text=f"Table {number}"))
    rows(page).filter(has_text="Table 10").get_by_test_id("tick").click()
    rows(page).filter(has_text="Table 13").get_by_test_id("tick").click(modifiers=["Shift"])
    expect(page.get_by_test_id("selection-count")).to_have_text("4 studies selected")
    page.get_by_test_id("bulk-delete").click()
    dialog = page.locator("dialog[open]")
    expect(dialog).to_contain_text("Delete 4 studies?")
    with page.expect_request("**/api/studies/delete") as sent:
        dialog.get_by_test_id("confirm").click()
    assert len(json.loads(sent.value.post_data or "")["studies"]) == 4
    expect(page.get_by_test_id("count")).to_have_text("60 studies found")
    expect(rows(page).filter(has_text="Table 11")).to_have_count(0)
    expect(page.get_by_test_id("selection-bar")).to_have_count(0)
    page.get_by_test_id("notice-action").click()
    expect(page.get_by_test_id("count")).to_have_text(f"{STUDIES} studies found")
    expect(rows(page).filter(has_text="Table 11")).to_have_count(1)


def test_a_step_runs_on_the_series_of_selected_studies(home: Page) -> None:
    page = home
    search(page, "Table grau")
    expect(page.get_by_test_id("count")).to_have_text("8 studies found")
    page.get_by_test_id("select-all").get_by_role("checkbox").check()
    expect(page.get_by_test_id("selection-count")).to_have_text("8 studies selected")
    page.get_by_test_id("run-selection").click()
    page.wait_for_url("**/run")
    expect(page.get_by_role("heading", level=1)).to_have_text("Run a step on 8 series")
    page.reload()
    expect(page.get_by_test_id("selected")).to_have_count(8)


def test_columns_are_chosen_and_kept_in_the_browser(home: Page) -> None:
    page = home
    page.set_viewport_size(
        {"width": 1800, "height": 900}
    )  # wide enough for all columns, on a site of many projects too
    expect(head(page, "accession")).to_have_count(1)
    menu = page.get_by_test_id("column-menu")
    menu.locator("summary").click()
    menu.get_by_label("Accession").uncheck()
    expect(head(page, "accession")).to_have_count(0)
    expect(menu.get_by_label("Patient", exact=True)).to_be_disabled()
    page.reload()
    expect(head(page, "date")).to_have_count(1)
    expect(head(page, "accession")).to_have_count(0)
    kept = page.evaluate("localStorage.getItem('voxelry-table')")
    assert not any(secret in kept for secret in SECRETS)


def test_a_telephone_shows_the_list(browser: Browser, site: Site, home: Page) -> None:
    context = open_context(
        browser,
        site.address,
        viewport={"width": 390, "height": 844},
        storage_state=home.context.storage_state(),
        has_touch=True,
    )
    page = context.new_page()
    page.goto("/")
    search(page, "Table holm")
    expect(page.get_by_test_id("count")).to_have_text("8 studies found")
    rows(page).first.get_by_test_id("expand").click()
    expect(page.get_by_test_id("series-row")).to_have_count(1)
    rows(page).first.get_by_test_id("tick").check()
    expect(page.get_by_test_id("selection-count")).to_have_text("1 study selected")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()
