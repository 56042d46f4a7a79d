"""Volumes in the order of time: dates with times, past midnight, with offsets; refused where a clock was changed.

The right order is that in which the volumes were made (PS3.5 6.2: DA, TM, DT and the offset of DT; PS3.3 C.12.1.1.8:
Timezone Offset From UTC).
"""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from tests.dicom.repeats import Numbering, Stamp, loaded, numbers, refusals, write_repeats
from tests.dicom.reports import found, report_at
from voxelry.dicom.frames.acquisition_times import clock_was_changed, past_midnight, seconds_of_date, seconds_of_day

CLOCK = ("235940", "235955", "000010", "000025")
DATES = ("20191231", "20191231", "20200101", "20200101")


def stamped(**columns: tuple[str, ...]) -> Stamp:
    """Attributes with a value for each volume."""

    def stamp(volume: int, _: int, dataset: Dataset) -> None:
        for keyword, values in columns.items():
            setattr(dataset, keyword, values[volume])

    return stamp


def joined(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map("".join, zip(one, other, strict=True)))


MIDNIGHT = {
    "dated": stamped(AcquisitionTime=CLOCK, AcquisitionDate=DATES),
    "date kept by the scanner": stamped(AcquisitionTime=CLOCK, AcquisitionDate=("20200101",) * 4),
    "undated": stamped(ContentTime=CLOCK),
    "content": stamped(ContentTime=CLOCK, ContentDate=DATES),
    "date and time": stamped(AcquisitionDateTime=joined(DATES, CLOCK)),
    "date kept with the time": stamped(AcquisitionDateTime=joined(("20200101",) * 4, CLOCK)),
}


@pytest.mark.parametrize("name", MIDNIGHT)
@pytest.mark.parametrize("numbering", ["by volume", "by position", "random at each position"])
def test_midnight_turns_no_order(tmp_path: Path, name: str, numbering: Numbering) -> None:
    write_repeats(tmp_path, 4, MIDNIGHT[name], numbering=numbering)
    assert [number for number, _ in loaded(tmp_path)] == [1, 2, 3, 4]
    assert loaded(tmp_path)[-1][1].endswith("+45 s")


def test_midnight_within_a_volume_turns_no_order(tmp_path: Path) -> None:
    """Each slice has a time of its own; the third volume begins before midnight and ends after it."""

    def stamp(volume: int, place: int, dataset: Dataset) -> None:
        second = 86400 - 29 + 10 * volume + 2 * place
        dataset.AcquisitionTime = f"{second // 3600 % 24:02d}{second // 60 % 60:02d}{second % 60:02d}.5"

    write_repeats(tmp_path, 5, stamp)
    assert numbers(tmp_path) == [1, 2, 3, 4, 5]


SUMMER_ENDS = ("025000", "025500", "020000", "020500")
"""Local times of four volumes five minutes apart, while the clock is set back from 3 to 2."""
SUNDAY = ("20201025",) * 4
OFFSETS = ("+0200", "+0200", "+0100", "+0100")


@pytest.mark.parametrize(
    "stamp",
    [
        stamped(AcquisitionDateTime=joined(joined(SUNDAY, SUMMER_ENDS), OFFSETS)),
        stamped(AcquisitionDate=SUNDAY, AcquisitionTime=SUMMER_ENDS, TimezoneOffsetFromUTC=OFFSETS),
        stamped(
            AcquisitionDateTime=joined(joined(SUNDAY, SUMMER_ENDS), OFFSETS),
            AcquisitionTime=SUMMER_ENDS,
            ContentDate=SUNDAY,
            ContentTime=SUMMER_ENDS,
        ),
        stamped(AcquisitionTime=SUMMER_ENDS, TriggerTime=("0", "300", "600", "9e2")),
        stamped(AcquisitionTime=SUMMER_ENDS, FrameReferenceTime=("0", "300000", "600000", "900000.0")),
        stamped(AcquisitionTime=SUMMER_ENDS, TemporalPositionIdentifier=("1", "2", "3", "4")),
    ],
    ids=[
        "offset of the time",
        "offset of the instance",
        "other times without",
        "trigger",
        "reference",
        "temporal position",
    ],
)
@pytest.mark.parametrize("numbering", ["by volume", "by position"])
def test_a_change_of_the_clock_turns_no_order_that_is_known(tmp_path: Path, stamp: Stamp, numbering: Numbering) -> None:
    write_repeats(tmp_path, 4, stamp, numbering=numbering)
    assert numbers(tmp_path) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "stamp",
    [
        stamped(AcquisitionDate=SUNDAY, AcquisitionTime=SUMMER_ENDS),
        stamped(AcquisitionDateTime=joined(SUNDAY, SUMMER_ENDS)),
        stamped(ContentTime=("020000", "023000", "020000", "023000")),
        stamped(AcquisitionTime=("000000", "003000", "234500", "001500"), AcquisitionDate=("20201025",) * 4),
    ],
    ids=["date and time", "together", "an hour that came twice", "at midnight"],
)
@pytest.mark.parametrize("numbering", ["by volume", "by position"])
def test_clocks_that_were_changed_give_no_order(tmp_path: Path, stamp: Stamp, numbering: Numbering) -> None:
    write_repeats(tmp_path, 4, stamp, numbering=numbering)
    (words,) = refusals(tmp_path)
    assert "runs back by about an hour once, so that the clock was changed" in words
    assert "no offset to UTC is given" in words
    assert numbers(tmp_path) == []
    assert found(report_at(tmp_path), "repeated_positions").numbers["attributes"]


