"""`voxelry check`: rows and files compared; `--repair` loses nothing."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import connection

from voxelry.server.access.models import Project
from voxelry.server.archive import cleanup
from voxelry.server.archive.at_rest import holdings
from voxelry.server.archive.check import check
from voxelry.server.archive.models import Deletion, Instance, Series
from voxelry.server.archive.repair import repair
from voxelry.server.jobs.models import Job, State
from voxelry.server.processing.models import Process, ResultFile
from voxelry.testing import synthetic_instance, synthetic_series, write


def _bytes(data: Path) -> set[str]:
    """The digests of all that is at rest, wherever it lies; not what can be made again."""
    kept = (path for top in ("files", "uploads", "lost+found") for path in (data / top).rglob("*") if path.is_file())
    return {hashlib.sha256(path.read_bytes()).hexdigest() for path in kept}


def _original(position: int) -> Path:
    return Path(default_storage.path(holdings.stored_name(Instance.objects.order_by("pk")[position].sha256)))


class Backup:
    """A copy of the database, to be brought back."""

    def __init__(self) -> None:
        self._copy = sqlite3.connect(":memory:")
        connection.ensure_connection()
        connection.connection.backup(self._copy)

    def bring_back(self) -> None:
        self._copy.backup(connection.connection)
        self._copy.close()


@pytest.fixture
def yesterday(site: Any) -> Backup:
    return Backup()


def test_a_site_that_is_well(site: Any, tmp_path: Path) -> None:
    site.upload(synthetic_series(tmp_path / "s", slices=3).paths)
    found = check()
    assert (found.rows, found.fine, found.in_work) == (3, True, 0)


def test_missing_damaged_and_orphaned_are_told_apart(site: Any, tmp_path: Path, data_folder: Path) -> None:
    site.upload(synthetic_series(tmp_path / "s", slices=4).paths)
    gone, shorter, turned = (_original(position) for position in range(3))
    gone.unlink()
    shorter.write_bytes(shorter.read_bytes()[:-1])
    content = bytearray(turned.read_bytes())
    content[-1] ^= 1
    turned.write_bytes(bytes(content))
    stray = data_folder / "files" / "instances" / "ab" / "stray"
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"x")

    def places(*paths: Path) -> list[str]:
        return sorted(path.relative_to(data_folder).as_posix() for path in paths)

    found = check()
    assert found.missing == places(gone)
    assert sorted(found.damaged) == places(shorter, turned)
    assert found.orphaned == places(stray)
    assert not found.fine
    before = _bytes(data_folder)
    done = repair(found)
    assert (done.put_away, done.taken_in) == (["lost+found/files/instances/ab/stray"], [])
    assert _bytes(data_folder) == before
    found = check()
    assert (len(found.missing), len(found.damaged), found.orphaned) == (1, 2, [])
    # Who has the files sends them again.
    site.upload(sorted((tmp_path / "s").iterdir()))
    assert check().fine


def test_yesterdays_database_loses_nothing(
    site: Any, yesterday: Backup, tmp_path: Path, data_folder: Path, do_jobs: Callable[[], None]
) -> None:
    """Everything of the day has no row then: originals, results, uploads that waited, volumes."""
    (key,) = site.upload(synthetic_series(tmp_path / "s", slices=3).paths)["series"]
    process = Process.objects.create(project=Project.objects.get(), job_name="surface", step="surface")
    row = ResultFile.objects.create(process=process, name="a.stl", sha256=hashlib.sha256(b"a").hexdigest(), size=1)
    result = Path(default_storage.path(row.stored_name))
    result.parent.mkdir(parents=True)
    result.write_bytes(b"a")
    waiting = site.upload([write(synthetic_instance(seed=3), tmp_path / "w.dcm")], run=False)["id"]
    before = _bytes(data_folder)
    yesterday.bring_back()
    assert not Instance.objects.exists()
    cleanup.remove_forgotten()  # which the worker does by itself
    assert _bytes(data_folder) == before
    found = check()
    assert len(found.orphaned) == 3 + 1 + 1 + 1
    done = repair(found)
    assert before <= _bytes(data_folder)
    assert len(done.taken_in) == 3
    assert sorted(done.put_away) == sorted(
        f"lost+found/{place}" for place in (f"files/{row.stored_name}", f"uploads/{waiting}", f"stacks/{key}")
    )
    do_jobs()
    series = Series.objects.get()
    assert site.get(f"/series/{series.pk}")["volumes"][0]["shape"][0] == 3
    assert check().fine


def test_a_new_upload_takes_no_place_of_one_that_is_not_known_any_more(
    site: Any, yesterday: Backup, tmp_path: Path, data_folder: Path
) -> None:
    first = site.upload([write(synthetic_instance(seed=1), tmp_path / "a.dcm")], run=False)["id"]
    before = _bytes(data_folder)
    yesterday.bring_back()
    second = site.upload([write(synthetic_instance(seed=2), tmp_path / "b.dcm")], run=False)["id"]
    assert second == first
    assert before <= _bytes(data_folder)


def test_orphans_that_cannot_be_taken_in_are_put_away(site: Any, tmp_path: Path, data_folder: Path) -> None:
    """No DICOM, bytes that are not their name's, and another object of a UID that is here."""
    site.upload([write(synthetic_instance(), tmp_path / "a.dcm")])
    other = write(synthetic_instance(attributes={"PatientComments": "x"}), tmp_path / "b.dcm").read_bytes()
    damaged = write(synthetic_instance(seed=5), tmp_path / "c.dcm").read_bytes()
    for content, name in ((b"text", b"text"), (other, other), (damaged + b"x", damaged)):
        place = data_folder / "files" / holdings.stored_name(hashlib.sha256(name).hexdigest())
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    before = _bytes(data_folder)
    done = repair(check())
    assert (len(done.put_away), done.taken_in, Instance.objects.count()) == (3, [], 1)
    assert _bytes(data_folder) == before
    assert check().fine


