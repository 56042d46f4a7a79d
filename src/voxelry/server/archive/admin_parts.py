"""Instances and volumes in the admin site; they are deleted with their series."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from voxelry.server.access.admin_rows import ProjectFilter, ProjectRowsAdmin
from voxelry.server.access.admin_search import kept_search
from voxelry.server.access.authentication import asking
from voxelry.server.access.grants import Grants
from voxelry.server.access.models import Role
from voxelry.server.archive import queries
from voxelry.server.archive.admin_filters import PixelsFilter, RegularFilter
from voxelry.server.archive.admin_uploads import of_latest
from voxelry.server.archive.models import Instance, Stack

PROJECTS = 1000
"""A series' UID is looked up in so many of its projects."""


@admin.register(Instance)
class InstanceAdmin(ProjectRowsAdmin):
    """Instances."""

    list_display = ["sop_instance_uid", "series", "number", "sop_class_uid", "has_pixels", "size", "name"]
    list_select_related = ["series"]
    list_filter = [ProjectFilter, PixelsFilter]
    list_links = ("series",)
    search_help_text = "A whole SOP or Series Instance UID, or the SHA-256 of the file."

    def visible(self, who: Grants, *, least: Role = Role.VIEWER) -> QuerySet[Instance]:
        return queries.instances(who)

    def found(self, rows: QuerySet[Any], text: str, request: HttpRequest) -> QuerySet[Any]:
        keys = _series_of_uid(text, request)
        return rows.filter(Q(sop_instance_uid=text) | Q(sha256=text.lower()) | Q(series__in=keys))


@admin.register(Stack)
class StackAdmin(ProjectRowsAdmin):
    """Volumes."""

    list_display = ["series", "index", "label", "shape", "dtype", "spacing", "unit", "regular"]
    list_select_related = ["series"]
    list_filter = [RegularFilter]
    list_links = ("series",)
    project_path = "series__project"
    search_help_text = "A whole Series Instance UID."

    def visible(self, who: Grants, *, least: Role = Role.VIEWER) -> QuerySet[Stack]:
        return queries.volumes(who)

    def project_of(self, row: Any) -> int | None:
        key: int | None = row.series.project_id
        return key

    def for_list(self, rows: QuerySet[Any], request: HttpRequest) -> QuerySet[Any]:
        return (
            rows if kept_search(request) else of_latest(rows, "series", queries.series(asking(request)), self, request)
        )

    def found(self, rows: QuerySet[Any], text: str, request: HttpRequest) -> QuerySet[Any]:
        return rows.filter(series__in=_series_of_uid(text, request))


def _series_of_uid(uid: str, request: HttpRequest) -> list[int]:
    """The keys of the series of a UID that the user may see, which may be one in each project."""
    found = queries.series(asking(request)).filter(series_instance_uid=uid)
    return list(found.values_list("pk", flat=True)[:PROJECTS])
