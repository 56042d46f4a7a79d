"""Masks over images in the browser: each pixel has the segment that the library finds at its place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from playwright.sync_api import Page, expect
from pydicom import dcmread

import voxelry
from tests.dicom.segmentations import segmented
from tests.e2e.pixels import affine_of, canvas, eventually, open_series, place_shown, slice_shown, stage_point, view
from tests.e2e.steps import ask, built_masks, series_of_upload, wait_for
from voxelry.core.planes import Axis, plane_affine, plane_shape
from voxelry.core.segmentation import Segmentation
from voxelry.core.volume import Volume
from voxelry.testing import SyntheticSeries, synthetic_series, zip_folder
from voxelry.workflows.load.loading import load_volume

pytestmark = pytest.mark.browser
Labels = npt.NDArray[np.int64]
TILTED = (0.96, 0.28, 0.0, -0.224, 0.768, 0.6)
"""Rows and columns of a grid that lies obliquely in the patient."""
ONE_PLACE = {
    "StudyInstanceUID": "1.2.826.0.1.3680043.8.498.18",
    "FrameOfReferenceUID": "1.2.826.0.1.3680043.8.498.19",
    "PatientID": "segments",
}
SHAPE = (12, 30, 36)
PLANES: tuple[tuple[str, Axis | None], ...] = (("o", None), ("c", "coronal"), ("s", "sagittal"))
"""The keys that show them."""
COLOURS = """(points) => {
    const canvas = document.querySelector("[data-testid=slice-canvas]");
    const box = canvas.getBoundingClientRect();
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return points.map(([x, y]) => {
        const at = (Math.floor(y - box.top) * canvas.width + Math.floor(x - box.left)) * 4;
        return [data[at], data[at + 1], data[at + 2]];
    });
}"""


def write_all(folder: Path) -> None:
    """A CT, another image of the same places on a grid that lies obliquely, and a mask on each grid."""
    made: dict[str, SyntheticSeries] = {}
    grids: dict[str, dict[str, Any]] = {
        "ct": {"spacing": (2.5, 1.1, 0.9)},
        "oblique": {"spacing": (2.0, 1.3, 1.0), "orientation": TILTED},
    }
    slices, rows, columns = SHAPE
    for number, (name, options) in enumerate(grids.items()):
        about = {**ONE_PLACE, "SeriesDescription": name}
        made[name] = synthetic_series(
            folder / name, slices=slices, rows=rows, columns=columns, seed=97_300 + number, attributes=about, **options
        )
    place = np.indices(SHAPE)
    masks = np.stack(
        [
            ((place - np.reshape([5, 12, 14], (3, 1, 1, 1))) ** 2 / np.reshape([9, 60, 70], (3, 1, 1, 1))).sum(0) < 1,
            ((place - np.reshape([7, 16, 20], (3, 1, 1, 1))) ** 2 / np.reshape([8, 50, 90], (3, 1, 1, 1))).sum(0) < 1,
            (place[0] == 2) & (place[2] > 28) & (place[1] % 3 == 0),
        ],
        axis=-1,
    ).astype(np.uint8)
    for name, series in made.items():
        (folder / f"{name}-mask").mkdir()
        segmented(folder / f"{name}-mask" / "mask.dcm", series, masks, series_description=f"{name} mask")


@dataclass(frozen=True)
class Masked:
    """The administrator's page, the series by description, and the folder."""

    page: Page
    ids: dict[str, int]
    folder: Path

    def volume(self, name: str) -> Volume:
        return load_volume(self.folder / name)

    def segmentation(self, name: str) -> Segmentation:
        return voxelry.load_segmentation(self.folder / f"{name}-mask" / "mask.dcm")

    def mask(self, name: str) -> Any:
        """The record of a mask, once it is ready."""
        records = built_masks(self.page, self.ids["ct"], 2)
        return next(one for one in records if one["label"] == f"{name} mask")

    def show(self, name: str, mask: str, *, opacity: bool = True) -> Any:
        """Open an image with a mask over it, opaque."""
        record = self.mask(mask)
        open_series(self.page, self.ids[name])
        card = self.page.locator(f"[data-testid=mask][data-mask='{record['id']}']")
        card.get_by_test_id("mask-show").click()
        expect(canvas(self.page)).to_have_attribute("data-labels", re.compile(r"\d"))
        if opacity:
            card.get_by_test_id("mask-opacity").press("End")
        return record


@pytest.fixture(scope="module")
def masked(visitor: Page, tmp_path_factory: pytest.TempPathFactory) -> Masked:
    folder = tmp_path_factory.mktemp("segments") / "in"
    write_all(folder)
    ids = series_of_upload(
        visitor, folder, {"ct", "oblique"}, tmp=folder.parent, name_of=lambda one: one["description"]
    )
    return Masked(visitor, ids, folder)


