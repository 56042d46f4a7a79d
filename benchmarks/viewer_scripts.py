"""How much JavaScript a page loads."""

from __future__ import annotations

import gzip
import urllib.request

from playwright.sync_api import Page, Playwright, Request, StorageState

from benchmarks.viewer_pages import ViewerDriver, browsing, new_page
from benchmarks.viewer_visit import first_picture

_SETTLE_MS = 1000
"""What a page loads within this time after its picture counts as well."""


def gzipped_bytes(content: bytes) -> int:
    """The size as web servers send it, at zlib's default level."""
    return len(gzip.compress(content, 6, mtime=0))


def scripts_of_list(playwright: Playwright, viewer: ViewerDriver, state: StorageState) -> int:
    """The gzipped bytes of the scripts that the list of studies loads."""
    with browsing(playwright) as browser:
        page = new_page(browser, state)
        scripts = _noted(page)
        viewer.open_list(page)
        page.wait_for_timeout(_SETTLE_MS)
        return _size(page, scripts)


def scripts_of_viewer(playwright: Playwright, viewer: ViewerDriver, state: StorageState) -> int:
    """The gzipped bytes of the scripts of somebody who opens the viewer at its address, without the list."""
    with browsing(playwright) as browser:
        page = new_page(browser, state)
        viewer.open_list(page)
        first_picture(page, viewer)
        address = page.url
    with browsing(playwright) as browser:
        page = new_page(browser, state)
        scripts = _noted(page)
        page.goto(address)
        page.evaluate("selector => voxelryProbe.firstPicture(selector)", viewer.canvas)
        page.wait_for_timeout(_SETTLE_MS)
        return _size(page, scripts)


def _noted(page: Page) -> dict[str, None]:
    """The addresses of scripts, those of workers too, that grow while the page loads."""
    found: dict[str, None] = {}

    def note(request: Request) -> None:
        if request.resource_type == "script" or request.url.partition("?")[0].endswith((".js", ".mjs")):
            found[request.url] = None

    page.on("request", note)
    return found


def _size(page: Page, scripts: dict[str, None]) -> int:
    cookies = "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in page.context.cookies())
    return sum(gzipped_bytes(_content(address, cookies)) for address in scripts if address.startswith("http"))


def _content(address: str, cookies: str) -> bytes:
    asked = urllib.request.Request(address, headers={"Cookie": cookies})  # noqa: S310 - an address of this benchmark
    with urllib.request.urlopen(asked) as answer:  # noqa: S310
        return bytes(answer.read())
