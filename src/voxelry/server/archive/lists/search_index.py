"""The index of the words of studies: of each gram of a search text, the studies that have it.

On SQLite it is an FTS5 table without content, which knows the order of grams: a phrase of them is a part of a word. On
PostgreSQL it is a table of arrays with a GIN index, which knows no order: what it finds are candidates, whose texts
stand beside the arrays and are looked at.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.backends.utils import CursorWrapper

from voxelry.server.archive.terms.search_words import Term, chains, date_tokens, grams, is_gram, is_run, short_grams

Parameter = str | int | list[str]
"""What a statement is given beside its text."""
MOST_GRAMS = 48
"""Grams of one search that the index is asked for: those of the longest words."""
PURGE_SECONDS = 20.0
_ROWS = 100
_MERGED_PAGES = 200
"""Pages of the index that one step of a merge writes; other writers go on between steps."""
_BREAK = "break"
"""Stands between runs, so that no phrase goes from one to the next; longer than any gram."""


@dataclass(frozen=True, slots=True)
class Indexed:
    """What a study is found by: its project and its search text."""

    project: int
    text: str

    @property
    def tokens(self) -> list[str]:
        """All that PostgreSQL's index holds; those of projects and dates are longer than any gram."""
        return [_project_token(self.project), *date_tokens(self.text), *sorted(grams(self.text))]

    @property
    def document(self) -> str:
        """What SQLite's index holds: the grams of each run in their order, with a break behind it."""
        runs = (" ".join((*chain, _BREAK)) for chain in chains(self.text))
        parts = (_project_token(self.project), *date_tokens(self.text), *runs, *sorted(short_grams(self.text)))
        return " ".join(parts)


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
        Whether each candidate meets the terms.
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
    asked = [(term, alternatives) for term in terms if (alternatives := _chains_of(term))]
    if not asked:
        return None
    most = MOST_GRAMS
    kept: list[list[list[list[str]]]] = []
    exact = len(asked) == len(terms)
    for term, alternatives in asked:
        most -= sum(len(chain) for own in alternatives for chain in own)
        if most < 0 and kept:
            exact = False
            break
        kept.append(alternatives)
        exact = exact and all(_is_exact(part) for parts in term.alternatives for part in parts)
    if connection.vendor == "postgresql":
        condition, arrays = _array_condition(project, kept)
        if not exact:
            words, parts = in_text(terms, "w.text")
            condition, arrays = f"{condition} AND {words}", (*arrays, *parts)
        return Candidates("archive_studygrams", "study_id", condition, arrays, exact=True)
    words = " AND ".join(_fts_words(alternatives) for alternatives in kept)
    match = words if project is None else f'"{_project_token(project)}" AND {words}'
    return Candidates("archive_studywords", "rowid", "w.archive_studywords MATCH %s", (match,), exact)


def in_text(terms: Sequence[Term], column: str) -> tuple[str, tuple[str, ...]]:
    """The condition that a column with search texts meets all terms, and its parameters."""
    has = f"{position()}({column}, %s) > 0"
    alternatives = (" OR ".join("(" + " AND ".join([has] * len(one)) + ")" for one in t.alternatives) for t in terms)
    parts = tuple(part for term in terms for own in term.alternatives for part in own)
    return " AND ".join(f"({some})" for some in alternatives), parts


def position() -> str:
    """The function of the database that finds a text in another one."""
    return "strpos" if connection.vendor == "postgresql" else "instr"


def is_there(tables: Sequence[str]) -> bool:
    """Whether the index is one of some tables."""
    return ("archive_studygrams" if connection.vendor == "postgresql" else "archive_studywords") in tables


