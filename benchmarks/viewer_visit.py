"""One visit of a viewer by somebody whose browser has nothing of it in its cache."""

from __future__ import annotations

import time
from dataclasses import dataclass

from playwright.sync_api import Page, Playwright, Request, StorageState

from benchmarks.viewer_frames import Frame, frame_times, moving, percentile, pictures_shown
from benchmarks.viewer_memory import loose_browser
from benchmarks.viewer_pages import HANG_MS, ViewerDriver, browsing, new_page

_QUIET_SECONDS = 5.0
"""A viewer that fetches nothing for so long fetches no more."""
_NOTCH = 100
"""Pixels of a notch of a mouse's wheel."""
_PATIENCE, _EXTRA_MS = 3.0, 2000.0
"""A page that nobody drives gets so many times as long as the same page took before, and this on top."""
_STILL_FRAMES = 30
"""Nothing more is drawn when so many frames are alike."""


@dataclass(frozen=True)
class Visit:
    """What was measured.

    Attributes
    ----------
    first_ms
        From the click in the list to the first frame with a picture.
    whole_ms
        From the click to the last slice's arrival; to the last one that came if not all did.
    loaded
        How many slices came.
    frame_ms
        The 95th percentile of frame times while wheeling from the first slice to the last one.
    painted
        How many different pictures were seen while wheeling.
    memory
        Bytes of renderer and GPU process after that.
    """

    first_ms: float
    whole_ms: float
    loaded: int
    frame_ms: float
    painted: int
    memory: int


def remember(playwright: Playwright, viewer: ViewerDriver) -> StorageState:
    """What the browser of somebody remembers who was here before: the session, and dialogs that were dismissed."""
    with browsing(playwright) as browser:
        page = new_page(browser)
        viewer.prepare(page)
        return page.context.storage_state()


def visit(playwright: Playwright, viewer: ViewerDriver, state: StorageState, slices: int) -> Visit:
    """Open the series from the list, wait until all of it is there, and wheel through it; and again for its memory."""
    with browsing(playwright) as browser:
        page = new_page(browser, state)
        fetched = _Fetched(page, viewer)
        viewer.open_list(page)
        first = first_picture(page, viewer)
        clicked = page.evaluate("voxelryProbe.clickedAt()")
        loaded, whole = _whole(page, viewer, fetched, slices)
        address = page.url
        frames = moving(wheel(page, viewer, slices))
    return Visit(
        first_ms=first,
        whole_ms=whole - clicked,
        loaded=loaded,
        frame_ms=percentile(frame_times(frames), 95),
        painted=pictures_shown(frames),
        memory=_memory(playwright, viewer, state, address, slices, whole - clicked),
    )


def _memory(
    playwright: Playwright, viewer: ViewerDriver, state: StorageState, address: str, slices: int, whole_ms: float
) -> int:
    """Bytes of renderer and GPU process when all slices were loaded and seen."""
    with loose_browser() as browser:
        browser.load(playwright, state, f"{viewer.address}/", address, _PATIENCE * whole_ms + _EXTRA_MS)
        with browser.driven(playwright) as page:
            wheel(page, viewer, slices)
        return browser.memory()


def first_picture(page: Page, viewer: ViewerDriver) -> float:
    """Click in the list that is open; the milliseconds until a frame has a picture."""
    page.evaluate("selector => { voxelryProbe.shown = voxelryProbe.firstPicture(selector); }", viewer.canvas)
    viewer.click(page)
    return float(page.evaluate("voxelryProbe.shown.then((time) => time - voxelryProbe.clickedAt())"))


class _Fetched:
    """The slices that have been fetched, with the times of their ends."""

    def __init__(self, page: Page, viewer: ViewerDriver) -> None:
        self._requests: dict[str, Request] = {}
        self._viewer = viewer
        page.on("requestfinished", self._note)

    def _note(self, request: Request) -> None:
        if self._viewer.is_slice(request.url):
            self._requests.setdefault(request.url, request)

    @property
    def count(self) -> int:
        return len(self._requests)

    def last(self) -> float:
        """When the last one ended, in milliseconds since the epoch; 0 if none has."""
        timings = [request.timing for request in self._requests.values()]
        return max((timing["startTime"] + timing["responseEnd"] for timing in timings), default=0.0)


def wait_for_all(page: Page, viewer: ViewerDriver, slices: int) -> None:
    """Wait until the page has all slices, or fetches no more of them."""
    _whole(page, viewer, _Fetched(page, viewer), slices)


def _whole(page: Page, viewer: ViewerDriver, fetched: _Fetched, slices: int) -> tuple[int, float]:
    """How many slices came, and when the last one did, in milliseconds since the epoch."""
    told = viewer.progress()
    if told is not None and page.locator(told[0]).count():
        return slices, float(page.evaluate("([s, now, all]) => voxelryProbe.whole(s, now, all)", list(told)))
    end = time.monotonic() + HANG_MS / 1000
    seen, since = 0, time.monotonic()
    while seen < slices and time.monotonic() < min(end, since + _QUIET_SECONDS):
        page.wait_for_timeout(100)
        if fetched.count != seen:
            seen, since = fetched.count, time.monotonic()
    return seen, fetched.last()


def wheel(page: Page, viewer: ViewerDriver, slices: int) -> list[Frame]:
    """Wheel from the first slice to the last one, as fast as the page takes notches; what each frame showed."""
    page.locator(viewer.canvas).first.hover()
    viewer.first_slice(page)
    page.evaluate("selector => voxelryProbe.record(selector)", viewer.canvas)
    for _ in range(slices - 1):
        page.mouse.wheel(0, _NOTCH)
    page.evaluate("frames => voxelryProbe.still(frames)", _STILL_FRAMES)
    return [(float(at), shown) for at, shown in page.evaluate("voxelryProbe.stop()")]
