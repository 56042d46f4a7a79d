"""Lists and pages of the admin site that show a user the rows of the user's projects only.

Roles in projects decide, not Django's permissions of models. Nothing that a browser or the database keeps beside the
rows - titles, messages, the admin's history - holds a row's name, which may be a patient's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any, ClassVar, cast

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME, ActionForm
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.admin.options import ShowFacets
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import SuspiciousOperation
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse

from voxelry.server.access.admin_search import (
    BoundedPaginator,
    KeptSearchMixin,
    QuickChangeList,
    number_in,
    with_words,
)
from voxelry.server.access.authentication import asking
from voxelry.server.access.bounded_lists import MOST_COUNTED
from voxelry.server.access.grants import DEFAULT, Grants, visible_to
from voxelry.server.access.models import Project, Role

# Django's classes take no type parameter at run time.
if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
    _ProjectChoice = forms.ModelChoiceField[Project]
else:
    _Admin = admin.ModelAdmin
    _ProjectChoice = forms.ModelChoiceField


class SelectionForm(ActionForm):
    """The form of actions, which are done on the rows that were ticked and never on all that were found."""

    def clean_select_across(self) -> bool:
        """Always False."""
        return False


class ProjectFilter(admin.SimpleListFilter):
    """Rows of one of the user's projects, of which the first fifty are offered."""

    title = "project"
    parameter_name = "project"
    most: ClassVar[int] = 50

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        """The user's projects by name."""
        mine = visible_to(Project.objects.all(), asking(request), path="pk")
        return [(str(key), name) for key, name in mine.order_by("name").values_list("pk", "name")[: self.most]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Those of the chosen project."""
        chosen = self.value()
        if not chosen:
            return queryset
        key = number_in(chosen)
        return queryset.none() if key is None else queryset.filter(project=key)


class ChoiceFilter(admin.SimpleListFilter):
    """One of a fixed list of values: a list of those that occur would need a look at every row."""

    field: ClassVar[str]
    choices_offered: ClassVar[Sequence[tuple[str, str]]]

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        """The fixed values."""
        return self.choices_offered

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Those with the chosen value."""
        chosen = self.value()
        if chosen not in dict(self.choices_offered):
            return queryset
        return self.chosen(queryset, str(chosen))

    def chosen(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Those with one of the values."""
        return queryset.filter(**{self.field: value})


class ProjectRowsAdmin(KeptSearchMixin, _Admin):
    """Rows that belong to projects: seen by members, deleted by owners, written by jobs only."""

    list_per_page = 100
    list_max_show_all = 100
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    paginator = BoundedPaginator
    action_form = SelectionForm
    actions_selection_counter = False
    ordering = ("-pk",)
    sortable_by: ClassVar[tuple[str, ...]] = ()
    search_fields: ClassVar[tuple[str, ...]] = ("pk",)  # that there is a search; `found` does it
    deletable: ClassVar[bool] = False
    list_links: ClassVar[tuple[str, ...]] = ()
    """Keys of other rows by which an address may narrow a list: a study's series, for one."""

    project_path: ClassVar[str] = "project"
    """The lookup from a row to its project."""

    def visible(self, who: Grants, *, least: Role = Role.VIEWER) -> QuerySet[Any]:
        """The rows that somebody may see, or may do more with."""
        raise NotImplementedError

    def project_of(self, row: Any) -> int | None:
        """The key of a row's project."""
        key: int | None = row.project_id
        return key

    def found(self, rows: QuerySet[Any], text: str, request: HttpRequest) -> QuerySet[Any]:
        """Those of the visible rows that a search finds."""
        raise NotImplementedError

    def for_page(self, rows: list[Any], request: HttpRequest) -> None:
        """Fetch for the rows of one page what the columns need, with a fixed number of queries."""

    def for_list(self, rows: QuerySet[Any], request: HttpRequest) -> QuerySet[Any]:
        """The rows of the list, of all that may be seen."""
        return rows

    def scopes(self, request: HttpRequest) -> list[Q]:
        """The conditions by which the rows of a list fall into parts, each of one project; none for all projects."""
        keys = asking(request).projects()
        chosen = request.GET.get(ProjectFilter.parameter_name, "")
        if keys is None or (ProjectFilter in self.list_filter and chosen):
            return []
        return [Q(**{self.project_path: key}) for key in sorted(keys)]

    def among_latest(
        self, rows: QuerySet[Any], fields: Sequence[str], text: str, request: HttpRequest
    ) -> QuerySet[Any]:
        """Those of each project's latest rows in which each word occurs, for texts that have no index."""
        latest = Q()
        for scope in self.scopes(request) or [Q()]:
            before = rows.filter(scope).order_by("-pk").values_list("pk", flat=True)[MOST_COUNTED : MOST_COUNTED + 1]
            latest |= scope & reduce(and_, (Q(pk__gt=key) for key in before), Q(pk__gt=0))
        return with_words(rows.filter(latest), fields, text)

    def get_paginator(self, request: HttpRequest, queryset: Any, *args: Any, **kwargs: Any) -> Any:
        paginator = super().get_paginator(request, queryset, *args, **kwargs)
        if isinstance(paginator, BoundedPaginator) and queryset.model is self.model:
            paginator.parts = [queryset.filter(scope) for scope in self.scopes(request)]
        return paginator

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return self.visible(asking(request))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return (self.found(queryset, search_term, request) if search_term else queryset), False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[QuickChangeList]:
        return QuickChangeList

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Only the offered filters: a column's value in an address may be a patient's."""
        offered = {
            one.parameter_name for one in self.list_filter if isinstance(one, type) and hasattr(one, "parameter_name")
        }
        return lookup in offered or (lookup in self.list_links and number_in(value) is not None)

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Do an action on the chosen rows; what is no key refuses the request."""
        if any(number_in(key) is None for key in request.POST.getlist(ACTION_CHECKBOX_NAME)):
            raise SuspiciousOperation("a row is chosen by its key")
        return super().response_action(request, queryset)

    # --- permissions ---

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        who = asking(request)
        return who.may_somewhere(Role.VIEWER) if obj is None else who.may(Role.VIEWER, self.project_of(obj))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        if not self.deletable:
            return False
        who = asking(request)
        return who.may_somewhere(Role.OWNER) if obj is None else who.may(Role.OWNER, self.project_of(obj))

    # --- deletion ---

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """The chosen rows. What belongs to them is not listed, since it may be many thousands of rows."""
        rows = list(objs)
        refused = {str(self.opts.verbose_name) for row in rows if not self.has_delete_permission(request, row)}
        return [str(row) for row in rows], {str(self.opts.verbose_name_plural): len(rows)}, refused, []

    def log_deletions(self, request: HttpRequest, queryset: Any) -> list[LogEntry]:
        return _log(request, queryset, DELETION)

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: int) -> HttpResponse:
        return super().response_delete(request, f"{self.opts.verbose_name} {obj_id}", obj_id)


def add_projects(request: HttpRequest) -> QuerySet[Project]:
    """The projects that the user may add to."""
    return visible_to(Project.objects.all(), asking(request), path="pk", least=Role.UPLOADER).order_by("name")


class ProjectField(_ProjectChoice):
    """A choice of the projects that the user may add to; a single one is chosen already, or the default of several."""

    only: Project | None = None

    def offer(self, projects: QuerySet[Project]) -> None:
        """Offer these."""
        self.queryset = projects
        first = list(projects[:2])
        if len(first) == 1:
            self.only = first[0]
            self.initial, self.empty_label = self.only.pk, None
        elif (default := projects.filter(name=DEFAULT).first()) is not None:
            self.initial = default.pk

    def clean(self, value: Any) -> Any:
        return self.only if self.only is not None and not value else super().clean(value)


def _log(request: HttpRequest, rows: Iterable[Model], flag: int) -> list[LogEntry]:
    """Write the admin's history, in which a row is its kind and its key."""
    return LogEntry.objects.bulk_create(_entries(request, rows, flag))


def _entries(request: HttpRequest, rows: Iterable[Model], flag: int) -> Iterator[LogEntry]:
    for row in rows:
        yield LogEntry(
            user=cast(User, request.user),
            content_type=ContentType.objects.get_for_model(row),
            object_id=str(row.pk),
            object_repr=f"{row._meta.verbose_name} {row.pk}",  # noqa: SLF001
            action_flag=flag,
        )
