"""A file that a series lacks is told wherever the series is, and no longer once it comes whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGLSLossless

from voxelry.core import registry
from voxelry.core.registry import StepRegistry
from voxelry.server.archive.at_rest import files_at_rest
from voxelry.server.archive.models import Instance, Series, Study, UnusedFile
from voxelry.server.archive.remove import remove_studies
from voxelry.server.jobs import isolated
from voxelry.server.jobs.models import Job, State
from voxelry.testing import SyntheticSeries, synthetic_series, write_zip
from voxelry.workflows.measure import measure_all

pytestmark = pytest.mark.django_db(transaction=True)
SLICES = 7
Edit = Callable[[int, Dataset], None]


def _slope(lost: set[int]) -> Edit:
    def edit(k: int, dataset: Dataset) -> None:
        if k in lost:
            dataset.RescaleSlope = "0"

    return edit


def _jpeg_ls(lost: set[int]) -> Edit:
    def edit(k: int, dataset: Dataset) -> None:
        data = bytes(imagecodecs.jpegls_encode(dataset.pixel_array))
        if k in lost:
            data = data[:40] + bytes(len(data) - 60) + data[-20:]
        dataset.PixelData = encapsulate([data])
        dataset["PixelData"].is_undefined_length = True
        dataset.file_meta.TransferSyntaxUID = JPEGLSLossless

    return edit


def _whole(k: int, dataset: Dataset) -> None:
    """As it is."""


def _cut(truth: SyntheticSeries, lost: set[int], count: int = 100) -> dict[int, bytes]:
    """Cut files off; what they were."""
    whole = {k: truth.paths[k].read_bytes() for k in lost}
    for k, content in whole.items():
        truth.paths[k].write_bytes(content[:-count])
    return whole


def _the_series(site: Any) -> tuple[int, Any]:
    row = Series.objects.get()
    return row.pk, site.get(f"/series/{row.pk}")


def _check_refused(site: Any, folder: Path) -> None:
    """Page, REST and terminal give one answer: one code, the same words but for how the files are named."""
    key, series = _the_series(site)
    (volume,) = series["volumes"]
    answer = site.get(f"/series/{key}/measure", 422)
    terminal = next(p for p in measure_all(folder).skipped.values() if p.code == "incomplete_stack")
    words = terminal.message.replace(f"{folder}/", "")
    assert {answer["code"], volume["problem"]["code"], series["problem"]["code"]} == {"incomplete_stack"}
    assert series["report"]["problems"][0]["code"] == "incomplete_stack"
    told = (answer["detail"], volume["problem"]["message"], series["problem"]["message"])
    assert set(told) == {words}
    body = json.dumps({"job_name": "gaussian", "series": key})
    job = site.client.post("/api/jobs", body, content_type="application/json")
    assert job.status_code == 422
    assert volume["problem"]["message"] in job.json()["detail"]
    assert site.client.get(f"/api/series/{key}/slices/0.png").status_code == 200


def _check_whole(site: Any) -> None:
    key, series = _the_series(site)
    (volume,) = series["volumes"]
    assert (series["problem"], volume["problem"], volume["warnings"]) == (None, None, [])
    assert volume["shape"][0] == SLICES
    assert site.get(f"/series/{key}/measure")["volume_mm3"] > 0
    assert not UnusedFile.objects.exists()
    assert not Instance.objects.exclude(problem_code="").exists()


@pytest.mark.parametrize("lost", [{6}, {1, 3, 5}])
def test_what_is_cut_off_is_missing_until_it_comes_whole(site: Any, tmp_path: Path, lost: set[int]) -> None:
    truth = synthetic_series(tmp_path / "s", slices=SLICES)
    whole = _cut(truth, lost)
    report = site.upload(truth.paths)
    assert report["counts"]["skipped"] == len(lost)
    assert all(entry["series"] == report["series"][0] for entry in report["entries"])
    _check_refused(site, tmp_path / "s")
    for k, content in whole.items():
        truth.paths[k].write_bytes(content)
    site.upload([truth.paths[k] for k in lost])
    _check_whole(site)


@pytest.mark.parametrize("damage", [_slope, _jpeg_ls])
@pytest.mark.parametrize("lost", [{6}, {1, 3, 5}])
def test_what_cannot_be_used_is_replaced_by_what_can(
    site: Any, tmp_path: Path, damage: Callable[[set[int]], Edit], lost: set[int]
) -> None:
    truth = synthetic_series(tmp_path / "s", slices=SLICES, edit=damage(lost))
    assert site.upload(truth.paths)["counts"]["stored"] == SLICES
    _check_refused(site, tmp_path / "s")
    assert Instance.objects.exclude(problem_code="").count() == len(lost)
    whole = synthetic_series(tmp_path / "whole", slices=SLICES, edit=_whole if damage is _slope else _jpeg_ls(set()))
    report = site.upload(whole.paths)
    assert (report["counts"]["stored"], report["counts"]["present"]) == (len(lost), SLICES - len(lost))
    _check_whole(site)
    key, _ = _the_series(site)
    raw = site.client.get(f"/api/series/{key}/slices/{max(lost)}.raw")
    values = np.frombuffer(raw.content, raw.headers["X-Voxelry-Dtype"]).reshape(16, 20)
    np.testing.assert_array_equal(values, whole.array[max(lost)])
    conflict = synthetic_series(tmp_path / "other", slices=SLICES, rescale=(2.0, 0.0))
    assert site.upload(conflict.paths[:1])["state"] == "failed", "what can be used is never replaced"


def test_a_damaged_file_that_comes_first_or_alone_is_remembered(site: Any, tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path / "s", slices=SLICES)
    _cut(truth, {6})
    assert site.upload(truth.paths[6:])["state"] == "failed"
    site.upload(truth.paths[:6])
    _check_refused(site, tmp_path / "s")


def test_a_whole_series_becomes_incomplete_by_a_damaged_file_alone(site: Any, tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path / "s", slices=SLICES)
    site.upload(truth.paths[:6])
    _cut(truth, {6})
    site.upload(truth.paths[6:])
    _check_refused(site, tmp_path / "s")
    site.upload(truth.paths[6:])
    assert UnusedFile.objects.count() == 1, "sent twice, it is one file"


@pytest.mark.parametrize("sent", ["0006.dcm", "again.zip/case/0006.dcm"])
@pytest.mark.parametrize("content", [b"", bytes(500), b"\0" * 128 + b"DICM" + b"\x91" * 300])
def test_what_may_be_a_slice_is_a_warning_until_it_comes_whole(
    site: Any, tmp_path: Path, content: bytes, sent: str, do_jobs: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    gaussian = EntryPoint("gaussian", "voxelry.steps.gaussian:STEP", "voxelry.steps")
    monkeypatch.setattr(registry, "_INSTALLED_STEPS", StepRegistry(lambda: [gaussian]))
    monkeypatch.setattr(isolated, "IN_PROCESS", True)
    truth = synthetic_series(tmp_path / "s", slices=SLICES)
    members: dict[str, Any] = {f"case/{path.name}": path for path in truth.paths[:6]}
    members |= {"case/0006.dcm": content, "case/notes.txt": b"words " * 100, "case/DICOMDIR": b"\0" * 128 + b"DICM"}
    members |= {"other/DICOMDIR": b"\0" * 128 + b"DICM", "other/0007.dcm": content}
    site.upload([write_zip(tmp_path / "all.zip", members)])
    key, series = _the_series(site)
    (words,) = series["volumes"][0]["warnings"]
    assert words.startswith(
        "1 file could not be used, so that slices may be missing; the first: all.zip/case/0006.dcm: "
    )
    assert site.get(f"/series/{key}/measure")["warnings"][0] == words
    assert series["problem"] == {"code": "perhaps_incomplete", "message": words}
    body = json.dumps({"job_name": "gaussian", "series": key})
    job = site.client.post("/api/jobs", body, content_type="application/json").json()
    do_jobs()
    assert words in site.get(f"/jobs/{job['id']}")["result"]["warnings"]
    if "/" in sent:
        site.upload([write_zip(tmp_path / "again.zip", {"case/0006.dcm": truth.paths[6]})])
    else:
        site.upload(truth.paths[6:])
    volume = site.get(f"/series/{key}")["volumes"][0]
    assert (volume["warnings"], volume["shape"][0]) == ([], SLICES)
    assert not UnusedFile.objects.exists()


def test_what_lies_elsewhere_and_copies_are_not_missed(site: Any, tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path / "s", slices=SLICES)
    other = synthetic_series(tmp_path / "o", slices=1, seed=1)
    members: dict[str, Any] = {f"a/{path.name}": path for path in truth.paths}
    members |= {"a/copy.dcm": truth.paths[2].read_bytes()[:-100], "b/0000.dcm": b"\0" * 128 + b"DICM" + b"\x91" * 300}
    members |= {"a/of_another.dcm": other.paths[0].read_bytes()[:-100]}
    site.upload([write_zip(tmp_path / "all.zip", members)])
    _, series = _the_series(site)
    assert (series["problem"], series["volumes"][0]["problem"], series["volumes"][0]["warnings"]) == (None, None, [])


def test_what_was_deleted_is_not_missed(site: Any, tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path / "s", slices=SLICES)
    _cut(truth, {6})
    site.upload(truth.paths)
    remove_studies([Study.objects.get().pk])
    assert not UnusedFile.objects.exists()
    site.upload(truth.paths[:6])
    _, series = _the_series(site)
    assert (series["problem"], series["volumes"][0]["problem"]) == (None, None)


def test_an_upload_that_is_taken_in_again_misses_the_same(
    site: Any, tmp_path: Path, monkeypatch: Any, do_jobs: Callable[[], None]
) -> None:
    truth = synthetic_series(tmp_path / "s", slices=SLICES)
    _cut(truth, {6})
    truth.paths[5].write_bytes(b"")
    monkeypatch.setattr(files_at_rest, "remove_folder", lambda _: None)
    report = site.upload(truth.paths)
    rows = list(UnusedFile.objects.values("name", "certain", "code", "series").order_by("name"))
    assert [(row["name"], row["certain"]) for row in rows] == [("0005.dcm", False), ("0006.dcm", True)]
    Job.objects.filter(upload=report["id"]).update(state=State.QUEUED, finished=None)
    do_jobs()
    assert list(UnusedFile.objects.values("name", "certain", "code", "series").order_by("name")) == rows


def test_a_measurement_that_is_not_stored_gives_the_same_answer(site: Any, tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path / "s", slices=SLICES)
    _cut(truth, {6})
    archive = write_zip(tmp_path / "all.zip", {path.name: path for path in truth.paths})
    with archive.open("rb") as file:
        response = site.client.post("/api/measure", {"file": file})
    assert response.status_code == 422
    assert response.json()["code"] == "incomplete_stack"
    assert "1 slice is missing beyond the ends of what is left, at -12.00 mm" in response.json()["detail"]
