"""Overlays, ultrasound, radiographs, turned patients and gaps in the browser, and fingers and pens on them.

Pixels, values and places are compared with what the library or pydicom reads.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tests.e2e.conftest import Site
from tests.e2e.pixels import canvas, eventually, grey_level, number_in, open_series, place_shown, view, window_of
from tests.e2e.steps import HANG_MS, open_context, series_of_upload
from voxelry.core.volume import Volume
from voxelry.testing import synthetic_series
from voxelry.workflows.load.loading import load_volume

pytestmark = pytest.mark.browser
Points = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
YELLOW = (255, 210, 63)
"""Of overlay 6000."""
CYAN = (84, 224, 232)
"""Of overlay 6002."""
REGION = 0.45
"""How much of an overlay of a region is seen."""
UNPLACED = {
    "ImagePositionPatient": None,
    "ImageOrientationPatient": None,
    "FrameOfReferenceUID": None,
    "PixelSpacing": None,
}
DECUBITUS = (0.0, 1.0, 0.0, -1.0, 0.0, 0.0)
"""Rows run to the back, columns to the right: the patient lies on the right side."""


@dataclass(frozen=True)
class Uploaded:
    """A visitor's page, the series by the name of their folder, and the folders."""

    page: Page
    ids: dict[str, int]
    folder: Path

    def opened(self, name: str) -> Page:
        open_series(self.page, self.ids[name])
        return self.page

    def volume(self, name: str) -> Volume:
        return load_volume(self.folder / name)


@pytest.fixture(scope="module")
def uploaded(visitor: Page, tmp_path_factory: pytest.TempPathFactory) -> Uploaded:
    folder = tmp_path_factory.mktemp("special") / "in"
    write_all(folder)
    names = {path.name for path in folder.iterdir()}
    ids = series_of_upload(
        visitor, folder, names, tmp=folder.parent, name_of=lambda series: series["description"] or "cine"
    )
    return Uploaded(visitor, ids, folder)


def write_all(folder: Path) -> None:
    (folder / "cine").mkdir(parents=True)
    copyfile(str(get_testdata_file("examples_ybr_color.dcm")), folder / "cine" / "a.dcm")
    made: dict[str, dict[str, Any]] = {
        "regions": {"modality": "US", "photometric": "RGB", "frames": "plain", "slices": 2, "rows": 120, "columns": 200,
                    "rescale": None, "more": {**UNPLACED, "SequenceOfUltrasoundRegions": Sequence([TISSUE, SPECTRUM])}},
        "chest": {"modality": "DX", "photometric": "MONOCHROME1", "slices": 1, "rows": 50, "columns": 40,
                  "rescale": None, "more": {**UNPLACED, "PatientOrientation": ["L", "F"]}},
        "breast": {"modality": "MG", "slices": 1, "rows": 50, "columns": 40, "rescale": None,
                   "more": {**UNPLACED, "PatientOrientation": ["A", "FR"], "ImageLaterality": "R"}},
        "overlaid": {"slices": 4, "rows": 16, "columns": 20, "spacing": (3.0, 0.8, 0.5), "edit": add_overlays},
        "frames": {"modality": "OT", "frames": "plain", "slices": 4, "rescale": None, "edit": add_frame_overlay},
        "decubitus": {"slices": 14, "rows": 40, "columns": 48, "orientation": DECUBITUS},
        "gaps": {"offsets": (0.0, 3.0, 6.0, 12.0, 15.0)},
    }  # fmt: skip
    for number, (name, options) in enumerate(made.items()):
        more = {"SeriesDescription": name, **options.pop("more", {})}
        synthetic_series(folder / name, seed=97_200 + number, attributes=more, **options)


def region(**values: float) -> Dataset:
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


TISSUE = region(
    RegionSpatialFormat=1, RegionDataType=1, RegionFlags=0, RegionLocationMinX0=0, RegionLocationMinY0=0,
    RegionLocationMaxX1=99, RegionLocationMaxY1=99, PhysicalUnitsXDirection=3, PhysicalUnitsYDirection=3,
    PhysicalDeltaX=0.02, PhysicalDeltaY=0.02, ReferencePixelX0=50, ReferencePixelY0=0,
    ReferencePixelPhysicalValueX=0.0, ReferencePixelPhysicalValueY=0.0,
)  # fmt: skip
SPECTRUM = region(
    RegionSpatialFormat=3, RegionDataType=3, RegionFlags=0, RegionLocationMinX0=100, RegionLocationMinY0=60,
    RegionLocationMaxX1=199, RegionLocationMaxY1=119, PhysicalUnitsXDirection=4, PhysicalUnitsYDirection=7,
    PhysicalDeltaX=0.01, PhysicalDeltaY=-2.0, ReferencePixelX0=0, ReferencePixelY0=30,
    ReferencePixelPhysicalValueX=0.0, ReferencePixelPhysicalValueY=0.0,
)  # fmt: skip


