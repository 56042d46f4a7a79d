"""Copies a study to another project: new rows that share the bytes at rest, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Exists, F, Model, OuterRef, Q

from voxelry.core.errors import VoxelryError
from voxelry.dicom.series.lost_files import CONFLICT
from voxelry.server.access.grants import as_site
from voxelry.server.archive import queries
from voxelry.server.archive.at_rest import files_at_rest
from voxelry.server.archive.build import submit_builds
from voxelry.server.archive.intake.store_instance import patient_in
from voxelry.server.archive.lists.study_listing import refresh_listing
from voxelry.server.archive.models import Instance, Series, Study

CONFLICTS_TOLD = 100
_ROWS = 500
_OF_SERIES = (
    *("series_instance_uid", "number", "modality", "description", "body_part"),
    *("performed_date", "performed_time", "scheduled_step_id", "requested_procedure_id", "sop_classes", "attributes"),
)


class CopyConflictError(VoxelryError):
    """The project has all of it in another study, or other files with its UIDs."""

    code = "copy_conflict"


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy did.

    Attributes
    ----------
    study
        The key of the study in the other project.
    created
        Whether the project had none of its UID.
    copied, present, conflicts
        The number of instances that are new in the project, that it had already, and that it has with other bytes;
        these are left out.
    conflicting
        The SOP Instance UIDs of the first conflicts.
    """

    study: int
    created: bool
    copied: int
    present: int
    conflicts: int
    conflicting: tuple[str, ...]


def copy_to_project(study: int, project: int) -> Copied:
    """Copy a study that is not in the trash to another project, and queue the builds of its volumes.

    The number of statements depends on the number of series, not of instances.

    Raises
    ------
    Study.DoesNotExist
        If the study was deleted meanwhile.
    CopyConflictError
        If the project has no study of its UID, and no instance can be copied.
    """
    with transaction.atomic():
        files_at_rest.wait_for_writers(writing=True)
        source = queries.studies(as_site()).select_related("patient").get(pk=study, trashed=None)
        own = queries.instances(as_site()).filter(series__study=source).order_by()
        same = queries.instances(as_site()).filter(project=project, sop_instance_uid=OuterRef("sop_instance_uid"))
        new = own.filter(~Exists(same)).values_list("series").annotate(count=Count("pk"))
        counts: dict[int, int] = dict(new)
        known = own.filter(Exists(same))
        other = known.filter(~Exists(same.filter(sha256=OuterRef("sha256"))))
        conflicts = other.count()
        conflicting = other.order_by("pk").values_list("sop_instance_uid", flat=True)[:CONFLICTS_TOLD]
        present = known.count() - conflicts
        target = (
            queries.studies(as_site())
            .filter(project=project, study_instance_uid=source.study_instance_uid, trashed=None)
            .first()
        )
        created = target is None
        if target is None:
            if not counts and (present or conflicts):
                raise CopyConflictError(
                    f"nothing was copied: the project has {present} of the instances in other studies, and "
                    f"{conflicts} with the same UID and other content"
                )
            target = _new_study(source, project)
        grown = _target_series(source, target, set(counts))
        if grown:
            _copy_instances(source, target)
        _copy_unused_files(source, target)
        submit_builds(target.series.filter(pk__in=grown).order_by("pk"))
        refresh_listing([target.pk])
        return Copied(target.pk, created, sum(counts.values()), present, conflicts, tuple(conflicting))


def _new_study(source: Study, project: int) -> Study:
    values = _values(source, leave=("project", "patient", "created", "trashed", "trashed_by"))
    patient = patient_in(project, _values(source.patient, leave=("project",)))
    return queries.studies(as_site()).create(project_id=project, patient=patient, **values)


