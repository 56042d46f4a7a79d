"""Series beside and over each other: pixels, places and values are the library's."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.pixels import (
    affine_of,
    canvas,
    colour_at,
    eventually,
    grey_level,
    index_in,
    number_in,
    open_series,
    slice_shown,
    stage_point,
    view,
    window_of,
)
from tests.e2e.steps import series_of_upload
from voxelry.workflows.load.loading import load, load_volume

pytestmark = pytest.mark.browser
FUSED = "ct_mr_pet_rtstruct"
PHASES = "mr_breast_three_phases"
UPLOADED: dict[str, dict[str, int]] = {}
"""The series of what was uploaded, by modality; uploaded once for all tests of the site."""


def series_of(page: Page, folder: Path, tmp: Path) -> dict[str, int]:
    """The series of a folder of the shared data, by modality; uploaded once for all tests here."""
    if folder.name not in UPLOADED:
        wanted = {"CT", "MR", "PT"} if folder.name == FUSED else {"MR"}
        UPLOADED[folder.name] = series_of_upload(page, folder, wanted, tmp=tmp)
    return UPLOADED[folder.name]


def hot_iron(level: int) -> npt.NDArray[np.float64]:
    """PS3.6 B.1.1."""
    return np.clip([level * 2, level * 2 - 256, level * 4 - 768], 0, 255).astype(float)


def test_fused_pixels_and_values_are_the_librarys(visitor: Page, corpus: Path, tmp_path: Path) -> None:
    page = visitor
    ids = series_of(page, corpus / FUSED, tmp_path)
    ct, pet = load_volume(corpus / FUSED / "CT"), load_volume(corpus / FUSED / "PET")
    open_series(page, ids["CT"])
    page.keyboard.press("p")  # true pixels: nearest voxels, so that a pixel of the canvas is one of each
    page.get_by_test_id("fusion").click()
    page.get_by_test_id("fusion-add").select_option(str(ids["PT"]))
    expect(canvas(page)).to_have_attribute("data-fused", "1")
    page.get_by_test_id("fusion-fading").uncheck()
    for name, number in (("fusion-center", "4"), ("fusion-width", "8")):
        page.get_by_test_id(name).fill(number)
        page.get_by_test_id(name).press("Enter")
    page.keyboard.press("Escape")
    slice_index = slice_shown(page)
    for row, column in ((100, 100), (140, 78), (60, 120)):
        x, y = stage_point(page, ct, row, column)
        page.mouse.move(x, y)
        point = (affine_of(ct) @ [slice_index, row, column, 1])[:3]
        value = float(pet.array[index_in(pet, point)])
        expect(page.get_by_test_id("pixel-value")).to_contain_text("HU")
        expect(page.get_by_test_id("fused-value")).to_contain_text("GML")
        hu = f"{int(ct.array[slice_index, row, column]):,} HU".replace("-", "−")
        expect(page.get_by_test_id("pixel-value")).to_have_text(hu)
        below = np.full(3, grey_level(float(ct.array[slice_index, row, column]), *window_of(page)))
        # The sampled rectangle's nearest voxel may differ where two are equally near: these places are not such ones.
        expect_fused(page, x, y, value, below * 0.2 + hot_iron(grey_level(value, 0, 8)) * 0.8)
    # The address holds all of it: low values that are painted, too.
    x, y = stage_point(page, ct, 60, 120)
    drawn = colour_at(page, x, y)
    expect(page).to_have_url(re.compile("over:.*solid"))
    page.reload()
    expect(canvas(page)).to_have_attribute("data-fused", "1")
    page.mouse.move(x, y)
    expect(page.get_by_test_id("fused-value")).to_contain_text("GML")

    def as_before() -> None:
        assert colour_at(page, x, y) == drawn

    eventually(page, as_before)


def expect_fused(page: Page, x: float, y: float, value: float, colour: npt.NDArray[np.float64]) -> None:
    """The fused image's value under the pointer, and the colour of the two."""

    def judge() -> None:
        assert number_in(page.get_by_test_id("fused-value").inner_text()) == pytest.approx(value, abs=1e-3)
        np.testing.assert_allclose(colour_at(page, x, y)[:3], colour, atol=4)

    eventually(page, judge)


