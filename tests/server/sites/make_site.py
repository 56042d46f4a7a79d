"""Makes a site with the code of an earlier version, for the tests of migrations. All in it is synthetic.

Run from the project's root with the earlier version's package on the path, and PostgreSQL installed:

    git worktree add --detach /tmp/before COMMIT
    PYTHONPATH=/tmp/before/src:. python tests/server/sites/make_site.py tests/server/sites/COMMIT.zip

The zip holds ``data/`` (the data folder, with its SQLite database), ``postgresql.sql`` (the same rows) and
``answers.json`` (what the earlier version answered, and the secrets of its tokens).
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

PASSWORD = "correct horse"
SECRET_KEY = "the key of a synthetic site, which is public"
STEP_JOBS = ("gaussian", "threshold", "surface")
WORDS = ("Doe", "Synthetic", "without", "CT", "A-1", "no such word")


def make(data: Path, work: Path) -> dict[str, Any]:
    """Fill a data folder; returns what its site answers."""
    os.environ["VOXELRY_DATA"] = str(data)
    data.mkdir(parents=True)
    (data / "secret-key").write_text(SECRET_KEY, "ascii")
    from voxelry.server.environment import django_setup

    django_setup.prepare()
    django_setup.set_up()
    from django.conf import settings
    from django.core.management import call_command
    from django.test import Client

    from voxelry.server.jobs import isolated, submit

    settings.ALLOWED_HOSTS.append("testserver")
    isolated.IN_PROCESS = True
    submit.dispatch = lambda *_, **__: None
    call_command("migrate", verbosity=0)
    secrets, session = _accounts()
    client = Client(headers={"Authorization": f"Bearer {secrets['admin']}"})
    _fill(client, work)
    _leave_waiting(client, work)
    return {
        "password": PASSWORD,
        "tokens": secrets,
        "session": session,
        "answers": _answers(client),
        "contents": _contents(client),
        "tables": _tables(data / "voxelry.sqlite3"),
    }


def _accounts() -> tuple[dict[str, str], str]:
    """Users of each kind with a token each, of which one is revoked, and a session; returns the secrets."""
    from django.contrib.auth.models import Permission, User
    from django.test import Client
    from django.utils import timezone

    from voxelry.server.access.models import Token
    from voxelry.server.access.secrets import create_login_link, create_token

    admin = User.objects.create_superuser("admin", "", PASSWORD)
    staff = User.objects.create_user("staff", "", PASSWORD, is_staff=True)
    staff.user_permissions.add(Permission.objects.get(codename="view_study"))
    plain = User.objects.create_user("plain", "", PASSWORD)
    closed = User.objects.create_user("closed", "", PASSWORD)
    secrets = {user.username: create_token(user, name="program") for user in (admin, staff, plain, closed)}
    secrets["revoked"] = create_token(plain, name="old program")
    Token.objects.filter(name="old program").update(revoked=timezone.now())
    create_login_link(plain)
    closed.is_active = False
    closed.save()
    client = Client()
    client.force_login(plain)
    # Sessions end after two weeks, and the site is kept for years.
    session = client.session
    session.set_expiry(datetime(2125, 1, 1, tzinfo=UTC) - datetime.now(UTC))
    session.save()
    return secrets, str(session.session_key)


def _fill(client: Any, work: Path) -> None:
    """Studies, refused files, results, a failed job, a recorded deletion."""
    from django.db import transaction

    from voxelry.server.archive.at_rest import deletions
    from voxelry.server.archive.models import Series, Study
    from voxelry.server.archive.remove import remove_studies
    from voxelry.testing import synthetic_report, synthetic_series, write

    whole = synthetic_series(work / "whole", slices=5)
    _upload(client, [*whole.paths, write(synthetic_report(), work / "report.dcm")])
    _upload(client, whole.paths)  # all present
    cut = synthetic_series(
        work / "cut", slices=6, seed=1, attributes={"PatientID": "B-2", "StudyDescription": "Second"}
    )
    cut.paths[2].write_bytes(cut.paths[2].read_bytes()[:-100])
    words = work / "notes.txt"
    words.write_text("no image")
    _upload(client, [*cut.paths, words])
    changed = synthetic_series(work / "changed", slices=1, rescale=(2.0, 0.0))  # a conflict
    _upload(client, changed.paths)
    for seed in (2, 3):  # patients without ID cannot be told apart
        unknown = {"PatientID": "", "PatientName": "Doe^Without", "StudyDescription": "Study without ID"}
        _upload(client, synthetic_series(work / f"unknown-{seed}", slices=2, seed=seed, attributes=unknown).paths)
    mr = synthetic_series(
        work / "mr",
        slices=3,
        seed=4,
        modality="MR",
        rescale=None,
        attributes={"PatientName": "Doe^Jane^^^=\u738b^\u5c0f\u4e1c"},
    )
    _upload(client, mr.paths)
    # A damaged file whose series never came.
    lone = synthetic_series(work / "lone", slices=1, seed=5)
    lone.paths[0].write_bytes(lone.paths[0].read_bytes()[:-100])
    _upload(client, [*lone.paths, *whole.paths[:1]])
    _upload(client, [words])  # this job fails

    series = Series.objects.get(series_instance_uid=whole.series_instance_uid).pk
    for name in STEP_JOBS:
        _post(client, "/api/jobs", job_name=name, series=series)
    _post(client, "/api/jobs", job_name="crop", series=series, params={"background": 1e6})
    regular = Series.objects.filter(modality__in=["CT", "MR"], stacks__regular=True, problem_code="")
    keys = list(regular.order_by("pk").values_list("pk", flat=True).distinct()[:3])
    _post(client, "/api/jobs/batch", job_name="threshold", series=keys)
    _do_jobs()

    gone = synthetic_series(work / "gone", slices=2, seed=6)
    _upload(client, gone.paths)
    finish, deletions.finish = deletions.finish, lambda: None  # as after a kill
    with transaction.atomic():
        remove_studies([Study.objects.get(study_instance_uid=gone.study_instance_uid).pk])
    deletions.finish = finish


def _leave_waiting(client: Any, work: Path) -> None:
    """An upload whose job is queued, one whose job's worker was killed, and a cancelled one."""
    from django.utils import timezone

    from voxelry.server.jobs import submit
    from voxelry.server.jobs.models import Job, State
    from voxelry.testing import synthetic_series

    later = [synthetic_series(work / f"later-{seed}", slices=3, seed=seed).paths for seed in (7, 8, 9)]
    queued, killed, cancelled = (_upload(client, paths, run=False) for paths in later)
    assert queued
    Job.objects.filter(upload=killed).update(
        state=State.RUNNING, owner="gone", attempts=1, lease_until=timezone.now() - timedelta(hours=1)
    )
    submit.cancel(Job.objects.get(upload=cancelled).pk)


