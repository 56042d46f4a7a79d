"""Linked planes: values, places and pixels under the pointer are the library's, in any plane of any stack."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.pixels import (
    ROUNDING_MM,
    affine_of,
    canvas,
    colour_at,
    eventually,
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


def open_stack(page: Page, folder: Path, tmp: Path) -> None:
    """Show the series of a folder, which is uploaded once."""
    modality = STACKS[folder.name]
    if folder.name not in UPLOADED:
        UPLOADED[folder.name] = series_of_upload(page, folder, {modality}, tmp=tmp)[modality]
    open_series(page, UPLOADED[folder.name])


@pytest.fixture
def tilted(visitor: Page, corpus: Path, tmp_path: Path) -> tuple[Page, Volume]:
    """A sheared stack in one view, with true pixels."""
    folder = corpus / "ct_gantry_tilt"
    open_stack(visitor, folder, tmp_path)
    visitor.keyboard.press("p")
    return visitor, load_volume(folder)


@pytest.fixture(params=STACKS)
def stack(request: pytest.FixtureRequest, visitor: Page, corpus: Path, tmp_path: Path) -> tuple[Page, Volume]:
    """A series of the data folder in three linked planes, with true pixels."""
    name = str(request.param)
    open_stack(visitor, corpus / name, tmp_path)
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
            expect_told(page, number, place, float(values[row, column]))


def expect_told(page: Page, number: int, place: npt.NDArray[np.float64], value: float) -> None:
    """A view tells this place and this value."""

    def judge() -> None:
        np.testing.assert_allclose(place_shown(page, number), place, atol=ROUNDING_MM)
        assert number_in(view(page, number).get_by_test_id("pixel-value").inner_text()) == pytest.approx(
            value, abs=1e-3
        )

    eventually(page, judge)


def expect_grey(page: Page, x: float, y: float, values: list[float], *, number: int = 0) -> None:
    """A view's canvas has at this point the grey level of one of these values."""

    def judge() -> None:
        levels = [grey_level(value, *window_of(page)) for value in values]
        assert any(abs(colour_at(page, x, y, number=number)[0] - level) <= 1 for level in levels)

    eventually(page, judge)


def expect_grey_between(page: Page, x: float, y: float, least: float, most: float) -> None:
    def judge() -> None:
        low, high = (grey_level(value, *window_of(page)) for value in (least, most))
        assert low - 1 <= colour_at(page, x, y)[0] <= high + 1

    eventually(page, judge)


def move_to(page: Page, x: float, y: float, *, number: int = 0) -> npt.NDArray[np.float64]:
    """Point at another place of a view than before: the place that it tells then."""
    position = view(page, number).get_by_test_id("pixel-position")
    before = position.inner_text()
    page.mouse.move(x, y)
    expect(position).not_to_have_text(before)
    expect(position).to_contain_text("LPS")
    return place_shown(page, number)


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
        place = move_to(page, x, y, number=1)
        told, drawn = voxels_near(volume, place, ROUNDING_MM), voxels_near(volume, place, ROUNDING_MM + pixel_mm)
        if told is None or drawn is None:
            continue  # at the edge of the volume, where the rounded place may lie outside
        expect(turned.get_by_test_id("pixel-value")).to_contain_text(re.compile(r"\d"))
        shown = number_in(turned.get_by_test_id("pixel-value").inner_text())
        assert any(abs(shown - float(volume.array[voxel])) < 1e-3 for voxel in told)
        expect_grey(page, x, y, [float(volume.array[voxel]) for voxel in drawn], number=1)
        seen += 1
    assert seen
    page.keyboard.press("0")
    expect(turned.get_by_test_id("plane-name")).not_to_have_text(re.compile("^oblique.*from oblique"))
    expect(turned.get_by_test_id("slice-canvas")).not_to_have_attribute("data-oblique", "")


SLABS: dict[str, tuple[str, Callable[..., npt.NDArray[np.float64]]]] = {
    "max": ("MIP", np.max),
    "min": ("MinIP", np.min),
    "mean": ("Mean", np.mean),
}
"""By what is clicked: the word on the picture, and what it says in numpy."""


def plane_distance(volume: Volume, axis: Axis | None) -> float:
    """Millimetres between neighbouring planes, along their normal."""
    affine = affine_of(volume) if axis is None else plane_affine(volume, axis)
    assert affine is not None
    normal = np.cross(affine[:3, 1], affine[:3, 2])
    return float(abs(normal @ affine[:3, 0]) / np.linalg.norm(normal))


