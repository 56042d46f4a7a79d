"""The index of the words of studies: of each gram of a search text, the studies that have it.

On SQLite it is an FTS5 table without content, on PostgreSQL a table of arrays with a GIN index. Neither knows where in
a text a gram is, so that what the index finds are candidates, whose texts are looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import connection

from voxelry.server.archive.search_words import Term, grams, grams_of_part, is_gram

Parameter = str | int | list[str]
"""What a statement is given beside its text."""
MOST_GRAMS = 48
"""Grams of one search that the index is asked for: those of the longest words."""
_ROWS = 100


@dataclass(frozen=True, slots=True)
class Indexed:
    """What a study is found by: its project and its search text."""

    project: int
    text: str

    @property
    def tokens(self) -> list[str]:
        """The tokens that the index holds; a project's is longer than any gram."""
        return [_project_token(self.project), *sorted(grams(self.text))]


@dataclass(frozen=True, slots=True)
class Candidates:
    """The studies that may meet some terms, as a part of a statement.

    Attributes
    ----------
    table, key
        The table of the index, and its column with the keys of studies.
    condition, params
        The condition on the table, which the statement calls ``w``.
    exact
        Whether each candidate meets the terms: a gram is all of each word.
    """

    table: str
    key: str
    condition: str
    params: tuple[Parameter, ...]
    exact: bool


def write_words(changes: Mapping[int, tuple[Indexed | None, Indexed | None]]) -> None:
    """Replace what studies are found by; each is given as it was and as it is. Called in a transaction."""
    real = {key: pair for key, pair in changes.items() if pair[0] != pair[1]}
    if real:
        (_write_arrays if connection.vendor == "postgresql" else _write_fts)(real)


def candidates(project: int | None, terms: Sequence[Term]) -> Candidates | None:
    """The studies of a project, or of all, that may meet all terms; None if the index cannot say."""
    asked = [alternatives for term in terms if (alternatives := _grams_of(term))]
    if not asked:
        return None
    most = MOST_GRAMS
    kept: list[list[list[str]]] = []
    for alternatives in asked:
        most -= sum(len(own) for own in alternatives)
        if most < 0 and kept:
            break
        kept.append(alternatives)
    exact = len(kept) == len(terms) and all(
        is_gram(part) for term in terms for parts in term.alternatives for part in parts
    )
    if connection.vendor == "postgresql":
        condition, arrays = _array_condition(project, kept)
        return Candidates("archive_studygrams", "study_id", condition, arrays, exact)
    words = " AND ".join(_fts_words(alternatives) for alternatives in kept)
    match = words if project is None else f'"{_project_token(project)}" AND {words}'
    return Candidates("archive_studywords", "rowid", "w.archive_studywords MATCH %s", (match,), exact)


def purge() -> None:
    """Remove what deleted entries left in the index's files. Takes as long as the index is large."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            return
        cursor.execute("INSERT INTO archive_studywords(archive_studywords) VALUES('optimize')")


def _project_token(project: int) -> str:
    return f"project{project}"


def _grams_of(term: Term) -> list[list[str]]:
    """The grams of each alternative of a term; nothing if one of them has none."""
    found = []
    for parts in term.alternatives:
        own = list(dict.fromkeys(gram for part in parts for gram in grams_of_part(part)))
        if not own:
            return []
        found.append(own[:MOST_GRAMS])
    return found


def _fts_words(alternatives: Iterable[Sequence[str]]) -> str:
    return "(" + " OR ".join("(" + " AND ".join(f'"{gram}"' for gram in own) + ")" for own in alternatives) + ")"


def _array_condition(
    project: int | None, asked: Sequence[Sequence[Sequence[str]]]
) -> tuple[str, tuple[Parameter, ...]]:
    always = [] if project is None else [_project_token(project)]
    always += [gram for own in asked if len(own) == 1 for gram in own[0]]
    conditions = ["w.grams @> %s::text[]"] if always else []
    params = [always] if always else []
    for alternatives in asked:
        if len(alternatives) > 1:
            conditions.append("(" + " OR ".join(["w.grams @> %s::text[]"] * len(alternatives)) + ")")
            params += [list(own) for own in alternatives]
    return " AND ".join(conditions), tuple(params)


def _write_fts(changes: Mapping[int, tuple[Indexed | None, Indexed | None]]) -> None:
    # A table without content can only forget what it is told again.
    old = [(key, " ".join(before.tokens)) for key, (before, _) in changes.items() if before is not None]
    new = [(key, " ".join(after.tokens)) for key, (_, after) in changes.items() if after is not None]
    with connection.cursor() as cursor:
        if old:
            cursor.executemany(
                "INSERT INTO archive_studywords(archive_studywords, rowid, grams) VALUES('delete', %s, %s)", old
            )
        if new:
            cursor.executemany("INSERT INTO archive_studywords(rowid, grams) VALUES(%s, %s)", new)


def _write_arrays(changes: Mapping[int, tuple[Indexed | None, Indexed | None]]) -> None:
    new = [(key, after.tokens) for key, (_, after) in changes.items() if after is not None]
    gone = [key for key, (_, after) in changes.items() if after is None]
    with connection.cursor() as cursor:
        for start in range(0, len(new), _ROWS):
            some = new[start : start + _ROWS]
            values = ", ".join(["(%s, %s)"] * len(some))
            cursor.execute(
                f"INSERT INTO archive_studygrams(study_id, grams) VALUES {values} "  # noqa: S608
                "ON CONFLICT (study_id) DO UPDATE SET grams = EXCLUDED.grams",
                [value for row in some for value in row],
            )
        if gone:
            cursor.execute("DELETE FROM archive_studygrams WHERE study_id = ANY(%s)", [gone])