def _upload(client: Any, paths: Any, *, run: bool = True) -> int:
    from django.core.files.uploadedfile import SimpleUploadedFile

    files = [SimpleUploadedFile(path.name, path.read_bytes()) for path in paths]
    response = client.post("/api/uploads", {"files": files})
    assert response.status_code == 202, response.content
    if run:
        _do_jobs()
    return int(response.json()["id"])


def _post(client: Any, address: str, **body: Any) -> None:
    response = client.post(address, json.dumps(body), content_type="application/json")
    assert response.status_code == 202, response.content


def _do_jobs() -> None:
    from voxelry.server.jobs import attempts
    from voxelry.server.jobs.models import Job, State

    while (job := Job.objects.filter(state=State.QUEUED, is_batch=False).order_by("pk").first()) is not None:
        assert attempts.attempt_job(job.pk)


def _answers(client: Any) -> dict[str, Any]:
    """What the REST API answers, by address."""
    found: dict[str, Any] = {}

    def ask(address: str) -> Any:
        response = client.get(address)
        assert response.status_code == 200, (address, response.content)
        found[address] = response.json()
        return found[address]

    for name in ("studies", "series", "uploads", "jobs"):
        for row in ask(f"/api/{name}?limit=1000")["items"]:
            ask(f"/api/{name}/{row['id']}{'?limit=1000' if name == 'uploads' else ''}")
    for word in WORDS:
        ask(f"/api/studies?search={word.replace(' ', '%20')}")
    return found


