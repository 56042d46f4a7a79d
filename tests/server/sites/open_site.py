"""Opens a data folder of an earlier version with the present code, and compares it with what that version answered.

A program of its own, because the folder and its database are a site's: run with ``VOXELRY_DATA``, and with
``VOXELRY_DATABASE_URL`` for PostgreSQL. It ends with an error if anything is not as it was.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import sys
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import unquote

OWNER = 40


def main(expected: Any) -> None:
    """Migrate, compare, and go on working with the site."""
    from voxelry.server.environment import django_setup

    data = django_setup.prepare().data
    django_setup.set_up()
    tempfile.tempdir = None
    from django.conf import settings
    from django.test import Client

    from voxelry.server.jobs import isolated, submit, sweep
    from voxelry.server.site import first_start

    settings.ALLOWED_HOSTS.append("testserver")
    isolated.IN_PROCESS = True
    for module in (submit, sweep):  # there is no worker to be told
        mock.patch.object(module, "dispatch").start()
    first_start.migrate()
    assert first_start.welcome() is None
    client = Client(headers={"Authorization": f"Bearer {expected['tokens']['admin']}"})
    compare_rows(expected["tables"])
    compare_answers(client, expected)
    check_people(expected)
    check_projects()
    check_searches(client)
    go_on(client, data)
    first_start.migrate()  # once more changes nothing
    print("as it was")


def check_searches(client: Any) -> None:
    """What was stored before there were searches by DICOMweb is found by their keys, once its rows are filled."""
    from voxelry.server.access.models import Project
    from voxelry.server.archive.by_attribute import fill_search
    from voxelry.server.archive.models import Instance, Study

    def found(slug: str, level: str, query: str = "") -> Any:
        response = client.get(f"/dicomweb/projects/{slug}/{level}?{query}")
        assert response.status_code == 200, response.content
        return response.json()

    slugs = dict(Project.objects.values_list("pk", "slug"))
    before = {slug: [found(slug, level) for level in ("studies", "series", "instances")] for slug in slugs.values()}
    assert fill_search.unfilled()
    fill_search.fill_all()
    assert not fill_search.unfilled()
    for slug, wanted in before.items():
        assert [found(slug, level) for level in ("studies", "series", "instances")] == wanted
    for project, slug in slugs.items():
        assert len(found(slug, "instances")) == Instance.objects.filter(project=project).count()
        for study in Study.objects.filter(project=project, trashed=None):
            assert study.attributes
            assert study.study_id is not None
            told = [one["0020000D"]["Value"][0] for one in found(slug, "studies", f"StudyID={study.study_id}")]
            assert study.study_instance_uid in told


def compare_rows(tables: dict[str, int]) -> None:
    """No table has lost or gained rows, but for those that migrations write."""
    from django.db import connection

    gained = {"django_migrations", "django_content_type", "auth_permission"}
    with connection.cursor() as cursor:
        for table, count in tables.items():
            if table == "sqlite_sequence":
                continue
            cursor.execute(f'SELECT count(*) FROM "{table}"')
            (found,) = cursor.fetchone()
            assert found == count or (table in gained and found > count), (table, count, found)


def compare_answers(client: Any, expected: Any) -> None:
    """Each answer holds all that it held, and each picture, slice, original and result is the same bit for bit."""
    for address, wanted in expected["answers"].items():
        if "?search=" in address:
            check_search(client, unquote(address.partition("?search=")[2]), {row["id"] for row in wanted["items"]})
            continue
        response = client.get(address)
        assert response.status_code == 200, (address, response.content)
        difference = lacking(response.json(), wanted, address)
        assert difference is None, difference
    for address, wanted in expected["contents"].items():
        response = client.get(address)
        content = response.getvalue() if response.streaming else response.content
        assert hashlib.sha256(content).hexdigest() == wanted, address


def check_search(client: Any, words: str, wanted: set[int]) -> None:
    """The studies that a search found are found; words are sent in a body now."""
    body = json.dumps({"search": words})
    response = client.post("/api/studies/search", body, content_type="application/json")
    assert response.status_code == 200, response.content
    assert {row["id"] for row in response.json()["items"]} == wanted, words


def lacking(found: Any, wanted: Any, where: str) -> str | None:
    """What a JSON value lacks of another; keys may have been added to objects."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        missing = wanted.keys() - found.keys()
        if missing:
            return f"{where}: no {', '.join(sorted(missing))}"
        parts = (lacking(found[key], value, f"{where} {key}") for key, value in wanted.items())
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        parts = (lacking(*pair, f"{where} {n}") for n, pair in enumerate(zip(found, wanted, strict=True)))
    else:
        return None if found == wanted else f"{where}: {found!r} instead of {wanted!r}"
    return next((part for part in parts if part is not None), None)


