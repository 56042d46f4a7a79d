"""Lists, search, facts, originals, deletion."""

from __future__ import annotations

import io
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, connections, transaction

from voxelry.server.access.models import Membership, Project, Role
from voxelry.server.archive.models import Entry, Instance, Patient, Series, Study, Upload
from voxelry.server.jobs.models import Job
from voxelry.testing import (
    PATIENT_ID,
    PATIENT_NAME,
    SECRETS,
    synthetic_instance,
    synthetic_report,
    synthetic_series,
    write,
)


def test_a_study_with_its_facts(site: Any, tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path / "s", slices=3)
    report = write(synthetic_report(), tmp_path / "report.dcm")
    site.upload([*truth.paths, report])
    (study,) = site.get("/studies")["items"]
    assert study["patient"]["patient_id"] == PATIENT_ID
    assert study["patient"]["name"] == PATIENT_NAME
    assert (study["date"], study["time"]) == ("2020-01-02", "10:11:12")
    assert study["modalities"] == ["CT", "SR"]
    assert (study["series_count"], study["instance_count"]) == (2, 4)
    assert study["bytes"] == sum(path.stat().st_size for path in (*truth.paths, report))
    assert site.get(f"/studies/{study['id']}") == study
    assert {row["id"] for row in site.get("/series", study=study["id"])["items"]} == {s["id"] for s in study["series"]}
    assert site.get("/series", study=999) == {"items": [], "count": 0, "more_than": False, "next": None}
    assert site.get("/studies/999", 404)["code"] == "not_found"
    series = site.get(f"/series/{study['series'][0]['id']}")
    assert series["metadata"]["Modality"] in ("CT", "SR")


def test_studies_and_series_are_found_by_their_uids(site: Any, tmp_path: Path) -> None:
    report = site.upload(synthetic_series(tmp_path / "s", slices=2, seed=1).paths)
    site.upload(synthetic_series(tmp_path / "t", slices=2, seed=2).paths)
    series = site.get(f"/series/{report['series'][0]}")
    study = next(row for row in site.get("/studies")["items"] if row["id"] == series["study"]["id"])
    uids = {"study": study["study_instance_uid"], "series": series["series_instance_uid"]}
    found = site.get("/studies", study_instance_uid=uids["study"])
    assert ([row["id"] for row in found["items"]], found["count"], found["next"]) == ([study["id"]], 1, None)
    for asked in (
        {"series_instance_uid": uids["series"]},
        {"study_instance_uid": uids["study"]},
        {"study_instance_uid": uids["study"], "series_instance_uid": uids["series"]},
    ):
        found = site.get("/series", **asked)
        assert ([row["id"] for row in found["items"]], found["count"], found["next"]) == ([series["id"]], 1, None)
    none = {"items": [], "count": 0, "more_than": False, "next": None}
    assert site.get("/studies", study_instance_uid=uids["series"]) == none
    assert site.get("/studies", study_instance_uid=uids["study"], modalities="MR") == none
    assert site.get("/series", series_instance_uid=uids["series"][:-1]) == none
    assert site.get("/series", series_instance_uid=uids["series"], study_instance_uid="1.2.3.4") == none


def test_a_uid_finds_only_what_one_may_see(site: Any, tmp_path: Path, do_jobs: Any) -> None:
    """Another project may hold the same study and series."""
    paths = synthetic_series(tmp_path / "s", slices=2).paths
    report = site.upload(paths)
    series = site.get(f"/series/{report['series'][0]}")
    study = site.get(f"/studies/{series['study']['id']}")
    other = Project.objects.create(name="other")
    files = [SimpleUploadedFile(path.name, path.read_bytes()) for path in paths]
    site.post("/uploads", 202, files=files, project=other.pk)
    do_jobs()
    uids = {name: source[name] for source, name in ((study, "study_instance_uid"), (series, "series_instance_uid"))}
    assert site.get("/series", **uids)["count"] == 2
    viewer = User.objects.create_user("viewer")
    Membership.objects.create(project=other, user=viewer, role=Role.VIEWER)
    site.client.force_login(viewer)
    (row,) = site.get("/series", **uids)["items"]
    assert row["project_id"] == other.pk
    (row,) = site.get("/studies", study_instance_uid=uids["study_instance_uid"])["items"]
    assert row["project_id"] == other.pk
    Membership.objects.all().delete()
    assert site.get("/series", **uids)["items"] == site.get("/studies")["items"] == []


