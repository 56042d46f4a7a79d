"""Slices, histograms and measurements: what the server answers is what the library says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pydicom.dataset import Dataset

import voxelry
from voxelry.core.display import default_window
from voxelry.core.histogram import histogram
from voxelry.core.intensity import Window, to_display
from voxelry.core.planes import AXES, plane, plane_count
from voxelry.core.region_words import solid_of_text
from voxelry.testing import CORONAL, OBLIQUE, synthetic_instance, synthetic_report, synthetic_series, write, zip_folder
from voxelry.workflows.measure import measure_all


def _decoded(content: bytes) -> Any:
    return imagecodecs.png_decode(content)


@pytest.fixture(params=["axial", "coronal", "oblique"])
def stacked(request: Any, site: Any, tmp_path: Path) -> tuple[Any, voxelry.Volume, int]:
    """The site with one series, as the library reads it, and its key."""
    orientation = {"axial": voxelry.testing.AXIAL, "coronal": CORONAL, "oblique": OBLIQUE}[request.param]
    synthetic_series(tmp_path / "s", slices=5, orientation=orientation)
    (key,) = site.upload([zip_folder(tmp_path / "s.zip", tmp_path / "s")])["series"]
    return site, voxelry.load_volume(tmp_path / "s"), key


def test_raw_is_the_plane_of_the_library(stacked: Any) -> None:
    site, volume, key = stacked
    for axis in (None, *AXES):
        query = {} if axis is None else {"axis": axis}
        for index in range(plane_count(volume, axis)):
            response = site.client.get(f"/api/series/{key}/slices/{index}.raw", query)
            dtype = np.dtype(response.headers["X-Voxelry-Dtype"]).newbyteorder("<")
            shape = tuple(map(int, response.headers["X-Voxelry-Shape"].split(",")))
            values = np.frombuffer(response.content, dtype).reshape(shape)
            np.testing.assert_array_equal(values, plane(volume, index, axis=axis))
        assert site.client.get(f"/api/series/{key}/slices/{index + 1}.raw", query).status_code == 404


def test_raw_slices_read_nothing_of_how_they_are_shown(site: Any, tmp_path: Path) -> None:
    (key,) = site.upload(synthetic_series(tmp_path / "s").paths)["series"]
    with CaptureQueriesContext(connection) as asked:
        assert site.client.get(f"/api/series/{key}/slices/0.raw").status_code == 200
    columns = " ".join(query["sql"] for query in asked)
    assert '"dtype"' in columns
    assert '"display"' not in columns  # of a series whose slices have each their own, larger than the slice
    assert '"report"' not in columns


def test_png_is_the_plane_in_its_window(stacked: Any) -> None:
    site, volume, key = stacked
    for axis in (None, *AXES):
        query = {} if axis is None else {"axis": axis}
        shown = _decoded(site.client.get(f"/api/series/{key}/slices/1.png", query).content)
        np.testing.assert_array_equal(shown, to_display(plane(volume, 1, axis=axis), default_window(volume)))
        other = site.client.get(f"/api/series/{key}/slices/1.png", {**query, "center": 40, "width": 400})
        np.testing.assert_array_equal(_decoded(other.content), to_display(plane(volume, 1, axis=axis), Window(40, 400)))


def test_jpg_is_a_jpeg(stacked: Any) -> None:
    site, volume, key = stacked
    response = site.client.get(f"/api/series/{key}/slices/0.jpg")
    assert response.headers["Content-Type"] == "image/jpeg"
    assert imagecodecs.jpeg8_decode(response.content).shape == volume.array.shape[1:]


def test_a_picture_asked_for_again_is_not_sent_again(stacked: Any) -> None:
    site, _, key = stacked
    address = f"/api/series/{key}/slices/0.png"
    first = site.client.get(address)
    assert first.headers["Cache-Control"] == "private, no-cache"
    again = site.client.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    version = site.get(f"/series/{key}")["volumes"][0]["version"]
    assert "immutable" in site.client.get(address, {"v": version}).headers["Cache-Control"]
    assert first.headers["X-Voxelry-Version"] == version
    assert site.client.get(address, {"v": "other"}).headers["Cache-Control"] == "private, no-cache"


def test_histogram_and_measurement_are_the_librarys(stacked: Any) -> None:
    site, volume, key = stacked
    told, counted = site.get(f"/series/{key}/histogram"), histogram(volume)
    assert told == {
        "values": counted.values.tolist(),
        "counts": counted.counts.tolist(),
        "min": counted.minimum,
        "max": counted.maximum,
        "exact": True,
    }
    for threshold in (0.0, 0.25, 0.5, 0.731, 1.0):
        assert site.get(f"/series/{key}/measure", threshold=threshold) == voxelry.measure(volume, threshold).record()


def test_the_live_figure_of_a_page_equals_the_servers(stacked: Any) -> None:
    site, _, key = stacked
    told = site.get(f"/series/{key}/histogram")
    values, counts = np.array(told["values"]), np.array(told["counts"])
    for threshold in np.linspace(0, 1, 21):
        live = int(counts[(values - told["min"]) / (told["max"] - told["min"]) > threshold].sum())
        assert site.get(f"/series/{key}/measure", threshold=threshold)["pixels_above_threshold"] == live


def test_counts_by_limits_in_regions_and_at_points_are_the_librarys(stacked: Any) -> None:
    site, volume, key = stacked
    values = np.sort(np.unique(volume.array))
    low, high = float(values[values.size // 3]), float(values[2 * values.size // 3])
    index = tuple(np.argwhere((volume.array >= low) & (volume.array <= high))[-1])
    point = volume.geometry.index_to_lps(index)
    words = ",".join(map(repr, point.tolist()))
    sphere = f"sphere:{words}:9.5"
    region = solid_of_text(sphere)
    address = f"/series/{key}/measure"
    for query, arguments in (
        ({"lower": low}, {"lower": low}),
        ({"lower": low, "upper": high, "within": sphere}, {"lower": low, "upper": high, "within": region}),
        ({"lower": low, "upper": high, "component": words}, {"lower": low, "upper": high, "component": tuple(point)}),
        (
            {"upper": high, "lower": low, "within": sphere, "component": words},
            {"upper": high, "lower": low, "within": region, "component": tuple(point)},
        ),
        ({"method": "otsu", "within": sphere}, {"method": "otsu", "within": region}),
        ({"percentile": 75}, {"percentile": 75}),
        ({"threshold": 0.25, "within": sphere}, {"threshold": 0.25, "within": region}),
    ):
        assert site.get(address, **query) == voxelry.measure(volume, **arguments).record()
    told, counted = site.get(f"/series/{key}/histogram", within=sphere), histogram(volume, region.within(volume))
    assert (told["values"], told["counts"]) == (counted.values.tolist(), counted.counts.tolist())
    assert told["total"] == sum(told["counts"]) == region.within(volume).count > 0
    assert site.get(f"/series/{key}/histogram", within="sphere:9999,0,0:1")["counts"] == []


def test_padding_is_left_out_and_told(site: Any, tmp_path: Path) -> None:
    pixels = voxelry.testing.pattern((3, 16, 20))
    pixels[:, :4] = 4000
    synthetic_series(tmp_path / "s", slices=3, pixels=pixels, padding_value=4000)
    (key,) = site.upload([zip_folder(tmp_path / "s.zip", tmp_path / "s")])["series"]
    volume = voxelry.load_volume(tmp_path / "s")
    (told,) = site.get(f"/series/{key}")["volumes"]
    assert told["padding_count"] == 3 * 16 * 20 - histogram(volume).counts.sum() > 0
    assert site.get(f"/series/{key}/measure") == voxelry.measure(volume).record()


@pytest.mark.parametrize(
    ("address", "query", "status", "code"),
    [
        ("/series/{key}/slices/99.png", {}, 404, "not_found"),
        ("/series/{key}/slices/0.png", {"volume": 7}, 404, "not_found"),
        ("/series/{key}/slices/0.png", {"axis": "slanted"}, 422, "validation"),
        ("/series/{key}/slices/0.png", {"center": 40}, 422, "parameter"),
        ("/series/{key}/slices/0.png", {"center": 40, "width": 0}, 422, "parameter"),
        ("/series/{key}/slices/0.png", {"center": "nan", "width": 10}, 422, "parameter"),
        ("/series/{key}/slices/0.gif", {}, 404, "not_found"),
        ("/series/999/slices/0.png", {}, 404, "not_found"),
        ("/series/999", {}, 404, "not_found"),
        ("/series/999/thumbnail.png", {}, 404, "not_found"),
        ("/series/{key}/measure", {"threshold": 1.5}, 422, "parameter"),
        ("/series/{key}/measure", {"method": "magic"}, 422, "parameter"),
        ("/series/{key}/measure", {"threshold": "half"}, 422, "validation"),
        ("/series/{key}/measure", {"lower": "nan"}, 422, "parameter"),
        ("/series/{key}/measure", {"lower": 3, "upper": 2}, 422, "parameter"),
        ("/series/{key}/measure", {"lower": 3, "threshold": 0.5}, 422, "parameter"),
        ("/series/{key}/measure", {"component": "9999,0,0"}, 422, "parameter"),
        ("/series/{key}/measure", {"component": "here"}, 422, "validation"),
        ("/series/{key}/measure", {"within": "sphere:1,2:3"}, 422, "parameter"),
        ("/series/{key}/measure", {"within": "/etc/passwd"}, 422, "parameter"),
        ("/series/{key}/measure", {"within": "sphere:" + "9" * 2000}, 422, "validation"),
        ("/series/{key}/histogram", {"within": "box:1,2,3"}, 422, "parameter"),
    ],
)
def test_what_cannot_be_answered_is_said(
    site: Any, tmp_path: Path, address: str, query: dict[str, Any], status: int, code: str
) -> None:
    (key,) = site.upload(synthetic_series(tmp_path / "s", slices=2).paths)["series"]
    assert site.get(address.format(key=key), status, **query)["code"] == code


def test_a_series_whose_job_waits_is_not_ready(site: Any, tmp_path: Path) -> None:
    from voxelry.server.jobs.attempts import attempt_job
    from voxelry.server.jobs.models import Job

    site.upload(synthetic_series(tmp_path / "s", slices=2).paths, run=False)
    attempt_job(Job.objects.get().pk)
    (series,) = site.get("/series")["items"]
    assert series["state"] == "queued"
    assert site.get(f"/series/{series['id']}/slices/0.png", 409)["code"] == "not_ready"


def test_colour_has_slices_and_no_histogram(site: Any, tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path / "s", slices=2, photometric="RGB", bits_stored=8, rescale=None)
    (key,) = site.upload(truth.paths)["series"]
    response = site.client.get(f"/api/series/{key}/slices/0.png")
    np.testing.assert_array_equal(_decoded(response.content), truth.array[0])
    assert site.get(f"/series/{key}/histogram", 422)["code"] == "measure"
    assert site.get(f"/series/{key}/measure", 422)["code"] == "measure"


def test_measure_a_file_and_store_nothing(site: Any, tmp_path: Path, data_folder: Path) -> None:
    file = write(synthetic_instance(), tmp_path / "a.dcm")
    told = site.post("/measure", 200, file=SimpleUploadedFile("mine.dcm", file.read_bytes()), threshold="0.25")
    expected = voxelry.measure(voxelry.load_volume(file), 0.25).record()
    assert told == {"measurements": [expected], "skipped": {}}
    assert not [path for path in data_folder.rglob("*") if path.is_file()]
    assert site.get("/series")["count"] == 0


def test_measure_pet_in_standardized_uptake_values(site: Any, tmp_path: Path) -> None:
    """As the library does; PET that does not say enough is refused with the reason."""
    for name, weight in (("told", "80"), ("untold", "0")):

        def edit(_: int, dataset: Dataset, weight: str = weight) -> None:
            item = Dataset()
            item.RadionuclideTotalDose, item.RadionuclideHalfLife = "370000000", "3600"
            item.RadiopharmaceuticalStartTime = "110000.00"
            dataset.RadiopharmaceuticalInformationSequence = [item]
            dataset.PatientWeight = weight

        attributes: dict[str, object] = {
            "Units": "BQML", "CorrectedImage": ["DECY", "ATTN"], "DecayCorrection": "START", "SeriesDate": "20200102",
            "SeriesTime": "120000", "AcquisitionDate": "20200102", "AcquisitionTime": "120000",
        }  # fmt: skip
        synthetic_series(tmp_path / name, modality="PT", slices=3, attributes=attributes, edit=edit)
    told = zip_folder(tmp_path / "told.zip", tmp_path / "told")
    answer = site.post("/measure", 200, file=SimpleUploadedFile("told.zip", told.read_bytes()), suv="bw")
    [expected] = measure_all(told, suv="bw").measurements
    [plain] = measure_all(told).measurements
    assert answer["measurements"][0]["limits"] == expected.record()["limits"] != plain.record()["limits"]
    untold = SimpleUploadedFile("b.zip", zip_folder(tmp_path / "b.zip", tmp_path / "untold").read_bytes())
    assert site.post("/measure", 422, file=untold, suv="bw")["code"] == "suv"
    again = SimpleUploadedFile("told.zip", told.read_bytes())
    assert site.post("/measure", 422, file=again, suv="stone")["code"] == "validation"


def test_measure_with_a_view_for_the_page(site: Any, tmp_path: Path) -> None:
    synthetic_series(tmp_path / "s", slices=5)
    archive = zip_folder(tmp_path / "s.zip", tmp_path / "s")
    told = site.post("/measure", 200, file=SimpleUploadedFile("s.zip", archive.read_bytes()), view="1")
    view = told["measurements"][0]["view"]
    assert view["picture"].startswith("data:image/png;base64,")
    assert (view["slice"], view["rows"], view["columns"], view["shape"]) == (2, 16, 20, [5, 16, 20])
    assert sum(view["histogram"]["counts"]) == 5 * 16 * 20


def test_measure_says_why_it_cannot(site: Any, tmp_path: Path) -> None:
    report = write(synthetic_report(), tmp_path / "r.dcm").read_bytes()
    for name, content, code in (
        ("notes.txt", b"words " * 50, "not_dicom"),
        ("empty.dcm", b"", "empty_file"),
        ("report.dcm", report, "no_pixel_data"),
    ):
        told = site.post("/measure", 422, file=SimpleUploadedFile(name, content))
        assert told["code"] == code
        assert name in told["detail"]
        assert list(told["skipped"]) == [name]
        assert told["skipped"][name]["code"] == code
    assert site.post("/measure", 422)["code"] == "validation"
    good = SimpleUploadedFile("a.dcm", write(synthetic_instance(), tmp_path / "a.dcm").read_bytes())
    assert site.post("/measure", 422, file=good, threshold="2")["code"] == "parameter"


def test_the_configured_threshold_holds_where_none_is_given(site: Any, tmp_path: Path, settings: Any) -> None:
    settings.VOXELRY = settings.VOXELRY.replace(threshold=0.9)
    file = write(synthetic_instance(), tmp_path / "a.dcm")
    told = site.post("/measure", 200, file=SimpleUploadedFile("a.dcm", file.read_bytes()))
    assert told["measurements"][0] == voxelry.measure(voxelry.load_volume(file), 0.9).record()
    assert site.get("/me")["settings"] == {"threshold": 0.9, "trash_days": 7.0}


@pytest.mark.corpus
def test_the_known_slice(site: Any, corpus: Path) -> None:
    content = (corpus / "single" / "1-101.dcm").read_bytes()
    told = site.post("/measure", 200, file=SimpleUploadedFile("1-101.dcm", content))["measurements"][0]
    assert told["pixels_above_threshold"] == 50_080
    assert told["volume_mm3"] == 143_280.029296875
    assert told["warnings"] == []


def test_few_are_measured_at_a_time_and_the_others_wait(
    site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data_folder: Path
) -> None:
    from voxelry.server.api import measure_routes
    from voxelry.server.api.turns import Turns

    content = write(synthetic_instance(), tmp_path / "a.dcm").read_bytes()
    turns = Turns(1)
    monkeypatch.setattr(measure_routes, "_turns", turns)
    monkeypatch.setattr(measure_routes, "PATIENCE_SECONDS", 0.01)
    with turns.take(site.user.pk, patience=1):
        told = site.post("/measure", 503, file=SimpleUploadedFile("a.dcm", content))
    assert told["code"] == "busy"
    assert list((data_folder / "temp").iterdir()) == []
    site.post("/measure", 422, file=SimpleUploadedFile("a.txt", b"words"))
    site.post("/measure", 200, file=SimpleUploadedFile("a.dcm", content))  # an error gave its turn back


def test_what_is_too_large_to_be_held_in_memory_is_to_be_uploaded(site: Any, tmp_path: Path, settings: Any) -> None:
    synthetic_series(tmp_path / "s", slices=5, pixels=np.zeros((5, 64, 64), np.uint16))
    archive = zip_folder(tmp_path / "s.zip", tmp_path / "s").read_bytes()
    settings.VOXELRY = settings.VOXELRY.replace(measured_bytes=len(archive) + 1)
    told = site.post("/measure", 422, file=SimpleUploadedFile("s.zip", archive))
    assert told["code"] == "too_large"
    settings.VOXELRY = settings.VOXELRY.replace(measured_bytes=len(archive) - 1)
    told = site.post("/measure", 413, file=SimpleUploadedFile("s.zip", archive))
    assert told["code"] == "too_large"
    assert "upload it" in told["detail"]
