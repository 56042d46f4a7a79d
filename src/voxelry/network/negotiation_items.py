"""The items of an A-ASSOCIATE PDU (PS3.8 9.3.2) are counted before they are decoded, which takes far longer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from voxelry.network.contexts import MOST_CONTEXTS
from voxelry.network.failures import ProtocolError
from voxelry.network.pdu_stream import INVALID_PARAMETER

_FIXED = 68
_HEADER = 4
_CONTEXTS = (0x20, 0x21)
_CONTEXT_HEADER = 4
_USER_INFORMATION = 0x50
_MOST_OTHERS = 16
MOST_SYNTAXES: Final = 128
"""Sub-items of one context; the standard has about 60 transfer syntaxes."""
MOST_SUB_ITEMS: Final = 8_192
"""Of all contexts together."""
MOST_USER_ITEMS: Final = 512


def require_few_items(content: bytes) -> None:
    """Compare the numbers of items with what any node may need.

    Parameters
    ----------
    content
        An A-ASSOCIATE-RQ or -AC without its first 6 bytes.

    Raises
    ------
    ProtocolError
        If there are more.
    """
    contexts = others = all_sub_items = 0
    for kind, start, end in _items(content, _FIXED, len(content)):
        if kind in _CONTEXTS:
            contexts += 1
            sub_items = _number(content, start + _CONTEXT_HEADER, end, MOST_SYNTAXES)
            all_sub_items += sub_items
            too_many = sub_items > MOST_SYNTAXES or all_sub_items > MOST_SUB_ITEMS or contexts > MOST_CONTEXTS
        else:
            others += 1
            too_many = others > _MOST_OTHERS or (
                kind == _USER_INFORMATION and _number(content, start, end, MOST_USER_ITEMS) > MOST_USER_ITEMS
            )
        if too_many:
            raise ProtocolError("a PDU of negotiation has more items than any node needs", reason=INVALID_PARAMETER)


def _items(content: bytes, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The type of each item, and where its value begins and ends."""
    while start + _HEADER <= end:
        after = start + _HEADER + int.from_bytes(content[start + 2 : start + 4], "big")
        yield content[start], start + _HEADER, min(after, end)
        start = after


def _number(content: bytes, start: int, end: int, most: int) -> int:
    """The number of items, up to one more than the most."""
    count = 0
    for _ in _items(content, start, end):
        count += 1
        if count > most:
            break
    return count