@pytest.mark.parametrize("axis", [None, "sagittal"])
def test_slabs_of_a_typed_thickness_are_numpys(tilted: tuple[Page, Volume], axis: Axis | None) -> None:
    page, volume = tilted
    if axis:
        page.get_by_test_id(f"plane-{axis}").click()
        expect(canvas(page)).to_have_attribute("data-plane", axis)
    step = plane_distance(volume, axis)
    page.get_by_test_id("slab").click()
    for mode, (word, project) in SLABS.items():
        page.get_by_test_id(f"slab-{mode}").click()
        for planes in (3, 5):
            typed = round(planes * step, 1)
            page.get_by_test_id("slab-mm").fill(str(typed))
            page.get_by_test_id("slab-mm").press("Enter")
            expect(page.get_by_test_id("slab-words")).to_contain_text(f"({planes} slices)")
            words = page.get_by_test_id("slab-words").inner_text()
            assert words.startswith(f"{word} ")
            assert number_in(words) == pytest.approx(planes * step, abs=0.006)
            page.keyboard.press("Escape")
            index = slice_shown(page)
            first = index - planes // 2
            values = project([plane(volume, i, axis=axis) for i in range(first, first + planes)], axis=0)
            rows, columns = values.shape
            for row, column in ((rows // 2, columns // 2), (rows // 3, columns // 3)):
                x, y = stage_point(page, volume, row, column, axis=axis)
                page.mouse.move(x, y)
                value = float(values[row, column])
                expect(page.get_by_test_id("pixel-value")).to_contain_text(re.compile(rf"^{mode} [-−\d]"))
                assert number_in(page.get_by_test_id("pixel-value").inner_text()) == pytest.approx(value, abs=1e-3)
                expect_grey(page, x, y, [value])
            page.get_by_test_id("slab").click()
    page.get_by_test_id("slab-off").click()
    expect(page.get_by_test_id("slab-words")).to_have_count(0)
    page.keyboard.press("Escape")


def test_a_straightened_plane_is_simpleitks_and_says_so(tilted: tuple[Page, Volume]) -> None:
    sitk = pytest.importorskip("SimpleITK")
    page, volume = tilted
    page.keyboard.press("p")  # smooth
    page.get_by_test_id("plane-sagittal").click()
    expect(canvas(page)).to_have_attribute("data-plane", "sagittal")
    expect(page.get_by_test_id("making-words")).to_have_count(0)
    page.get_by_test_id("planes-menu").click()
    page.get_by_test_id("planes-menu-straighten").click()
    expect(page.get_by_test_id("making-words")).to_have_text("straightened along the patient's axes, interpolated")
    expect(canvas(page)).to_have_attribute("data-oblique", "")
    image = sitk.GetImageFromArray(volume.array.astype(np.float64))
    inverse = np.linalg.inv(affine_of(volume))
    pixel_mm = min(float(np.linalg.norm(affine_of(volume)[:3, axis])) for axis in range(3))
    near = list(itertools.product(np.linspace(-1, 1, 3) * (ROUNDING_MM + pixel_mm / 2), repeat=3))
    box = canvas(page).bounding_box()
    assert box is not None
    places, judged = [], 0
    for right, down in itertools.product((0.4, 0.5, 0.6), (0.35, 0.5, 0.65)):
        x, y = box["x"] + box["width"] * right, box["y"] + box["height"] * down
        place = move_to(page, x, y)
        places.append(place)
        indices = [(inverse @ [*(place + by), 1])[:3] for by in near]
        if any(min(at) < 0 or (at > np.array(volume.array.shape) - 1).any() for at in indices):
            continue
        samples = [image.EvaluateAtContinuousIndex([float(k) for k in at[::-1]], sitk.sitkLinear) for at in indices]
        expect_grey_between(page, x, y, min(samples), max(samples))
        judged += 1
    assert judged > 4
    grid = np.array(places).reshape(3, 3, 3)
    # Across the picture only P changes, down it only S: nothing leans any more.
    np.testing.assert_allclose(np.ptp(grid[:, :, 0]), 0, atol=ROUNDING_MM)
    np.testing.assert_allclose(np.ptp(grid[:, :, 1], axis=1), 0, atol=2 * ROUNDING_MM)
    np.testing.assert_allclose(np.ptp(grid[:, :, 2], axis=0), 0, atol=2 * ROUNDING_MM)
    page.keyboard.press("Shift+E")
    expect(page.get_by_test_id("making-words")).to_have_count(0)


def test_the_geometry_report_is_one_click_from_the_picture(tilted: tuple[Page, Volume]) -> None:
    page, volume = tilted
    row, column = (affine_of(volume)[:3, axis] for axis in (1, 2))
    normal, step = np.cross(row, column), affine_of(volume)[:3, 0]
    cosine = abs(normal @ step) / np.linalg.norm(normal) / np.linalg.norm(step)
    badge = page.get_by_test_id("geometry-badge")
    expect(badge).to_contain_text("tilted by")
    assert number_in(badge.inner_text()) == pytest.approx(np.degrees(np.arccos(cosine)), abs=0.051)
    badge.click()
    report = page.get_by_test_id("geometry-report")
    expect(report).to_be_in_viewport()
    expect(report).to_contain_text(f"{volume.array.shape[0]} slices")
