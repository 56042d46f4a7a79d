"""The reader of multipart bodies: any boundary, any chunks, hostile bodies in linear time."""

from __future__ import annotations

import random
import time
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxelry.server.dicomweb.content_type import ContentType
from voxelry.server.dicomweb.multipart_reader import (
    HEADER_BYTES,
    MultipartError,
    MultipartReader,
    PartTooLargeError,
    TruncatedBodyError,
)

Part = tuple[dict[str, str], bytes]
LETTERS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'()+_,-./:=?"
BOUNDARIES = st.builds(lambda start, end: start + end, st.text(LETTERS + " ", max_size=69), st.sampled_from(LETTERS))


def reading(body: bytes, sizes: Callable[[], int] | int = 2**18) -> Callable[[int], bytes]:
    """A ``read`` that gives a body in pieces of some sizes."""
    at = 0

    def read(most: int) -> bytes:
        nonlocal at
        start = at
        at += min(most, sizes if isinstance(sizes, int) else sizes())
        return body[start:at]

    return read


def parts_of(body: bytes, boundary: str, sizes: Callable[[], int] | int = 2**18) -> list[Part]:
    return [(dict(part.headers), b"".join(part.chunks())) for part in MultipartReader(reading(body, sizes), boundary)]


def body_of(parts: list[Part], boundary: str, *, line: bytes = b"\r\n", end: bytes = b"", start: bytes = b"") -> bytes:
    dashed = b"--" + boundary.encode()
    body = start
    for headers, content in parts:
        told = b"".join(f"{name}: {value}".encode() + line for name, value in headers.items())
        body += dashed + line + told + line + content + line
    return body + dashed + b"--" + end


def contents(boundary: str) -> st.SearchStrategy[bytes]:
    """Bytes that resemble delimiters, and are none."""
    dashed = b"--" + boundary.encode()
    pieces = st.sampled_from([b"\r", b"\n", b"\r\n", b"--", b"-", dashed, dashed[:-1], b"\n" + dashed + b"x", b" "])
    like = st.lists(st.one_of(pieces, st.binary(max_size=20)), max_size=12).map(b"".join)
    return like.filter(lambda content: (b"\r\n" + dashed) not in b"\r\n" + content + b"\r\n")


@given(st.data())
def test_what_was_written_is_read_in_any_chunks(data: st.DataObject) -> None:
    boundary = data.draw(BOUNDARIES)
    names = st.sampled_from(["content-type", "content-location", "x-some"])
    headers = st.dictionaries(names, st.text("abc/;=\"'", min_size=1, max_size=9), max_size=3)
    parts = data.draw(st.lists(st.tuples(headers, contents(boundary)), min_size=1, max_size=5))
    start = data.draw(
        st.sampled_from([b"", b"\r\n", b"a preamble\r\n", b"--" + boundary.encode() + b"x\r\n", b"--\r\n"])
    )
    end = data.draw(st.sampled_from([b"", b"\r\n", b"\r\nan epilogue\r\n--" + boundary.encode() + b"\r\n\r\nno part"]))
    body = body_of(parts, boundary, start=start, end=end)
    sizes = data.draw(st.integers(1, 2**31).map(random.Random))
    assert parts_of(body, boundary) == parts
    assert parts_of(body, boundary, lambda: sizes.choice((1, 2, 3, 7, 50, 500))) == parts


@given(st.lists(st.binary(max_size=50).filter(lambda one: b"--b" not in one), min_size=1, max_size=4))
def test_lines_may_end_with_a_line_feed_alone(contents: list[bytes]) -> None:
    parts = [({"content-type": "application/dicom"}, content) for content in contents]
    assert parts_of(body_of(parts, "b", line=b"\n"), "b", 1) == parts


@given(st.data())
def test_a_cut_body_gives_its_whole_parts_and_an_error(data: st.DataObject) -> None:
    parts: list[Part] = [({"content-type": "a"}, b"first--b\r\n--"), ({}, b""), ({"x": "y"}, b"third")]
    body = body_of(parts, "b")
    cut = data.draw(st.integers(0, len(body) - 1))
    found: list[Part] = []
    reader = MultipartReader(reading(body[:cut], data.draw(st.integers(1, 9))), "b")
    with pytest.raises(TruncatedBodyError):
        found.extend((dict(part.headers), b"".join(part.chunks())) for part in reader)
    assert found == parts[: len(found)]
    if cut >= body.index(b"--b--") + 3:
        assert len(found) == 3


