"""Items of few layouts that are read together are those that are read one by one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxelry.dicom.headers.alike_items import alike_items
from voxelry.dicom.headers.plain_items import plain_items

ITEM = b"\xfe\xff\x00\xe0"
UNDEFINED = 0xFFFFFFFF


def element(tag: int, vr: bytes, value: bytes) -> bytes:
    head = (tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little") + vr
    long = vr in (b"SQ", b"UN", b"OB")
    return head + (b"\0\0" + len(value).to_bytes(4, "little") if long else len(value).to_bytes(2, "little")) + value


def item(content: bytes, *, length: int | None = None) -> bytes:
    return ITEM + (len(content) if length is None else length).to_bytes(4, "little") + content


TAGS = st.sampled_from([0x00080005, 0x00189074, 0x00209111, 0x00209113, 0x21111010])
ELEMENTS = st.builds(
    element,
    TAGS,
    st.sampled_from([b"DS", b"SH", b"SQ", b"UN", b"XX"]),
    st.one_of(st.sampled_from([b"", b"1 ", b"2 ", b"10"]), st.just(item(element(0x00200032, b"DS", b"1\\2\\3 ")))),
)
ITEMS = st.one_of(
    st.lists(ELEMENTS, max_size=4).map(lambda parts: item(b"".join(parts))),
    st.binary(max_size=12).map(item),
    st.lists(ELEMENTS, max_size=2).map(
        lambda parts: item(b"".join(parts) + b"\xfe\xff\x0d\xe0\0\0\0\0", length=UNDEFINED)
    ),
)


@given(st.lists(ITEMS, min_size=1, max_size=4), st.lists(st.integers(0, 3), max_size=70), st.binary(max_size=3))
def test_together_as_one_by_one(kinds: list[bytes], order: list[int], tail: bytes) -> None:
    value = b"".join(kinds[number % len(kinds)] for number in order) + tail
    together = alike_items((b"SQ", value))
    if together is not None:
        assert together == plain_items((b"SQ", value))


def content(number: int) -> bytes:
    place = item(element(0x00200032, b"DS", f"0\\0\\{number % 13}".encode().ljust(6)))
    layouts = [element(0x00209111, b"SQ", item(element(0x00209056, b"SH", b"1 "))) + element(0x00209113, b"SQ", place)]
    layouts += [element(0x00209113, b"SQ", place) + element(0x00209111, b"SQ", item(element(0x00209056, b"SH", b"1 ")))]
    return layouts[number % 7 == 0]


def test_layouts_of_one_size_are_told_apart() -> None:
    """Two orders of the same elements, and one item that is like no other."""
    value = b"".join(item(content(number)) for number in range(300)) + item(element(0x00209111, b"SQ", b""))
    together = alike_items((b"SQ", value))
    assert together == plain_items((b"SQ", value))
    assert together is not None
    assert together[0].keys() == together[1].keys() != together[-1].keys()
    assert together[1][0x00209111] is together[2][0x00209111]


@pytest.mark.parametrize("value", [b"", item(content(1)) * 3, item(content(1)) * 40 + b"\0\0"])
def test_few_or_broken_items_are_left_to_others(value: bytes) -> None:
    assert alike_items((b"SQ", value)) is None
