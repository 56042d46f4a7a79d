"""Linked planes that follow a dragged crosshair, beside the bare cuts in the same browser.

A crosshair that is dragged in one of three planes moves the two others: each drag is compared with two cuts. It is
dragged in each plane in turn, and so is each cut counted. Both get a new place in each frame, and both wait for frames.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Page, Playwright, StorageState

from benchmarks.race import Row, Target
from benchmarks.viewer_frames import Frame, full_updates
from benchmarks.viewer_pages import OwnPage, browsing, new_page
from benchmarks.viewer_visit import first_picture, wait_for_all

BARE_CUTS = Path(__file__).with_name("viewer_cuts.js")
WORK = "two planes follow a dragged crosshair"
PLANES = 3
_STEPS = 120
"""Moves of the pointer in a drag, one in a frame."""
_TRIES = 6
"""Drags of one view, until the others were seen to move."""
_START = 0.42
"""Where a drag begins, as a part of the canvas: beside the lines, each of which would move one plane only."""
REST_WORK = "exact planes from the last movement of turning"
REST_LIMIT_MS = 150.0
_TURN_STEPS = 12
"""Movements of the pointer in a turn."""
_WAY = 0.2
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
        resting = _resting(page, own)
    with browsing(playwright) as browser:
        page = new_page(browser, state)
        page.add_init_script(path=BARE_CUTS)
        page.goto(own.address)
        bare, alone = page.evaluate("shape => voxelryCuts(shape)", list(shape))
    target = Target(("the bare cuts",), 3.0, at_most=True)
    met = target.is_met(following, bare)
    note = f"the cuts alone {alone:.1f} ms"
    limit = Target((f"{REST_LIMIT_MS:.0f} ms",), 1.0, at_most=True)
    rested = limit.is_met(resting, REST_LIMIT_MS)
    return [
        Row("viewer", WORK, "ms", following, target.peers[0], bare, target.words, met, note),
        Row("viewer", REST_WORK, "ms", resting, limit.peers[0], REST_LIMIT_MS, limit.words, rested),
    ]


def _following(page: Page, own: OwnPage) -> float:
    """Drag the crosshair in each view; the milliseconds from one frame with both other planes new to the next."""
    return statistics.mean(_dragged(page, own, number) for number in range(PLANES))


def _resting(page: Page, own: OwnPage) -> float:
    """Turn the planes, and hold still with the button down: the milliseconds from the last movement to exact planes."""
    took = []
    for turn in range(1, _TRIES + 1):
        box = page.locator(own.handle).first.bounding_box()
        if box is None:
            raise RuntimeError("the crosshair has no handle on the page")
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.evaluate("selector => { voxelryProbe.rested = voxelryProbe.rest(selector); }", own.draft)
        page.mouse.move(x + 8 * turn, y + 8 * turn, steps=_TURN_STEPS)
        rested = page.evaluate("voxelryProbe.rested")
        if rested is not None:
            took.append(float(rested))
        page.mouse.up()
        page.keyboard.press(own.unturn_key)
        page.evaluate("selector => voxelryProbe.record(selector)", own.canvas)
        page.evaluate("voxelryProbe.still(30)")
        page.evaluate("voxelryProbe.stop()")
    if not took:
        raise RuntimeError("planes that are turned are never drawn as drafts")
    return statistics.median(took)


def _dragged(page: Page, own: OwnPage, number: int) -> float:
    """Drag until the other planes were seen to move more than once: a busy machine may draw only the last place."""
    for _ in range(_TRIES):
        took = _drag(page, own, number)
        if took is not None:
            return took
    raise RuntimeError("the other planes do not follow the crosshair")


def _drag(page: Page, own: OwnPage, number: int) -> float | None:
    """Drag the crosshair in one view, whose own plane stays; None if the others moved less than twice."""
    box = page.locator(own.canvas).nth(number).bounding_box()
    if box is None:
        raise RuntimeError("the view has no place on the page")
    x, y = box["x"] + _START * box["width"], box["y"] + _START * box["height"]
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate("selector => voxelryProbe.record(selector)", own.canvas)
    page.evaluate(
        "([canvas, number, from, way, steps]) => voxelryProbe.drag(canvas, number, from, way, steps)",
        [own.canvas, number, _START, _WAY, _STEPS],
    )
    page.evaluate("voxelryProbe.still(30)")
    page.mouse.up()
    updates = updates_of_others(page.evaluate("voxelryProbe.stop()"), number)
    if len(updates) < 2:
        return None
    return (updates[-1] - updates[0]) / (len(updates) - 1)


def updates_of_others(frames: Sequence[Frame], number: int) -> list[float]:
    """The times of frames in which all planes but one are new."""
    others = [(at, [*shown[:number], *shown[number + 1 :]]) for at, shown in frames if len(shown) == PLANES]
    return full_updates(others, PLANES - 1)
