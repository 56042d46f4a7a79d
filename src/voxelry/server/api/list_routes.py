"""Routes of lists of studies and patients, and of one's own filters.

What is searched for is a patient's: it is sent in the body of a POST, and stands in no address.
"""

from __future__ import annotations

from typing import Annotated

from django.http import HttpRequest
from ninja import Query, Router, Status

from voxelry.server.access.authentication import asking
from voxelry.server.access.rules import Rule, needs
from voxelry.server.api import list_records
from voxelry.server.api import list_schemas as out
from voxelry.server.api.problems import ApiError, not_found
from voxelry.server.api.schemas import ERRORS
from voxelry.server.api.study_records import patient_record
from voxelry.server.archive import queries
from voxelry.server.archive.lists.patient_pages import patient_page
from voxelry.server.archive.lists.study_pages import study_page
from voxelry.server.archive.models import SavedFilter
from voxelry.server.archive.terms.study_filter import StudyFilter

router = Router()
MOST_FILTERS = 200
Limit = Annotated[int, Query(50, ge=1, le=200, description="How many studies at most.")]
After = Annotated[str, Query("", max_length=200, description="`next` or `previous` of another page.")]


@router.post("/studies/search", response={200: out.StudyList, **ERRORS}, tags=["studies"])
@needs(Rule.VIEWER)
def search_studies(request: HttpRequest, body: out.StudySearch) -> object:
    """A page of the studies that meet conditions. Counting ends at 10,000: then `more_than` is true."""
    who = asking(request)
    filtered, order = list_records.filter_of(body)
    return list_records.study_list(study_page(who, filtered, order, after=body.after, limit=body.limit), who)


@router.post("/patients/search", response={200: out.PatientList, **ERRORS}, tags=["patients"])
@needs(Rule.VIEWER)
def search_patients(request: HttpRequest, body: out.PatientSearch) -> object:
    """A page of the patients with a study in which each word is found; those with the latest studies first."""
    who = asking(request)
    filtered = StudyFilter(search=body.search, projects=frozenset(body.projects))
    return list_records.patient_list(patient_page(who, filtered, after=body.after, limit=body.limit), who)


@router.get("/patients/{int:patient_id}", response={200: out.PatientWithStudies, **ERRORS}, tags=["patients"])
@needs(Rule.VIEWER)
def get_patient(request: HttpRequest, patient_id: int, limit: Limit = 50, after: After = "") -> object:
    """A patient with a page of the studies, the latest first."""
    who = asking(request)
    row = queries.patients(who).select_related("project").filter(pk=patient_id).first()
    if row is None:
        raise not_found(f"There is no patient {patient_id}.")
    page = study_page(who, StudyFilter(patient=row.pk), after=after, limit=limit)
    return out.PatientWithStudies(
        **patient_record(row).model_dump(),
        project=list_records.project_name(row.project),
        studies=list_records.study_list(page, who),
    )


@router.get("/filters", response={200: out.FilterList, **ERRORS}, tags=["studies"])
@needs(Rule.OWN)
def list_filters(request: HttpRequest) -> object:
    """One's own filters of the list of studies, by name."""
    return out.FilterList(items=[_filter(row) for row in queries.saved_filters(asking(request))])


@router.put("/filters", response={200: out.FilterOut, **ERRORS}, tags=["studies"])
@needs(Rule.OWN)
def keep_filter(request: HttpRequest, body: out.FilterIn) -> object:
    """Keep a filter under a name, which may be a patient's and so stands in no address."""
    own = queries.saved_filters(asking(request))
    name = body.name.replace("\0", "").strip()
    if not name:
        raise ApiError(422, "validation", "The filter needs a name.")
    told = body.filter.model_dump(exclude_defaults=True)
    if "search" in told:
        told["search"] = told["search"].replace("\0", " ")
    if own.count() >= MOST_FILTERS and not own.filter(name=name).exists():
        raise ApiError(409, "filters", f"There are {MOST_FILTERS} filters already: delete one first.")
    row, _ = own.update_or_create(user_id=request.user.pk, name=name, defaults={"filter": told})
    return _filter(row)


@router.delete("/filters/{int:filter_id}", response={204: None, **ERRORS}, tags=["studies"])
@needs(Rule.OWN)
def delete_filter(request: HttpRequest, filter_id: int) -> object:
    """Delete a filter of one's own, if there is one of this key."""
    queries.saved_filters(asking(request)).filter(pk=filter_id).delete()
    return Status(204, None)


def _filter(row: SavedFilter) -> out.FilterOut:
    return out.FilterOut(id=row.pk, name=row.name, filter=row.filter)
