"""Deleting: recorded before the first file goes, and finished after any crash."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import connection, connections

from voxelry.server.access.models import Project
from voxelry.server.archive import cleanup, remove
from voxelry.server.archive.at_rest import deletions, flushing, holdings
from voxelry.server.archive.models import Deletion, Instance, Series, Study, Upload
from voxelry.server.processing.models import Process, ResultFile
from voxelry.testing import synthetic_instance, synthetic_series, write

STEPS = 40
"""More than a deletion of this test has, so that the last child is not killed."""


def _killed_at(step: int, work: Callable[[], object]) -> bool:
    """Do it in a child that is killed (SIGKILL) before its so many-th effect on the database or the disk."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        try:
            _die_at(step)
            work()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def _die_at(step: int) -> None:
    left = [step]

    def guarded(does: Any) -> Any:
        def before(*args: Any, **kwargs: Any) -> Any:
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
            return does(*args, **kwargs)

        return before

    connection.ensure_connection()
    for owner, name in (
        (connection, "_commit"),
        (deletions, "record"),
        (Path, "unlink"),
        (shutil, "rmtree"),
        (flushing, "sync_folder"),
    ):
        setattr(owner, name, guarded(getattr(owner, name)))


def _left(data: Path) -> list[str]:
    """What is at rest, by its place."""
    return sorted(
        path.relative_to(data).as_posix()
        for path in data.rglob("*")
        if path.is_file() and path.relative_to(data).parts[0] in ("files", "stacks", "uploads")
    )


def _with_a_result(series: int) -> None:
    """As a step leaves it that was done on a series."""
    process = Process.objects.create(project=Project.objects.get(), job_name="surface", step="surface")
    process.inputs.create(position=0, series=Series.objects.get(pk=series), stack=0)
    row = ResultFile.objects.create(process=process, name="a.stl", sha256="a" * 64, size=1)
    path = Path(default_storage.path(row.stored_name))
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")


def test_a_delete_that_is_killed_at_any_step_is_finished_or_was_not_begun(
    site: Any, tmp_path: Path, data_folder: Path
) -> None:
    killed, begun, rows_gone = 0, 0, 0
    for step in range(STEPS):
        if not Instance.objects.exists():
            synthetic_series(tmp_path / "s", slices=2)
            (key,) = site.upload(sorted((tmp_path / "s").iterdir()))["series"]
            _with_a_result(key)
        before = _left(data_folder)
        studies = list(Study.objects.values_list("pk", flat=True))
        if not _killed_at(step, lambda studies=studies: remove.remove_studies(studies)):  # type: ignore[misc]
            break
        killed += 1
        if Instance.objects.exists():
            assert (_left(data_folder), Deletion.objects.count()) == (before, 0)
            begun += 1
        else:
            rows_gone += 1
            cleanup.remove_forgotten()
    assert (_left(data_folder), Deletion.objects.count(), ResultFile.objects.count()) == ([], 0, 0)
    assert begun >= 2
    assert rows_gone >= 8  # each file, the folders, their syncs, the end of the record
    assert killed < STEPS - 1


def test_a_killed_delete_of_an_upload_is_finished(site: Any, tmp_path: Path, data_folder: Path) -> None:
    from voxelry.server.archive.intake import incoming

    for step in range(STEPS):
        if not Upload.objects.exists():
            site.upload([write(synthetic_instance(seed=step), tmp_path / "a.dcm")], run=False)
        upload = Upload.objects.get()
        if not _killed_at(step, lambda upload=upload: incoming.remove_upload(upload)):  # type: ignore[misc]
            break
        if not Upload.objects.exists():
            cleanup.remove_forgotten()
            assert _left(data_folder) == []
    assert (_left(data_folder), Deletion.objects.count()) == ([], 0)


def test_bytes_that_came_again_meanwhile_stay(site: Any, tmp_path: Path, data_folder: Path) -> None:
    path = write(synthetic_instance(), tmp_path / "a.dcm")
    site.upload([path])
    kept = Instance.objects.get()
    Deletion.objects.create(place=deletions.of_instance(kept.sha256))
    Deletion.objects.create(place=f"stacks/{kept.series_id}")
    before = _left(data_folder)
    cleanup.remove_forgotten()
    assert (_left(data_folder), Deletion.objects.count()) == (before, 0)


@pytest.mark.parametrize("at_once", [1, deletions.AT_ONCE])
def test_what_cannot_be_removed_stays_recorded_and_costs_no_other(
    site: Any,
    tmp_path: Path,
    data_folder: Path,
    at_once: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    site.upload(synthetic_series(tmp_path / "s", slices=2).paths)
    monkeypatch.setattr(deletions, "AT_ONCE", at_once)
    first = Path(default_storage.path(holdings.stored_name(Instance.objects.order_by("pk")[0].sha256)))
    unlink = Path.unlink

    def refuses(path: Path, **options: Any) -> None:
        if path == first:
            raise PermissionError(13, "Permission denied")
        unlink(path, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuses)
        site.delete_for_good(Study.objects.get().pk)
    assert _left(data_folder) == [first.relative_to(data_folder).as_posix()]
    assert Deletion.objects.count() == 1
    assert "could not be removed yet" in caplog.text
    cleanup.remove_forgotten()
    assert (_left(data_folder), Deletion.objects.count()) == ([], 0)
