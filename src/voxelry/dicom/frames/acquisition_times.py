"""Acquisition times: dates and times combined, across midnight and across a change of the clock."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple, cast

import numpy as np

from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.frame_values import values_of_frames

CLOCKS = (
    "AcquisitionDateTime",
    "FrameAcquisitionDateTime",
    "FrameReferenceDateTime",
    "AcquisitionTime",
    "ContentTime",
)
"""When a frame was made."""
ACQUISITION_CLOCKS = ("AcquisitionDateTime", "FrameAcquisitionDateTime", "AcquisitionTime")

DAY = 86_400.0
HOUR = 3_600.0
LONGEST_SESSION = 6 * HOUR
"""Seconds; times of day within this span, across midnight, belong to one session."""
_CHANGE_HOURS = (22.0, 4.5)
"""Clocks are changed between these hours of the day."""
_PLAUSIBLE_PAUSE = 900.0
"""Seconds between two volumes, where no others tell how long it usually is."""
_DATES = {"AcquisitionTime": "AcquisitionDate", "ContentTime": "ContentDate"}
_TIME = re.compile(r"(\d\d)(?::?(\d\d)(?::?(\d\d)(?:\.(\d{1,6}))?)?)?")
_DATE = re.compile(r"(\d{4})[.-]?(\d\d)[.-]?(\d\d)")
_DATETIME = re.compile(r"(\d{4}(?:\d\d(?:\d\d)?)?)(\d\d(?:\d\d(?:\d\d(?:\.\d{1,6})?)?)?)?([+-]\d{4})?")
_WHOLE = len("YYYYMMDDHHMMSS")
_FORM_LENGTHS = (_WHOLE, *range(_WHOLE + len(".F"), _WHOLE + len(".FFFFFF") + 1))
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")

Seconds = Mapping[Frame, float]


def seconds_of_day(words: str) -> float | None:
    """Seconds of a TM value (PS3.5 6.2); None if it is malformed."""
    found = _TIME.fullmatch(words.strip())
    if found is None:
        return None
    hours, minutes, seconds, fraction = found.groups()
    total = HOUR * int(hours) + 60.0 * int(minutes or 0) + int(seconds or 0) + float(f"0.{fraction or 0}")
    return total if int(hours) < 24 and int(minutes or 0) < 60 and int(seconds or 0) <= 60 else None


@lru_cache(maxsize=1024)
def seconds_of_date(words: str) -> float | None:
    """Seconds from a fixed moment to the start of a DA value's day; None if it is malformed."""
    found = _DATE.fullmatch(words.strip())
    try:
        return None if found is None else datetime(*map(int, found.groups()), tzinfo=UTC).timestamp()  # type: ignore[arg-type,misc]
    except ValueError:
        return None


def seconds_of_offset(words: str) -> float | None:
    """Offset of a clock from UTC in seconds; None if it is absent or malformed."""
    found = _OFFSET.fullmatch(words.strip())
    if found is None:
        return None
    return (-1.0 if found[1] == "-" else 1.0) * (HOUR * int(found[2]) + 60.0 * int(found[3]))


def datetime_parts(words: str, zone: str = "") -> tuple[float, float, float | None] | None:
    """The day, the time of the day and the offset to UTC of a DT value, in seconds; None if it is malformed.

    Parameters
    ----------
    zone
        Timezone Offset From UTC (0008,0201), which holds where the value has no offset.
    """
    found = _DATETIME.fullmatch(words.strip())
    if found is None:
        return None
    day, time = seconds_of_date(found[1]), seconds_of_day(found[2] or "")
    return None if day is None or time is None else (day, time, seconds_of_offset(found[3] or zone))


def clock_of(frames: Sequence[Frame], keyword: str) -> Seconds | None:
    """Acquisition time of each frame in seconds since a fixed moment; None if one of the frames has no time.

    Times are combined with their own dates. If the time falls by almost a day while the date stays the same, the
    scanner kept the date past midnight. If all frames have an offset from UTC, the seconds are those of UTC.
    """
    told = _told(frames, keyword)
    if told is None:
        return None
    days, times, offsets = told
    if None in offsets and any(offset is not None for offset in offsets):
        return None
    if None in days:
        days = (0.0,) * len(days)
    first = min(cast("Sequence[float]", days), default=0.0)
    clock = [day - first + time for day, time in zip(cast("Sequence[float]", days), times, strict=True)]
    if len(set(days)) == 1:
        clock = past_midnight(clock)
    if any(offsets):
        clock = [time - (offset or 0.0) for time, offset in zip(clock, offsets, strict=True)]
    return dict(zip(frames, clock, strict=True))


def has_offsets(frames: Sequence[Frame], keyword: str) -> bool:
    """True if every frame has an offset from UTC."""
    told = _told(frames, keyword)
    return told is not None and None not in told.offsets


