"""The kinds of files at rest in Django's storage, by the first folder of a name, and their rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from voxelry.server.access.grants import as_site
from voxelry.server.archive import queries

ROWS = 500
"""The number of rows read by one statement."""


@dataclass(frozen=True, slots=True)
class AtRest:
    """A file of a row: its name in the storage, its digest and its size."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Holding:
    """One kind of files at rest.

    Attributes
    ----------
    needed
        Returns those of some names that have a row.
    rows
        Yields all files of the kind that have a row.
    """

    needed: Callable[[list[str]], set[str]]
    rows: Callable[[], Iterator[AtRest]]


def stored_name(sha256: str) -> str:
    """The name in Django's storage of an instance's bytes."""
    return f"instances/{sha256[:2]}/{sha256}"


def _needed_instances(names: list[str]) -> set[str]:
    return set(map(stored_name, needed_digests(name.rpartition("/")[2] for name in names)))


def needed_digests(digests: Iterable[str]) -> set[str]:
    """Those of some digests whose bytes an instance has, or a file that is kept aside."""
    some = list(digests)
    rows = (queries.instances(as_site()), queries.unused_files(as_site()))
    return {sha256 for own in rows for sha256 in own.filter(sha256__in=some).values_list("sha256", flat=True)}


def _instances() -> Iterator[AtRest]:
    aside = queries.unused_files(as_site()).exclude(sha256="")
    for rows in (queries.instances(as_site()), aside):
        for sha256, size in rows.order_by("pk").values_list("sha256", "size").iterator(ROWS):
            yield AtRest(stored_name(sha256), sha256, size)


HOLDINGS: dict[str, Holding] = {"instances": Holding(_needed_instances, _instances)}
"""The kinds by the first folder of a name; rooms above this one add theirs."""


def needed(names: Iterable[str]) -> set[str]:
    """Those of some names in Django's storage that have a row."""
    by_top: dict[str, list[str]] = {}
    for name in names:
        by_top.setdefault(name.partition("/")[0], []).append(name)
    found: set[str] = set()
    for top, some in by_top.items():
        if top in HOLDINGS:
            for start in range(0, len(some), ROWS):
                found |= HOLDINGS[top].needed(some[start : start + ROWS])
    return found


def rows() -> Iterator[AtRest]:
    """Yields all files that have a row."""
    for holding in HOLDINGS.values():
        yield from holding.rows()
