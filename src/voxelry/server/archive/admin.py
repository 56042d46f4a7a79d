"""Patients, studies and series in the admin site."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from django.contrib import admin
from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Count, Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from voxelry.server.access.admin_rows import ProjectFilter, ProjectRowsAdmin, add_projects
from voxelry.server.access.authentication import asking
from voxelry.server.access.grants import Grants
from voxelry.server.access.models import Project, Role
from voxelry.server.archive import admin_parts, admin_uploads, queries, trash
from voxelry.server.archive.admin_filters import HasProblemFilter, ModalityFilter
from voxelry.server.archive.admin_uploads import UploadForm
from voxelry.server.archive.intake import receive_upload
from voxelry.server.archive.lists.listing_sql import is_uid
from voxelry.server.archive.lists.study_pages import study_page
from voxelry.server.archive.models import Patient, Series, Study
from voxelry.server.archive.terms.study_filter import StudyFilter

__all__ = ["PatientAdmin", "SeriesAdmin", "StudyAdmin", "admin_parts", "admin_uploads"]
FOUND = 1000
"""A search finds the latest so many studies, and what belongs to them."""
_WORDS = (
    "Words and numbers as on the home page: parts of names and identifiers in any order, dates, descriptions, "
    "modalities; or a whole UID. The latest 1,000 studies are found."
)
PARTS_SHOWN = 50
"""A page about one row shows so many of its parts, and links to the list of all."""


@admin.register(Patient)
class PatientAdmin(ProjectRowsAdmin):
    """Patients."""

    list_display = ["__str__", "patient_id", "issuer", "birth_date", "sex", "project", "studies"]
    list_select_related = ["project"]
    list_filter = [ProjectFilter]
    search_help_text = _WORDS
    readonly_fields = ["studies_shown"]

    def visible(self, who: Grants, *, least: Role = Role.VIEWER) -> QuerySet[Patient]:
        return queries.patients(who)

    def found(self, rows: QuerySet[Any], text: str, request: HttpRequest) -> QuerySet[Any]:
        studies = queries.studies(asking(request)).filter(pk__in=_studies_found(text, request))
        return rows.filter(pk__in=set(studies.values_list("patient", flat=True)))

    def for_page(self, rows: list[Any], request: HttpRequest) -> None:
        _count(rows, queries.studies(asking(request)), "patient")

    @admin.display
    def studies(self, patient: Patient) -> int:
        """The number of studies."""
        return int(cast(Any, patient).part_count)

    @admin.display(description="studies")
    def studies_shown(self, patient: Patient) -> SafeString:
        """The last studies."""
        rows = patient.studies.filter(trashed=None).order_by("-pk")
        return parts_table(rows, "patient", patient, ("date", "description", "accession_number"))


@admin.register(Study)
class StudyAdmin(ProjectRowsAdmin):
    """Studies."""

    list_display = ["__str__", "patient", "project", "date", "accession_number", "series_count", "created"]
    list_select_related = ["patient", "project"]
    list_filter = [ProjectFilter]
    list_links = ("patient",)
    deletable = True
    exclude = ["trashed", "trashed_by"]
    search_help_text = _WORDS
    readonly_fields = ["series_shown"]

    def visible(self, who: Grants, *, least: Role = Role.VIEWER) -> QuerySet[Study]:
        return queries.studies(who, least=least)

    def found(self, rows: QuerySet[Any], text: str, request: HttpRequest) -> QuerySet[Any]:
        return rows.filter(pk__in=_studies_found(text, request))

    def for_page(self, rows: list[Any], request: HttpRequest) -> None:
        _count(rows, queries.series(asking(request)), "study")

    @admin.display(description="series")
    def series_count(self, study: Study) -> int:
        """The number of series."""
        return int(cast(Any, study).part_count)

    @admin.display(description="series")
    def series_shown(self, study: Study) -> SafeString:
        """The first series."""
        rows = study.series.order_by("pk")
        return parts_table(rows, "study", study, ("number", "modality", "description", "body_part"))

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        self.delete_queryset(request, queries.studies(asking(request)).filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        trash.move_to_trash(_own(self, request, queryset), cast(User, request.user))


@admin.register(Series)
class SeriesAdmin(ProjectRowsAdmin):
    """Series; "add" brings new ones."""

    list_display = ["picture", "__str__", "view", "patient", "project", "modality", "instance_count", "state"]
    list_display_links = ["__str__"]
    list_select_related = ["study__patient", "job", "project"]
    list_filter = [ProjectFilter, ModalityFilter, HasProblemFilter]
    list_links = ("study",)
    deletable = True
    search_help_text = _WORDS
    readonly_fields = ["large_picture", "view", "state", "attributes", "volumes_shown", "instances_shown"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "large_picture",
                    "view",
                    "project",
                    "study",
                    "modality",
                    "number",
                    "description",
                    "body_part",
                    "series_instance_uid",
                    "state",
                    "problem_message",
                    "volumes_shown",
                    "instances_shown",
                ]
            },
        ),
        ("Metadata that all instances share", {"classes": ["collapse"], "fields": ["attributes"]}),
    ]

    def visible(self, who: Grants, *, least: Role = Role.VIEWER) -> QuerySet[Series]:
        return queries.series(who, least=least).defer("metadata", "report")

    def found(self, rows: QuerySet[Any], text: str, request: HttpRequest) -> QuerySet[Any]:
        if is_uid(text) and (keys := list(rows.filter(series_instance_uid=text).values_list("pk", flat=True)[:FOUND])):
            return rows.filter(pk__in=keys)
        return rows.filter(study__in=_studies_found(text, request))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return asking(request).may_somewhere(Role.UPLOADER)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Receive files as an upload, then redirect to its report."""
        if not self.has_add_permission(request):
            return HttpResponse(status=403)
        given = (request.POST, request.FILES) if request.method == "POST" else ()
        form = UploadForm(*given, projects=add_projects(request))
        if form.is_bound and form.is_valid():
            files: list[UploadedFile] = form.cleaned_data["file"]
            place: Project = form.cleaned_data["project"]
            upload = receive_upload.receive_upload(files, who=asking(request), project=place.pk)
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

    @admin.display
    def patient(self, series: Series) -> str:
        """The patient of the series."""
        return str(series.study.patient)

    @admin.display(description="instances")
    def instance_count(self, series: Series) -> int:
        """The number of instances."""
        return series.instance_count

    @admin.display
    def state(self, series: Series) -> str:
        """The state of the job that builds the volumes."""
        return "" if series.job is None else series.job.state

    @admin.display(description="viewer")
    def view(self, series: Series) -> SafeString:
        """A link to the viewer."""
        return format_html('<a href="/series/{}">View</a>', series.pk)

    @admin.display(description="volumes")
    def volumes_shown(self, series: Series) -> SafeString:
        """The first volumes."""
        rows = series.stacks.order_by("index")
        columns = ("label", "shape", "dtype", "spacing", "unit", "regular", "problem_message")
        return parts_table(rows, "series", series, columns)

    @admin.display(description="instances")
    def instances_shown(self, series: Series) -> SafeString:
        """The first instances."""
        rows = series.instances.order_by("pk")
        return parts_table(rows, "series", series, ("number", "sop_instance_uid", "size", "problem_message"))

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        self.delete_queryset(request, queries.series(asking(request)).filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        trash.move_series_to_trash(_own(self, request, queryset), cast(User, request.user))


def _studies_found(text: str, request: HttpRequest) -> list[int]:
    """The latest studies that a search finds, as it does on the home page."""
    return list(study_page(asking(request), StudyFilter(search=text), limit=FOUND).keys)


def parts_table(rows: QuerySet[Any], name: str, whole: Model, columns: Sequence[str]) -> SafeString:
    """The first parts of a row, each with a link to its page; and a link to the list of all if there are more."""
    known = rows.model._meta  # noqa: SLF001
    address = f"admin:{known.app_label}_{known.model_name}"
    shown = list(rows.only("pk", *columns)[: PARTS_SHOWN + 1])
    head = format_html_join("", "<th>{}</th>", ((known.get_field(column).verbose_name,) for column in columns))
    body = format_html_join(
        "",
        '<tr><td><a href="{}">{}</a></td>{}</tr>',
        (
            (
                reverse(f"{address}_change", args=[part.pk]),
                part.pk,
                format_html_join("", "<td>{}</td>", ((getattr(part, column),) for column in columns)),
            )
            for part in shown[:PARTS_SHOWN]
        ),
    )
    more = ""
    if len(shown) > PARTS_SHOWN:
        words = f"The first {PARTS_SHOWN}; all {known.verbose_name_plural}"
        more = format_html('<p><a href="{}?{}={}">{}</a></p>', reverse(f"{address}_changelist"), name, whole.pk, words)
    return format_html(
        '<table class="vx-parts"><thead><tr><th></th>{}</tr></thead><tbody>{}</tbody></table>{}', head, body, more
    )


def _count(rows: Iterable[Any], parts: QuerySet[Any], by: str) -> None:
    """Set ``part_count`` of the rows of a page, in one query."""
    rows = list(rows)
    counted = parts.filter(**{f"{by}__in": [row.pk for row in rows]}).order_by().values_list(by)
    counts = dict(counted.annotate(n=Count("pk")))
    for row in rows:
        row.part_count = counts.get(row.pk, 0)


def _own(rows_admin: ProjectRowsAdmin, request: HttpRequest, queryset: QuerySet[Any]) -> list[int]:
    """The keys of those rows that the user may delete."""
    mine = rows_admin.visible(asking(request), least=Role.OWNER)
    return list(mine.filter(pk__in=list(queryset.values_list("pk", flat=True))).values_list("pk", flat=True))