def test_linked_series_are_at_the_librarys_nearest_plane_and_dragged_ones_too(
    visitor: Page, corpus: Path, tmp_path: Path
) -> None:
    page = visitor
    ids = series_of(page, corpus / FUSED, tmp_path)
    ct, pet = load_volume(corpus / FUSED / "CT"), load_volume(corpus / FUSED / "PET")
    open_series(page, ids["CT"])
    page.keyboard.press("Shift+S")
    expect(canvas(page, 1)).to_have_attribute("data-slice", re.compile(r"\d+"))  # the next series of the study
    item = page.locator(f"[data-testid=strip-item][data-series='{ids['PT']}'] .choice")
    item.scroll_into_view_if_needed()
    start, end = item.bounding_box(), view(page, 1).bounding_box()
    assert start is not None
    assert end is not None
    page.mouse.move(start["x"] + 30, start["y"] + 30)
    page.mouse.down()
    page.mouse.move(end["x"] + 200, end["y"] + 200, steps=5)
    page.mouse.up()
    expect(view(page, 1)).to_contain_text("PT")
    view(page, 0).click(position={"x": 60, "y": 300})
    expect(view(page, 1).get_by_test_id("link-mark")).to_contain_text("same frame of reference")
    page.keyboard.press("Home")
    for key, wanted in (("Home", 0), ("PageDown", 10), ("PageDown", 20)):
        page.keyboard.press(key)
        expect(canvas(page, 0)).to_have_attribute("data-slice", str(wanted))
        middle = (affine_of(ct) @ [wanted, ct.array.shape[1] // 2, ct.array.shape[2] // 2, 1])[:3]
        expect(canvas(page, 1)).to_have_attribute("data-slice", str(index_in(pet, middle)[0]))


def test_phases_are_played_and_their_curve_is_the_librarys(visitor: Page, corpus: Path, tmp_path: Path) -> None:
    page = visitor
    ids = series_of(page, corpus / PHASES, tmp_path)
    open_series(page, ids["MR"])
    expect(page.get_by_test_id("time-position")).to_contain_text("1 / 3")
    page.mouse.move(*stage_point(page, load(corpus / PHASES).volumes[0], 128, 100))
    curve = page.get_by_test_id("curve")
    expect(curve).to_have_attribute("data-index", re.compile(",128,100$"))
    index = tuple(int(part) for part in (curve.get_attribute("data-index") or "").split(","))
    expect(curve).to_have_attribute("data-values", re.compile(r"^\[[-\d.]+,[-\d.]+,[-\d.]+\]$"))
    assert json.loads(curve.get_attribute("data-values") or "") == phase_values(corpus / PHASES, index)
    expect(page.get_by_test_id("curve-uneven")).to_contain_text("428 to 521 s")
    for wanted in (2, 3, 1):
        page.keyboard.press("Shift+ArrowRight")
        expect(page.get_by_test_id("time-position")).to_contain_text(f"{wanted} / 3")
        expect(canvas(page)).to_have_attribute("data-volume", str(wanted - 1))
    page.keyboard.press("Shift+Space")
    expect(canvas(page)).to_have_attribute("data-volume", "2")
    page.keyboard.press("Shift+Space")


def phase_values(folder: Path, index: tuple[Any, ...]) -> list[float]:
    """The voxel in each phase, as pydicom reads it: the files of each phase in the order of their positions."""
    pydicom = pytest.importorskip("pydicom")
    files = [pydicom.dcmread(path) for path in sorted(folder.glob("*.dcm"))]
    files.sort(key=lambda file: int(file.InstanceNumber))
    values = []
    for phase in range(3):
        # The slices ascend as the volume's first axis does: the patient's left coordinate falls along it.
        slices = sorted(files[phase * 60 : phase * 60 + 60], key=lambda file: -float(file.ImagePositionPatient[0]))
        values.append(float(slices[index[0]].pixel_array[index[1], index[2]]))
    return values
