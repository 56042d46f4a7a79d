"""What the viewer does with series of every kind."""

from __future__ import annotations

import re
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Site
from tests.e2e.steps import HANG_MS, expect_picture, find_series, open_context
from voxelry.testing import SECRETS, synthetic_series, zip_folder

pytestmark = pytest.mark.browser


def upload(page: Page, folder: Path, description: str) -> None:
    """Take a folder's series in by the drop zone at home, and wait until it can be seen."""
    archive = zip_folder(folder.with_suffix(".zip"), folder)
    page.goto("/")
    page.locator("input[type=file]").first.set_input_files(archive)
    expect(find_series(page, description).first).to_contain_text("Ready")


def view(page: Page, description: str) -> None:
    page.goto("/")
    find_series(page, description).get_by_test_id("view-link").first.click()
    expect(page.get_by_test_id("slice-canvas")).to_have_attribute("data-slice", re.compile(r"\d+"))


def picture(page: Page) -> bytes:
    return page.get_by_test_id("slice-canvas").screenshot()


def expect_another_picture(page: Page, before: bytes) -> None:
    """The canvas is drawn after the words beside it."""
    end = time.monotonic() + HANG_MS / 1000
    while picture(page) == before:
        assert time.monotonic() < end, "the picture does not change"


@pytest.fixture
def regular(logged_in: Page, tmp_path: Path) -> Page:
    ramp = np.linspace(0, 2000, 12 * 40 * 48).reshape(12, 40, 48).astype(np.uint16)
    synthetic_series(tmp_path / "a", seed=501, pixels=ramp, attributes={"SeriesDescription": "Regular ramp"})
    upload(logged_in, tmp_path / "a", "Regular ramp")
    view(logged_in, "Regular ramp")
    return logged_in


def test_planes_presets_and_dragging_change_the_picture(regular: Page) -> None:
    page = regular
    expect(page.get_by_test_id("slice-position")).to_contain_text("/ 12")
    expect(page.get_by_test_id("edge-top")).to_have_text("A")
    expect(page.get_by_test_id("edge-left")).to_have_text("R")
    page.get_by_test_id("plane-coronal").click()
    expect(page.get_by_test_id("slice-position")).to_contain_text("/ 40")
    expect(page.get_by_test_id("edge-top")).to_have_text("S")
    page.keyboard.press("s")
    expect(page.get_by_test_id("slice-position")).to_contain_text("/ 48")
    page.keyboard.press("a")
    expect(page.get_by_test_id("slice-canvas")).to_have_attribute("data-plane", "axial")
    before = page.get_by_test_id("window-text").inner_text()
    box = page.get_by_test_id("slice-canvas").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 260, box["y"] + 240, steps=4)
    page.mouse.up()
    expect(page.get_by_test_id("window-text")).not_to_have_text(before)
    by_hand, dragged = page.get_by_test_id("window-text").inner_text(), picture(page)
    page.keyboard.press("2")
    expect(page.get_by_test_id("window-text")).not_to_have_text(by_hand)
    expect_another_picture(page, dragged)


def test_cine_plays_and_stops(regular: Page) -> None:
    page = regular
    page.keyboard.press("Home")
    page.keyboard.press("Space")
    expect(page.get_by_test_id("slice-position")).to_contain_text(re.compile(r"\b[3-9] / 12"))
    page.keyboard.press("Space")
    stopped = page.get_by_test_id("slice-position").inner_text()
    page.wait_for_timeout(400)  # several frames' time: nothing else tells that nothing moves
    assert page.get_by_test_id("slice-position").inner_text() == stopped


def test_an_irregular_series_is_seen_slice_by_slice_and_refused_in_words(logged_in: Page, tmp_path: Path) -> None:
    page = logged_in
    synthetic_series(
        tmp_path / "gap", seed=502, offsets=(0, 3, 6, 12, 15), attributes={"SeriesDescription": "With a hole"}
    )
    upload(page, tmp_path / "gap", "With a hole")
    view(page, "With a hole")
    expect(page.get_by_test_id("slice-position")).to_contain_text("/ 5")
    expect(page.get_by_test_id("warnings")).to_contain_text("1 slice missing")
    expect(page.get_by_test_id("geometry-report")).to_contain_text("1 slice missing")
    expect(page.get_by_test_id("plane-coronal")).to_be_disabled()
    expect(page.get_by_test_id("measure-volume")).to_contain_text("Unknown: there is no regular volume")
    page.keyboard.press("End")
    expect(page.get_by_test_id("slice-position")).to_contain_text("5 / 5")


