"""Jobs of users whose role or account ends meanwhile publish nothing, and none goes on as the work of the site."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from voxelry.core import registry
from voxelry.core.registry import StepRegistry
from voxelry.server.access.models import Membership, Project, Role
from voxelry.server.archive.intake import take_in
from voxelry.server.archive.models import Instance, Series, Upload
from voxelry.server.jobs import attempts, isolated, job_kinds
from voxelry.server.jobs.models import Job, State
from voxelry.server.processing.models import Process
from voxelry.testing import synthetic_series

pytestmark = pytest.mark.django_db(transaction=True)

Change = Callable[[User], object]


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A site with one step, whose work is done in this process."""
    step = EntryPoint("all_of_it", "tests.server.odd_steps:ALL", "voxelry.steps")
    monkeypatch.setattr(registry, "_INSTALLED_STEPS", StepRegistry(lambda: [step]))
    monkeypatch.setattr(isolated, "IN_PROCESS", True)


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    return list(synthetic_series(tmp_path / "source", slices=4).paths)


@pytest.fixture
def anna(site: Any) -> User:
    """An uploader in the project `default`."""
    user = User.objects.create_user("anna", password="x")
    Membership.objects.create(project=Project.objects.get(name="default"), user=user, role=Role.UPLOADER)
    return user


def _client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def _asked(user: User, series: int) -> Job:
    body = {"job_name": "all_of_it", "series": series, "params": {"level": 0.5}}
    response = _client(user).post("/api/jobs", json.dumps(body), content_type="application/json")
    assert response.status_code == 202, response.content
    return Job.objects.get(pk=response.json()["id"])


def _uploaded(user: User, paths: list[Path]) -> Upload:
    files = [SimpleUploadedFile(path.name, path.read_bytes()) for path in paths]
    response = _client(user).post("/api/uploads", {"files": files})
    assert response.status_code == 202, response.content
    return Upload.objects.get(pk=response.json()["id"])


def _job_of(upload: Upload) -> Job:
    assert upload.job_id is not None
    return Job.objects.get(pk=upload.job_id)


def _removed(user: User) -> None:
    Membership.objects.filter(user=user).delete()


def _lowered(user: User) -> None:
    Membership.objects.filter(user=user).update(role=Role.VIEWER)


