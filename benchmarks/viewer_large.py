"""A series of thousands of slices in this site's viewer, and planes of it from the server."""

from __future__ import annotations

import json
import math
import statistics
import time
import zipfile
from collections.abc import Sequence
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import numpy.typing as npt
from playwright.sync_api import Playwright, StorageState

from benchmarks.race import Row, Target
from benchmarks.series import long_series
from benchmarks.server_processes import Server
from benchmarks.server_work import await_upload, settle
from benchmarks.viewer_memory import loose_browser
from benchmarks.viewer_pages import OwnPage, browsing, new_page
from benchmarks.viewer_visit import first_picture, wheel

MEMORY_LIMIT_MIB = 700.0
DESCRIPTION = "Synthetic large"
REQUESTS = 20
"""Of each kind of plane, each at another place."""
_NOTCHES = 200
_MIB = 2.0**20
_HEAD = b'--x\r\nContent-Disposition: form-data; name="files"; filename="s.zip"\r\n\r\n'
_TAIL = b"\r\n--x--\r\n"


def rows(
    playwright: Playwright,
    site: Server,
    small: OwnPage,
    state: StorageState,
    stored: npt.NDArray[np.uint16],
    slices: int,
    rounds: int,
    scratch: Path,
    *,
    fill_ms: int,
) -> list[Row]:
    """Upload a series of so many slices, which repeat those of ``stored``, and measure it beside the small one.

    Parameters
    ----------
    fill_ms
        How long the viewer may fetch ahead at each of three places before its memory is read.
    """
    _upload(site, stored, slices, scratch / "large.zip")
    large = small.searching(DESCRIPTION)
    first: dict[str, list[float]] = {"small": [], "large": []}
    memory = []
    for _ in range(rounds):
        first["small"].append(_first_picture(playwright, small, state))
        took, held = _browsed(playwright, large, state, min(_NOTCHES, slices), fill_ms)
        first["large"].append(took)
        memory.append(held / _MIB)
    soon = Target((f"of {len(stored)} slices",), 1.2, at_most=True)
    limit = Target((f"{MEMORY_LIMIT_MIB:.0f} MiB",), 1.0, at_most=True)
    mine, other = (statistics.median(first[name]) for name in ("large", "small"))
    return [
        _row(f"first picture of {slices} slices", "ms", mine, other, soon),
        _row(f"memory of the renderer, {slices} slices", "MiB", max(memory), MEMORY_LIMIT_MIB, limit),
        *_planes(site, slices),
    ]


def _row(work: str, unit: str, ours: float, theirs: float, target: Target) -> Row:
    return Row("viewer", work, unit, ours, target.peers[0], theirs, target.words, target.is_met(ours, theirs))


def _first_picture(playwright: Playwright, viewer: OwnPage, state: StorageState) -> float:
    with browsing(playwright) as browser:
        page = new_page(browser, state)
        viewer.open_list(page)
        return first_picture(page, viewer)


def _browsed(
    playwright: Playwright, viewer: OwnPage, state: StorageState, notches: int, fill_ms: int
) -> tuple[float, int]:
    """The time of the first picture, and the memory of the renderer after somebody has looked around."""
    with browsing(playwright) as opened:
        page = new_page(opened, state)
        viewer.open_list(page)
        took, address = first_picture(page, viewer), page.url
    with loose_browser() as browser:
        browser.load(playwright, state, f"{viewer.address}/", address, fill_ms)
        for look in (viewer.last_slice, viewer.first_slice, lambda page: wheel(page, viewer, notches)):
            with browser.driven(playwright) as page:
                look(page)
            time.sleep(fill_ms / 1000)
        return took, browser.memory(("renderer",))


def _upload(site: Server, stored: npt.NDArray[np.uint16], slices: int, path: Path) -> None:
    """Send the files as a zip, which is made on disk."""
    with path.open("wb") as body:
        body.write(_HEAD)
        with zipfile.ZipFile(body, "w", zipfile.ZIP_STORED) as archive:
            for number, content in enumerate(long_series(stored, slices, seed=1, description=DESCRIPTION)):
                archive.writestr(f"{number}.dcm", content)
        body.write(_TAIL)
    with path.open("rb") as body, closing(HTTPConnection("127.0.0.1", site.port, timeout=600)) as connection:
        headers = {
            "Authorization": site.authorization,
            "Content-Type": "multipart/form-data; boundary=x",
            "Content-Length": str(path.stat().st_size),
        }
        connection.request("POST", "/api/uploads", body, headers)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != 202:
            raise RuntimeError(f"status {answer.status}: {content[:500]!r}")
    path.unlink()
    await_upload(site, content, slices)
    settle(site)


