"""Deflate on several threads: blocks compressed apart, joined into one ordinary gzip or zlib stream."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Literal, TypeAlias

from isal import isal_zlib

from voxelry.core.value import Value
from voxelry.formats.shared.options import check_options, whole_option, yes_option
from voxelry.parallel import in_parallel

Wrapper: TypeAlias = Literal["gzip", "zlib"]
LEVELS = range(1, 10)
"""Levels 1 to 3 are isal's, several times as fast as zlib at similar sizes; 4 to 9 are zlib's."""
USUAL_LEVEL = 1

_FASTEST_OF_ZLIB = 4
_GZIP_HEADER = b"\x1f\x8b\x08\x00\0\0\0\0\x04\xff"  # No name and no time: the same voxels give the same bytes.
_ZLIB_HEADER = b"\x78\x01"
_LAST_BLOCK = b"\x03\x00"
"""An empty block with the flag of the last block (RFC 1951, 3.2.3)."""
_ADLER_MODULUS = 65521


def level_asked(options: Mapping[str, Value], name: str) -> int | None:
    """The level from the options ``compress`` and ``level`` of the format ``name``; None for no compression.

    Raises
    ------
    ParameterError
        If an option is unknown, or a value is out of range.
    """
    check_options(options, ("compress", "level"), name)
    level = whole_option(options, "level", USUAL_LEVEL, LEVELS)
    return level if yes_option(options, "compress", True) else None


def deflate(blocks: Iterable[memoryview], *, wrapper: Wrapper = "gzip", level: int = USUAL_LEVEL) -> Iterator[bytes]:
    """Compress blocks into consecutive parts of one standard stream.

    Parameters
    ----------
    blocks
        About a megabyte each: blocks are compressed separately, so small ones compress worse.
    level
        One of `LEVELS`.

    References
    ----------
    RFC 1950 (zlib), RFC 1951 (deflate), RFC 1952 (gzip)
    """
    return deflate_made((partial(_held, block) for block in blocks), wrapper=wrapper, level=level)


def _held(block: memoryview) -> tuple[memoryview]:
    return (block,)


def deflate_made(
    made: Iterable[Callable[[], Sequence[memoryview]]],
    *,
    head: bytes = b"",
    wrapper: Wrapper = "gzip",
    level: int = USUAL_LEVEL,
    done: Callable[[int], object] = bool,
) -> Iterator[bytes]:
    """Make blocks and compress each on the thread that made it, while it is in that core's cache.

    Parameters
    ----------
    made
        Give the parts of a block, one behind the other.
    head
        Bytes before the first block.
    done
        Told the bytes of each block that is compressed.
    """
    tasks = (partial(_deflate, make, wrapper, level) for make in made)
    yield _GZIP_HEADER if wrapper == "gzip" else _ZLIB_HEADER
    check, total = (0, 0) if wrapper == "gzip" else (1, 0)
    if head:
        packed, check, total = _deflate(partial(_held, memoryview(head)), wrapper, level)
        yield packed
    for packed, own, size in in_parallel(tasks, that_wait=True):
        check, total = _joined(wrapper, check, own, size), total + size
        yield packed
        done(size)
    yield _LAST_BLOCK
    yield struct.pack("<II", check, total & 0xFFFFFFFF) if wrapper == "gzip" else struct.pack(">I", check)


def _deflate(make: Callable[[], Sequence[memoryview]], wrapper: Wrapper, level: int) -> tuple[bytes, int, int]:
    """The deflated bytes, check sum and size of a block. They end on a byte border and refer to no earlier block."""
    parts = make()
    check, size = (0, 0) if wrapper == "gzip" else (1, 0)
    fast = level < _FASTEST_OF_ZLIB
    packer: Any = isal_zlib.compressobj(level, wbits=-15) if fast else zlib.compressobj(level, wbits=-15)
    packed = []
    for part in parts:
        packed.append(packer.compress(part))
        check = isal_zlib.crc32(part, check) if wrapper == "gzip" else isal_zlib.adler32(part, check)
        size += part.nbytes
    packed.append(packer.flush(isal_zlib.Z_FULL_FLUSH if fast else zlib.Z_FULL_FLUSH))
    return b"".join(packed), check, size


def _joined(wrapper: Wrapper, first: int, second: int, second_size: int) -> int:
    """The check sum of two consecutive blocks."""
    if wrapper == "gzip":
        return int(isal_zlib.crc32_combine(first, second, second_size))
    return adler32_combine(first, second, second_size)


def adler32_combine(first: int, second: int, second_size: int) -> int:
    """Adler-32 of two consecutive byte strings, from the sums of each (RFC 1950, 8.2)."""
    one, two = first & 0xFFFF, second & 0xFFFF
    low = (one + two - 1) % _ADLER_MODULUS
    # Each byte of the second adds the first's low sum to the high half, less the 1 that every sum starts with.
    high = ((first >> 16) + (second >> 16) + second_size * (one - 1)) % _ADLER_MODULUS
    return high << 16 | low
