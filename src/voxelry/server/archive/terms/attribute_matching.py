"""Attribute matching (PS3.4 C.2.2.2): what a key of a search asks of a value, whichever door it came by.

A `Match` decides about one value as rows hold it: dates as ``YYYY-MM-DD``, times as ``HH:MM:SS``, names as
``Alphabetic=Ideographic=Phonetic``. Names are compared without regard to case, everything else as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from voxelry.core.errors import VoxelryError
from voxelry.dicom.headers.uid_text import may_be_uid
from voxelry.server.archive.terms.search_words import iso_date

MOST_VALUES = 1_000
"""Values of one list of UIDs."""
MOST_CHARACTERS = 1_024
"""Characters of a value that is no list."""
_DATE = re.compile(r"(\d{4})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])", re.ASCII)
_TIME = re.compile(r"([01]\d|2[0-3])(?:([0-5]\d)(?:([0-5]\d|60)(?:\.(\d{1,6}))?)?)?", re.ASCII)
_STORED_TIME = re.compile(r"(\d{2}):?(?:(\d{2}):?(?:(\d{2})(?:\.(\d{1,6})\d*)?)?)?", re.ASCII)
_ZONE = re.compile(r"([+-])(\d{2})([0-5]\d)", re.ASCII)
DAY = 86_400_000_000
"""Microseconds of a day."""


class MatchError(VoxelryError, ValueError):
    """A value that its key cannot be compared with. The message does not quote it."""

    code = "match"


@dataclass(frozen=True)
class Match:
    """What is asked of a value."""

    def takes(self, value: str) -> bool:
        """Whether a value, empty if there is none, meets it."""
        raise NotImplementedError


@dataclass(frozen=True)
class OneOf(Match):
    """The value is one of these (list of UID matching, C.2.2.2.2; multiple values)."""

    values: frozenset[str]

    def takes(self, value: str) -> bool:
        return value in self.values or (
            "\\" in value and not self.values.isdisjoint(part.strip() for part in value.split("\\"))
        )


@dataclass(frozen=True)
class Wildcard(Match):
    """The value is written like a pattern with ``*`` and ``?`` (C.2.2.2.4)."""

    pattern: str

    @cached_property
    def _test(self) -> Callable[[str], bool]:
        return _test_of(self.pattern)

    def takes(self, value: str) -> bool:
        return bool(value) and any(self._test(part.strip()) for part in value.split("\\"))


@dataclass(frozen=True)
class NameMatch(Match):
    """A person's name, compared without regard to case; ``*`` and ``?`` may stand in it.

    Without a ``=`` one of the three component groups has to be like it, otherwise each group that is not empty. Empty
    components at the end count for nothing: ``DOE^JANE`` is ``Doe^Jane^^^``.
    """

    name: str

    @cached_property
    def _tests(self) -> list[Callable[[str], bool] | None]:
        groups = [plain_group(group) for group in self.name.casefold().split("=")]
        return [_test_of_group(group) if group.strip("*") else None for group in groups]

    def takes(self, value: str) -> bool:
        return any(self._takes(name) for name in value.split("\\")) if value else False

    def _takes(self, name: str) -> bool:
        groups = [plain_group(group) for group in name.casefold().split("=")]
        if len(self._tests) == 1:
            test = self._tests[0]
            return test is None or any(group and test(group) for group in groups)
        groups += [""] * (len(self._tests) - len(groups))
        return all(test is None or test(group) for test, group in zip(self._tests, groups, strict=False))


@dataclass(frozen=True)
class DateRange(Match):
    """A date from one to another, both included, as ``YYYY-MM-DD``; empty for no bound (C.2.2.2.5)."""

    first: str
    last: str
    is_range: bool = True

    def takes(self, value: str) -> bool:
        return bool(iso_date(value)) and self.first <= value and (not self.last or value <= self.last)


@dataclass(frozen=True)
class TimeRange(Match):
    """A time from one to another, in microseconds of the day; both included, and the last as exact as it is given."""

    first: int
    last: int
    is_range: bool = True

    def takes(self, value: str) -> bool:
        at = microseconds(value)
        return at is not None and self.first <= at <= self.last


@dataclass(frozen=True)
class IntegerMatch(Match):
    """A whole number, or one of several."""

    values: frozenset[int]

    def takes(self, value: str) -> bool:
        return bool(value) and int(value) in self.values


def match_of(vr: str, text: str) -> Match | None:
    """What a key with a value asks; None for universal matching (C.2.2.2.3), which takes any value, and none.

    Raises
    ------
    MatchError
        If the value is none of the key's VR.
    """
    if not text.strip("* "):
        return None
    if vr == "UI":
        return _uids(text)
    if len(text) > MOST_CHARACTERS:
        raise MatchError(f"is longer than {MOST_CHARACTERS} characters")
    if vr in ("DA", "TM", "IS", "DS", "DT") and ("*" in text or "?" in text):
        raise MatchError(f"has a wildcard, which the VR {vr} does not allow")
    return {"DA": _dates, "TM": _times, "IS": _integers, "PN": _name, "CS": _codes}.get(vr, _text)(text.strip())


def microseconds(time: str) -> int | None:
    """The microseconds since midnight of a time that a row or a file holds; None for no time."""
    found = _STORED_TIME.fullmatch(time.strip())
    return None if found is None else _micro(*found.groups(default=""))


def offset_of(zone: str) -> int | None:
    """The microseconds of an offset from UTC such as ``+0100``; None for what is no offset."""
    found = _ZONE.fullmatch(zone.strip())
    if found is None or int(found[2]) > 14:
        return None
    value = (int(found[2]) * 3600 + int(found[3]) * 60) * 1_000_000
    return -value if found[1] == "-" else value


def plain_group(group: str) -> str:
    """A component group without what counts for nothing: spaces around components, and empty ones at the end."""
    return "^".join(component.strip() for component in group.split("^")).rstrip("^")


def literal_parts(pattern: str) -> list[str]:
    """The parts of a pattern between its wildcards, in their order; the first is empty if it begins with one."""
    return re.split(r"[*?]+", pattern)


def _test_of(pattern: str) -> Callable[[str], bool]:
    """Whether a text is like a pattern, in a time that grows with both lengths, whatever the pattern."""
    first, *others = (_segment(part) for part in re.split(r"\*+", pattern))
    if not others:
        return lambda text: first.regex.fullmatch(text) is not None
    *middle, last = others

    def test(text: str) -> bool:
        end = len(text) - last.length
        if end < first.length or not first.regex.match(text) or not last.regex.fullmatch(text, end):
            return False
        at = first.length
        for part in middle:
            found = part.regex.search(text, at, end)
            if found is None:
                return False
            at = found.end()
        return True

    return test


def _test_of_group(pattern: str) -> Callable[[str], bool]:
    test = _test_of(pattern)
    if not pattern.endswith("^*"):
        return test
    return lambda group: test(group) or test(group + "^")  # no given name is an empty one


@dataclass(frozen=True)
class _Segment:
    """A part of a pattern without asterisks, and how many characters it is like."""

    regex: re.Pattern[str]
    length: int


def _segment(part: str) -> _Segment:
    return _Segment(re.compile("".join("." if one == "?" else re.escape(one) for one in part), re.DOTALL), len(part))


def _uids(text: str) -> Match:
    values = [value.strip(" \0") for value in re.split(r"[,\\]", text)]
    found = frozenset(value for value in values if value)
    if any(mark in text for mark in "*?"):
        raise MatchError("has a wildcard, which the VR UI does not allow")
    if len(found) > MOST_VALUES:
        raise MatchError(f"lists more than {MOST_VALUES} UIDs")
    if not found or not all(map(may_be_uid, found)):
        raise MatchError("is no UID, or list of UIDs")
    return OneOf(found)


def _dates(text: str) -> Match:
    first, dash, last = (part.strip() for part in text.partition("-"))
    found = [_DATE.fullmatch(part) for part in (first, last)]
    if any(part and not match for part, match in zip((first, last), found, strict=True)) or not (first or last):
        raise MatchError("is no date YYYYMMDD, and no range of dates such as 20240101-20240131, 20240101- or -20240131")
    begin, end = ("-".join(match.groups()) if match else "" for match in found)
    if not dash:
        return DateRange(begin, begin, is_range=False)
    if begin and end and begin > end:
        raise MatchError("is a range of dates that ends before it begins")
    return DateRange(begin, end)


def _times(text: str) -> Match:
    first, dash, last = (part.strip() for part in text.partition("-"))
    found = [_TIME.fullmatch(part) for part in (first, last)]
    if any(part and not match for part, match in zip((first, last), found, strict=True)) or not (first or last):
        raise MatchError("is no time HHMMSS.FFFFFF, and no range of times such as 0900-1730, 0900- or -1730")
    begin, end = found
    low = _micro(*begin.groups(default="")) if begin else 0
    if not dash:
        return TimeRange(low, _end(found[0]), is_range=False)
    return TimeRange(low, _end(end) if end else DAY - 1)


def _end(found: re.Match[str] | None) -> int:
    """The last microsecond of a time as exact as it is given: 10:59:59.999999 of ``10``."""
    if found is None:
        return DAY - 1
    hour, minute, second, fraction = found.groups(default="")
    if fraction:
        return _micro(hour, minute, second, fraction) + int(10 ** (6 - len(fraction))) - 1
    span = 1_000_000 if second else 60_000_000 if minute else 3_600_000_000
    return _micro(hour, minute, second, "") + span - 1


def _micro(hour: str, minute: str, second: str, fraction: str) -> int:
    whole = int(hour) * 3600 + int(minute or 0) * 60 + int(second or 0)
    return whole * 1_000_000 + int(fraction.ljust(6, "0") or 0)


def _integers(text: str) -> Match:
    values = [value.strip() for value in re.split(r"[,\\]", text)]
    if not all(re.fullmatch(r"[+-]?\d{1,12}", value, re.ASCII) for value in values):
        raise MatchError("is no whole number of at most 12 digits")
    return IntegerMatch(frozenset(map(int, values)))


def _name(text: str) -> Match:
    return NameMatch(text)


def _codes(text: str) -> Match:
    values = [value.strip() for value in re.split(r"[,\\]", text) if value.strip()]
    return _text(text) if "*" in text or "?" in text or not values else OneOf(frozenset(values))


def _text(text: str) -> Match:
    return Wildcard(text) if "*" in text or "?" in text else OneOf(frozenset(part.strip() for part in text.split("\\")))