def _planes(site: Server, slices: int) -> list[Row]:
    """Planes from the server beside an axial one; those that it does not offer have no row.

    While somebody scrolls or turns, the page asks for fewer pixels, and for the nearest voxel.
    """
    listed = json.loads(site.ask("GET", "/api/series?limit=1000")[1])["items"]
    (series,) = (one for one in listed if one["study"]["description"] == DESCRIPTION)
    (volume,) = json.loads(site.ask("GET", f"/api/series/{series['id']}")[1])["volumes"]
    of_series = f"/api/series/{series['id']}"
    version = f"v={volume['version']}"
    count, rows, columns = volume["shape"]
    axial = _cost(site, [f"{of_series}/slices/{k}.raw?{version}" for k in _spread(count)])
    cuts = [oblique_query(volume["affine"], volume["shape"], part / REQUESTS) for part in range(REQUESTS)]
    quick = [oblique_query(volume["affine"], volume["shape"], part / REQUESTS, size=128) for part in range(REQUESTS)]
    kinds = {
        "sagittal while scrolling": [
            f"{of_series}/slices/{k}.raw?axis=sagittal&every=3&{version}" for k in _spread(columns)
        ],
        "coronal while scrolling": [
            f"{of_series}/slices/{k}.raw?axis=coronal&every=3&{version}" for k in _spread(rows)
        ],
        "oblique while turning": [f"{of_series}/cut.raw?{query}&{version}" for query in quick],
        "sagittal": [f"{of_series}/slices/{k}.raw?axis=sagittal&{version}" for k in _spread(columns)],
        "coronal": [f"{of_series}/slices/{k}.raw?axis=coronal&{version}" for k in _spread(rows)],
        "oblique": [f"{of_series}/cut.raw?{query}&{version}" for query in cuts],
    }
    target = Target(("an axial slice",), 3.0, at_most=True)
    found = []
    for kind, paths in kinds.items():
        if site.ask("GET", paths[0])[0] == 200:
            found.append(_row(f"{kind} plane of {slices} slices", "ms", _cost(site, paths), axial or 1e-9, target))
    return found


def _spread(count: int) -> list[int]:
    """Indices from all over an axis, none of them twice in a row of small ones."""
    return [math.floor((number + 0.5) / REQUESTS * count) for number in range(REQUESTS)]


def _cost(site: Server, paths: Sequence[str]) -> float:
    """The median of the milliseconds of requests on one connection."""
    took = []
    with closing(HTTPConnection("127.0.0.1", site.port, timeout=600)) as connection:
        for path in paths:
            start = time.perf_counter()
            connection.request("GET", path, headers={"Authorization": site.authorization})
            answer = connection.getresponse()
            content = answer.read()
            took.append((time.perf_counter() - start) * 1000)
            if answer.status != 200:
                raise RuntimeError(f"status {answer.status} of {path}: {content[:500]!r}")
    return statistics.median(took)


def oblique_query(affine: Sequence[Sequence[float]], shape: Sequence[int], part: float, *, size: int = 512) -> str:
    """The query of a plane of the size of 512 voxels, turned by 30 and 40 degrees, through the volume's middle axis.

    Parameters
    ----------
    part
        Where on the middle axis along the slices, from 0 to 1.
    size
        Rows and columns; fewer than 512 are a draft, of the nearest voxels.
    """
    matrix = np.asarray(affine, np.float64)
    step = np.linalg.norm(matrix[:3, 1]) * 512 / size
    first, second = math.radians(30), math.radians(40)
    right = step * np.array([math.cos(first), math.sin(first), 0.0])
    down = step * np.array([-math.sin(first) * math.sin(second), math.cos(first) * math.sin(second), -math.cos(second)])
    middle = matrix[:3] @ [part * (shape[0] - 1), (shape[1] - 1) / 2, (shape[2] - 1) / 2, 1.0]
    origin = middle - (size - 1) / 2 * right - (size - 1) / 2 * down

    def told(vector: npt.NDArray[np.float64]) -> str:
        return ",".join(repr(float(value)) for value in vector)

    query = {"origin": told(origin), "right": told(right), "down": told(down), "rows": size, "columns": size}
    return urlencode(query | {"method": "linear" if size == 512 else "nearest"}, safe=",")
