"""Uploads and their reports in the admin site, and the form that brings files."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from voxelry.server.access.admin_rows import ProjectField, ProjectFilter, ProjectRowsAdmin
from voxelry.server.access.admin_search import number_in
from voxelry.server.access.authentication import asking
from voxelry.server.access.grants import Grants
from voxelry.server.access.models import Project, Role
from voxelry.server.archive import queries
from voxelry.server.archive.admin_filters import StatusFilter
from voxelry.server.archive.intake import incoming
from voxelry.server.archive.models import Entry, Upload
from voxelry.server.jobs.models import Job

LATEST = 100
"""Members of projects are shown the entries of so many uploads of each project, and the volumes of so many series."""
_FIRST_NAMES = 3


def of_latest(
    rows: QuerySet[Any], name: str, wholes: QuerySet[Any], own: ProjectRowsAdmin, request: HttpRequest
) -> QuerySet[Any]:
    """For members of projects, the parts of each project's latest rows: parts have no index by project."""
    projects = asking(request).projects()
    if projects is None or any(link in request.GET for link in own.list_links):
        return rows
    keys: list[int] = []
    for project in sorted(projects):
        keys += wholes.filter(project=project).order_by("-pk").values_list("pk", flat=True)[:LATEST]
    return rows.filter(**{f"{name}__in": keys})


class FilesInput(forms.ClearableFileInput):
    """A file input for many files."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """One or many files, as a list. An empty file is accepted, because the report names it."""

    widget = FilesInput

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_empty_file=True, **options)

    def clean(self, data: Any, initial: Any = None) -> Any:
        one = super().clean
        given = data if isinstance(data, list | tuple) else [data]
        return [one(file, initial) for file in given or [None]]


class UploadForm(forms.Form):
    """The form of "add"."""

    project = ProjectField(queryset=Project.objects.none())
    file = FilesField(
        label="DICOM files or zip archives",
        help_text="One or many. Archives may hold folders, several studies, and archives.",
    )

    def __init__(self, *given: Any, projects: QuerySet[Project]) -> None:
        super().__init__(*given)
        cast(ProjectField, self.fields["project"]).offer(projects)


@admin.register(Entry)
class EntryAdmin(ProjectRowsAdmin):
    """The reports of all uploads, for searching."""

    list_display = ["name", "upload", "status", "code", "message", "series_shown"]
    list_select_related = ["upload", "series"]
    exclude = ["series"]
    readonly_fields = ["series_shown"]
    list_filter = [StatusFilter]
    list_links = ("upload", "series")
    project_path = "upload__project"
    search_help_text = "Words of the file's name, the problem's code or its message, in the latest 10,000 entries."

    def visible(self, who: Grants, *, least: Role = Role.VIEWER) -> QuerySet[Entry]:
        return queries.entries(who)

    def project_of(self, row: Any) -> int | None:
        key: int | None = row.upload.project_id
        return key

    def for_list(self, rows: QuerySet[Any], request: HttpRequest) -> QuerySet[Any]:
        return of_latest(rows, "upload", queries.uploads(asking(request)), self, request)

    def found(self, rows: QuerySet[Any], text: str, request: HttpRequest) -> QuerySet[Any]:
        return self.among_latest(rows, ["name", "message", "code"], text, request)

    @admin.display(description="series")
    def series_shown(self, entry: Entry) -> SafeString | str:
        """The series, with a link; none if it is in the trash."""
        series = entry.series
        if series is None or series.project_id is None:
            return "none"
        return format_html('<a href="{}">{}</a>', reverse("admin:archive_series_change", args=[series.pk]), series)


@admin.register(Upload)
class UploadAdmin(ProjectRowsAdmin):
    """Uploads with their live reports."""

    list_display = ["__str__", "files", "project", "user", "created", "state", "stored", "present", "skipped"]
    list_select_related = ["user", "job", "project"]
    list_filter = [ProjectFilter]
    deletable = True
    search_help_text = "Its number; or words of its files' and its user's names, in the latest 10,000 uploads."

    def visible(self, who: Grants, *, least: Role = Role.VIEWER) -> QuerySet[Upload]:
        return queries.uploads(who)

    def found(self, rows: QuerySet[Any], text: str, request: HttpRequest) -> QuerySet[Any]:
        key = number_in(text)
        return (
            rows.filter(pk=key)
            if key is not None
            else self.among_latest(rows, ["names", "user__username"], text, request)
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The report of an upload; a script in the page keeps it up to date."""
        upload = self.get_object(request, object_id)
        if upload is None or not self.has_view_permission(request, upload):
            return HttpResponseRedirect(reverse("admin:archive_upload_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Upload {upload.pk}",
            "upload": upload,
            "has_delete_permission": self.has_delete_permission(request, upload),
        }
        return TemplateResponse(request, "admin/archive/upload/report.html", context)

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        incoming.remove_upload(cast(Upload, obj))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for upload in queryset:
            if self.has_delete_permission(request, upload):
                incoming.remove_upload(upload)

    @admin.display
    def files(self, upload: Upload) -> str:
        """The names of the files."""
        shown = ", ".join(upload.names[:_FIRST_NAMES])
        more = len(upload.names) - _FIRST_NAMES
        return f"{shown} and {more} more" if more > 0 else shown

    @admin.display
    def state(self, upload: Upload) -> str:
        """The state of the ingest job."""
        job: Job | None = upload.job
        return "" if job is None else job.state
