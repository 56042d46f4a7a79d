"""The keys that studies, series and instances are matched by: their levels, VRs and columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum

from voxelry.server.archive.terms.attribute_matching import DAY, DateRange, Match, TimeRange, microseconds, offset_of
from voxelry.server.archive.terms.search_words import iso_date


class Level(IntEnum):
    """A level of DICOM's hierarchy; what is below is greater."""

    STUDY = 1
    SERIES = 2
    INSTANCE = 3


@dataclass(frozen=True, slots=True)
class SearchKey:
    """A key: its name, which a key in a sequence has behind that of the sequence and a dot, and its column."""

    name: str
    level: Level
    vr: str
    column: str


_STUDY, _SERIES, _INSTANCE = Level.STUDY, Level.SERIES, Level.INSTANCE
KEYS = {
    name: SearchKey(name, level, vr, column)
    for name, level, vr, column in (
        ("StudyInstanceUID", _STUDY, "UI", "s.study_instance_uid"),
        ("StudyDate", _STUDY, "DA", "s.date"),
        ("StudyTime", _STUDY, "TM", "s.time"),
        ("AccessionNumber", _STUDY, "SH", "s.accession_number"),
        ("ModalitiesInStudy", _STUDY, "CS", "l.modalities"),
        ("ReferringPhysicianName", _STUDY, "PN", "s.referrer"),
        ("StudyID", _STUDY, "SH", "s.study_id"),
        ("StudyDescription", _STUDY, "LO", "s.description"),
        ("PatientName", _STUDY, "PN", "p.name"),
        ("PatientID", _STUDY, "LO", "p.patient_id"),
        ("IssuerOfPatientID", _STUDY, "LO", "p.issuer"),
        ("PatientBirthDate", _STUDY, "DA", "p.birth_date"),
        ("PatientSex", _STUDY, "CS", "p.sex"),
        ("SeriesInstanceUID", _SERIES, "UI", "e.series_instance_uid"),
        ("Modality", _SERIES, "CS", "e.modality"),
        ("SeriesNumber", _SERIES, "IS", "e.number"),
        ("SeriesDescription", _SERIES, "LO", "e.description"),
        ("BodyPartExamined", _SERIES, "CS", "e.body_part"),
        ("PerformedProcedureStepStartDate", _SERIES, "DA", "e.performed_date"),
        ("PerformedProcedureStepStartTime", _SERIES, "TM", "e.performed_time"),
        ("RequestAttributesSequence.ScheduledProcedureStepID", _SERIES, "SH", "e.scheduled_step_id"),
        ("RequestAttributesSequence.RequestedProcedureID", _SERIES, "SH", "e.requested_procedure_id"),
        ("SOPInstanceUID", _INSTANCE, "UI", "i.sop_instance_uid"),
        ("SOPClassUID", _INSTANCE, "UI", "i.sop_class_uid"),
        ("InstanceNumber", _INSTANCE, "IS", "i.number"),
    )
}
Values = Sequence[str | int | None]


@dataclass(frozen=True)
class Criterion:
    """One condition of a search: a key and what is asked of its value."""

    key: SearchKey
    match: Match

    @property
    def level(self) -> Level:
        """The level whose rows are asked."""
        return self.key.level

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that `meets` needs, in its order."""
        return (self.key.column,)

    def meets(self, values: Values) -> bool:
        """Whether the values of a row's columns meet the condition."""
        value = "" if values[0] is None else str(values[0])
        return self.match.takes(value.replace(",", "\\") if self.key.column == "l.modalities" else value)


@dataclass(frozen=True)
class TimeCriterion(Criterion):
    """A condition on a time, and on the date that it belongs to.

    Attributes
    ----------
    date
        What is asked of the date; None for any.
    joined
        Whether the ranges of date and time are one range, from a moment to another (PS3.18 8.3.4.1.1).
    zone
        The offset from UTC that dates and times are asked in, in microseconds; those of a study that tells its own
        offset are converted. None to compare them as they are.
    """

    date_key: SearchKey
    date: DateRange | None
    joined: bool
    zone: int | None
    exact_tag: str = field(default="")

    @property
    def columns(self) -> tuple[str, ...]:
        zone = "s.timezone" if self.zone is not None else "''"
        exact = f"{self.key.column[0]}.attributes" if self._is_fine else "''"
        return (self.key.column, self.date_key.column, zone, exact)

    @property
    def _is_fine(self) -> bool:
        """Whether parts of a second are asked for, which rows leave out."""
        second, own = 1_000_000, self.match
        return isinstance(own, TimeRange) and bool(own.first % second or (own.last + 1) % second)

    def meets(self, values: Values) -> bool:
        time, day, zone, attributes = ("" if value is None else str(value) for value in values)
        found = re.search(rf'"{self.exact_tag}":{{"vr":"TM","Value":\["([\d.:]+)"', attributes)
        at = microseconds(found[1] if found else time)
        if at is None or not isinstance(self.match, TimeRange):
            return False
        if self.date is None:
            return self.match.first <= at <= self.match.last
        if not iso_date(day):
            return False
        moment = date.fromisoformat(day).toordinal() * DAY + at
        own = None if self.zone is None else offset_of(zone)
        if own is not None and self.zone is not None:
            moment += self.zone - own
        if self.joined:
            return self._first <= moment <= self._last
        number, at = divmod(moment, DAY)
        return self.date.takes(date.fromordinal(number).isoformat()) and self.match.first <= at <= self.match.last

    @property
    def _first(self) -> int:
        if self.date is None or not isinstance(self.match, TimeRange) or not self.date.first:
            return 0
        return date.fromisoformat(self.date.first).toordinal() * DAY + self.match.first

    @property
    def _last(self) -> int:
        if self.date is None or not isinstance(self.match, TimeRange) or not self.date.last:
            return date.max.toordinal() * DAY
        return date.fromisoformat(self.date.last).toordinal() * DAY + self.match.last
