"""The threshold tool in a browser: by mouse and by keyboard its figures and its tint are the library's."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from playwright.sync_api import Page, expect

import voxelry
from tests.e2e.axe import axe_source, violations
from tests.e2e.pixels import affine_of, canvas, colour_at, eventually, open_in_planes, slice_shown, stage_point, view
from tests.e2e.steps import HANG_MS, ask, built_masks
from voxelry.core.planes import Axis, plane
from voxelry.core.volume import Volume
from voxelry.testing import synthetic_series

Counted = npt.NDArray[np.bool_]
pytestmark = pytest.mark.browser
_z, _y, _x = np.ogrid[:24, :64, :72]
BODIES: Mapping[str, tuple[tuple[int, int, int], float, int]] = {
    "left": ((12, 32, 20), 10.0, 1300),
    "right": ((12, 32, 50), 8.0, 1200),
}
"""Spheres of the phantom: centre as an index, radius in mm, stored value."""
SPACING = (2.0, 1.0, 1.0)
_seeds = itertools.count(1818)
PLANES: tuple[Axis, ...] = ("axial", "coronal", "sagittal")


def phantom() -> npt.NDArray[np.uint16]:
    """Two spheres of known sizes in a uniform body; values are 1024 above HU."""
    pixels = np.full((24, 64, 72), 1000, np.uint16)
    for (z, y, x), radius, value in BODIES.values():
        inside = ((_z - z) * SPACING[0]) ** 2 + (_y - y) ** 2 + (_x - x) ** 2 <= radius**2
        pixels[inside] = value + (np.indices(pixels.shape).sum(axis=0)[inside] % 7).astype(np.uint16)
    return pixels


@pytest.fixture
def bodies(logged_in: Page, tmp_path: Path) -> tuple[Page, Volume, int]:
    """The phantom in three linked planes, and its series."""
    folder = tmp_path / "bodies"
    synthetic_series(
        folder, pixels=phantom(), spacing=SPACING, seed=next(_seeds), attributes={"SeriesDescription": "Two bodies"}
    )
    return logged_in, *open_in_planes(logged_in, folder, tmp_path)


def expect_figures(page: Page, truth: voxelry.Measurement) -> None:
    """Count and mm3 on the page are the library's, to the last digit."""
    expect(page.get_by_test_id("figures")).not_to_have_attribute("data-pending", "true")
    expect(page.get_by_test_id("measure-count")).to_have_text(f"{truth.pixels_above_threshold:,}")

    def judge() -> None:
        assert float(page.get_by_test_id("measure-volume").get_attribute("data-mm3") or "nan") == truth.volume_mm3

    eventually(page, judge)


def type_limit(page: Page, side: str, text: str) -> None:
    """By the keyboard: a limit, Enter."""
    page.get_by_test_id(f"{side}-input").fill(text)
    page.get_by_test_id(f"{side}-input").press("Enter")


def point_in(page: Page, volume: Volume, index: tuple[int, int, int]) -> tuple[float, float]:
    """Where a voxel of the shown axial slice is in the window."""
    return stage_point(page, volume, index[1], index[2], axis="axial")


def is_tinted(page: Page, x: float, y: float, number: int) -> bool:
    """True if the pixel has a colour: the picture below is grey."""
    red, _, blue, _ = colour_at(page, x, y, number=number)
    return red - blue > 40


def wrongly_tinted(page: Page, volume: Volume, counted: Counted) -> list[object]:
    """Pixels of the three planes that are tinted and do not count, or the other way round.

    Only where a voxel and its neighbours are alike.
    """
    wrong: list[object] = []
    for number, axis in enumerate(PLANES):
        index = slice_shown(page, number)
        shown = plane(volume.with_array(counted.astype(np.uint8)), index, axis=axis)
        for row in range(2, shown.shape[0] - 2, 5):
            for column in range(2, shown.shape[1] - 2, 6):
                near = shown[row - 1 : row + 2, column - 1 : column + 2]
                x, y = stage_point(page, volume, row, column, axis=axis, number=number)
                if near.min() == near.max() and is_tinted(page, x, y, number) != bool(near[1, 1]):
                    wrong.append((axis, index, row, column))
    return wrong


def expect_tint(page: Page, volume: Volume, counted: Counted) -> None:
    """In all planes just the voxels that count are tinted."""
    end = time.monotonic() + HANG_MS / 1000
    while wrong := wrongly_tinted(page, volume, counted):
        assert time.monotonic() < end, wrong
        page.wait_for_timeout(50)  # the next frame draws it


