"""Pieces of SQL statements with their parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from voxelry.server.archive.lists.search_index import Parameter


@dataclass(frozen=True, slots=True)
class Branch:
    """A statement, or a condition, with its parameters."""

    sql: str
    params: tuple[Parameter, ...]


NO_CONDITION = Branch("", ())


def equal(column: str, value: Parameter) -> Branch:
    """Rows with one value."""
    return Branch(f"{column} = %s", (value,))


def among(column: str, values: Sequence[Parameter]) -> Branch:
    """Rows with one of some values; no row if there are none."""
    if not values:
        return Branch("1 = 0", ())
    return Branch(f"{column} IN ({', '.join(['%s'] * len(values))})", tuple(values))


def all_of(*parts: Branch) -> Branch:
    """Rows that meet all conditions; empty ones are left out."""
    some = [part for part in parts if part.sql]
    return Branch(" AND ".join(part.sql for part in some), tuple(value for part in some for value in part.params))