def forget_all() -> None:
    """Empty the index, when the rows of lists were removed as a whole."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("DELETE FROM archive_studygrams")
        else:
            cursor.execute("INSERT INTO archive_studywords(archive_studywords) VALUES('delete-all')")


def purge(seconds: float = PURGE_SECONDS) -> bool:
    """Remove what deleted entries left in the index's own files, in short steps; whether nothing is left.

    SQLite's index keeps deleted entries until it is merged. PostgreSQL's own vacuum does that.
    """
    if connection.vendor == "postgresql":
        return True
    end = time.monotonic() + seconds
    pages = -_MERGED_PAGES  # a negative number begins a merge of all that there is
    with connection.cursor() as cursor:
        while True:
            before = _changes(cursor)
            cursor.execute("INSERT INTO archive_studywords(archive_studywords, rank) VALUES('merge', %s)", [pages])
            if _changes(cursor) - before < 2:  # SQLite's own sign of an index that is merged
                return True
            if time.monotonic() > end:
                return False
            pages = _MERGED_PAGES


def _changes(cursor: CursorWrapper) -> int:
    cursor.execute("SELECT total_changes()")
    return int(cursor.fetchone()[0])


def _project_token(project: int) -> str:
    return f"project{project}"


def _chains_of(term: Term) -> list[list[list[str]]]:
    """The chains of grams of each alternative of a term; nothing if one of them has none."""
    found = []
    for parts in term.alternatives:
        own = [chain[:MOST_GRAMS] for part in parts for chain in _chains_of_part(part)]
        if not own:
            return []
        found.append(own)
    return found


def _chains_of_part(part: str) -> list[list[str]]:
    dates = date_tokens(part)
    return [[dates[-1]]] if dates else chains(part)  # the day of a date, or its month if it is all that was typed


def _is_exact(part: str) -> bool:
    """Whether each study that the index finds for a part of a word has it."""
    if date_tokens(part) or is_gram(part):
        return True
    return connection.vendor != "postgresql" and is_run(part) and len(part) <= MOST_GRAMS


def _fts_words(alternatives: Iterable[Sequence[Sequence[str]]]) -> str:
    """Phrases: a chain's grams follow each other."""
    return "(" + " OR ".join("(" + " AND ".join(f'"{" ".join(c)}"' for c in own) + ")" for own in alternatives) + ")"


def _array_condition(
    project: int | None, asked: Sequence[Sequence[Sequence[Sequence[str]]]]
) -> tuple[str, tuple[Parameter, ...]]:
    sets = [[list(dict.fromkeys(gram for chain in own for gram in chain)) for own in one] for one in asked]
    always = [] if project is None else [_project_token(project)]
    always += [gram for own in sets if len(own) == 1 for gram in own[0]]
    conditions = ["w.grams @> %s::text[]"] if always else []
    params = [always] if always else []
    for alternatives in sets:
        if len(alternatives) > 1:
            conditions.append("(" + " OR ".join(["w.grams @> %s::text[]"] * len(alternatives)) + ")")
            params += alternatives
    return " AND ".join(conditions), tuple(params)


def _write_fts(changes: Mapping[int, tuple[Indexed | None, Indexed | None]]) -> None:
    # A table without content can only forget what it is told again.
    old = [(key, before.document) for key, (before, _) in changes.items() if before is not None]
    new = [(key, after.document) for key, (_, after) in changes.items() if after is not None]
    with connection.cursor() as cursor:
        if old:
            cursor.executemany(
                "INSERT INTO archive_studywords(archive_studywords, rowid, grams) VALUES('delete', %s, %s)", old
            )
        if new:
            cursor.executemany("INSERT INTO archive_studywords(rowid, grams) VALUES(%s, %s)", new)


def _write_arrays(changes: Mapping[int, tuple[Indexed | None, Indexed | None]]) -> None:
    new = [(key, after.tokens, after.text) for key, (_, after) in changes.items() if after is not None]
    gone = [key for key, (_, after) in changes.items() if after is None]
    with connection.cursor() as cursor:
        for start in range(0, len(new), _ROWS):
            some = new[start : start + _ROWS]
            values = ", ".join(["(%s, %s, %s)"] * len(some))
            cursor.execute(
                f"INSERT INTO archive_studygrams(study_id, grams, text) VALUES {values} "  # noqa: S608
                "ON CONFLICT (study_id) DO UPDATE SET grams = EXCLUDED.grams, text = EXCLUDED.text",
                [value for row in some for value in row],
            )
        if gone:
            cursor.execute("DELETE FROM archive_studygrams WHERE study_id = ANY(%s)", [gone])