def noise(seed: int, *shape: int) -> Mask:
    return np.random.default_rng(seed).random(shape) > 0.6


def add_plane(dataset: Dataset, group: int, bits: Mask, kind: str, origin: tuple[int, int]) -> None:
    packed = np.packbits(bits.reshape(-1), bitorder="little").tobytes()
    for element, vr, value in (
        (0x0010, "US", bits.shape[-2]), (0x0011, "US", bits.shape[-1]), (0x0040, "CS", kind),
        (0x0050, "SS", list(origin)), (0x0100, "US", 1), (0x0102, "US", 0),
        (0x3000, "OW", packed + b"\0" * (len(packed) % 2)),
    ):  # fmt: skip
        dataset.add_new((group, element), vr, value)


def add_overlays(k: int, dataset: Dataset) -> None:
    """Graphics that begin outside of the second slice and a region on it; a plane in a spare bit of the third."""
    if k == 1:
        add_plane(dataset, 0x6000, noise(1, 13, 17), "G", (-1, -2))
        add_plane(dataset, 0x6002, noise(2, 6, 5), "R", (9, 12))
        dataset.add_new((0x6002, 0x1500), "LO", "marked")
    if k == 2:
        words = np.frombuffer(dataset.PixelData, "<u2") | noise(3, 320).astype(np.uint16) << 13
        dataset.PixelData = words.astype("<u2").tobytes()
        for element, vr, value in (
            (0x0010, "US", 16),
            (0x0011, "US", 20),
            (0x0040, "CS", "G"),
            (0x0050, "SS", [1, 1]),
            (0x0100, "US", 16),
            (0x0102, "US", 13),
        ):
            dataset.add_new((0x6000, element), vr, value)


def add_frame_overlay(_: int, dataset: Dataset) -> None:
    """Two frames over the second and the third of four."""
    add_plane(dataset, 0x6000, noise(4, 2, 16, 20), "G", (1, 1))
    dataset.add_new((0x6000, 0x0015), "IS", 2)
    dataset.add_new((0x6000, 0x0051), "US", 2)


def over_picture(mask: Mask, origin: tuple[int, int], shape: tuple[int, int]) -> Mask:
    """A plane in the picture's pixels; ``origin`` as the header has it, from 1."""
    whole = np.zeros(shape, bool)
    rows, columns = np.nonzero(mask)
    rows, columns = rows + origin[0] - 1, columns + origin[1] - 1
    inside = (rows >= 0) & (columns >= 0) & (rows < shape[0]) & (columns < shape[1])
    whole[rows[inside], columns[inside]] = True
    return whole


def pixel_centres(
    page: Page, shape: tuple[int, int], aspect: float = 1.0, *, turned: bool = False, mirrored: bool = False
) -> Points:
    """The centre of each pixel on the canvas, shape ``(rows, columns, 2)``; turned to the right, then mirrored."""
    box = canvas(page).bounding_box()
    assert box is not None
    down = (np.arange(shape[0]) + 0.5 - shape[0] / 2) * aspect
    right = np.arange(shape[1]) + 0.5 - shape[1] / 2
    y, x = np.meshgrid(down, right, indexing="ij")
    size = np.array([shape[1], shape[0] * aspect])
    if turned:
        x, y, size = -y, x, size[::-1]
    if mirrored:
        x = -x
    scale = min(box["width"] / size[0], box["height"] / size[1])
    return np.stack([x * scale + box["width"] / 2, y * scale + box["height"] / 2], axis=-1)


def at_pixel(page: Page, row: int, column: int, shape: tuple[int, int], aspect: float = 1.0) -> tuple[float, float]:
    """The same of one pixel, in the window."""
    box = canvas(page).bounding_box()
    assert box is not None
    x, y = pixel_centres(page, shape, aspect)[row, column]
    return box["x"] + float(x), box["y"] + float(y)