def test_search(site: Any, tmp_path: Path) -> None:
    for number, attributes in enumerate(
        [
            {"PatientID": "P1", "PatientName": "Ada^Lovelace", "StudyDescription": "Thorax", "AccessionNumber": "A77"},
            {
                "PatientID": "P2",
                "PatientName": "Grace^Hopper",
                "StudyDescription": "Abdomen",
                "AccessionNumber": "B88",
                "SeriesDescription": "Liver late",
            },
        ]
    ):
        dataset = synthetic_instance(seed=f"n{number}", attributes=attributes, modality=["CT", "MR"][number])
        site.upload([write(dataset, tmp_path / f"{number}.dcm")])
    for words, expected in (
        ("lovelace", ["P1"]),
        ("HOPPER abdomen", ["P2"]),
        ("hopper thorax", []),
        ("B88", ["P2"]),
        ("mr", ["P2"]),
        ("liver hopper", ["P2"]),
        ("", ["P2", "P1"]),
        ("100%", []),
    ):
        found = site.send("/studies/search", 200, search=words)
        assert [study["patient"]["patient_id"] for study in found["items"]] == expected
        assert found["count"] == len(expected)


def test_lists_come_in_pages(site: Any, tmp_path: Path) -> None:
    for number in range(3):
        site.upload([write(synthetic_instance(seed=f"n{number}"), tmp_path / f"{number}.dcm")])
    for address in ("/studies", "/series", "/uploads"):
        everything = site.get(address)
        assert everything["count"] == 3
        part = site.get(address, limit=1, offset=1)
        last = everything["items"][1]["id"]
        assert part == {"items": everything["items"][1:2], "count": 3, "more_than": False, "next": last}
        rest = site.get(address, after=part["next"])
        assert (rest["items"], rest["next"]) == (everything["items"][2:], None)
        assert site.get(address, 422, limit=1001)["code"] == "validation"


