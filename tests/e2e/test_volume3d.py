"""3-D in a real browser with software WebGL: a sphere lies on the screen where its millimetres are, on any grid."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

import voxelry
from tests.dicom.segmentations import segmented
from tests.e2e.conftest import FLAGS, PASSWORD, Site, watched_page
from tests.e2e.pixels import canvas, eventually, open_series
from tests.e2e.steps import HANG_MS, built_masks, log_in, series_of_upload
from voxelry.testing import synthetic_series

pytestmark = pytest.mark.browser
SOFTWARE_WEBGL = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
TILTED = (0.96, 0.28, 0.0, -0.224, 0.768, 0.6)
SHAPE = (14, 36, 40)
SPACING = (2.5, 1.1, 0.9)
CENTRE = (8.0, 11.0, 27.0)
"""Of the sphere: slice, row, column; far from the middle of the volume along each axis."""
RADIUS = 6.0
NEAR = 2.5
"""Pixels: the sphere's voxels are the sphere within a part of one."""
TWO_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))"
SIDES = {
    "anterior": ("R", "L", "S", "I"),
    "left": ("A", "P", "S", "I"),
    "superior": ("L", "R", "A", "P"),
}


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """As the other tests', but with graphics by software instead of none."""
    flags = [flag for flag in FLAGS if flag != "--disable-gpu"] + SOFTWARE_WEBGL
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=flags, timeout=HANG_MS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def visitor(browser: Browser, site: Site) -> Iterator[Page]:
    with watched_page(browser, site) as opened:
        log_in(opened, "admin", PASSWORD)
        yield opened


def write_sphere(folder: Path) -> npt.NDArray[np.float64]:
    """An image on an oblique grid, and a sphere on it as a segment: the place of its middle, LPS mm."""
    about = {
        "StudyInstanceUID": "1.2.826.0.1.3680043.8.498.183",
        "FrameOfReferenceUID": "1.2.826.0.1.3680043.8.498.184",
        "PatientID": "sphere in 3-D",
        "SeriesDescription": "grid of the sphere",
    }
    slices, rows, columns = SHAPE
    made = synthetic_series(
        folder / "ct",
        slices=slices,
        rows=rows,
        columns=columns,
        spacing=SPACING,
        orientation=TILTED,
        seed=97_410,
        attributes=about,
    )
    offset = (np.indices(SHAPE) - np.reshape(CENTRE, (3, 1, 1, 1))) * np.reshape(SPACING, (3, 1, 1, 1))
    sphere = (np.linalg.norm(offset, axis=0) <= RADIUS).astype(np.uint8)[..., None]
    (folder / "mask").mkdir()
    segmentation = voxelry.load_segmentation(
        segmented(folder / "mask" / "mask.dcm", made, sphere, series_description="sphere")
    )
    voxels = np.argwhere(segmentation.mask(1))
    affine = np.asarray(segmentation.geometry.known_affine)
    place: npt.NDArray[np.float64] = affine @ np.append(voxels.mean(axis=0), 1.0)
    return place[:3]


def place_of_camera(page: Page) -> tuple[npt.NDArray[np.float64], float]:
    """Focus, right and up (LPS), and the mm that the shorter side of the stage shows."""
    stage = page.get_by_test_id("stage-3d")
    words = stage.get_attribute("data-place") or ""
    return np.array([row.split(",") for row in words.split(";")], float), float(stage.get_attribute("data-extent") or 0)


def drawn_middle(page: Page, colour: tuple[int, int, int]) -> tuple[npt.NDArray[np.float64], float]:
    """The middle of what is drawn in a hue, from the middle of the stage in CSS pixels, and its radius by its area."""
    canvas = page.get_by_test_id("stage-3d").locator("canvas")
    pixels = np.asarray(Image.open(BytesIO(canvas.screenshot())).convert("RGB"), float)
    hue = np.array(colour) / max(colour)
    bright = pixels.max(axis=2)
    alike = (bright > 40) & (np.abs(pixels / np.maximum(bright, 1)[..., None] - hue).max(axis=2) < 0.12)
    rows, columns = np.nonzero(alike)
    assert len(rows) > 200
    middle = np.array([columns.mean() + 0.5, rows.mean() + 0.5]) - np.array(pixels.shape[1::-1]) / 2
    return middle, float(np.sqrt(len(rows) / np.pi))


