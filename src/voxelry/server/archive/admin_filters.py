"""Filters of the admin's lists whose choices are fixed: to ask which values occur would look at every row."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from voxelry.server.access.admin_rows import ChoiceFilter
from voxelry.server.archive.models import Entry

MODALITIES = (
    "CT",
    "MR",
    "PT",
    "NM",
    "US",
    "CR",
    "DX",
    "MG",
    "XA",
    "RF",
    "OT",
    "SEG",
    "SR",
    "PR",
    "KO",
    "RTSTRUCT",
    "RTDOSE",
)
_YES_NO = (("yes", "yes"), ("no", "no"))


class ModalityFilter(ChoiceFilter):
    """Series of one modality."""

    title = "modality"
    parameter_name = field = "modality"
    choices_offered = tuple((name, name) for name in MODALITIES)


class HasProblemFilter(ChoiceFilter):
    """Series that have a problem, or none."""

    title = "problem"
    parameter_name = "problem"
    choices_offered = _YES_NO

    def chosen(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.exclude(problem_code="") if value == "yes" else queryset.filter(problem_code="")


class YesNoFilter(ChoiceFilter):
    """Rows in which a field is true, or is not."""

    choices_offered = _YES_NO

    def chosen(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(**{self.field: value == "yes"})


class RegularFilter(YesNoFilter):
    """Volumes that form a regular grid, or do not."""

    title = parameter_name = field = "regular"


class PixelsFilter(YesNoFilter):
    """Instances that have pixels, or have none."""

    title = "has pixels"
    parameter_name = "pixels"
    field = "has_pixels"


class StatusFilter(ChoiceFilter):
    """Entries by what became of the file."""

    title = "status"
    parameter_name = field = "status"
    choices_offered = tuple((str(value), str(label)) for value, label in Entry.Status.choices)
