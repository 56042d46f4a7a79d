"""Segments edited in a browser: by mouse and by keyboard, kept through a reload, saved, and read back."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any, Literal

import highdicom
import numpy as np
import numpy.typing as npt
import pytest
from playwright.sync_api import CDPSession, Locator, Page, expect

import voxelry
from tests.e2e.axe import axe_source, violations
from tests.e2e.pixels import affine_of, canvas, open_in_planes, open_series, stage_point, view
from tests.e2e.steps import ask, built_masks
from voxelry.core.volume import Volume
from voxelry.testing import synthetic_series

Mask = npt.NDArray[np.bool_]
pytestmark = pytest.mark.browser
_z, _y, _x = np.ogrid[:24, :64, :72]
SPACING = (2.0, 1.0, 1.0)
LEFT, RIGHT = ((12, 32, 20), 10.0), ((12, 32, 50), 8.0)
"""Spheres of the phantom: centre as an index, radius in mm."""
SPECKS = ((12, 32, 61), (10, 24, 58))
"""Voxels as bright as the right sphere, which do not belong to it."""
HOLE = (12, 33, 49)
"""A dark voxel inside the right sphere."""
_seeds = itertools.count(181_818)


def ball(centre: tuple[int, int, int], radius: float) -> Mask:
    """The voxels whose centres lie within a radius of a voxel's."""
    z, y, x = centre
    inside: Mask = ((_z - z) * SPACING[0]) ** 2 + (_y - y) ** 2 + (_x - x) ** 2 <= radius**2
    return inside


def phantom() -> npt.NDArray[np.uint16]:
    """Two spheres of known sizes in a uniform body, one with a hole and with specks beside it; 1024 above HU."""
    pixels = np.full((24, 64, 72), 1000, np.uint16)
    pixels[ball(*LEFT)] = 1300
    pixels[ball(*RIGHT)] = 1200
    pixels[HOLE] = 1000
    for speck in SPECKS:
        pixels[speck] = 1200
    return pixels


def row(page: Page, number: int) -> Locator:
    """A segment of the draft, in the panel."""
    return page.locator(f"[data-testid=draft-segment][data-segment='{number}']")


def expect_voxels(page: Page, number: int, mask: Mask) -> None:
    """The panel tells the mask's voxels and cubic millimetres."""
    expect(row(page, number)).to_have_attribute("data-count", str(int(mask.sum())))
    assert float(row(page, number).get_attribute("data-mm3") or "nan") == float(mask.sum() * np.prod(SPACING))


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def focus_and_enter(page: Page, testid: str) -> None:
    """By the keyboard alone: a button is focused, then Enter."""
    page.get_by_test_id(testid).focus()
    page.keyboard.press("Enter")


def open_fold(page: Page, title: str) -> None:
    summary = page.get_by_test_id("whole-segment").locator("summary").filter(has_text=title)
    summary.focus()
    page.keyboard.press("Enter")


def rename(page: Page, name: str) -> None:
    page.get_by_test_id("draft-label").fill(name)
    page.get_by_test_id("draft-label").press("Enter")
    page.evaluate("document.activeElement.blur()")


@pytest.fixture
def bodies(logged_in: Page, tmp_path: Path) -> tuple[Page, Volume, int]:
    """The phantom in three linked planes, and its series."""
    folder = tmp_path / "bodies"
    synthetic_series(
        folder, pixels=phantom(), spacing=SPACING, seed=next(_seeds), attributes={"SeriesDescription": "Bodies to edit"}
    )
    logged_in.on("dialog", lambda dialog: dialog.accept())  # the browser asks before edits are left
    return logged_in, *open_in_planes(logged_in, folder, tmp_path)


