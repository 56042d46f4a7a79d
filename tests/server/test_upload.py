"""From an upload to volumes: every file is kept or named, and nothing is kept twice."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

import voxelry
from voxelry.server.archive.models import Entry, Instance, Patient, Series, Stack, Study
from voxelry.server.jobs.models import Job
from voxelry.testing import (
    PATIENT_ID,
    SECRETS,
    bad_files,
    bomb_zip,
    nested_zip,
    protected_zip,
    synthetic_instance,
    synthetic_report,
    synthetic_series,
    write,
    write_zip,
    zip_folder,
)


def test_a_zip_becomes_a_volume_with_its_pictures(site: Any, tmp_path: Path, data_folder: Path) -> None:
    truth = synthetic_series(tmp_path / "s", slices=5)
    report = site.upload([zip_folder(tmp_path / "study.zip", tmp_path / "s")])
    assert (report["state"], report["progress"], report["problem"]) == ("succeeded", 1.0, None)
    assert report["counts"] == {"stored": 5, "present": 0, "skipped": 0}
    assert [entry["name"] for entry in report["entries"]] == sorted(f"study.zip/{p.name}" for p in truth.paths)
    assert [job["kind"] for job in report["jobs"]] == ["ingest", "build"]
    (key,) = report["series"]
    series = site.get(f"/series/{key}")
    (volume,) = series["volumes"]
    assert volume["shape"] == [5, 16, 20]
    assert volume["regular"] is True
    np.testing.assert_allclose(volume["affine"], truth.affine)
    np.testing.assert_allclose(volume["spacing_mm"], truth.spacing)
    folder = data_folder / "stacks" / str(key) / volume["version"]
    np.testing.assert_array_equal(np.load(folder / "0" / "volume.npy"), truth.array)
    assert len(list((folder / "0" / "pictures" / "acquired").glob("*.png"))) == 5
    assert (folder / "thumbnail.png").read_bytes().startswith(b"\x89PNG")
    assert volume["measurement"] == dict(voxelry.measure(voxelry.load_volume(tmp_path / "s")).record())


def test_a_series_that_is_not_axial_gets_axial_pictures_too(site: Any, tmp_path: Path, data_folder: Path) -> None:
    synthetic_series(tmp_path / "s", slices=4, rows=16, columns=20, orientation=voxelry.testing.CORONAL)
    (key,) = site.upload([zip_folder(tmp_path / "s.zip", tmp_path / "s")])["series"]
    (volume,) = site.get(f"/series/{key}")["volumes"]
    pictures = data_folder / "stacks" / str(key) / volume["version"] / "0" / "pictures"
    assert len(list((pictures / "acquired").iterdir())) == 4
    assert len(list((pictures / "axial").iterdir())) == 16 == volume["planes"]["axial"]["count"]


def test_instances_are_kept_byte_for_byte_under_their_digest(site: Any, tmp_path: Path, data_folder: Path) -> None:
    truth = synthetic_series(tmp_path / "s", slices=3)
    site.upload(truth.paths)
    kept = {path.name: path.read_bytes() for path in (data_folder / "files").rglob("*") if path.is_file()}
    assert sorted(kept.values()) == sorted(path.read_bytes() for path in truth.paths)
    assert all(hashlib.sha256(content).hexdigest() == name for name, content in kept.items())


def test_no_path_holds_a_patients_value(site: Any, tmp_path: Path, data_folder: Path) -> None:
    named = write(synthetic_instance(), tmp_path / f"{PATIENT_ID}.dcm")
    site.upload([named])
    site.upload([write(synthetic_instance(seed=7), tmp_path / "other.dcm")], run=False)
    everything = " ".join(str(path.relative_to(data_folder)) for path in data_folder.rglob("*"))
    assert not [secret for secret in SECRETS if secret in everything]


def test_the_same_archive_twice_adds_nothing(site: Any, tmp_path: Path) -> None:
    synthetic_series(tmp_path / "s", slices=3)
    archive = zip_folder(tmp_path / "s.zip", tmp_path / "s")
    first = site.upload([archive])
    before = [
        list(model.objects.order_by("pk").values_list("pk", flat=True))
        for model in (Patient, Study, Series, Instance, Stack)
    ]
    second = site.upload([archive])
    after = [
        list(model.objects.order_by("pk").values_list("pk", flat=True))
        for model in (Patient, Study, Series, Instance, Stack)
    ]
    assert before == after
    assert second["state"] == "succeeded"
    assert second["counts"] == {"stored": 0, "present": 3, "skipped": 0}
    assert second["series"] == first["series"]
    assert Job.objects.filter(kind="build").count() == 1


def test_a_file_twice_in_one_upload_is_stored_once(site: Any, tmp_path: Path) -> None:
    file = write(synthetic_instance(), tmp_path / "a.dcm")
    report = site.upload([write_zip(tmp_path / "s.zip", {"one.dcm": file, "two.dcm": file})])
    assert [entry["status"] for entry in report["entries"]] == ["stored", "present"]


def test_another_file_with_a_known_uid_is_a_conflict_and_the_first_is_kept(
    site: Any, tmp_path: Path, data_folder: Path
) -> None:
    first = write(synthetic_instance(), tmp_path / "first.dcm")
    other = write(synthetic_instance(np.zeros((16, 20), np.uint16)), tmp_path / "other.dcm")
    site.upload([first])
    report = site.upload([other])
    assert report["state"] == "failed"
    (entry,) = report["entries"]
    assert (entry["status"], entry["code"]) == ("skipped", "conflict")
    assert "other.dcm" in entry["message"]
    assert Instance.objects.get().sha256 == hashlib.sha256(first.read_bytes()).hexdigest()
    assert [p.read_bytes() for p in (data_folder / "files").rglob("*") if p.is_file()] == [first.read_bytes()]


def test_new_instances_make_the_series_again(site: Any, tmp_path: Path, data_folder: Path) -> None:
    truth = synthetic_series(tmp_path / "s", slices=4)
    (key,) = site.upload(truth.paths[:2])["series"]
    old = site.get(f"/series/{key}")["volumes"][0]["version"]
    site.upload(truth.paths[2:])
    (volume,) = site.get(f"/series/{key}")["volumes"]
    assert volume["shape"][0] == 4
    assert volume["version"] != old
    assert [folder.name for folder in (data_folder / "stacks" / str(key)).iterdir()] == [volume["version"]]


def test_an_object_without_pixels_is_stored_and_listed(site: Any, tmp_path: Path) -> None:
    report = site.upload([write(synthetic_report(), tmp_path / "report.dcm")])
    assert report["counts"]["stored"] == 1
    series = site.get(f"/series/{report['series'][0]}")
    assert series["state"] == "succeeded"
    assert series["volumes"] == []
    assert series["thumbnail"] is None
    (told,) = series["pixelless"]
    assert (told["sop_class"], told["count"]) == ("Basic Text SR Storage", 1)
    assert [(one["kind"], one["title"]) for one in told["objects"]] == [("report", "Diagnostic imaging report")]
    assert series["report"]["summary"] == "no image: Basic Text SR Storage"


def test_an_irregular_series_is_viewed_slice_by_slice(site: Any, tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path / "s", slices=4, offsets=[0, 5, 10, 20])
    (key,) = site.upload(truth.paths)["series"]
    series = site.get(f"/series/{key}")
    (volume,) = series["volumes"]
    assert (series["state"], series["regular"], volume["regular"]) == ("succeeded", False, False)
    assert volume["problem"]["code"] == "missing_slices"
    (found,) = series["report"]["problems"]
    assert series["report"]["regular"] is False
    assert (found["code"], found["severity"], found["stack"], found["count"]) == ("missing_slices", "error", 0, 1)
    assert found["message"] == volume["problem"]["message"]
    assert list(volume["planes"]) == ["acquired"]
    assert volume["measurement"] is None
    assert site.client.get(f"/api/series/{key}/slices/3.png").status_code == 200
    assert site.get(f"/series/{key}/slices/0.png", 422, axis="coronal")["code"] == "missing_slices"
    assert site.get(f"/series/{key}/measure", 422)["code"] == "missing_slices"


def test_every_bad_file_is_named_and_nothing_else_is_lost(site: Any, tmp_path: Path) -> None:
    codes = bad_files(tmp_path / "bad")
    synthetic_series(tmp_path / "good", slices=3, seed=5)
    members = {f"bad/{name}": tmp_path / "bad" / name for name in codes}
    members |= {f"good/{path.name}": path for path in (tmp_path / "good").iterdir()}
    report = site.upload([write_zip(tmp_path / "mixed.zip", members)])
    assert report["state"] == "succeeded"
    entries = {entry["name"].removeprefix("mixed.zip/"): entry for entry in report["entries"]}
    assert all(entries[name]["status"] == "stored" for name in members if name.startswith("good/"))
    for name, code in codes.items():
        entry = entries[f"bad/{name}"]
        if code == "no_pixel_data":  # kept and listed
            assert entry["status"] == "stored"
        elif entry["status"] == "skipped":
            assert entry["code"] == code
            assert name in entry["message"]
        else:  # kept, and refused when its volume is made
            series = site.get(f"/series/{entry['series']}")
            assert series["problem"]["code"] == code
            assert name in series["problem"]["message"]
    for name in ("notes.txt", "empty.dcm", "truncated.dcm"):
        assert entries[f"bad/{name}"]["status"] == "skipped"
    assert "upload" not in " ".join(e["message"] for e in entries.values() if "/uploads/" in e["message"])


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [("notes.txt", b"Only words.\n" * 30, "not_dicom"), ("empty.dcm", b"", "empty_file")],
)
def test_a_single_bad_file_fails_with_its_own_reason(site: Any, name: str, content: bytes, code: str) -> None:
    key = site.post("/uploads", 202, files=[SimpleUploadedFile(name, content)])["id"]
    from voxelry.server.jobs.attempts import attempt_job

    attempt_job(Job.objects.get().pk)
    report = site.get(f"/uploads/{key}")
    assert report["state"] == "failed"
    assert report["problem"]["code"] == code
    assert name in report["problem"]["message"]
    assert report["entries"][0]["code"] == code


def test_a_truncated_file_costs_no_other(site: Any, tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path / "s", slices=4)
    cut = truth.paths[3]
    cut.write_bytes(cut.read_bytes()[:-100])
    report = site.upload(truth.paths)
    assert report["counts"] == {"stored": 3, "present": 0, "skipped": 1}
    bad = next(entry for entry in report["entries"] if entry["status"] == "skipped")
    assert (bad["name"], bad["code"]) == (cut.name, "truncated")
    assert site.get(f"/series/{report['series'][0]}")["volumes"][0]["shape"] == [3, 16, 20]


@pytest.mark.parametrize("kind", ["traversal", "nested", "bomb", "password"])
def test_a_hostile_archive_is_refused_and_the_good_file_beside_it_stored(
    site: Any, tmp_path: Path, settings: Any, kind: str
) -> None:
    good = write(synthetic_instance(), tmp_path / "good.dcm")
    bad = write(synthetic_instance(seed="bad"), tmp_path / "bad.dcm")
    match kind:
        case "traversal":
            archive = write_zip(tmp_path / "a.zip", {"../../escape.dcm": bad, "/etc/escape.dcm": bad})
            code = "unsafe_path"
        case "nested":
            archive = nested_zip(tmp_path / "a.zip", {"bad.dcm": bad}, depth=4)
            code = "nested_too_deep"
        case "bomb":
            settings.VOXELRY = settings.VOXELRY.replace(expanded_bytes=2**20)
            archive = bomb_zip(tmp_path / "a.zip", expanded_bytes=2**24)
            code = "too_large"
        case _:
            archive = protected_zip(tmp_path / "a.zip", {"bad.dcm": bad})
            code = "password_protected"
    report = site.upload([archive, good])
    assert report["state"] == "succeeded"
    statuses = {entry["name"]: entry for entry in report["entries"]}
    assert statuses.pop("good.dcm")["status"] == "stored"
    assert statuses
    for entry in statuses.values():
        assert (entry["status"], entry["code"]) == ("skipped", code)
        assert entry["name"].startswith("a.zip")
        assert "a.zip" in entry["message"]
    assert not list(tmp_path.rglob("escape.dcm"))


def test_an_archive_in_archives_is_read_to_depth_three(site: Any, tmp_path: Path) -> None:
    file = write(synthetic_instance(), tmp_path / "deep.dcm")
    report = site.upload([nested_zip(tmp_path / "a.zip", {"deep.dcm": file}, depth=3)])
    assert report["counts"]["stored"] == 1
    assert report["entries"][0]["name"] == "a.zip/inner-1.zip/inner-2.zip/deep.dcm"


def test_no_spacing_constant_colour_and_multi_frame(site: Any, tmp_path: Path) -> None:
    files = [
        write(synthetic_instance(spacing=None, seed="nospacing"), tmp_path / "nospacing.dcm"),
        write(synthetic_instance(np.full((16, 20), 7, np.uint16), seed="constant"), tmp_path / "constant.dcm"),
    ]
    colour = synthetic_series(tmp_path / "colour", slices=1, photometric="RGB", bits_stored=8, rescale=None, seed=6)
    multi = synthetic_series(tmp_path / "multi", slices=3, frames="enhanced", seed=7)
    files += [
        colour.paths[0].rename(tmp_path / "colour.dcm"),
        multi.paths[0].rename(tmp_path / "multi.dcm"),
    ]
    report = site.upload(files)
    assert report["counts"] == {"stored": 4, "present": 0, "skipped": 0}
    by_name = {entry["name"]: site.get(f"/series/{entry['series']}")["volumes"][0] for entry in report["entries"]}
    nothing = by_name["nospacing.dcm"]["measurement"]
    assert nothing["volume_mm3"] is None
    assert "Pixel Spacing" in " ".join(nothing["warnings"])
    assert by_name["constant.dcm"]["measurement"]["pixels_above_threshold"] == 0
    assert by_name["colour.dcm"]["colour"] is True
    assert by_name["colour.dcm"]["measurement"] is None
    assert by_name["multi.dcm"]["shape"][0] == 3


def test_no_file_at_all_is_refused(site: Any) -> None:
    assert site.post("/uploads", 422)["code"] == "validation"


def test_nothing_of_a_refused_request_stays(site: Any, data_folder: Path) -> None:
    site.client.post("/api/measure", {"wrong": SimpleUploadedFile("a.dcm", b"x" * 100)})
    assert list((data_folder / "temp").iterdir()) == []


def test_the_waiting_files_go_when_they_are_taken_in(site: Any, tmp_path: Path, data_folder: Path) -> None:
    site.upload([write(synthetic_instance(), tmp_path / "a.dcm")])
    assert list((data_folder / "uploads").iterdir()) == []
    assert list((data_folder / "temp").iterdir()) == []


def test_what_killed_processes_left_goes_after_a_day(data_folder: Path, transactional_db: None) -> None:
    from voxelry.server.archive import cleanup
    from voxelry.server.archive.at_rest import files_at_rest

    temporary = files_at_rest.temporary_folder()
    (temporary / "fresh").write_bytes(b"x")
    (temporary / "old").write_bytes(b"x")
    (temporary / "build-old").mkdir()
    (temporary / "build-old" / "volume.npy").write_bytes(b"x")
    for name in ("old", "build-old"):
        os.utime(temporary / name, (0, 0))
    cleanup.remove_forgotten()
    assert [path.name for path in temporary.iterdir()] == ["fresh"]


def test_entries_come_in_pages(site: Any, tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path / "s", slices=5)
    key = site.upload(truth.paths)["id"]
    page = site.get(f"/uploads/{key}", limit=2, offset=3)
    assert [entry["name"] for entry in page["entries"]] == [path.name for path in truth.paths[3:]]
    assert page["entry_count"] == 5


def test_names_are_shown_as_the_user_gave_them(site: Any, tmp_path: Path, data_folder: Path) -> None:
    site.upload(
        [write_zip(tmp_path / "a.zip", {"notes.txt": b"words " * 40}), write(synthetic_instance(), tmp_path / "b")]
    )
    for entry in Entry.objects.all():
        assert not re.search(r"uploads/\d|000000", entry.name + entry.message)


@pytest.mark.corpus
def test_the_lung_bases(site: Any, corpus: Path, tmp_path: Path) -> None:
    report = site.upload([zip_folder(tmp_path / "lung.zip", corpus / "ct_lung_bases")])
    series = site.get(f"/series/{report['series'][0]}")
    assert series["shape"] == [35, 512, 512]
    assert series["volumes"][0]["measurement"] == dict(
        voxelry.measure(voxelry.load_volume(corpus / "ct_lung_bases")).record()
    )


@pytest.mark.corpus
@pytest.mark.parametrize("folder", ["mixed_kinds_in_one_series", "ct_irregular_stacks", "rt_objects"])
def test_odd_series_are_all_kept_and_can_be_viewed(site: Any, corpus: Path, tmp_path: Path, folder: str) -> None:
    report = site.upload([zip_folder(tmp_path / "odd.zip", corpus / folder)])
    assert report["state"] == "succeeded"
    for key in report["series"]:
        series = site.get(f"/series/{key}")
        for volume in series["volumes"]:
            last = volume["shape"][0] - 1
            picture = site.client.get(f"/api/series/{key}/slices/{last}.png", {"volume": volume["index"]})
            assert picture.status_code == 200


def test_a_file_of_a_request_that_was_given_up_goes_too(data_folder: Path) -> None:
    from voxelry.server.archive.intake import receive_upload

    handler = receive_upload.DataFolderUploadHandler()
    handler.new_file("files", "a.dcm", "", None)
    handler.receive_data_chunk(b"x", 0)
    file = handler.file_complete(1)
    assert len(list((data_folder / "temp").iterdir())) == 1
    # Django calls no close() where the sender went away.
    del file
    assert list((data_folder / "temp").iterdir()) == []


def test_a_full_disk_is_said(site: Any, monkeypatch: pytest.MonkeyPatch, data_folder: Path) -> None:

    class Full(io.FileIO):
        def write(self, part: Any) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("voxelry.server.archive.intake.incoming.os.fdopen", lambda *given: Full(*given))
    told = site.post("/uploads", 507, files=SimpleUploadedFile("a.dcm", b"x"))
    assert told["code"] == "storage_full"
    assert site.get("/uploads")["count"] == 0
    assert list((data_folder / "temp").iterdir()) == []


def test_a_missing_file_is_explained(site: Any) -> None:
    assert "in the field 'files'" in site.post("/uploads", 422, wrong=SimpleUploadedFile("a", b"x"))["detail"]
    assert "in the field 'file'" in site.post("/measure", 422)["detail"]
