"""Private attributes, found by their private creator."""

from __future__ import annotations

import math
import struct
from functools import lru_cache

from pydicom.multival import MultiValue

from voxelry.dicom.headers.elements import Elements
from voxelry.dicom.headers.pydicom_silence import quiet
from voxelry.dicom.headers.value_representations import NUMBER_FORMATS

_FIRST_BLOCK, _LAST_BLOCK = 0x10, 0xFF
_WIDEST_HOLE = 0x1F
"""The search ends at the first free block behind this one: creators occupy consecutive blocks from the first."""


def private_value(elements: Elements, group: int, creator: str, element: int) -> bytes | None:
    """The bytes of a private attribute; None if it is absent or cannot be read.

    Parameters
    ----------
    group, creator, element
        ``0x0019``, ``"SIEMENS MR HEADER"``, ``0x0C`` for (0019,xx0C), where xx is the block that the creator reserves.

    References
    ----------
    PS3.5 7.8.1
    """
    tag = private_tag(elements, group, creator, element)
    return None if tag is None else _content(elements, tag)


def private_values(elements: Elements, group: int, creator: str, which: tuple[int, ...]) -> tuple[bytes | None, ...]:
    """The bytes of several attributes of one creator, as `private_value` gives each: its block is found once."""
    tag = private_tag(elements, group, creator, 0)
    return tuple(None if tag is None else _content(elements, tag | element) for element in which)


def private_text(elements: Elements, group: int, creator: str, element: int) -> str:
    """A private attribute as text, several values joined by backslashes; empty if it is absent or is no text."""
    content = private_value(elements, group, creator, element) or b""
    words = content.decode("latin-1").strip("\0 ")
    return words if words.isprintable() else ""


def private_numbers(elements: Elements, group: int, creator: str, element: int, vr: str) -> tuple[float, ...]:
    """The numbers of a private attribute; empty if it is absent, or has anything else than finite numbers.

    Parameters
    ----------
    group, creator, element
        As for `private_value`.
    vr
        The value representation that the maker gives it, for files that do not say it.
    """
    tag = private_tag(elements, group, creator, element)
    content = None if tag is None else _content(elements, tag)
    if not content or tag is None:
        return ()
    said = elements.encoded[tag][0] if elements.encoded is not None else b""
    form = NUMBER_FORMATS.get(said if said not in (b"", b"UN") else vr.encode())
    if elements.encoded is None:  # pydicom has decoded the value, unless it does not know its representation
        return _numbers_of_text(content) or _numbers_of_bytes(content, form)
    return _numbers_of_bytes(content, form) if form else _numbers_of_text(content)


def _numbers_of_text(content: bytes) -> tuple[float, ...]:
    try:
        found = tuple(float(word.strip(b"\0 ")) for word in content.split(b"\\"))
    except ValueError:
        return ()
    return found if all(map(math.isfinite, found)) else ()


def _numbers_of_bytes(content: bytes, form: str | None) -> tuple[float, ...]:
    if form is None or len(content) % struct.calcsize(form):
        return ()
    found = tuple(float(number) for (number,) in struct.iter_unpack(form, content))
    return found if all(map(math.isfinite, found)) else ()


def private_tag(elements: Elements, group: int, creator: str, element: int) -> int | None:
    """The tag that a private attribute has in this header; None if its creator has reserved no block there."""
    encoded, first = elements.encoded, group << 16
    if encoded is not None:
        for tag in range(first | _FIRST_BLOCK, (first | _LAST_BLOCK) + 1):
            cell = encoded.get(tag)
            if cell is None:
                if tag & 0xFF > _WIDEST_HOLE:
                    return None
            elif _is_creator(cell[1], creator):
                return first | (tag & 0xFF) << 8 | element
        return None
    for block in range(_FIRST_BLOCK, _LAST_BLOCK + 1):
        reserved = _content(elements, first | block)
        if reserved is None:
            if block > _WIDEST_HOLE:
                return None
            continue
        if _is_creator(reserved, creator):
            return first | block << 8 | element
    return None


@lru_cache(maxsize=1024)
def _is_creator(reserved: bytes, creator: str) -> bool:
    """Whether the bytes of a reserved block name a creator.

    GE appends its software version, as further values; Philips writes it in two ways.
    """
    return reserved.split(b"\\")[0].strip(b"\0 ").upper() == creator.upper().encode()


def private_creators(elements: Elements, group: int) -> tuple[str, ...]:
    """Who has reserved blocks in a group, in order."""
    found = (_content(elements, group << 16 | block) for block in range(_FIRST_BLOCK, _WIDEST_HOLE + 1))
    return tuple(one.split(b"\\")[0].decode("latin-1").strip("\0 ") for one in found if one)


def _content(elements: Elements, tag: int) -> bytes | None:
    if elements.encoded is not None:
        found = elements.encoded.get(tag)
        return None if found is None else found[1]
    if tag not in elements.dataset.keys():  # noqa: SIM118 - a dataset's own `in` looks the tag up in the dictionary first
        return None
    try:
        with quiet:
            value = elements.dataset[tag].value
    except Exception:  # a value that pydicom cannot read counts as absent
        return None
    several = value if isinstance(value, list | tuple | MultiValue) else [value]
    return value if isinstance(value, bytes) else "\\".join(map(str, several)).encode()


def first_number(content: bytes) -> float | None:
    """The first value of an attribute, encoded as text or as a 32 or 64 bit float; None if it is no finite number."""
    try:
        value = float(content.split(b"\\")[0].strip(b"\0 "))
    except ValueError:
        if len(content) not in (4, 8):
            return None
        (value,) = struct.unpack("<f" if len(content) == 4 else "<d", content)
    return value if math.isfinite(value) else None


def all_numbers(content: bytes, count: int) -> tuple[float, ...] | None:
    """The values of an attribute, as text or as 32 or 64 bit floats; None unless they are so many, and finite."""
    try:
        values = tuple(float(word.strip(b"\0 ")) for word in content.split(b"\\"))
    except ValueError:
        if len(content) not in (4 * count, 8 * count):
            return None
        values = struct.unpack(f"<{count}{'f' if len(content) == 4 * count else 'd'}", content)
    return values if len(values) == count and all(map(math.isfinite, values)) else None
