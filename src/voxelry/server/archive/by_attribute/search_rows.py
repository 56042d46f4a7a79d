"""The rows that results of searches are made of, by their keys, in one statement for any number of them.

What a row does not hold yet (`fill_search`) is read from a stored header.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

from voxelry.dicom.headers.common_header import CommonHeader
from voxelry.dicom.headers.header import Header
from voxelry.server.access.grants import Grants
from voxelry.server.archive import queries
from voxelry.server.archive.by_attribute import fill_search, search_sql
from voxelry.server.archive.by_attribute.attribute_search import fetched_rows
from voxelry.server.archive.row_values import MANY_CLASSES, instance_search_values
from voxelry.server.archive.terms.level_attributes import OF_SERIES, OF_STUDY, series_attributes, study_attributes

PREPARED = frozenset((*OF_STUDY, *OF_SERIES))
"""The tags of the attributes that rows of studies and series hold."""
_ROWS = 500
T = TypeVar("T")


class FoundPatient(NamedTuple):
    """A patient, with the counts of its live studies. ``attributes`` is a JSON object, of the first of them."""

    key: int
    study: int
    name: str
    patient_id: str
    issuer: str
    birth_date: str
    sex: str
    attributes: str
    study_count: int
    series_count: int
    instance_count: int


class FoundStudy(NamedTuple):
    """A study, with its patient and its counts. ``attributes`` is a JSON object; ``sop_classes`` None if not asked."""

    key: int
    uid: str
    date: str
    time: str
    accession_number: str
    attributes: str
    name: str
    patient_id: str
    issuer: str
    birth_date: str
    sex: str
    modalities: Sequence[str]
    series_count: int
    instance_count: int
    sop_classes: Sequence[str] | None


class FoundSeries(NamedTuple):
    """A series. ``attributes`` is a JSON object."""

    key: int
    study: int
    study_uid: str
    uid: str
    number: int | None
    modality: str
    description: str
    instance_count: int
    attributes: str


class FoundInstance(NamedTuple):
    """An instance; 0 for what it does not tell of pixels, or has not."""

    key: int
    series: int
    uid: str
    sop_class: str
    number: int | None
    rows: int
    columns: int
    bits: int
    frames: int


def found_patient(who: Grants, rows: Sequence[tuple[int, int]]) -> list[FoundPatient]:
    """Some patients by their keys and those of their first studies, in their order."""
    told: dict[int, tuple[str, ...]] = {}
    counts: dict[int, tuple[int, ...]] = {}
    for some in _parts([study for _, study in rows]):
        for key, attributes, *values in (
            queries.listings(who)
            .filter(pk__in=some)
            .order_by()
            .values_list(
                *("pk", "study__attributes", "patient__name", "patient__patient_id", "patient__issuer"),
                *("patient__birth_date", "patient__sex"),
            )
        ):
            told[key] = (*values, attributes if attributes is not None else _of_stored(who, study=key))
    for keys in _parts([patient for patient, study in rows if study in told]):
        for key, *numbers in fetched_rows(search_sql.counts_of_patients(keys)):
            counts[key] = tuple(int(number or 0) for number in numbers)
    return [
        FoundPatient(patient, study, *told[study], *counts.get(patient, (0, 0, 0)))  # type: ignore[arg-type]
        for patient, study in rows
        if study in told
    ]


def found_study(who: Grants, keys: Collection[int], *, with_sop_classes: bool = False) -> list[FoundStudy]:
    """Some studies, in no order."""
    found = []
    classes = _sop_classes(who, keys) if with_sop_classes else {}
    for some in _parts(sorted(keys)):
        rows = queries.listings(who).filter(pk__in=some).order_by()
        for row in rows.values_list(
            *("pk", "study__study_instance_uid", "study__date", "study__time", "study__accession_number"),
            *("study__attributes", "patient__name", "patient__patient_id", "patient__issuer", "patient__birth_date"),
            *("patient__sex", "modalities", "series_count", "instance_count"),
        ):
            key, uid, date, time, accession, attributes, name, patient_id, issuer, born, sex, *counts = row
            modalities, series, instances = counts
            told = attributes if attributes is not None else _of_stored(who, study=key)
            names = modalities.split(",") if modalities else ()
            own = classes.get(key, ()) if with_sop_classes else None
            patient = (name, patient_id, issuer, born, sex)
            found.append(FoundStudy(key, uid, date, time, accession, told, *patient, names, series, instances, own))
    return found


def found_series(who: Grants, keys: Collection[int]) -> list[FoundSeries]:
    """Some series, in no order."""
    found = []
    for some in _parts(sorted(keys)):
        rows = queries.series(who).filter(pk__in=some).order_by()
        for key, study, study_uid, uid, number, modality, description, count, attributes in rows.values_list(
            *("pk", "study_id", "study__study_instance_uid", "series_instance_uid", "number", "modality"),
            *("description", "instance_count", "attributes"),
        ):
            told = attributes if attributes is not None else _of_stored(who, series=key)
            found.append(FoundSeries(key, study, study_uid, uid, number, modality, description, count, told))
    return found


def found_instance(who: Grants, keys: Sequence[int]) -> list[FoundInstance]:
    """Some instances, in the order of their keys here."""
    found: dict[int, FoundInstance] = {}
    unfilled = []
    for some in _parts(keys):
        rows = queries.instances(who).filter(pk__in=some).order_by()
        for key, series, uid, sop_class, number, has_pixels, height, width, bits, frames in rows.values_list(
            *("pk", "series_id", "sop_instance_uid", "sop_class_uid", "number", "has_pixels"),
            *("rows", "columns", "bits_allocated", "frames"),
        ):
            if has_pixels and height is None:
                unfilled.append(key)
            of_pixels = (height or 0, width or 0, bits or 0, frames or 0) if has_pixels else (0, 0, 0, 0)
            found[key] = FoundInstance(key, series, uid, sop_class, number, *of_pixels)
    for row, header in stored_headers(who, [found[key] for key in unfilled]):
        if header is not None:
            told = instance_search_values(header)
            found[row.key] = row._replace(
                rows=told["rows"], columns=told["columns"], bits=told["bits_allocated"], frames=told["frames"]
            )
    return [found[key] for key in keys if key in found]


def stored_headers(who: Grants, rows: Iterable[FoundInstance]) -> Iterator[tuple[FoundInstance, Header | None]]:
    """Each instance with its stored header; None if it cannot be read."""
    common = CommonHeader()
    for some in _parts(list(rows)):
        stored = queries.instances(who).in_bulk([row.key for row in some])
        for row in some:
            instance = stored.get(row.key)
            yield row, None if instance is None else fill_search.stored_header(instance, common)


def _of_stored(who: Grants, *, study: int | None = None, series: int | None = None) -> str:
    """The attributes of a study or series that its row does not hold yet."""
    rows = queries.instances(who)
    rows = rows.filter(series__study=study) if series is None else rows.filter(series=series)
    first = rows.order_by("pk").first()
    header = None if first is None else fill_search.stored_header(first)
    if header is None:
        return "{}"
    return study_attributes(header) if series is None else series_attributes(header)


def _sop_classes(who: Grants, keys: Collection[int]) -> dict[int, Sequence[str]]:
    found: dict[int, set[str]] = {}
    for some in _parts(sorted(keys)):
        rows = queries.series(who).filter(study__in=some).order_by()
        for key, classes in rows.values_list("study_id", "sop_classes"):
            own = found.setdefault(key, set())
            if classes is None or classes == MANY_CLASSES:
                own.update(_counted_classes(who, key))
            else:
                own.update(classes.strip("\\").split("\\"))
    return {key: sorted(classes) for key, classes in found.items()}


def _counted_classes(who: Grants, study: int) -> Iterable[str]:
    rows = queries.instances(who).filter(series__study=study).order_by()
    return rows.values_list("sop_class_uid", flat=True).distinct()


def _parts(keys: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(keys), _ROWS):
        yield keys[start : start + _ROWS]
