"""Dates with times of thousands of frames are read together, and give what each of them gives alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voxelry.dicom.frames.acquisition_times import datetime_parts, moments_of
from voxelry.dicom.headers.attributes import plain_words, text
from voxelry.dicom.headers.elements import Elements

FRAME_TIME = 0x00189074
"""Frame Acquisition DateTime."""

ANY_DATETIME = st.one_of(
    st.from_regex(r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|1\d|2[0-8])([01]\d|2[0-3])[0-5]\d[0-5]\d\.\d{3}", fullmatch=True),
    st.from_regex(r"\d{14}(\.\d{1,7})?([+-]\d{4})?", fullmatch=True),
    st.from_regex(r"\d{4}(\d\d){0,5}", fullmatch=True),
    st.text("0123456789.+- ٣", max_size=24),
)
"""Most of one form, others odd or malformed."""
ZONE = st.sampled_from(["", "+0100", "-0430", "wrong"])


@st.composite
def written_alike(draw: st.DrawFn) -> list[str]:
    """Times with as many digits each, now and then one that is none."""
    places = draw(st.integers(0, 7))
    pattern = r"20[0-2]\d(0[1-9]|1[0-3])([0-2]\d)([01]\d|2[0-4])[0-6]\d[0-6]\d" + (
        rf"\.[\d:]{{{places}}}" if places else ""
    )
    return draw(st.lists(st.from_regex(pattern, fullmatch=True), max_size=6))


@given(st.one_of(written_alike(), st.lists(ANY_DATETIME, max_size=6)), st.data())
def test_together_as_alone(times: list[str], data: st.DataObject) -> None:
    zone = data.draw(ZONE)
    zones = data.draw(st.one_of(st.just([zone] * len(times)), st.lists(ZONE, min_size=len(times), max_size=len(times))))
    alone = [datetime_parts(*each) for each in zip(times, zones, strict=True)]
    known = [each for each in alone if each is not None]
    together = moments_of(times, zones)
    if len(known) < len(alone):
        assert together is None
        return
    assert together is not None
    assert list(zip(*together, strict=True)) == known


def test_a_form_with_a_fraction_is_read_to_its_last_digit() -> None:
    times = [f"2020010210{minute:02d}59.{minute * 16807 % 1_000_000:06d}" for minute in range(60)]
    together = moments_of(times, [""] * 60) or ()
    assert list(zip(*together, strict=True)) == [datetime_parts(time) for time in times]


VALUES = st.one_of(
    st.from_regex(rb"[0-9.]{0,22} {0,2}", fullmatch=True),
    st.binary(max_size=12),
    st.text("aB1 _\\\0\t\x1b", max_size=12).map(str.encode),
)


@given(st.lists(st.tuples(st.sampled_from([b"DT", b"SH", b"CS", b"TM", b"PN", b"UN"]), VALUES), max_size=6))
def test_words_of_many_as_of_each(values: list[tuple[bytes, bytes]]) -> None:
    together = plain_words(values)
    if together is not None:
        assert together == [text(Elements({FRAME_TIME: value}), "FrameAcquisitionDateTime") for value in values]


def test_plain_words_are_read_together() -> None:
    assert plain_words([(b"DT", b"20200102100000.5"), (b"DT", b"20200102100001 ")]) == [
        "20200102100000.5",
        "20200102100001",
    ]
