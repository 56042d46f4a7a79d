"""The conditions of a search from the values of its keys, whichever door they came by."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from voxelry.server.archive.terms.attribute_matching import (
    DateRange,
    Match,
    MatchError,
    OneOf,
    TimeRange,
    match_of,
)
from voxelry.server.archive.terms.search_keys import KEYS, Criterion, TimeCriterion

_PAIRS = {
    "StudyTime": ("StudyDate", "00080030"),
    "PerformedProcedureStepStartTime": ("PerformedProcedureStepStartDate", "00400245"),
}
"""The date of each time, and the time's tag."""


class KeyValueError(MatchError):
    """A key cannot be compared with its value. The message is the end of a sentence, and does not quote the value.

    Attributes
    ----------
    key
        The name of the key.
    """

    def __init__(self, key: str, words: str) -> None:
        self.key = key
        super().__init__(words)


def criteria_of(
    values: Mapping[str, str], *, exact: Collection[str] = (), combined: bool, zone: int | None = None
) -> tuple[Criterion, ...]:
    """The conditions that some keys with values make; universal matching is none.

    Parameters
    ----------
    values
        By the names of the keys (`KEYS`).
    exact
        Keys whose values are UIDs, or whatever else no UID is, and are compared as they are.
    combined
        Whether a range of dates and one of times are one range, from a moment to another.
    zone
        The offset from UTC that dates and times are asked in, in microseconds; None to compare them as they are.

    Raises
    ------
    KeyValueError
        If a value is none of its key's VR, or is a range of times that ends before it begins.
    """
    found: dict[str, Match] = {}
    for name, value in values.items():
        try:
            match = OneOf(frozenset({value})) if name in exact else match_of(KEYS[name].vr, value)
        except MatchError as error:
            raise KeyValueError(name, str(error)) from None
        if match is not None:
            found[name] = match
    criteria: list[Criterion] = []
    for time, (date, tag) in _PAIRS.items():
        match = found.pop(time, None)
        if not isinstance(match, TimeRange):
            continue
        asked = found.pop(date, None)
        of_date = asked if isinstance(asked, DateRange) else None
        if not combined and of_date is not None:
            criteria.append(Criterion(KEYS[date], of_date))
            of_date = None
        criteria.append(_of_moment(time, match, date, of_date, tag, zone if time == "StudyTime" else None))
    return (*criteria, *(Criterion(KEYS[name], match) for name, match in found.items()))


def _of_moment(
    time: str, match: TimeRange, date: str, of_date: DateRange | None, tag: str, zone: int | None
) -> TimeCriterion:
    joined = of_date is not None and of_date.is_range and match.is_range
    if match.first > match.last and not (joined and of_date is not None and of_date.first != of_date.last):
        raise KeyValueError(
            time,
            "is a range of times that ends before it begins; a range over midnight is asked for "
            f"by a range of dates in {date} beside it, or by two requests",
        )
    return TimeCriterion(KEYS[time], match, KEYS[date], of_date, joined, zone, tag)
