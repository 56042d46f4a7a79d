"""Frames of a brush stroke over a whole series in three planes, beside frames in which nothing happens."""

from __future__ import annotations

from playwright.sync_api import Page, Playwright, StorageState

from benchmarks.race import Row, Target
from benchmarks.viewer_frames import frame_times, percentile
from benchmarks.viewer_pages import OwnPage, browsing, new_page
from benchmarks.viewer_visit import first_picture, wait_for_all

WORK = "p95 frame of a brush stroke in three planes"
COUNTED_WORK = "p95 frame of a stroke in which a threshold is counted"
STROKES = 4
_STEPS = 120
"""Moves of the pointer in a stroke, one in a frame; as many frames without a stroke are looked at."""
_START, _WAY = 0.35, 0.3
"""Where a stroke begins and how far it goes, as parts of the canvas."""
_RADIUS_MM = "12"
_FRAMES = """count => new Promise(done => {
  let left = count;
  const next = () => (left -= 1) > 0 ? requestAnimationFrame(next) : done();
  requestAnimationFrame(next);
})"""


def rows(playwright: Playwright, own: OwnPage, state: StorageState, slices: int) -> list[Row]:
    """Strokes of a ball, then the same while voxels are counted in what is drawn; empty frames before each."""
    with browsing(playwright) as browser:
        page = new_page(browser, state)
        own.open_list(page)
        first_picture(page, own)
        page.keyboard.press("Shift+D")
        page.locator(own.canvas).nth(2).wait_for()
        wait_for_all(page, own, slices)
        page.get_by_test_id("edit-tool").click()
        page.get_by_test_id("edit-begin").click()
        page.get_by_test_id("brush-ball").first.click()
        page.get_by_test_id("brush-radius").first.fill(_RADIUS_MM)
        page.get_by_test_id("brush-radius").first.press("Enter")
        drawn = _row(page, own, WORK)
        page.get_by_test_id("region-segment").select_option("draft#1")
        return [drawn, _row(page, own, COUNTED_WORK)]


def _row(page: Page, own: OwnPage, work: str) -> Row:
    empty, stroke = [], []
    for number in range(STROKES):
        empty += _empty(page, own)
        stroke += _stroke(page, own, number)
    if page.get_by_test_id("draft-segment").first.get_attribute("data-count") in (None, "0"):
        raise RuntimeError("the strokes drew nothing")
    target = Target(("an empty frame",), 2.0, at_most=True)
    ours, theirs = percentile(stroke, 95), percentile(empty, 95)
    return Row("viewer", work, "ms", ours, target.peers[0], theirs, target.words, target.is_met(ours, theirs))


def _empty(page: Page, own: OwnPage) -> list[float]:
    page.evaluate("canvas => voxelryProbe.record(canvas, 'data-slice')", own.canvas)
    page.evaluate(_FRAMES, _STEPS)
    return frame_times(page.evaluate("voxelryProbe.stop()"))


def _stroke(page: Page, own: OwnPage, number: int) -> list[float]:
    """One stroke in the first plane, each a little lower than the one before."""
    box = page.locator(own.canvas).first.bounding_box()
    if box is None:
        raise RuntimeError("the view has no place on the page")
    start = _START + 0.02 * number
    page.mouse.move(box["x"] + start * box["width"], box["y"] + start * box["height"])
    page.mouse.down()
    page.evaluate("canvas => voxelryProbe.record(canvas, 'data-slice')", own.canvas)
    page.evaluate(
        "([canvas, from, way, steps]) => voxelryProbe.drag(canvas, 0, from, way, steps)",
        [own.canvas, start, _WAY, _STEPS],
    )
    frames = page.evaluate("voxelryProbe.stop()")
    page.mouse.up()
    return frame_times(frames)
