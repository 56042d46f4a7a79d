"""Conditions, ranges and the gzip coding of answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from voxelry.server.access.conditional import accepts_gzip, finished, gunzipped, gzipped
from voxelry.server.access.exchange import Answer, FilePart, Part, streamed

TAG = '"a1"'
HEADERS = {"ETag": TAG, "Accept-Ranges": "bytes", "Content-Type": "text/plain", "Vary": "Accept"}


@pytest.fixture
def answer(tmp_path: Path) -> Answer:
    path = tmp_path / "f"
    path.write_bytes(b"..0123456789..")
    parts: list[Part] = [b"abc", FilePart(path, 2, 10), memoryview(b"xyz")]
    return Answer(parts, headers=dict(HEADERS))


WHOLE = b"abc0123456789xyz"


@pytest.mark.parametrize(
    ("wanted", "start", "stop"),
    [("0-0", 0, 1), ("1-4", 1, 5), ("5-", 5, 16), ("-4", 12, 16), ("-99", 0, 16), ("12-99", 12, 16), ("4-7", 4, 8)],
)
def test_a_range_is_cut_out_of_files_and_memory(answer: Answer, wanted: str, start: int, stop: int) -> None:
    found = finished(answer, "GET", {"range": f"bytes={wanted}", "if-range": TAG})
    assert found.status == 206
    assert found.headers["Content-Range"] == f"bytes {start}-{stop - 1}/16"
    assert b"".join(streamed(found.parts)) == WHOLE[start:stop]
    assert found.length == stop - start


@pytest.mark.parametrize(
    "headers",
    [
        {"range": "bytes=0-1,3-4"},
        {"range": "lines=0-1"},
        {"range": "bytes=5-2"},
        {"range": "bytes=-"},
        {"range": "bytes=0-1", "if-range": '"other"'},
        {"range": "bytes=0-1", "if-range": "Sun, 29 Nov 2026 14:00:00 GMT"},
        {"if-none-match": '"other"'},
        {},
    ],
)
def test_what_is_no_range_gets_all(answer: Answer, headers: dict[str, str]) -> None:
    assert finished(answer, "GET", headers) is answer
    assert finished(answer, "HEAD", {**headers, "range": "bytes=0-1"}) is answer


@pytest.mark.parametrize("wanted", ["16-", "99-100", "-0"])
def test_a_range_outside_is_416(answer: Answer, wanted: str) -> None:
    found = finished(answer, "GET", {"range": f"bytes={wanted}"})
    assert (found.status, found.headers["Content-Range"], found.length) == (416, "bytes */16", 0)


@pytest.mark.parametrize("condition", [TAG, 'W/"a1"', '"b", "a1"', "*"])
def test_what_is_known_is_not_sent_again(answer: Answer, condition: str) -> None:
    found = finished(answer, "GET", {"if-none-match": condition, "range": "bytes=0-1"})
    assert (found.status, found.length) == (304, 0)
    assert found.headers == {"ETag": TAG, "Vary": "Accept"}


def test_a_stream_that_is_not_sent_is_closed() -> None:
    closed = []

    def stream() -> Iterator[bytes]:
        try:
            yield b"x"
        finally:
            closed.append(True)

    parts = stream()
    next(parts)
    assert finished(Answer(parts, headers=dict(HEADERS)), "GET", {"if-none-match": TAG}).status == 304
    assert closed


@pytest.mark.parametrize(
    ("value", "taken"),
    [("gzip", True), ("br, gzip;q=0.5", True), ("*", True), ("gzip;q=0", False), ("identity", False), ("", False)],
)
def test_who_takes_gzip(value: str, taken: bool) -> None:
    assert accepts_gzip({"accept-encoding": value}) is taken
    assert gunzipped(gzipped(WHOLE)) == WHOLE


@pytest.mark.parametrize(
    ("condition", "tag", "status"),
    [("*", TAG, 200), (f'"x", {TAG}', TAG, 200), ('"x"', TAG, 412), (f"W/{TAG}", f"W/{TAG}", 412), ('"x"', "", 200)],
)
def test_another_version_is_wanted(answer: Answer, condition: str, tag: str, status: int) -> None:
    answer.headers = {**HEADERS, "ETag": tag} if tag else {}
    found = finished(
        answer, "GET", {"if-match": condition, "if-none-match": TAG} if status == 412 else {"if-match": condition}
    )
    assert found.status == status
    assert found.length == (0 if status == 412 else len(WHOLE))
