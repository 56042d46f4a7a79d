"""Three linked planes that follow a dragged crosshair, beside the bare cuts in the same browser."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, Playwright, StorageState

from benchmarks.race import Row, Target
from benchmarks.viewer_frames import full_updates
from benchmarks.viewer_pages import OwnPage, browsing, new_page
from benchmarks.viewer_visit import first_picture, wait_for_all

BARE_CUTS = Path(__file__).with_name("viewer_cuts.js")
WORK = "a dragged crosshair, three planes"
PLANES = 3
_STEPS = 120
"""Moves of the mouse in a drag."""
_WAY = 0.3
"""How far it is dragged, as a part of the canvas."""


def rows(playwright: Playwright, own: OwnPage, state: StorageState, shape: tuple[int, int, int]) -> list[Row]:
    """The time in which all three planes follow; no row while the viewer has no such layout."""
    with browsing(playwright) as browser:
        page = new_page(browser, state)
        own.open_list(page)
        first_picture(page, own)
        if not own.open_planes(page):
            return []
        wait_for_all(page, own, shape[0])
        following = _following(page, own)
    with browsing(playwright) as browser:
        page = new_page(browser, state)
        page.goto(own.address)
        page.evaluate(BARE_CUTS.read_text())
        bare = float(page.evaluate("shape => voxelryCuts(shape)", list(shape)))
    target = Target(("the bare cuts",), 3.0, at_most=True)
    return [Row("viewer", WORK, "ms", following, target.peers[0], bare, target.words, target.is_met(following, bare))]


def _following(page: Page, own: OwnPage) -> float:
    """Drag the crosshair in the first view; the milliseconds from one frame with all planes new to the next."""
    box = page.locator(own.canvas).first.bounding_box()
    if box is None:
        raise RuntimeError("the first view has no place on the page")
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    own.hold_crosshair(page)
    page.evaluate("([s, a]) => voxelryProbe.record(s, a)", [own.canvas, own.revision])
    for step in range(1, _STEPS + 1):
        part = _WAY * step / _STEPS
        page.mouse.move(x + part * box["width"], y + part * box["height"])
    page.evaluate("voxelryProbe.still(30)")
    own.release_crosshair(page)
    frames = [(float(at), shown) for at, shown in page.evaluate("voxelryProbe.stop()")]
    updates = full_updates(frames, PLANES)
    if len(updates) < 2:
        raise RuntimeError("the three planes do not follow the crosshair")
    return (updates[-1] - updates[0]) / (len(updates) - 1)
