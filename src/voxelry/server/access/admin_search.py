"""Lists of the admin site that stay quick over a million rows, and whose search text is in no address.

The text of a search may be a patient's name. Addresses are kept by browsers and by proxies' logs, so that the form
posts the text; it is kept in the session under a random key, and the key alone is in the list's address.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from functools import cached_property, reduce
from operator import or_
from typing import TYPE_CHECKING, Any, Protocol, cast

from django.contrib.admin.views.main import ORDER_VAR, PAGE_VAR, SEARCH_VAR, ChangeList
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict

from voxelry.server.access.bounded_lists import ListLength, latest_keys, length_of

LONGEST = 1000
WORDS = 20
LARGEST_KEY = 2**63 - 1
SEARCH_KEY = "k"
_KEPT = "admin_searches"
_KEPT_AT_MOST = 20
_POSTED = "posted_search"

# Django's classes take no type parameter at run time.
if TYPE_CHECKING:
    from django.contrib import admin

    _Paginator = Paginator[Any]
    _Mixed = admin.ModelAdmin[Any]
else:
    _Paginator = Paginator
    _Mixed = object


class BoundedPaginator(_Paginator):
    """Counts to `MOST_COUNTED` only; what lies further is reached by a search or a filter.

    Attributes
    ----------
    parts
        The rows in parts that have none in common, one for each project: an index gives the latest rows of one project,
        and none those of several.
    """

    parts: Sequence[QuerySet[Any]] = ()

    @cached_property
    def counted(self) -> ListLength:
        """The number of rows, as far as they are counted."""
        rows = self.object_list
        return length_of(*(self.parts or [rows])) if isinstance(rows, QuerySet) else ListLength.of(len(rows))

    @cached_property
    def count(self) -> int:
        """The number of rows that can be paged through."""
        return self.counted.count

    @property
    def is_bounded(self) -> bool:
        """Whether there are more rows than are counted."""
        return self.counted.more

    def latest(self, number: int) -> list[Any]:
        """The rows of a page."""
        rows = self.object_list
        end = min(number * self.per_page, self.count)
        start = (number - 1) * self.per_page
        if not isinstance(rows, QuerySet) or len(self.parts) <= 1:
            return list(rows[start:end])
        chosen = latest_keys(self.parts, start, end)
        return sorted(rows.order_by().filter(pk__in=chosen), key=lambda row: -int(row.pk))


class _ForPages(Protocol):
    def for_page(self, rows: list[Any], request: HttpRequest) -> None: ...

    def for_list(self, rows: QuerySet[Any], request: HttpRequest) -> QuerySet[Any]: ...


class QuickChangeList(ChangeList):
    """A list in the order of its keys, with the text of a search from the session."""

    def get_filters_params(self, params: Any = None) -> Any:
        """Filters only, without the key of the search."""
        found = super().get_filters_params(params)
        found.pop(SEARCH_KEY, None)
        return found

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        """The rows that are found; called when the list is made, and for actions."""
        self.query = kept_search(request)
        self.root_queryset = cast(_ForPages, self.model_admin).for_list(self.root_queryset, request)
        return super().get_queryset(request, exclude_parameters)

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """The order of the list; a column orders it only where an index does."""
        if not self.sortable_by:
            self.params.pop(ORDER_VAR, None)
        return super().get_ordering(request, queryset)

    def get_results(self, request: HttpRequest) -> None:
        """One page, with what its columns need."""
        super().get_results(request)  # the rows are not fetched yet
        rows = cast(BoundedPaginator, self.paginator).latest(self.page_num if self.multi_page else 1)
        cast(_ForPages, self.model_admin).for_page(rows, request)
        self.result_list = rows

    def apply_select_related(self, qs: QuerySet[Any]) -> QuerySet[Any]:
        """Only what is asked for."""
        wanted = self.list_select_related
        return qs if isinstance(wanted, bool) else qs.select_related(*wanted)


class KeptSearchMixin(_Mixed):
    """An admin whose searches are posted."""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list; a posted search is kept and leads to the list's address with its key."""
        if SEARCH_VAR in request.GET or (ORDER_VAR in request.GET and not self.sortable_by):
            return HttpResponseRedirect(_address(request))
        if request.method == "POST" and _POSTED in request.POST:
            key = _keep(request, request.POST.get(SEARCH_VAR, ""))
            return HttpResponseRedirect(_address(request, key))
        return super().changelist_view(request, extra_context)

    def get_search_fields(self, request: HttpRequest) -> Any:
        """None for Django's own look-up of choices, which has the text in its address."""
        return () if request.path.endswith("/autocomplete/") else super().get_search_fields(request)


def with_words(rows: QuerySet[Any], fields: Sequence[str], text: str) -> QuerySet[Any]:
    """Those of some rows in which each word occurs."""
    for word in text.split()[:WORDS]:
        rows = rows.filter(reduce(or_, (Q(**{f"{field}__icontains": word}) for field in fields)))
    return rows


def number_in(text: str) -> int | None:
    """The key that a text is, if it is one."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= len(str(LARGEST_KEY)) - 1 else None


def kept_search(request: HttpRequest) -> str:
    """The text of the search whose key is in the address; empty if there is none."""
    found = request.session.get(_KEPT, {}).get(request.GET.get(SEARCH_KEY, ""), "")
    return str(found)


def _keep(request: HttpRequest, text: str) -> str:
    """Keep the text of a search; returns its key, or nothing for no text."""
    text = text.replace("\0", " ").strip()[:LONGEST]
    if not text:
        return ""
    kept: dict[str, str] = request.session.get(_KEPT, {})
    key = next((known for known, old in kept.items() if old == text), None) or secrets.token_urlsafe(9)
    others = [(known, old) for known, old in kept.items() if known != key]
    request.session[_KEPT] = dict([*others, (key, text)][-_KEPT_AT_MOST:])
    return key


def _address(request: HttpRequest, key: str | None = None) -> str:
    """The list's own address without a text, and with another search where one is given."""
    query: QueryDict = request.GET.copy()
    for name in (SEARCH_VAR, ORDER_VAR, *([SEARCH_KEY, PAGE_VAR] if key is not None else [])):
        query.pop(name, None)
    if key:
        query[SEARCH_KEY] = key
    return f"{request.path}?{query.urlencode()}" if query else request.path