def test_the_volumes_of_a_series_can_be_chosen(logged_in: Page, tmp_path: Path) -> None:
    page = logged_in
    offsets = tuple(3.0 * (k // 2) for k in range(10))
    synthetic_series(
        tmp_path / "echoes",
        seed=503,
        slices=10,
        offsets=offsets,
        modality="MR",
        rescale=None,
        attributes={"SeriesDescription": "Two echoes"},
        edit=lambda k, dataset: setattr(dataset, "EchoTime", "4.6" if k % 2 else "11.5"),
    )
    upload(page, tmp_path / "echoes", "Two echoes")
    view(page, "Two echoes")
    first = picture(page)
    chooser = page.get_by_test_id("volume-select")
    expect(chooser).to_contain_text("Echo Time 11.5")
    chooser.select_option(index=1)
    expect(page.get_by_test_id("slice-canvas")).to_have_attribute("data-volume", "1")
    expect(page.get_by_test_id("slice-position")).to_contain_text("/ 5")
    expect_another_picture(page, first)


def test_a_study_is_downloaded_as_it_came_and_deleted_when_confirmed(logged_in: Page, tmp_path: Path) -> None:
    page = logged_in
    truth = synthetic_series(tmp_path / "gone", seed=504, attributes={"SeriesDescription": "Soon gone"})
    upload(page, tmp_path / "gone", "Soon gone")
    study = page.get_by_test_id("study")
    expect(study).to_have_count(1)
    with page.expect_download() as download:
        study.get_by_test_id("download-study").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        kept = {archive.read(name) for name in archive.namelist()}
        assert not any(secret in name for name in archive.namelist() for secret in SECRETS)
    assert kept == {path.read_bytes() for path in truth.paths}
    expect_picture(study)
    expect_picture(page.get_by_test_id("series-row"))
    study.get_by_test_id("delete-study").click()
    page.locator("dialog[open]").get_by_test_id("confirm").click()
    expect(page.get_by_test_id("series-row").filter(has_text="Soon gone")).to_have_count(0)


def test_no_address_and_no_title_names_a_patient(regular: Page) -> None:
    for address in ("/", regular.url, "/jobs", "/measure"):
        regular.goto(address)
        regular.wait_for_load_state("networkidle")
        shown = f"{regular.url} {regular.title()}"
        assert not any(secret in shown for secret in SECRETS)


def test_a_telephone_shows_it_all(browser: Browser, site: Site, regular: Page) -> None:
    context = open_context(
        browser,
        site.address,
        viewport={"width": 390, "height": 844},
        storage_state=regular.context.storage_state(),
        has_touch=True,
    )
    page = context.new_page()
    page.goto(regular.url)
    expect(page.get_by_test_id("slice-position")).to_contain_text("/ 12")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for path in ("/", "/measure", "/jobs", "/run"):
        page.goto(path)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
    context.close()


def test_slices_that_cannot_be_had_are_told_beside_all_else(regular: Page) -> None:
    refused = {"title": "damaged", "status": 422, "code": "damaged", "detail": "the file of the values is damaged"}
    regular.route(
        re.compile(r"\.raw\?"),
        lambda route: route.fulfill(status=422, json=refused, headers={"content-type": "application/problem+json"}),
    )
    regular.reload()
    expect(regular.get_by_role("alert")).to_contain_text("the file of the values is damaged")
    expect(regular.get_by_text("Slice spacing")).to_be_visible()
    regular.unroute(re.compile(r"\.raw\?"))
    regular.get_by_role("button", name="Try again").click()
    expect(regular.get_by_test_id("slice-canvas")).to_have_attribute("data-slice", re.compile(r"\d+"))