def test_bodies_are_counted_by_mouse_and_by_keyboard(bodies: tuple[Page, Volume, int]) -> None:
    page, volume, _ = bodies
    values = volume.array
    # By keyboard: a limit on [0, 1], then two in the unit, then a key on the handle.
    type_limit(page, "lower", "0.7")
    expect_figures(page, voxelry.measure(volume, threshold=0.7))
    page.get_by_test_id("scale-unit").focus()
    page.keyboard.press("Enter")
    type_limit(page, "lower", "150")
    type_limit(page, "upper", "200")
    truth = voxelry.measure(volume, lower=150, upper=200)
    assert truth.pixels_above_threshold == int(((values >= 150) & (values <= 200)).sum()) > 0
    expect_figures(page, truth)
    page.get_by_test_id("limit-lower").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("PageUp")
    expect(page.get_by_test_id("lower-input")).to_have_value("171")
    expect_figures(page, voxelry.measure(volume, lower=171, upper=200))
    expect_tint(page, volume, (values >= 171) & (values <= 200))
    # By mouse: the upper handle to the end is no limit, the lower one to the middle.
    plot = page.get_by_test_id("limit-plot").bounding_box()
    assert plot is not None
    for side, part in (("upper", 1.0), ("lower", 0.5)):
        handle = page.get_by_test_id(f"limit-{side}").bounding_box()
        assert handle is not None
        page.mouse.move(handle["x"] + handle["width"] / 2, plot["y"] + 20)
        page.mouse.down()
        page.mouse.move(plot["x"] + plot["width"] * part, plot["y"] + 30, steps=4)
        page.mouse.up()
    expect(page.get_by_test_id("upper-input")).to_have_value("")
    lower = float(page.get_by_test_id("lower-input").input_value())
    assert abs(lower - (values.min() + values.max()) / 2) < 3
    expect_figures(page, voxelry.measure(volume, lower=lower))
    # Otsu is the step's.
    page.get_by_test_id("find-limits").select_option("otsu")
    found = voxelry.measure(volume, method="otsu")
    expect_figures(page, found)
    expect(page.get_by_test_id("find-limits")).to_have_value("otsu")
    assert violations(page, axe_source()) == []


def test_one_body_is_counted_in_a_sphere_and_as_a_piece(bodies: tuple[Page, Volume, int]) -> None:
    page, volume, series = bodies
    values = volume.array
    page.get_by_test_id("scale-unit").click()
    type_limit(page, "lower", "100")
    (z, y, x), radius, _ = BODIES["left"]
    assert slice_shown(page, 0) == 11
    view(page, 0).click(position={"x": 5, "y": 60})
    page.keyboard.press("ArrowDown")
    expect(canvas(page, 0)).to_have_attribute("data-slice", str(z))
    # A sphere is drawn around the left body, from its centre.
    page.keyboard.press("b")
    centre, edge = point_in(page, volume, (z, y, x)), point_in(page, volume, (z, y, x + int(radius) + 3))
    page.mouse.move(*centre)
    page.mouse.down()
    page.mouse.move(*edge, steps=4)
    page.mouse.up()
    numbers = [float(page.get_by_test_id(f"region-centre-{axis}").input_value()) for axis in range(3)]
    np.testing.assert_allclose(numbers, (affine_of(volume) @ [z, y, x, 1])[:3], atol=0.6)
    drawn = voxelry.SphereRegion(
        (numbers[0], numbers[1], numbers[2]), float(page.get_by_test_id("region-radius-0").input_value())
    )
    truth = voxelry.measure(volume, lower=100, within=drawn)
    assert truth.pixels_above_threshold == int((values[:, :, : x + 15] >= 100).sum())
    expect_figures(page, truth)
    page.get_by_test_id("region-show").click()
    for number in range(3):
        expect(view(page, number).get_by_test_id("region-outline")).to_be_visible()
    left = (values >= 100) & (_x < x + 15)
    expect_tint(page, volume, left)
    # Resized by a handle, then typed: the figures are those of the numbers that are shown.
    handle = view(page, 0).get_by_test_id("region-handle").first.bounding_box()
    assert handle is not None
    page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
    page.mouse.down()
    page.mouse.move(centre[0] + (edge[0] - centre[0]) / 2, centre[1], steps=4)
    page.mouse.up()
    smaller = float(page.get_by_test_id("region-radius-0").input_value())
    assert 4 < smaller < 9
    inner = voxelry.SphereRegion((numbers[0], numbers[1], numbers[2]), smaller)
    expect_figures(page, voxelry.measure(volume, lower=100, within=inner))
    page.get_by_test_id("region-radius-0").fill("60")
    page.get_by_test_id("region-radius-0").press("Enter")
    wide = voxelry.SphereRegion((numbers[0], numbers[1], numbers[2]), 60)
    expect_figures(page, voxelry.measure(volume, lower=100, within=wide))
    # Both bodies lie in it; one is meant.
    page.get_by_test_id("draw-piece").click()
    (z, y, x), _, _ = BODIES["right"]
    page.mouse.click(*point_in(page, volume, (z, y, x)))
    centre_mm = tuple(float(mm) for mm in (affine_of(volume) @ [z, y, x, 1])[:3])
    piece = voxelry.measure(volume, lower=100, within=wide, component=(centre_mm[0], centre_mm[1], centre_mm[2]))
    assert piece.pixels_above_threshold == int((values[:, :, 36:] >= 100).sum())
    expect_figures(page, piece)
    expect_tint(page, volume, (values >= 100) & (_x > 36))
    page.get_by_test_id("region-remove").click()
    expect_figures(page, voxelry.measure(volume, lower=100, component=(centre_mm[0], centre_mm[1], centre_mm[2])))
    assert violations(page, axe_source()) == []
    # Saved: a segment of just these voxels.
    page.get_by_test_id("segment-name").fill("Right body")
    page.keyboard.press("Enter")
    saved = page.get_by_test_id("saved-segment")
    expect(saved).to_have_attribute("data-state", "succeeded")
    job = ask(page, "GET", f"/jobs/{saved.get_attribute('data-job')}")
    (row,) = page.request.get(job["result"]["rows"]["json_address"]).json()
    assert row["count"] == piece.pixels_above_threshold
    (made,) = built_masks(page, series, 1)
    (segment,) = made["segments"]
    assert (segment["label"], segment["count"]) == ("Right body", piece.pixels_above_threshold)


