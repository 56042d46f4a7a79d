"""What a node was found to have, beside what the node's project has of it."""

from __future__ import annotations

from collections.abc import Mapping

from voxelry.server.access.grants import Grants
from voxelry.server.api import node_schemas as out
from voxelry.server.archive import queries
from voxelry.server.archive.terms.attribute_matching import microseconds
from voxelry.server.archive.terms.search_words import iso_date
from voxelry.server.nodes.models import Node
from voxelry.server.nodes.query_node import query

_WILDCARDS = "*?"


def found_rows(node: Node, asked: out.NodeQuery, who: Grants) -> out.NodeAnswer:
    """Ask a node, and look for what it has in its project.

    Raises
    ------
    NetworkError
        If it cannot be reached, or does not answer as it should.
    """
    level = asked.level.upper()
    answer = query(node, level, {name: value for name, value in _keys(asked).items() if value}, most=asked.limit)
    return out.NodeAnswer(
        studies=_studies(answer.rows, node, who) if level == "STUDY" else [],
        series=_series(answer.rows, node, who, study=asked.study_instance_uid or "") if level == "SERIES" else [],
        is_cut=answer.is_cut,
        ignores_keys=answer.has_unsupported_keys,
    )


def _keys(asked: out.NodeQuery) -> dict[str, str]:
    """The values to match by keyword; empty for universal matching."""
    if asked.level == "series":
        return {
            "StudyInstanceUID": asked.study_instance_uid or "",
            "Modality": asked.modality,
            "SeriesDescription": _anywhere(asked.description),
        }
    return {
        "StudyInstanceUID": asked.study_instance_uid or "",
        "PatientName": _begins(asked.patient_name),
        "PatientID": asked.patient_id,
        "AccessionNumber": asked.accession_number,
        "StudyDate": _range(asked.date_from, asked.date_to),
        "ModalitiesInStudy": asked.modality,
        "StudyDescription": _anywhere(asked.description),
    }


def _begins(text: str) -> str:
    return text if not text or any(one in text for one in _WILDCARDS) else f"{text}*"


def _anywhere(text: str) -> str:
    return text if not text or any(one in text for one in _WILDCARDS) else f"*{text}*"


def _range(first: str, last: str) -> str:
    first, last = first.replace("-", ""), last.replace("-", "")
    return f"{first}-{last}" if first != last else first


def _studies(rows: tuple[Mapping[str, str], ...], node: Node, who: Grants) -> list[out.NodeStudy]:
    uids = [row["StudyInstanceUID"] for row in rows]
    known = queries.studies(who).filter(project=node.project_id, study_instance_uid__in=uids)
    counted = queries.listings(who).filter(study__in=known)
    keys: dict[str, int] = dict(known.values_list("study_instance_uid", "pk"))
    here = {listing.study_id: listing.instance_count for listing in counted.only("study", "instance_count")}
    return [
        out.NodeStudy(
            study_instance_uid=row["StudyInstanceUID"],
            patient_name=row["PatientName"],
            patient_id=row["PatientID"],
            birth_date=_day(row["PatientBirthDate"]),
            date=_day(row["StudyDate"]),
            time=_time(row["StudyTime"]),
            description=row["StudyDescription"],
            accession_number=row["AccessionNumber"],
            modalities=[one for one in row["ModalitiesInStudy"].split("\\") if one],
            series_count=_number(row["NumberOfStudyRelatedSeries"]),
            instance_count=_number(row["NumberOfStudyRelatedInstances"]),
            study=keys.get(row["StudyInstanceUID"]),
            here=here.get(keys.get(row["StudyInstanceUID"], 0), 0),
        )
        for row in rows
    ]


def _series(rows: tuple[Mapping[str, str], ...], node: Node, who: Grants, *, study: str) -> list[out.NodeSeries]:
    uids = [row["SeriesInstanceUID"] for row in rows]
    known = queries.series(who).filter(
        project=node.project_id, series_instance_uid__in=uids, study__study_instance_uid=study
    )
    here = {uid: (key, count) for uid, key, count in known.values_list("series_instance_uid", "pk", "instance_count")}
    return [
        out.NodeSeries(
            series_instance_uid=row["SeriesInstanceUID"],
            number=_number(row["SeriesNumber"]),
            modality=row["Modality"],
            description=row["SeriesDescription"],
            date=_day(row["SeriesDate"]),
            instance_count=_number(row["NumberOfSeriesRelatedInstances"]),
            series=here.get(row["SeriesInstanceUID"], (None, 0))[0],
            here=here.get(row["SeriesInstanceUID"], (None, 0))[1],
        )
        for row in rows
    ]


def _day(text: str) -> str:
    """A date (VR DA) as ``YYYY-MM-DD``; empty for what is none."""
    return iso_date(f"{text[:4]}-{text[4:6]}-{text[6:]}")


def _time(text: str) -> str:
    """A time (VR TM) as ``HH:MM:SS``; empty for what is none."""
    found = microseconds(text)
    if found is None:
        return ""
    seconds = found // 1_000_000
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _number(text: str) -> int | None:
    """A whole number (VR IS); None for what is none."""
    try:
        return int(text)
    except ValueError:
        return None
