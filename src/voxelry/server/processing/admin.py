"""Steps in the admin: what was asked for, and what came of it; never written by hand."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from voxelry.server.access.admin_rows import ProjectFilter, ProjectRowsAdmin
from voxelry.server.access.admin_search import number_in
from voxelry.server.access.grants import Grants
from voxelry.server.access.models import Role
from voxelry.server.processing import process_queries
from voxelry.server.processing.models import Process


@admin.register(Process)
class ProcessAdmin(ProjectRowsAdmin):
    """Seen only: results go with the series that they were made of."""

    list_display = ["__str__", "step", "project", "created", "published"]
    list_select_related = ["project"]
    list_filter = [ProjectFilter]
    readonly_fields = [
        "project", "job_name", "step", "params", "in_dir", "created", "published", "columns", "rows", "warnings",
    ]  # fmt: skip
    exclude = ["seed"]
    search_help_text = "The number of a request; or words of the step's name, in the latest 10,000."

    def visible(self, who: Grants, *, least: Role = Role.VIEWER) -> QuerySet[Process]:
        return process_queries.processes(who).filter(~process_queries.IN_TRASH)

    def found(self, rows: QuerySet[Any], text: str, request: HttpRequest) -> QuerySet[Any]:
        key = number_in(text)
        return rows.filter(pk=key) if key is not None else self.among_latest(rows, ["job_name"], text, request)