def _contents(client: Any) -> dict[str, str]:
    """The SHA-256 of pictures, slices, originals and results, by address."""
    from voxelry.server.archive.models import Stack, Study
    from voxelry.server.processing.models import Process

    addresses = [f"/api/studies/{key}/archive.zip" for key in Study.objects.values_list("pk", flat=True)]
    for stack in Stack.objects.select_related("series"):
        top = f"/api/series/{stack.series_id}"
        addresses += [f"{top}/thumbnail.png"] if stack.series.thumbnail else []
        addresses += [
            f"{top}/slices/{n}.{kind}?stack={stack.index}" for n in range(stack.shape[0]) for kind in ("png", "raw")
        ]
    jobs = {row["id"]: row for row in client.get("/api/jobs?limit=1000").json()["items"]}
    for key in jobs:
        detail = client.get(f"/api/jobs/{key}").json()
        result = detail.get("result") or {}
        addresses += [file["address"] for file in result.get("files", ())]
        if result.get("rows"):
            addresses += [result["rows"]["json_address"], result["rows"]["csv_address"]]
    assert Process.objects.exists()
    found = {}
    for address in addresses:
        response = client.get(address)
        if response.status_code != 200:  # a stack that cannot be shown
            continue
        content = response.getvalue() if response.streaming else response.content
        found[address] = hashlib.sha256(content).hexdigest()
    return found


def _tables(database: Path) -> dict[str, int]:
    """The number of rows of each table."""
    with sqlite3.connect(database) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in sorted(names)}


def to_postgresql(dumped: str) -> str:
    """The same rows as an SQL dump of PostgreSQL; migrated and filled by the same earlier version."""
    from tests.servers import running

    binaries = running.postgres_folder()
    assert binaries is not None, "PostgreSQL is not installed"
    code = (
        "import sys\n"
        "from voxelry.server.environment import django_setup\n"
        "django_setup.prepare(); django_setup.set_up()\n"
        "from django.core.management import call_command\n"
        "from django.db import connection\n"
        "call_command('migrate', verbosity=0)\n"
        "from django.contrib.contenttypes.models import ContentType\n"
        "ContentType.objects.all().delete()\n"
        "call_command('loaddata', sys.argv[1], verbosity=0)\n"
    )
    with running.postgres(binaries) as server, tempfile.TemporaryDirectory() as folder:
        running.create_database(binaries, server.port, "before", check=True)
        url = f"postgresql://voxelry@127.0.0.1:{server.port}/before"
        environment = {**os.environ, "VOXELRY_DATABASE_URL": url, "VOXELRY_DATA": f"{folder}/data"}
        fixture = Path(folder, "rows.json")
        fixture.write_text(dumped)
        subprocess.run([sys.executable, "-c", code, str(fixture)], env=environment, check=True)
        dump = [str(binaries / "pg_dump"), "--no-owner", "--no-privileges", "--inserts", "--rows-per-insert=200", url]
        text = subprocess.run(dump, check=True, capture_output=True, text=True).stdout
    # Comments, psql's own commands and settings that only some versions know.
    kept = [line for line in text.splitlines() if not line.startswith(("--", "\\", "SET transaction_timeout"))]
    return "\n".join(line for line in kept if line) + "\n"


def main(target: Path) -> None:
    """Make the zip."""
    with tempfile.TemporaryDirectory() as folder:
        data, work = Path(folder, "data"), Path(folder, "work")
        told = make(data, work)
        from django.core.management import call_command
        from django.db import connections

        text = io.StringIO()
        call_command("dumpdata", stdout=text)
        connections.close_all()
        assert not Path(data, "voxelry.sqlite3-wal").exists(), "the last connection moves all rows into the database"
        tempfile.tempdir = None  # it was in the data folder
        shutil.rmtree(data / "temp", ignore_errors=True)
        dump = to_postgresql(text.getvalue())
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("answers.json", json.dumps(told, indent=1, sort_keys=True))
            archive.writestr("postgresql.sql", dump)
            for path in sorted(path for path in data.rglob("*") if path.is_file()):
                archive.write(path, path.relative_to(data.parent).as_posix())
    print(f"{target}: {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
