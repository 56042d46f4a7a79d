"""Fills the columns that searches need of rows that were written before there were such columns.

The stored headers are read again, a few rows in each transaction: whatever ends it, the next time goes on where it was.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from django.db import transaction
from django.db.models import Min

from voxelry.core.errors import VoxelryError
from voxelry.dicom.headers.common_header import CommonHeader
from voxelry.dicom.headers.header import Header, read_header
from voxelry.server.access.grants import as_site
from voxelry.server.archive import queries
from voxelry.server.archive.at_rest import files_at_rest
from voxelry.server.archive.models import Instance
from voxelry.server.archive.row_values import (
    instance_search_values,
    series_search_values,
    sop_classes_with,
    study_search_values,
)

logger = logging.getLogger(__name__)
ROWS = 100
"""Rows that are written in one transaction."""
_NO_ATTRIBUTES = "{}"
_INSTANCE = ("rows", "columns", "bits_allocated", "frames")


def fill_all(stop: Callable[[], bool] = lambda: False) -> int:
    """Fill all rows that are not filled yet, until there are none or ``stop`` says so; returns their number."""
    filled = 0
    for some in (_fill_studies, _fill_series, _fill_instances):
        while not stop() and (count := some()):
            filled += count
    return filled


def unfilled() -> int:
    """The number of rows that are not filled yet."""
    studies = queries.studies(as_site()).filter(attributes=None).count()
    series = queries.series(as_site()).filter(attributes=None).count()
    return studies + series + queries.instances(as_site()).filter(rows=None).count()


def stored_header(instance: Instance, common: CommonHeader | None = None) -> Header | None:
    """The stored header of an instance; None if it cannot be read."""
    try:
        source = files_at_rest.kept_source(instance.sha256, name=instance.name, size=instance.size)
        return read_header(source, common=common)
    except (VoxelryError, OSError) as error:
        logger.warning("instance %s: its stored header cannot be read (%s)", instance.pk, type(error).__name__)
        return None


def _fill_studies() -> int:
    keys = list(queries.studies(as_site()).filter(attributes=None).order_by("pk").values_list("pk", flat=True)[:ROWS])
    first = queries.instances(as_site()).filter(series__study__in=keys).order_by().values_list("series__study")
    headers = _headers(dict(first.annotate(Min("pk"))))
    with transaction.atomic():
        for key in keys:
            header = headers.get(key)
            values = {"attributes": _NO_ATTRIBUTES} if header is None else study_search_values(header)
            queries.studies(as_site()).filter(pk=key, attributes=None).update(**values)
    return len(keys)


def _fill_series() -> int:
    keys = list(queries.series(as_site()).filter(attributes=None).order_by("pk").values_list("pk", flat=True)[:ROWS])
    of_keys = queries.instances(as_site()).filter(series__in=keys).order_by()
    headers = _headers(dict(of_keys.values_list("series").annotate(Min("pk"))))
    with transaction.atomic():
        classes = dict.fromkeys(keys, "")
        for key, uid in of_keys.values_list("series", "sop_class_uid").distinct():
            classes[key] = sop_classes_with(classes[key], uid)
        for key in keys:
            header = headers.get(key)
            values = {"attributes": _NO_ATTRIBUTES} if header is None else series_search_values(header)
            rows = queries.series(as_site()).filter(pk=key, attributes=None)
            rows.update(**values, sop_classes=classes[key])
    return len(keys)


def _fill_instances() -> int:
    rows = list(queries.instances(as_site()).filter(rows=None).order_by("pk")[:ROWS])
    files_at_rest.bring(row.sha256 for row in rows if row.has_pixels)
    common = CommonHeader()
    for row in rows:
        header = stored_header(row, common) if row.has_pixels else None
        values = dict.fromkeys(_INSTANCE, 0) if header is None else instance_search_values(header)
        for name, value in values.items():
            setattr(row, name, value)
    with transaction.atomic():
        queries.instances(as_site()).bulk_update(rows, _INSTANCE)
    return len(rows)


def _headers(first: dict[int, int]) -> dict[int, Header | None]:
    """The stored header of an instance of each row, by the keys of the rows."""
    rows: Sequence[Instance] = list(queries.instances(as_site()).filter(pk__in=first.values()))
    files_at_rest.bring(row.sha256 for row in rows)
    found = {row.pk: stored_header(row) for row in rows}
    return {key: found.get(instance) for key, instance in first.items()}
