"""Searches studies, series and instances of one project by their attributes (PS3.4 C.2.2.2, hierarchically).

The order is that of arrival: studies, in each its series, in each its instances. It is total, its last key is unique,
and what arrives later comes behind, so that pages by offset neither lose nor repeat.

A condition that leaves few rows is asked of its index first, and decides which rows are looked at. If each leaves
many, rows are looked at in the order, from window to window, until a page is full.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from django.db import connection

from voxelry.server.access.grants import Grants
from voxelry.server.archive.by_attribute import search_sql
from voxelry.server.archive.by_attribute.search_sql import KeySource
from voxelry.server.archive.lists.sql_branch import Branch
from voxelry.server.archive.terms.search_keys import Criterion, Level

FEW = 2_000
"""Rows that are looked at at once, and sorted."""
_CHUNK = 400
_FETCHED = 10_000
_SERIES_CHUNK = 25
_WINDOWS = (300, 1_200, 9_000)
_WALKED = 12_000
"""Rows in the order of arrival that are looked at before an index that leaves many is read as a whole."""

RowKeys = tuple[int, ...]
"""The keys of a study, of a series in it, and of an instance in that, down to the level of the search."""


def never() -> bool:
    """Says of a search that it goes on to its end."""
    return False


class AttributeSearch:
    """A search in the project that somebody may see.

    Attributes
    ----------
    looked_at
        The number of rows that were looked at so far.
    budget
        So many rows are looked at; `ended_early` says whether that was not enough.

    Parameters
    ----------
    stop
        Asked between statements: the search ends early if it says so.
    """

    def __init__(
        self, who: Grants, level: Level, criteria: Sequence[Criterion], *, stop: Callable[[], bool] = never
    ) -> None:
        projects = who.projects()
        if projects is None or len(projects) != 1:
            raise ValueError("a search is in one project")
        (self._project,) = projects
        self._level, self._stop = level, stop
        self._criteria = search_sql.most_selective_first(criteria)
        self.looked_at = 0
        self.budget: int | None = None
        self.ended_early = False

    def rows(self) -> Iterator[RowKeys]:
        """The keys of the rows that meet all conditions, in the order of arrival."""
        base, keys, dense = self._few()
        parts: Iterator[list[RowKeys]]
        if base is None:
            parts = self._walked(dense)
        else:
            parts = self._looked_at_keys(base, keys) if base is Level.STUDY else iter([self._of_keys(base, keys)])
        start = base or Level.STUDY
        for level in range(start + 1, self._level + 1):
            parts = self._below(Level(level), parts)
        for part in parts:
            yield from part

    def _at(self, level: Level) -> list[Criterion]:
        return [one for one in self._criteria if one.level is level]

    def _few(self) -> tuple[Level | None, list[int], KeySource | None]:
        """The level and the keys of few rows that come into question; or where those of many studies are read."""
        dense = None
        for criterion in self._criteria:
            source = search_sql.source_of(self._project, criterion)
            if source is None:
                continue
            found = {key for (key,) in fetched_rows(source.first(FEW + 1))}
            if len(found) <= FEW:
                return source.level, sorted(found), None
            if dense is None and source.level is Level.STUDY:
                dense = source
        return None, [], dense

    def _of_keys(self, base: Level, keys: Sequence[int]) -> list[RowKeys]:
        """Those of some rows below studies that meet the conditions of their level and of those above."""
        found = [row for part in self._looked_at_keys(base, keys) for row in part]
        return sorted(found)

    def _looked_at_keys(self, base: Level, keys: Sequence[int]) -> Iterator[list[RowKeys]]:
        criteria = [one for one in self._criteria if one.level <= base]
        for start in range(0, len(keys), _CHUNK):
            some = keys[start : start + _CHUNK]
            branch = search_sql.of_keys(base, self._project, criteria, some)
            yield self._deciding(branch, criteria, len(search_sql.ROW_KEYS[base]))
            if self._is_spent():
                return

    def _walked(self, dense: KeySource | None) -> Iterator[list[RowKeys]]:
        """The studies that meet the conditions, looked for in the order of arrival."""
        criteria, after = self._at(Level.STUDY), 0
        lengths = iter(_WINDOWS)
        walked, length = 0, _WINDOWS[0]
        while dense is None or walked < _WALKED:
            length = next(lengths, length)
            end = fetched_rows(search_sql.window_end(self._project, after, length))
            last = end[0][0] if end else None
            yield self._deciding(search_sql.studies_between(self._project, criteria, after, last), criteria, 1)
            if last is None or self._is_spent():
                return
            walked += length
            self.looked_at += length
            after = last
        keys = fetched_keys(dense.behind(after))
        yield from self._looked_at_keys(Level.STUDY, keys)

    def _below(self, level: Level, parts: Iterator[list[RowKeys]]) -> Iterator[list[RowKeys]]:
        """The rows of a level in rows of the level above."""
        criteria = self._at(level)
        size = _CHUNK // 4 if level is Level.SERIES else _SERIES_CHUNK
        for part in parts:
            for start in range(0, len(part), size):
                some = part[start : start + size]
                if level is Level.SERIES:
                    branch = search_sql.series_of(self._project, criteria, [row[-1] for row in some])
                    yield self._deciding(branch, criteria, 2)
                else:
                    branch = search_sql.instances_of(self._project, criteria, [row[-1] for row in some])
                    of_series = {row[-1]: row for row in some}
                    found = self._deciding(branch, criteria, 2)
                    yield sorted((*of_series[series], instance) for series, instance in found)
                if self._is_spent():
                    return

    def _deciding(self, branch: Branch, criteria: Sequence[Criterion], keys: int) -> list[RowKeys]:
        """The keys of the rows of a statement whose values meet the conditions."""
        rows = fetched_rows(branch)
        self.looked_at += len(rows)
        for criterion in criteria:
            end = keys + len(criterion.columns)
            rows = [row for row in rows if criterion.meets(row[keys:end])]
            rows = [row[:keys] + row[end:] for row in rows]
        return [tuple(row) for row in rows]

    def _is_spent(self) -> bool:
        spent = (self.budget is not None and self.looked_at > self.budget) or self._stop()
        self.ended_early = self.ended_early or spent
        return spent


def rows_left(rows: Iterator[RowKeys], most: int) -> int:
    """The number of rows that are left, at most ``most``."""
    return sum(1 for _ in islice(rows, most))


def fetched_rows(branch: Branch) -> list[Any]:
    """The rows of a statement."""
    if not branch.sql:
        return []
    with connection.cursor() as cursor:
        cursor.execute(branch.sql, branch.params)
        found: list[Any] = cursor.fetchall()
        return found


def fetched_keys(branch: Branch) -> Sequence[int]:
    """The first column of a statement, which may have millions of rows: 8 bytes of each are kept."""
    found = array("q")
    with connection.cursor() as cursor:
        cursor.execute(branch.sql, branch.params)
        while rows := cursor.fetchmany(_FETCHED):
            found.extend(key for (key,) in rows)
    return found