def colours_at(page: Page, points: Points) -> npt.NDArray[np.int64]:
    """The colours of the first view's canvas, shape ``(..., 3)``."""
    flat = np.floor(points.reshape(-1, 2)).astype(int).tolist()
    found = page.evaluate(
        """(points) => {
            const canvas = document.querySelector("[data-testid=slice-canvas]");
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            const first = ([x, y]) => (y * canvas.width + x) * 4;
            return points.map((point) => [...data.subarray(first(point), first(point) + 3)]);
        }""",
        flat,
    )
    return np.array(found).reshape(*points.shape[:-1], 3)


def expect_colours(page: Page, points: Points, wanted: npt.NDArray[np.float64], atol: float = 1.0) -> None:
    """The canvas is drawn after the words beside it."""
    end = time.monotonic() + HANG_MS / 4000
    while not np.allclose(shown := colours_at(page, points), wanted, atol=atol):
        if time.monotonic() > end:
            np.testing.assert_allclose(shown, wanted, atol=atol)
        page.wait_for_timeout(50)  # a frame or two of the browser


def go_to_slice(page: Page, wanted: int) -> None:
    page.keyboard.press("Home")
    expect(canvas(page)).to_have_attribute("data-slice", "0")
    for _ in range(wanted):
        page.keyboard.press("ArrowDown")
    expect(canvas(page)).to_have_attribute("data-slice", str(wanted))


def expect_place(page: Page, place: npt.NDArray[np.float64]) -> None:
    """The first view tells this place, LPS mm."""
    eventually(page, lambda: np.testing.assert_allclose(place_shown(page), place, atol=0.051))


def greys(page: Page, values: npt.NDArray[np.generic]) -> npt.NDArray[np.float64]:
    low, high = window_of(page)
    levels = np.vectorize(lambda value: grey_level(float(value), low, high))(values)
    return np.repeat(levels[..., None], 3, axis=-1).astype(float)


def test_overlays_are_drawn_bit_by_bit_over_their_slice(uploaded: Uploaded) -> None:
    page = uploaded.opened("overlaid")
    values, aspect, shape = uploaded.volume("overlaid").array, 0.8 / 0.5, (16, 20)
    judge = pydicom.dcmread(sorted((uploaded.folder / "overlaid").iterdir())[1])
    page.keyboard.press("p")
    go_to_slice(page, 1)
    drawn = greys(page, values[1])
    drawn[over_picture(judge.overlay_array(0x6000) > 0, (-1, -2), shape)] = YELLOW
    below = over_picture(judge.overlay_array(0x6002) > 0, (9, 12), shape)
    drawn[below] = drawn[below] * (1 - REGION) + np.array(CYAN) * REGION
    expect_colours(page, pixel_centres(page, shape, aspect), drawn, atol=1.5)
    expect(page.get_by_test_id("overlay-line")).to_have_text(["overlay 6000 (graphics)", "overlay 6002 (region)marked"])
    page.keyboard.press("t")
    expect_colours(page, pixel_centres(page, shape, aspect, turned=True), drawn, atol=1.5)
    page.keyboard.press("m")
    expect_colours(page, pixel_centres(page, shape, aspect, turned=True, mirrored=True), drawn, atol=1.5)
    page.keyboard.press("r")
    page.keyboard.press("Shift+O")
    expect(page.get_by_test_id("overlay-missing")).to_have_text("overlays hidden")
    expect_colours(page, pixel_centres(page, shape, aspect), greys(page, values[1]))
    page.keyboard.press("Shift+O")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_test_id("overlay-key")).to_have_count(0)
    expect_colours(page, pixel_centres(page, shape, aspect), greys(page, values[0]))


def test_overlays_in_spare_bits_and_of_frames_lie_where_they_belong(uploaded: Uploaded) -> None:
    page, shape = uploaded.opened("overlaid"), (16, 20)
    page.keyboard.press("p")
    go_to_slice(page, 2)
    drawn = greys(page, uploaded.volume("overlaid").array[2])
    drawn[noise(3, 320).reshape(shape)] = YELLOW
    expect_colours(page, pixel_centres(page, shape, 0.8 / 0.5), drawn)
    # The same slice by its plane's name; planes that cross it show none.
    page.keyboard.press("a")
    expect_colours(page, pixel_centres(page, shape, 0.8 / 0.5), drawn)
    page.keyboard.press("c")
    expect(canvas(page)).to_have_attribute("data-plane", "coronal")
    expect(page.get_by_test_id("overlay-key")).to_have_count(0)
    page = uploaded.opened("frames")
    page.keyboard.press("p")
    frames = uploaded.volume("frames").array
    planes = noise(4, 2, *shape)
    for number, mask in enumerate([None, planes[0], planes[1], None]):
        go_to_slice(page, number)
        drawn = greys(page, frames[number])
        if mask is not None:
            drawn[mask] = YELLOW
        expect_colours(page, pixel_centres(page, shape, 0.8 / 0.7), drawn)


