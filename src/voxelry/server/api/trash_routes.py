"""Routes of deleting, of the trash, and of copies in other projects."""

from __future__ import annotations

import base64
import binascii
import math
from datetime import UTC, datetime
from typing import Annotated

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Status

from voxelry.server.access.authentication import asking, requester
from voxelry.server.access.grants import Grants, RoleError, chosen_project
from voxelry.server.access.models import Role
from voxelry.server.access.rules import Rule, needs
from voxelry.server.api import study_records
from voxelry.server.api import trash_schemas as out
from voxelry.server.api.list_records import project_name
from voxelry.server.api.problems import ApiError, not_found
from voxelry.server.api.schemas import ERRORS, LARGEST, StudyOut
from voxelry.server.archive import queries, trash, trash_contents
from voxelry.server.archive.copy_study import copy_to_project
from voxelry.server.archive.models import Study
from voxelry.server.archive.trash_contents import Trashed

router = Router()
Limit = Annotated[int, Query(100, ge=1, le=1000, description="How many studies at most.")]
After = Annotated[str, Query("", max_length=100, description="The `next` of the page before.")]
ProjectKey = Annotated[int | None, Query(None, ge=1, le=LARGEST, description="What is of one project.")]
OneProject = Annotated[int, Query(..., ge=1, le=LARGEST, description="Whose trash.")]


@router.post("/studies/delete", response={204: None, **ERRORS}, tags=["studies"])
@needs(Rule.OWNER)
def delete_studies(request: HttpRequest, body: out.StudyKeys) -> object:
    """Move studies to the trash, all of them or none."""
    trash.move_to_trash(study_records.owned_studies(asking(request), body.studies), requester(request))
    return Status(204, None)


@router.post("/studies/{int:study_id}/copy", response={200: out.CopyOut, 201: out.CopyOut, **ERRORS}, tags=["studies"])
@needs(Rule.OWNER)
def copy_study(request: HttpRequest, study_id: int, body: out.CopyRequest) -> object:
    """Copy a study to another project that you own; 200 if it had the study already and was sent what it lacked.

    What the project has already stays as it is. Files with the UID of another file there are left out, and counted as
    conflicts. Later changes of one copy do not touch the other.
    """
    who = asking(request)
    (key,) = study_records.owned_studies(who, [study_id])
    place = chosen_project(who, body.project, Role.OWNER)
    done = copy_to_project(key, place)
    answer = out.CopyOut(
        study=study_records.study_record(study_records.whole_studies(who).get(pk=done.study)),
        counts=out.CopyCounts(copied=done.copied, present=done.present, conflicts=done.conflicts),
        conflicting=list(done.conflicting),
    )
    return Status(201 if done.created else 200, answer)


@router.get("/trash", response={200: out.TrashList, **ERRORS}, tags=["trash"])
@needs(Rule.OWNER)
def list_trash(request: HttpRequest, project: ProjectKey = None, after: After = "", limit: Limit = 100) -> object:
    """What was deleted in the projects that you own, the last first."""
    who = asking(request)
    _require_owner(who)
    if project is not None:
        chosen_project(who, project, Role.OWNER)
    rows = trash_contents.trash_page(who, project=project, after=_place(after), limit=limit + 1)
    count = trash_contents.count(who, project=project)
    return out.TrashList(
        items=[_row(one) for one in rows[:limit]],
        count=count.count,
        more_than=count.more,
        next=_cursor(rows[limit - 1].study) if len(rows) > limit else None,
    )


@router.delete("/trash", response={200: out.Emptied, **ERRORS}, tags=["trash"])
@needs(Rule.OWNER)
def empty_trash(request: HttpRequest, project: OneProject) -> object:
    """Delete for good all that is in the trash of a project, originals included."""
    return out.Emptied(studies=trash.empty_project(chosen_project(asking(request), project, Role.OWNER)))


@router.post("/trash/{int:study_id}/restore", response={200: StudyOut, **ERRORS}, tags=["trash"])
@needs(Rule.OWNER)
def restore_study(request: HttpRequest, study_id: int) -> object:
    """Bring a study back, with everything. 409 if the project has a part of it again; nothing is changed then.

    If the project has a study of the same UID with other series, the answer is that study.
    """
    who = asking(request)
    restored = trash.restore_from_trash(_in_trash(who, study_id).pk)
    return study_records.study_record(study_records.whole_studies(who).get(pk=restored.pk))


@router.delete("/trash/{int:study_id}", response={204: None, **ERRORS}, tags=["trash"])
@needs(Rule.OWNER)
def delete_for_good(request: HttpRequest, study_id: int) -> object:
    """Delete a study in the trash for good, originals included."""
    if not trash.empty([_in_trash(asking(request), study_id).pk]):  # restored, or deleted, by another request
        raise not_found(f"There is no study {study_id} in the trash.")
    return Status(204, None)


def _in_trash(who: Grants, key: int) -> Study:
    row = queries.trash(who, least=Role.VIEWER).filter(pk=key).first()
    if row is None:
        raise not_found(f"There is no study {key} in the trash.")
    who.require(Role.OWNER, row.project_id)
    return row


def _require_owner(who: Grants) -> None:
    if not who.may_somewhere(Role.OWNER):
        raise RoleError("the trash is for owners of a project")


def _row(one: Trashed) -> out.TrashRow:
    study = one.study
    left = (one.goes - timezone.now()).total_seconds() / 86_400
    return out.TrashRow(
        id=study.pk,
        project=project_name(study.project),
        patient=study_records.patient_record(study.patient),
        study_instance_uid=study.study_instance_uid,
        date=study.date,
        time=study.time,
        description=study.description,
        modalities=list(one.modalities),
        series_count=one.series_count,
        instance_count=one.instance_count,
        bytes=one.size,
        deleted=study.trashed or one.goes,
        deleted_by="" if study.trashed_by is None else study.trashed_by.get_username(),
        goes=one.goes,
        days_left=max(0, math.ceil(left)),
    )


def _cursor(study: Study) -> str:
    """The place of a study in the list, as a text that says nothing to people."""
    time = "" if study.trashed is None else study.trashed.isoformat()
    return base64.urlsafe_b64encode(f"{time} {study.pk}".encode()).decode()


def _place(cursor: str) -> tuple[datetime, int] | None:
    if not cursor:
        return None
    try:
        time, _, key = base64.urlsafe_b64decode(cursor.encode()).decode().partition(" ")
        when = datetime.fromisoformat(time)
        found = None if when.tzinfo is None else (when.astimezone(UTC), int(key))
    except (ValueError, OverflowError, binascii.Error):
        found = None
    if found is None or found[1] > LARGEST:
        raise ApiError(422, "validation", "after: not the `next` of a page")
    return found
