"""The API's records of studies and patients in lists, with a fixed number of statements."""

from __future__ import annotations

from collections.abc import Sequence

from voxelry.server.access.grants import Grants
from voxelry.server.access.models import Project
from voxelry.server.api import list_schemas as out
from voxelry.server.api.study_records import patient_record
from voxelry.server.archive import queries
from voxelry.server.archive.lists.patient_pages import PatientPage
from voxelry.server.archive.lists.study_pages import StudyPage
from voxelry.server.archive.models import StudyListing
from voxelry.server.archive.terms.study_filter import StudyFilter, StudyOrder
from voxelry.server.jobs.models import State


def filter_of(asked: out.StudyConditions) -> tuple[StudyFilter, StudyOrder]:
    """The conditions and the order of a request."""
    filtered = StudyFilter(
        search=asked.search,
        projects=frozenset(asked.projects),
        modalities=frozenset(asked.modalities),
        date_from=asked.date_from,
        date_to=asked.date_to,
        has_volume=asked.has_volume,
        has_problem=asked.has_problem,
        patient=asked.patient,
    )
    latest_first = asked.order in ("arrived", "date")
    return filtered, StudyOrder(asked.order, latest_first if asked.descending is None else asked.descending)


def study_list(page: StudyPage, who: Grants) -> out.StudyList:
    """A page of studies."""
    return out.StudyList(
        items=_studies(page.keys, who),
        count=page.count,
        more_than=page.more,
        next=page.next,
        previous=page.previous,
    )


def patient_list(page: PatientPage, who: Grants) -> out.PatientList:
    """A page of patients."""
    rows = queries.patients(who).select_related("project").in_bulk([patient for patient, _ in page.items])
    return out.PatientList(
        items=[
            out.PatientListed(
                **patient_record(rows[patient]).model_dump(),
                project=project_name(rows[patient].project),
                last_study=study,
            )
            for patient, study in page.items
            if patient in rows
        ],
        next=page.next,
    )


def project_name(row: Project) -> out.ProjectName:
    """A project where it is only mentioned."""
    return out.ProjectName(id=row.pk, name=row.name)


def _studies(keys: Sequence[int], who: Grants) -> list[out.StudyListed]:
    rows = queries.listings(who).select_related("study__patient", "project").defer("text").in_bulk(list(keys))
    open_series = queries.series(who).filter(study__in=list(keys), job__state__in=[State.QUEUED, State.RUNNING])
    building = set(open_series.values_list("study_id", flat=True))
    return [_study(rows[key], building=key in building) for key in keys if key in rows]


def _study(row: StudyListing, *, building: bool) -> out.StudyListed:
    study = row.study
    place = row.thumbnail_series
    return out.StudyListed(
        id=study.pk,
        study_instance_uid=study.study_instance_uid,
        project=project_name(row.project),
        patient=patient_record(study.patient),
        date=study.date,
        time=study.time,
        description=study.description,
        accession_number=study.accession_number,
        modalities=row.modalities.split(",") if row.modalities else [],
        series_count=row.series_count,
        instance_count=row.instance_count,
        bytes=row.bytes,
        arrived=row.arrived,
        has_volume=row.has_volume,
        has_problem=row.has_problem,
        building=building,
        thumbnail=None if place is None else out.ThumbnailPlace(series=place, version=row.thumbnail_version),
    )