def _closed_silently(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def _deleted(user: User) -> None:
    user.delete()
    Job.objects.update(cancel_requested=False)  # as if the worker had not seen it yet


CHANGES = pytest.mark.parametrize("change", [_removed, _lowered, _closed_silently, _deleted])


@CHANGES
def test_a_step_publishes_nothing_for_who_may_no_longer_ask(
    site: Any, paths: list[Path], anna: User, change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = _asked(anna, site.upload(paths)["series"][0])
    kind = job_kinds.find("step")
    assert kind is not None

    def meanwhile(this: Any) -> Any:
        result = kind.work(this)
        change(anna)
        return result

    monkeypatch.setattr(job_kinds, "_kinds", {"step": replace(kind, work=meanwhile)})
    attempts.attempt_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.problem_code) == (State.FAILED, "membership")
    assert "analyst in the project" in job.problem_message
    assert Series.objects.count() == 1
    assert Process.objects.get().published is None


@pytest.mark.parametrize("change", [_removed, _lowered, _closed_silently])
def test_a_step_does_not_start_for_who_may_no_longer_ask(
    site: Any, paths: list[Path], anna: User, change: Change, do_jobs: Callable[[], None]
) -> None:
    job = _asked(anna, site.upload(paths)["series"][0])
    change(anna)
    do_jobs()
    job.refresh_from_db()
    assert (job.state, job.problem_code) == (State.FAILED, "membership")
    assert site.client.post(f"/api/jobs/{job.pk}/retry").status_code == 200  # in the name of who asks now
    do_jobs()
    job.refresh_from_db()
    assert job.state == State.SUCCEEDED


def test_a_step_on_a_folder_needs_an_administrator_still(
    site: Any, tmp_path: Path, paths: list[Path], settings: Settings, do_jobs: Callable[[], None]
) -> None:
    settings.VOXELRY = settings.VOXELRY.replace(processing_roots=(str(tmp_path),))
    body = {"job_name": "all_of_it", "in_dir": str(paths[0].parent), "params": {"level": 0.5}}
    response = site.client.post("/api/jobs", json.dumps(body), content_type="application/json")
    assert response.status_code == 202, response.content
    Membership.objects.create(project=Project.objects.get(name="default"), user=site.user, role=Role.OWNER)
    User.objects.filter(pk=site.user.pk).update(is_superuser=False)
    do_jobs()
    job = Job.objects.get(pk=response.json()["id"])
    assert (job.state, job.problem_code) == (State.FAILED, "membership")
    assert "administrator" in job.problem_message


@CHANGES
def test_an_upload_stops_where_its_user_may_no_longer_add(
    site: Any, paths: list[Path], anna: User, change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = _uploaded(anna, paths)
    monkeypatch.setattr(take_in, "BATCH", 2)
    original, written = take_in._write, []

    def meanwhile(*given: Any) -> None:
        original(*given)
        written.append(given)
        if len(written) == 1:
            change(anna)

    monkeypatch.setattr(take_in, "_write", meanwhile)
    assert upload.job_id is not None
    attempts.attempt_job(upload.job_id)
    job = _job_of(upload)
    assert (job.state, job.problem_code) == (State.FAILED, "membership")
    assert Instance.objects.count() == 2
    assert Job.objects.filter(kind="build", state=State.QUEUED).count() == 1  # what was stored before gets its volumes


@pytest.mark.parametrize("change", [_removed, _lowered, _closed_silently])
def test_an_upload_does_not_start_for_who_may_no_longer_add(
    site: Any, paths: list[Path], anna: User, change: Change, do_jobs: Callable[[], None]
) -> None:
    upload = _uploaded(anna, paths)
    change(anna)
    do_jobs()
    assert _job_of(upload).problem_code == "membership"
    assert not Instance.objects.exists()
    assert site.client.post(f"/api/jobs/{upload.job_id}/retry").status_code == 200
    do_jobs()
    assert Instance.objects.count() == len(paths)


@pytest.mark.parametrize("how", ["deleted", "inactive", "deleted in the admin"])
def test_jobs_of_a_closed_account_are_cancelled(site: Any, paths: list[Path], anna: User, how: str) -> None:
    series = site.upload(paths)["series"][0]
    waiting, running, upload = _asked(anna, series), _asked(anna, series), _uploaded(anna, paths)
    own = _asked(site.user, series)
    body = json.dumps({"job_name": "all_of_it", "series": [series], "params": {"level": 0.5}})
    batch = _client(anna).post("/api/jobs/batch", body, content_type="application/json").json()["id"]
    Job.objects.filter(pk=running.pk).update(state=State.RUNNING, owner="x", lease_until="2026-01-01T00:00:00Z")
    if how == "deleted":
        anna.delete()
    elif how == "inactive":
        anna.is_active = False
        anna.save()
    else:
        site.client.post(f"/admin/auth/user/{anna.pk}/delete/", {"post": "yes"})
        assert not User.objects.filter(username="anna").exists()
    for key in (waiting.pk, _job_of(upload).pk, batch):
        assert Job.objects.get(pk=key).state == State.CANCELLED
    assert Job.objects.get(pk=running.pk).cancel_requested
    assert Job.objects.get(pk=own.pk).state == State.QUEUED


def test_the_sites_own_work_asks_nobody(site: Any, paths: list[Path], do_jobs: Callable[[], None]) -> None:
    upload = _uploaded(site.user, paths)
    Upload.objects.update(user=None)
    Job.objects.update(requested_by=None)
    do_jobs()
    assert _job_of(upload).state == State.SUCCEEDED


def test_who_begins_a_job_again_in_the_admin_has_asked_for_it(
    site: Any, paths: list[Path], anna: User, do_jobs: Callable[[], None]
) -> None:
    job = _asked(anna, site.upload(paths)["series"][0])
    anna.delete()
    assert Job.objects.get(pk=job.pk).requested_by is None
    site.client.post("/admin/jobs/job/", {"action": "retry_selected", "_selected_action": [job.pk]})
    assert Job.objects.get(pk=job.pk).requested_by == site.user
    do_jobs()
    assert Job.objects.get(pk=job.pk).state == State.SUCCEEDED
