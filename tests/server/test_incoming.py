"""The way in for bytes, without a request: files in chunks, uploads at once, and uploads that grow while one stores."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connections

from voxelry.server.access.grants import Grants, RoleError, as_site, grants_of
from voxelry.server.access.models import Membership, Project, Role
from voxelry.server.archive.intake.incoming import (
    ArrivedFile,
    ArrivingFile,
    FileTooLargeError,
    GrowingUpload,
    store_upload,
)
from voxelry.server.archive.models import Instance, Upload
from voxelry.server.jobs import submit
from voxelry.server.jobs.leases import lease_renewer
from voxelry.server.jobs.models import Job, State
from voxelry.server.jobs.sweep import Sweeper
from voxelry.testing import synthetic_series

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def who(user: User) -> Grants:
    """An uploader of the project `default`."""
    sender = User.objects.create_user("sender", "", "correct horse")
    Membership.objects.create(project=Project.objects.get(), user=sender, role=Role.UPLOADER)
    return grants_of(sender)


@pytest.fixture
def project(user: User) -> int:
    return Project.objects.get().pk


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    return list(synthetic_series(tmp_path / "s", slices=4).paths)


def arrived(path: Path, *, chunk: int = 300) -> ArrivedFile:
    """A file that came in chunks."""
    content = path.read_bytes()
    with ArrivingFile(path.name) as file:
        for start in range(0, len(content), chunk):
            file.write(content[start : start + chunk])
        return file.complete()


def waiting(data_folder: Path) -> list[str]:
    return sorted(path.name for path in (data_folder / "temp").iterdir())


def test_files_become_an_upload_with_its_job(
    who: Grants, project: int, paths: list[Path], do_jobs: Callable[[], None], data_folder: Path
) -> None:
    upload = store_upload([arrived(path) for path in paths], who=who, project=project)
    assert waiting(data_folder) == []
    assert (upload.user_id, upload.project_id) == (who.user, project)
    assert Job.objects.get(upload=upload).requested_by_id == who.user
    do_jobs()
    upload.refresh_from_db()
    assert (upload.stored, upload.names) == (4, [path.name for path in paths])
    assert {row.size for row in Instance.objects.all()} == {path.stat().st_size for path in paths}


def test_who_may_not_add_stores_nothing(project: int, paths: list[Path], data_folder: Path, user: User) -> None:
    viewer = Grants(user.pk, roles={project: Role.ANALYST})
    file = arrived(paths[0])
    with pytest.raises(RoleError):
        store_upload([file], who=viewer, project=project)
    with pytest.raises(RoleError):
        GrowingUpload(who=viewer, project=project)
    assert not Upload.objects.exists()
    file.remove()
    assert waiting(data_folder) == []


def test_a_file_that_is_not_completed_is_removed(data_folder: Path) -> None:
    with ArrivingFile("a") as file:
        file.write(b"x")
    abandoned = ArrivingFile("b")
    abandoned.write(b"x")
    del abandoned
    long = ArrivingFile("c", most_bytes=3)
    long.write(b"xx")
    with pytest.raises(FileTooLargeError, match=r"c: has more than 3 bytes"):
        long.write(b"xx")
    whole = ArrivingFile("d", most_bytes=3)
    whole.write(b"xxx")
    kept = whole.complete()
    assert (kept.name, kept.size, kept.path.read_bytes()) == ("d", 3, b"xxx")
    del kept, whole
    assert waiting(data_folder) == []


def test_an_upload_grows_until_it_is_closed(
    who: Grants, project: int, paths: list[Path], do_jobs: Callable[[], None], dispatched: list[int]
) -> None:
    with GrowingUpload(who=who, project=project) as growing:
        assert not Upload.objects.exists()  # a connection without files leaves no trace
        (upload, *others) = [growing.add(arrived(path))[0] for path in paths]
        assert others == [upload] * 3
        job = Job.objects.get()
        assert (job.state, job.message, job.attempts) == (State.RUNNING, "receiving files", 0)
        dispatched.clear()
    assert dispatched == [job.pk]
    do_jobs()
    upload.refresh_from_db()
    assert (Upload.objects.count(), upload.stored, upload.names) == (1, 4, [path.name for path in paths])
    assert not lease_renewer._leased
    growing.close()  # a second time does nothing
    with GrowingUpload(who=who, project=project):
        pass
    assert Upload.objects.count() == 1


def test_each_file_is_on_disk_when_it_is_acknowledged(
    who: Grants, project: int, paths: list[Path], monkeypatch: pytest.MonkeyPatch, data_folder: Path
) -> None:
    synced: set[int] = set()
    flush = os.fsync

    def noting(descriptor: int) -> None:
        synced.add(os.fstat(descriptor).st_ino)
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", noting)
    with GrowingUpload(who=who, project=project) as growing:
        for number, path in enumerate(paths):
            upload, waits = growing.add(arrived(path))
            final = data_folder / "uploads" / str(upload.pk) / f"{number:06d}"
            assert waits == final
            assert final.read_bytes() == path.read_bytes()
            for one in (final, final.parent, final.parent.parent, data_folder):
                assert one.stat().st_ino in synced, one


def sweep() -> None:
    """Find the jobs whose lease stands still, with a clock that runs."""
    ticks = itertools.count()
    sweeper = Sweeper(lambda: next(ticks) * settings.VOXELRY.lease_seconds / 3)
    for _ in range(6):
        sweeper.sweep()


def in_child(work: Callable[[], None]) -> int:
    """Do some work in a forked process; its status."""
    connections.close_all()
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    try:
        work()
    finally:
        os._exit(1)


def test_what_a_killed_process_acknowledged_is_ingested(
    who: Grants, project: int, paths: list[Path], do_jobs: Callable[[], None]
) -> None:
    def stores_and_dies() -> None:
        growing = GrowingUpload(who=who, project=project)
        for path in paths[:3]:
            growing.add(arrived(path))
        ArrivingFile("half").write(b"x")
        os.kill(os.getpid(), signal.SIGKILL)

    assert os.WTERMSIG(in_child(stores_and_dies)) == signal.SIGKILL
    assert Job.objects.get().state == State.RUNNING
    sweep()
    assert Job.objects.get().state == State.QUEUED
    do_jobs()
    upload = Upload.objects.get()
    assert (upload.stored, upload.skipped, Job.objects.get(upload=upload).state) == (3, 0, State.SUCCEEDED)
    assert sorted(upload.entries.values_list("name", flat=True)) == ["000000", "000001", "000002"]


def stored_in(uploads: Iterable[Upload]) -> list[int]:
    return [upload.stored for upload in uploads]


def test_after_a_cancel_further_files_begin_another_upload(
    who: Grants, project: int, paths: list[Path], do_jobs: Callable[[], None]
) -> None:
    with GrowingUpload(who=who, project=project) as growing:
        first, _ = growing.add(arrived(paths[0]))
        submit.cancel(first.job_id or 0)
        assert growing.add(arrived(paths[1]))[0] != first
    do_jobs()
    assert stored_in(Upload.objects.order_by("pk")) == [0, 1]
    assert Job.objects.get(upload=first).state == State.CANCELLED
    submit.retry(first.job_id or 0)
    do_jobs()
    assert stored_in(Upload.objects.order_by("pk")) == [1, 1]


def test_a_sender_that_was_taken_for_dead_loses_nothing(
    who: Grants, project: int, paths: list[Path], do_jobs: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease_renewer, "renew", lambda leased: None)
    with GrowingUpload(who=who, project=project) as growing:
        first, _ = growing.add(arrived(paths[0]))
        growing.add(arrived(paths[1]))
        sweep()
        do_jobs()  # while it is still connected
        assert growing.add(arrived(paths[2]))[0] != first
        growing.add(arrived(paths[3]))
    do_jobs()
    assert stored_in(Upload.objects.order_by("pk")) == [2, 2]
    assert Instance.objects.count() == 4


def test_the_site_itself_may_bring_files(
    project: int, paths: list[Path], do_jobs: Callable[[], None], dispatched: list[int]
) -> None:
    upload = store_upload([arrived(paths[0])], who=as_site(), project=project)
    do_jobs()
    upload.refresh_from_db()
    assert (upload.user, upload.stored) == (None, 1)


def test_the_door_knows_no_request() -> None:
    source = Path(__file__).parents[2] / "src/voxelry/server/archive/intake/incoming.py"
    text: Any = source.read_text("utf-8")
    assert "django.http" not in text
    assert "django.core.files" not in text
