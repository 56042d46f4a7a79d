"""Blocks deflated apart are one stream, whoever inflates it."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxelry.formats.shared.deflate import LEVELS, Wrapper, adler32_combine, deflate


@given(blocks=st.lists(st.binary(max_size=300), max_size=40), level=st.sampled_from(LEVELS))
@pytest.mark.parametrize("wrapper", ["gzip", "zlib"])
def test_it_is_one_ordinary_stream(wrapper: Wrapper, blocks: list[bytes], level: int) -> None:
    packed = b"".join(deflate(map(memoryview, blocks), wrapper=wrapper, level=level))
    inflate = zlib.decompressobj(wbits=31 if wrapper == "gzip" else 15)
    assert inflate.decompress(packed) == b"".join(blocks)
    assert inflate.eof
    assert inflate.unused_data == b""
    if wrapper == "gzip":
        assert gzip.decompress(packed) == b"".join(blocks)


@given(first=st.binary(max_size=400), second=st.binary(max_size=70000))
def test_adler_sums_are_joined(first: bytes, second: bytes) -> None:
    joined = adler32_combine(zlib.adler32(first), zlib.adler32(second), len(second))
    assert joined == zlib.adler32(first + second)


def test_the_same_bytes_give_the_same_stream() -> None:
    blocks = [bytes(range(256)) * 9, b"end"]
    assert list(deflate(map(memoryview, blocks))) == list(deflate(map(memoryview, blocks)))


def test_an_error_of_the_source_is_the_caller_s() -> None:
    def source() -> object:
        yield memoryview(b"some")
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        list(deflate(source()))  # type: ignore[arg-type]
