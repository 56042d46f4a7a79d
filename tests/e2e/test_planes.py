"""Linked planes: values, places and pixels under the pointer are the library's, in any plane of any stack."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.pixels import (
    ROUNDING_MM,
    canvas,
    colour_at,
    grey_level,
    number_in,
    open_series,
    place_shown,
    slice_shown,
    stage_point,
    view,
    window_of,
)
from tests.e2e.steps import series_of_upload
from voxelry.core.planes import Axis, plane, plane_affine, plane_shape
from voxelry.core.volume import Volume
from voxelry.workflows.load.loading import load_volume

pytestmark = pytest.mark.browser
STACKS = {"ct_gantry_tilt": "CT", "mr_liver_coronal": "MR", "mr_axial_oblique": "MR"}
"""A sheared stack, a coronal and an oblique one, with their modality."""
UPLOADED: dict[str, int] = {}
"""The series of the folders that were uploaded."""
PLANES: tuple[Axis, ...] = ("axial", "coronal", "sagittal")


@pytest.fixture(params=STACKS)
def stack(request: pytest.FixtureRequest, visitor: Page, corpus: Path, tmp_path: Path) -> tuple[Page, Volume]:
    """A series of the data folder in three linked planes, with true pixels."""
    name = str(request.param)
    if name not in UPLOADED:
        UPLOADED[name] = series_of_upload(visitor, corpus / name, {STACKS[name]}, tmp=tmp_path)[STACKS[name]]
    open_series(visitor, UPLOADED[name])
    visitor.keyboard.press("Shift+D")
    for number in range(3):
        expect(canvas(visitor, number)).to_have_attribute("data-slice", re.compile(r"\d+"))
    return visitor, load_volume(corpus / name)


def voxels_near(volume: Volume, point: npt.NDArray[np.float64], mm: float) -> list[tuple[int, ...]] | None:
    """The voxels of a point and of its neighbourhood; None if a part of it lies outside."""
    assert volume.affine is not None
    inverse = np.linalg.inv(volume.affine)
    near = (point + np.array(by) for by in itertools.product((-mm, 0.0, mm), repeat=3))
    voxels = {tuple(int(k) for k in np.floor(inverse[:3] @ [*at, 1] + 0.5)) for at in near}
    inside = all(0 <= k < n for voxel in voxels for k, n in zip(voxel, volume.array.shape, strict=True))
    return sorted(voxels) if inside else None


def test_each_plane_shows_the_librarys_voxels_at_their_places(stack: tuple[Page, Volume]) -> None:
    page, volume = stack
    for number, axis in enumerate(PLANES):
        view(page, number).click(position={"x": 5, "y": 60})
        page.keyboard.press("p")  # true pixels, not smoothed
        index = slice_shown(page, number)
        values, affine = plane(volume, index, axis=axis), plane_affine(volume, axis)
        assert affine is not None
        rows, columns = plane_shape(volume, axis)
        for row, column in ((rows // 3, columns // 3), (rows // 2, columns // 2), (2 * rows // 3, columns // 4)):
            x, y = stage_point(page, volume, row, column, axis=axis, number=number)
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
        levels = [grey_level(float(volume.array[voxel]), *window_of(page)) for voxel in drawn]
        assert any(abs(colour_at(page, x, y, number=1)[0] - level) <= 1 for level in levels)
        seen += 1
    assert seen
    page.keyboard.press("0")
    expect(turned.get_by_test_id("plane-name")).not_to_have_text(re.compile("^oblique.*from oblique"))
    expect(turned.get_by_test_id("slice-canvas")).not_to_have_attribute("data-oblique", "")
