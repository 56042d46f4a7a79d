"""Acquisition times: dates and times combined, across midnight and across a change of the clock."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import pairwise

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
    parts = _told(frames, keyword)
    if parts is None:
        return None
    days, times, offsets = zip(*parts, strict=True) if parts else ((), (), ())
    known = [offset is not None for offset in offsets]
    if any(known) and not all(known):
        return None
    if any(day is None for day in days):
        days = (0.0,) * len(days)
    first = min(days, default=0.0)
    clock = [day - first + time for day, time in zip(days, times, strict=True)]
    if len(set(days)) == 1:
        clock = past_midnight(clock)
    return {frame: time - (offset or 0.0) for frame, time, offset in zip(frames, clock, offsets, strict=True)}


def has_offsets(frames: Sequence[Frame], keyword: str) -> bool:
    """True if every frame has an offset from UTC."""
    told = _told(frames, keyword)
    return told is not None and all(offset is not None for _, _, offset in told)


_Moment = tuple[float | None, float, float | None]
"""The day, the time of the day and the offset to UTC, in seconds."""


def _told(frames: Sequence[Frame], keyword: str) -> list[_Moment] | None:
    """When each frame says that it was made; None if one has no time."""
    times = values_of_frames(frames, keyword)
    if not all(times):
        return None
    dates: list[str | None] = [None] * len(times)
    if keyword in _DATES:
        dates = [*values_of_frames(frames, _DATES[keyword])]
    zones = values_of_frames(frames, "TimezoneOffsetFromUTC")
    words = list(zip(times, dates, zones, strict=True))
    known = {each: _moment(*each) for each in set(words)}
    found = [moment for each in words if (moment := known[each]) is not None]
    return found if len(found) == len(words) else None


def _moment(time: str, date: str | None, zone: str) -> _Moment | None:
    if date is None:
        return datetime_parts(time, zone)
    seconds = seconds_of_day(time)
    return None if seconds is None else (seconds_of_date(date), seconds, seconds_of_offset(zone))


def past_midnight(times: Sequence[float]) -> list[float]:
    """Times of one session; those behind a gap of almost a day are moved to the next day."""
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
