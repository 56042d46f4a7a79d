"""The only place that asks for patients, studies, series, instances, volumes and files.

Each query takes the `Grants` of who asks and begins with `visible_to`. What is in the trash is seen by nobody but the
site itself, which sees all rows; `trash` is what owners see of it.
"""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet

from voxelry.server.access.grants import Grants, visible_to
from voxelry.server.access.models import Role
from voxelry.server.archive.models import Entry, Instance, Patient, Series, Stack, Study, UnusedFile, Upload


def patients(who: Grants) -> QuerySet[Patient]:
    """Patients with a study that is not in the trash."""
    rows = visible_to(Patient.objects.all(), who)
    if _is_site(who):
        return rows
    return rows.filter(Exists(Study.objects.filter(patient=OuterRef("pk"), trashed=None)))


def studies(who: Grants, *, least: Role = Role.VIEWER) -> QuerySet[Study]:
    """Studies that are not in the trash."""
    rows = visible_to(Study.objects.all(), who, least=least)
    return rows if _is_site(who) else rows.filter(trashed=None)


def trash(who: Grants) -> QuerySet[Study]:
    """Studies in the trash of the projects that somebody owns."""
    return visible_to(Study.objects.filter(trashed__isnull=False), who, least=Role.OWNER)


def series(who: Grants, *, least: Role = Role.VIEWER) -> QuerySet[Series]:
    """Series; those in the trash have no project."""
    return visible_to(Series.objects.all(), who, least=least)


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


def _is_site(who: Grants) -> bool:
    return who.everything and who.user is None
