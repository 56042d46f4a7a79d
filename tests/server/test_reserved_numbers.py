"""Segmentations that are saved into one series at one moment have different Instance Numbers."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
import pytest
from django.db import IntegrityError, connection

from tests.server.drafts import save, saved, tag_of
from voxelry.dicom.objects.segmentation import write_segmentation
from voxelry.server.access.grants import as_site
from voxelry.server.archive.models import Instance
from voxelry.server.jobs import attempts, isolated
from voxelry.server.processing import process_queries, written_segmentation
from voxelry.server.processing.models import Process, new_seed
from voxelry.server.processing.reserved_numbers import reserved_number
from voxelry.testing import synthetic_series

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE_SECONDS = 120.0


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The work is done in this process."""
    monkeypatch.setattr(isolated, "IN_PROCESS", True)


@pytest.fixture
def image(site: Any, tmp_path: Path) -> int:
    """The key of a series of three slices of 16 x 20."""
    (key,) = site.upload(synthetic_series(tmp_path / "s", slices=3).paths)["series"]
    return int(key)


def labels(seed: int) -> Any:
    found = np.random.default_rng(seed).integers(0, 2, (3, 16, 20), np.uint8)
    found[0, 0, 0] = 1
    return found


def in_threads(work: Callable[[Any], Any], given: list[Any]) -> list[Any]:
    """What the work gives, done by a thread for each, all of which begin at one moment."""
    begin = Barrier(len(given), timeout=PATIENCE_SECONDS)

    def one(value: Any) -> Any:
        begin.wait()
        try:
            return work(value)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(given)) as threads:
        return list(threads.map(one, given))


def test_two_saves_from_different_bases_at_one_moment_have_two_numbers(
    site: Any, image: int, do_jobs: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = saved(site, do_jobs, [labels(1)], series=image)
    given: dict[str, Any] = {"series": image, "grid": "base", "series_choice": "base"}
    second, _ = saved(site, do_jobs, [labels(2)], base=first["id"], if_match=tag_of(site, first["id"]), **given)
    # Both jobs know their numbers before one of them writes.
    both_know = Barrier(2, timeout=PATIENCE_SECONDS)

    def wait_and_write(*args: Any, **options: Any) -> Any:
        both_know.wait()
        return write_segmentation(*args, **options)

    keys = [
        save(site, 202, [labels(number)], base=base["id"], if_match=tag_of(site, base["id"]), **given)["id"]
        for number, base in ((3, first), (4, second))
    ]
    monkeypatch.setattr(written_segmentation, "write_segmentation", wait_and_write)
    assert in_threads(attempts.attempt_job, keys) == [True, True]
    monkeypatch.setattr(written_segmentation, "write_segmentation", write_segmentation)
    do_jobs()
    assert {site.get(f"/jobs/{key}")["state"] for key in keys} == {"succeeded"}
    made = Instance.objects.filter(series=first["series_id"]).order_by("number")
    assert list(made.values_list("number", flat=True)) == [1, 2, 3, 4]


def processes(project: int | None, count: int) -> list[Process]:
    assert project is not None
    return [
        process_queries.processes(as_site()).create(
            project_id=project, job_name="save_segmentation", step="segmentation", seed=new_seed()
        )
        for _ in range(count)
    ]


def test_numbers_that_many_ask_for_at_one_moment_differ_and_stay(site: Any, image: int) -> None:
    series = Instance.objects.filter(series=image)
    made = processes(series[0].project_id, 8)
    numbers = in_threads(lambda process: reserved_number(process, image), made)
    assert sorted(numbers) == list(range(4, 12))
    assert in_threads(lambda process: reserved_number(process, image), made) == numbers
    series.filter(number=3).update(number=40)
    (later,) = processes(series[0].project_id, 1)
    assert reserved_number(later, image) == 41


def test_the_database_itself_refuses_a_number_twice(site: Any, image: int) -> None:
    one, other = processes(Instance.objects.filter(series=image)[0].project_id, 2)
    number = reserved_number(one, image)
    with pytest.raises(IntegrityError):
        process_queries.processes(as_site()).filter(pk=other.pk).update(joined_series=image, instance_number=number)
