"""The studies, series and instances that an address names, among those that who asks may see."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable

from django.conf import settings

from voxelry.core.errors import VoxelryError
from voxelry.dicom.headers.header import Header, read_header
from voxelry.server.access.exchange import Asked, RefusedError
from voxelry.server.access.quick_answers import takes_long
from voxelry.server.archive import queries
from voxelry.server.archive.at_rest import files_at_rest, object_store
from voxelry.server.archive.held import held
from voxelry.server.archive.shown.series_metadata import InstanceFacts, SeriesFacts, SeriesKey, series_facts

_FIELDS = ("pk", "revision", "built_revision", "folder", "series_instance_uid", "instance_count")
_VERSION = "1"
"""Changes with what is written of instances, so that clients ask anew."""


def series_of_study(asked: Asked, study: str) -> tuple[SeriesKey, ...]:
    """The series of a study, in a fixed order.

    Raises
    ------
    RefusedError
        404 if there is no such study.
    """

    def found() -> tuple[SeriesKey, ...]:
        rows = queries.series(asked.who).filter(study__study_instance_uid=study)
        return tuple(SeriesKey(*row) for row in rows.order_by("number", "pk").values_list(*_FIELDS))

    keys = held(asked.who, ("series of study", study), found)
    if not keys and not queries.studies(asked.who).filter(study_instance_uid=study).exists():
        raise RefusedError(404, "There is no such study.", code="not_found")
    return keys


def one_series(asked: Asked, study: str, series: str) -> SeriesKey:
    """A series of a study.

    Raises
    ------
    RefusedError
        404 if there is no such series.
    """

    def found() -> SeriesKey | None:
        rows = queries.series(asked.who).filter(study__study_instance_uid=study, series_instance_uid=series)
        row = rows.values_list(*_FIELDS).first()
        return None if row is None else SeriesKey(*row)

    key = held(asked.who, ("series", study, series), found)
    if key is None:
        raise RefusedError(404, "There is no such series.", code="not_found")
    return key


def one_instance(asked: Asked, study: str, series: str, instance: str) -> tuple[SeriesFacts, InstanceFacts]:
    """An instance of a series.

    Raises
    ------
    RefusedError
        404 if there is no such instance.
    """
    facts = series_facts(one_series(asked, study, series))
    one = facts.instances.get(instance)
    if one is None:
        raise RefusedError(404, "There is no such instance.", code="not_found")
    return facts, one


def present(one: InstanceFacts) -> InstanceFacts:
    """The instance, once its file is known to be here with its size.

    Raises
    ------
    RefusedError
        409 if the file is missing, or has another size.
    """
    if object_store.bucket() is not None:
        takes_long()
        files_at_rest.near(one.path)
    try:
        size = os.stat(one.path).st_size  # noqa: PTH116 - on the way of every frame
    except FileNotFoundError:
        size = -1
    if size != one.size:
        state = "missing" if size < 0 else "damaged"
        raise RefusedError(
            409,
            f"The file of instance {one.sop_instance_uid} is {state} on the server. Send it again, or tell the "
            "administrator: `voxelry check` finds such files.",
            code="damaged_original",
        )
    return one


def kept_header(one: InstanceFacts) -> Header:
    """The header of an instance's file.

    Raises
    ------
    VoxelryError
        If it is damaged.
    """
    takes_long()
    return read_header(files_at_rest.kept_source(one.sha256, name=one.sop_instance_uid, size=one.size))


def series_address(asked: Asked, study: str, series: str) -> str:
    """The address of a series, as answers tell it."""
    return f"{asked.root}/studies/{study}/series/{series}"


def in_json(address: str) -> bytes:
    """An address as it stands between the quotes of a JSON string."""
    return json.dumps(address)[1:-1].encode()


def tag_of_series(keys: Iterable[SeriesKey], *more: str) -> str:
    """A weak entity tag that changes with the instances of series."""
    told = [
        _VERSION,
        str(settings.VOXELRY.data),
        *more,
        *(f"{key.pk}/{key.revision}/{key.instance_count}/{key.folder}" for key in keys),
    ]
    return f'W/"{hashlib.blake2b("|".join(told).encode(), digest_size=12).hexdigest()}"'


def refused_file(error: Exception) -> RefusedError:
    """409 with the reason for which a file cannot be used; its words name no value of a patient."""
    if isinstance(error, VoxelryError):
        return RefusedError(409, error.problem.message, code=error.problem.code)
    return RefusedError(409, f"A file cannot be read on the server ({type(error).__name__}).", code="damaged_original")
