"""Series beside and over each other: pixels, places and values are the library's."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.conftest import HANG_SECONDS, PASSWORD, Site
from tests.e2e.steps import open_context
from voxelry.core.volume import Volume
from voxelry.testing import zip_folder
from voxelry.workflows.load.loading import load_volume

pytestmark = pytest.mark.browser
DATA = Path(os.environ.get("VOXELRY_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
FUSED = "ct_mr_pet_rtstruct"
PHASES = "mr_breast_three_phases"
UPLOADED: dict[str, dict[str, int]] = {}
"""The series of what was uploaded, by modality; uploaded once for all tests of the site."""


def series_of(page: Page, folder: str, tmp: Path) -> dict[str, int]:
    """The series of a folder of the shared data, by modality; uploaded once for all tests here."""
    if folder not in UPLOADED:
        wanted = {"CT", "MR", "PT"} if folder == FUSED else {"MR"}
        UPLOADED[folder] = series_of_upload(page, DATA / folder, wanted, tmp)
    return UPLOADED[folder]


def series_of_upload(page: Page, folder: Path, wanted: set[str], tmp: Path) -> dict[str, int]:
    """The built series of a folder that is uploaded now, by modality."""
    before = {one["id"] for one in _series(page)}
    page.goto("/")
    page.locator("input[type=file]").first.set_input_files(zip_folder(tmp / f"{folder.name}.zip", folder))
    end = time.monotonic() + HANG_SECONDS
    built: dict[str, int] = {}
    while not wanted <= built.keys():
        assert time.monotonic() < end, f"only {sorted(built)} of {sorted(wanted)} were built"
        page.wait_for_timeout(300)  # between looks at the server, which tells nobody when a series is built
        own = [one for one in _series(page) if one["id"] not in before]
        built = {one["modality"]: one["id"] for one in own if one["state"] == "succeeded" and one["volume_count"]}
    return built


def _series(page: Page) -> list[dict[str, Any]]:
    answer = page.request.get("/api/series?limit=100")
    assert answer.ok, answer.text()
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


@pytest.fixture(scope="module")
def shared(browser: Browser, site: Site) -> Iterator[Page]:
    """One visitor for all tests here: the series are uploaded once."""
    yield from log_in_to(browser, site)


def log_in_to(browser: Browser, site: Site) -> Iterator[Page]:
    """The administrator's page in a window of 1440 x 900."""
    context = open_context(browser, site.address, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto("/")
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/")
    yield page
    context.close()


def view(page: Page, number: int = 0) -> Locator:
    return page.get_by_test_id("view").nth(number)


def canvas(page: Page, number: int = 0) -> Locator:
    return view(page, number).get_by_test_id("slice-canvas")


def open_series(page: Page, series: int) -> None:
    page.goto(f"/series/{series}")
    expect(canvas(page)).to_have_attribute("data-slice", re.compile(r"\d+"))


def at(page: Page, row: int, column: int, shape: tuple[int, int], number: int = 0) -> tuple[float, float]:
    """Where the centre of a pixel is in the window: square pixels, fitted into the stage."""
    box = canvas(page, number).bounding_box()
    assert box is not None
    scale = min(box["width"] / shape[1], box["height"] / shape[0])
    x = box["x"] + box["width"] / 2 + (column + 0.5 - shape[1] / 2) * scale
    y = box["y"] + box["height"] / 2 + (row + 0.5 - shape[0] / 2) * scale
    return x, y


def affine_of(volume: Volume) -> npt.NDArray[np.float64]:
    assert volume.affine is not None
    return volume.affine


def index_in(volume: Volume, point: npt.NDArray[np.float64]) -> tuple[int, int, int]:
    found = np.floor(np.linalg.inv(affine_of(volume)) @ [*point, 1] + 0.5)[:3].astype(int)
    return int(found[0]), int(found[1]), int(found[2])


def number_in(text: str) -> float:
    found = re.search(r"[-−]?[\d,]+(?:\.\d+)?(?:e[-+]?\d+)?", text)
    assert found is not None, text
    return float(found[0].replace("−", "-").replace(",", ""))


def colour_at(page: Page, x: float, y: float) -> list[int]:
    """The pixel of the first view's canvas itself."""
    return colour_at_view(page, 0, x, y)


def colour_at_view(page: Page, number: int, x: float, y: float) -> list[int]:
    """The pixel of a view's canvas itself."""
    answer: list[int] = page.evaluate(
        """([number, x, y]) => {
            const canvas = document.querySelectorAll("[data-testid=slice-canvas]")[number];
            const box = canvas.getBoundingClientRect();
            const [left, top] = [Math.floor(x - box.left), Math.floor(y - box.top)];
            return [...canvas.getContext("2d").getImageData(left, top, 1, 1).data];
        }""",
        [number, x, y],
    )
    return answer


def hot_iron(level: int) -> npt.NDArray[np.float64]:
    """PS3.6 B.1.1."""
    return np.clip([level * 2, level * 2 - 256, level * 4 - 768], 0, 255).astype(float)


def level_of(value: float, low: float, high: float) -> int:
    return int(np.clip(np.rint((value - low) / (high - low) * 255), 0, 255))


@pytest.mark.skipif(not (DATA / FUSED).exists(), reason="no shared data")
def test_fused_pixels_and_values_are_the_librarys(shared: Page, tmp_path: Path) -> None:
    page = shared
    ids = series_of(page, FUSED, tmp_path)
    ct, pet = load_volume(DATA / FUSED / "CT"), load_volume(DATA / FUSED / "PET")
    open_series(page, ids["CT"])
    page.keyboard.press("p")  # true pixels: nearest voxels, so that a pixel of the canvas is one of each
    page.get_by_test_id("fusion").click()
    page.get_by_test_id("fusion-add").select_option(str(ids["PT"]))
    expect(canvas(page)).to_have_attribute("data-fused", "1")
    page.get_by_test_id("fusion-fading").uncheck()
    for name, number in (("fusion-center", "4"), ("fusion-width", "8")):
        page.get_by_test_id(name).fill(number)
        page.get_by_test_id(name).press("Enter")
    page.keyboard.press("Escape")
    slice_index = int(canvas(page).get_attribute("data-slice") or "-1")
    shape = (ct.array.shape[1], ct.array.shape[2])
    for row, column in ((100, 100), (140, 78), (60, 120)):
        x, y = at(page, row, column, shape)
        page.mouse.move(x, y)
        point = (affine_of(ct) @ [slice_index, row, column, 1])[:3]
        value = float(pet.array[index_in(pet, point)])
        expect(page.get_by_test_id("pixel-value")).to_contain_text("HU")
        expect(page.get_by_test_id("fused-value")).to_contain_text("GML")
        hu = f"{int(ct.array[slice_index, row, column]):,} HU".replace("-", "−")
        expect(page.get_by_test_id("pixel-value")).to_have_text(hu)
        assert number_in(page.get_by_test_id("fused-value").inner_text()) == pytest.approx(value, abs=1e-3)
        below = np.full(3, level_of(float(ct.array[slice_index, row, column]), *window_of(page)))
        # The sampled rectangle's nearest voxel may differ where two are equally near: these places are not such ones.
        above = hot_iron(level_of(value, 0, 8))
        np.testing.assert_allclose(colour_at(page, x, y)[:3], below * 0.2 + above * 0.8, atol=4)


def window_of(page: Page) -> tuple[float, float]:
    center = float(page.get_by_test_id("window-center").input_value())
    width = float(page.get_by_test_id("window-width").input_value())
    return center - width / 2, center + width / 2


@pytest.mark.skipif(not (DATA / FUSED).exists(), reason="no shared data")
def test_linked_series_are_at_the_librarys_nearest_plane_and_dragged_ones_too(shared: Page, tmp_path: Path) -> None:
    page = shared
    ids = series_of(page, FUSED, tmp_path)
    ct, pet = load_volume(DATA / FUSED / "CT"), load_volume(DATA / FUSED / "PET")
    open_series(page, ids["CT"])
    page.keyboard.press("Shift+S")
    expect(canvas(page, 1)).to_have_attribute("data-slice", re.compile(r"\d+"))  # the next series of the study
    item = page.locator(f"[data-testid=strip-item][data-series='{ids['PT']}'] .choice")
    item.scroll_into_view_if_needed()
    start, end = item.bounding_box(), view(page, 1).bounding_box()
    assert start is not None
    assert end is not None
    page.mouse.move(start["x"] + 30, start["y"] + 30)
    page.mouse.down()
    page.mouse.move(end["x"] + 200, end["y"] + 200, steps=5)
    page.mouse.up()
    expect(view(page, 1)).to_contain_text("PT")
    view(page, 0).click(position={"x": 60, "y": 300})
    expect(view(page, 1).get_by_test_id("link-mark")).to_contain_text("same frame of reference")
    page.keyboard.press("Home")
    for key, wanted in (("Home", 0), ("PageDown", 10), ("PageDown", 20)):
        page.keyboard.press(key)
        expect(canvas(page, 0)).to_have_attribute("data-slice", str(wanted))
        middle = (affine_of(ct) @ [wanted, ct.array.shape[1] // 2, ct.array.shape[2] // 2, 1])[:3]
        expect(canvas(page, 1)).to_have_attribute("data-slice", str(index_in(pet, middle)[0]))


@pytest.mark.skipif(not (DATA / PHASES).exists(), reason="no shared data")
def test_phases_are_played_and_their_curve_is_the_librarys(shared: Page, tmp_path: Path) -> None:
    page = shared
    ids = series_of(page, PHASES, tmp_path)
    open_series(page, ids["MR"])
    expect(page.get_by_test_id("time-position")).to_contain_text("1 / 3")
    page.mouse.move(*at(page, 128, 100, (256, 256)))
    curve = page.get_by_test_id("curve")
    expect(curve).to_have_attribute("data-index", re.compile(",128,100$"))
    index = tuple(int(part) for part in (curve.get_attribute("data-index") or "").split(","))
    values = json.loads(curve.get_attribute("data-values") or "[]")
    assert values == phase_values(index)
    expect(page.get_by_test_id("curve-uneven")).to_contain_text("428 to 521 s")
    for wanted in (2, 3, 1):
        page.keyboard.press("Shift+ArrowRight")
        expect(page.get_by_test_id("time-position")).to_contain_text(f"{wanted} / 3")
        expect(canvas(page)).to_have_attribute("data-volume", str(wanted - 1))
    page.keyboard.press("Shift+Space")
    expect(canvas(page)).to_have_attribute("data-volume", "2")
    page.keyboard.press("Shift+Space")


def phase_values(index: tuple[Any, ...]) -> list[float]:
    """The voxel in each phase, as pydicom reads it: the files of each phase in the order of their positions."""
    pydicom = pytest.importorskip("pydicom")
    files = [pydicom.dcmread(path) for path in sorted((DATA / PHASES).glob("*.dcm"))]
    files.sort(key=lambda file: int(file.InstanceNumber))
    values = []
    for phase in range(3):
        # The slices ascend as the volume's first axis does: the patient's left coordinate falls along it.
        slices = sorted(files[phase * 60 : phase * 60 + 60], key=lambda file: -float(file.ImagePositionPatient[0]))
        values.append(float(slices[index[0]].pixel_array[index[1], index[2]]))
    return values