@given(st.binary(max_size=300), st.integers(1, 40))
def test_any_bytes_are_read_or_refused(noise: bytes, size: int) -> None:
    for body in (noise, b"--b\r\n" + noise, b"--b\r\n\r\n" + noise + b"\r\n--b--"):
        try:
            parts = parts_of(body, "b", size)
        except MultipartError:
            continue
        assert sum(len(content) for _, content in parts) <= len(body)


@pytest.mark.parametrize(
    ("block", "headers"),
    [
        (b"CONTENT-type:application/dicom\r\nX:1", {"content-type": "application/dicom", "x": "1"}),
        (b"X: a\r\n\tb", {"x": "a b"}),
        (b"X: 1\r\nx: 2", {"x": "1, 2"}),
        (b"no colon\r\nX:1", {"x": "1"}),
    ],
)
def test_headers_in_any_case_and_order(block: bytes, headers: dict[str, str]) -> None:
    body = b"--b \t\r\n" + block + b"\r\n\r\nx\r\n--b--"
    for size in (1, 1000):
        assert parts_of(body, "b", size) == [(headers, b"x")]


@pytest.mark.parametrize(
    "body",
    [
        b"--b\r\nA: " + b"x" * (HEADER_BYTES + 10),
        b"--b\r\nA: " + b"x" * (HEADER_BYTES + 10) + b"\r\n\r\n--b--",
    ],
)
def test_long_headers_are_refused(body: bytes) -> None:
    with pytest.raises(PartTooLargeError):
        parts_of(body, "b")


def test_the_number_of_parts_is_limited() -> None:
    body = body_of([({}, b"x")] * 11, "b")
    assert len(list(MultipartReader(reading(body), "b", most_parts=11))) == 11
    with pytest.raises(PartTooLargeError, match="more than 10 parts"):
        list(MultipartReader(reading(body), "b", most_parts=10))


@pytest.mark.parametrize("boundary", ["", "x" * 201])
def test_a_boundary_has_a_length(boundary: str) -> None:
    with pytest.raises(MultipartError):
        MultipartReader(reading(b""), boundary)


def test_a_part_that_is_not_read_is_skipped() -> None:
    body = body_of([({"a": "1"}, b"x" * 1000), ({"a": "2"}, b"y")], "b")
    assert [part.headers["a"] for part in MultipartReader(reading(body, 7), "b")] == ["1", "2"]


def test_ten_thousand_parts() -> None:
    body = body_of([({"content-type": "application/dicom"}, b"x" * 50)] * 10_000, "b")
    assert len(parts_of(body, "b")) == 10_000


@pytest.mark.parametrize(
    "pattern",
    [b"\r\n--bbbbbbbbx", b"\r\n--bbbbbbbb" + b" " * 255 + b"x", b"\r\n--bbbbbbb", b"\r\n", b"x--bbbbbbbb\n", b"-"],
)
def test_hostile_bodies_take_linear_time(pattern: bytes) -> None:
    body = b"--bbbbbbbb\r\n\r\n" + pattern * (2**21 // len(pattern)) + b"\r\n--bbbbbbbb--"
    began = time.process_time()
    assert len(parts_of(body, "bbbbbbbb")) == 1
    assert time.process_time() - began < 60  # quadratic in a chunk it would take many minutes


def test_a_large_part_is_not_kept() -> None:
    pieces = iter([b"--b\r\n\r\n", *[bytes(2**18)] * 256, b"\r\n--b--"])
    tracemalloc.start()
    (length,) = (sum(map(len, part.chunks())) for part in MultipartReader(lambda _: next(pieces, b""), "b"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert length == 2**26
    assert peak < 4 * 2**20


@pytest.mark.parametrize(
    ("header", "boundary"),
    [
        ('multipart/related; type="application/dicom"; boundary="a b:c"', "a b:c"),
        ("Multipart/Related;boundary=a/b=c?;TYPE=application/dicom", "a/b=c?"),
        ("multipart/related; boundary=a b c ; type=application/dicom", "a b c"),
        ('multipart/related; type="application/dicom"; boundary="a\\"b;c"', 'a"b;c'),
    ],
)
def test_the_boundary_of_a_content_type(header: str, boundary: str) -> None:
    found = ContentType.parse(header)
    assert found.media_type == "multipart/related"
    assert found.parameters["boundary"] == boundary
    assert found.parameters["type"] == "application/dicom"
