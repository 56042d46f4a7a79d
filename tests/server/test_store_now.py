"""Uploads of a few DICOM files are stored inside their request; others wait for a job."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.utils import timezone

from tests.server.test_incoming import arrived, in_child
from voxelry.server.access.grants import as_site
from voxelry.server.access.models import Project
from voxelry.server.archive import check
from voxelry.server.archive.at_rest import files_at_rest
from voxelry.server.archive.build import KIND, submit_builds_later
from voxelry.server.archive.intake import take_in
from voxelry.server.archive.intake.store_now import StoringNow
from voxelry.server.archive.lists import study_listing
from voxelry.server.archive.models import Entry, Instance, Series, Upload
from voxelry.server.jobs import leases
from voxelry.server.jobs.models import Job, State
from voxelry.testing import synthetic_series

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _at_once(_uploads_by_jobs: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voxelry.server.archive.intake.store_now.MOST_FILES", 8)


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    return list(synthetic_series(tmp_path / "s", slices=12).paths)


def brought(site: Any, paths: list[Path], contents: list[bytes] | None = None) -> Any:
    """The report of an upload when its request is answered."""
    given = [path.read_bytes() for path in paths] if contents is None else contents
    files = [SimpleUploadedFile(path.name, content) for path, content in zip(paths, given, strict=True)]
    key = site.post("/uploads", 202, files=files)["id"]
    return site.get(f"/uploads/{key}")


def left(data_folder: Path) -> list[str]:
    return [path.name for place in ("temp", "uploads") for path in (data_folder / place).glob("*")]


def test_a_few_files_are_stored_when_the_request_is_answered(
    site: Any, paths: list[Path], data_folder: Path, do_jobs: Callable[[], None]
) -> None:
    for path in paths:
        report = brought(site, [path])
        assert (report["state"], report["counts"]["stored"]) == ("succeeded", 1)
        assert [entry["name"] for entry in report["entries"]] == [path.name]
    assert left(data_folder) == []
    assert not list(study_listing.differing())
    assert Series.objects.get().revision == len(paths)
    assert Job.objects.filter(kind="build").count() == 1
    do_jobs()
    assert (Job.objects.filter(kind="build").count(), Series.objects.get().instance_count) == (1, len(paths))
    assert brought(site, paths[:2])["counts"] == {"stored": 0, "present": 2, "skipped": 0}
    assert not Job.objects.filter(state=State.QUEUED).exists()
    assert check.check().fine


def test_what_has_a_problem_waits_for_the_job(site: Any, paths: list[Path], do_jobs: Callable[[], None]) -> None:
    contents = [path.read_bytes() for path in paths[:3]]
    contents[1] = contents[1][:-100]
    report = brought(site, paths[:3], contents)
    assert (report["state"], report["counts"]["stored"]) == ("queued", 0)
    do_jobs()
    assert site.get(f"/uploads/{report['id']}")["counts"] == {"stored": 2, "present": 0, "skipped": 1}


def test_many_files_and_archives_wait_for_the_job(site: Any, paths: list[Path]) -> None:
    assert brought(site, paths)["state"] == "queued"
    assert brought(site, paths[:1], [b"PK\3\4"])["state"] == "queued"


def test_requests_of_one_series_at_once(site: Any, paths: list[Path]) -> None:
    """Each makes the same study and series, and two bring the same instance."""
    errors: list[BaseException] = []
    project = Project.objects.get().pk
    ready = threading.Barrier(4)

    def stores(own: list[Path]) -> None:
        try:
            ready.wait()
            for path in own:
                with StoringNow(who=as_site(), project=project) as storing:
                    storing.add(arrived(path))
                    storing.flush()
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=stores, args=(paths[number % 2 :: 2],)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert Series.objects.get().instance_count == Instance.objects.count() == len(paths)
    assert sorted(Entry.objects.values_list("status", flat=True)) == ["present"] * 12 + ["stored"] * 12
    assert not list(study_listing.differing())


def test_an_instance_that_comes_between_the_look_and_the_rows(
    site: Any, paths: list[Path], tmp_path: Path, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project.objects.get().pk
    other = synthetic_series(tmp_path / "o", slices=12, rescale=(2.0, 0.0)).paths
    write, calls = take_in._write, itertools.count()

    def meanwhile(*given: Any) -> None:
        if next(calls) == 0:
            with StoringNow(who=as_site(), project=project) as first:
                first.add(arrived(paths[0]))
                first.add(arrived(paths[1]))
                first.flush()
        write(*given)

    monkeypatch.setattr(take_in, "_write", meanwhile)
    with StoringNow(who=as_site(), project=project) as storing:
        for path in (paths[0], other[1], paths[2]):
            storing.add(arrived(path))
        storing.flush()
        assert [entry.status for _, entry in storing.results] == ["present", "skipped", "stored"]
    assert (Upload.objects.count(), Instance.objects.count(), Entry.objects.count()) == (2, 3, 5)
    assert left(data_folder) == []
    assert check.check().fine


def test_what_a_killed_request_had_stored_is_whole(
    site: Any, paths: list[Path], data_folder: Path, do_jobs: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At any point: rows with their bytes, a report, and a build that waits."""
    monkeypatch.setattr(take_in, "BATCH", 4)
    project = Project.objects.get().pk

    def dies_after(count: int) -> Callable[[], None]:
        def work() -> None:
            fsync, calls = os.fsync, itertools.count()

            def counted(descriptor: Any) -> None:
                if next(calls) == count:
                    os.kill(os.getpid(), signal.SIGKILL)
                fsync(descriptor)

            os.fsync = counted  # type: ignore[assignment]
            with StoringNow(who=as_site(), project=project) as storing:
                for path in paths:
                    storing.add(arrived(path))
                storing.flush()

        return work

    stored = []
    for count in (0, 4, 8, 11):
        assert os.WTERMSIG(in_child(dies_after(count))) == signal.SIGKILL
        stored.append(Instance.objects.count())
        assert stored[-1] % 4 == 0
        assert not list(study_listing.differing())
        assert bool(stored[-1]) == Job.objects.filter(kind="build", state=State.QUEUED).exists()
    assert stored[-1]
    assert all(upload.entries.count() == upload.stored + upload.present for upload in Upload.objects.all())
    with StoringNow(who=as_site(), project=project) as storing:
        for path in paths:
            storing.add(arrived(path))
        storing.flush()
    do_jobs()
    assert Series.objects.get().instance_count == 12
    for row in Instance.objects.all():
        assert files_at_rest.is_kept(row.sha256)


def test_a_build_waits_until_a_series_is_quiet(site: Any, paths: list[Path]) -> None:
    site_series = brought(site, paths[:1]) and Series.objects.get()
    job = Job.objects.get(kind=KIND)
    assert job.not_before is not None
    assert leases.claim(queues=["ingest"]) is None
    assert not leases.waiting(["ingest"])
    Job.objects.filter(pk=job.pk).update(not_before=timezone.now() - timedelta(seconds=0.5))
    submit_builds_later([site_series], quiet_seconds=1.0)  # more came: it waits on
    assert leases.claim(queues=["ingest"]) is None
    long_ago = timezone.now() - timedelta(seconds=20)
    Job.objects.filter(pk=job.pk).update(created=long_ago, not_before=long_ago)
    submit_builds_later([site_series], quiet_seconds=1.0)  # it has waited long enough
    claimed = leases.claim(queues=["ingest"])
    assert claimed is not None
    assert claimed.pk == job.pk
