"""Searches patients of one project by their attributes, in the order of the first of their live studies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from voxelry.server.access.grants import Grants
from voxelry.server.archive.by_attribute import search_sql
from voxelry.server.archive.by_attribute.attribute_search import AttributeSearch, fetched_rows, never
from voxelry.server.archive.terms.search_keys import Criterion, Level

OF_PATIENT = frozenset({"PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex"})
"""The keys of patients. All studies of a patient meet a condition on one, or none does."""
_CHUNK = 250


def patient_rows(
    who: Grants, criteria: Sequence[Criterion], *, stop: Callable[[], bool] = never
) -> Iterator[tuple[int, int]]:
    """The keys of the patients that meet all conditions, each with that of its first live study.

    Each is given where its first study is, so that nothing has to be remembered of those before.

    Parameters
    ----------
    stop
        As `AttributeSearch` has it.

    Raises
    ------
    ValueError
        If a condition is not one on patients.
    """
    if not all(one.key.name in OF_PATIENT for one in criteria):
        raise ValueError("patients are searched by their own attributes")
    studies = (key for (key,) in AttributeSearch(who, Level.STUDY, criteria, stop=stop).rows())
    while some := list(islice(studies, _CHUNK)):
        yield from fetched_rows(search_sql.firsts_of_patients(some))
