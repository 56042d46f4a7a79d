"""Pages of the list of studies, whose cost does not grow with the archive.

A page is read from an index in the order that is asked for, of each project apart, and merged. Where no index has both
the order and the conditions, the count decides: few studies are found by their conditions and sorted, many are met
soon in the order. Counts end at `MOST_COUNTED`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from operator import itemgetter
from typing import Any

from django.db import connection, transaction

from voxelry.server.access.bounded_lists import MOST_COUNTED, ListLength
from voxelry.server.access.grants import Grants
from voxelry.server.archive import queries
from voxelry.server.archive.lists import listing_sql
from voxelry.server.archive.lists.listing_sql import Scope
from voxelry.server.archive.lists.sql_branch import Branch
from voxelry.server.archive.terms.search_words import terms_of
from voxelry.server.archive.terms.study_filter import LATEST_FIRST, PageCursor, StudyFilter, StudyOrder

_FIRST_WINDOW = 300
_FEW = 2_000
"""Studies that are sorted rather than looked for in the order."""
_COMMON = 8
"""A project with more than one of so many studies is not asked of the index of words."""
_DENSE = 10
"""A search that one of so many studies meets looks through them without the index of words."""
_BRANCHES = 64
_WORDS_MEMORY = "64MB"

Row = tuple[str | int, int]
"""The value that is sorted by, and the key of the study."""


@dataclass(frozen=True, slots=True)
class StudyPage:
    """A part of a list of studies.

    Attributes
    ----------
    keys
        The studies, in order.
    count, more
        The length of the list, at most `MOST_COUNTED`; whether it is longer than that.
    next, previous
        Where the pages behind and before it are; None where the list ends.
    """

    keys: tuple[int, ...]
    count: int
    more: bool
    next: str | None
    previous: str | None


def study_page(
    who: Grants, filtered: StudyFilter, order: StudyOrder = LATEST_FIRST, *, after: str = "", limit: int = 50
) -> StudyPage:
    """A page of the studies that somebody may see.

    Parameters
    ----------
    after
        The cursor that another page of the same list gave; empty for the first page.

    Raises
    ------
    CursorError
        If the cursor is not of this list.
    """
    cursor = PageCursor.decode(after, order)
    backwards = cursor is not None and cursor.backwards
    walked = order.reversed if backwards else order
    with _room_for_words(filtered):
        scopes = _scopes(who, filtered)
        counts = _counts(scopes)
        rows = _rows(scopes, counts, walked, cursor, limit + 1)
    length = ListLength.of(sum(counts))
    further = len(rows) > limit
    rows = rows[:limit]
    if backwards:
        rows.reverse()
    here = partial(_beside, rows, cursor, order)
    return StudyPage(
        keys=tuple(key for _, key in rows),
        count=length.count,
        more=length.more,
        next=here(-1) if (further or backwards) else None,
        previous=here(0) if (further if backwards else cursor is not None) else None,
    )


@contextmanager
def _room_for_words(filtered: StudyFilter) -> Iterator[None]:
    """Let PostgreSQL remember each study that a word has, and not compile statements that take a few milliseconds."""
    if connection.vendor != "postgresql" or not filtered.search:
        yield
        return
    with transaction.atomic():
        _fetch(Branch("SELECT set_config('work_mem', %s, true), set_config('jit', 'off', true)", (_WORDS_MEMORY,)))
        yield


def _beside(rows: Sequence[Row], cursor: PageCursor | None, order: StudyOrder, end: int) -> str | None:
    """The cursor of the page behind (-1) or before (0) some rows, or beside the cursor of an empty page."""
    backwards = end == 0
    if rows:
        return PageCursor(*rows[end], backwards=backwards).encode(order)
    if cursor is None or cursor.backwards == backwards:
        return None
    # The page beside begins with the row of the cursor itself.
    step = 1 if order.descending == cursor.backwards else -1
    return PageCursor(cursor.value, cursor.key - step, backwards=backwards).encode(order)


def _scopes(who: Grants, filtered: StudyFilter) -> list[Scope]:
    """The conditions in each project that somebody may see, without projects in which nothing can meet them."""
    keys = queries.project_keys(who, filtered.projects)
    words: list[str] = []
    uid = filtered.study_instance_uid
    studies = set(queries.studies_of_uid(who, uid)) if uid else None
    for word in filtered.search.replace("\0", " ").split():
        of_uid = queries.studies_of_uid(who, word) if listing_sql.is_uid(word) else []
        if of_uid:
            studies = set(of_uid) if studies is None else studies & set(of_uid)
        else:
            words.append(word)
    terms = terms_of(" ".join(words))
    chosen = None if studies is None else tuple(sorted(studies))
    found = [Scope(key, filtered, terms, chosen) for key in keys]
    if filtered.by_facet:
        told = [replace(scope, facets=listing_sql.facets(scope.project, filtered)) for scope in found]
        found = [scope for scope in told if scope.facets is None or scope.facets]
    if terms and (filtered.by_facet or filtered.by_date):
        found = [replace(scope, words_last=_is_small(scope)) for scope in found]
    if terms and connection.vendor == "postgresql":
        found = [replace(scope, words_last=scope.words_last or _is_dense(scope)) for scope in found]
    return _with_common(found) if terms else found


def _is_dense(scope: Scope) -> bool:
    """Whether many of the latest studies meet the conditions, so that looking through all of them ends soon.

    PostgreSQL's index of words gives all studies with a word before the first can be looked at.
    """
    latest = _fetch(listing_sql.part_of_order(scope, LATEST_FIRST, None, _FIRST_WINDOW))
    met = sum(bool(meets) for _, _, meets in latest)
    return met * _DENSE >= len(latest) > 0


def _with_common(scopes: Sequence[Scope]) -> list[Scope]:
    """The conditions, and of which projects a good part of the latest studies of all are."""
    latest = _fetch(listing_sql.latest())[0][0]
    told = []
    for scope in scopes:
        found = [] if scope.words_last else _fetch(listing_sql.nth_latest(scope.project, _FEW))
        told.append(replace(scope, common=bool(found) and latest - found[0][0] < _COMMON * _FEW))
    return told


def _is_small(scope: Scope) -> bool:
    """Whether few studies meet the conditions other than the words."""
    rest = replace(scope, terms=())
    return bool(_fetch(listing_sql.counted(rest, _FEW + 1))[0][0] <= _FEW)


def _counts(scopes: Sequence[Scope]) -> list[int]:
    """The number of studies in each project; counting ends above `MOST_COUNTED` in all."""
    found: list[int] = []
    left = MOST_COUNTED + 1
    for scope in scopes:
        own = 0 if left <= 0 else _fetch(listing_sql.counted(scope, left))[0][0]
        left -= int(own)
        found.append(int(own))
    if left <= 0 and found:
        # Projects after the last that was counted are taken for long ones.
        last = max(index for index, own in enumerate(found) if own)
        found[last:] = [MOST_COUNTED + 1] * (len(found) - last)
    return found


def _rows(
    scopes: Sequence[Scope], counts: Sequence[int], order: StudyOrder, cursor: PageCursor | None, limit: int
) -> list[Row]:
    """The first rows behind a cursor."""
    branches: list[Branch] = []
    rows: list[Row] = []
    for scope, count in zip(scopes, counts, strict=True):
        if not count:
            continue
        ordered = listing_sql.ordered(scope, order, cursor, limit)
        if ordered is not None:
            branches += ordered
        elif count <= _FEW:
            branches.append(listing_sql.sorted_few(scope, order, cursor, limit))
        else:
            rows += _walked(scope, count, order, cursor, limit)
    for start in range(0, len(branches), _BRANCHES):
        rows += _fetch(listing_sql.together(branches[start : start + _BRANCHES]))
    return sorted(rows, key=itemgetter(0, 1), reverse=order.descending)[:limit]


def _walked(scope: Scope, count: int, order: StudyOrder, cursor: PageCursor | None, limit: int) -> list[Row]:
    """The first rows behind a cursor of many: looked for in the order, further and further; or sorted, if not met."""
    rows: list[Row] = []
    for window in _windows(count):
        branch = listing_sql.part_of_order(scope, order, cursor, window)
        last, found = None, []
        for value, key, meets in _fetch(branch):
            last = (value, key)
            if meets:
                found.append((value, key))
        rows += found
        if len(rows) >= limit or last is None:
            return rows[:limit]
        cursor = PageCursor(*last)
    return [*rows, *_fetch(listing_sql.sorted_few(scope, order, cursor, limit - len(rows)))]


def _windows(count: int) -> Iterator[int]:
    """The lengths of the parts of the order that are looked through before the studies are sorted."""
    yield _FIRST_WINDOW
    yield 4 * _FIRST_WINDOW
    if count > MOST_COUNTED:
        yield 30 * _FIRST_WINDOW


def _fetch(branch: Branch) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(branch.sql, branch.params)
        found: list[Any] = cursor.fetchall()
        return found