def test_a_saved_picture_has_its_overlays_and_warns_of_them(uploaded: Uploaded) -> None:
    page, shape = uploaded.opened("overlaid"), (16, 20)
    page.keyboard.press("p")
    go_to_slice(page, 2)
    expect(page.get_by_test_id("overlay-line")).to_have_count(1)
    points = pixel_centres(page, shape, 0.8 / 0.5)[6:9, 6:14]
    bits = noise(3, 320).reshape(shape)[6:9, 6:14]
    page.get_by_test_id("picture-sheet").click()
    expect(page.get_by_test_id("picture-overlays")).to_contain_text("even a name")
    with page.expect_download() as download:
        page.get_by_test_id("save-picture").click()
    picture = imagecodecs.png_decode(Path(download.value.path()).read_bytes())
    x, y = np.floor(points[bits]).astype(int).T
    np.testing.assert_array_equal(picture[y, x, :3], np.broadcast_to(YELLOW, (bits.sum(), 3)))


def test_an_ultrasound_cine_has_the_librarys_colours_and_the_headers_rate(uploaded: Uploaded) -> None:
    page, volume = uploaded.opened("cine"), uploaded.volume("cine")
    assert volume.array.shape == (30, 240, 320, 3)
    page.keyboard.press("p")
    for number in (0, 17):
        go_to_slice(page, number)
        expect_colours(page, pixel_centres(page, (240, 320))[::7, ::9], volume.array[number, ::7, ::9].astype(float))
    page.mouse.move(*at_pixel(page, 120, 160, (240, 320)))
    rgb = " ".join(str(part) for part in volume.array[17, 120, 160])
    expect(page.get_by_test_id("pixel-value")).to_have_text(f"RGB {rgb}")
    # Its regions are those of a picture of twice the size: they do not count.
    expect(page.get_by_test_id("calibration-words")).to_have_text("not calibrated: no mm")
    expect(page.get_by_test_id("scale-bar")).to_have_count(0)
    expect(page.get_by_test_id("fps").locator("option:checked")).to_have_text("30 / s, as recorded")


def test_a_cine_plays_as_many_frames_as_the_header_says(browser: Browser, site: Site, uploaded: Uploaded) -> None:
    # A clock is a whole context's.
    context = open_context(browser, site.address, storage_state=uploaded.page.context.storage_state())
    context.clock.install()
    page = context.new_page()
    open_series(page, uploaded.ids["cine"])
    expect(page.get_by_test_id("loaded-bar")).to_have_attribute("data-loaded", "30")
    page.keyboard.press("Home")
    page.clock.pause_at(page.evaluate("Date.now()") + 60_000)
    page.keyboard.press("Space")
    page.clock.run_for(500)
    # 33.333 ms each; the page's own frames are 16 ms apart.
    expect(page.get_by_test_id("slice-position")).to_have_text(re.compile(r"Slice 1[56] / 30"))
    context.close()


def test_ultrasound_has_units_and_a_scale_bar_only_where_it_is_calibrated(uploaded: Uploaded) -> None:
    page, shape = uploaded.opened("regions"), (120, 200)
    words = page.get_by_test_id("calibration-words")
    for (row, column), wanted in {
        (30, 75): "2D tissue: x 0.5 cm, y 0.6 cm",
        (80, 150): "PW spectral Doppler: x 0.5 s, y 20 cm/s; no mm",
        (20, 150): "outside of the calibrated regions: no mm",
    }.items():
        page.mouse.move(*at_pixel(page, row, column, shape))
        expect(words).to_have_text(wanted)
        expect(page.get_by_test_id("pixel-position")).to_have_text(f"row {row}, column {column}")
    bar = page.get_by_test_id("scale-bar")
    expect(bar).to_have_count(1)
    box, first, last = bar.locator("i").bounding_box(), at_pixel(page, 0, 0, shape), at_pixel(page, 99, 99, shape)
    assert box is not None
    assert first[0] < box["x"] < box["x"] + box["width"] < last[0]
    assert first[1] < box["y"] < box["y"] + box["height"] < last[1] + 5
    pixels_per_mm = (last[0] - first[0]) / 99 / 0.2
    assert box["width"] == pytest.approx(number_in(bar.inner_text()) * pixels_per_mm, rel=0.02)


