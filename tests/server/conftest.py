"""A site in a temporary data folder, whose jobs run where the test says so."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.test import Client
from pytest_django import Settings

from tests.servers import emptied_tables
from voxelry.server.access.models import Project
from voxelry.server.archive.intake import store_now
from voxelry.server.jobs import attempts, job_run, submit, sweep
from voxelry.server.jobs.models import Job, State


@pytest.fixture(scope="session")
def django_db_modify_db_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A database in a file, as sites have it: several threads at one in memory lock each other's tables."""
    told = connections["default"].settings_dict
    told["TEST"]["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")
    # No test here loses its power, and each commit would wait for the disk.
    if "init_command" in told["OPTIONS"]:
        told["OPTIONS"]["init_command"] = told["OPTIONS"]["init_command"].replace("synchronous=FULL", "synchronous=OFF")
    with pytest.MonkeyPatch.context() as patched:
        emptied_tables.use(patched)
        yield


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, settings: Settings) -> Path:
    """Where everything is kept during one test."""
    folder = tmp_path / "data"
    folder.mkdir()
    settings.VOXELRY = settings.VOXELRY.replace(data=folder, threshold=0.5)
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return folder


@pytest.fixture(autouse=True)
def dispatched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The keys that the workers were told of; there are none in these tests."""
    keys: list[int] = []

    def note(*given: int, queue: str) -> None:
        keys.extend(given)

    monkeypatch.setattr(submit, "dispatch", note)
    monkeypatch.setattr(sweep, "dispatch", note)
    return keys


@pytest.fixture(autouse=True)
def _uploads_by_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Uploads of a few files wait for their job, as large ones do; `test_store_now` has the others."""
    monkeypatch.setattr(store_now, "MOST_FILES", 0)


@pytest.fixture(autouse=True)
def _not_stopping() -> Iterator[None]:
    job_run.stopping.clear()
    yield
    job_run.stopping.clear()


@dataclass
class Site:
    """A logged-in client and what tests do with it."""

    client: Client
    user: User

    def get(self, address: str, status: int = 200, **query: Any) -> Any:
        """GET as JSON."""
        response = self.client.get(f"/api{address}", query)
        assert response.status_code == status, response.content
        return response.json()

    def post(self, address: str, status: int, **values: Any) -> Any:
        """POST a form as JSON."""
        response = self.client.post(f"/api{address}", values)
        assert response.status_code == status, response.content
        return response.json()

    def send(self, address: str, status: int, *, method: str = "POST", **values: Any) -> Any:
        """POST or PUT JSON as JSON."""
        response = self.client.generic(method, f"/api{address}", json.dumps(values), content_type="application/json")
        assert response.status_code == status, response.content
        return response.json()

    def delete_for_good(self, study: int) -> None:
        """Delete a study, then delete it from the trash."""
        for address in (f"/api/studies/{study}", f"/api/trash/{study}"):
            response = self.client.delete(address)
            assert response.status_code == 204, response.content

    def upload(self, paths: Iterable[Path], *, run: bool = True) -> Any:
        """Upload files and do all jobs; the report."""
        files = [SimpleUploadedFile(path.name, path.read_bytes()) for path in paths]
        key = self.post("/uploads", 202, files=files)["id"]
        if run:
            run_jobs()
        return self.get(f"/uploads/{key}", limit=1000)


def run_jobs() -> None:
    """Do queued jobs until there are none."""
    while (job := Job.objects.filter(state=State.QUEUED, is_batch=False).order_by("pk").first()) is not None:
        assert attempts.attempt_job(job.pk)


@pytest.fixture
def do_jobs() -> Callable[[], None]:
    """`run_jobs`, for tests."""
    return run_jobs


@pytest.fixture
def user(transactional_db: None) -> User:
    """The user admin."""
    Project.objects.get_or_create(name="default")  # a test with transactions leaves no rows
    return User.objects.create_superuser("admin", "", "correct horse")


@pytest.fixture
def site(user: User) -> Site:
    """The site, logged in."""
    client = Client()
    client.force_login(user)
    return Site(client, user)
