"""Thresholds in segments of another study's mask, masks of files, regions by fingers: the figures are the library's."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

import voxelry
from tests.e2e.pixels import canvas, open_series, slice_shown, stage_point, view
from tests.e2e.steps import built_masks, series_of_upload
from tests.e2e.test_threshold import BODIES, SPACING, expect_figures, expect_tint, phantom, type_limit
from voxelry.core.volume import Volume
from voxelry.testing import synthetic_series
from voxelry.workflows.load.loading import load_volume

pytestmark = pytest.mark.browser
ROOT = "1.2.826.0.1.3680043.8.498.2718"
_numbers = itertools.count(1)


def mask_on(volume: Volume) -> voxelry.Segmentation:
    """A coarser grid than the image's, turned another way, with a segment about each body that cuts into it."""
    affine = np.array(volume.affine)
    affine[:3, :3] = affine[:3, [0, 2, 1]] * [0.8, 1.7, -1.3]
    affine[:3, 3] = (np.array(volume.affine) @ [0, 62, 1, 1])[:3]
    grid = voxelry.Geometry(
        shape=(30, 42, 46), affine=affine, frame_of_reference_uid=volume.geometry.frame_of_reference_uid
    )
    labels = np.zeros(grid.shape, np.uint8)
    labels[8:20, 5:19, 14:34] = 1
    labels[9:22, 24:34, 14:34] = 2
    segments = [voxelry.Segment(number=number, label=name.title()) for number, name in enumerate(BODIES, 1)]
    return voxelry.Segmentation(labels=labels, geometry=grid, segments=segments)


@pytest.fixture
def masked(logged_in: Page, tmp_path: Path) -> tuple[Page, Volume, voxelry.Segmentation, int]:
    """The phantom in three planes, and a mask of it that is stored in a study of its own."""
    folder, other = tmp_path / "images", tmp_path / "other"
    number = next(_numbers)
    place = {"PatientID": f"regions {number}", "FrameOfReferenceUID": f"{ROOT}.{number}.1"}
    for study, target in ((2, folder / "ct"), (3, other)):
        about = {**place, "StudyInstanceUID": f"{ROOT}.{number}.{study}"}
        synthetic_series(target, pixels=phantom(), spacing=SPACING, seed=27_180 + 10 * number + study, attributes=about)
    volume = load_volume(folder / "ct")
    [source] = voxelry.index(other).series
    segmentation = mask_on(volume)
    (folder / "seg").mkdir()
    voxelry.write_segmentation(segmentation, source, folder / "seg" / "mask.dcm")
    found = series_of_upload(logged_in, folder, {"CT", "SEG"}, tmp=tmp_path)
    open_series(logged_in, found["CT"])
    logged_in.keyboard.press("Shift+D")
    for number in range(3):
        expect(canvas(logged_in, number)).to_have_attribute("data-slice", re.compile(r"\d+"))
    return logged_in, volume, segmentation, found["CT"]


