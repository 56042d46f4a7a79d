"""Deflated files (PS3.5 A.5): their expanded size is checked before pydicom inflates them."""

from __future__ import annotations

import zlib
from typing import BinaryIO

from voxelry.core.errors import TooLargeError

EXPANDED_RATIO = 100
EXPANDED_FROM = 512 * 2**20
"""A deflated file may expand to ``EXPANDED_RATIO`` times its size, or to ``EXPANDED_FROM`` bytes if that is more."""
_SYNTAX = b"1.2.840.10008.1.2.1.99"
_BLOCK = 2**20
_LONG_VRS = (b"OB", b"OW", b"UN", b"SQ", b"UT")


def check_expansion(file: BinaryIO, name: str) -> None:
    """Check what a deflated file expands to; other files pass. The file is left at its start.

    Raises
    ------
    TooLargeError
        If the file would expand beyond the limit.
    """
    file.seek(0)
    start = _dataset_start(file) if _SYNTAX in file.read(2048) else None
    if start is not None:
        size = file.seek(0, 2)
        limit = max(EXPANDED_FROM, EXPANDED_RATIO * size)
        file.seek(start)
        if _expands_beyond(file, limit):
            raise TooLargeError(
                f"{name}: a deflated file of {size} bytes would expand to more than {limit} bytes: a bomb"
            )
    file.seek(0)


def _dataset_start(file: BinaryIO) -> int | None:
    """Where the data set begins, behind group 2; None if there is no preamble, which a deflated file always has."""
    file.seek(128)
    if file.read(4) != b"DICM":
        return None
    while True:
        start = file.tell()
        head = file.read(8)
        if len(head) < 8 or head[:2] != b"\x02\x00":
            return start
        long = head[4:6] in _LONG_VRS
        length = int.from_bytes(file.read(4) if long else head[6:8], "little")
        file.seek(length, 1)


def _expands_beyond(file: BinaryIO, limit: int) -> bool:
    expander = zlib.decompressobj(-zlib.MAX_WBITS)
    total, block = 0, file.read(_BLOCK)
    while block and not expander.eof:
        total += len(expander.decompress(block, _BLOCK))
        if total > limit:
            return True
        block = expander.unconsumed_tail or file.read(_BLOCK)
    return False
