"""Writes the row of each study that lists are made of, and the study's part of the search index.

Whatever changes a study, its series or its volumes calls `refresh_listing` at the end of its transaction. The cost is
that of the studies given, whatever the archive holds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import django.apps
from django.db import connection, transaction
from django.db.models import Count, F, Max, Model, Q, Sum

from voxelry.core.progress import Progress, silent
from voxelry.server.access.grants import as_site
from voxelry.server.archive import queries
from voxelry.server.archive.lists import search_index
from voxelry.server.archive.lists.search_index import Indexed
from voxelry.server.archive.models import StudyListing
from voxelry.server.archive.terms import search_words
from voxelry.server.jobs.models import State

STUDIES = 500
"""Studies that are refreshed with one set of statements."""
_MODALITIES = 300
_FIELDS = (
    *("project_id", "patient_id", "arrived", "date", "month", "name_key", "patient_id_key"),
    *(
        "description_key",
        "accession_key",
        "modalities",
        "facet",
        "has_volume",
        "has_problem",
        "series_count",
        "instance_count",
        "bytes",
    ),
    *("thumbnail_series", "thumbnail_version", "text"),
)
_SERIES_COUNTS = ("instance_count", "bytes", "lossy")


Tables = Callable[[str, str], Any]
"""Gives a model by application and name: the present ones, or those at the time of a migration."""


def refresh_listing(studies: Iterable[int], *, tables: Tables = django.apps.apps.get_model) -> int:
    """Write the rows of some studies anew, with the counts of their series, in the transaction that changes them.

    Studies in the trash, and those that are no more, lose their rows.

    Returns
    -------
    changed
        The number of rows that were not as they should be.
    """
    keys = sorted(set(studies))
    with transaction.atomic():
        return sum(_refresh(keys[start : start + STUDIES], tables) for start in range(0, len(keys), STUDIES))


def count_added(added: Mapping[int, Sequence[int]], *, study: int) -> bool:
    """Count new instances of series of one study, in the transaction that adds them, and raise the series' revision.

    What this costs does not depend on what the study holds. It may be called if nothing else of the rows that
    `refresh_listing` writes can change: the series were there, and have instances that are compressed with loss if one
    of the new ones is.

    Parameters
    ----------
    added
        The sizes in bytes of the new instances of each series.

    Returns
    -------
    counted
        False if the study has no row: nothing is counted, and `refresh_listing` has to write it.
    """
    if connection.vendor == "postgresql":  # as `_refresh` does, which would else write counts of before
        list(queries.studies(as_site()).select_for_update(no_key=True).filter(pk=study).values_list("pk"))
    count, size = (sum(of(sizes) for sizes in added.values()) for of in (len, sum))
    listing = StudyListing.objects.filter(pk=study)
    if not listing.update(instance_count=F("instance_count") + count, bytes=F("bytes") + size):
        return False
    for key, sizes in added.items():
        queries.series(as_site()).filter(pk=key).update(
            instance_count=F("instance_count") + len(sizes), bytes=F("bytes") + sum(sizes), revision=F("revision") + 1
        )
    return True


def refresh_of_series(series: int) -> None:
    """Write the row of the study of a series anew."""
    refresh_listing(queries.series(as_site()).filter(pk=series).values_list("study_id", flat=True))


def differing(*, tables: Tables = django.apps.apps.get_model) -> Iterator[int]:
    """The keys of studies whose rows, or whose series' counts, are not as they should be. Changes nothing."""
    after = 0
    while some := _keys_after(after, tables):
        after = some[-1]
        found = _compared(some, tables)
        yield from sorted({row.pk for row in found.listings} | {*found.gone} | {one.study_id for one in found.series})


def refresh_all(
    progress: Progress = silent,
    *,
    tables: Tables = django.apps.apps.get_model,
    batch: Callable[[Sequence[int]], int] | None = None,
) -> int:
    """Write the rows of all studies anew; returns the number of rows that were not as they should be.

    Parameters
    ----------
    batch
        Refreshes some studies; `refresh_listing` by default, whose transaction ends after each.
    """
    refresh = batch or (lambda some: refresh_listing(some, tables=tables))
    changed, after = 0, 0
    last = max(
        _most(tables("archive", "Study").objects.aggregate(last=Max("pk"))),
        _most(tables("archive", "StudyListing").objects.aggregate(last=Max("pk"))),
    )
    while True:
        some = _keys_after(after, tables)
        if not some:
            return changed
        changed += refresh(some)
        after = some[-1]
        progress(min(1.0, after / max(1, last)), "writing the lists of studies")


def forget_flushed(**_: Any) -> None:
    """Empty the index of words if there is no study any more."""
    tables = connection.introspection.table_names()
    if "archive_studylisting" in tables and not StudyListing.objects.exists() and search_index.is_there(tables):
        search_index.forget_all()


def forget_listing(instance: Any, **_: object) -> None:
    """Remove from the search index what a row was found by: the signal before a row is deleted, as with its study."""
    search_index.write_words({instance.pk: (_indexed(instance), None)})


def _most(found: Mapping[str, int | None]) -> int:
    return found["last"] or 0