def test_classes_and_hysteresis_are_counted_live_and_saved(bodies: tuple[Page, Volume, int]) -> None:
    page, volume, series = bodies
    values = volume.array
    find = page.get_by_test_id("find-limits")
    find.select_option("multi_otsu")
    expect_figures(page, voxelry.measure(volume, method="multi_otsu"))
    page.get_by_test_id("class-number").select_option("1")
    middle = voxelry.measure(volume, method="multi_otsu", class_number=1)
    expect_figures(page, middle)
    page.get_by_test_id("classes").select_option("2")
    expect_figures(page, voxelry.measure(volume, method="multi_otsu", classes=2, class_number=1))
    # Both bodies lie above 150 HU, and one of them reaches above 250.
    find.select_option("hysteresis")
    type_limit(page, "lower", "150")
    type_limit(page, "upper", "250")
    kept = voxelry.measure(volume, method="hysteresis", lower=150, upper=250)
    left = (values > 150) & (_x < 36)
    assert kept.pixels_above_threshold == int(left.sum()) < int((values > 150).sum())
    expect_figures(page, kept)
    expect_tint(page, volume, left)
    expect(find).to_have_value("hysteresis")
    # By a key on the handle, both bodies reach: below all of their values.
    page.get_by_test_id("limit-upper").focus()
    for _ in range(8):
        page.keyboard.press("PageDown")
    reached = float(page.get_by_test_id("upper-input").input_value())
    lower = float(page.get_by_test_id("lower-input").input_value())
    both = voxelry.measure(volume, method="hysteresis", lower=lower, upper=reached)
    assert both.pixels_above_threshold > kept.pixels_above_threshold
    expect_figures(page, both)
    type_limit(page, "lower", "150")
    type_limit(page, "upper", "250")
    # In a part of the patient, by the keyboard: hysteresis is that of the whole volume.
    page.get_by_test_id("draw-box").focus()
    page.keyboard.press("Enter")
    ends = [
        float(page.get_by_test_id(f"region-{end}-{axis}").input_value()) for end in ("from", "to") for axis in range(3)
    ]
    box = voxelry.BoxRegion((ends[0], ends[1], ends[2]), (ends[3], ends[4], ends[5]))
    expect_figures(page, voxelry.measure(volume, method="hysteresis", lower=150, upper=250, within=box))
    page.get_by_test_id("region-remove").click()
    expect_figures(page, kept)
    assert violations(page, axe_source()) == []
    page.get_by_test_id("segment-name").fill("Left body")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("saved-segment")).to_have_attribute("data-state", "succeeded")
    (stored,) = built_masks(page, series, 1)
    assert [one["count"] for one in stored["segments"]] == [kept.pixels_above_threshold]
    recipe = voxelry.Recipe.of_text(stored["recipe"])
    assert (recipe.method, recipe.lower, recipe.upper) == ("hysteresis", 150, 250)
    assert voxelry.measure(volume, **recipe.arguments) == kept