def brush_left_by_mouse(page: Page, volume: Volume) -> None:
    """A ball that is bound to the threshold's limits takes the whole sphere; what goes beside is erased again."""
    page.get_by_test_id("scale-unit").click()
    page.get_by_test_id("lower-input").fill("100")
    page.get_by_test_id("lower-input").press("Enter")
    page.get_by_test_id("edit-new").click()
    expect(row(page, 1)).to_have_attribute("data-count", "0")
    page.get_by_test_id("edit-threshold").click()
    expect(page.get_by_test_id("edit-lower")).to_have_value("100")
    page.get_by_test_id("brush-ball").click()
    page.get_by_test_id("brush-radius").fill("12")
    page.get_by_test_id("brush-radius").press("Enter")
    (z, y, x), _ = LEFT
    page.get_by_test_id("slice-slider").fill(str(z + 1))
    expect(canvas(page, 0)).to_have_attribute("data-slice", str(z))
    at = stage_point(page, volume, y, x, axis="axial")
    page.mouse.move(*at)
    # Its ring is drawn where the planes cross the ball.
    expect(view(page, 0).get_by_test_id("brush-ring")).to_be_visible()
    page.mouse.down()
    page.mouse.move(at[0] + 30, at[1] - 20, steps=5)
    page.mouse.move(*at, steps=5)
    page.mouse.up()
    expect_voxels(page, 1, ball(*LEFT))
    expect(page.get_by_test_id("edit-undo")).to_have_text("Undo: Brush")
    # A disc beside it, of any values; the eraser takes it away, and both can be undone.
    page.get_by_test_id("edit-bound").locator("input").uncheck()
    page.get_by_test_id("brush-disc").click()
    page.get_by_test_id("brush-radius").fill("3.4")
    page.get_by_test_id("brush-radius").press("Enter")
    beside = stage_point(page, volume, 8, 62, axis="axial")
    page.mouse.click(*beside)
    disc = (_z == z) & ((_y - 8) ** 2 + (_x - 62) ** 2 <= 3.4**2)
    expect_voxels(page, 1, ball(*LEFT) | disc)
    page.get_by_test_id("edit-eraser").click()
    page.mouse.move(beside[0] - 12, beside[1])
    page.mouse.down()
    page.mouse.move(beside[0] + 12, beside[1], steps=6)
    page.mouse.up()
    expect_voxels(page, 1, ball(*LEFT))
    press(page, "Control+z")
    expect_voxels(page, 1, ball(*LEFT) | disc)
    press(page, "Control+Shift+z")
    expect_voxels(page, 1, ball(*LEFT))
    rename(page, "Left body")


def brush_right_by_keyboard(page: Page) -> None:
    """The cursor is moved by keys, the brush stamps there, and what it took too much is cleaned."""
    page.mouse.move(5, 5)
    focus_and_enter(page, "draft-add")
    expect(row(page, 2)).to_have_attribute("data-count", "0")
    rename(page, "Right body")
    press(page, "b")
    expect(page.get_by_test_id("edit-brush")).to_have_attribute("aria-pressed", "true")
    page.get_by_test_id("edit-bound").locator("input").focus()
    press(page, " ")
    expect(page.get_by_test_id("edit-lower")).to_have_value("100")
    page.evaluate("document.activeElement.blur()")
    press(page, "Shift+D", *["]"] * 8)
    expect(page.get_by_test_id("brush-radius")).to_have_value("15")
    # From the middle of the volume to the middle of the sphere; the mark is there.
    place = np.array([12, 31, 35])
    steps = np.array(RIGHT[0]) - place
    press(page, "Shift+Alt+ArrowRight", *["Alt+ArrowRight"] * (int(steps[2]) - 10), *["Alt+ArrowDown"] * int(steps[1]))
    expect(view(page, 0).get_by_test_id("brush-centre")).to_be_visible()
    press(page, " ")
    taken = ball(*RIGHT)
    taken[HOLE] = False
    for speck in SPECKS:
        taken[speck] = True
    expect_voxels(page, 2, taken)
    open_fold(page, "Islands")
    focus_and_enter(page, "edit-largest")
    for speck in SPECKS:
        taken[speck] = False
    expect_voxels(page, 2, taken)
    open_fold(page, "Shape")
    focus_and_enter(page, "edit-holes")
    expect_voxels(page, 2, ball(*RIGHT))
    page.evaluate("document.activeElement.blur()")


