"""The memory of a browser's processes.

Playwright has the renderer keep the content of each answer, in case somebody asks for it: for a series that is a second
copy of all its slices. So a browser whose memory is compared is started by itself, loads the series while nobody drives
it, and is let go again before its processes are looked at.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which

from playwright.sync_api import Browser, Page, Playwright, StorageState

from benchmarks.server_processes import process_tree, proportional_set_size, stop_process
from benchmarks.viewer_pages import FLAGS, HANG_MS, HEIGHT, PROBE, WIDTH
from benchmarks.viewer_work import BROWSERS

PICTURE_PROCESSES = ("renderer", "gpu-process")
"""What hold a page's program and its pictures."""
_OWN_PAGES = "--top-chrome-webui"
"""An argument of renderers of the browser's own pages."""
_REST_SECONDS = 3.0
"""How long a page is left alone before its memory is read."""
_LEAVING_MS = 2000
_START_SECONDS = 60.0


class LooseBrowser:
    """A browser that lives on when nobody drives it."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self._process, self._port = process, port

    @contextmanager
    def driven(self, playwright: Playwright, state: StorageState | None = None) -> Iterator[Page]:
        """Its page, which stays open when the block ends; with this state if one is given."""
        browser: Browser = playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{self._port}")
        context = browser.contexts[0]
        page = context.pages[0]
        page.set_default_timeout(HANG_MS)
        if state is None:
            page.evaluate(PROBE.read_text())
        else:
            context.add_cookies(
                [
                    {"name": one["name"], "value": one["value"], "domain": one["domain"], "path": one["path"]}
                    for one in state["cookies"]
                ]
            )
            page.add_init_script(_remembering(state))
            _resize(page)
        yield page
        browser.close()  # of a browser that is not Playwright's own, only the connection

    def load(self, playwright: Playwright, state: StorageState, home: str, address: str, milliseconds: float) -> None:
        """Have the page go from home to an address when nobody drives it any more, and leave it alone for so long."""
        with self.driven(playwright, state) as page:
            page.goto(home)
            page.evaluate("([to, after]) => { setTimeout(() => location.assign(to), after); }", [address, _LEAVING_MS])
        time.sleep((_LEAVING_MS + milliseconds) / 1000)

    def memory(self, kinds: tuple[str, ...] = PICTURE_PROCESSES) -> int:
        """The proportional set size of its processes of these kinds, in bytes, after a pause."""
        time.sleep(_REST_SECONDS)
        return sum(
            proportional_set_size(number)
            for number in process_tree(self._process.pid)
            if is_of_kind(_arguments(number), kinds)
        )


def _resize(page: Page) -> None:
    """Make the page as large as those of other visits."""
    session = page.context.new_cdp_session(page)
    window = session.send("Browser.getWindowForTarget")
    width, height = page.evaluate("[outerWidth - innerWidth, outerHeight - innerHeight]")
    bounds = {"width": WIDTH + width, "height": HEIGHT + height}
    session.send("Browser.setWindowBounds", {"windowId": window["windowId"], "bounds": bounds})
    session.detach()


@contextmanager
def loose_browser() -> Iterator[LooseBrowser]:
    """A browser with nothing in its cache, until the end of the block."""
    program = next(filter(None, map(which, BROWSERS)), None) or BROWSERS[0]
    with tempfile.TemporaryDirectory(prefix="voxelry-browser-", ignore_cleanup_errors=True) as name:
        own = ["--headless=new", "--remote-debugging-port=0", f"--user-data-dir={name}", "--no-default-browser-check"]
        command = [program, *FLAGS, *own, f"--window-size={WIDTH},{HEIGHT}", "about:blank"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield LooseBrowser(process, _port(Path(name) / "DevToolsActivePort", process))
        finally:
            stop_process(process)


def is_of_kind(arguments: list[str], kinds: tuple[str, ...]) -> bool:
    """Whether the arguments of a process are those of one of these kinds, for pages of the web."""
    return _OWN_PAGES not in arguments and any(f"--type={kind}" in arguments for kind in kinds)


def _arguments(number: int) -> list[str]:
    try:
        told = os.fsdecode(Path(f"/proc/{number}/cmdline").read_bytes())
    except OSError:
        return []
    return told.replace("\0", " ").split()  # Chromium writes it anew, with spaces


def _port(told: Path, process: subprocess.Popen[bytes]) -> int:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        if told.is_file() and (lines := told.read_text().splitlines()):
            return int(lines[0])
        time.sleep(0.05)
    raise RuntimeError("the browser does not start")


def _remembering(state: StorageState) -> str:
    """A script that puts what the browser remembered into each page's storage."""
    stored = {one["origin"]: {item["name"]: item["value"] for item in one["localStorage"]} for one in state["origins"]}
    return (
        f"for (const [name, value] of Object.entries(({json.dumps(stored)})[location.origin] ?? {{}}))"
        " if (localStorage.getItem(name) === null) localStorage.setItem(name, value);"
    )
