"""Siemens' private headers: the CSA headers of an image and of its series, and the protocol that they contain.

A CSA header lists named tags with values as text; it has two layouts, one that begins with ``SV10`` and an older one.
Siemens does not document them. No length in them is trusted: what exceeds the bytes ends the reading.
"""

from __future__ import annotations

from collections.abc import Mapping
from struct import Struct
from types import MappingProxyType
from typing import Literal, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from voxelry.dicom.headers.attributes import first_item
from voxelry.dicom.headers.elements import Elements
from voxelry.dicom.headers.json_values import readable_elements
from voxelry.dicom.headers.private_attributes import private_value

CsaPart = Literal["image", "series"]
"""The header of an image (0029,xx10) or of its series (0029,xx20)."""

_CREATOR = "SIEMENS CSA HEADER"
_ELEMENTS: dict[CsaPart, int] = {"image": 0x10, "series": 0x20}
_MARK = b"SV10"
_COUNTS = Struct("<2I")
_TAG = Struct("<64si4s3i")
"""Name, number of values, VR, type, number of items, and a check."""
_ITEM = Struct("<4i")
_CHECKS = (77, 205)
"""What Siemens writes after the counts of a header and of a tag, and in the head of each item."""
_MOST_TAGS, _MOST_ITEMS = 1024, 4096
_NOTHING: Mapping[str, tuple[str, ...]] = MappingProxyType({})

_PROTOCOL_TAGS = ("MrPhoenixProtocol", "MrProtocol")
_XA_CREATORS = ("SIEMENS MR SDS 01", "SIEMENS MR SDR 01")
_XA_PROTOCOL = 0x19
_BEGIN, _END = "### ASCCONV BEGIN", "### ASCCONV END"
_MOST_PROTOCOL = 1 << 22
_MOST_ASSIGNMENTS = 100_000
_UNASSIGNED: Mapping[str, str] = MappingProxyType({})

_known: WeakKeyDictionary[Elements, dict[str, Mapping[str, tuple[str, ...]]]] = WeakKeyDictionary()
"""What was read of each header, for as long as the header is held."""


def csa_values(elements: Elements, part: CsaPart = "image") -> Mapping[str, tuple[str, ...]]:
    """The tags of a Siemens CSA header with their values as text.

    Parameters
    ----------
    part
        ``"image"`` for the header of the image (0029,xx10), ``"series"`` for that of its series (0029,xx20).

    Returns
    -------
    values
        By tag name: ``values["SliceNormalVector"] == ("0.0", "-0.17364818", "0.98480775")``. Empty items at the end
        are left out. Empty if there is no such header; a header that breaks off has the tags before.
    """
    own = _known.get(elements)
    if own is None:
        own = _known.setdefault(elements, {})
    found = own.get(part)
    if found is None:
        content = private_value(elements, 0x0029, _CREATOR, _ELEMENTS[part])
        found = own[part] = _NOTHING if content is None else read_csa(content)
    return found


def read_csa(content: bytes) -> Mapping[str, tuple[str, ...]]:
    """The tags of a CSA header of either layout; empty if the bytes are none."""
    if content[: len(_MARK)] == _MARK:
        return _read_newer(content)
    # Programs that read the older layout disagree whether a value of whole words is followed by another word.
    found, whole = _read_tags(content, 0, older=True, padding=0)
    if not whole:
        other, whole = _read_tags(content, 0, older=True, padding=4)
        found = other if whole else found
    return MappingProxyType(found)


class _Layout(NamedTuple):
    """Where the values of a header lie. Most headers of a series have one layout.

    Attributes
    ----------
    beside
        True for each byte that tells where values lie.
    telling
        These bytes. A header that has the same ones has this layout.
    places
        By name, where each value lies that counts.
    """

    beside: npt.NDArray[np.bool_]
    telling: bytes
    places: dict[str, tuple[tuple[int, int], ...]]


_layouts: dict[int, _Layout] = {}
"""The last ones, by the length of the header; without its values."""
_MOST_LAYOUTS = 8


def _read_newer(content: bytes) -> Mapping[str, tuple[str, ...]]:
    layout = _layouts.get(len(content))
    if layout is not None and np.frombuffer(content, np.uint8)[layout.beside].tobytes() == layout.telling:
        return MappingProxyType({name: _values_at(content, places) for name, places in layout.places.items()})
    found, whole = _read_tags(content, 8, older=False, padding=0)
    if whole:
        for length in list(_layouts)[: 1 - _MOST_LAYOUTS]:
            _layouts.pop(length, None)
        _layouts[len(content)] = _layout_of(content)
    return MappingProxyType(found)


def _values_at(content: bytes, places: tuple[tuple[int, int], ...]) -> tuple[str, ...]:
    values = [content[start:end].partition(b"\0")[0].strip().decode("latin-1") for start, end in places]
    while values and not values[-1]:
        values.pop()
    return tuple(values)