class Moments(NamedTuple):
    """Of each value the day, the time of the day and the offset to UTC, in seconds."""

    days: Sequence[float | None]
    times: Sequence[float]
    offsets: Sequence[float | None]


_Moment = tuple[float | None, float, float | None]


def _told(frames: Sequence[Frame], keyword: str) -> Moments | None:
    """When each frame says that it was made; None if one has no time."""
    times = values_of_frames(frames, keyword)
    if not all(times):
        return None
    zones = values_of_frames(frames, "TimezoneOffsetFromUTC")
    if keyword not in _DATES:
        return moments_of(times, zones)
    words = list(zip(times, values_of_frames(frames, _DATES[keyword]), zones, strict=True))
    return _each_of(words, {each: _moment(*each) for each in set(words)})


def moments_of(times: Sequence[str], zones: Sequence[str]) -> Moments | None:
    """`datetime_parts` of DT values, together where all are written in one way; None if one is malformed.

    Parameters
    ----------
    zones
        Timezone Offset From UTC (0008,0201) of each.
    """
    if len(set(zones)) == 1 and (alike := _of_one_form(times)) is not None:
        days, seconds = alike
        return Moments(days, seconds, (seconds_of_offset(zones[0]),) * len(times))
    words = list(zip(times, zones, strict=True))
    return _each_of(words, {each: datetime_parts(*each) for each in set(words)})


def _each_of(words: Sequence[tuple[str, ...]], known: Mapping[tuple[str, ...], _Moment | None]) -> Moments | None:
    found = [moment for each in words if (moment := known[each]) is not None]
    if len(found) < len(words):
        return None
    return Moments(*zip(*found, strict=True)) if found else Moments((), (), ())


def _of_one_form(times: Sequence[str]) -> tuple[list[float], list[float]] | None:
    """Days and times of DT values that are all written to the second or finer, with as many digits, without an offset.

    None where one is written otherwise.
    """
    length = len(times[0])
    if length not in _FORM_LENGTHS or set(map(len, times)) != {length} or not (joined := "".join(times)).isascii():
        return None
    digits = np.frombuffer(joined.encode(), np.uint8).reshape(-1, length).astype(np.int64) - ord("0")
    whole, fraction = digits[:, :_WHOLE], digits[:, _WHOLE + 1 :]
    if (length > _WHOLE and (digits[:, _WHOLE] != ord(".") - ord("0")).any()) or not all(
        ((part >= 0) & (part <= 9)).all() for part in (whole, fraction)
    ):
        return None
    hours, minutes, seconds = (10 * whole[:, at] + whole[:, at + 1] for at in (8, 10, 12))
    if (hours >= 24).any() or (minutes >= 60).any() or (seconds > 60).any():
        return None
    places = fraction.shape[1]
    parts = (fraction @ 10 ** np.arange(places)[::-1]) / 10**places if places else np.zeros(len(times))
    known = {date: seconds_of_date(date) for date in {time[:8] for time in times}}
    days = [known[time[:8]] for time in times]
    if None in known.values():
        return None
    return cast("list[float]", days), (HOUR * hours + 60.0 * minutes + seconds + parts).tolist()


def _moment(time: str, date: str, zone: str) -> _Moment | None:
    seconds = seconds_of_day(time)
    return None if seconds is None else (seconds_of_date(date), seconds, seconds_of_offset(zone))


def past_midnight(times: Sequence[float]) -> list[float]:
    """Times of one session; those behind a gap of almost a day are moved to the next day."""
    if not times or max(times) - min(times) < DAY - LONGEST_SESSION:
        return list(times)
    ascending = sorted(set(times))
    gaps = [(after - before, before) for before, after in pairwise(ascending)]
    widest, last = max(gaps, default=(0.0, 0.0))
    if widest < DAY - LONGEST_SESSION:
        return list(times)
    return [time + DAY if time <= last else time for time in times]


def clock_was_changed(times: Sequence[float]) -> bool:
    """True if times, in the order of their images' numbers, run back by about an hour once, at night.

    Such a clock was set back in autumn: the same hour came twice, and its times give no order.
    """
    steps = [after - before for before, after in pairwise(times)]
    falls = [(before, step) for before, step in zip(times, steps, strict=False) if step <= 0]
    rises = [step for step in steps if step > 0]
    if len(falls) != 1:
        return False
    before, fall = falls[0]
    pause = max(3 * max(rises), 60.0) if rises else _PLAUSIBLE_PAUSE
    at_night = all(not _CHANGE_HOURS[1] < (time % DAY) / HOUR < _CHANGE_HOURS[0] for time in (before, before + fall))
    return at_night and 0 < fall + HOUR <= pause
