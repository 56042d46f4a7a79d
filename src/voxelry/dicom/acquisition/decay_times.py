"""From the injection of a tracer to the moment that decay is corrected to, by dates and times and across midnight."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from voxelry.core.errors import SuvError
from voxelry.dicom.acquisition.emission_attributes import EmissionAttributes
from voxelry.dicom.frames.acquisition_times import (
    DAY,
    datetime_parts,
    past_midnight,
    seconds_of_date,
    seconds_of_day,
    seconds_of_offset,
)
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.group_attributes import frame_number
from voxelry.dicom.frames.shared_frames import of_each
from voxelry.dicom.headers.attributes import tag_label, text

_ZONE = "TimezoneOffsetFromUTC"


class Moment(NamedTuple):
    """A moment by the scanner's clock.

    Attributes
    ----------
    local
        Seconds since a fixed day.
    offset
        Of the clock from UTC, seconds; None if it is unknown.
    """

    local: float
    offset: float | None

    def since(self, earlier: Moment) -> float:
        """Seconds from another moment; clocks of which one has no known offset are taken for the same."""
        known = self.offset is not None and earlier.offset is not None
        return self.local - earlier.local - ((self.offset or 0.0) - (earlier.offset or 0.0) if known else 0.0)


class ScanTimes(NamedTuple):
    """Of all frames of a series.

    Attributes
    ----------
    start
        The earliest acquisition, or the series' own date and time if that is not later.
    end
        Seconds from the start to the end of the last frame.
    dynamic
        True if Series Type (0054,1000) says so: such a scan may begin before the injection.
    """

    start: Moment
    end: float
    dynamic: bool


def scan_times(frames: Sequence[Frame]) -> ScanTimes:
    """When a series was acquired.

    Raises
    ------
    SuvError
        If a frame does not say when it was acquired.
    """
    moments = of_each(frames, _acquired)
    if len({moment.local // DAY for moment in moments}) == 1:  # a scanner may keep the date past midnight
        local = past_midnight([moment.local for moment in moments])
        moments = [moment._replace(local=time) for moment, time in zip(moments, local, strict=True)]
    first = min(moments, key=lambda moment: moment.since(moments[0]))
    series = [moment for moment in of_each(frames, _series) if moment is not None]
    named = min(series, key=lambda moment: moment.since(first), default=first)
    start = named if named.since(first) <= 0 else first
    lengths = of_each(frames, lambda frame: frame_number(frame, "ActualFrameDuration") or 0.0)
    end = max(moment.since(start) + length / 1000 for moment, length in zip(moments, lengths, strict=True))
    dynamic = "DYNAMIC" in EmissionAttributes.of(frames[0]).texts("SeriesType")
    return ScanTimes(start, end, dynamic)


def _acquired(frame: Frame) -> Moment:
    zone = text(frame.header.elements, _ZONE)
    for keyword in ("FrameAcquisitionDateTime", "AcquisitionDateTime"):
        words = frame.value(keyword)
        parts = datetime_parts(words, zone) if words else None
        if parts is not None:
            return Moment(parts[0] + parts[1], parts[2])
    attributes = EmissionAttributes.of(frame)
    day = seconds_of_date(attributes.text("AcquisitionDate"))
    time = seconds_of_day(attributes.text("AcquisitionTime"))
    if day is None or time is None:
        lacking = "AcquisitionDate" if day is None else "AcquisitionTime"
        raise SuvError(f"{tag_label(lacking)} is missing or malformed, so nothing says when the scan began")
    return Moment(day + time, seconds_of_offset(zone))


def _series(frame: Frame) -> Moment | None:
    attributes = EmissionAttributes.of(frame)
    day, time = seconds_of_date(attributes.text("SeriesDate")), seconds_of_day(attributes.text("SeriesTime"))
    return None if day is None or time is None else Moment(day + time, seconds_of_offset(attributes.text(_ZONE)))


def seconds_to_scan(isotope: EmissionAttributes, scan: ScanTimes) -> float:
    """Seconds from the injection to the start of the scan; negative of a dynamic scan that began before it.

    A time of day without a date is of the day of the scan, or of the day before where it would be later than the scan.

    Parameters
    ----------
    isotope
        The item of Radiopharmaceutical Information Sequence (0054,0016).

    Raises
    ------
    SuvError
        If the injection's moment is missing, malformed, or later than the scan.
    """
    dated = "RadiopharmaceuticalStartDateTime"
    if isotope.text(dated):
        elapsed = scan.start.since(moment_of(isotope, dated))
        if elapsed < 0 and not _within(elapsed, scan):
            raise SuvError(f"{tag_label(dated)} is later than the scan")
        return elapsed
    keyword = "RadiopharmaceuticalStartTime"
    time = seconds_of_day(isotope.text(keyword))
    if time is None:
        raise SuvError(
            f"{tag_label(dated)} is missing and {tag_label(keyword)} is missing or malformed, so nothing says how much "
            "of the dose had decayed when the scan began"
        )
    elapsed = scan.start.local % DAY - time
    return elapsed if elapsed >= 0 or _within(elapsed, scan) else elapsed + DAY


def moment_of(attributes: EmissionAttributes, keyword: str) -> Moment:
    """A moment with its date.

    Raises
    ------
    SuvError
        If it is malformed.
    """
    parts = datetime_parts(attributes.text(keyword), attributes.zone)
    if parts is None:
        raise SuvError(f"{tag_label(keyword)} is malformed, or has no time")
    return Moment(parts[0] + parts[1], parts[2])


def _within(elapsed: float, scan: ScanTimes) -> bool:
    return scan.dynamic and -elapsed <= scan.end
