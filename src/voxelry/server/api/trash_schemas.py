"""The records of the trash and of copies in the REST API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from ninja import Field, Schema

from voxelry.server.api.list_schemas import Key, ProjectName
from voxelry.server.api.schemas import PatientOut, StudyOut

MANY = 1000
"""The largest number of studies that one request moves to the trash."""


class StudyKeys(Schema):
    """Some studies."""

    studies: Annotated[list[Key], Field(min_length=1, max_length=MANY)]


class TrashRow(Schema):
    """A study in the trash: who deleted it and when, and when it is deleted for good."""

    id: int
    project: ProjectName
    patient: PatientOut
    study_instance_uid: str
    date: str
    time: str
    description: str
    modalities: list[str]
    series_count: int
    instance_count: int
    bytes: int
    deleted: datetime
    deleted_by: str
    goes: datetime
    days_left: int


class TrashList(Schema):
    """A part of the trash.

    ``count`` is the number of studies in it, counted up to 10,000; ``more_than`` says that there are more. ``next`` is
    where the list goes on; null at its end.
    """

    items: list[TrashRow]
    count: int
    more_than: bool
    next: str | None


class Emptied(Schema):
    """The number of studies that were deleted for good."""

    studies: int


class CopyRequest(Schema):
    """Where to copy a study."""

    project: Key


class CopyCounts(Schema):
    """The numbers of instances that are new in the project, that it had, and that it has with other content."""

    copied: int
    present: int
    conflicts: int


class CopyOut(Schema):
    """The study in the other project; ``conflicting`` are the SOP Instance UIDs of the first 100 conflicts."""

    study: StudyOut
    counts: CopyCounts
    conflicting: list[str]