def _layout_of(content: bytes) -> _Layout:
    """The layout of a header that has all of its tags."""
    beside = np.zeros(len(content), np.bool_)
    beside[: len(_MARK)] = True
    places: dict[str, tuple[tuple[int, int], ...]] = {}
    count, _ = _COUNTS.unpack_from(content, 8)
    at = 8 + _COUNTS.size
    beside[8:at] = True
    for _ in range(count):
        name, multiplicity, _, _, items, _ = _TAG.unpack_from(content, at)
        beside[at : at + _TAG.size] = True
        at += _TAG.size
        own: list[tuple[int, int]] = []
        for _ in range(items):
            length = _ITEM.unpack_from(content, at)[1]
            beside[at : at + _ITEM.size] = True
            at += _ITEM.size
            own.append((at, at + length))
            at += length + -length % 4
        if multiplicity > 0:
            del own[multiplicity:]
        while own and own[-1][0] == own[-1][1]:
            own.pop()
        places.setdefault(name.split(b"\0", 1)[0].decode("latin-1"), tuple(own))
    return _Layout(beside, np.frombuffer(content, np.uint8)[beside].tobytes(), places)


def _read_tags(content: bytes, start: int, *, older: bool, padding: int) -> tuple[dict[str, tuple[str, ...]], bool]:
    """The tags, and whether all are there.

    Parameters
    ----------
    older
        True for the older layout, whose lengths are too large by the first tag's number of items.
    padding
        Bytes that follow a value which ends at a multiple of four.
    """
    found: dict[str, tuple[str, ...]] = {}
    if start + _COUNTS.size > len(content):
        return found, False
    count, check = _COUNTS.unpack_from(content, start)
    if not 0 < count <= _MOST_TAGS or check not in _CHECKS:
        return found, False
    at = start + _COUNTS.size
    excess: int | None = None
    for _ in range(count):
        if at + _TAG.size > len(content):
            return found, False
        name, multiplicity, _, _, items, check = _TAG.unpack_from(content, at)
        if not 0 <= items <= _MOST_ITEMS or check not in _CHECKS:
            return found, False
        if older and excess is None:
            excess = items
        values, next_ = _read_items(content, at + _TAG.size, items, excess, padding)
        if next_ is None and not 0 < multiplicity <= len(values):
            return found, False
        if multiplicity > 0:
            del values[multiplicity:]
        while values and not values[-1]:
            values.pop()
        found.setdefault(name.split(b"\0", 1)[0].decode("latin-1"), tuple(values))
        if next_ is None:
            return found, False
        at = next_
    return found, True


def _read_items(content: bytes, at: int, items: int, excess: int | None, padding: int) -> tuple[list[str], int | None]:
    """The values of a tag, and where the next tag begins: None if a length exceeds the bytes."""
    values: list[str] = []
    end, head, unpack = len(content), _ITEM.size, _ITEM.unpack_from
    for _ in range(items):
        if at + head > end:
            return values, None
        first, length, check, _ = unpack(content, at)
        at += head
        if excess is not None:
            length = first - excess
            if length < 0:  # the values end here
                break
        if not 0 <= length <= end - at or check not in _CHECKS:
            return values, None
        if not length:
            values.append("")
            continue
        values.append(content[at : at + length].partition(b"\0")[0].strip().decode("latin-1"))
        at += length + (-length % 4 or padding)
    return values, at


def protocol_values(elements: Elements) -> Mapping[str, str]:
    """The assignments of the protocol by which a Siemens scanner acquired a series.

    Returns
    -------
    values
        By name, as text without quotation marks: ``values["sSliceArray.lSize"] == "36"``. The last assignment of a
        name counts. Empty if there is no protocol: in the CSA header of the series, or, of XA, in an attribute of its
        own (0021,xx19).
    """
    series = csa_values(elements, "series")
    for tag in _PROTOCOL_TAGS:
        for text in series.get(tag, ()):
            found = read_protocol(text)
            if found:
                return found
    content = _xa_protocol(elements)
    return _UNASSIGNED if content is None else read_protocol(content[:_MOST_PROTOCOL].decode("latin-1"))


def _xa_protocol(elements: Elements) -> bytes | None:
    """The protocol as XA writes it: of the instance, or of a private sequence of its shared functional groups."""
    for creator in _XA_CREATORS:
        content = private_value(elements, 0x0021, creator, _XA_PROTOCOL)
        if content is not None:
            return content
    shared = first_item(elements, "SharedFunctionalGroupsSequence")
    if shared is None:
        return None
    for element in readable_elements(shared):
        if element.tag.group != 0x0021 or element.VR != "SQ":
            continue
        for item in element.value:
            for creator in _XA_CREATORS:
                content = private_value(Elements(None, item), 0x0021, creator, _XA_PROTOCOL)
                if content is not None:
                    return content
    return None


def read_protocol(text: str) -> Mapping[str, str]:
    """The assignments between ``### ASCCONV BEGIN`` and ``### ASCCONV END``; empty if there are none."""
    begin = text.find(_BEGIN, 0, _MOST_PROTOCOL)
    if begin < 0:
        return _UNASSIGNED
    end = text.find(_END, begin, _MOST_PROTOCOL)
    lines = text[begin : min(len(text), _MOST_PROTOCOL) if end < 0 else end].split("\n", _MOST_ASSIGNMENTS + 1)
    found = {}
    for line in lines[1 : _MOST_ASSIGNMENTS + 1]:
        name, assigned, value = line.partition("=")
        if assigned and name.strip():
            found[name.strip()] = _unquoted(value.strip())
    return MappingProxyType(found)


def _unquoted(value: str) -> str:
    """A value without the quotation marks around it, which are doubled in some versions, or the comment behind it."""
    if value.startswith('"'):
        mark = '""' if value.startswith('""') and value[2:].find('""') >= 0 else '"'
        end = value.find(mark, len(mark))
        return value[len(mark) : end] if end >= 0 else value[len(mark) :]
    return value.split("#", 1)[0].rstrip()
