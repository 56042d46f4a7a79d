"""Counts and pages of rows that may be a million, at a cost that does not grow with them."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db.models import QuerySet

MOST_COUNTED = 10_000
"""Longer lists are "more than" this, and no page begins further from the first row."""


@dataclass(frozen=True, slots=True)
class ListLength:
    """The length of a list, at most `MOST_COUNTED`, and whether it is longer."""

    count: int
    more: bool

    @classmethod
    def of(cls, number: int) -> ListLength:
        """What is told of a number, which may be any larger one than `MOST_COUNTED` if it is larger."""
        return cls(min(number, MOST_COUNTED), number > MOST_COUNTED)


def length_of(*parts: QuerySet[Any]) -> ListLength:
    """The number of rows in parts that have none in common; counting ends above `MOST_COUNTED`."""
    found = 0
    for part in parts:
        found += part.order_by()[: MOST_COUNTED + 1 - found].count()
        if found > MOST_COUNTED:
            break
    return ListLength.of(found)


def latest_keys(parts: Sequence[QuerySet[Any]], start: int, stop: int) -> list[int]:
    """The keys from the largest on, of rows in parts that have none in common.

    An index gives the latest rows of one project, and none those of several: each of them is a part.
    """
    keys = [part.order_by("-pk").values_list("pk", flat=True) for part in parts]
    if len(keys) == 1:
        return list(keys[0][start:stop])
    return list(islice(heapq.merge(*(some[:stop] for some in keys), reverse=True), start, stop))
