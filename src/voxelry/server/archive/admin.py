"""The archive in Django's admin. "Add series" takes files and archives, then shows the live report of the upload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Count, Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from voxelry.server.access.authentication import asking
from voxelry.server.access.grants import chosen_project
from voxelry.server.access.models import Role
from voxelry.server.archive import receive_upload, trash
from voxelry.server.archive.models import Entry, Instance, Patient, Series, Stack, Study, Upload
from voxelry.server.jobs.models import Job

# Django's classes take no type parameter at run time.
if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
    _Inline = admin.TabularInline[Any, Any]
else:
    _Admin = admin.ModelAdmin
    _Inline = admin.TabularInline


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

    file = FilesField(
        label="DICOM files or zip archives",
        help_text="One or many. Archives may hold folders, several studies, and archives.",
    )


class ReadOnlyAdmin(_Admin):
    """Rows that only jobs write. A row is deleted with the row that it belongs to, not by itself."""

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        _, counts, _, protected = super().get_deleted_objects(objs, request)
        return [str(row) for row in objs], counts, set(), protected

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class _RowsInline(_Inline):
    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class SeriesInline(_RowsInline):
    """A study's series."""

    model = Series
    fields = ["number", "modality", "description", "body_part"]


class StackInline(_RowsInline):
    """A series' volumes."""

    model = Stack
    fields = ["index", "label", "shape", "dtype", "spacing", "unit", "regular", "problem_message"]


@admin.register(Patient)
class PatientAdmin(ReadOnlyAdmin):
    """Patients."""

    list_display = ["__str__", "patient_id", "issuer", "birth_date", "sex", "studies"]
    search_fields = ["name", "patient_id"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Patient]:
        rows: QuerySet[Patient] = super().get_queryset(request)
        return rows.annotate(study_count=Count("studies"))

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # a patient is deleted with the last study

    @admin.display(ordering="study_count")
    def studies(self, patient: Patient) -> int:
        """The number of studies."""
        return int(cast(Any, patient).study_count)


@admin.register(Study)
class StudyAdmin(ReadOnlyAdmin):
    """Studies."""

    list_display = ["__str__", "patient", "date", "accession_number", "series_count", "created"]
    list_select_related = ["patient"]
    list_filter = ["created"]
    search_fields = [
        "patient__name",
        "patient__patient_id",
        "description",
        "accession_number",
        "=study_instance_uid",
        "=series__modality",
    ]
    inlines = [SeriesInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Study]:
        rows: QuerySet[Study] = super().get_queryset(request)
        return rows.annotate(n=Count("series"))

    @admin.display(description="series", ordering="n")
    def series_count(self, study: Study) -> int:
        """The number of series."""
        return int(cast(Any, study).n)

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        trash.move_to_trash([obj.pk], cast(User, request.user))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        trash.move_to_trash(queryset.values_list("pk", flat=True), cast(User, request.user))


