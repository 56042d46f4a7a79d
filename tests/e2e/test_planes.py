"""Linked planes: values, places and pixels under the pointer are the library's, in any plane of any stack."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Site
from tests.e2e.test_compare import colour_at_view, log_in_to, number_in, view, window_of
from tests.e2e.test_compare import series_of_upload as series_of
from voxelry.core.planes import Axis, plane, plane_affine, plane_aspect, plane_lean, plane_shape
from voxelry.core.volume import Volume
from voxelry.workflows.load.loading import load_volume

pytestmark = pytest.mark.browser
DATA = Path(os.environ.get("VOXELRY_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
STACKS = {"ct_gantry_tilt": "CT", "mr_liver_coronal": "MR", "mr_axial_oblique": "MR"}
"""A sheared stack, a coronal and an oblique one, with their modality."""
UPLOADED: dict[str, int] = {}
"""The series of the folders that were uploaded."""
PLANES: tuple[Axis, ...] = ("axial", "coronal", "sagittal")
ROUNDING_MM = 0.051
"""Places are shown to a tenth of a millimetre."""


@pytest.fixture(scope="module")
def visitor(browser: Browser, site: Site) -> Iterator[Page]:
    yield from log_in_to(browser, site)


@pytest.fixture(params=STACKS)
def stack(request: pytest.FixtureRequest, visitor: Page, tmp_path: Path) -> tuple[Page, Volume]:
    """A series of the data folder in three linked planes, with true pixels."""
    name = str(request.param)
    if not (DATA / name).exists():
        pytest.skip("no shared data")
    if name not in UPLOADED:
        UPLOADED[name] = series_of(visitor, DATA / name, {STACKS[name]}, tmp_path)[STACKS[name]]
    series = UPLOADED[name]
    visitor.goto(f"/series/{series}")
    expect(view(visitor).get_by_test_id("slice-canvas")).to_have_attribute("data-slice", re.compile(r"\d+"))
    visitor.keyboard.press("Shift+D")
    for number in range(3):
        expect(view(visitor, number).get_by_test_id("slice-canvas")).to_have_attribute("data-slice", re.compile(r"\d+"))
    return visitor, load_volume(DATA / name)


def stage_point(page: Page, volume: Volume, axis: Axis, row: int, column: int, number: int) -> tuple[float, float]:
    """Where the centre of a pixel is in the window: the picture in its true shape, fitted into the stage."""
    box = view(page, number).get_by_test_id("slice-canvas").bounding_box()
    assert box is not None
    rows, columns = plane_shape(volume, axis)
    aspect, lean = plane_aspect(volume, axis), plane_lean(volume, axis)
    width, height = columns + abs(lean) * rows, rows * aspect
    scale = min(box["width"] / width, box["height"] / height)
    x = (column + 0.5 + lean * (row + 0.5) + max(0.0, -lean * rows) - width / 2) * scale
    y = ((row + 0.5) * aspect - height / 2) * scale
    return box["x"] + box["width"] / 2 + x, box["y"] + box["height"] / 2 + y


def place_shown(page: Page, number: int) -> npt.NDArray[np.float64]:
    text = view(page, number).get_by_test_id("pixel-position").inner_text()
    assert text.startswith("LPS "), text
    parts = text.removeprefix("LPS ").removesuffix(" mm").split(", ")
    return np.array([float(part.replace("−", "-").replace(",", "")) for part in parts])


def voxels_near(volume: Volume, point: npt.NDArray[np.float64], mm: float) -> list[tuple[int, ...]] | None:
    """The voxels of a point and of its neighbourhood; None if a part of it lies outside."""
    assert volume.affine is not None
    inverse = np.linalg.inv(volume.affine)
    near = (point + np.array(by) for by in itertools.product((-mm, 0.0, mm), repeat=3))
    voxels = {tuple(int(k) for k in np.floor(inverse[:3] @ [*at, 1] + 0.5)) for at in near}
    inside = all(0 <= k < n for voxel in voxels for k, n in zip(voxel, volume.array.shape, strict=True))
    return sorted(voxels) if inside else None


def grey(value: float, low: float, high: float) -> int:
    return int(np.clip(np.rint((value - low) / (high - low) * 255), 0, 255))


def test_each_plane_shows_the_librarys_voxels_at_their_places(stack: tuple[Page, Volume]) -> None:
    page, volume = stack
    for number, axis in enumerate(PLANES):
        view(page, number).click(position={"x": 5, "y": 60})
        page.keyboard.press("p")  # true pixels, not smoothed
        index = int(view(page, number).get_by_test_id("slice-canvas").get_attribute("data-slice") or "-1")
        values, affine = plane(volume, index, axis=axis), plane_affine(volume, axis)
        assert affine is not None
        rows, columns = plane_shape(volume, axis)
        for row, column in ((rows // 3, columns // 3), (rows // 2, columns // 2), (2 * rows // 3, columns // 4)):
            x, y = stage_point(page, volume, axis, row, column, number)
            page.mouse.move(x, y)
            place = (affine @ [index, row, column, 1])[:3]
            expect(view(page, number).get_by_test_id("pixel-value")).to_contain_text(re.compile(r"\d"))
            np.testing.assert_allclose(place_shown(page, number), place, atol=ROUNDING_MM)
            assert number_in(view(page, number).get_by_test_id("pixel-value").inner_text()) == pytest.approx(
                float(values[row, column]), abs=1e-3
            )


def test_turned_planes_show_the_voxels_at_the_places_that_they_tell(stack: tuple[Page, Volume]) -> None:
    page, volume = stack
    assert volume.affine is not None
    view(page, 0).click(position={"x": 5, "y": 60})
    for _ in range(5):
        page.keyboard.press("}")  # 5 degrees
    turned = view(page, 1)
    expect(turned.get_by_test_id("plane-name")).to_contain_text("oblique")
    expect(turned.get_by_test_id("slice-canvas")).to_have_attribute("data-oblique", "")
    turned.click(position={"x": 5, "y": 60})
    page.keyboard.press("p")
    # A pixel of the picture is as large as the finest voxel, and has the voxel at its own centre.
    pixel_mm = min(float(np.linalg.norm(volume.affine[:3, axis])) for axis in range(3))
    box = turned.bounding_box()
    assert box is not None
    seen = 0
    for right, down in itertools.product((0.35, 0.5, 0.62), (0.42, 0.5, 0.58)):
        x, y = box["x"] + box["width"] * right, box["y"] + box["height"] * down
        page.mouse.move(x, y)
        expect(turned.get_by_test_id("pixel-position")).to_contain_text("LPS")
        place = place_shown(page, 1)
        told, drawn = voxels_near(volume, place, ROUNDING_MM), voxels_near(volume, place, ROUNDING_MM + pixel_mm)
        if told is None or drawn is None:
            continue  # at the edge of the volume, where the rounded place may lie outside
        expect(turned.get_by_test_id("pixel-value")).to_contain_text(re.compile(r"\d"))
        shown = number_in(turned.get_by_test_id("pixel-value").inner_text())
        assert any(abs(shown - float(volume.array[voxel])) < 1e-3 for voxel in told)
        levels = [grey(float(volume.array[voxel]), *window_of(page)) for voxel in drawn]
        assert any(abs(colour_at_view(page, 1, x, y)[0] - level) <= 1 for level in levels)
        seen += 1
    assert seen
    page.keyboard.press("0")
    expect(turned.get_by_test_id("plane-name")).not_to_have_text(re.compile("^oblique.*from oblique"))
    expect(turned.get_by_test_id("slice-canvas")).not_to_have_attribute("data-oblique", "")
