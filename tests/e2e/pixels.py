"""What the viewer draws and says at a point: where a voxel is in the window, its colour, its value and its place."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from playwright.sync_api import Locator, Page, expect

from tests.e2e.steps import HANG_MS, series_of_upload
from voxelry.core.planes import Axis, plane_aspect, plane_lean, plane_shape
from voxelry.core.volume import Volume
from voxelry.workflows.load.loading import load_volume

ROUNDING_MM = 0.051
"""Places are shown to a tenth of a millimetre."""


def eventually(page: Page, judge: Callable[[], object]) -> None:
    """Judge what the page shows until it passes: the canvas is drawn some frames after the words beside it."""
    end = time.monotonic() + HANG_MS / 1000
    while time.monotonic() < end:
        try:
            judge()
        except AssertionError:
            page.wait_for_timeout(50)  # a frame or two of the browser
        else:
            return
    judge()


def view(page: Page, number: int = 0) -> Locator:
    return page.get_by_test_id("view").nth(number)


def canvas(page: Page, number: int = 0) -> Locator:
    return view(page, number).get_by_test_id("slice-canvas")


def open_series(page: Page, series: int) -> None:
    """Show a series in the viewer, until its first slice is there."""
    page.goto(f"/series/{series}")
    expect(canvas(page)).to_have_attribute("data-slice", re.compile(r"\d+"))


def open_in_planes(page: Page, folder: Path, tmp: Path) -> tuple[Volume, int]:
    """Upload a CT, and show it in three linked planes; the volume as the library has it, and the series."""
    series = series_of_upload(page, folder, {"CT"}, tmp=tmp)["CT"]
    open_series(page, series)
    page.keyboard.press("Shift+D")
    for number in range(3):
        expect(canvas(page, number)).to_have_attribute("data-slice", re.compile(r"\d+"))
    return load_volume(folder), series


def slice_shown(page: Page, number: int = 0) -> int:
    """The index of the plane that a view shows, along its axis."""
    return int(canvas(page, number).get_attribute("data-slice") or "-1")


def stage_point(
    page: Page, volume: Volume, row: float, column: float, *, axis: Axis | None = None, number: int = 0
) -> tuple[float, float]:
    """Where the centre of a pixel of a plane is in the window: the picture in its true shape, fitted into the stage."""
    box = canvas(page, number).bounding_box()
    assert box is not None
    rows, columns = plane_shape(volume, axis)
    aspect, lean = plane_aspect(volume, axis), plane_lean(volume, axis)
    width, height = columns + abs(lean) * rows, rows * aspect
    scale = min(box["width"] / width, box["height"] / height)
    x = (column + 0.5 + lean * (row + 0.5) + max(0.0, -lean * rows) - width / 2) * scale
    y = ((row + 0.5) * aspect - height / 2) * scale
    return box["x"] + box["width"] / 2 + x, box["y"] + box["height"] / 2 + y


def colour_at(page: Page, x: float, y: float, *, number: int = 0) -> list[int]:
    """Red, green, blue and alpha of a view's canvas itself at a point of the window."""
    answer: list[int] = page.evaluate(
        """([number, x, y]) => {
            const canvas = document.querySelectorAll("[data-testid=slice-canvas]")[number];
            const box = canvas.getBoundingClientRect();
            const [left, top] = [Math.floor(x - box.left), Math.floor(y - box.top)];
            return [...canvas.getContext("2d").getImageData(left, top, 1, 1).data];
        }""",
        [number, x, y],
    )
    return answer


def window_of(page: Page) -> tuple[float, float]:
    """The lowest and the highest value of the active view's window."""
    center = float(page.get_by_test_id("window-center").input_value())
    width = float(page.get_by_test_id("window-width").input_value())
    return center - width / 2, center + width / 2


def grey_level(value: float, low: float, high: float) -> int:
    """The level from 0 to 255 at which a value is drawn."""
    return int(np.clip(np.rint((value - low) / (high - low) * 255), 0, 255))


def number_in(text: str) -> float:
    """The first number of a text that the page shows."""
    found = re.search(r"[-−]?[\d,]+(?:\.\d+)?(?:e[-+]?\d+)?", text)
    assert found is not None, text
    return float(found[0].replace("−", "-").replace(",", ""))


def place_shown(page: Page, number: int = 0) -> npt.NDArray[np.float64]:
    """The place under the pointer as a view says it, LPS mm."""
    text = view(page, number).get_by_test_id("pixel-position").inner_text()
    assert text.startswith("LPS "), text
    parts = text.removeprefix("LPS ").removesuffix(" mm").split(", ")
    return np.array([float(part.replace("−", "-").replace(",", "")) for part in parts])


def affine_of(volume: Volume) -> npt.NDArray[np.float64]:
    """The affine of a volume that has one."""
    assert volume.affine is not None
    return volume.affine


def index_in(volume: Volume, point: npt.NDArray[np.float64]) -> tuple[int, int, int]:
    """The voxel nearest to a point."""
    found = np.floor(np.linalg.inv(affine_of(volume)) @ [*point, 1] + 0.5)[:3].astype(int)
    return int(found[0]), int(found[1]), int(found[2])
