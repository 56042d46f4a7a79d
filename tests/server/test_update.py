"""A site that an earlier version has filled: its volumes are made again, after what people ask for."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from django.apps import apps

from voxelry.server.archive.build import submit_build
from voxelry.server.archive.models import Series, Stack
from voxelry.server.jobs.models import Job, State
from voxelry.testing import synthetic_mosaics, synthetic_report, synthetic_series, write

_update = import_module("voxelry.server.archive.migrations.0006_build_again").build_again
_update_mosaics = import_module("voxelry.server.archive.migrations.0018_mosaics_again").build_mosaics_again


def test_volumes_of_an_earlier_version_are_made_again(site: Any, tmp_path: Path, do_jobs: Any) -> None:
    site.upload(synthetic_series(tmp_path / "s", slices=4, spacing=(3.0, 0.5, 0.5)).paths)
    site.upload([write(synthetic_report(), tmp_path / "report.dcm")])
    stack = Stack.objects.get()
    right = stack.planes
    assert right["coronal"]["aspect"] == 6.0
    # As a row of an earlier version is: planes crossing the slices were drawn with square pixels.
    Stack.objects.update(planes={name: {**plane, "aspect": 1.0} for name, plane in right.items()})

    _update(apps, None)

    job = Job.objects.get(state=State.QUEUED)
    assert (job.kind, job.subject, job.priority) == ("build", stack.series_id, 0)
    assert Series.objects.get(pk=stack.series_id).job_id == job.pk
    assert site.client.get(f"/api/series/{stack.series_id}/slices/0.png").status_code == 200  # the old one meanwhile
    _update(apps, None)
    assert Job.objects.filter(state=State.QUEUED).count() == 1
    do_jobs()
    assert Stack.objects.get().planes == right


def test_who_asks_now_does_not_wait_for_all_that_is_made_again(site: Any, tmp_path: Path) -> None:
    site.upload(synthetic_series(tmp_path / "s", slices=3).paths)
    _update(apps, None)
    submit_build(Series.objects.get())
    job = Job.objects.get(state=State.QUEUED)
    assert job.priority == 10


def test_mosaics_that_were_shown_whole_are_built_again_and_nothing_else(
    site: Any, tmp_path: Path, do_jobs: Any
) -> None:
    site.upload(synthetic_series(tmp_path / "s", slices=3).paths)
    site.upload(synthetic_mosaics(tmp_path / "m", volumes=1).paths)
    stack = Stack.objects.get(shape__0=11)
    # As a row of an earlier version is.
    Stack.objects.filter(pk=stack.pk).update(regular=False, problem_code="mosaic", problem_message="it is a mosaic")

    _update_mosaics(apps, None)

    job = Job.objects.get(state=State.QUEUED)
    assert (job.subject, job.project) == (stack.series_id, stack.series.project)
    do_jobs()
    assert Stack.objects.get(series=stack.series_id).regular
