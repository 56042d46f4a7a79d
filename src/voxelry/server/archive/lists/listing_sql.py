"""The statements that pages and counts of studies are read with, on SQLite and on PostgreSQL.

Each statement names the project, so that it is answered by one index: those of `StudyListing`, or that of words.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from voxelry.server.archive.lists import search_index
from voxelry.server.archive.lists.sql_branch import NO_CONDITION, Branch, all_of, among, equal
from voxelry.server.archive.terms.search_words import Term
from voxelry.server.archive.terms.study_filter import LATEST_FIRST, PageCursor, StudyFilter, StudyOrder

MOST_FACETS = 200
"""Facets of a project that are told apart; a project with more is looked through instead."""
MOST_STREAMS = 48
"""Parts of one project that are merged into an order."""
_UID = re.compile(r"\d+(\.\d+){3,}")
_TABLE = "archive_studylisting"
_INDEXES = {
    "arrived": "listing_by_arrival",
    "date": "listing_by_date",
    "patient": "listing_by_name",
    "patient_id": "listing_by_patient_id",
    "description": "listing_by_description",
    "accession": "listing_by_accession",
    "series": "listing_by_series",
    "instances": "listing_by_instances",
    "size": "listing_by_size",
}


@dataclass(frozen=True, slots=True)
class Scope:
    """The conditions of a list in one project.

    Attributes
    ----------
    terms
        The conditions of the search.
    studies
        The only studies that come into question; None for all.
    facets
        The facets that meet the conditions; None if they are not told apart.
    common
        So many studies are the project's that the index of words is not asked for the project.
    words_last
        The other conditions leave so few studies that their texts are looked at without the index of words.
    """

    project: int
    filtered: StudyFilter
    terms: tuple[Term, ...]
    studies: tuple[int, ...] | None = None
    facets: tuple[str, ...] | None = None
    words_last: bool = False
    common: bool = False


def is_uid(word: str) -> bool:
    """Whether a word is written as a UID."""
    return _UID.fullmatch(word) is not None


def facets(project: int, filtered: StudyFilter) -> tuple[str, ...] | None:
    """The facets of a project that meet the conditions; None if the project has too many. One seek for each facet."""
    least = f"SELECT min(facet) FROM {_TABLE} WHERE project_id = %s"
    sql = (
        f"WITH RECURSIVE found(facet) AS (SELECT ({least}) UNION ALL "
        f"SELECT ({least} AND facet > found.facet) FROM found WHERE found.facet IS NOT NULL) "
        f"SELECT facet FROM found WHERE facet IS NOT NULL LIMIT {MOST_FACETS + 1}"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, (project, project))
        found = [facet for (facet,) in cursor.fetchall()]
    return None if len(found) > MOST_FACETS else tuple(facet for facet in found if filtered.takes_facet(facet))


def nth_latest(project: int, n: int) -> Branch:
    """The key of the study before which the project has ``n`` later ones."""
    of = _of_project(project, LATEST_FIRST)
    sql = f"SELECT study_id FROM {_TABLE} {_by('listing_by_arrival')} WHERE {of.sql}"
    return Branch(f"{sql} {_sorted(LATEST_FIRST)} LIMIT 1 OFFSET {n}", of.params)


def latest() -> Branch:
    """The key of the latest study of all."""
    return Branch(f"SELECT max(study_id) FROM {_TABLE}", ())


def counted(scope: Scope, most: int) -> Branch:
    """The number of studies, at most ``most``."""
    source = _source(scope)
    return Branch(f"SELECT count(*) FROM (SELECT 1 FROM {source.sql} LIMIT {most}) AS counted", source.params)


def ordered(scope: Scope, order: StudyOrder, cursor: PageCursor | None, limit: int) -> list[Branch] | None:
    """Statements whose indexes have the conditions and the order; None if there are none."""
    filtered = scope.filtered
    if scope.studies is not None or filtered.patient is not None:
        return None
    if scope.terms:
        return _words_in_order(scope, order, cursor, limit)
    parts: list[Branch] | None = None
    dates = _between(filtered)
    index = _INDEXES[order.name]
    if not filtered.by_facet and (not filtered.by_date or order.name == "date"):
        parts = [dates]
    elif order.name in ("arrived", "date") and not (filtered.by_date and order.name == "arrived"):
        parts = None if scope.facets is None else [all_of(equal("facet", one), dates) for one in scope.facets]
        index = "listing_by_facet" if order.name == "arrived" else "listing_by_facet_date"
    elif order.name == "arrived" and not filtered.by_facet:
        return _months(scope, order, cursor, limit)
    if parts is None or len(parts) > MOST_STREAMS:
        return None
    return [_in_order(scope.project, part, order, cursor, limit, index) for part in parts]


def sorted_few(scope: Scope, order: StudyOrder, cursor: PageCursor | None, limit: int) -> Branch:
    """The first studies behind a cursor, found by their conditions and sorted."""
    source = _source(scope, _behind(order, cursor, prefix="l."))
    way = _way(order)
    found = f"SELECT l.{order.column} AS value, l.study_id AS study FROM {source.sql}"
    if connection.vendor == "postgresql":
        found += " OFFSET 0"  # the conditions come first, whatever PostgreSQL expects of the order
    return Branch(f"SELECT * FROM ({found}) AS found ORDER BY 1 {way}, 2 {way} LIMIT {limit}", source.params)


def part_of_order(scope: Scope, order: StudyOrder, cursor: PageCursor | None, length: int) -> Branch:
    """The next studies in the order, and of each whether it meets the conditions."""
    everything = all_of(_of_project(scope.project, order), _behind(order, cursor))
    meets = _conditions(scope)
    sql = (
        f"SELECT {order.column} AS value, study_id AS study, {meets.sql} AS meets "
        f"FROM {_TABLE} AS l {_by(_INDEXES[order.name])} WHERE {everything.sql} {_sorted(order)} LIMIT {length}"
    )
    return Branch(sql, (*meets.params, *everything.params))


def together(branches: Sequence[Branch]) -> Branch:
    """The rows of some statements."""
    sql = " UNION ALL ".join(f"SELECT * FROM ({branch.sql}) AS part{n}" for n, branch in enumerate(branches))
    return Branch(sql, tuple(value for branch in branches for value in branch.params))


def _words_in_order(scope: Scope, order: StudyOrder, cursor: PageCursor | None, limit: int) -> list[Branch] | None:
    """SQLite's index of words is read in the order of arrival; what PostgreSQL's finds by itself is sorted."""
    filtered = scope.filtered
    if order.name != "arrived" or scope.words_last or search_index.candidates(None, scope.terms) is None:
        return None
    if connection.vendor == "postgresql":
        others = filtered.by_facet or filtered.by_date
        return None if others else [sorted_few(scope, order, cursor, limit)]
    behind = NO_CONDITION
    if cursor is not None:
        behind = Branch(f"w.rowid {'<' if order.descending else '>'} %s", (cursor.key,))
    source = _source(scope, behind)
    found = f"SELECT l.study_id AS value, l.study_id AS study FROM {source.sql}"
    return [Branch(f"{found} ORDER BY w.rowid {_way(order)} LIMIT {limit}", source.params)]


def _in_order(
    project: int, part: Branch, order: StudyOrder, cursor: PageCursor | None, limit: int, index: str
) -> Branch:
    plain = index == _INDEXES["arrived"]
    of = _of_project(project, order) if plain else equal("project_id", project)
    where = all_of(of, part, _behind(order, cursor))
    way = _sorted(order) if plain or order.name != "arrived" else f"ORDER BY study_id {_way(order)}"
    sql = (
        f"SELECT {order.column} AS value, study_id AS study FROM {_TABLE} {_by(index)} WHERE {where.sql} "
        f"{way} LIMIT {limit}"
    )
    return Branch(sql, where.params)


def _way(order: StudyOrder) -> str:
    return "DESC" if order.descending else "ASC"


def _sorted(order: StudyOrder) -> str:
    way = _way(order)
    if order.name != "arrived":
        return f"ORDER BY {order.column} {way}, study_id {way}"
    return f"ORDER BY project_id {way}, study_id {way}"


def _of_project(project: int, order: StudyOrder) -> Branch:
    """The studies of a project. PostgreSQL would read those of all backwards to find the latest of one.

    A range is no constant for it, so that only the index of project and arrival has the order.
    """
    if connection.vendor == "postgresql" and order.name == "arrived":
        return Branch("project_id BETWEEN %s AND %s", (project, project))
    return equal("project_id", project)


def _by(index: str) -> str:
    """Holds SQLite to an index, whose statistics are those of the last ANALYZE, if there was one."""
    if connection.vendor != "sqlite":
        return ""
    # The table's key may be in an index of its own, without which NOT INDEXED would scan the table.
    return f"INDEXED BY {index}" if index else ""


def _source(scope: Scope, behind: Branch = NO_CONDITION) -> Branch:
    """The studies that meet the conditions, from the access path that leaves the fewest to look at."""
    words_last = scope.words_last or scope.studies is not None or scope.filtered.patient is not None
    found = None if words_last else search_index.candidates(None if scope.common else scope.project, scope.terms)
    of_project = equal("l.project_id", scope.project)
    if found is None:
        where = all_of(of_project, _conditions(scope), behind)
        return Branch(f"{_TABLE} AS l {_by(_narrowest(scope))} WHERE {where.sql}", where.params)
    words = Branch(found.condition, found.params)
    rest = all_of(of_project, _conditions(scope, without_words=found.exact), behind)
    if connection.vendor == "postgresql":
        # OFFSET 0: the words come first, whatever PostgreSQL expects of them.
        first = f"(SELECT w.{found.key} FROM {found.table} AS w WHERE {words.sql} OFFSET 0) AS w"
        return Branch(
            f"{first} JOIN {_TABLE} AS l ON l.study_id = w.{found.key} WHERE {rest.sql}", words.params + rest.params
        )
    where = all_of(words, rest)
    # CROSS JOIN keeps SQLite from beginning with the other table.
    # Where nothing but the project is asked of a row, its entry in the index of arrival says that it is there.
    others = not found.exact or scope.filtered.by_facet or scope.filtered.by_date
    joined = f"{found.table} AS w CROSS JOIN {_TABLE} AS l {_by('' if others else 'listing_by_arrival')}"
    return Branch(f"{joined} WHERE l.study_id = w.{found.key} AND {where.sql}", where.params)


def _narrowest(scope: Scope) -> str:
    """The index of the condition that leaves the fewest studies."""
    if scope.filtered.patient is not None:
        return "listing_by_patient"
    if scope.studies is not None:
        return ""
    if scope.facets is not None:
        return "listing_by_facet_date"
    return "listing_by_date" if scope.filtered.by_date else "listing_by_arrival"


def _conditions(scope: Scope, *, without_words: bool = False) -> Branch:
    filtered = scope.filtered
    parts = [_between(filtered, prefix="l.")]
    if filtered.patient is not None:
        parts.append(equal("l.patient_id", filtered.patient))
    if scope.studies is not None:
        parts.append(among("l.study_id", scope.studies))
    if scope.facets is not None:
        parts.append(among("l.facet", scope.facets))
    elif filtered.by_facet:
        parts += _flags(filtered)
    if not without_words:
        parts.append(Branch(*search_index.in_text(scope.terms, "l.text")))
    whole = all_of(*parts)
    return whole if whole.sql else Branch("1 = 1", ())


def _flags(filtered: StudyFilter) -> list[Branch]:
    """What the facet tells, from columns of their own."""
    parts = []
    for name, value in (("has_volume", filtered.has_volume), ("has_problem", filtered.has_problem)):
        if value is not None:
            parts.append(equal(f"l.{name}", value))
    if filtered.modalities:
        own = sorted(filtered.modalities)
        sql = " OR ".join([f"{search_index.position()}(',' || l.modalities || ',', %s) > 0"] * len(own))
        parts.append(Branch(f"({sql})", tuple(f",{name}," for name in own)))
    return parts


def _months(scope: Scope, order: StudyOrder, cursor: PageCursor | None, limit: int) -> list[Branch] | None:
    """The months of a range of dates, and its days outside of whole months; None if it has no beginning or end."""
    first, last = scope.filtered.date_from, scope.filtered.date_to
    if not first or not last or first > last:
        return None
    begin, end = _month(first), _month(last)
    if end - begin >= MOST_STREAMS:
        return None
    parts = []
    for number in range(begin, end + 1):
        year, month = divmod(number, 12)
        name = f"{year:04d}-{month + 1:02d}"
        start, stop = f"{name}-01", f"{name}-{monthrange(year, month + 1)[1]:02d}"
        days, index = equal("month", name), "listing_by_month"
        if start < first or last < stop:
            days, index = Branch("date BETWEEN %s AND %s", (max(first, start), min(last, stop))), "listing_by_date"
        parts.append(_in_order(scope.project, days, order, cursor, limit, index))
    return parts


def _month(day: str) -> int:
    return int(day[:4]) * 12 + int(day[5:7]) - 1


def _between(filtered: StudyFilter, *, prefix: str = "") -> Branch:
    if not filtered.by_date:
        return NO_CONDITION
    # A study without a date has an empty one, which comes before all.
    parts = [Branch(f"{prefix}date >= %s", (filtered.date_from or "0",))]
    if filtered.date_to:
        parts.append(Branch(f"{prefix}date <= %s", (filtered.date_to,)))
    return all_of(*parts)


def _behind(order: StudyOrder, cursor: PageCursor | None, *, prefix: str = "") -> Branch:
    if cursor is None:
        return NO_CONDITION
    sign = "<" if order.descending else ">"
    if order.name == "arrived":
        return Branch(f"{prefix}study_id {sign} %s", (cursor.key,))
    return Branch(f"({prefix}{order.column}, {prefix}study_id) {sign} (%s, %s)", (cursor.value, cursor.key))