def test_numbers_against_time_are_turned(tmp_path: Path) -> None:
    """As of PET series whose numbers run against time: each slice has a time of its own."""

    def stamp(volume: int, place: int, dataset: Dataset) -> None:
        dataset.AcquisitionTime = f"10{10 - volume:02d}{place:02d}"

    write_repeats(tmp_path, 4, stamp, numbering="by volume")
    assert loaded(tmp_path)[0] == (4, "InstanceNumber 13-16")
    assert numbers(tmp_path) == [4, 3, 2, 1]
    assert found(report_at(tmp_path), "separated").numbers["confirmed_by"] == "AcquisitionTime"


def test_acquisition_numbers_against_time_are_turned(tmp_path: Path) -> None:
    def stamp(volume: int, place: int, dataset: Dataset) -> None:
        dataset.AcquisitionNumber = 4 - volume
        dataset.AcquisitionTime = f"10{volume:02d}{place:02d}"

    write_repeats(tmp_path, 4, stamp, numbering="by position")
    assert numbers(tmp_path) == [1, 2, 3, 4]


def test_reference_times_come_before_clocks(tmp_path: Path) -> None:
    stamp = stamped(
        FrameReferenceTime=("7.5e3", "22500", "37500.0", "100000"),
        AcquisitionTime=("100400", "100300", "100200", "100100"),
    )
    write_repeats(tmp_path, 4, stamp)
    assert numbers(tmp_path) == [1, 2, 3, 4]
    assert loaded(tmp_path)[0][1] == "FrameReferenceTime 7500"


def test_days_come_before_hours(tmp_path: Path) -> None:
    stamp = stamped(
        AcquisitionDate=("20200102", "20200101", "20200103"), AcquisitionTime=("100000", "120000", "080000")
    )
    write_repeats(tmp_path, 3, stamp)
    assert numbers(tmp_path) == [2, 1, 3]


def test_numbers_turned_round_by_day_are_no_change_of_the_clock(tmp_path: Path) -> None:
    stamp = stamped(AcquisitionTime=("125000", "125500", "120000", "120500"))
    write_repeats(tmp_path, 4, stamp, numbering="by position")
    assert numbers(tmp_path) == [3, 4, 1, 2]


@pytest.mark.parametrize(
    ("words", "seconds"),
    [("120000", 43200.0), ("120000.000", 43200.0), ("12", 43200.0), ("1200", 43200.0), ("12:00:00", 43200.0),
     ("000000.5", 0.5), ("noon", None), ("250000", None), ("", None), ("1200000", None)],
)  # fmt: skip
def test_times_are_read_as_the_standard_writes_them(words: str, seconds: float | None) -> None:
    assert seconds_of_day(words) == seconds


def test_dates_that_are_none_are_none() -> None:
    assert seconds_of_date("20200230") is None
    assert seconds_of_date("2020.01.02") == seconds_of_date("20200102")


def test_only_almost_a_day_is_midnight() -> None:
    assert past_midnight([86_390.0, 10.0]) == [86_390.0, 86_410.0]
    assert past_midnight([30_000.0, 60_000.0]) == [30_000.0, 60_000.0]
    assert past_midnight([]) == []


@pytest.mark.parametrize(
    ("hours", "changed"),
    [
        ([2.8, 2.9, 2.0, 2.1], True),
        ([2.9, 2.0], True),  # six minutes later
        ([2.9, 2.85], False),  # numbered backwards
        ([14.8, 14.9, 14.0, 14.1], False),  # clocks are changed at night
        ([2.1, 2.2, 2.3], False),
        ([2.3, 2.2, 2.1], False),
        ([2.8, 2.9, 1.0, 1.1], False),
    ],
)
def test_a_clock_set_back_is_known_by_an_hour_at_night(hours: list[float], changed: bool) -> None:
    assert clock_was_changed([3600 * hour for hour in hours]) == changed