def test_a_segment_of_another_study_is_counted_in_saved_and_measured_again(
    masked: tuple[Page, Volume, voxelry.Segmentation, int], tmp_path: Path
) -> None:
    page, volume, segmentation, series = masked
    values = volume.array
    card = page.get_by_test_id("mask")
    expect(card).to_contain_text("another study")
    card.get_by_test_id("mask-show").click()
    page.get_by_test_id("scale-unit").click()
    type_limit(page, "lower", "150")
    page.get_by_test_id("region-segment").select_option("Left")
    inside = voxelry.SegmentRegion(segmentation, (1,))
    truth = voxelry.measure(volume, lower=150, within=inside)
    assert 100 < truth.pixels_above_threshold < int((values[:, :, :36] >= 150).sum())
    expect_figures(page, truth)
    # The mask is hidden, so that only the tint has colours.
    card.get_by_test_id("mask-visible").click()
    placed = inside.within(volume)
    counted = np.zeros(values.shape, np.bool_)
    counted[placed.box] = placed.mask & (values[placed.box] >= 150)
    expect_tint(page, volume, counted)
    # Live: the figures follow the limit.
    page.get_by_test_id("limit-lower").focus()
    page.keyboard.press("ArrowRight")
    expect_figures(page, voxelry.measure(volume, lower=151, within=inside))
    # Saved with a term, then measured again by one click.
    page.get_by_test_id("segment-term-open").click()
    term = page.get_by_test_id("segment-term-search")
    term.fill("liver")
    expect(page.get_by_test_id("segment-term-offer").first).to_be_visible()
    term.press("Enter")
    expect(page.locator("input#segment-name")).to_have_value("Liver")
    page.get_by_test_id("save-segment").click()
    expect(page.get_by_test_id("saved-segment")).to_have_attribute("data-state", "succeeded")
    made = page.get_by_test_id("mask").filter(has_text="1 segment")
    made.get_by_test_id("mask-show").click()
    page.get_by_test_id("region-segment").select_option("")
    type_limit(page, "lower", "10")
    made.get_by_test_id("measure-again").click()
    expect(page.get_by_test_id("lower-input")).to_have_value("151")
    again = voxelry.measure(volume, lower=151, within=inside)
    expect_figures(page, again)
    (saved,) = [one for one in built_masks(page, series, 2) if one["segment_count"] == 1]
    (segment,) = saved["segments"]
    assert (segment["label"], segment["count"]) == ("Liver", again.pixels_above_threshold)
    assert segment["type"]["value"] == "10200004"
    # A mask of a file lies over the image as soon as it is stored.
    right = voxelry.Segmentation(
        labels=(values >= 150).astype(np.uint8), source=volume, segments=[voxelry.Segment(number=1, label="Both")]
    )
    voxelry.save(right, tmp_path / "both.nii.gz")
    page.get_by_test_id("add-masks").get_by_test_id("file-input").set_input_files(tmp_path / "both.nii.gz")
    words = page.get_by_test_id("added-mask-words")
    expect(words).to_contain_text(re.compile("lies over the image|asks before it is shown"))
    counts = [segment["count"] for one in built_masks(page, series, 3) for segment in one["segments"]]
    assert int((values >= 150).sum()) in counts


def test_regions_are_drawn_and_dragged_by_a_finger(masked: tuple[Page, Volume, voxelry.Segmentation, int]) -> None:
    page, volume, _, _ = masked
    page.get_by_test_id("scale-unit").click()
    type_limit(page, "lower", "150")
    finger = page.context.new_cdp_session(page)

    def drag(start: tuple[float, float], end: tuple[float, float]) -> None:
        at = [[a + (b - a) * part / 5 for a, b in zip(start, end, strict=True)] for part in range(6)]
        for kind, point in zip(["touchStart", *["touchMove"] * 5], at, strict=True):
            points = [{"x": point[0], "y": point[1], "id": 1}]
            finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    def sphere() -> voxelry.SphereRegion:
        x, y, z = (float(page.get_by_test_id(f"region-centre-{axis}").input_value()) for axis in range(3))
        return voxelry.SphereRegion((x, y, z), float(page.get_by_test_id("region-radius-0").input_value()))

    page.get_by_test_id("draw-sphere").click()
    before = slice_shown(page, 0)
    centre, edge = (stage_point(page, volume, 32, column, axis="axial") for column in (20, 34))
    drag(centre, edge)
    expect(page.get_by_test_id("region")).to_be_visible()
    drawn = sphere()
    assert abs(drawn.radius_mm - 14) < 1
    expect_figures(page, voxelry.measure(volume, lower=150, within=drawn))
    # Its middle is dragged, a little beside the mark: a finger is wide.
    to = stage_point(page, volume, 32, 50, axis="axial")
    drag((centre[0] + 12, centre[1] - 8), (to[0] + 12, to[1] - 8))
    moved = sphere()
    assert abs(moved.centre[0] - drawn.centre[0] - 30) < 1
    assert moved.radius_mm == drawn.radius_mm
    expect_figures(page, voxelry.measure(volume, lower=150, within=moved))
    # The image has neither scrolled nor moved under the finger.
    assert slice_shown(page, 0) == before
    assert stage_point(page, volume, 32, 50, axis="axial") == to
    # A box from corner to corner takes the sphere's place.
    page.get_by_test_id("draw-box").click()
    drag(stage_point(page, volume, 20, 10, axis="axial"), stage_point(page, volume, 44, 32, axis="axial"))
    expect(page.get_by_test_id("region-from-0")).to_be_visible()
    low, high = (
        tuple(float(page.get_by_test_id(f"region-{end}-{axis}").input_value()) for axis in range(3))
        for end in ("from", "to")
    )
    box = voxelry.BoxRegion((low[0], low[1], low[2]), (high[0], high[1], high[2]))
    expect_figures(page, voxelry.measure(volume, lower=150, within=box))
    expect(view(page, 0).get_by_test_id("region-outline")).to_be_visible()
