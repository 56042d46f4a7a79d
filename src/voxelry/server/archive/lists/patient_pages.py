"""Pages of the list of patients, read from that of their studies."""

from __future__ import annotations

from dataclasses import dataclass

from voxelry.server.access.grants import Grants
from voxelry.server.archive import queries
from voxelry.server.archive.lists.study_pages import study_page
from voxelry.server.archive.terms.search_words import terms_of
from voxelry.server.archive.terms.study_filter import LATEST_FIRST, PageCursor, StudyFilter

_ROUNDS = 5
"""Pages of studies that are read for one page of patients."""


@dataclass(frozen=True, slots=True)
class PatientPage:
    """A part of a list of patients.

    Attributes
    ----------
    items
        The key of each patient, with that of the latest study that was found.
    next
        Where the page behind is; None where the list ends.
    """

    items: tuple[tuple[int, int], ...]
    next: str | None


def patient_page(who: Grants, filtered: StudyFilter, *, after: str = "", limit: int = 50) -> PatientPage:
    """A page of the patients of whom a study is found, in the order of the latest of these studies.

    A patient is listed with the latest study that is found, so that no page repeats another. Many studies of one
    patient make a page shorter than ``limit``.

    Raises
    ------
    CursorError
        If the cursor is not of this list.
    """
    found: list[tuple[int, int]] = []
    going_on: str | None = after
    for _ in range(_ROUNDS):
        page = study_page(who, filtered, after=going_on or "", limit=limit)
        latest = _latest(who, filtered, page.keys)
        for study in page.keys:
            patient = latest.get(study)
            if patient is None:
                continue
            found.append((patient, study))
            if len(found) == limit:
                last = study == page.keys[-1] and page.next is None
                return PatientPage(tuple(found), None if last else PageCursor(study, study).encode(LATEST_FIRST))
        going_on = page.next
        if going_on is None:
            break
    return PatientPage(tuple(found), going_on)


def _latest(who: Grants, filtered: StudyFilter, studies: tuple[int, ...]) -> dict[int, int]:
    """The patients by study, of those of the studies that are the latest ones found of their patients."""
    rows = queries.listings(who).order_by()
    patients = dict(rows.filter(pk__in=studies).values_list("pk", "patient_id"))
    terms = terms_of(filtered.search)
    if filtered.projects:
        rows = rows.filter(project__in=filtered.projects)
    latest: dict[int, int] = {}
    known = set(studies)
    for study, patient, text in rows.filter(patient__in=set(patients.values())).values_list("pk", "patient_id", "text"):
        if study > latest.get(patient, 0) and (study in known or all(term.matches(text) for term in terms)):
            latest[patient] = study
    return {study: patient for study, patient in patients.items() if latest.get(patient) == study}
