"""Whatever is killed while a draft is taken in or written: what was acknowledged is stored once, nothing is lost."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.storage import default_storage
from django.db import connection, connections
from pytest_django import Settings

import voxelry
from tests.server.drafts import draft, save, saved, segment
from tests.server.test_incoming import in_child
from tests.server.test_segmentations import labels_of
from voxelry.server.archive.check import check
from voxelry.server.archive.models import Instance
from voxelry.server.archive.repair import repair
from voxelry.server.jobs import attempts, isolated, sweep
from voxelry.server.jobs.models import Job, State
from voxelry.server.processing.models import GivenFile
from voxelry.testing import synthetic_series

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.no_cover]

SEG = "1.2.840.10008.5.1.4.1.1.66.4"


@pytest.fixture
def image(site: Any, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> tuple[voxelry.Volume, int]:
    monkeypatch.setattr(isolated, "IN_PROCESS", True)
    settings.VOXELRY = settings.VOXELRY.replace(attempts=1000)
    (key,) = site.upload(synthetic_series(tmp_path / "s", slices=3).paths)["series"]
    return voxelry.load_volume(tmp_path / "s"), key


def killed_at(moment: int, work: Callable[[], object]) -> bool:
    """Do some work in a process that is killed when it flushes or renames for the n-th time; whether it was."""

    def dying() -> None:
        calls = itertools.count()
        for name in ("fsync", "replace"):
            own = getattr(os, name)

            def counted(*given: Any, own: Callable[..., Any] = own, **named: Any) -> Any:
                if next(calls) == moment:
                    os.kill(os.getpid(), signal.SIGKILL)
                return own(*given, **named)

            setattr(os, name, counted)
        work()
        os._exit(0)

    status = in_child(dying)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def test_kill_9_of_the_request(site: Any, image: tuple[voxelry.Volume, int], do_jobs: Callable[[], None]) -> None:
    volume, key = image
    labels = np.ones(volume.array.shape, np.uint8)
    asked = lambda: site.client.post("/api/segmentations/voxels", draft(key, labels))  # noqa: E731
    moments = 0
    while killed_at(moments, asked):
        moments += 1
    assert moments > 4
    jobs = Job.objects.filter(kind="save_segmentation")
    assert jobs.count() >= 1
    do_jobs()
    assert set(jobs.values_list("state", flat=True)) == {State.SUCCEEDED}
    assert Instance.objects.filter(sop_class_uid=SEG).count() == jobs.count()
    left = check()
    assert not left.missing
    assert not left.damaged
    assert all(place.startswith("files/given/") for place in left.orphaned)  # of whom nobody was told
    repair(left)
    assert check().fine


def test_kill_9_of_the_worker(site: Any, image: tuple[voxelry.Volume, int], do_jobs: Callable[[], None]) -> None:
    volume, key = image
    labels = np.random.default_rng(2).integers(0, 3, volume.array.shape, np.uint8)
    accepted = save(site, 202, [labels], series=key, segments=[segment(1), segment(2)])
    job = Job.objects.get(pk=accepted["id"])
    moments = 0
    while killed_at(moments, lambda: attempts.attempt_job(job.pk)):
        sweep.take_back_own()
        moments += 2
    assert moments > 4
    do_jobs()
    told = site.get(f"/jobs/{job.pk}")
    assert told["state"] == "succeeded"
    (made,) = told["result"]["segmentations"]
    assert Instance.objects.filter(sop_class_uid=SEG).count() == 1
    np.testing.assert_array_equal(labels_of(site, site.get(f"/segmentations/{made}")), labels)
    saved(site, do_jobs, [labels], series=key, segments=[segment(1), segment(2)])  # tidies up what was left
    assert not GivenFile.objects.exists()
    assert check().fine


def test_what_came_is_on_disk_before_the_answer(
    site: Any, image: tuple[voxelry.Volume, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    volume, key = image
    synced: list[tuple[int, int]] = []
    in_time: list[int] = []
    flush = os.fsync

    def noting(descriptor: int) -> None:
        told = os.fstat(descriptor)
        synced.append((told.st_ino, told.st_size))
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", noting)
    connection.ensure_connection()
    commit = connection._commit  # type: ignore[attr-defined]

    def committing() -> None:
        if GivenFile.objects.exists():
            in_time.append(len(synced))
        commit()

    monkeypatch.setattr(connections["default"], "_commit", committing)
    save(site, 202, [np.ones(volume.array.shape, np.uint8)], series=key)
    before = dict(synced[: in_time[0]])
    rows = list(GivenFile.objects.select_related("process"))
    assert {row.name for row in rows} == {"segmentation.json", "layer0"}
    for row in rows:
        path = Path(default_storage.path(row.stored_name))
        assert before[path.stat().st_ino] == path.stat().st_size == row.size
        for folder in (path.parent, path.parent.parent, path.parent.parent.parent):
            assert folder.stat().st_ino in before, folder
