"""Pages of lists whose order is that of their keys, the last first, at a cost that does not grow with the list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from django.db.models import Model, QuerySet

from voxelry.server.access.bounded_lists import latest_keys, length_of
from voxelry.server.access.grants import Grants

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
    length = length_of(rows)
    behind = rows if after is None else rows.filter(pk__lt=after)
    projects = who.projects()
    apart = projects is not None and 1 < len(projects) <= _PROJECTS_APART
    parts = [behind.filter(project=key) for key in sorted(projects)] if projects is not None and apart else [behind]
    keys = latest_keys(parts, offset, offset + limit + 1)
    further = len(keys) > limit
    keys = keys[:limit]
    return KeyPage(keys, length.count, length.more, keys[-1] if further else None)
