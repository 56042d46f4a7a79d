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

import voxelry
from tests.dicom.segmentations import segmented
from tests.e2e.pixels import canvas, open_series, stage_point
from tests.e2e.steps import ask, series_of_upload, wait_for
from voxelry.core.planes import Axis, plane_affine, plane_shape
from voxelry.core.segmentation import Segmentation
from voxelry.core.volume import Volume
from voxelry.testing import SyntheticSeries, synthetic_series
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
        series = self.ids["ct"]

        def ready(answer: Any) -> bool:
            found = answer["segmentations"]
            return len(found) == 2 and all(one["state"] == "ready" for one in found)

        listed = wait_for(self.page, f"/segmentations?series={series}", ready)["segmentations"]
        records = [ask(self.page, "GET", f"/segmentations/{one['id']}") for one in listed]
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
            np.testing.assert_array_equal(drawn_labels(page, volume, record, axis), wanted)
            painted += int(np.count_nonzero(wanted))
    assert painted > 300
