"""The OHIF viewer (dcmjs' client, Cornerstone): it lists our studies, opens one and draws it as we do."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator

import imagecodecs
import numpy as np
import numpy.typing as npt
import pytest
from playwright.sync_api import Page, Request, Response, sync_playwright

from benchmarks import ohif
from tests.e2e.conftest import FLAGS
from tests.peers.conftest import Known
from tests.peers.live_site import LiveSite
from tests.servers.running import free_port

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.registries]
SECONDS = 300.0
MEAN, OFTEN = 1.0, 0.02
"""The mean difference of grey levels, and the share of pixels that differ by more than 8, that a drawing of the same
slice in the same window may have; edges, which the viewer smooths, do not count."""

CANVAS = "() => document.querySelector('.cornerstone-canvas')?.toDataURL('image/png') ?? ''"


@pytest.fixture
def beside(live: LiveSite, ohif_port: int) -> Iterator[str]:
    """The viewer's address: another origin than the site's, which the site allows."""
    with ohif.served(ohif_port, ohif.configuration(live.root)) as address:
        yield address


@pytest.fixture
def together(live: LiveSite) -> Iterator[str]:
    """The viewer's address behind a proxy that serves the site as well, to somebody who is logged in there."""
    config = ohif.configuration("/dicomweb/projects/default")
    with ohif.served(free_port(), config, proxied=live.address, headers={"Cookie": live.cookie()}) as address:
        yield address


@pytest.fixture
def page(chromium: str) -> Iterator[Page]:
    """A new visitor's page; a request below ``/dicomweb/`` that fails or is refused fails the test."""
    refused: list[str] = []

    def note(response: Response) -> None:
        if "/dicomweb/" in response.url and response.status >= 400:
            refused.append(f"{response.status} {response.request.method} {response.url}")

    def note_failed(request: Request) -> None:
        if "/dicomweb/" in request.url and "ERR_ABORTED" not in (request.failure or ""):
            refused.append(f"{request.failure} {request.url}")

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        opened = browser.new_page(viewport={"width": 1280, "height": 900})
        opened.set_default_timeout(SECONDS * 1000)
        opened.on("response", note)
        opened.on("requestfailed", note_failed)
        yield opened
        browser.close()
    assert refused == []


def grey(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
    """Grey levels of a picture, in colour or not."""
    return np.asarray(picture if picture.ndim == 2 else picture[..., 0], np.int16)


def drawn(page: Page, shape: tuple[int, ...]) -> npt.NDArray[np.int16]:
    """Grey levels of the viewer's picture at the middle of each pixel of the slice."""
    address = page.evaluate(CANVAS)
    canvas = grey(imagecodecs.png_decode(base64.b64decode(address.partition(",")[2])))
    height, width = canvas.shape
    scale = min(width / shape[1], height / shape[0])
    rows = height / 2 + (np.arange(shape[0]) + 0.5 - shape[0] / 2) * scale
    columns = width / 2 + (np.arange(shape[1]) + 0.5 - shape[1] / 2) * scale
    return np.asarray(canvas[np.ix_(rows.astype(int), columns.astype(int))])


def rendered(live: LiveSite, known: Known, number: int, query: str = "") -> npt.NDArray[np.int16]:
    """Our own rendering of a slice."""
    own = known.datasets[number]
    address = f"/studies/{own.StudyInstanceUID}/series/{own.SeriesInstanceUID}/instances/{own.SOPInstanceUID}"
    answer = live.get(f"{address}/rendered{query}", Accept="image/png")
    assert answer.status_code == 200, answer.text
    return grey(imagecodecs.png_decode(answer.content))


def agrees(one: npt.NDArray[np.int16], other: npt.NDArray[np.int16]) -> bool:
    """Whether both show the same, but for edges."""
    edges = np.hypot(*np.gradient(np.float64(other))) > 20
    difference = np.abs(one - other)[~edges]
    return bool(difference.mean() < MEAN and (difference > 8).mean() < OFTEN)


def agrees_soon(page: Page, expected: npt.NDArray[np.int16]) -> bool:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        if page.evaluate(CANVAS) and agrees(drawn(page, expected.shape), expected):
            return True
        page.wait_for_timeout(100)
    return False


def test_it_lists_and_opens_studies(page: Page, together: str, live: LiveSite, ct: Known) -> None:
    page.goto(together)
    page.get_by_role("button", name="Confirm and hide").click()
    page.get_by_text("Peers, Ada").first.click()
    assert page.get_by_text("Study of peers").first.is_visible()

    page.goto(f"{together}/viewer?StudyInstanceUIDs={ct.uids[0]}")
    page.get_by_text("Skip all").click()
    assert agrees_soon(page, rendered(live, ct, len(ct.paths) - 1))


def test_it_draws_as_we_do_from_another_origin(page: Page, beside: str, live: LiveSite, ct: Known) -> None:
    page.goto(f"{beside}/viewer?StudyInstanceUIDs={ct.uids[0]}&token={live.token}")
    page.get_by_role("button", name="Confirm and hide").click()
    page.get_by_text("Skip all").click()
    pictures = [rendered(live, ct, number) for number in range(len(ct.paths))]
    assert agrees_soon(page, pictures[-1]), "it draws the slice with the highest position first"

    shown = drawn(page, pictures[-1].shape)
    assert not any(agrees(shown, other) for other in pictures[:-1])
    assert not agrees(shown, rendered(live, ct, len(ct.paths) - 1, "?window=220,900,linear"))

    page.locator(".cornerstone-canvas").first.hover()
    page.mouse.wheel(0, 100)
    assert agrees_soon(page, pictures[-2])
