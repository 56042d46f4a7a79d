"""Bytes that two projects share: one deletes its study while the other uploads the same files, and loses nothing."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections

from tests.server.conftest import run_jobs
from voxelry.server.access.models import Project
from voxelry.server.archive import check
from voxelry.server.archive.at_rest import files_at_rest, holdings
from voxelry.server.archive.intake import take_in
from voxelry.server.archive.models import Instance, Study
from voxelry.server.archive.remove import remove_studies
from voxelry.server.jobs import job_run
from voxelry.testing import synthetic_series

pytestmark = pytest.mark.django_db(transaction=True)
SECONDS = 60.0


@pytest.fixture(autouse=True)
def _one_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written between the first file and the last, so that a test may hold SQLite's lock meanwhile."""
    monkeypatch.setattr(job_run, "REPORT_SECONDS", float("inf"))
    monkeypatch.setattr(take_in, "BATCH_SECONDS", float("inf"))


@pytest.fixture
def other(site: Any) -> int:
    """The key of a second project."""
    return Project.objects.create(name="other").pk


def bring(site: Any, paths: Any, project: int) -> None:
    files = [SimpleUploadedFile(path.name, path.read_bytes()) for path in paths]
    site.post("/uploads", 202, files=files, project=project)


@contextmanager
def beside(work: Callable[[], None]) -> Iterator[threading.Thread]:
    """Do some work in another thread, with a connection of its own; its error is raised at the end."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    yield thread
    thread.join(SECONDS)
    assert not thread.is_alive()
    if errors:
        raise errors[0]


def check_all(project: int, paths: Any) -> None:
    """The project has all files bit for bit, and nothing else is left."""
    wanted = {hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    assert set(Instance.objects.filter(project=project).values_list("sha256", flat=True)) == wanted
    for sha256 in wanted:
        assert (
            hashlib.sha256(Path(default_storage.path(holdings.stored_name(sha256))).read_bytes()).hexdigest() == sha256
        )
    assert Study.objects.get().project_id == project
    assert check.check().fine


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    return list(synthetic_series(tmp_path / "s", slices=4).paths)


def test_bytes_that_were_deleted_before_their_new_row_are_stored_again(
    site: Any, other: int, paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    site.upload(paths)
    bring(site, paths, other)
    keep, study = files_at_rest.keep_all, Study.objects.get().pk
    calls: list[str] = []

    def deleted_after(*given: Any, **named: Any) -> Any:
        kept = keep(*given, **named)
        calls.extend(one.sha256 for one in kept)
        if len(calls) == len(paths):
            remove_studies([study])
        return kept

    monkeypatch.setattr(files_at_rest, "keep_all", deleted_after)
    run_jobs()
    assert len(calls) == 2 * len(paths)  # the job began again
    check_all(other, paths)


def test_a_deletion_between_its_look_and_its_removal(
    site: Any, other: int, paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    site.upload(paths)
    bring(site, paths, other)
    keep, needed, study = files_at_rest.keep_all, holdings.needed, Study.objects.get().pk
    looked, kept_all = threading.Event(), threading.Event()
    calls: list[str] = []

    def needed_then_wait(names: Any) -> set[str]:
        found = needed(names)
        looked.set()
        assert kept_all.wait(SECONDS)
        return found

    with beside(lambda: remove_studies([study])) as deleting:

        def kept_between(*given: Any, **named: Any) -> Any:
            if not calls:
                deleting.start()
                assert looked.wait(SECONDS)
            kept = keep(*given, **named)
            calls.extend(one.sha256 for one in kept)
            if len(calls) == len(paths):
                kept_all.set()
            return kept

        monkeypatch.setattr(holdings, "needed", needed_then_wait)
        monkeypatch.setattr(files_at_rest, "keep_all", kept_between)
        run_jobs()
    monkeypatch.undo()
    assert len(calls) >= len(paths)
    check_all(other, paths)


def test_a_deletion_that_begins_while_the_new_rows_are_written(
    site: Any, other: int, paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    site.upload(paths)
    bring(site, paths, other)
    are_kept, study = files_at_rest.are_kept, Study.objects.get().pk
    with beside(lambda: remove_studies([study])) as deleting:

        def begun_within(digests: Any) -> bool:
            if deleting.ident is None:
                deleting.start()
            return are_kept(digests)

        monkeypatch.setattr(files_at_rest, "are_kept", begun_within)
        run_jobs()
    check_all(other, paths)


def test_what_damaged_one_project_is_mended_by_its_own_upload_only(site: Any, other: int, paths: list[Path]) -> None:
    """Another project's upload writes the same bytes again, as always, and touches no row of the first."""
    site.upload(paths)
    first = Instance.objects.order_by("pk")[0]
    path = Path(default_storage.path(holdings.stored_name(first.sha256)))
    path.write_bytes(b"damaged")
    before = list(Study.objects.get().series.values())
    bring(site, paths, other)
    run_jobs()
    assert hashlib.sha256(path.read_bytes()).hexdigest() == first.sha256
    assert list(Study.objects.order_by("pk")[0].series.values()) == before
    path.write_bytes(b"damaged")
    site.upload(paths)  # goes to the project called default
    assert hashlib.sha256(path.read_bytes()).hexdigest() == first.sha256
    assert Study.objects.order_by("pk")[0].series.get().revision == before[0]["revision"] + 1