@pytest.mark.parametrize(
    ("name", "letters", "words"),
    [("chest", ("R", "L", "S", "I"), ""), ("breast", ("P", "A", "SL", "IR"), "right")],
)
def test_radiographs_have_the_letters_of_their_header(
    uploaded: Uploaded, name: str, letters: tuple[str, str, str, str], words: str
) -> None:
    page = uploaded.opened(name)
    left, right, top, bottom = letters
    expect_letters(page, left, right, top, bottom)
    expect(page.get_by_test_id("slice-words")).to_have_text([words] if words else [])
    page.keyboard.press("m")
    expect_letters(page, right, left, top, bottom)
    page.keyboard.press("t")
    expect_letters(page, bottom, top, right, left)


def expect_letters(page: Page, left: str, right: str, top: str, bottom: str) -> None:
    for edge, wanted in (("left", left), ("right", right), ("top", top), ("bottom", bottom)):
        expect(page.get_by_test_id(f"edge-{edge}")).to_have_text(wanted)


def test_monochrome1_is_white_where_values_are_low(uploaded: Uploaded) -> None:
    page, values = uploaded.opened("chest"), uploaded.volume("chest").array[0]
    page.keyboard.press("p")
    stored = pydicom.dcmread(next((uploaded.folder / "chest").iterdir())).pixel_array
    np.testing.assert_array_equal(values, stored)
    expect_colours(page, pixel_centres(page, (50, 40)), 255 - greys(page, values))
    row, column = np.unravel_index(int(values.argmin()), values.shape)
    page.mouse.move(*at_pixel(page, int(row), int(column), (50, 40)))
    expect(page.get_by_test_id("pixel-value")).to_contain_text(str(values.min()))


def test_a_patient_on_the_side_has_letters_and_places_of_the_side(uploaded: Uploaded) -> None:
    page, volume, shape = uploaded.opened("decubitus"), uploaded.volume("decubitus"), (40, 48)
    assert volume.affine is not None
    expect_letters(page, "A", "P", "L", "R")
    page.keyboard.press("p")
    go_to_slice(page, 4)
    aspect = 0.8 / 0.7
    expect_colours(page, pixel_centres(page, shape, aspect), greys(page, volume.array[4]))
    page.mouse.move(*at_pixel(page, 11, 30, shape, aspect))
    expect(page.get_by_test_id("pixel-value")).to_contain_text(re.compile(r"\d"))
    expect_place(page, (volume.affine @ [4, 11, 30, 1])[:3])
    page.keyboard.press("a")
    expect_letters(page, "R", "L", "A", "P")


def test_gaps_of_an_irregular_stack_are_told_at_their_slice(uploaded: Uploaded) -> None:
    page = uploaded.opened("gaps")
    files = sorted(
        (pydicom.dcmread(path) for path in (uploaded.folder / "gaps").iterdir()),
        key=lambda file: float(file.ImagePositionPatient[2]),
    )
    page.keyboard.press("p")
    for number, file in enumerate(files):
        go_to_slice(page, number)
        expect(page.get_by_test_id("slice-words")).to_have_count(1 if number == 3 else 0)
        if number == 3:
            expect(page.get_by_test_id("slice-words")).to_have_text("gap 6 mm")
        expect_colours(page, pixel_centres(page, (16, 20), 0.8 / 0.7), greys(page, file.pixel_array - 1024.0))
        page.mouse.move(*at_pixel(page, 5, 7, (16, 20), 0.8 / 0.7))
        place = np.add(np.array(file.ImagePositionPatient, float), [7 * 0.7, 5 * 0.8, 0])
        expect(page.get_by_test_id("pixel-position")).to_contain_text("LPS")
        expect_place(page, place)
    expect_letters(page, "R", "L", "A", "P")


@pytest.fixture
def fingers(browser: Browser, site: Site, uploaded: Uploaded) -> Iterator[tuple[Page, CDPSession]]:
    """The decubitus series on a tablet."""
    context = open_context(
        browser,
        site.address,
        viewport={"width": 1024, "height": 768},
        storage_state=uploaded.page.context.storage_state(),
        has_touch=True,
    )
    page = context.new_page()
    open_series(page, uploaded.ids["decubitus"])
    yield page, context.new_cdp_session(page)
    context.close()