def _keys_after(after: int, tables: Tables) -> list[int]:
    """The keys of the next studies and of rows whose study is no more."""
    found: set[int] = set()
    for name in ("Study", "StudyListing"):
        rows = tables("archive", name).objects.filter(pk__gt=after).order_by("pk")
        found.update(rows.values_list("pk", flat=True)[:STUDIES])
    return sorted(found)[:STUDIES]


@dataclass(frozen=True, slots=True)
class _Differences:
    """The rows that are not as they should be: studies' to be written, studies' to be deleted, and series'."""

    listings: list[Any]
    old: dict[int, Any]
    gone: list[int]
    series: list[Any]


def _refresh(keys: Sequence[int], tables: Tables) -> int:
    table, study = tables("archive", "StudyListing"), tables("archive", "Study")
    # Locked: of two transactions that change one study, the second reads what the first wrote.
    list(study.objects.select_for_update(no_key=True).filter(pk__in=keys).order_by("pk").values_list("pk"))
    found = _compared(keys, tables)
    tables("archive", "Series").objects.bulk_update(found.series, _SERIES_COUNTS)
    fields = [name.removesuffix("_id") for name in _FIELDS]
    table.objects.bulk_create(found.listings, update_conflicts=True, unique_fields=["study"], update_fields=fields)
    old = {key: _indexed(row) for key, row in found.old.items()}
    search_index.write_words({row.pk: (old.get(row.pk), _indexed(row)) for row in found.listings})
    table.objects.filter(pk__in=found.gone).delete()  # `forget_listing` is called for each
    return len(found.listings) + len(found.gone)


def _compared(keys: Sequence[int], tables: Tables) -> _Differences:
    """Compare the rows of some studies with what they repeat, in six statements for any number of studies."""
    table = tables("archive", "StudyListing")
    live = tables("archive", "Study").objects.filter(pk__in=keys, trashed=None).select_related("patient")
    series, changed = _series_of(keys, tables)
    volumes = set(
        tables("archive", "Stack").objects.filter(series__study__in=keys, regular=True).values_list("series__study")
    )
    new = {row.pk: _listing(table, row, series[row.pk], has_volume=(row.pk,) in volumes) for row in live}
    old = table.objects.in_bulk(keys)
    listings = [row for key, row in new.items() if key not in old or _differs(row, old[key], _FIELDS)]
    return _Differences(listings, old, [key for key in old if key not in new], changed)


def _differs(row: Any, other: Any, fields: Iterable[str]) -> bool:
    return any(getattr(row, name) != getattr(other, name) for name in fields)


def _indexed(row: Any) -> Indexed:
    return Indexed(row.project_id, row.text)


def _series_of(keys: Sequence[int], tables: Tables) -> tuple[dict[int, list[Any]], list[Any]]:
    """The series of studies, in their order and with their counts, and those whose counts have changed."""
    series = tables("archive", "Series")
    counted = (
        tables("archive", "Instance")
        .objects.filter(series__study__in=keys)
        .order_by()
        .values("series")
        .annotate(n=Count("pk"), total=Sum("size"), lossily=Count("pk", filter=Q(lossy=True)))
        .values_list("series", "n", "total", "lossily")
    )
    counts = {key: (n, size, bool(lossy)) for key, n, size, lossy in counted}
    found: dict[int, list[Any]] = defaultdict(list)
    changed = []
    rows = series.objects.filter(study__in=keys).select_related("job").order_by("study", "number", "pk")
    for row in rows.only(
        *("study", "number", "modality", "description", "thumbnail", "folder", "problem_code", "job__state"),
        *_SERIES_COUNTS,
    ):
        own = counts.get(row.pk, (0, 0, False))
        if own != tuple(getattr(row, name) for name in _SERIES_COUNTS):
            row.instance_count, row.bytes, row.lossy = own
            changed.append(row)
        found[row.study_id].append(row)
    return found, changed


def _listing(table: Any, study: Any, series: Sequence[Any], *, has_volume: bool) -> Model:
    modalities = ",".join(sorted({one.modality.replace(",", " ") for one in series if one.modality}))[:_MODALITIES]
    has_problem = any(one.problem_code or (one.job is not None and one.job.state == State.FAILED) for one in series)
    pictured = next((one for one in series if one.thumbnail), None)
    patient = study.patient
    words = (
        *(patient.name, patient.patient_id, study.accession_number, study.description),
        *(one.modality for one in series),
        *dict.fromkeys(one.description for one in series),
    )
    row: Model = table(
        study_id=study.pk,
        project_id=study.project_id,
        patient_id=patient.pk,
        arrived=study.created,
        date=search_words.iso_date(study.date),
        month=search_words.iso_date(study.date)[:7],
        name_key=search_words.sort_key(patient.name),
        patient_id_key=search_words.sort_key(patient.patient_id),
        description_key=search_words.sort_key(study.description),
        accession_key=search_words.sort_key(study.accession_number),
        modalities=modalities,
        facet=f"{has_volume:d}{has_problem:d}:{modalities}",
        has_volume=has_volume,
        has_problem=has_problem,
        series_count=len(series),
        instance_count=sum(one.instance_count for one in series),
        bytes=sum(one.bytes for one in series),
        thumbnail_series=None if pictured is None else pictured.pk,
        thumbnail_version="" if pictured is None else pictured.folder,
        text=search_words.search_text(words, (study.date, patient.birth_date)),
    )
    return row
