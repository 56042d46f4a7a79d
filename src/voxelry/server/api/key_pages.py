"""Pages of lists whose order is that of their keys, the last first, at a cost that does not grow with the list."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from django.db.models import Model, QuerySet

from voxelry.server.access.grants import Grants

MOST_COUNTED = 10_000
"""Longer lists are "more than" this, and no page begins further from the first row."""
_PROJECTS_APART = 32

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class KeyPage:
    """The keys of a page, and the length of its list as `schemas.Page` tells it."""

    keys: list[int]
    count: int
    more_than: bool
    next: int | None


def key_page(rows: QuerySet[Row], who: Grants, *, limit: int, offset: int = 0, after: int | None = None) -> KeyPage:
    """A page of rows that `visible_to` gave.

    Parameters
    ----------
    offset
        Rows to leave out first.
    after
        The key behind which the page begins.
    """
    rows = rows.order_by("-pk")
    count = rows[: MOST_COUNTED + 1].count()
    behind = rows if after is None else rows.filter(pk__lt=after)
    projects = who.projects()
    if projects is None or not 1 < len(projects) <= _PROJECTS_APART:
        keys = list(behind.values_list("pk", flat=True)[offset : offset + limit + 1])
    else:
        # Each project has an index in this order; all together have none.
        parts = [
            behind.filter(project=project).values_list("pk", flat=True)[: offset + limit + 1]
            for project in sorted(projects)
        ]
        keys = list(islice(heapq.merge(*parts, reverse=True), offset, offset + limit + 1))
    further = len(keys) > limit
    keys = keys[:limit]
    return KeyPage(keys, min(count, MOST_COUNTED), count > MOST_COUNTED, keys[-1] if further else None)
