"""The trash: studies that owners deleted, until they are restored or deleted for good.

A study in the trash keeps its rows and files. Its series and instances have no project, so nothing serves or counts
them, and the same files can be stored again. `remove` deletes them for good.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from voxelry.core.errors import VoxelryError
from voxelry.server.access.grants import as_site
from voxelry.server.archive import queries, remove, trashed_jobs
from voxelry.server.archive.at_rest import files_at_rest
from voxelry.server.archive.build import submit_build
from voxelry.server.archive.lists.study_listing import refresh_listing
from voxelry.server.archive.models import GOING, Series, Study
from voxelry.server.jobs.models import State

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class RestoreConflictError(VoxelryError):
    """What is to be restored is in the project again, and would be there twice."""

    code = "restore_conflict"


def move_to_trash(studies: Iterable[int], by: User | int | None) -> None:
    """Move studies to the trash of their projects, with all that belongs to them.

    What is under way on them is cancelled. Those that are in the trash already stay as they are.
    """
    keys = list(studies)
    with transaction.atomic():
        series = queries.series(as_site()).filter(
            study__in=queries.studies(as_site()).filter(pk__in=keys, trashed=None).values("pk")
        )
        # Jobs first: who writes rows has locked the row of its job before.
        trashed_jobs.hide_jobs(series)
        files_at_rest.wait_for_writers(writing=True)
        rows = list(queries.studies(as_site()).select_for_update().filter(pk__in=keys, trashed=None))
        _hide_files_without_series(rows)
        _hide(rows)
        queries.studies(as_site()).filter(pk__in=[one.pk for one in rows]).update(trashed=timezone.now(), trashed_by=by)
        refresh_listing(keys)


def move_series_to_trash(keys: Iterable[int], by: User | int | None) -> None:
    """Move series to the trash; their studies stay.

    The series of one study get a study of the same UID in the trash.
    """
    with transaction.atomic():
        series = queries.series(as_site()).filter(pk__in=list(keys), project__isnull=False)
        trashed_jobs.hide_jobs(series)
        files_at_rest.wait_for_writers(writing=True)
        of_study: dict[int, list[int]] = {}
        for key, of in series.order_by().values_list("pk", "study__pk"):
            of_study.setdefault(of, []).append(key)
        for study in queries.studies(as_site()).filter(pk__in=of_study):
            moved, created = of_study[study.pk], study.created
            study.pk = None
            study.trashed, study.trashed_by_id = timezone.now(), by if by is None or isinstance(by, int) else by.pk
            study.save(force_insert=True)
            queries.studies(as_site()).filter(pk=study.pk).update(created=created)
            queries.series(as_site()).filter(pk__in=moved).update(study=study)
            _hide([study])
        refresh_listing(of_study)


def _hide_files_without_series(studies: Sequence[Study]) -> None:
    """Take the unused files of series that studies do not have yet out of their project."""
    uids = {(study.project_id, study.study_instance_uid): study for study in studies}
    waiting = queries.unused_files(as_site()).filter(series=None, project__in={project for project, _ in uids})
    for one in waiting.filter(study_instance_uid__in={uid for _, uid in uids}).defer("start"):
        study = uids.get((one.project_id or 0, one.study_instance_uid))
        if study is not None:
            queries.unused_files(as_site()).filter(pk=one.pk).update(project=None, trashed_with=study)


def _hide(studies: Sequence[Study]) -> None:
    """Take series, their instances and unused files out of their project, and hide jobs submitted until then."""
    series = queries.series(as_site()).filter(study__in=[study.pk for study in studies])
    queries.instances(as_site()).filter(series__in=series.order_by().values("pk")).update(project=None)
    queries.unused_files(as_site()).filter(series__in=series.order_by().values("pk")).update(project=None)
    series.update(project=None)
    trashed_jobs.hide_jobs(series)  # a step that was being requested held the series until now


def restore_from_trash(study: int) -> Study:
    """Bring a study back from the trash, with everything.

    If its project has a study of the same UID again, the series move there.

    Returns
    -------
    study
        The study that has the series now.

    Raises
    ------
    Study.DoesNotExist
        If the study is not in the trash.
    RestoreConflictError
        If the project has one of the series or instances again; nothing is changed.
    """
    with transaction.atomic():
        files_at_rest.wait_for_writers(writing=True)
        old = queries.studies(as_site()).select_for_update().get(pk=study, trashed__gt=GOING)
        live = (
            queries.studies(as_site())
            .select_for_update()
            .filter(project=old.project_id, study_instance_uid=old.study_instance_uid, trashed=None)
        )
        target = live.first()
        _check_collisions(old, target)
        keys = list(old.series.values_list("pk", flat=True))
        series = queries.series(as_site()).filter(pk__in=keys)
        if target is None:
            target = old
            target.trashed = target.trashed_by = None
            target.save(update_fields=["trashed", "trashed_by"])
        else:
            series.update(study=target)
        series.update(project=target.project_id)
        queries.instances(as_site()).filter(series__in=keys).update(project=target.project_id)
        unused = queries.unused_files(as_site()).filter(Q(series__in=keys) | Q(trashed_with=old))
        unused.update(project=target.project_id, trashed_with=None)
        if target.pk != old.pk:
            queries.studies(as_site()).filter(pk=old.pk).delete()
            queries.patients(as_site()).filter(pk=old.patient_id, studies=None).delete()
        trashed_jobs.show_again(series)
        _build_again(series)
        refresh_listing([target.pk])
    return target


def _check_collisions(old: Study, live: Study | None) -> None:
    same = queries.instances(as_site()).filter(project=old.project_id, sop_instance_uid=OuterRef("sop_instance_uid"))
    again = queries.instances(as_site()).filter(series__study=old.pk).filter(Exists(same)).count()
    own = old.series.values("series_instance_uid")
    series = 0 if live is None else live.series.filter(series_instance_uid__in=own).count()
    if again or series:
        raise RestoreConflictError(
            f"the project has {max(series, 1)} of the series of this study again, with {again} of its instances: "
            "delete what came again first, or delete this from the trash; nothing was changed"
        )


def _build_again(series: QuerySet[Series]) -> None:
    """Submit the builds that were cancelled."""
    lost = Q(built_revision__lt=F("revision")) | Q(job__state=State.CANCELLED, built_revision=0)
    for one in series.filter(lost).order_by("pk"):
        submit_build(one)


def empty(studies: Iterable[int]) -> int:
    """Delete studies in the trash for good, with their files; returns their number.

    They are marked first, so that what a killed process leaves is deleted by the next clean-up.
    """
    return _empty(queries.studies(as_site()).filter(pk__in=list(studies)))


def empty_project(project: int) -> int:
    """Delete all that is in the trash of a project for good; returns the number of studies."""
    return _empty(queries.studies(as_site()).filter(project=project))


def empty_due() -> int:
    """Delete what has been in the trash for ``archive.trash_days``, or is marked to be deleted; returns the number."""
    end = timezone.now() - timedelta(days=settings.VOXELRY.trash_days)
    return _empty(queries.studies(as_site()).filter(trashed__lte=end))


def goes(study: Study) -> datetime:
    """When a study in the trash is deleted for good."""
    return (study.trashed or timezone.now()) + timedelta(days=settings.VOXELRY.trash_days)


def _empty(rows: QuerySet[Study]) -> int:
    keys = list(rows.filter(trashed__isnull=False).order_by("pk").values_list("pk", flat=True))
    marked = queries.studies(as_site()).filter(pk__in=keys, trashed__isnull=False)
    marked.update(trashed=GOING)
    for key in keys:
        _delete_for_good(key)
    return len(keys)


def _delete_for_good(key: int) -> None:
    with transaction.atomic():
        # Restored, or deleted by another process meanwhile.
        if not queries.studies(as_site()).select_for_update().filter(pk=key, trashed=GOING).exists():
            return
        then = trashed_jobs.delete_jobs(queries.series(as_site()).filter(study=key))
        remove.remove_studies([key])
        then()
