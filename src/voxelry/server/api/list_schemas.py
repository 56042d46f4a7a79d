"""The records of lists of studies and patients, and what is asked for them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from ninja import Field, Schema
from pydantic import AfterValidator, ConfigDict

from voxelry.server.api.schemas import LARGEST, PatientOut
from voxelry.server.archive.terms.study_filter import OrderName

MOST_SEARCHED = 4_000
Key = Annotated[int, Field(ge=1, le=LARGEST)]


def _day(value: str) -> str:
    if value:
        date.fromisoformat(value)
    return value


Day = Annotated[str, Field(pattern=r"^(\d{4}-\d{2}-\d{2})?$"), AfterValidator(_day)]
"""``YYYY-MM-DD``, or empty."""


Modalities = Annotated[list[Annotated[str, Field(min_length=1, max_length=16)]], Field(max_length=100)]


class StudyConditions(Schema):
    """The conditions of a list of studies, all of which have to be met, and its order.

    ``search`` holds words as people type them: parts of names, identifiers, accession numbers, descriptions and
    modalities, and dates of the study or of birth in any form of writing. Each word has to be found. Empty conditions
    are no conditions. A study without a date is in no range of dates.
    """

    model_config = ConfigDict(extra="forbid")

    search: str = Field("", max_length=MOST_SEARCHED)
    projects: list[Key] = Field([], max_length=1000)
    modalities: Modalities = []
    date_from: Day = ""
    date_to: Day = ""
    has_volume: bool | None = None
    has_problem: bool | None = None
    patient: Key | None = None
    order: OrderName = "arrived"
    descending: bool | None = Field(None, description="By default the latest first, and other values from the least.")


class StudySearch(StudyConditions):
    """What a page of the list of studies is asked with; ``after`` is `next` or `previous` of another page."""

    limit: int = Field(50, ge=1, le=200)
    after: str = Field("", max_length=2000)


class ProjectName(Schema):
    """A project where it is only mentioned."""

    id: int
    name: str


class ThumbnailPlace(Schema):
    """The series whose thumbnail stands for a study: `/api/series/{series}/thumbnail.png?v={version}`."""

    series: int
    version: str


class StudyListed(Schema):
    """A study in a list. ``building``: volumes of it are being built, or wait for it."""

    id: int
    study_instance_uid: str
    project: ProjectName
    patient: PatientOut
    date: str
    time: str
    description: str
    accession_number: str
    modalities: list[str]
    series_count: int
    instance_count: int
    bytes: int
    arrived: datetime
    has_volume: bool
    has_problem: bool
    building: bool
    thumbnail: ThumbnailPlace | None


class StudyList(Schema):
    """A page of a list of studies. ``more_than``: the list is longer than ``count``, at which counting ends.

    ``next`` and ``previous`` give the pages behind and before this one as ``after``; they are null where the list ends.
    """

    items: list[StudyListed]
    count: int
    more_than: bool
    next: str | None
    previous: str | None


class PatientWithStudies(PatientOut):
    """A patient with a page of the studies, the latest first."""

    project: ProjectName
    studies: StudyList


class PatientSearch(Schema):
    """What a page of the list of patients is asked with: words that have to be found in one of their studies."""

    model_config = ConfigDict(extra="forbid")

    search: str = Field("", max_length=MOST_SEARCHED)
    projects: list[Key] = Field([], max_length=1000)
    limit: int = Field(50, ge=1, le=200)
    after: str = Field("", max_length=2000)


class PatientListed(PatientOut):
    """A patient in a list; ``last_study`` is the latest study that was found."""

    project: ProjectName
    last_study: int


class PatientList(Schema):
    """A page of a list of patients, in the order of their latest studies. A page may be short; ``next`` goes on."""

    items: list[PatientListed]
    next: str | None


class FilterIn(Schema):
    """A filter to keep under a name; one that has the name is replaced."""

    name: str = Field(min_length=1, max_length=100)
    filter: StudyConditions


class FilterOut(Schema):
    """A filter of one's own."""

    id: int
    name: str
    filter: dict[str, Any]


class FilterList(Schema):
    """One's own filters, by name."""

    items: list[FilterOut]