@dataclass(frozen=True)
class Sphere:
    """A series, and a sphere over it as a segment."""

    series: int
    centre: npt.NDArray[np.float64]
    colour: tuple[int, int, int]


@pytest.fixture(scope="module")
def sphere(visitor: Page, tmp_path_factory: pytest.TempPathFactory) -> Sphere:
    folder, name = tmp_path_factory.mktemp("sphere"), "grid of the sphere"
    centre = write_sphere(folder / "in")
    ids = series_of_upload(visitor, folder / "in", {name}, tmp=folder, name_of=lambda one: one["description"])
    [record] = built_masks(visitor, ids[name], 1)
    red, green, blue = bytes.fromhex(record["segments"][0]["colour"][1:])
    return Sphere(ids[name], centre, (red, green, blue))


def open_sphere(page: Page, sphere: Sphere) -> Locator:
    """The stage, with the volume and the sphere on it."""
    open_series(page, sphere.series)
    page.get_by_test_id("mask-show").first.click()
    page.keyboard.press("Shift+t")
    stage = page.get_by_test_id("stage-3d")
    expect(stage).to_have_attribute("data-surfaces", "1")
    expect(stage).to_have_attribute("data-volume", "")
    return stage


def draw_sphere_alone(page: Page) -> float:
    """Neither the volume nor the planes; the shorter side of the stage."""
    page.get_by_test_id("preset-3d").select_option("none")
    page.get_by_test_id("cuts-3d").click()
    page.get_by_test_id("boards-none").click()
    page.keyboard.press("Escape")
    box = page.get_by_test_id("stage-3d").bounding_box()
    assert box is not None
    return min(box["width"], box["height"])


def test_a_sphere_lies_where_its_millimetres_are(visitor: Page, sphere: Sphere) -> None:
    page, centre, colour = visitor, sphere.centre, sphere.colour
    stage = open_sphere(page, sphere)
    expect(page.get_by_test_id("words-3d")).to_contain_text("All voxels; 0.9 × 1.1 × 2.5 mm")
    shorter = draw_sphere_alone(page)
    for side, (left, right, top, bottom) in SIDES.items():
        page.get_by_test_id(f"side-{side}").click()
        for edge, letter in (("left", left), ("right", right), ("top", top), ("bottom", bottom)):
            expect(page.get_by_test_id(f"{edge}-3d")).to_have_text(letter)
        _check_place(page, centre, colour, shorter)
    stage.focus()
    for _ in range(7):
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowUp")
    page.keyboard.press("+")
    _check_place(page, centre, colour, shorter)

    # Hidden with its mask, and back in place after the pane was closed and opened ten times.
    for _ in range(10):
        page.get_by_test_id("close-3d").click()
        expect(stage).to_have_count(0)
        page.keyboard.press("Shift+t")
        expect(stage).to_have_attribute("data-surfaces", "1")
    expect(stage).to_have_attribute("data-state", "ready")
    _check_place(page, centre, colour, shorter)


CONTEXT = """document.querySelector('[data-testid=stage-3d] canvas').getContext('webgl2')"""


def test_graphics_that_are_lost_come_back(visitor: Page, sphere: Sphere) -> None:
    page = visitor
    stage = open_sphere(page, sphere)
    shorter = draw_sphere_alone(page)
    page.get_by_test_id("side-left").click()
    _check_place(page, sphere.centre, sphere.colour, shorter)
    # The browser takes the context away, and gives it back.
    page.evaluate(f"() => {{ window.taken = {CONTEXT}.getExtension('WEBGL_lose_context'); taken.loseContext() }}")
    expect(stage).to_have_attribute("data-state", "lost")
    expect(page.get_by_test_id("lost-3d")).to_contain_text("The graphics card has dropped the 3-D picture")
    page.evaluate("taken.restoreContext()")
    expect(stage).to_have_attribute("data-state", "ready")
    expect(page.get_by_test_id("lost-3d")).to_have_count(0)
    _check_place(page, sphere.centre, sphere.colour, shorter)
    # It does not come back by itself: it is drawn again by a press, once.
    page.evaluate(f"{CONTEXT}.getExtension('WEBGL_lose_context').loseContext()")
    page.get_by_test_id("lost-3d").get_by_role("button").click()
    expect(stage).to_have_attribute("data-state", "ready")
    expect(stage.locator("canvas")).to_have_count(1)
    _check_place(page, sphere.centre, sphere.colour, shorter)


