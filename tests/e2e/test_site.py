"""What people do with the site, done by a browser."""

from __future__ import annotations

import base64
import json
import re
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.steps import find_series
from voxelry.testing import bad_files, synthetic_series, zip_folder
from voxelry.workflows.measure import measure_all

pytestmark = pytest.mark.browser


@pytest.fixture(scope="session")
def lung_bases(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("zip") / "ct_lung_bases"
    return Path(shutil.make_archive(str(target), "zip", corpus / "ct_lung_bases"))


def position(page: Page) -> int:
    return int(page.get_by_test_id("slice-slider").get_attribute("aria-valuenow") or -1)


def test_a_zip_goes_in_by_the_admin_and_comes_out_in_the_viewer(logged_in: Page, lung_bases: Path) -> None:
    page = logged_in
    page.goto("/admin/archive/series/add/")
    page.locator("input[type=file]").set_input_files(lung_bases)
    page.get_by_role("button", name=re.compile("^Upload|^Add|^Save")).first.click()
    # the report shows the progress by itself until the work is done
    expect(page.locator("body")).to_contain_text(re.compile("succeeded", re.IGNORECASE))
    expect(page.locator("body")).to_contain_text("35")

    page.goto("/")
    row = find_series(page, "LUNG BASES 5MM")
    expect(row.first).to_be_visible()
    expect(row.locator("img").first).to_be_visible()
    row.get_by_test_id("view-link").first.click()
    page.wait_for_url("**/viewer?*")
    expect(page.get_by_test_id("slice-position")).to_contain_text("/ 35")
    expect(page.get_by_test_id("not-for-diagnosis").first).to_be_visible()

    # The address follows the place that is looked at; the page is never loaded again, and nothing is behind "back".
    page.evaluate("window.sameDocument = true")
    steps, address = page.evaluate("history.length"), urlsplit(page.url)
    page.keyboard.press("Home")
    expect(page.get_by_test_id("slice-position")).to_contain_text(re.compile(r"\b1 / 35"))
    first = position(page)
    for key, step in (("ArrowDown", 1), ("ArrowDown", 1), ("ArrowUp", -1)):
        before = position(page)
        page.keyboard.press(key)
        page.wait_for_function(
            "n => document.querySelector('[data-testid=slice-slider]').getAttribute('aria-valuenow') == n",
            arg=before + step,
        )
    page.keyboard.press("End")
    expect(page.get_by_test_id("slice-position")).to_contain_text("35 / 35")
    expect(page.get_by_test_id("slice-slider")).to_have_attribute("aria-valuenow", str(first + 34))
    slider = page.get_by_test_id("slice-slider")
    box = slider.bounding_box()
    assert box is not None
    upright = box["height"] > box["width"]
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(slider).not_to_have_attribute("aria-valuenow", str(first + 34))
    assert first + 12 < position(page) < first + 22, (position(page), upright)
    canvas = page.get_by_test_id("slice-canvas")
    canvas.hover()
    before = position(page)
    page.mouse.wheel(0, 120)
    page.wait_for_function(
        "n => document.querySelector('[data-testid=slice-slider]').getAttribute('aria-valuenow') != n", arg=str(before)
    )
    assert page.evaluate("window.sameDocument")
    assert page.evaluate("history.length") == steps
    now = urlsplit(page.url)
    assert now.path == address.path
    assert now.query.split(";")[0] == address.query.split(";")[0]


def test_the_value_under_the_pointer_is_the_voxels(logged_in: Page, lung_bases: Path) -> None:
    """Not a grey level on its way back: the number that the library reads at the same place."""
    import voxelry

    page = logged_in
    page.locator("input[type=file]").first.set_input_files(lung_bases)
    row = find_series(page, "LUNG BASES 5MM")
    row.get_by_test_id("view-link").first.click()
    expect(page.get_by_test_id("slice-position")).to_contain_text("/ 35")
    page.keyboard.press("Home")
    canvas = page.get_by_test_id("slice-canvas")
    box = canvas.bounding_box()
    assert box is not None
    expect(canvas).to_have_attribute("data-slice", "0")
    page.mouse.move(box["x"] + box["width"] / 2 + 3, box["y"] + box["height"] / 2 + 3)
    expect(page.get_by_test_id("pixel-value")).to_contain_text("HU")
    shown = page.get_by_test_id("pixel-value").inner_text()
    place = page.get_by_test_id("pixel-position").inner_text()
    value = float(re.sub(r"[^\d.+-]", "", shown.replace("\u2212", "-").split("HU")[0]))
    volume = voxelry.load_volume(lung_bases)
    assert value in set(volume.array[0, 250:262, 250:262].ravel().tolist()), (shown, place)


def test_dropping_a_file_measures_it(logged_in: Page, corpus: Path) -> None:
    page = logged_in
    page.goto("/measure")
    content = base64.b64encode((corpus / "single" / "1-101.dcm").read_bytes()).decode()
    transfer = page.evaluate_handle(
        """content => {
            const bytes = Uint8Array.from(atob(content), letter => letter.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], '1-101.dcm'));
            return transfer;
        }""",
        content,
    )
    zone = page.get_by_test_id("drop-zone")
    zone.dispatch_event("dragover", {"dataTransfer": transfer})
    zone.dispatch_event("drop", {"dataTransfer": transfer})
    expect(page.get_by_test_id("measure-count")).to_contain_text("50,080")
    expect(page.get_by_test_id("measure-volume")).to_contain_text("143,280.029")
    expect(page.get_by_test_id("measure-picture")).to_be_visible()


def test_the_slider_follows_live_and_equals_the_server(logged_in: Page, corpus: Path) -> None:
    page = logged_in
    page.goto("/measure")
    with page.expect_file_chooser() as chooser:
        page.get_by_test_id("drop-zone").click()
    chooser.value.set_files(corpus / "single" / "1-101.dcm")
    expect(page.get_by_test_id("measure-count")).to_contain_text("50,080")
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    for threshold in ("0.25", "0.4", "0.77"):
        page.get_by_test_id("threshold-slider").evaluate(
            """(slider, value) => {
                const input = slider.matches('input') ? slider : slider.querySelector('input');
                input.value = value;
                input.dispatchEvent(new Event('input', {bubbles: true}));
            }""",
            threshold,
        )
        shown = float(page.get_by_test_id("threshold-input").input_value())
        (truth,) = measure_all(corpus / "single" / "1-101.dcm", threshold=shown).measurements
        expect(page.get_by_test_id("measure-count")).to_contain_text(f"{truth.pixels_above_threshold:,}")
        assert truth.volume_mm3 is not None
        expect(page.get_by_test_id("measure-volume")).to_contain_text(f"{truth.volume_mm3:,.3f}")
    assert not [url for url in requests if "/api/measure" in url]


def test_bad_files_are_named_beside_what_was_stored(logged_in: Page, tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in" / "good", seed=77, attributes={"SeriesDescription": "Small and good"})
    bad_files(tmp_path / "in" / "bad")
    archive = zip_folder(tmp_path / "mixed.zip", tmp_path / "in")
    page = logged_in
    page.locator("input[type=file]").first.set_input_files(archive)
    expect(find_series(page, "Small and good").first).to_be_visible()
    page.get_by_test_id("report-link").first.click()
    page.wait_for_url("**/uploads/*")
    expect(page.get_by_test_id("entries")).to_contain_text("notes.txt")
    expect(page.get_by_test_id("entries")).to_contain_text("not a DICOM file")


def test_a_wrong_file_on_the_measure_page_is_explained(page: Page, site, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    page.goto(site.login_link)
    page.get_by_role("button").first.click()
    expect(page.get_by_test_id("user-menu")).to_be_visible()  # its address ends like the link's own
    page.goto("/measure")
    notes = tmp_path / "notes.txt"
    notes.write_text("These are words. " * 30)
    page.get_by_test_id("file-input").set_input_files(notes)
    expect(page.get_by_test_id("measure-error")).to_contain_text("notes.txt")


def test_what_the_site_answers_is_what_the_terminal_prints(logged_in: Page, corpus: Path) -> None:
    token = next(c["value"] for c in logged_in.context.cookies() if c["name"] == "csrftoken")
    answer = logged_in.request.post(
        "/api/measure",
        multipart={"file": {"name": "1-101.dcm", "mimeType": "application/dicom",
                            "buffer": (corpus / "single" / "1-101.dcm").read_bytes()}},
        headers={"X-CSRFToken": token, "Referer": logged_in.url},
    )  # fmt: skip
    assert answer.json() == json.loads(json.dumps(measure_all(corpus / "single" / "1-101.dcm").record()))


def test_a_drop_at_home_shows_its_progress_and_can_be_cancelled(logged_in: Page, tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in", seed=78, slices=60, rows=256, columns=256)
    content = base64.b64encode(zip_folder(tmp_path / "dropped.zip", tmp_path / "in").read_bytes()).decode()
    page = logged_in
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 50_000}
    network.send("Network.emulateNetworkConditions", slow)
    drop = """([content, name]) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([Uint8Array.from(atob(content), letter => letter.charCodeAt(0))], name));
        for (const type of ['dragenter', 'dragover', 'drop']) {
            const event = new DragEvent(type, {dataTransfer: transfer, bubbles: true, cancelable: true});
            document.querySelector('[data-testid=drop-zone]').dispatchEvent(event);
        }
    }"""
    expect(page.get_by_test_id("drop-zone")).to_be_visible()
    page.evaluate(drop, [content, "dropped.zip"])
    transfer = page.get_by_test_id("upload-progress").locator("li")
    expect(transfer).to_contain_text(re.compile(r"Sending [1-9]\d? %"))
    transfer.get_by_role("button", name="Cancel").click()
    expect(transfer).to_have_attribute("data-phase", "cancelled")
    network.send("Network.emulateNetworkConditions", {**slow, "uploadThroughput": -1})
    page.evaluate(drop, [content, "again.zip"])
    expect(transfer.first).to_have_attribute("data-phase", "done")
    expect(transfer.first).to_contain_text("60 instances stored")
