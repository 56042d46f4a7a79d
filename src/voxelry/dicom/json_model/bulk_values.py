"""Binary values that metadata tells by an address: found by their paths, ``tag/item/tag`` with items from 0."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from voxelry.dicom.headers.elements import EncodedValue
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.value_representations import NUMBER_FORMATS
from voxelry.dicom.json_model.decoded_text import BY_CHARACTER_SET, PLAIN_TEXT
from voxelry.dicom.json_model.json_instance import INLINE_BYTES
from voxelry.dicom.json_model.nested_elements import (
    MAX_DEPTH,
    Surroundings,
    encoded_elements,
    is_explicit,
    resolved_vr,
    sequence_items,
)

_PATH = re.compile(rf"[0-9A-F]{{8}}(/\d{{1,9}}/[0-9A-F]{{8}}){{0,{MAX_DEPTH}}}")
_READABLE = BY_CHARACTER_SET | PLAIN_TEXT | {"SQ"}
_NEVER_BULK = _READABLE | {"AT"} | {vr.decode() for vr in NUMBER_FORMATS}


def bulk_value(header: Header, path: str) -> bytes | None:
    """The value at a path, little endian; None if there is none, or if it is text or a sequence."""
    if not _PATH.fullmatch(path):
        return None
    elements: Mapping[int, EncodedValue] = encoded_elements(header.elements)
    around = Surroundings.of(elements)
    steps = path.split("/")
    for name, number in zip(steps[0:-1:2], steps[1::2], strict=True):
        tag = int(name, 16)
        found = elements.get(tag)
        if found is None or resolved_vr(tag, found, around) != "SQ":
            return None
        items = list(sequence_items(found[1], explicit=is_explicit(found)))
        if int(number) >= len(items):
            return None
        elements = items[int(number)]
        around = Surroundings.of(elements, around)
    tag = int(steps[-1], 16)
    value = elements.get(tag)
    return None if value is None or resolved_vr(tag, value, around) in _READABLE else value[1]


def bulk_values(header: Header) -> Iterator[tuple[str, bytes]]:
    """The paths and values of all that metadata tells by an address, but for the pixels."""
    elements = encoded_elements(header.elements)
    yield from _values(elements, Surroundings.of(elements), "", 0)


def _values(
    elements: Mapping[int, EncodedValue], around: Surroundings, path: str, depth: int
) -> Iterator[tuple[str, bytes]]:
    for tag in sorted(elements):
        value = elements[tag]
        if len(value[1]) <= INLINE_BYTES:
            continue
        vr = resolved_vr(tag, value, around)
        if vr == "SQ" and depth < MAX_DEPTH:
            for number, item in enumerate(sequence_items(value[1], explicit=is_explicit(value))):
                inside = Surroundings.of(item, around)
                yield from _values(item, inside, f"{path}{tag:08X}/{number}/", depth + 1)
        elif vr not in _NEVER_BULK:
            yield f"{path}{tag:08X}", value[1]
