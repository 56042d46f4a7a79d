"""Thresholds in a segment that is being drawn: live, after an undo and when saved, the figures are the library's."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

import voxelry
from tests.e2e.axe import axe_source, violations
from tests.e2e.pixels import canvas, open_in_planes, stage_point
from tests.e2e.steps import ask, built_masks
from tests.e2e.test_threshold import SPACING, Counted, expect_figures, expect_tint, phantom, type_limit
from voxelry.core.volume import Volume
from voxelry.testing import synthetic_series

pytestmark = pytest.mark.browser
_z, _y, _x = np.ogrid[:24, :64, :72]
_seeds = itertools.count(45_611)
RADIUS = 9.3
"""Of the discs in mm: no voxel's centre is nearer than a tenth of a millimetre to the rim."""


@pytest.fixture
def drawn_upon(logged_in: Page, tmp_path: Path) -> tuple[Page, Volume, int]:
    """The phantom of two spheres in three planes, and its series."""
    folder = tmp_path / "drawn_upon"
    synthetic_series(
        folder, pixels=phantom(), spacing=SPACING, seed=next(_seeds), attributes={"SeriesDescription": "Drawn"}
    )
    logged_in.on("dialog", lambda dialog: dialog.accept())  # the browser asks before edits are left
    return logged_in, *open_in_planes(logged_in, folder, tmp_path)


def disc(z: int, y: int, x: int) -> Counted:
    """The voxels of an axial slice whose centres lie within the brush about a voxel's."""
    inside: Counted = (_z == z) & ((_y - y) ** 2 + (_x - x) ** 2 <= RADIUS**2)
    return inside


def show_slice(page: Page, index: int) -> None:
    page.get_by_test_id("slice-slider").fill(str(index + 1))
    expect(canvas(page, 0)).to_have_attribute("data-slice", str(index))


def within(volume: Volume, mask: Counted) -> voxelry.SegmentRegion:
    """The region as the library has it, of a mask in memory."""
    segments = [voxelry.Segment(number=1, label="Drawn")]
    return voxelry.SegmentRegion(
        voxelry.Segmentation(labels=mask.astype(np.uint8), source=volume, segments=segments), (1,)
    )


def test_what_is_drawn_is_counted_in_live_undone_and_saved_with_what_counts(
    drawn_upon: tuple[Page, Volume, int],
) -> None:
    page, volume, series = drawn_upon
    values = volume.array
    page.get_by_test_id("scale-unit").click()
    type_limit(page, "lower", "150")
    page.get_by_test_id("edit-new").click()
    region = page.get_by_test_id("region-segment")
    region.select_option("draft#1")
    nothing = np.zeros(values.shape, np.bool_)
    expect_figures(page, voxelry.measure(volume, lower=150, within=within(volume, nothing)))
    page.get_by_test_id("brush-radius").fill(str(RADIUS))
    page.get_by_test_id("brush-radius").press("Enter")

    # A disc over the rim of the left sphere: the figures follow before the button is let go.
    show_slice(page, 12)
    first = disc(12, 32, 27)
    page.mouse.move(*stage_point(page, volume, 32, 27, axis="axial"))
    page.mouse.down()
    truth = voxelry.measure(volume, lower=150, within=within(volume, first))
    assert 0 < truth.pixels_above_threshold < first.sum()
    expect_figures(page, truth)
    expect(page.get_by_test_id("figures")).to_contain_text(f"of {first.sum():,}")
    page.mouse.up()
    # Another slice, and beside it the other sphere.
    show_slice(page, 14)
    page.mouse.click(*stage_point(page, volume, 30, 44, axis="axial"))
    both = first | disc(14, 30, 44)
    expect_figures(page, voxelry.measure(volume, lower=150, within=within(volume, both)))
    # The limits are moved: the plot and the figures are those of what is drawn.
    page.get_by_test_id("limit-lower").focus()
    page.keyboard.press("ArrowRight")
    truth = voxelry.measure(volume, lower=151, within=within(volume, both))
    expect_figures(page, truth)
    assert violations(page, axe_source()) == []
    # In all planes just what counts in it is tinted; what is drawn is hidden for that.
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("e")
    expect_tint(page, volume, both & (values >= 151))
    page.keyboard.press("e")

    # What is undone does not count.
    page.keyboard.press("Control+z")
    expect_figures(page, voxelry.measure(volume, lower=151, within=within(volume, first)))
    page.keyboard.press("Control+Shift+z")
    expect_figures(page, truth)

    # Both are saved in one go; the stored segment is the region then, with the same figures.
    expect(page.get_by_test_id("draft-first")).to_contain_text("is not saved: that is saved first")
    page.get_by_test_id("segment-name").fill("Bright part")
    page.get_by_test_id("save-segment").click()
    expect(page.get_by_test_id("saved-segment")).to_have_attribute("data-state", "succeeded")
    expect(page.get_by_test_id("edit-new")).to_be_visible()
    expect(region).to_have_value(re.compile(r"\d+#1"))
    expect_figures(page, truth)
    records = {record["segments"][0]["label"]: record for record in built_masks(page, series, 2)}
    drawn, counted = records["Segment 1"], records["Bright part"]
    assert drawn["segments"][0]["count"] == int(both.sum())
    found = counted["segments"][0]
    assert (found["count"], found["mm3"]) == (truth.pixels_above_threshold, truth.volume_mm3)
    assert f"within=segment:{drawn['sop_instance_uid']}#1" in counted["recipe"]
    served = ask(page, "GET", f"/series/{series}/measure?volume=0&lower=151&within=segmentation:{drawn['id']}%231")
    assert (served["pixels_above_threshold"], served["volume_mm3"]) == (
        truth.pixels_above_threshold,
        truth.volume_mm3,
    )


def test_a_region_that_is_closed_says_so(drawn_upon: tuple[Page, Volume, int]) -> None:
    page, volume, _ = drawn_upon
    page.get_by_test_id("edit-new").click()
    page.get_by_test_id("region-segment").select_option("draft#1")
    page.mouse.click(*stage_point(page, volume, 32, 27, axis="axial"))
    expect(page.get_by_test_id("measure-count")).not_to_have_text("0")
    page.get_by_test_id("draft-discard").click()
    page.get_by_role("dialog").get_by_role("button", name="Discard").click()
    expect(page.get_by_test_id("region-hint")).to_contain_text("is closed, and its region with it")
    expect(page.get_by_test_id("measure-count")).to_have_text("…")
    page.get_by_test_id("region-segment").select_option("")
    expect_figures(page, voxelry.measure(volume, threshold=0.5))
