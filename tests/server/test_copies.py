"""A study copied to another project: rows of its own, and the same bytes at rest."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.archive_rows import project_row, study_rows
from voxelry.server.archive.copy_study import CopyConflictError, copy_to_project
from voxelry.server.archive.models import Instance, Patient, Series, Study, UnusedFile
from voxelry.server.archive.remove import remove_studies
from voxelry.server.jobs.models import Job

pytestmark = pytest.mark.django_db


def _contents(study: Study) -> list[tuple[str, str, str]]:
    rows = Instance.objects.filter(series__study=study).order_by("sop_instance_uid")
    return list(rows.values_list("series__series_instance_uid", "sop_instance_uid", "sha256"))


def test_a_copy_has_rows_of_its_own_and_shares_the_bytes() -> None:
    ours, theirs = project_row("ours"), project_row("theirs")
    study = study_rows(ours, series=2, instances=3)
    done = copy_to_project(study.pk, theirs.pk)
    assert (done.created, done.copied, done.present, done.conflicts) == (True, 6, 0, 0)
    copy = Study.objects.get(pk=done.study)
    assert _contents(copy) == _contents(study)
    assert copy.patient_id != study.patient_id
    assert (copy.patient.name, copy.description) == ("Doe^Jane", "a study")
    copied = Instance.objects.filter(project=theirs)
    assert (copied.count(), copied.filter(upload=None).count()) == (6, 6)
    made = Series.objects.filter(study=copy)
    assert {(one.project_id, one.revision, one.built_revision, one.folder) for one in made} == {(theirs.pk, 1, 0, "")}
    assert set(Job.objects.filter(kind="build").values_list("subject", flat=True)) == {one.pk for one in made}


def test_a_second_copy_brings_what_is_new_and_leaves_what_differs() -> None:
    ours, theirs = project_row("ours"), project_row("theirs")
    study = study_rows(ours)
    first = copy_to_project(study.pk, theirs.pk)
    again = copy_to_project(study.pk, theirs.pk)
    assert (again.created, again.study) == (False, first.study)
    assert (again.copied, again.present, again.conflicts) == (0, 2, 0)
    Instance.objects.filter(project=theirs, sop_instance_uid="1.2.1.2").update(sha256="0" * 64)
    study_rows(ours, first=2)
    third = copy_to_project(study.pk, theirs.pk)
    assert (third.copied, third.present, third.conflicts, third.conflicting) == (2, 1, 1, ("1.2.1.2",))
    assert Instance.objects.get(project=theirs, sop_instance_uid="1.2.1.2").sha256 == "0" * 64
    assert Instance.objects.filter(project=theirs).count() == 4
    assert Patient.objects.filter(project=theirs).count() == 1
    assert dict(Series.objects.filter(study=third.study).values_list("series_instance_uid", "revision")) == {
        "1.2.1": 1,
        "1.2.2": 1,
    }


def test_a_series_that_gains_instances_is_built_again() -> None:
    ours, theirs = project_row("ours"), project_row("theirs")
    study = study_rows(ours)
    there = copy_to_project(study.pk, theirs.pk).study
    Instance.objects.filter(project=theirs, sop_instance_uid="1.2.1.2").delete()
    Job.objects.all().delete()
    assert copy_to_project(study.pk, theirs.pk).copied == 1
    assert Series.objects.get(study=there).revision == 2
    assert Job.objects.filter(kind="build").count() == 1


def test_nothing_is_copied_if_the_project_has_it_in_another_study() -> None:
    ours, theirs = project_row("ours"), project_row("theirs")
    study = study_rows(ours)
    elsewhere = study_rows(theirs)
    Study.objects.filter(pk=elsewhere.pk).update(study_instance_uid="9.9")
    with pytest.raises(CopyConflictError, match="has 2 of the instances"):
        copy_to_project(study.pk, theirs.pk)
    assert Study.objects.filter(project=theirs).count() == 1


def test_four_thousand_instances_take_few_statements(django_assert_max_num_queries: Any) -> None:
    ours, theirs = project_row("ours"), project_row("theirs")
    study = study_rows(ours, instances=4000)
    with django_assert_max_num_queries(45):  # PostgreSQL takes 65,535 values at a time, so it depends on the columns
        assert copy_to_project(study.pk, theirs.pk).copied == 4000
    assert Instance.objects.filter(project=theirs).count() == 4000


def test_what_becomes_of_one_copy_leaves_the_other() -> None:
    ours, theirs = project_row("ours"), project_row("theirs")
    study = study_rows(ours)
    copy = Study.objects.get(pk=copy_to_project(study.pk, theirs.pk).study)
    before = _contents(copy)
    Study.objects.filter(pk=study.pk).update(description="changed")
    remove_studies([study.pk])
    copy.refresh_from_db()
    assert (copy.description, _contents(copy)) == ("a study", before)
    assert Patient.objects.filter(project=theirs).count() == 1
    assert not Patient.objects.filter(project=ours).exists()


def test_a_patient_without_an_id_is_copied_for_each_study() -> None:
    ours, theirs = project_row("ours"), project_row("theirs")
    for uid in ("1.2", "1.3"):
        study = study_rows(ours, uid)
        nameless = Patient.objects.create(project=ours, name="Roe^Jo")
        Study.objects.filter(pk=study.pk).update(patient=nameless)
        copy_to_project(study.pk, theirs.pk)
    assert list(Patient.objects.filter(project=theirs).values_list("name", flat=True)) == ["Roe^Jo"] * 2


def test_what_a_series_lacks_is_copied() -> None:
    ours, theirs = project_row("ours"), project_row("theirs")
    study = study_rows(ours)
    series = study.series.get()
    of_none = UnusedFile(
        certain=True, study_instance_uid="1.2", series_instance_uid="1.2.7", name="b", code="truncated"
    )
    of_series = UnusedFile(certain=False, series=series, name="a", code="damaged")
    for one in (of_none, of_series):
        one.project, one.start = ours, b"DICM"
        one.save()
    copy = Study.objects.get(pk=copy_to_project(study.pk, theirs.pk).study)
    copy_to_project(study.pk, theirs.pk)
    rows = UnusedFile.objects.filter(project=theirs).order_by("name")
    assert [(one.name, one.series_id, bytes(one.start)) for one in rows] == [
        ("a", copy.series.get().pk, b"DICM"),
        ("b", None, b"DICM"),
    ]