@admin.register(Series)
class SeriesAdmin(ReadOnlyAdmin):
    """Series; "add" brings new ones."""

    list_display = ["picture", "__str__", "view", "patient", "modality", "instance_count", "state"]
    list_display_links = ["__str__"]
    list_select_related = ["study__patient", "job"]
    list_filter = ["modality", "created"]
    search_fields = [
        "description",
        "modality",
        "study__description",
        "study__patient__name",
        "study__patient__patient_id",
        "=series_instance_uid",
        "=study__study_instance_uid",
    ]
    inlines = [StackInline]
    readonly_fields = ["large_picture", "view", "state", "attributes"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "large_picture",
                    "view",
                    "study",
                    "modality",
                    "number",
                    "description",
                    "body_part",
                    "series_instance_uid",
                    "state",
                    "problem_message",
                ]
            },
        ),
        ("Metadata that all instances share", {"classes": ["collapse"], "fields": ["attributes"]}),
    ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("archive.add_series")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Series]:
        rows: QuerySet[Series] = super().get_queryset(request)
        return rows.annotate(n=Count("instances"))

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Receive files as an upload, then redirect to its report."""
        if not self.has_add_permission(request):
            return HttpResponse(status=403)
        form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
        if form.is_bound and form.is_valid():
            files: list[UploadedFile] = form.cleaned_data["file"]
            place = chosen_project(asking(request), None, Role.UPLOADER)
            upload = receive_upload.receive_upload(files, user=cast(User, request.user), project=place)
            return HttpResponseRedirect(reverse("admin:archive_upload_change", args=[upload.pk]))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Add series",
            "form": form,
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/archive/series/add_form.html", context)

    @admin.display(description="")
    def picture(self, series: Series) -> SafeString:
        """The thumbnail."""
        if not series.thumbnail:
            return format_html('<span class="vx-no-thumbnail"></span>')
        address = f"/api/series/{series.pk}/thumbnail.png?v={series.folder}"
        return format_html('<img class="vx-thumbnail" src="{}" alt="" loading="lazy">', address)

    @admin.display(description="picture")
    def large_picture(self, series: Series) -> SafeString | str:
        """The thumbnail in full size."""
        if not series.thumbnail:
            return "none"
        return format_html(
            '<img class="vx-picture" src="/api/series/{}/thumbnail.png?v={}" alt="">', series.pk, series.folder
        )

    @admin.display(description="")
    def attributes(self, series: Series) -> SafeString:
        """A table of keywords and values."""
        rows = format_html_join("", "<tr><th>{}</th><td>{}</td></tr>", sorted(series.metadata.items()))
        return format_html('<table class="vx-metadata"><tbody>{}</tbody></table>', rows)

    @admin.display(ordering="study__patient__patient_id")
    def patient(self, series: Series) -> str:
        """The patient of the series."""
        return str(series.study.patient)

    @admin.display(description="instances", ordering="n")
    def instance_count(self, series: Series) -> int:
        """The number of instances."""
        return int(cast(Any, series).n)

    @admin.display(ordering="job__state")
    def state(self, series: Series) -> str:
        """The state of the job that builds the volumes."""
        return "" if series.job is None else series.job.state

    @admin.display(description="viewer")
    def view(self, series: Series) -> SafeString:
        """A link to the viewer."""
        return format_html('<a href="/series/{}">View</a>', series.pk)

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        trash.move_series_to_trash([obj.pk], cast(User, request.user))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        trash.move_series_to_trash(queryset.values_list("pk", flat=True), cast(User, request.user))


@admin.register(Instance)
class InstanceAdmin(ReadOnlyAdmin):
    """Instances; deleted with their series."""

    list_display = ["sop_instance_uid", "series", "number", "sop_class_uid", "has_pixels", "size", "name"]
    list_select_related = ["series"]
    list_filter = ["has_pixels"]
    search_fields = ["=sop_instance_uid", "=sha256", "name", "=series__series_instance_uid"]

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Stack)
class StackAdmin(ReadOnlyAdmin):
    """Volumes; deleted with their series."""

    list_display = ["series", "index", "label", "shape", "dtype", "spacing", "unit", "regular"]
    list_select_related = ["series"]
    list_filter = ["regular", "unit"]
    search_fields = ["label", "series__description", "=series__series_instance_uid", "problem_message"]

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin):
    """The reports of all uploads, for searching."""

    list_display = ["name", "upload", "status", "code", "message", "series"]
    list_select_related = ["upload", "series"]
    list_filter = ["status", "code"]
    search_fields = ["name", "message", "=code"]

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Upload)
class UploadAdmin(ReadOnlyAdmin):
    """Uploads with their live reports."""

    list_display = ["__str__", "files", "user", "created", "state", "stored", "present", "skipped"]
    list_select_related = ["user", "job"]
    list_filter = ["job__state", "created"]
    search_fields = ["names", "user__username"]

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
        receive_upload.remove_upload(cast(Upload, obj))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for upload in queryset:
            receive_upload.remove_upload(upload)

    @admin.display
    def files(self, upload: Upload) -> str:
        """The names of the files."""
        shown = ", ".join(upload.names[:3])
        return f"{shown} and {len(upload.names) - 3} more" if len(upload.names) > 3 else shown

    @admin.display(ordering="job__state")
    def state(self, upload: Upload) -> str:
        """The state of the ingest job."""
        job: Job | None = upload.job
        return "" if job is None else job.state