@pytest.mark.parametrize("address", ["/studies", "/series", "/uploads", "/jobs"])
def test_a_list_asks_as_often_for_many_rows_as_for_one(
    site: Any, tmp_path: Path, django_assert_num_queries: Any, address: str
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    site.upload([write(synthetic_instance(seed="n0"), tmp_path / "0.dcm")])
    with CaptureQueriesContext(
        connection,
    ) as one:
        site.get(address)
    for number in range(1, 5):
        site.upload([write(synthetic_instance(seed=f"n{number}"), tmp_path / f"{number}.dcm")])
    with CaptureQueriesContext(connection) as many:
        site.get(address)
    assert len(many) == len(one)
    assert len(many) < 10


def test_patients_are_told_apart_by_their_ids_only(site: Any, tmp_path: Path) -> None:
    for number, identity in enumerate(["P1", "P1", "", ""]):
        dataset = synthetic_instance(seed=f"n{number}", attributes={"PatientID": identity})
        site.upload([write(dataset, tmp_path / f"{number}.dcm")])
    assert Study.objects.count() == 4
    assert Patient.objects.count() == 3


def test_the_originals_come_back_byte_for_byte(site: Any, tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path / "s", slices=3)
    report = write(synthetic_report(), tmp_path / "report.dcm")
    site.upload([*truth.paths, report])
    response = site.client.get(f"/api/studies/{Study.objects.get().pk}/archive.zip")
    assert response.headers["Content-Type"] == "application/zip"
    content = b"".join(response.streaming_content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert sorted(archive.read(name) for name in archive.namelist()) == sorted(
            path.read_bytes() for path in (*truth.paths, report)
        )
        names = " ".join(archive.namelist()) + response.headers["Content-Disposition"]
    assert not [secret for secret in SECRETS if secret in names]


def test_deleting_a_study_removes_rows_and_files(site: Any, tmp_path: Path, data_folder: Path) -> None:
    keep = write(synthetic_instance(seed="keep", attributes={"PatientID": "K"}), tmp_path / "keep.dcm")
    site.upload([keep])
    kept_files = {path for path in data_folder.rglob("*") if path.is_file()}
    site.upload(synthetic_series(tmp_path / "s", slices=3).paths)
    study = Study.objects.order_by("pk").last()
    assert study is not None
    site.delete_for_good(study.pk)
    assert {path for path in data_folder.rglob("*") if path.is_file()} == kept_files
    assert (Study.objects.count(), Series.objects.count(), Instance.objects.count(), Patient.objects.count()) == (
        1,
        1,
        1,
        1,
    )
    assert Entry.objects.count() == 4  # the report of what came stays
    assert site.client.delete(f"/api/studies/{study.pk}").status_code == 404


def test_what_was_deleted_can_be_uploaded_again(site: Any, tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path / "s", slices=3)
    site.upload(truth.paths)
    site.client.delete(f"/api/studies/{Study.objects.get().pk}")
    report = site.upload(truth.paths)
    assert report["counts"] == {"stored": 3, "present": 0, "skipped": 0}
    assert site.get(f"/series/{report['series'][0]}")["volume_count"] == 1


def test_a_study_deleted_before_its_build(site: Any, tmp_path: Path, data_folder: Path) -> None:
    from voxelry.server.jobs.attempts import attempt_job

    site.upload(synthetic_series(tmp_path / "s", slices=3).paths, run=False)
    attempt_job(Job.objects.get().pk)
    study = Study.objects.get().pk
    site.client.delete(f"/api/studies/{study}")
    assert Job.objects.get(kind="build").state == "cancelled"
    assert site.client.delete(f"/api/trash/{study}").status_code == 204
    assert not [path for path in data_folder.rglob("*") if path.is_file()]


def test_the_database_holds_the_archives_rules(site: Any, tmp_path: Path) -> None:
    site.upload([write(synthetic_instance(), tmp_path / "a.dcm")])
    instance, upload = Instance.objects.get(), Upload.objects.get()
    wrong: list[Any] = [
        lambda: Instance.objects.filter(pk=instance.pk).update(sha256="short"),
        lambda: Instance.objects.filter(pk=instance.pk).update(size=0),
        lambda: Study.objects.create(
            patient=Patient.objects.get(), study_instance_uid=Study.objects.get().study_instance_uid
        ),
        lambda: Patient.objects.create(patient_id=PATIENT_ID),
        lambda: Entry.objects.create(upload=upload, position=9, name="x", status="skipped"),
        lambda: Entry.objects.create(upload=upload, position=0, name="x", status="stored"),
        lambda: Series.objects.create(study=Study.objects.get(), series_instance_uid=""),
    ]
    for attempt in wrong:
        with pytest.raises((IntegrityError, ValidationError)), transaction.atomic():
            attempt()


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/series?study=99999999999999999999999", 422),
        ("/series?offset=99999999999999999999999", 422),
        ("/series?limit=0", 422),
        ("/series?limit=1001", 422),
        ("/series?series_instance_uid=%00", 422),
        ("/series?study_instance_uid=" + "1." * 33, 422),
        ("/studies?study_instance_uid=%00", 422),
        ("/jobs?state=nonsense", 422),
        ("/studies?search=" + "a%20" * 150, 422),
        ("/studies?search=%00", 422),
        ("/studies?offset=10001", 422),
        ("/studies/99999999999999999999999", 404),
        ("/series/99999999999999999999999", 404),
        ("/series/99999999999999999999999/slices/0.raw", 404),
        ("/series/99999999999999999999999/slices/0.png", 404),
        ("/series/99999999999999999999999/histogram", 404),
        ("/series/99999999999999999999999/measure", 404),
        ("/jobs/99999999999999999999999", 404),
        ("/uploads/99999999999999999999999", 404),
    ],
)
def test_odd_numbers_and_words_are_no_defect(site: Any, address: str, status: int) -> None:
    site.get(address, status)


def test_deleting_waits_for_whoever_is_storing_the_same_bytes(
    site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, do_jobs: Any, data_folder: Path
) -> None:
    """Between an upload's look at the bytes and its commit, nobody removes them."""
    from voxelry.server.archive.at_rest import files_at_rest
    from voxelry.server.archive.remove import remove_studies

    truth = synthetic_series(tmp_path / "s", slices=2)
    site.upload(truth.paths)
    whole = files_at_rest.is_kept
    deletions: list[threading.Thread] = []

    def delete_in_between(sha256: str) -> bool:
        kept = whole(sha256)
        if not deletions:
            deletions.append(threading.Thread(target=_in_thread(lambda: files_at_rest.discard([sha256]))))
            deletions[0].start()
            deletions[0].join(0.5)
        return kept

    remove_studies([Study.objects.get().pk])
    monkeypatch.setattr(files_at_rest, "is_kept", delete_in_between)
    if connection.vendor == "sqlite":  # whose test database is in memory, and its other connections cannot wait
        monkeypatch.setattr(files_at_rest, "is_kept", whole)
    site.upload(truth.paths)
    for thread in deletions:
        thread.join()
    assert Instance.objects.count() == 2
    assert all(whole(instance.sha256) for instance in Instance.objects.all())


def _in_thread(work: Any) -> Any:
    def done() -> None:
        try:
            work()
        finally:
            connections.close_all()

    return done
