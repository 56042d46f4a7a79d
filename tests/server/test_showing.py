"""The site shows each slice as the library does: tables, windows that differ, pixels that are not square, cine."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

import voxelry
from voxelry.testing import SAGITTAL, synthetic_instance, synthetic_series, write, zip_folder
from voxelry.workflows.pictures.picture_files import render

RAMP = np.tile(np.arange(64, dtype=np.uint16) * 60, (4, 48, 1))


def _table(_: int, dataset: Dataset) -> None:
    item = Dataset()
    item.add_new(0x00283002, "US", [4096, 0, 16])
    item.add_new(0x00283003, "LO", "root")
    item.add_new(0x00283006, "OW", (np.sqrt(np.arange(4096) / 4095) * 65_535).astype("<u2").tobytes())
    dataset.VOILUTSequence = Sequence([item])


def _own_window(k: int, dataset: Dataset) -> None:
    dataset.WindowCenter, dataset.WindowWidth = str(500 + 900 * k), "401"


def _own_table(k: int, dataset: Dataset) -> None:
    _table(k, dataset)
    (item,) = dataset.VOILUTSequence
    item.LUTDescriptor = [4096, 200 * k, 16]


def _site_series(site: Any, folder: Path) -> tuple[int, dict[str, Any]]:
    (key,) = site.upload([zip_folder(folder.with_suffix(".zip"), folder)])["series"]
    return key, site.get(f"/series/{key}")["volumes"][0]


def _picture(site: Any, key: int, n: int, kind: str = "png", **query: Any) -> Any:
    content = site.client.get(f"/api/series/{key}/slices/{n}.{kind}", query).content
    return imagecodecs.png_decode(content) if kind == "png" else imagecodecs.jpeg8_decode(content)


@pytest.mark.parametrize("edit", [_table, _own_window, _own_table])
def test_pictures_are_those_of_the_library(site: Any, tmp_path: Path, edit: Any) -> None:
    folder = tmp_path / "in"
    synthetic_series(folder, pixels=RAMP, orientation=SAGITTAL, modality="MR", rescale=None, bits_stored=16, edit=edit)
    volume = voxelry.load_volume(folder)
    key, _ = _site_series(site, folder)
    for axis in (None, "sagittal", "axial"):
        query = {} if axis is None else {"axis": axis}
        for n in (0, 3):
            expected = render(volume, n, axis=axis)
            np.testing.assert_array_equal(_picture(site, key, n, **query), expected)
            assert np.abs(_picture(site, key, n, "jpg", **query).astype(int) - expected).mean() < 4
    thumbnail = imagecodecs.png_decode(site.client.get(f"/api/series/{key}/thumbnail.png").content)
    assert abs(float(thumbnail.mean()) - float(render(volume, 2).mean())) < 4


def test_json_has_each_slices_own_once(site: Any, tmp_path: Path) -> None:
    windows = [500, 500, 1400, 500]

    def edit(k: int, dataset: Dataset) -> None:
        dataset.WindowCenter, dataset.WindowWidth = str(windows[k]), "401"
        if k == 3:
            del dataset.WindowCenter, dataset.WindowWidth

    synthetic_series(tmp_path / "in", pixels=RAMP, modality="MR", rescale=None, bits_stored=16, edit=edit)
    _, volume = _site_series(site, tmp_path / "in")
    views = volume["slice_views"]
    assert [view["center"] for view in views["views"]] == [500, 1400]
    assert views["slices"] == [0, 0, 1, None]
    assert volume["default_view"] == volume["default_window"] == volume["windows"][0]


def test_json_has_the_table_as_levels(site: Any, tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in", pixels=RAMP, modality="MR", rescale=None, bits_stored=16, edit=_table)
    _, volume = _site_series(site, tmp_path / "in")
    view = volume["default_view"]
    assert (view["name"], view["first"]) == ("root", 0)
    levels = np.frombuffer(base64.b64decode(view["levels"]), np.uint8)
    assert np.abs(levels - np.sqrt(np.arange(4096) / 4095) * 255).max() <= 0.51
    assert volume["tables"] == [view]
    assert volume["slice_views"] is None
    assert volume["default_window"]["function"] == "LINEAR_EXACT"  # for those who know windows only


def test_a_plain_series_has_nothing_of_it(site: Any, tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in")
    _, volume = _site_series(site, tmp_path / "in")
    nothing: dict[str, Any] = {
        "tables": [],
        "slice_views": None,
        "slice_places": None,
        "frame_rate": None,
        "frame_times_ms": None,
    }
    assert {name: volume[name] for name in nothing} == nothing
    assert volume["default_view"] == volume["default_window"]


def _frames(**attributes: Any) -> Dataset:
    dataset = synthetic_instance(
        np.arange(6 * 8 * 12, dtype=np.uint8).reshape(6, 8, 12) // 3, modality="US",
        sop_class_uid="1.2.840.10008.5.1.4.1.1.3.1", spacing=None, position=None, orientation=None, rescale=None,
    )  # fmt: skip
    dataset.NumberOfFrames = 6
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def test_cine_is_told(site: Any, tmp_path: Path) -> None:
    write(_frames(FrameTimeVector=["0", "50", "50", "400", "50", "50"]), tmp_path / "in" / "a.dcm")
    _, volume = _site_series(site, tmp_path / "in")
    assert volume["frame_times_ms"] == pytest.approx([50, 50, 400, 50, 50, 50])
    assert volume["frame_rate"] == pytest.approx(6 / 0.65)
    assert (volume["frame_rate_source"], volume["frame_sweep"]) == ("FrameTimeVector", False)


def test_pixels_that_are_not_square_are_shaped_and_have_no_millimetres(site: Any, tmp_path: Path) -> None:
    write(_frames(PixelAspectRatio=["3", "1"]), tmp_path / "in" / "a.dcm")
    key, volume = _site_series(site, tmp_path / "in")
    assert volume["spacing_mm"] == [None, None, None]
    assert volume["planes"]["acquired"] == {
        "count": 6, "rows": 8, "columns": 12, "spacing_mm": [None, None], "aspect": 3.0, "lean": 0.0,
    }  # fmt: skip
    (tmp_path / "t.png").write_bytes(site.client.get(f"/api/series/{key}/thumbnail.png").content)
    with Image.open(tmp_path / "t.png") as thumbnail:
        assert thumbnail.size == (128, 256)
    content = site.client.get(f"/api/series/{key}/slices/0.png").content
    assert b"pHYs" in content


def test_slices_of_an_irregular_series_have_places_of_their_own(site: Any, tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in", slices=4, offsets=(0, 3, 6, 12))
    _, volume = _site_series(site, tmp_path / "in")
    assert volume["affine"] is None
    assert [place["position"][2] for place in volume["slice_places"]] == pytest.approx([-30, -27, -24, -18])
    assert all(place["orientation"] == [1, 0, 0, 0, 1, 0] for place in volume["slice_places"])


def test_a_tilted_plane_leans_on_the_site_too(site: Any, tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in", slices=6, shear=(0, 1.0, 0))
    volume = voxelry.load_volume(tmp_path / "in")
    key, told = _site_series(site, tmp_path / "in")
    assert told["planes"]["sagittal"]["lean"] == pytest.approx(-1.0 / 0.8)
    assert told["planes"]["coronal"]["lean"] == 0
    np.testing.assert_array_equal(_picture(site, key, 3, axis="sagittal"), render(volume, 3, axis="sagittal"))


def test_a_measured_file_shows_the_same_picture(site: Any, tmp_path: Path) -> None:
    synthetic_series(
        tmp_path / "in", pixels=RAMP, modality="MR", rescale=None, bits_stored=16, edit=_own_window,
        spacing=(3.0, 2.0, 1.0),
    )  # fmt: skip
    volume = voxelry.load_volume(tmp_path / "in")
    with zip_folder(tmp_path / "a.zip", tmp_path / "in").open("rb") as file:
        answer = site.client.post("/api/measure", {"file": file, "view": "true"}).json()
    view = answer["measurements"][0]["view"]
    content = base64.b64decode(view["picture"].split(",")[1])
    np.testing.assert_array_equal(imagecodecs.png_decode(content), render(volume, 2))
    assert view["aspect"] == 2.0


def test_volumes_and_series_have_names_wherever_they_are_told_of(site: Any, tmp_path: Path) -> None:
    for number, orientation in enumerate((voxelry.testing.AXIAL, SAGITTAL)):
        synthetic_series(
            tmp_path / "in" / str(number), slices=4 - number, orientation=orientation, first_index=10 * number,
            attributes={"SeriesDescription": "Localizer", "SeriesNumber": 7},
        )  # fmt: skip
    upload = site.upload([zip_folder(tmp_path / "a.zip", tmp_path / "in")])
    (key,) = upload["series"]
    assert upload["series_names"] == [{"id": key, "number": 7, "modality": "CT", "description": "Localizer"}]
    series = site.get(f"/series/{key}")
    assert [volume["label"] for volume in series["volumes"]] == ["axial", "sagittal"]
    assert series["volume_labels"] == ["axial", "sagittal"]
    (built,) = [job for job in site.get("/jobs")["items"] if job["kind"] == "build"]
    assert built["about"] == {"id": key, "number": 7, "modality": "CT", "description": "Localizer"}
    body = {"job_name": "median", "series": key, "stack": 1}
    assert site.client.post("/api/jobs", body, content_type="application/json").status_code == 202
    asked = site.get("/jobs")["items"][0]
    assert (asked["inputs"][0]["description"], asked["inputs"][0]["volume"]) == ("Localizer", "sagittal")


def test_padding_is_told_once_where_slices_agree(site: Any, tmp_path: Path) -> None:
    pixels = np.full((3, 8, 8), 500, np.uint16)
    pixels[:, 0] = 0
    synthetic_series(tmp_path / "in", pixels=pixels, padding_value=0)
    _, volume = _site_series(site, tmp_path / "in")
    assert volume["padding_ranges"] == [[-1024, -1024]]