def _target_series(source: Study, target: Study, with_new: set[int]) -> list[int]:
    """Make the series that the target lacks, and count a revision of the others; returns their keys.

    Parameters
    ----------
    with_new
        The keys of the source's series that have an instance to copy.
    """
    there = set(target.series.values_list("series_instance_uid", flat=True))
    chosen = list(source.series.filter(pk__in=with_new).order_by("pk"))
    queries.series(as_site()).filter(
        study=target, series_instance_uid__in=[one.series_instance_uid for one in chosen]
    ).update(revision=F("revision") + 1)  # fmt: skip
    queries.series(as_site()).bulk_create(
        [
            Series(
                study=target,
                project_id=target.project_id,
                revision=1,
                **{name: getattr(one, name) for name in _OF_SERIES},
            )
            for one in chosen
            if one.series_instance_uid not in there
        ],
        batch_size=_ROWS,
    )
    uids = [one.series_instance_uid for one in chosen]
    return list(target.series.filter(series_instance_uid__in=uids).order_by("pk").values_list("pk", flat=True))


def _copy_instances(source: Study, target: Study) -> None:
    """Copy the rows of the instances that the target's project lacks, in one statement.

    Their uploads are of another project, so the copies name none.
    """
    own = {"id", "project_id", "series_id", "upload_id"}
    columns = [field.column for field in Instance._meta.concrete_fields if field.column not in own]  # noqa: SLF001
    copied = ", ".join(f'"{name}"' for name in columns)
    read = ", ".join(f'i."{name}"' for name in columns)
    statement = f"""
        INSERT INTO archive_instance (project_id, series_id, upload_id, {copied})
        SELECT %s, t.id, NULL, {read}
        FROM archive_series s
        JOIN archive_series t ON t.study_id = %s AND t.series_instance_uid = s.series_instance_uid
        JOIN archive_instance i ON i.series_id = s.id
        WHERE s.study_id = %s AND NOT EXISTS (
            SELECT 1 FROM archive_instance x WHERE x.project_id = %s AND x.sop_instance_uid = i.sop_instance_uid
        )
        ORDER BY i.id
    """  # noqa: S608 - names of this module's own
    with connection.cursor() as cursor:
        cursor.execute(statement, [target.project_id, target.pk, source.pk, target.project_id])


def _copy_unused_files(source: Study, target: Study) -> None:
    """Copy what is known of files that could not be used, unless the target knows it or has the file."""
    series = dict(target.series.values_list("series_instance_uid", "pk"))
    of_source = Q(series__study=source) | Q(
        series=None, project=source.project_id, study_instance_uid=source.study_instance_uid
    )
    rows = list(queries.unused_files(as_site()).filter(of_source).select_related("series"))
    if not rows:
        return
    of_target = Q(series__study=target) | Q(series=None, study_instance_uid=target.study_instance_uid)
    theirs = queries.unused_files(as_site()).filter(of_target, project=target.project_id)
    known = set(theirs.values_list("name", "code", "sop_instance_uid"))
    uids = {row.sop_instance_uid for row in rows} - {""}
    whole = queries.instances(as_site()).filter(project=target.project_id, problem_code="")
    here = set(whole.filter(sop_instance_uid__in=uids).values_list("sop_instance_uid", flat=True))
    copies = []
    for row in rows:
        if (row.name, row.code, row.sop_instance_uid) in known or (
            row.sop_instance_uid in here and row.code != CONFLICT
        ):
            continue
        of = None if row.series is None else series.get(row.series.series_instance_uid)
        if row.series is not None and of is None:
            continue
        row.pk, row.project_id, row.series_id, row.upload_id = None, target.project_id, of, None
        copies.append(row)
    queries.unused_files(as_site()).bulk_create(copies, batch_size=_ROWS)


def _values(row: Model, *, leave: tuple[str, ...]) -> dict[str, Any]:
    """The values of a row's columns but for its key and some others."""
    fields = [field for field in row._meta.concrete_fields if not field.primary_key]  # noqa: SLF001
    return {field.name: getattr(row, field.name) for field in fields if field.name not in leave}