def test_what_is_edited_is_a_surface_too(visitor: Page, sphere: Sphere) -> None:
    page = visitor
    page.on("dialog", lambda dialog: dialog.accept())  # the browser asks before edits are left
    stage = open_sphere(page, sphere)
    shorter = draw_sphere_alone(page)
    page.get_by_test_id("side-left").click()
    # A copy of the mask takes the mask's place, and looks as it does.
    page.get_by_test_id("mask-edit").first.click()
    segment = page.get_by_test_id("draft-segment")
    expect(segment).to_be_visible()
    expect(stage).to_have_attribute("data-surfaces", "1")
    _check_place(page, sphere.centre, sphere.colour, shorter)
    _, before = drawn_middle(page, sphere.colour)
    count = segment.get_attribute("data-count") or ""
    page.get_by_test_id("whole-segment").locator("summary").filter(has_text="Shape").click()
    page.get_by_test_id("margin-mm").fill("3")
    page.get_by_test_id("edit-grow-mm").click()
    expect(segment).not_to_have_attribute("data-count", count)
    end = time.monotonic() + HANG_MS / 1000
    while drawn_middle(page, sphere.colour)[1] < 1.3 * before:
        assert time.monotonic() < end, "the surface of what has grown is drawn as before"
        page.wait_for_timeout(50)  # it is made again when nothing was edited for a moment
    page.get_by_test_id("edit-undo").click()
    expect(segment).to_have_attribute("data-count", count)
    while drawn_middle(page, sphere.colour)[1] > 1.1 * before:
        assert time.monotonic() < end, "the surface is drawn as it was before the undo"
        page.wait_for_timeout(50)
    _check_place(page, sphere.centre, sphere.colour, shorter)
    # It is hidden, and goes, with what is edited.
    page.keyboard.press("e")
    expect(stage).to_have_attribute("data-surfaces", "0")
    page.keyboard.press("e")
    expect(stage).to_have_attribute("data-surfaces", "1")
    page.get_by_test_id("draft-discard").click()
    confirm = page.get_by_role("dialog").get_by_role("button", name="Discard")
    if confirm.count():
        confirm.click()
    expect(segment).to_have_count(0)
    expect(stage).to_have_attribute("data-surfaces", "1")


def test_a_browser_without_graphics_says_so(browser: Browser, chromium: str, site: Site, sphere: Sphere) -> None:
    flags = [*FLAGS, "--disable-gpu", "--disable-software-rasterizer"]
    plain = browser.browser_type.launch(executable_path=chromium, args=flags, timeout=HANG_MS)
    with closing(plain), watched_page(plain, site) as page:
        log_in(page, "admin", PASSWORD)
        open_series(page, sphere.series)
        page.keyboard.press("Shift+t")
        expect(page.get_by_test_id("no-webgl")).to_contain_text("This browser has no WebGL 2, or it is switched off")
        # Everything else works, as it says.
        page.get_by_test_id("close-3d").click()
        page.get_by_test_id("slice-slider").fill("3")
        expect(canvas(page)).to_have_attribute("data-slice", "2")


def _check_place(page: Page, centre: npt.NDArray[np.float64], colour: tuple[int, int, int], shorter: float) -> None:
    """The sphere is drawn at its place, as large as it is, once the picture is that of the camera."""

    def judge() -> None:
        page.evaluate(TWO_FRAMES)
        (focus, right, up), extent = place_of_camera(page)
        per_mm = shorter / extent
        wanted = np.array([(centre - focus) @ right, -((centre - focus) @ up)]) * per_mm
        found, radius = drawn_middle(page, colour)
        assert np.abs(found - wanted).max() < NEAR, (found, wanted)
        assert abs(radius - RADIUS * per_mm) < 0.12 * RADIUS * per_mm, (radius, RADIUS * per_mm)

    eventually(page, judge)