def library_labels(volume: Volume, segmentation: Segmentation, number: int, axis: Axis | None, plane: int) -> Labels:
    """1 for each pixel of a plane whose centre lies in a voxel of the segment."""
    rows, columns = plane_shape(volume, axis)
    index = np.stack(np.meshgrid([plane], np.arange(rows), np.arange(columns), indexing="ij"), axis=-1).reshape(-1, 3)
    affine = plane_affine(volume, axis)
    assert affine is not None
    points = np.c_[index, np.ones(len(index))] @ affine.T
    own = np.floor((points @ np.linalg.inv(segmentation.geometry.known_affine).T)[:, :3].round(6) + 0.5).astype(int)
    inside = ((own >= 0) & (own < segmentation.geometry.shape)).all(axis=1)
    found = np.zeros(len(index), np.int64)
    found[inside] = segmentation.mask(number)[tuple(own[inside].T)]
    return found.reshape(rows, columns)


def drawn_labels(page: Page, volume: Volume, record: Any, axis: Axis | None) -> Labels:
    """The number of the segment that each pixel of the picture is painted with; 0 for grey."""
    rows, columns = plane_shape(volume, axis)
    corner, down, right = (np.array(stage_point(page, volume, *at, axis=axis)) for at in ((0, 0), (1, 0), (0, 1)))
    row, column = np.indices((rows, columns)).reshape(2, -1, 1)
    points = (corner + row * (down - corner) + column * (right - corner)).tolist()
    colours = {tuple(bytes.fromhex(one["colour"][1:])): one["number"] for one in record["segments"]}
    assert len(colours) == len(record["segments"])
    found = [
        colours.get(tuple(colour), 0 if len(set(colour)) == 1 else -1) for colour in page.evaluate(COLOURS, points)
    ]
    return np.array(found).reshape(rows, columns)


def wanted_labels(volume: Volume, segmentation: Segmentation, record: Any, axis: Axis | None, plane: int) -> Labels:
    """The segments of a plane as they lie over each other: label map over label map."""
    rows, columns = plane_shape(volume, axis)
    wanted = np.zeros((rows, columns), np.int64)
    for one in sorted(record["segments"], key=lambda one: one["layer"]):
        wanted[library_labels(volume, segmentation, one["number"], axis, plane) == 1] = one["number"]
    return wanted


def go_to(page: Page, plane: int) -> None:
    page.get_by_test_id("slice-slider").fill(str(plane + 1))
    expect(canvas(page)).to_have_attribute("data-slice", str(plane))


@pytest.mark.parametrize(("image", "mask"), [("ct", "ct"), ("ct", "oblique"), ("oblique", "ct")])
def test_each_pixel_has_the_librarys_segment(masked: Masked, image: str, mask: str) -> None:
    page = masked.page
    record = masked.show(image, mask)
    volume, segmentation = masked.volume(image), masked.segmentation(mask)
    painted = 0
    for key, axis in PLANES:
        page.keyboard.press(key)
        expect(canvas(page)).to_have_attribute("data-plane", axis or "acquired")
        for plane in (2, 5, 8):
            go_to(page, plane)
            expect(canvas(page)).to_have_attribute("data-labels", str(record["layers"]))
            wanted = wanted_labels(volume, segmentation, record, axis, plane)
            expect_labels(page, volume, record, axis, wanted)
            painted += int(np.count_nonzero(wanted))
    assert painted > 300


def expect_labels(page: Page, volume: Volume, record: Any, axis: Axis | None, wanted: Labels) -> None:
    """Each pixel of the picture is painted with this segment."""
    eventually(page, lambda: np.testing.assert_array_equal(drawn_labels(page, volume, record, axis), wanted))


def outlined(labels: Labels) -> Labels:
    """The pixels of a segment with another one or none beside them, or at the edge of the picture."""
    around = np.pad(labels, 1, constant_values=-1)
    beside = (around[:-2, 1:-1], around[2:, 1:-1], around[1:-1, :-2], around[1:-1, 2:])
    return np.where(np.any([other != labels for other in beside], axis=0), labels, 0)


def test_segments_are_found_outlined_and_kept_by_the_address(masked: Masked) -> None:
    page = masked.page
    record = masked.show("ct", "ct")
    volume, segmentation = masked.volume("ct"), masked.segmentation("ct")
    segments = page.get_by_test_id("segment")
    segments.nth(0).get_by_test_id("segment-jump").click()
    expect(canvas(page)).to_have_attribute("data-slice", "5")
    with_it = [plane for plane in range(6, SHAPE[0]) if library_labels(volume, segmentation, 1, None, plane).any()]
    assert with_it
    for plane in with_it:
        page.keyboard.press("Shift+PageDown")
        expect(canvas(page)).to_have_attribute("data-slice", str(plane))
    page.keyboard.press("Shift+PageDown")
    expect(page.get_by_test_id("segments-notice")).to_contain_text("No further slice")
    segments.nth(2).get_by_test_id("segment-jump").click()
    expect(canvas(page)).to_have_attribute("data-slice", "2")

    # Outlines, one of them hidden; and after a reload the same.
    page.keyboard.press("y")
    segments.nth(1).get_by_test_id("segment-eye").click()
    go_to(page, 6)
    wanted = np.where(library_labels(volume, segmentation, 1, None, 6) == 1, 1, 0)
    expect_labels(page, volume, record, None, outlined(wanted))
    expect(page).to_have_url(re.compile(r"mask=[\d.]+;opacity:1;outlined;without:2"))
    page.reload()
    expect(canvas(page)).to_have_attribute("data-slice", "6")
    expect(canvas(page)).to_have_attribute("data-labels", re.compile(r"\d"))
    expect(page.get_by_test_id("segment-eye").nth(1)).to_have_attribute("aria-pressed", "false")
    expect_labels(page, volume, record, None, outlined(wanted))

    # Of a slab the segments are those of one plane, and that is said.
    page.goto(page.url + ";slab:max,10")
    page.reload()
    expect(page.get_by_test_id("segments-note")).to_have_text("segments of this one plane, not of the slab")
    expect_labels(page, volume, record, None, outlined(wanted))


