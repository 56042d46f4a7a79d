"""Steps in the admin: what was asked for, and what came of it; never written by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from voxelry.server.processing.models import Process

# Django's own class takes no type parameter when it runs.
if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Process]
else:
    _Admin = admin.ModelAdmin


@admin.register(Process)
class ProcessAdmin(_Admin):
    """Seen only: results go with the series that they were made of."""

    list_display = ["__str__", "step", "created", "published"]
    list_filter = ["step"]
    search_fields = ["job_name", "=id"]
    readonly_fields = ["job_name", "step", "params", "in_dir", "created", "published", "columns", "rows", "warnings"]
    exclude = ["seed"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
