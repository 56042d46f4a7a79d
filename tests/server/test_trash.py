"""The trash: what is in it is nowhere else, comes back whole, and goes for good with every byte."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from tests.server.archive_rows import project_row, study_rows
from voxelry.server.access.grants import Grants
from voxelry.server.access.models import Role
from voxelry.server.archive import cleanup, queries, trash
from voxelry.server.archive.build import submit_build
from voxelry.server.archive.models import GOING, Instance, Patient, Series, Study, UnusedFile
from voxelry.server.jobs import batches, job_queries, submit
from voxelry.server.jobs.models import Job, State
from voxelry.server.processing.models import Process

pytestmark = pytest.mark.django_db


def _owner(project: int) -> Grants:
    return Grants(1, roles={project: Role.OWNER})


def _counts(who: Grants) -> list[int]:
    asked: list[Any] = [queries.patients, queries.studies, queries.series, queries.instances, queries.volumes]
    return [rows(who).count() for rows in (*asked, queries.unused_files, queries.listings, job_queries.jobs)]


def _step(series: Series, *, parent: Job | None = None) -> Job:
    process = Process.objects.create(project_id=series.study.project_id, job_name="blur", step="blur")
    process.inputs.create(position=0, series=series, stack=0)
    return Job.objects.create(kind="step", subject=process.pk, project=series.project, parent=parent)


def test_what_is_in_the_trash_is_seen_only_there() -> None:
    ours = project_row("ours")
    study = study_rows(ours, series=2)
    first, second = study.series.order_by("pk")
    UnusedFile.objects.create(project=ours, series=first, certain=False, name="a", code="damaged")
    submit_build(first)
    Job.objects.update(project=ours)
    _step(second)
    who = _owner(ours.pk)
    before = _counts(who)
    assert before == [1, 1, 2, 4, 0, 1, 1, 2]
    by = User.objects.create_user("jane")
    trash.move_to_trash([study.pk], by)
    assert _counts(who) == [0] * 8
    (row,) = queries.trash(who)
    assert (row.pk, row.trashed_by, row.trashed is not None) == (study.pk, by, True)
    assert set(Job.objects.values_list("state", "in_trash")) == {("cancelled", True)}
    trash.move_to_trash([study.pk], None)
    assert queries.trash(who).get().trashed_by == by
    assert trash.restore_from_trash(study.pk).pk == study.pk
    assert _counts(who) == [*before[:7], 4]  # the builds that were never done are queued again
    assert not queries.trash(who).exists()
    with pytest.raises(Study.DoesNotExist):
        trash.restore_from_trash(study.pk)


def test_the_same_data_is_new_while_the_old_is_in_the_trash() -> None:
    ours = project_row("ours")
    old = study_rows(ours)
    trash.move_to_trash([old.pk], None)
    new = study_rows(ours)
    assert new.pk != old.pk
    with pytest.raises(trash.RestoreConflictError, match="1 of the series of this study again, with 2 of its"):
        trash.restore_from_trash(old.pk)
    assert Instance.objects.filter(series__study=old, project=None).count() == 2
    trash.move_to_trash([new.pk], None)
    trash.restore_from_trash(old.pk)
    assert queries.studies(_owner(ours.pk)).get().pk == old.pk
    assert queries.instances(_owner(ours.pk)).count() == 2


def test_series_move_into_the_study_that_came_meanwhile() -> None:
    ours = project_row("ours")
    old = study_rows(ours)
    trash.move_to_trash([old.pk], None)
    live = study_rows(ours, first=2)
    assert trash.restore_from_trash(old.pk).pk == live.pk
    assert sorted(live.series.values_list("series_instance_uid", "project")) == [
        ("1.2.1", ours.pk),
        ("1.2.2", ours.pk),
    ]
    assert Study.objects.count() == 1
    assert Instance.objects.filter(project=ours).count() == 4


def test_a_series_goes_to_the_trash_and_comes_back() -> None:
    ours = project_row("ours")
    study = study_rows(ours, series=2)
    series = study.series.order_by("pk")[0]
    trash.move_series_to_trash([series.pk], None)
    moved = queries.trash(_owner(ours.pk)).get()
    assert (moved.study_instance_uid, moved.created) == (study.study_instance_uid, study.created)
    assert [one.pk for one in moved.series.all()] == [series.pk]
    assert queries.instances(_owner(ours.pk)).count() == 2
    assert trash.restore_from_trash(moved.pk).pk == study.pk
    assert study.series.filter(project=ours).count() == 2
    assert Study.objects.count() == 1


def test_files_without_a_series_go_along() -> None:
    ours, theirs = project_row("ours"), project_row("theirs")
    studies = [study_rows(ours), study_rows(theirs)]
    for project in (ours, theirs):
        UnusedFile.objects.create(
            project=project, certain=True, study_instance_uid="1.2", series_instance_uid="1.2.9", name="a", code="b"
        )
    for study in studies:
        trash.move_to_trash([study.pk], None)
    assert UnusedFile.objects.filter(project=None).count() == 2
    trash.restore_from_trash(studies[0].pk)
    assert UnusedFile.objects.get(project__isnull=False).project == ours
    trash.empty([studies[1].pk])
    assert UnusedFile.objects.count() == 1


def test_a_batch_counts_what_is_not_in_the_trash() -> None:
    ours = project_row("ours")
    gone, kept = study_rows(ours, "1.2"), study_rows(ours, "1.3")
    parent = Job.objects.create(kind="step", project=ours, is_batch=True, once=False)
    lost = _step(gone.series.get(), parent=parent)
    done = _step(kept.series.get(), parent=parent)
    over: dict[str, Any] = {"finished": timezone.now()}
    Job.objects.filter(pk=lost.pk).update(state=State.FAILED, problem_code="x", **over)
    Job.objects.filter(pk=done.pk).update(state=State.SUCCEEDED, **over)
    assert batches.roll_up(parent.pk)
    trash.move_to_trash([gone.pk], None)
    parent.refresh_from_db()
    assert (parent.state, parent.message, parent.problem_message) == ("succeeded", "1 of 1 done", "")
    assert batches.totals(parent.pk).total == 1
    trash.move_to_trash([kept.pk], None)
    assert not job_queries.jobs(_owner(ours.pk)).exists()
    trash.restore_from_trash(gone.pk)
    parent.refresh_from_db()
    assert (parent.state, parent.message, parent.in_trash) == ("failed", "1 of 1 done, 1 failed", False)
    trash.restore_from_trash(kept.pk)
    parent.refresh_from_db()
    assert parent.message == "2 of 2 done, 1 failed"
    trash.move_to_trash([kept.pk], None)
    trash.empty([kept.pk])
    assert list(Job.objects.filter(parent=parent)) == [lost]


def test_a_job_comes_back_with_the_last_of_its_series() -> None:
    ours = project_row("ours")
    studies = [study_rows(ours, uid) for uid in ("1.2", "1.3")]
    job = _step(studies[0].series.get())
    Process.objects.get().inputs.create(position=1, series=studies[1].series.get(), stack=0)
    trash.move_to_trash([study.pk for study in studies], None)
    trash.restore_from_trash(studies[0].pk)
    job.refresh_from_db()
    assert job.in_trash
    trash.restore_from_trash(studies[1].pk)
    job.refresh_from_db()
    assert not job.in_trash


def test_the_job_of_a_deleted_result_stays_with_its_input() -> None:
    ours = project_row("ours")
    study = study_rows(ours, series=2)
    first, second = study.series.order_by("pk")
    job = _step(first)
    Process.objects.get().outputs.create(position=0, series=second)
    trash.move_series_to_trash([second.pk], None)
    job.refresh_from_db()
    assert job.in_trash
    assert trash.empty_project(ours.pk) == 1
    job.refresh_from_db()
    assert not job.in_trash
    assert not Process.objects.get().outputs.exists()


def test_what_was_deleted_for_good_leaves_no_row() -> None:
    ours = project_row("ours")
    study = study_rows(ours)
    series = study.series.get()
    submit_build(series)
    parent = Job.objects.create(kind="step", project=ours, is_batch=True)
    _step(series, parent=parent)
    trash.move_to_trash([study.pk], None)
    trash.empty([study.pk])
    for model in (Patient, Study, Series, Instance, Process, Job):
        assert not model._default_manager.exists(), model


def test_what_is_not_in_the_trash_is_not_emptied() -> None:
    ours = project_row("ours")
    study = study_rows(ours)
    assert (trash.empty([study.pk]), trash.empty_project(ours.pk), trash.empty_due()) == (0, 0, 0)
    assert Instance.objects.count() == 2


def test_a_patient_goes_with_the_last_study_of_all() -> None:
    ours = project_row("ours")
    studies = [study_rows(ours, uid) for uid in ("1.2", "1.3")]
    trash.move_to_trash([study.pk for study in studies], None)
    trash.empty([studies[0].pk])
    assert Patient.objects.exists()
    trash.empty([studies[1].pk])
    assert not Patient.objects.exists()


def test_the_cleanup_empties_what_is_due_and_what_a_killed_process_left(settings: Any) -> None:
    ours = project_row("ours")
    old, new, killed = (study_rows(ours, uid) for uid in ("1.2", "1.3", "1.4"))
    trash.move_to_trash([old.pk, new.pk, killed.pk], None)
    Study.objects.filter(pk=old.pk).update(trashed=timezone.now() - timedelta(days=7, minutes=1))
    Study.objects.filter(pk=killed.pk).update(trashed=GOING)
    assert set(queries.trash(_owner(ours.pk))) == {old, new}
    with pytest.raises(Study.DoesNotExist):
        trash.restore_from_trash(killed.pk)
    cleanup.remove_forgotten()
    assert Study.objects.get() == new
    settings.VOXELRY = settings.VOXELRY.replace(trash_days=0)
    cleanup.remove_forgotten()
    assert not Study.objects.exists()


def test_an_ingest_under_way_is_cancelled() -> None:
    ours = project_row("ours")
    study = study_rows(ours)
    upload = Instance.objects.filter(series__study=study)[0].upload
    assert upload is not None
    upload.job = submit.submit("ingest", subject=upload.pk)
    upload.save()
    Job.objects.update(project=ours)
    trash.move_to_trash([study.pk], None)
    job = Job.objects.get()
    assert (job.state, job.in_trash) == ("cancelled", False)


def test_a_series_in_the_trash_is_not_built() -> None:
    study = study_rows(project_row("ours"))
    trash.move_to_trash([study.pk], None)
    submit_build(study.series.get())
    assert not Job.objects.exists()


def test_many_studies_take_few_statements(django_assert_max_num_queries: Any) -> None:
    ours = project_row("ours")
    keys = [study_rows(ours, f"1.{number}").pk for number in range(2, 52)]
    with django_assert_max_num_queries(80):
        trash.move_to_trash(keys, None)
    assert queries.trash(_owner(ours.pk)).count() == 50
