"""The memory of a browser's processes."""

from __future__ import annotations

from playwright.sync_api import Browser

from benchmarks.server_processes import proportional_set_size

PICTURE_PROCESSES = ("renderer", "GPU")
"""What the DevTools protocol calls the processes that hold a page's program and its pictures."""


def picture_memory(browser: Browser, kinds: tuple[str, ...] = PICTURE_PROCESSES) -> int:
    """The proportional set size of the browser's processes of these kinds, in bytes."""
    session = browser.new_browser_cdp_session()
    try:
        processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    finally:
        session.detach()
    return sum(proportional_set_size(process["id"]) for process in processes if process["type"] in kinds)