def test_put_away_twice_is_kept_twice(site: Any, data_folder: Path) -> None:
    place = data_folder / "files" / "results" / "1" / "a"
    for content in (b"one", b"two"):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        repair(check())
    kept = sorted(path.read_bytes() for path in (data_folder / "lost+found").rglob("*") if path.is_file())
    assert kept == [b"one", b"two"]


def test_files_of_uploads_and_jobs_under_way_are_no_orphans(site: Any, tmp_path: Path, data_folder: Path) -> None:
    site.upload([write(synthetic_instance(seed=1), tmp_path / "a.dcm")], run=False)
    assert check().fine
    # The job has stored bytes, and is about to write their rows.
    Job.objects.update(state=State.RUNNING, owner="x", lease_until="2026-01-01T00:00Z", attempts=1)
    place = data_folder / "files" / "instances" / "ab" / "stored"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"x")
    found = check()
    assert (found.fine, found.orphaned, found.in_work) == (True, [], 1)
    repair(found)
    assert place.exists()


def test_a_deletion_that_is_recorded_is_finished_and_nothing_else_is_deleted(
    site: Any, tmp_path: Path, data_folder: Path
) -> None:
    site.upload(synthetic_series(tmp_path / "s", slices=2).paths)
    deleted, orphan = _original(0), _original(1)
    places = [path.relative_to(data_folder).as_posix() for path in (deleted, orphan)]
    Instance.objects.all().delete()
    Deletion.objects.create(place=places[0])
    found = check()
    assert (found.unfinished, found.orphaned) == (1, places[1:])
    done = repair(found)
    assert (done.deleted, done.taken_in) == (1, places[1:])
    assert (deleted.exists(), orphan.exists()) == (False, True)


def test_volumes_that_are_gone_are_made_again(
    site: Any, tmp_path: Path, data_folder: Path, do_jobs: Callable[[], None]
) -> None:
    (key,) = site.upload(synthetic_series(tmp_path / "s", slices=2).paths)["series"]
    shutil.rmtree(data_folder / "stacks")
    found = check()
    assert (found.unbuilt, found.fine) == ([key], False)
    assert repair(found).rebuilt == [key]
    do_jobs()
    assert check().fine
    assert site.client.get(f"/api/series/{key}/slices/0.png").status_code == 200


@pytest.mark.parametrize("damaged", [False, True])
def test_in_the_terminal(
    site: Any, tmp_path: Path, data_folder: Path, damaged: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    import json

    from typer.testing import CliRunner

    from voxelry.cli import app
    from voxelry.server.environment import django_setup
    from voxelry.server.site import first_start

    monkeypatch.setattr(django_setup, "prepare", lambda **_: None)
    monkeypatch.setattr(first_start, "migrate", lambda: None)
    site.upload(synthetic_series(tmp_path / "s", slices=2).paths)
    if damaged:
        _original(0).write_bytes(b"x")
        (data_folder / "files" / "stray").write_bytes(b"x")
    plain = CliRunner().invoke(app, ["check"])
    assert plain.exit_code == (3 if damaged else 0), plain.output
    assert ("damaged: 1" in plain.output, "orphaned: 1" in plain.output) == (damaged, damaged)
    mended = CliRunner().invoke(app, ["check", "--repair", "--json"])
    record = json.loads(mended.stdout)
    assert (record["fine"], mended.exit_code) == (not damaged, 3 if damaged else 0)
    assert (data_folder / "lost+found" / "files" / "stray").exists() == damaged


def test_a_folder_that_holds_no_site_does_not_agree(tmp_path: Path) -> None:
    import subprocess
    import sys

    command = [sys.executable, "-m", "voxelry.cli", "check", "--data", str(tmp_path / "mistyped")]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (found.returncode, "holds no site" in found.stderr) == (1, True), found
    assert "agree" not in found.stdout
