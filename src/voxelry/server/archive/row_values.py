"""The values of rows from a header, cut to the columns' sizes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydicom.dataset import Dataset

from voxelry.core.errors import PixelDataError
from voxelry.core.value import Value
from voxelry.dicom.headers.attributes import Attributes, integer, items, text
from voxelry.dicom.headers.header import Header
from voxelry.dicom.pixels.stored_pixels import is_lossy
from voxelry.server.archive.terms.level_attributes import series_attributes, study_attributes
from voxelry.server.archive.terms.search_words import name_key

_INTEGER = 2**31
_MOST_REQUESTS = 8
_MOST_CLASSES = 24
MANY_CLASSES = "*"
"""Stands for the SOP classes of a series that has too many of them to be listed."""


@dataclass(frozen=True, slots=True)
class InstanceValues:
    """The values of the rows of an instance and of its series, study and patient."""

    patient: Mapping[str, str]
    study: Mapping[str, str | None]
    series: Mapping[str, str | int | None]
    instance: Mapping[str, str | int | bool | None]


def values_of(header: Header) -> InstanceValues:
    """The values of a header that the archive's rows hold."""
    own = header.elements
    return InstanceValues(
        patient={
            "patient_id": _text(own, "PatientID", 64),
            "issuer": _text(own, "IssuerOfPatientID", 64),
            "name": _text(own, "PatientName", 324),
            "birth_date": date_text(own, "PatientBirthDate"),
            "sex": _text(own, "PatientSex", 16),
        },
        study={
            "study_instance_uid": header.study_instance_uid,
            "date": date_text(own, "StudyDate"),
            "time": time_text(own, "StudyTime"),
            "description": _text(own, "StudyDescription", 200),
            "accession_number": _text(own, "AccessionNumber", 64),
            **study_search_values(header),
        },
        series={
            "series_instance_uid": header.series_instance_uid,
            "number": _integer(own, "SeriesNumber"),
            "modality": _text(own, "Modality", 16),
            "description": _text(own, "SeriesDescription", 200),
            "body_part": _text(own, "BodyPartExamined", 64),
            **series_search_values(header),
        },
        instance={
            "sop_instance_uid": header.sop_instance_uid,
            "sop_class_uid": header.sop_class_uid,
            "transfer_syntax_uid": str(header.transfer_syntax_uid)[:64],
            "number": _integer(own, "InstanceNumber"),
            "has_pixels": header.has_pixels,
            **instance_search_values(header),
            "lossy": is_lossy(header),
        },
    )


def study_search_values(header: Header) -> dict[str, str | None]:
    """The values of a study's row that searches need beside those that lists show."""
    own = header.elements
    referrer = _text(own, "ReferringPhysicianName", 324)
    return {
        "study_id": _text(own, "StudyID", 64),
        "referrer": referrer,
        "referrer_key": name_key(referrer),
        "timezone": _text(own, "TimezoneOffsetFromUTC", 16),
        "attributes": study_attributes(header),
    }


def series_search_values(header: Header) -> dict[str, str | None]:
    """The values of a series' row that searches need beside those that lists show."""
    own = header.elements
    requests = _items(own, "RequestAttributesSequence")
    return {
        "performed_date": date_text(own, "PerformedProcedureStepStartDate"),
        "performed_time": time_text(own, "PerformedProcedureStepStartTime"),
        "scheduled_step_id": _joined(requests, "ScheduledProcedureStepID"),
        "requested_procedure_id": _joined(requests, "RequestedProcedureID"),
        "attributes": series_attributes(header),
    }


def instance_search_values(header: Header) -> dict[str, int]:
    """What the pixels of an instance are like, 0 for what the header does not tell."""
    own = header.elements
    return {
        "rows": _integer(own, "Rows") or 0,
        "columns": _integer(own, "Columns") or 0,
        "bits_allocated": _integer(own, "BitsAllocated") or 0,
        "frames": _integer(own, "NumberOfFrames") or 0,
    }


def sop_classes_with(known: str, uid: str) -> str:
    """The SOP classes of a series with one more: ``\\1.2\\3.4\\``; MANY_CLASSES for more than an index takes."""
    if known == MANY_CLASSES:
        return known
    return _between_backslashes(sorted({*known.split("\\"), uid} - {""}), _MOST_CLASSES) or MANY_CLASSES


def _items(of: Attributes, keyword: str) -> tuple[Dataset, ...]:
    try:
        return items(of, keyword)
    except PixelDataError:
        return ()


def _joined(requests: Sequence[Dataset], keyword: str) -> str:
    """The values of one attribute in some items: the only one as it is, several as ``\\A\\B\\``."""
    found = list(dict.fromkeys(value for item in requests if (value := _text(item, keyword, 64))))
    return "".join(found) if len(found) < 2 else _between_backslashes(found[:_MOST_REQUESTS], _MOST_REQUESTS)


def _between_backslashes(values: Sequence[str], most: int) -> str:
    """Some values with a backslash before and behind each; nothing if they are too many."""
    return "\\" + "\\".join(values) + "\\" if len(values) <= most else ""


def storable(value: Value) -> Value:
    """The value without NUL characters, which PostgreSQL stores neither in text nor in JSON."""
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, list):
        return [storable(item) for item in value]
    if isinstance(value, dict):
        return {key: storable(item) for key, item in value.items()}
    return value


def _text(of: Attributes, keyword: str, length: int) -> str:
    return text(of, keyword).replace("\0", "").strip()[:length]


def date_text(of: Attributes, keyword: str) -> str:
    """A date as ISO text; as it is written if it is no date."""
    found = _text(of, keyword, 10)
    parts = re.fullmatch(r"(\d{4})\.?(\d{2})\.?(\d{2})", found)
    return "-".join(parts.groups()) if parts else found


def time_text(of: Attributes, keyword: str) -> str:
    """A time to the second as ISO text; as it is written if it is no time."""
    found = _text(of, keyword, 16)
    parts = re.fullmatch(r"(\d{2}):?(\d{2})(?::?(\d{2})(?:\.\d+)?)?", found)
    return ":".join(part or "00" for part in parts.groups()) if parts else found


def _integer(of: Attributes, keyword: str) -> int | None:
    try:
        found = integer(of, keyword)
    except PixelDataError:
        return None
    return found if found is not None and -_INTEGER <= found < _INTEGER else None
