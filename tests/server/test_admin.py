"""The admin: "add" takes files and leads to a report; lists, search, deletion."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from voxelry.server.archive import trash
from voxelry.server.archive.models import Instance, Series, Study, Upload
from voxelry.server.jobs.models import Job
from voxelry.testing import (
    PATIENT_NAME,
    SECRETS,
    synthetic_instance,
    synthetic_report,
    synthetic_series,
    write,
    zip_folder,
)


def searched(client: Client, path: str, words: str) -> Any:
    """The page of a search, which the form posts where the list's address must not hold the words."""
    if path.partition("/")[0] in ("archive", "jobs"):
        return client.post(f"/admin/{path}/", {"q": words, "posted_search": "Search"}, follow=True)
    return client.get(f"/admin/{path}/", {"q": words})


def test_add_series_takes_archives_and_files_and_shows_the_report(
    site: Any, tmp_path: Path, do_jobs: Callable[[], None]
) -> None:
    page = site.client.get("/admin/archive/series/add/").content.decode()
    assert re.search(r'<input type="file" name="file"[^>]* multiple', page)
    synthetic_series(tmp_path / "s", slices=3)
    archive = zip_folder(tmp_path / "s.zip", tmp_path / "s").read_bytes()
    report = write(synthetic_report(seed=9), tmp_path / "r.dcm").read_bytes()
    files = [
        SimpleUploadedFile("s.zip", archive),
        SimpleUploadedFile("r.dcm", report),
        SimpleUploadedFile("empty.dcm", b""),
    ]
    response = site.client.post("/admin/archive/series/add/", {"file": files})
    upload = Upload.objects.get()
    assert response.headers["Location"] == f"/admin/archive/upload/{upload.pk}/change/"
    assert upload.names == ["s.zip", "r.dcm", "empty.dcm"]
    assert upload.user == site.user
    page = site.client.get(response.headers["Location"]).content.decode()
    assert f'data-address="/api/uploads/{upload.pk}"' in page
    assert "voxelry/upload.js" in page
    do_jobs()
    upload.refresh_from_db()
    assert (upload.stored, upload.skipped) == (4, 1)


def test_add_series_without_a_file_says_so(site: Any) -> None:
    page = site.client.post("/admin/archive/series/add/", {}).content.decode()
    assert "This field is required" in page
    assert Upload.objects.count() == 0


def test_add_series_needs_the_csrf_token(user: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    files = [SimpleUploadedFile("a.dcm", b"x")]
    assert client.post("/admin/archive/series/add/", {"file": files}).status_code == 403


def test_who_is_no_staff_gets_no_admin(transactional_db: None) -> None:
    client = Client()
    client.force_login(User.objects.create_user("reader", password="x"))
    assert client.get("/admin/archive/series/").status_code == 302
    assert client.get("/api/me").json()["is_staff"] is False


@pytest.mark.parametrize(
    "path",
    [
        "archive/patient",
        "archive/study",
        "archive/series",
        "archive/instance",
        "archive/stack",
        "archive/entry",
        "archive/upload",
        "jobs/job",
        "access/token",
        "auth/user",
    ],
)
def test_every_list_can_be_seen_and_searched(site: Any, tmp_path: Path, path: str) -> None:
    site.upload([write(synthetic_instance(), tmp_path / "a.dcm")])
    page = site.client.get(f"/admin/{path}/")
    assert page.status_code == 200
    assert searched(site.client, path, "nothing such").status_code == 200
    link = re.search(rf'href="(/admin/{path}/\d+/change/[^"]*)"', page.content.decode())
    if link:
        assert site.client.get(link[1]).status_code == 200


def test_search_finds_a_patients_series(site: Any, tmp_path: Path) -> None:
    site.upload([write(synthetic_instance(), tmp_path / "a.dcm")])
    words = PATIENT_NAME.split("^")[0]
    assert "1 series" in searched(site.client, "archive/series", words).content.decode()
    assert "0 series" in searched(site.client, "archive/series", "nobody").content.decode()


def test_deleting_in_the_admin_moves_to_the_trash_and_emptying_it_removes_the_files(
    site: Any, tmp_path: Path, data_folder: Path
) -> None:
    def kept() -> list[Path]:
        return [path for path in data_folder.rglob("*") if path.is_file()]

    site.upload(synthetic_series(tmp_path / "s", slices=2).paths)
    study = Study.objects.get()
    response = site.client.post(f"/admin/archive/study/{study.pk}/delete/", {"post": "yes"})
    assert response.status_code == 302
    study.refresh_from_db()
    assert (study.trashed_by, len(kept()) > 0) == (site.user, True)
    site.upload(synthetic_series(tmp_path / "s", slices=2).paths)
    chosen = {"action": "delete_selected", "_selected_action": [Series.objects.latest("pk").pk], "post": "yes"}
    site.client.post("/admin/archive/series/", chosen)
    assert Series.objects.filter(project__isnull=False).count() == 0
    assert trash.empty(Study.objects.exclude(trashed=None).values_list("pk", flat=True)) == 2
    assert not kept()
    assert Instance.objects.count() == 0


def test_deleting_an_upload_removes_what_waits_and_keeps_what_it_brought(
    site: Any, tmp_path: Path, data_folder: Path
) -> None:
    site.upload([write(synthetic_instance(), tmp_path / "a.dcm")])
    waiting = site.upload([write(synthetic_instance(seed=3), tmp_path / "b.dcm")], run=False)["id"]
    for upload in Upload.objects.all():
        site.client.post(f"/admin/archive/upload/{upload.pk}/delete/", {"post": "yes"})
    assert not (data_folder / "uploads" / str(waiting)).exists()
    assert Instance.objects.count() == 1
    assert Upload.objects.count() == 0


def test_jobs_are_cancelled_and_retried_from_the_list(site: Any, tmp_path: Path) -> None:
    site.upload([write(synthetic_instance(), tmp_path / "a.dcm")], run=False)
    job = Job.objects.get()
    for action, state in (("cancel_selected", "cancelled"), ("retry_selected", "queued")):
        site.client.post("/admin/jobs/job/", {"action": action, "_selected_action": [job.pk]})
        job.refresh_from_db()
        assert job.state == state


def test_lists_do_not_ask_row_by_row(site: Any, tmp_path: Path) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    counts = []
    for number in range(4):
        site.upload([write(synthetic_instance(seed=f"n{number}"), tmp_path / f"{number}.dcm")])
        with CaptureQueriesContext(connection) as queries:
            for path in ("archive/series", "archive/study", "archive/upload", "archive/instance", "jobs/job"):
                site.client.get(f"/admin/{path}/")
        counts.append(len(queries))
    assert counts[3] == counts[1]


@pytest.mark.parametrize("rows", ["patient", "study", "series", "instance", "stack", "entry", "upload"])
def test_no_title_holds_a_patients_value(site: Any, tmp_path: Path, rows: str) -> None:
    # Browsers keep titles, in tabs and in their history.
    named = write(synthetic_instance(attributes={"SeriesDescription": PATIENT_NAME}), tmp_path / f"{PATIENT_NAME}.dcm")
    site.upload([named])
    listed = site.client.get(f"/admin/archive/{rows}/").content.decode()
    found = re.search(rf'href="/admin/archive/{rows}/(\d+)/change/', listed)
    assert found
    for page in ("change", "history", "delete"):
        told = site.client.get(f"/admin/archive/{rows}/{found[1]}/{page}/").content.decode()
        for title in re.findall(r"<title>(.*?)</title>|<h1>(.*?)</h1>", told, re.DOTALL):
            assert not [secret for secret in SECRETS if secret in "".join(title)], (page, title)
