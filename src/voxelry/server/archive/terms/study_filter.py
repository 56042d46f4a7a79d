"""What a list of studies is asked for: conditions, the order, and where a page begins."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Literal

from voxelry.core.errors import VoxelryError

OrderName = Literal[
    "arrived", "date", "patient", "patient_id", "description", "accession", "series", "instances", "size"
]
"""What studies are sorted by; those with equal values are in the order of arrival."""
COLUMNS: dict[str, str] = {
    "arrived": "study_id",
    "date": "date",
    "patient": "name_key",
    "patient_id": "patient_id_key",
    "description": "description_key",
    "accession": "accession_key",
    "series": "series_count",
    "instances": "instance_count",
    "size": "bytes",
}
_NUMBERS = frozenset({"arrived", "series", "instances", "size"})
_LARGEST = 2**63 - 1


class CursorError(VoxelryError, ValueError):
    """A cursor that no page of this list gave."""

    code = "cursor"


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFilter:
    """The conditions of a list; all of them have to be met.

    Attributes
    ----------
    search
        Words as somebody types them, each of which has to be found.
    projects
        Keys of projects; all that may be seen if empty.
    modalities
        The study has a series of one of them; any study if empty.
    date_from, date_to
        The first and the last date, ``YYYY-MM-DD``; empty for none.
    has_volume, has_problem
        Whether the study has a volume and a problem; None for either.
    patient
        The key of the patient; None for all.
    study_instance_uid
        The UID of the study; empty for any.
    """

    search: str = ""
    projects: frozenset[int] = frozenset()
    modalities: frozenset[str] = frozenset()
    date_from: str = ""
    date_to: str = ""
    has_volume: bool | None = None
    has_problem: bool | None = None
    patient: int | None = None
    study_instance_uid: str = ""

    @property
    def by_date(self) -> bool:
        """Whether the date is limited. A study without a date is in no range."""
        return bool(self.date_from or self.date_to)

    @property
    def by_facet(self) -> bool:
        """Whether something is asked that the facet of a study tells."""
        return bool(self.modalities) or self.has_volume is not None or self.has_problem is not None

    def takes_facet(self, facet: str) -> bool:
        """Whether a study with this facet (``10:CT,SEG``) meets the conditions that the facet tells."""
        return (
            self.has_volume in (None, facet[0] == "1")
            and self.has_problem in (None, facet[1] == "1")
            and (not self.modalities or not self.modalities.isdisjoint(facet[3:].split(",")))
        )


@dataclass(frozen=True, slots=True)
class StudyOrder:
    """The order of a list."""

    name: OrderName = "arrived"
    descending: bool = True

    @property
    def column(self) -> str:
        """The column that is sorted by, before the key of the study."""
        return COLUMNS[self.name]

    @property
    def reversed(self) -> StudyOrder:
        """The order from the end."""
        return StudyOrder(self.name, not self.descending)


@dataclass(frozen=True, slots=True)
class PageCursor:
    """The row beside which a page begins: its value in the order, and its key.

    A page goes on behind it, or, if ``backwards``, ends before it.
    """

    value: str | int
    key: int
    backwards: bool = False

    def encode(self, order: StudyOrder) -> str:
        """The text that a client sends for the page."""
        told = [order.name, order.descending, self.backwards, self.value, self.key]
        return base64.urlsafe_b64encode(json.dumps(told, ensure_ascii=False).encode()).decode().rstrip("=")

    @staticmethod
    def decode(text: str, order: StudyOrder) -> PageCursor | None:
        """The cursor of a text in the same order; None for the first page.

        Raises
        ------
        CursorError
            If it is of another order, or of no list.
        """
        if not text:
            return None
        try:
            told = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode())
            name, descending, backwards, value, key = told
            str(value).encode()  # no database takes half of a surrogate pair
        except (ValueError, TypeError):
            raise CursorError("the cursor is of no list; begin with the first page") from None
        kind = int if order.name in _NUMBERS else str
        numbers = (key, value) if kind is int else (key,)
        if (
            (name, descending) != (order.name, order.descending)
            or type(backwards) is not bool
            or type(value) is not kind
            or any(type(number) is not int or abs(number) >= _LARGEST for number in numbers)
            or (isinstance(value, str) and "\0" in value)
        ):
            raise CursorError("the cursor is of a list in another order; begin with the first page")
        return PageCursor(value, key, backwards)


LATEST_FIRST = StudyOrder()
"""The order in which studies arrived, from the last."""
