"""What tells the volumes of one place apart, as it is shown: never a date or a time of day."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from voxelry.dicom.frames import Frame

TIMES = (
    "AcquisitionDateTime",
    "FrameAcquisitionDateTime",
    "FrameReferenceDateTime",
    "AcquisitionTime",
    "ContentTime",
)
"""When a frame was made; the texts of one kind sort as their times do."""


def natural(value: str) -> tuple[int, float, str]:
    """Numbers by their size, words after them; ``index 10`` after ``index 9``."""
    try:
        return 0, float(value.removeprefix("index ")), value
    except ValueError:
        return 1, 0.0, value


def shown(keyword: str, values: Sequence[str]) -> list[str]:
    """The values of an attribute for people, in the order given.

    Dates and times become seconds since the first, ``"+62 s"``: a patient was there at that time.
    """
    if keyword not in TIMES or all(value.startswith("index ") for value in values):
        return list(values)
    times = [_seconds(value) for value in values]
    known = [time for time in times if time is not None]
    since = [f"{time - min(known):+.6g} s" for time in known]
    if len(set(since)) < len(values):  # unreadable, or closer than the words tell
        return [f"order {number + 1}" for number in range(len(values))]
    return since


def _seconds(value: str) -> float | None:
    """Of a TM or DT (PS3.5 6.2), since midnight or since some other fixed moment."""
    whole, _, fraction = re.split("[&+-]", value.strip())[0].partition(".")  # what follows is the time zone
    try:
        if len(whole) > 6:
            day = datetime.strptime(whole[:8], "%Y%m%d").replace(tzinfo=UTC).timestamp()
            whole = whole[8:]
        else:
            day = 0.0
        hours, minutes, seconds = int(whole[:2] or 0), int(whole[2:4] or 0), int(whole[4:6] or 0)
        return day + 3600 * hours + 60 * minutes + seconds + float(f"0.{fraction or 0}")
    except ValueError:
        return None


def run_of_numbers(frames: Sequence[Frame]) -> str:
    """``"1-60"`` where the frames' Instance Numbers follow each other without a gap; else empty."""
    numbers = sorted({frame.instance_number for frame in frames})
    if len(numbers) < len(frames) or numbers[-1] - numbers[0] != len(numbers) - 1:
        return ""
    return f"{numbers[0]}-{numbers[-1]}" if len(numbers) > 1 else str(numbers[0])