def saved_file(page: Page, record: Any, folder: Path) -> Path:
    """The stored instance, as DICOMweb gives it."""
    series = ask(page, "GET", f"/series/{record['series_id']}")
    study = ask(page, "GET", f"/studies/{record['study_id']}")
    address = f"/dicomweb/projects/default/studies/{study['study_instance_uid']}/series/{series['series_instance_uid']}"
    answer = page.request.get(
        f"{address}/instances/{record['sop_instance_uid']}",
        headers={"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'},
    )
    assert answer.ok, answer.text()
    body = answer.body()
    start = body.index(b"DICM") - 128
    end = body.rindex(b"\r\n--")
    path = folder / "saved.dcm"
    path.write_bytes(body[start:end])
    return path


def test_bodies_are_brushed_kept_saved_and_read_back(bodies: tuple[Page, Volume, int], tmp_path: Path) -> None:
    page, volume, series = bodies
    brush_left_by_mouse(page, volume)
    brush_right_by_keyboard(page)
    assert violations(page, axe_source()) == []

    # After a reload the edits are offered again, and are the same.
    expect(page.get_by_test_id("draft-state")).to_have_text("Not saved")
    page.reload()
    offer = page.get_by_test_id("draft-offer").get_by_test_id("kept-resume")
    offer.click()
    expect_voxels(page, 1, ball(*LEFT))
    expect_voxels(page, 2, ball(*RIGHT))
    expect(row(page, 2).get_by_test_id("draft-name")).to_contain_text("Right body")

    # Saved, and shown over the image in the draft's place.
    page.get_by_test_id("draft-title").fill("Two bodies")
    press(page, "Tab", "Control+s")
    expect(page.get_by_test_id("edit-new")).to_be_visible()
    [record] = built_masks(page, series, 1)
    expect(page.locator(f"[data-testid=mask][data-mask='{record['id']}']")).to_have_attribute("data-shown", "")
    expect(canvas(page)).to_have_attribute("data-labels", "1")

    # The server, the library and highdicom have the same voxels at the same places.
    truth = {"Left body": ball(*LEFT), "Right body": ball(*RIGHT)}
    assert record["label"] == "Two bodies"
    assert {one["label"]: (one["count"], one["mm3"]) for one in record["segments"]} == {
        name: (int(mask.sum()), float(mask.sum() * np.prod(SPACING))) for name, mask in truth.items()
    }
    path = saved_file(page, record, tmp_path)
    segmentation = voxelry.load_segmentation(path)
    judge = highdicom.seg.segread(path)
    affine = np.asarray(segmentation.geometry.known_affine)
    for segment in segmentation.segments:
        index = np.argwhere(segmentation.mask(segment.number))
        expect_places(volume, affine, index, truth[segment.label])
        own = judge.get_volume(segment_numbers=[segment.number], combine_segments=True)
        expect_places(volume, own.affine, np.argwhere(own.array), truth[segment.label])
    page.reload()
    expect(canvas(page)).to_have_attribute("data-slice", re.compile(r"\d+"))
    expect(page.get_by_test_id("edit-new")).to_be_visible()
    expect(page.get_by_test_id("kept-draft")).to_have_count(0)


def expect_places(volume: Volume, affine: npt.NDArray[Any], index: npt.NDArray[np.int64], truth: Mask) -> None:
    """Voxels at an affine's places are just the truth's voxels of the image."""
    points = np.c_[index, np.ones(len(index))] @ affine.T
    own = points @ np.linalg.inv(affine_of(volume)).T
    np.testing.assert_allclose(own, own.round(), atol=1e-4)
    placed = np.zeros_like(truth)
    placed[tuple(own[:, :3].round().astype(int).T)] = True
    np.testing.assert_array_equal(placed, truth)


def begin_bound_ball(page: Page) -> None:
    """A new segmentation, and a ball of 15 mm that takes what counts from 100 HU on."""
    page.get_by_test_id("scale-unit").click()
    page.get_by_test_id("lower-input").fill("100")
    page.get_by_test_id("lower-input").press("Enter")
    page.get_by_test_id("edit-new").click()
    expect(row(page, 1)).to_have_attribute("data-count", "0")
    page.get_by_test_id("edit-threshold").click()
    page.get_by_test_id("brush-ball").click()
    page.get_by_test_id("brush-radius").fill("15")
    page.get_by_test_id("brush-radius").press("Enter")


def stroke_of(session: CDPSession, at: tuple[float, float], kind: Literal["pen", "finger"]) -> None:
    """A short stroke, as the browser gets it from a device."""
    x, y = at
    for number, beyond in enumerate((0, 2, 4, 2, 0)):
        if kind == "pen":
            event = {"button": "left", "buttons": 1, "clickCount": 1, "pointerType": "pen", "force": 0.5}
            name = "mousePressed" if number == 0 else "mouseMoved"
            session.send("Input.dispatchMouseEvent", {"type": name, "x": x + beyond, "y": y, **event})
        else:
            name = "touchStart" if number == 0 else "touchMove"
            session.send("Input.dispatchTouchEvent", {"type": name, "touchPoints": [{"x": x + beyond, "y": y}]})
    if kind == "pen":
        session.send(
            "Input.dispatchMouseEvent",
            {"type": "mouseReleased", "x": x, "y": y, "button": "left", "clickCount": 1, "pointerType": "pen"},
        )
    else:
        session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_pen_finger_oblique_planes_and_outlines(bodies: tuple[Page, Volume, int]) -> None:
    page, volume, _ = bodies
    begin_bound_ball(page)
    (z, y, x), _ = LEFT
    page.get_by_test_id("slice-slider").fill(str(z + 1))
    expect(canvas(page, 0)).to_have_attribute("data-slice", str(z))
    session = page.context.new_cdp_session(page)
    at = stage_point(page, volume, y, x, axis="axial")
    stroke_of(session, at, "pen")
    expect_voxels(page, 1, ball(*LEFT))
    page.get_by_test_id("edit-eraser").click()
    stroke_of(session, at, "finger")
    expect(row(page, 1)).to_have_attribute("data-count", "0")

    # In a plane that is turned, at the cursor's mark.
    page.get_by_test_id("edit-brush").click()
    page.evaluate("document.activeElement.blur()")
    press(page, "Shift+Alt+ArrowLeft", *["Alt+ArrowLeft"] * 5, "Alt+ArrowDown", *["Alt+PageDown"] * 4)
    expect(canvas(page, 1)).to_have_attribute("data-oblique", "")
    press(page, "v", "Alt+ArrowDown", "Alt+ArrowUp")
    mark = view(page, 1).get_by_test_id("brush-centre")
    expect(mark).to_be_visible()
    box = mark.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect_voxels(page, 1, ball(*LEFT))

    # An outline in the axial plane, closed by a key; a corner too many is taken back.
    page.get_by_test_id("edit-bound").locator("input").uncheck()
    page.get_by_test_id("edit-polygon").click()
    page.get_by_test_id("outline-plane").click()
    for corner in ((3.5, 57.5), (3.5, 65.5), (9.5, 65.5), (9.5, 57.5), (20.0, 40.0)):
        page.mouse.click(*stage_point(page, volume, *corner, axis="axial"))
    expect(view(page, 0).get_by_test_id("drawn-outline")).to_be_visible()
    page.evaluate("document.activeElement.blur()")
    press(page, "Backspace", "Enter")
    drawn = ball(*LEFT)
    drawn[z, 4:10, 58:66] = True
    expect_voxels(page, 1, drawn)
    press(page, "Control+z")
    expect_voxels(page, 1, ball(*LEFT))


def test_two_who_edit_one_mask_lose_neither(bodies: tuple[Page, Volume, int]) -> None:
    page, volume, series = bodies
    begin_bound_ball(page)
    (_, y, x), _ = LEFT
    page.mouse.click(*stage_point(page, volume, y, x, axis="axial"))
    expect_voxels(page, 1, ball(*LEFT))
    page.get_by_test_id("draft-title").fill("First")
    press(page, "Tab", "Control+s")
    expect(page.get_by_test_id("edit-new")).to_be_visible()
    [base] = built_masks(page, series, 1)

    other = page.context.new_page()
    open_series(other, series)
    for each, column in ((page, 60), (other, 66)):
        card = each.locator(f"[data-testid=mask][data-mask='{base['id']}']")
        card.get_by_test_id("mask-edit").click()
        expect(row(each, 1)).to_have_attribute("data-count", str(int(ball(*LEFT).sum())))
        if each.get_by_test_id("edit-brush").get_attribute("aria-pressed") != "true":
            each.get_by_test_id("edit-brush").click()
        each.get_by_test_id("edit-bound").locator("input").uncheck()
        each.get_by_test_id("brush-disc").click()
        each.get_by_test_id("brush-radius").fill("1.2")
        each.get_by_test_id("brush-radius").press("Enter")
        each.mouse.click(*stage_point(each, volume, 8, column, axis="axial" if each is page else None))
        expect(each.get_by_test_id("draft-state")).to_have_text("Not saved")
    for each, title in ((page, "Second"), (other, "Third")):
        each.get_by_test_id("draft-title").fill(title)
        press(each, "Tab")
        each.get_by_test_id("draft-save").click()
        if each is page:
            expect(page.get_by_test_id("edit-new")).to_be_visible()
            built_masks(page, series, 2)
    expect(other.get_by_test_id("draft-conflict")).to_be_visible()
    assert violations(other, axe_source()) == []
    other.get_by_role("button", name="Save beside it").click()
    expect(other.get_by_test_id("edit-new")).to_be_visible()
    listed = built_masks(page, series, 3)
    assert {one["label"] for one in listed} == {"First", "Second", "Third"}
    other.close()