def test_the_segment_under_the_pointer_is_named_in_oblique_planes_too(masked: Masked) -> None:
    page = masked.page
    record = masked.show("oblique", "ct", opacity=False)
    segmentation = masked.segmentation("ct")
    inverse = np.linalg.inv(np.asarray(segmentation.geometry.known_affine))
    page.get_by_test_id("segment").first.get_by_test_id("segment-jump").click()
    # The address may have a place before it has the mask.
    expect(page).to_have_url(re.compile(r"mask=.*at:"))
    page.goto(re.sub(r"(view=[\d.]+)", r"\1;plane:coronal;straightened", page.url))
    page.reload()
    expect(canvas(page)).to_have_attribute("data-oblique", "")
    expect(canvas(page)).to_have_attribute("data-labels", str(record["layers"]))
    box = canvas(page).bounding_box()
    assert box is not None
    position = view(page).get_by_test_id("pixel-position")
    told = {True: 0, False: 0}
    for across in np.linspace(0.3, 0.7, 9):
        for down in np.linspace(0.3, 0.7, 9):
            before = position.inner_text()
            page.mouse.move(box["x"] + box["width"] * across, box["y"] + box["height"] * down)
            expect(position).not_to_have_text(before)
            expect(position).to_contain_text("LPS")
            # A pixel has the segment of its centre: near a border, the pointer may be beside it.
            near = place_shown(page) + np.array([*np.ndindex(3, 3, 3)]) - 1
            index = np.floor((np.c_[near, np.ones(27)] @ inverse.T)[:, :3] + 0.5).astype(int)
            inside = ((index >= 0) & (index < segmentation.geometry.shape)).all(axis=1)
            if not inside.all():
                continue
            found = segmentation.mask(1)[tuple(index.T)]
            if found.all() or not found.any():
                name = view(page).get_by_test_id("segment-under").filter(has_text="segment 1")
                expect(name).to_have_count(1 if found.all() else 0)
                told[bool(found.all())] += 1
    assert told[True] > 3
    assert told[False] > 3


@pytest.mark.corpus
def test_a_real_structure_set_lies_over_its_images(masked: Masked, corpus: Path, tmp_path: Path) -> None:
    page = masked.page
    folder = corpus / "ct_mr_pet_rtstruct" / "CT"
    # Another module of these tests may have brought the study to the site, with its other images and contours.
    page.goto("/")
    page.locator("input[type=file]").first.set_input_files(zip_folder(tmp_path / "CT.zip", folder))
    volume = load_volume(folder / "image")
    found = wait_for(
        page,
        f"/series?series_instance_uid={volume.series_instance_uid}",
        lambda answer: any(one["state"] == "succeeded" and one["volume_count"] for one in answer["items"]),
    )
    ct = found["items"][0]["id"]
    segmentation = voxelry.load_contours(folder / "mask", images=folder / "image").segmentation()
    [uid] = {str(dcmread(path, stop_before_pixels=True).SOPInstanceUID) for path in (folder / "mask").iterdir()}

    def own(answer: Any) -> list[Any]:
        return [one for one in answer["segmentations"] if one["sop_instance_uid"] == uid and one["state"] == "ready"]

    [listed] = own(wait_for(page, f"/segmentations?series={ct}", lambda answer: bool(own(answer))))
    open_series(page, ct)
    record = ask(page, "GET", f"/segmentations/{listed['id']}")
    page.locator(f'[data-mask="{listed["id"]}"]').get_by_test_id("mask-show").click()
    page.get_by_test_id("segment-jump").first.click()
    # To the middle of its box: until then another slice is drawn.
    low, high = map(np.array, record["segments"][0]["box"])
    middle = np.asarray(record["affine"]) @ np.append((low + high - 1) / 2, 1)
    at = float((np.linalg.inv(affine_of(volume)) @ middle)[0])
    expect(canvas(page)).to_have_attribute("data-slice", re.compile(f"^({round(at - 0.01)}|{round(at + 0.01)})$"))
    page.get_by_test_id("mask-opacity").press("End")
    expect(canvas(page)).to_have_attribute("data-labels", "1")
    expect(page.get_by_test_id("segment-contours")).to_contain_text("by its contours")
    plane = slice_shown(page)
    wanted = wanted_labels(volume, segmentation, record, None, plane)
    assert np.count_nonzero(wanted) > 1000
    expect_labels(page, volume, record, None, wanted)
