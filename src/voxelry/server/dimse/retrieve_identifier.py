"""The identifier of a C-MOVE or C-GET request, and the instances that it names (PS3.4 C.4.2.1.4, C.4.3.1.3).

A unique key of a level above is compared if it is given. It need not be: UIDs are unique in a project, and many nodes
send that of the level only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from django.db.models import QuerySet
from pydicom.dataset import Dataset

from voxelry.core.errors import VoxelryError
from voxelry.dicom.headers.uid_text import may_be_uid
from voxelry.network.failures import ProtocolError
from voxelry.network.identifiers import decoded_identifier, text_of
from voxelry.network.storing import StoredObject
from voxelry.server.access.grants import Grants
from voxelry.server.archive import queries
from voxelry.server.archive.models import Instance
from voxelry.server.nodes.sent_objects import sent_objects

_KEYS: Final[Mapping[str, tuple[str, str]]] = {
    "PATIENT": ("PatientID", "series__study__patient__patient_id"),
    "STUDY": ("StudyInstanceUID", "series__study__study_instance_uid"),
    "SERIES": ("SeriesInstanceUID", "series__series_instance_uid"),
    "IMAGE": ("SOPInstanceUID", "sop_instance_uid"),
}
"""The unique key of each level, and the field that holds it."""
_LEVELS: Final[Mapping[str, tuple[str, ...]]] = {
    "1": ("PATIENT", "STUDY", "SERIES", "IMAGE"),
    "2": ("STUDY", "SERIES", "IMAGE"),
    "3": ("PATIENT", "STUDY"),
}
"""The levels of each information model, by the last but one number of its SOP class."""
_AT_ONCE = 500


class RetrieveIdentifierError(VoxelryError, ValueError):
    """A request cannot be done as its identifier is. The words name no value."""

    code = "identifier"


@dataclass(frozen=True, slots=True)
class RetrieveIdentifier:
    """What is to be retrieved.

    Attributes
    ----------
    level
        PATIENT, STUDY, SERIES or IMAGE.
    values
        Those of the level's unique key; each of them is wanted.
    above
        Values of the unique keys of levels above, by their fields; a list means any of them.
    """

    level: str
    values: tuple[str, ...]
    above: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def read_retrieve_identifier(content: bytes, sop_class: str, *, transfer_syntax: str) -> RetrieveIdentifier:
    """Read an identifier, and hold it against the information model of its SOP class.

    Raises
    ------
    RetrieveIdentifierError
        If it cannot be read, has no level or no unique key of it, or a UID that is none.
    """
    try:
        identifier = decoded_identifier(content, transfer_syntax=transfer_syntax)
    except ProtocolError:
        raise RetrieveIdentifierError("the identifier cannot be read as a data set") from None
    level = text_of(identifier, "QueryRetrieveLevel").strip().upper()
    levels = _LEVELS.get(sop_class.split(".")[-2], ())
    if level not in levels:
        raise RetrieveIdentifierError(f"QueryRetrieveLevel is none of {', '.join(levels)}")
    keyword, _ = _KEYS[level]
    values = _values(identifier, keyword)
    if not values:
        raise RetrieveIdentifierError(f"{keyword} is missing or empty")
    above = {}
    for other in levels[: levels.index(level)]:
        name, column = _KEYS[other]
        wanted = _values(identifier, name)
        if wanted:
            above[column] = wanted
    return RetrieveIdentifier(level, values, above)


def named_objects(who: Grants, wanted: RetrieveIdentifier) -> list[StoredObject]:
    """The instances that an identifier names, by study, series and number."""
    _, column = _KEYS[wanted.level]
    found: list[StoredObject] = []
    for start in range(0, len(wanted.values), _AT_ONCE):
        some = {f"{column}__in": wanted.values[start : start + _AT_ONCE]}
        found += sent_objects(_ordered(queries.instances(who).filter(**some, **_above(wanted))))
    return found


def _above(wanted: RetrieveIdentifier) -> dict[str, tuple[str, ...]]:
    return {f"{column}__in": values[:_AT_ONCE] for column, values in wanted.above.items()}


def _ordered(rows: QuerySet[Instance]) -> QuerySet[Instance]:
    return rows.order_by("series__study", "series__number", "series", "number", "pk")


def _values(identifier: Dataset, keyword: str) -> tuple[str, ...]:
    text = text_of(identifier, keyword)
    if keyword == "PatientID":
        return (text,) if text else ()
    values = tuple(dict.fromkeys(value.strip(" \0") for value in text.split("\\") if value.strip(" \0")))
    if not all(map(may_be_uid, values)):
        raise RetrieveIdentifierError(f"{keyword} has a value that is no UID")
    return values