def check_people(expected: Any) -> None:
    """Tokens, the session and passwords are those that they were; users own what there is."""
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.test import Client

    from voxelry.server.access.models import Membership, Project

    studies = len(expected["answers"]["/api/studies?limit=1000"]["items"])
    for name, status in (("admin", 200), ("staff", 200), ("plain", 200), ("closed", 401), ("revoked", 401)):
        client = Client(headers={"Authorization": f"Bearer {expected['tokens'][name]}"})
        response = client.get("/api/studies?limit=1000")
        assert response.status_code == status, name
        assert status != 200 or len(response.json()["items"]) == studies, name
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = expected["session"]
    assert client.get("/api/studies").status_code == 200
    for name, may in (("admin", True), ("plain", True), ("closed", False)):
        assert Client().login(username=name, password=expected["password"]) is may, name
    members = Membership.objects.values_list("user__username", "project__name", "role")
    assert sorted(members) == [
        (name, "default", OWNER) for name in sorted(User.objects.values_list("username", flat=True))
    ]
    assert list(Project.objects.values_list("name", flat=True)) == ["default"]
    assert User.objects.get(username="staff").has_perm("archive.view_study")


def check_projects() -> None:
    """Every row is in the project ``default``; nothing is in the trash."""
    from voxelry.server.access.models import Project, Token
    from voxelry.server.archive import models
    from voxelry.server.jobs.models import Job
    from voxelry.server.processing.models import Process

    project = Project.objects.get()
    kinds: list[Any] = [models.Patient, models.Study, models.Series, models.Upload, models.Instance, models.UnusedFile]
    for model in (*kinds, Job, Process):
        assert set(model.objects.values_list("project", flat=True)) == {project.pk}, model
    assert not models.Study.objects.filter(trashed__isnull=False).exists()
    assert not Job.objects.filter(in_trash=True).exists()
    assert not Token.objects.exclude(project=None, role=None, expires=None).exists()


def go_on(client: Any, data: Path) -> None:
    """Jobs that waited are done, what was sent in part is completed, deletions are finished, and nothing is lost."""
    from django.conf import settings

    from voxelry.server.archive import check
    from voxelry.server.archive.at_rest import deletions
    from voxelry.server.archive.models import Deletion, Instance, Series, Study, Upload
    from voxelry.server.jobs.models import Job, State
    from voxelry.server.jobs.sweep import Sweeper
    from voxelry.testing import synthetic_series

    queued, killed, cancelled = Upload.objects.order_by("pk")[Upload.objects.count() - 3 :]
    ticks = itertools.count()
    sweeper = Sweeper(lambda: next(ticks) * settings.VOXELRY.lease_seconds / 3)
    for _ in range(6):
        sweeper.sweep()
    assert not Job.objects.filter(state=State.RUNNING).exists()
    assert client.post(f"/api/jobs/{cancelled.job_id}/retry").status_code == 200
    do_jobs()
    for upload in (queued, killed, cancelled):
        told = client.get(f"/api/uploads/{upload.pk}").json()
        assert (told["state"], told["counts"]) == ("succeeded", {"stored": 3, "present": 0, "skipped": 0})
        (key,) = told["series"]
        assert len(client.get(f"/api/series/{key}").json()["volumes"]) == 1

    studies, instances = Study.objects.count(), Instance.objects.count()
    with tempfile.TemporaryDirectory() as folder:
        cut = synthetic_series(
            f"{folder}/cut", slices=6, seed=1, attributes={"PatientID": "B-2", "StudyDescription": "Second"}
        )
        series = Series.objects.get(series_instance_uid=cut.series_instance_uid)
        assert series.problem_code == "incomplete_stack"
        assert send(client, cut.paths) == {"stored": 1, "present": 5, "skipped": 0}
        series.refresh_from_db()
        assert (series.problem_code, series.unused_files.count()) == ("", 0)
        lone = synthetic_series(f"{folder}/lone", slices=1, seed=5)
        assert send(client, lone.paths) == {"stored": 1, "present": 0, "skipped": 0}
        gone = synthetic_series(f"{folder}/gone", slices=2, seed=6)
        deletions.finish()
        assert not Deletion.objects.exists()
        assert send(client, gone.paths) == {"stored": 2, "present": 0, "skipped": 0}
    assert Study.objects.count() == studies + 2
    assert Instance.objects.count() == instances + 4
    found = check.check()
    assert (found.missing, found.damaged, found.unfinished, found.unbuilt) == ([], [], 0, [])
    assert found.orphaned == []
    assert data == settings.VOXELRY.data


def send(client: Any, paths: Any) -> Any:
    """Upload files, do the job; the counts."""
    from django.core.files.uploadedfile import SimpleUploadedFile

    files = [SimpleUploadedFile(path.name, path.read_bytes()) for path in paths]
    response = client.post("/api/uploads", {"files": files})
    assert response.status_code == 202, response.content
    do_jobs()
    return client.get(f"/api/uploads/{response.json()['id']}").json()["counts"]


def do_jobs() -> None:
    """Do queued jobs until there are none."""
    from voxelry.server.jobs import attempts
    from voxelry.server.jobs.models import Job, State

    while (job := Job.objects.filter(state=State.QUEUED, is_batch=False).order_by("pk").first()) is not None:
        assert attempts.attempt_job(job.pk)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text("utf-8")))
