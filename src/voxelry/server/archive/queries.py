"""The only place that asks for patients, studies, series, instances, volumes and files.

Each query takes the `Grants` of who asks and begins with `visible_to`. What is in the trash is seen by nobody but the
site itself, which sees all rows; `trash` is what owners see of it.
"""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Exists, OuterRef, QuerySet

from voxelry.server.access.grants import Grants, visible_to
from voxelry.server.access.models import Project, Role
from voxelry.server.archive.models import (
    GOING,
    Entry,
    Instance,
    Patient,
    SavedFilter,
    Series,
    Stack,
    Study,
    StudyListing,
    UnusedFile,
    Upload,
)


def patients(who: Grants) -> QuerySet[Patient]:
    """Patients with a study that is not in the trash."""
    rows = visible_to(Patient.objects.all(), who)
    if who.is_site:
        return rows
    return rows.filter(Exists(Study.objects.filter(patient=OuterRef("pk"), trashed=None)))


def studies(who: Grants, *, least: Role = Role.VIEWER) -> QuerySet[Study]:
    """Studies that are not in the trash."""
    rows = visible_to(Study.objects.all(), who, least=least)
    return rows if who.is_site else rows.filter(trashed=None)


def project_keys(who: Grants, wanted: Collection[int] = ()) -> list[int]:
    """The keys of the projects that somebody may see, or of those among some, in their order."""
    rows = visible_to(Project.objects.all(), who, path="pk").order_by("pk")
    return list((rows.filter(pk__in=list(wanted)) if wanted else rows).values_list("pk", flat=True))


def studies_of_uid(who: Grants, uid: str) -> list[int]:
    """The keys of the studies with a UID."""
    return list(studies(who).filter(study_instance_uid=uid).values_list("pk", flat=True))


def listings(who: Grants) -> QuerySet[StudyListing]:
    """What lists show of studies; those in the trash have no row."""
    return visible_to(StudyListing.objects.all(), who)


def saved_filters(who: Grants) -> QuerySet[SavedFilter]:
    """One's own filters. They may name patients of any of one's projects, so a token of one project is refused.

    Raises
    ------
    RoleError
        If it is such a token.
    """
    who.require_account()
    return SavedFilter.objects.filter(user=who.user) if who.user is not None else SavedFilter.objects.none()


def trash(who: Grants, *, least: Role = Role.OWNER) -> QuerySet[Study]:
    """Studies in the trash of the projects that somebody owns, except those that are being deleted for good."""
    return visible_to(Study.objects.filter(trashed__gt=GOING), who, least=least)


def series(who: Grants, *, least: Role = Role.VIEWER) -> QuerySet[Series]:
    """Series; those in the trash have no project."""
    return visible_to(Series.objects.all(), who, least=least)


def series_of_uid(who: Grants, uid: str) -> QuerySet[Series]:
    """The series with a UID, of which each project may have one."""
    # Asked for without the project: with it SQLite may look through all series of the project, in their order.
    keys = list(Series.objects.filter(series_instance_uid=uid).order_by().values_list("pk", flat=True))
    return series(who).filter(pk__in=keys)


def instances(who: Grants) -> QuerySet[Instance]:
    """Instances; those in the trash have no project."""
    return visible_to(Instance.objects.all(), who)


def volumes(who: Grants) -> QuerySet[Stack]:
    """Volumes of series."""
    return visible_to(Stack.objects.all(), who, path="series__project")


def uploads(who: Grants) -> QuerySet[Upload]:
    """Uploads."""
    return visible_to(Upload.objects.all(), who)


def entries(who: Grants) -> QuerySet[Entry]:
    """What became of the files of uploads."""
    return visible_to(Entry.objects.all(), who, path="upload__project")


def unused_files(who: Grants) -> QuerySet[UnusedFile]:
    """Files that could not be used."""
    return visible_to(UnusedFile.objects.all(), who)
