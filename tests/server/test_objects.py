"""What is no plain image, on the site as in the library: segmentations, maps with NaN, radiographs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import voxelry
from tests.dicom.segmentations import segmented
from voxelry.server.jobs import isolated
from voxelry.testing import synthetic_instance, synthetic_series, write

VOXEL = 2.5 * 0.8 * 0.7


def key_of(site: Any, modality: str) -> int:
    """The key of the one series of a modality."""
    (study,) = site.get("/studies")["items"]
    (key,) = [one["id"] for one in site.get(f"/studies/{study['id']}")["series"] if one["modality"] == modality]
    return int(key)


@pytest.mark.parametrize("first", ["images", "segmentation"])
def test_a_sparse_segmentation_lies_on_its_images_whichever_came_first(site: Any, tmp_path: Path, first: str) -> None:
    truth = synthetic_series(tmp_path / "ct", slices=10, rows=7, columns=9, spacing=(2.5, 0.8, 0.7))
    mask = np.zeros((10, 7, 9), np.uint8)
    mask[[1, 3, 7]] = 1

    def silent(dataset: Any) -> None:
        dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].pop("SpacingBetweenSlices", None)

    path = segmented(tmp_path / "seg" / "s.dcm", truth, mask, edit=silent)
    for files in ([*truth.paths], [path]) if first == "images" else ([path], [*truth.paths]):
        site.upload(files)
    key = key_of(site, "SEG")
    measured = site.get(f"/series/{key}/measure")
    (volume,) = (one for one in voxelry.load(tmp_path).volumes if one.metadata["Modality"] == "SEG")
    library = voxelry.measure(volume)
    assert site.get(f"/series/{key}")["volumes"][0]["shape"] == [10, 7, 9]
    assert measured["volume_mm3"] == library.volume_mm3 == pytest.approx(3 * 63 * VOXEL)
    assert measured["warnings"] == list(library.warnings)
    assert any("3 of 10 slices are encoded" in words for words in measured["warnings"])


def test_probabilities_need_a_threshold_of_the_users_own(site: Any, tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path / "ct", slices=4, rows=7, columns=9, spacing=(2.5, 0.8, 0.7))
    mask = np.zeros((4, 7, 9), np.float32)
    mask[1:3, :2] = 0.8
    path = segmented(tmp_path / "s.dcm", truth, mask, segmentation_type="FRACTIONAL", fractional_type="PROBABILITY")
    (key,) = site.upload([path])["series"]
    assert site.get(f"/series/{key}/measure")["volume_mm3"] is None
    assert site.get(f"/series/{key}/measure", threshold=0.5)["volume_mm3"] == pytest.approx(36 * VOXEL)
    assert site.get(f"/series/{key}/histogram")["exact"] is False, "the page asks the server for the figures"


def test_a_map_with_nan_is_measured_without_it(site: Any, tmp_path: Path) -> None:
    values = np.linspace(0, 1, 20, dtype=np.float32).reshape(4, 5)
    values[1, 1], values[2, 2] = np.nan, np.inf
    dataset = synthetic_instance(np.zeros((4, 5), np.uint16), modality="MR", rescale=None)
    del dataset.PixelData
    for keyword in ("BitsStored", "HighBit", "PixelRepresentation"):
        delattr(dataset, keyword)
    dataset.BitsAllocated = 32
    dataset.add_new(0x7FE00008, "OF", values.tobytes())
    path = write(dataset, tmp_path / "map.dcm")
    (key,) = site.upload([path])["series"]
    told = site.get(f"/series/{key}")["volumes"][0]
    measured, counted = site.get(f"/series/{key}/measure"), site.get(f"/series/{key}/histogram")
    assert measured["pixels_above_threshold"] == int((values[np.isfinite(values)] > 0.5).sum())
    assert any("2 of 20 pixels are NaN or infinite" in words for words in measured["warnings"])
    assert (sum(counted["counts"]), counted["min"], counted["max"]) == (18, 0, 1)
    assert (told["min"], told["max"], told["padding_count"]) == (0, 1, 0)
    with path.open("rb") as file:
        view = site.post("/measure", 200, file=file, view=True)["measurements"][0]
    assert view["pixels_above_threshold"] == measured["pixels_above_threshold"]
    assert view["view"]["histogram"]["counts"] == counted["counts"]


def test_a_mask_of_a_radiograph_is_kept(
    site: Any, tmp_path: Path, do_jobs: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolated, "IN_PROCESS", True)
    dataset = synthetic_instance(
        modality="DX", sop_class_uid="1.2.840.10008.5.1.4.1.1.1.1", spacing=None, position=None, orientation=None,
        rescale=None, attributes={"FrameOfReferenceUID": None},
    )  # fmt: skip
    (key,) = site.upload([write(dataset, tmp_path / "dx.dcm")])["series"]
    body = json.dumps({"job_name": "threshold", "series": key, "params": {"threshold": 0.5}})
    asked = site.client.post("/api/jobs", body, content_type="application/json").json()
    do_jobs()
    job = site.get(f"/jobs/{asked['id']}")
    assert (job["state"], job["problem"]) == ("succeeded", None)
    (made,) = job["result"]["series"]
    assert made["modality"] == "SEG"
    assert site.get(f"/series/{made['id']}")["volumes"][0]["shape"] == [1, 16, 20]
