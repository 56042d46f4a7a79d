"""The values of rows from a header, cut to the columns' sizes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from voxelry.core.errors import PixelDataError
from voxelry.core.value import Value
from voxelry.dicom.headers.attributes import Attributes, integer, text
from voxelry.dicom.headers.header import Header
from voxelry.dicom.pixels.stored_pixels import is_lossy

_INTEGER = 2**31


@dataclass(frozen=True, slots=True)
class InstanceValues:
    """The values of the rows of an instance and of its series, study and patient."""

    patient: Mapping[str, str]
    study: Mapping[str, str]
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
            "birth_date": _date(own, "PatientBirthDate"),
            "sex": _text(own, "PatientSex", 16),
        },
        study={
            "study_instance_uid": header.study_instance_uid,
            "date": _date(own, "StudyDate"),
            "time": _time(own, "StudyTime"),
            "description": _text(own, "StudyDescription", 200),
            "accession_number": _text(own, "AccessionNumber", 64),
        },
        series={
            "series_instance_uid": header.series_instance_uid,
            "number": _integer(own, "SeriesNumber"),
            "modality": _text(own, "Modality", 16),
            "description": _text(own, "SeriesDescription", 200),
            "body_part": _text(own, "BodyPartExamined", 64),
        },
        instance={
            "sop_instance_uid": header.sop_instance_uid,
            "sop_class_uid": header.sop_class_uid,
            "transfer_syntax_uid": str(header.transfer_syntax_uid)[:64],
            "number": _integer(own, "InstanceNumber"),
            "has_pixels": header.has_pixels,
            "lossy": is_lossy(header),
        },
    )


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


def _date(of: Attributes, keyword: str) -> str:
    found = _text(of, keyword, 10)
    parts = re.fullmatch(r"(\d{4})\.?(\d{2})\.?(\d{2})", found)
    return "-".join(parts.groups()) if parts else found


def _time(of: Attributes, keyword: str) -> str:
    found = _text(of, keyword, 16)
    parts = re.fullmatch(r"(\d{2}):?(\d{2})(?::?(\d{2})(?:\.\d+)?)?", found)
    return ":".join(part or "00" for part in parts.groups()) if parts else found


def _integer(of: Attributes, keyword: str) -> int | None:
    try:
        found = integer(of, keyword)
    except PixelDataError:
        return None
    return found if found is not None and -_INTEGER <= found < _INTEGER else None