def touch(session: CDPSession, kind: str, *points: tuple[float, float]) -> None:
    touches = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
    session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})


def test_one_finger_scrolls_and_two_zoom_and_move(fingers: tuple[Page, CDPSession]) -> None:
    page, session = fingers
    page.keyboard.press("Home")
    expect(canvas(page)).to_have_attribute("data-slice", "0")
    before = page.get_by_test_id("window-text").inner_text()
    x, y = at_pixel(page, 20, 24, (40, 48), 0.8 / 0.7)
    touch(session, "touchStart", (x, y))
    for step in range(1, 11):
        touch(session, "touchMove", (x, y + 6 * step))
    touch(session, "touchEnd")
    expect(canvas(page)).to_have_attribute("data-slice", "10")
    expect(page.get_by_test_id("window-text")).to_have_text(before)
    touch(session, "touchStart", (x - 50, y))
    touch(session, "touchStart", (x - 50, y), (x + 50, y))
    for step in range(1, 6):
        touch(session, "touchMove", (x - 50 - 10 * step, y + 6 * step), (x + 50 + 10 * step, y + 6 * step))
    touch(session, "touchEnd")
    expect(view(page)).to_contain_text("200 %")
    expect(canvas(page)).to_have_attribute("data-slice", "10")
    # What was in the middle of the fingers is under it still.
    touch(session, "touchStart", (x, y + 30))
    touch(session, "touchEnd")
    place = place_shown(page, 0)
    touch(session, "touchStart", (x - 50, y + 30))
    touch(session, "touchStart", (x - 50, y + 30), (x + 50, y + 30))
    touch(session, "touchMove", (x - 25, y + 30), (x + 25, y + 30))
    touch(session, "touchEnd")
    expect(view(page)).not_to_contain_text("200 %")
    touch(session, "touchStart", (x, y + 30))
    touch(session, "touchEnd")
    expect_place(page, place)
    assert page.evaluate("[scrollX, scrollY, visualViewport.scale]") == [0, 0, 1]


def test_a_tap_moves_the_crosshair_and_tells_the_value(fingers: tuple[Page, CDPSession], uploaded: Uploaded) -> None:
    page, session = fingers
    volume = uploaded.volume("decubitus")
    assert volume.affine is not None
    page.keyboard.press("Shift+D")
    for number in range(3):
        expect(canvas(page, number)).to_have_attribute("data-slice", re.compile(r"\d+"))
    box = canvas(page).bounding_box()
    assert box is not None
    touch(session, "touchStart", (box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.6))
    touch(session, "touchEnd")
    expect(view(page).get_by_test_id("pixel-position")).to_contain_text("LPS")
    place = place_shown(page, 0)
    index = np.floor(np.linalg.inv(volume.affine) @ [*place, 1] + 0.5)[:3].astype(int)
    shown = number_in(view(page).get_by_test_id("pixel-value").inner_text())
    assert shown == pytest.approx(float(volume.array[tuple(index)]), abs=1e-3)
    # Coronal slices are its columns, which run to the back; sagittal ones its rows, from the last to the left.
    expect(canvas(page, 1)).to_have_attribute("data-slice", str(index[2]))
    expect(canvas(page, 2)).to_have_attribute("data-slice", str(39 - index[1]))


def test_a_pen_drags_the_window_as_the_mouse_does(fingers: tuple[Page, CDPSession]) -> None:
    page, session = fingers
    x, y = at_pixel(page, 20, 24, (40, 48), 0.8 / 0.7)
    number, before = canvas(page).get_attribute("data-slice"), page.get_by_test_id("window-text").inner_text()

    def pen(kind: str, right: float = 0, button: str = "left") -> None:
        event = {"type": kind, "x": x + right, "y": y, "button": button, "pointerType": "pen", "clickCount": 1}
        session.send("Input.dispatchMouseEvent", {**event, "buttons": 0 if button == "none" else 1})

    pen("mouseMoved", button="none")
    expect(page.get_by_test_id("pixel-value")).to_contain_text(re.compile(r"\d"))
    pen("mousePressed")
    for step in range(1, 6):
        pen("mouseMoved", 12 * step)
    pen("mouseReleased", 60)
    expect(page.get_by_test_id("window-text")).not_to_have_text(before)
    expect(canvas(page)).to_have_attribute("data-slice", number or "")
