"""The rows of lists and of the search index for the generated studies, by the product's functions but in bulk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from django.db import connection

from voxelry.server.archive.lists import search_index, study_listing
from voxelry.server.archive.lists.search_index import Indexed
from voxelry.server.archive.terms import search_words

AT_ONCE = 5000
_CACHED = 500_000
_STUDIES = """
    SELECT study.id, study.project_id, study.date, study.description, study.accession_number, study.created,
    patient.id, patient.name, patient.patient_id, patient.birth_date
    FROM archive_study AS study JOIN archive_patient AS patient ON patient.id = study.patient_id
    WHERE study.id BETWEEN %s AND %s ORDER BY study.id
"""
_SERIES = """
    SELECT series.study_id, series.id, series.modality, series.description, series.problem_code, job.state,
    series.instance_count, series.bytes, series.folder, series.thumbnail
    FROM archive_series AS series LEFT JOIN jobs_job AS job ON job.id = series.job_id
    WHERE series.study_id BETWEEN %s AND %s ORDER BY series.study_id, series.number, series.id
"""
_VOLUMES = """
    SELECT DISTINCT series.study_id FROM archive_series AS series
    JOIN archive_stack AS stack ON stack.series_id = series.id
    WHERE series.study_id BETWEEN %s AND %s AND stack.regular
"""
Load = Callable[[str, Iterator[dict[str, object]]], None]
"""Inserts rows into a table."""


def fill_listings(studies: int, load: Load) -> None:
    """Write the rows; the studies have the keys from 1."""
    with _remembering():
        for first in range(1, studies + 1, AT_ONCE):
            rows = list(_listings(first, first + AT_ONCE - 1))
            load("archive_studylisting", iter(rows))
            indexed = [(row["study_id"], Indexed(int(str(row["project_id"])), str(row["text"]))) for row in rows]
            if connection.vendor == "sqlite":
                load("archive_studywords", ({"rowid": key, "grams": one.document} for key, one in indexed))
            else:
                arrays = ({"study_id": key, "grams": one.tokens, "text": one.text} for key, one in indexed)
                load("archive_studygrams", arrays)


def _listings(first: int, last: int) -> Iterator[dict[str, Any]]:
    series: dict[int, list[SimpleNamespace]] = defaultdict(list)
    for study, key, modality, words, code, state, count, size, folder, thumbnail in _fetch(_SERIES, first, last):
        own = SimpleNamespace(pk=key, modality=modality, description=words, problem_code=code)
        own.job = SimpleNamespace(state=state) if state else None
        own.instance_count, own.bytes, own.folder, own.thumbnail = count, size, folder, thumbnail
        series[study].append(own)
    volumes = {key for (key,) in _fetch(_VOLUMES, first, last)}
    for key, project, day, words, accession, created, patient, name, patient_id, born in _fetch(_STUDIES, first, last):
        who = SimpleNamespace(pk=patient, name=name, patient_id=patient_id, birth_date=born)
        study = SimpleNamespace(pk=key, project_id=project, date=day, description=words, accession_number=accession)
        study.created, study.patient = created, who
        row = study_listing._listing(SimpleNamespace, study, series[key], has_volume=key in volumes)  # noqa: SLF001
        yield vars(row)


def _fetch(sql: str, first: int, last: int) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, (first, last))
        return list(cursor.fetchall())


@contextmanager
def _remembering() -> Iterator[None]:
    """The product's functions of words, which here get the same words many times."""
    words, grams = search_words._words, search_words.grams  # noqa: SLF001
    of_word = lru_cache(_CACHED)(grams)
    search_words._words = lru_cache(_CACHED)(words)  # noqa: SLF001
    search_index.grams = lambda text: set().union(*map(of_word, text.split()))  # type: ignore[attr-defined, misc, assignment]
    try:
        yield
    finally:
        search_words._words, search_index.grams = words, grams  # type: ignore[attr-defined]  # noqa: SLF001
