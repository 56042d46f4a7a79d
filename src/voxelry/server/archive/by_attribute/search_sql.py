"""The statements that searches by attributes are answered with, on SQLite and on PostgreSQL.

Statements only narrow: whether a row meets the conditions is decided by its values (`Criterion.meets`). Each reads rows
of one project by an index, and as many as it is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import connection

from voxelry.server.archive.lists import listing_sql, search_index
from voxelry.server.archive.lists.search_index import Parameter
from voxelry.server.archive.lists.sql_branch import NO_CONDITION, Branch, all_of, among
from voxelry.server.archive.row_values import MANY_CLASSES
from voxelry.server.archive.terms.attribute_matching import (
    DateRange,
    IntegerMatch,
    NameMatch,
    OneOf,
    TimeRange,
    Wildcard,
    literal_parts,
)
from voxelry.server.archive.terms.search_keys import Criterion, Level, TimeCriterion
from voxelry.server.archive.terms.search_words import MOST_KEY, Term, folded, sort_key, terms_of
from voxelry.server.archive.terms.study_filter import StudyFilter

_LISTING = "archive_studylisting"
_HOUR = 3_600_000_000
_LAST = "\U0010ffff"
_MOST_CLASSES = 200
_WHOLE = MOST_KEY - 1
_CUT = 303
"""Characters of a facet some of whose modalities may be left out."""
_JOINED = {
    Level.STUDY: ("archive_studylisting l", "l.study_id"),
    Level.SERIES: ("archive_series e", "e.id"),
    Level.INSTANCE: ("archive_instance i", "i.id"),
}
ROW_KEYS = {
    Level.STUDY: ("l.study_id",),
    Level.SERIES: ("e.study_id", "e.id"),
    Level.INSTANCE: ("e.study_id", "e.id", "i.id"),
}
_PREFIXES = {
    "AccessionNumber": ("l", "accession_key", "listing_by_accession"),
    "PatientID": ("l", "patient_id_key", "listing_by_patient_id"),
    "StudyDescription": ("l", "description_key", "listing_by_description"),
    "StudyID": ("s", "study_id", "study_by_study_id"),
    "RequestAttributesSequence.ScheduledProcedureStepID": ("e", "scheduled_step_id", "series_by_scheduled_step"),
    "RequestAttributesSequence.RequestedProcedureID": ("e", "requested_procedure_id", "series_by_procedure"),
}
"""Keys whose values begin with what is asked: the table and its column with an index; those of lists are folded."""
_RANKS = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "PatientID", "AccessionNumber", "StudyID")
"""The keys that leave the fewest rows come first."""


@dataclass(frozen=True, slots=True)
class KeySource:
    """A statement that gives the keys of all rows that may meet a condition, and of some more."""

    level: Level
    sql: str
    params: tuple[Parameter, ...]

    def first(self, limit: int) -> Branch:
        """The first keys, in no order."""
        return Branch(f"SELECT * FROM ({self.sql}) AS part LIMIT {limit}", self.params)

    def behind(self, key: int) -> Branch:
        """The keys behind one, in their order."""
        return Branch(
            f"SELECT DISTINCT part.id FROM ({self.sql}) AS part WHERE part.id > %s ORDER BY 1", (*self.params, key)
        )


def most_selective_first(criteria: Iterable[Criterion]) -> list[Criterion]:
    """Some conditions, those first that leave few rows."""
    return sorted(criteria, key=lambda one: _RANKS.index(one.key.name) if one.key.name in _RANKS else len(_RANKS))


def source_of(project: int, criterion: Criterion) -> KeySource | None:
    """Where the keys of the rows that may meet a condition are read; None if no index has them."""
    name, match = criterion.key.name, criterion.match
    if name in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID") and isinstance(match, OneOf):
        return _by_uid(project, criterion, match)
    if name == "SOPClassUID" and isinstance(match, OneOf):
        return _by_classes(project, match)
    if name in ("ModalitiesInStudy", "Modality"):
        return _by_facet(project, criterion)
    if isinstance(match, IntegerMatch):
        table, index = ("e", "series_by_number") if criterion.level is Level.SERIES else ("i", "instance_by_number")
        return _of_table(project, table, index, among("number", sorted(match.values)), criterion.level)
    if isinstance(criterion, TimeCriterion):
        return _by_moment(project, criterion)
    if isinstance(match, DateRange):
        return _by_date(project, criterion, match)
    if name in _PREFIXES and isinstance(match, OneOf | Wildcard):
        return _by_beginning(project, criterion, match)
    if name == "ReferringPhysicianName" and isinstance(match, NameMatch):
        return _by_referrer(project, match)
    if name == "PatientName" and isinstance(match, NameMatch):
        return _by_words(project, match.name)
    return None


def narrowing(criterion: Criterion) -> Branch:
    """A condition that rows are looked at with before their values are; nothing if there is none that helps."""
    found = _narrowing(criterion)
    if connection.vendor != "sqlite":
        return found
    # The rows are found already: no other index than theirs.
    return Branch(re.sub(r"\b([a-z]\.\w+)", r"+\1", found.sql), found.params)


def _narrowing(criterion: Criterion) -> Branch:
    column, match = criterion.key.column, criterion.match
    if isinstance(criterion, TimeCriterion):
        date = criterion.date
        is_exact = date is not None and criterion.zone is None
        return _between(criterion.date_key.column, date) if is_exact and date is not None else NO_CONDITION
    if isinstance(match, DateRange):
        return _between(column, match)
    if isinstance(match, IntegerMatch):
        return among(column, sorted(match.values))
    if isinstance(match, OneOf) and column in ("e.modality", "p.sex", "e.series_instance_uid", "i.sop_class_uid"):
        return among(column, sorted(match.values))
    return NO_CONDITION


def of_keys(base: Level, project: int, criteria: Sequence[Criterion], keys: Sequence[int]) -> Branch:
    """The keys of the rows of a level, above or at which some rows are given by their keys, and what decides.

    Rows of the statement begin with the keys of `ROW_KEYS`, then come the columns of each condition.
    """
    table, key = _JOINED[base]
    tables = [table]
    if base is Level.INSTANCE:
        tables.append("archive_series e ON e.id = i.series_id")
    if base > Level.STUDY:
        tables.append("archive_studylisting l ON l.study_id = e.study_id")
    tables += ["archive_study s ON s.id = l.study_id", "archive_patient p ON p.id = l.patient_id"]
    where = all_of(among(key, keys), Branch("l.project_id = %s", (project,)), *map(narrowing, criteria))
    return Branch(
        f"{_select(ROW_KEYS[base], criteria)} FROM {_joined(tables)} WHERE {where.sql} {_sorted(base)}", where.params
    )


def window_end(project: int, after: int, length: int) -> Branch:
    """The key of the study at the end of the next ``length`` ones in the order of arrival."""
    sql = (
        f"SELECT study_id FROM {_LISTING} {_by('listing_by_arrival')} WHERE {_of_project()} AND study_id > %s "
        f"ORDER BY project_id, study_id LIMIT 1 OFFSET {length - 1}"
    )
    return Branch(sql, (*_project(project), after))


def studies_between(project: int, criteria: Sequence[Criterion], after: int, last: int | None) -> Branch:
    """The studies behind one up to another in the order of arrival, and what decides."""
    tables = [f"archive_studylisting l {_by('listing_by_arrival')}"]
    if criteria:
        tables += ["archive_study s ON s.id = l.study_id", "archive_patient p ON p.id = l.patient_id"]
    end = NO_CONDITION if last is None else Branch("l.study_id <= %s", (last,))
    own = Branch(_of_project("l."), _project(project))
    where = all_of(own, Branch("l.study_id > %s", (after,)), end, *map(narrowing, criteria))
    order = "ORDER BY l.project_id, l.study_id"
    return Branch(
        f"{_select(ROW_KEYS[Level.STUDY], criteria)} FROM {_joined(tables)} WHERE {where.sql} {order}", where.params
    )


def series_of(project: int, criteria: Sequence[Criterion], studies: Sequence[int]) -> Branch:
    """The series of some studies, and what decides."""
    own = Branch(f"{_plus()}e.project_id = %s", (project,))
    where = all_of(among("e.study_id", studies), own, *map(narrowing, criteria))
    select = _select(ROW_KEYS[Level.SERIES], criteria)
    return Branch(f"{select} FROM archive_series e WHERE {where.sql} ORDER BY e.study_id, e.id", where.params)


def instances_of(project: int, criteria: Sequence[Criterion], series: Sequence[int]) -> Branch:
    """The instances of some series, and what decides."""
    own = Branch(f"{_plus()}i.project_id = %s", (project,))
    where = all_of(among("i.series_id", series), own, *map(narrowing, criteria))
    select = _select(("i.series_id", "i.id"), criteria)
    return Branch(f"{select} FROM archive_instance i WHERE {where.sql} ORDER BY i.series_id, i.id", where.params)


def firsts_of_patients(studies: Sequence[int]) -> Branch:
    """Of some studies those of whose patients no other live study came earlier, each behind its patient."""
    listing = among("l.study_id", studies)
    earlier = (
        f"SELECT 1 FROM {_LISTING} o {_by('listing_by_patient')} "
        "WHERE o.patient_id = l.patient_id AND o.study_id < l.study_id"
    )
    sql = f"SELECT l.patient_id, l.study_id FROM {_LISTING} l WHERE {listing.sql} AND NOT EXISTS ({earlier})"
    return Branch(f"{sql} ORDER BY l.study_id", listing.params)


def counts_of_patients(patients: Sequence[int]) -> Branch:
    """Some patients, each with the numbers of its live studies and of their series and instances."""
    own = among("patient_id", patients)
    return Branch(
        f"SELECT patient_id, count(*), sum(series_count), sum(instance_count) FROM {_LISTING} "
        f"{_by('listing_by_patient')} WHERE {own.sql} GROUP BY patient_id",
        own.params,
    )


def _plus() -> str:
    """Keeps SQLite from the index of a column: that of the rows above leaves fewer than that of the project."""
    return "+" if connection.vendor == "sqlite" else ""


def _select(keys: Sequence[str], criteria: Sequence[Criterion]) -> str:
    return "SELECT " + ", ".join((*keys, *(column for one in criteria for column in one.columns)))


def _joined(tables: Sequence[str]) -> str:
    """Tables that are read in their order: SQLite keeps that of CROSS JOIN."""
    if connection.vendor != "sqlite":
        return " JOIN ".join(tables)
    first, *others = tables
    return first + "".join(f" CROSS JOIN {other}" for other in others)


def _sorted(level: Level) -> str:
    return "ORDER BY " + ", ".join(ROW_KEYS[level])


def _of_table(project: int, alias: str, index: str, condition: Branch, level: Level) -> KeySource:
    table = {"l": _LISTING, "s": "archive_study", "e": "archive_series", "i": "archive_instance"}[alias]
    key = "study_id" if alias == "l" else "id"
    live = " AND trashed IS NULL" if index == "study_once_per_project" else ""
    sql = f"SELECT {key} AS id FROM {table} {_by(index)} WHERE project_id = %s{live} AND {condition.sql}"
    return KeySource(level, sql, (project, *condition.params))


def _by_uid(project: int, criterion: Criterion, match: OneOf) -> KeySource:
    alias, column = criterion.key.column.split(".")
    index = {"s": "study_once_per_project", "e": "series_by_uid", "i": ""}[alias]
    return _of_table(project, alias, index, among(column, sorted(match.values)), criterion.level)


def _by_classes(project: int, match: OneOf) -> KeySource | None:
    """The series with some SOP classes, and those of which they are not known."""
    least = "SELECT min(sop_classes) FROM archive_series WHERE project_id = %s"
    sql = (
        f"WITH RECURSIVE found(classes) AS (SELECT ({least}) UNION ALL "
        f"SELECT ({least} AND sop_classes > found.classes) FROM found WHERE found.classes IS NOT NULL) "
        f"SELECT classes FROM found WHERE classes IS NOT NULL LIMIT {_MOST_CLASSES + 1}"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, (project, project))
        known = [some for (some,) in cursor.fetchall()]
    if len(known) > _MOST_CLASSES:
        return None
    some = [one for one in known if one == MANY_CLASSES or not match.values.isdisjoint(one.split("\\"))]
    of_known = _of_table(project, "e", "series_by_sop_classes", among("sop_classes", some), Level.SERIES)
    unknown = _of_table(project, "e", "series_by_sop_classes", Branch("sop_classes IS NULL", ()), Level.SERIES)
    return _either(of_known, unknown)


def _by_facet(project: int, criterion: Criterion) -> KeySource | None:
    facets = listing_sql.facets(project, StudyFilter())
    if facets is None:
        return None
    some = [one for one in facets if len(one) >= _CUT or any(map(criterion.match.takes, one[3:].split(",")))]
    return _of_table(project, "l", "listing_by_facet", among("facet", some), Level.STUDY)


def _by_date(project: int, criterion: Criterion, match: DateRange) -> KeySource | None:
    if criterion.key.name == "StudyDate":
        return _of_table(project, "l", "listing_by_date", _between("date", match), Level.STUDY)
    if criterion.key.name == "PatientBirthDate":
        return _by_terms(project, terms_of(match.first)) if match.first and match.first == match.last else None
    return _of_table(project, "e", "series_by_performed_date", _between("performed_date", match), Level.SERIES)


def _by_moment(project: int, criterion: TimeCriterion) -> KeySource | None:
    if criterion.date is not None and criterion.zone is None:
        return _by_date(project, Criterion(criterion.date_key, criterion.date), criterion.date)
    if criterion.zone is not None or not isinstance(criterion.match, TimeRange):
        return None
    alias, column = criterion.key.column.split(".")
    index = "study_by_time" if alias == "s" else "series_by_performed_time"
    first, last = criterion.match.first, criterion.match.last
    exact = Branch(f"{column} BETWEEN %s AND %s", (_clock(first), _clock(last)))
    # A time that is an hour only stands in its row as it came.
    hours = [f"{hour:02d}" for hour in range(24) if first <= hour * _HOUR <= last]
    return _either(
        _of_table(project, alias, index, exact, criterion.level),
        _of_table(project, alias, index, among(column, hours), criterion.level),
    )


def _clock(micro: int) -> str:
    seconds = micro // 1_000_000
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _by_beginning(project: int, criterion: Criterion, match: OneOf | Wildcard) -> KeySource | None:
    alias, column, index = _PREFIXES[criterion.key.name]
    fold = sort_key if alias == "l" else str
    if isinstance(match, OneOf):
        return _with_several(
            project, alias, column, index, among(column, [fold(value) for value in sorted(match.values)])
        )
    begin = literal_parts(match.pattern)[0]
    if fold(begin):
        return _with_several(project, alias, column, index, _beginning(column, fold(begin)))
    if alias == "l":
        return _by_words(project, match.pattern)
    return _of_table(project, alias, index, _having(column, literal_parts(match.pattern)), criterion.level)


def _with_several(project: int, alias: str, column: str, index: str, condition: Branch) -> KeySource:
    """The rows with a value, and those with several, which begin with a backslash."""
    level = Level.SERIES if alias == "e" else Level.STUDY
    one = _of_table(project, alias, index, condition, level)
    return one if alias != "e" else _either(one, _of_table(project, alias, index, _beginning(column, "\\"), level))


def _by_referrer(project: int, match: NameMatch) -> KeySource | None:
    parts = literal_parts(match.name)
    begin = sort_key(parts[0])
    if not begin or "=" in match.name:
        words = [word for part in parts for word in re.split(r"[\s^=]+", folded(part))]
        found = _having("referrer_key", words)
        either = Branch(f"({found.sql} OR length(referrer_key) >= {_WHOLE})", found.params)  # words may be left out
        return _of_table(project, "s", "study_by_referrer", either, Level.STUDY)
    alone = _of_table(project, "s", "study_by_referrer", _beginning("referrer_key", begin[:_WHOLE]), Level.STUDY)
    # Any group of a name with several may be the one that is asked for.
    return _either(alone, _of_table(project, "s", "study_by_referrer", _beginning("referrer_key", "="), Level.STUDY))


def _by_words(project: int, pattern: str) -> KeySource | None:
    """The studies whose words have the letters of a pattern: whole words or parts of them."""
    words = [word for part in literal_parts(pattern) for word in re.split(r"[\s^=\0]+", folded(part)) if word]
    return _by_terms(project, tuple(Term(((word,),)) for word in dict.fromkeys(words)))


def _by_terms(project: int, terms: Sequence[Term]) -> KeySource | None:
    found = search_index.candidates(project, terms)
    if found is None:
        return None
    sql = f"SELECT w.{found.key} AS id FROM {found.table} AS w WHERE {found.condition}"
    return KeySource(Level.STUDY, sql, found.params)


def _either(first: KeySource, second: KeySource) -> KeySource:
    return KeySource(first.level, f"{first.sql} UNION ALL {second.sql}", first.params + second.params)


def _beginning(column: str, text: str) -> Branch:
    return Branch(f"{column} >= %s AND {column} < %s", (text, text + _LAST))


def _having(column: str, parts: Iterable[str]) -> Branch:
    """All entries of an index are looked at, and no row."""
    some = [part for part in parts if part]
    sql = " AND ".join([f"{search_index.position()}({column}, %s) > 0"] * len(some))
    return Branch(sql or f"{column} > ''", tuple(some))


def _between(column: str, match: DateRange) -> Branch:
    last = Branch(f"{column} <= %s", (match.last,)) if match.last else NO_CONDITION
    return all_of(Branch(f"{column} >= %s", (match.first or "0",)), last)


def _by(index: str) -> str:
    return f"INDEXED BY {index}" if connection.vendor == "sqlite" and index else ""


def _of_project(prefix: str = "") -> str:
    """The studies of a project in the order of arrival (`listing_sql`: a range is no constant for PostgreSQL)."""
    between = connection.vendor == "postgresql"
    return f"{prefix}project_id BETWEEN %s AND %s" if between else f"{prefix}project_id = %s"


def _project(project: int) -> tuple[int, ...]:
    return (project, project) if connection.vendor == "postgresql" else (project,)
