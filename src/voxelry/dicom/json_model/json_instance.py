"""The DICOM JSON Model of an instance (PS3.18 annex F), written from the encoded elements.

The instances of a series have most elements in common: what was written of one is used for the next.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

from voxelry.core.errors import VoxelryError
from voxelry.dicom.headers.attributes import integer
from voxelry.dicom.headers.elements import EncodedValue
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.value_representations import NUMBER_FORMATS
from voxelry.dicom.json_model.binary_numbers import (
    attribute_tags,
    binary_numbers,
    decimal_as_json,
    integer_as_json,
    json_number,
)
from voxelry.dicom.json_model.decoded_text import BY_CHARACTER_SET, PLAIN_TEXT, encodings_of, name_groups, text_values
from voxelry.dicom.json_model.nested_elements import (
    MAX_DEPTH,
    Surroundings,
    encoded_elements,
    is_explicit,
    resolved_vr,
    sequence_items,
)

INLINE_BYTES = 1024
"""Longer binary values are told by an address instead."""
BULK_BASE = "\0"
"""Stands for the address of the instance's bulk data; JSON escapes this character in texts."""
CHARACTER_SET = 0x00080005
_UTF_8: EncodedValue = (b"CS", b"ISO_IR 192")
_PIXELS = {
    "FloatPixelData": (0x7FE00008, "OF"),
    "DoubleFloatPixelData": (0x7FE00009, "OD"),
    "PixelData": (0x7FE00010, "OW"),
}
_MOST_BYTES = 32 * 2**20
"""Of values and of what was written of them; more are not remembered."""
_OVERHEAD = 200
_NUMBERS = frozenset(vr.decode() for vr in NUMBER_FORMATS)
_TEXTS = BY_CHARACTER_SET | PLAIN_TEXT

_Context = tuple[tuple[str, ...], bool]


class JsonInstances:
    """Writes instances as JSON. It holds patients' values, so discard it after one series."""

    def __init__(self) -> None:
        self._known: dict[_Context, dict[tuple[int, EncodedValue], str]] = {}
        self._bytes = 0

    def write(self, header: Header, *, bulk: str, changes: Mapping[int, EncodedValue | None] | None = None) -> str:
        """An instance as a JSON object, without File Meta Information; its text is in UTF-8.

        Parameters
        ----------
        bulk
            The address that those of binary values begin with, ``.../instances/1.2.3/bulkdata``, as JSON spells it.
        changes
            Elements to write instead of, or beside those of the header; None for those to leave out.
        """
        elements = encoded_elements(header.elements)
        character_set = elements.get(CHARACTER_SET, _UTF_8)[1] if CHARACTER_SET in elements else b""
        around = Surroundings.of(elements)
        context = encodings_of(character_set), around.signed
        known = self._known.setdefault(context, {})
        told: dict[int, EncodedValue | None] = {**elements, CHARACTER_SET: _UTF_8, **(changes or {})}
        order = told if len(told) == len(elements) else sorted(told)
        written = []
        for tag in order:
            value = told[tag]
            if value is None:
                continue
            found = known.get((tag, value)) if value[0] else None
            if found is None:
                found = _element(tag, value, around, context[0], "", 0)
                if value[0] and self._bytes < _MOST_BYTES:
                    self._bytes += len(value[1]) + len(found) + _OVERHEAD
                    known[tag, value] = found
            if found:
                written.append(found)
        pixels = pixel_element(header)
        if pixels is not None:
            key = f"{pixels[0]:08X}"
            written.append(f'"{key}":{{"vr":"{pixels[1]}","BulkDataURI":"{BULK_BASE}/{key}"}}')
        return ("{" + ",".join(written) + "}").replace(BULK_BASE, bulk)


def pixel_element(header: Header) -> tuple[int, str] | None:
    """The tag and the VR of the element that holds the pixels; None if there are none."""
    place = header.pixel_bytes
    if place is None or place.length == 0:
        return None
    tag, vr = _PIXELS[place.keyword]
    if vr == "OW" and _bits_allocated(header) <= 8:
        vr = "OB"
    return tag, vr


def _bits_allocated(header: Header) -> int:
    try:
        return integer(header.elements, "BitsAllocated") or 16
    except VoxelryError:
        return 16


def _element(
    tag: int, value: EncodedValue, around: Surroundings, encodings: tuple[str, ...], path: str, depth: int
) -> str:
    """An element with its key; empty for what the model leaves out."""
    if tag & 0xFFFF == 0:  # group lengths
        return ""
    key = f"{tag:08X}"
    vr = resolved_vr(tag, value, around)
    if tag == CHARACTER_SET:
        value = _UTF_8
    content = _content(value, vr, around, encodings, path + key, depth)
    return f'"{key}":{{"vr":"{vr}"{content}}}'


def _content(
    value: EncodedValue, vr: str, around: Surroundings, encodings: tuple[str, ...], path: str, depth: int
) -> str:
    raw = value[1]
    if not raw:
        return ""
    if vr == "SQ":
        return _items(value, around, encodings, path, depth)
    if vr in _TEXTS:
        literals = [_literal(text, vr) for text in text_values(raw, vr, encodings)]
    elif vr in _NUMBERS:
        literals = [json_number(number) for number in binary_numbers(raw, vr)]
    elif vr == "AT":
        literals = [f'"{one}"' for one in attribute_tags(raw)]
    elif len(raw) <= INLINE_BYTES:
        return f',"InlineBinary":"{base64.b64encode(raw).decode("ascii")}"'
    else:
        return f',"BulkDataURI":"{BULK_BASE}/{path}"'
    return f',"Value":[{",".join(literals)}]' if literals else ""


def _literal(text: str, vr: str) -> str:
    if not text:
        return "null"
    if vr == "PN":
        groups = name_groups(text)
        return json.dumps(groups, ensure_ascii=False) if groups else "null"
    number = decimal_as_json(text) if vr == "DS" else integer_as_json(text) if vr == "IS" else None
    return json.dumps(text, ensure_ascii=False) if number is None else number


def _items(value: EncodedValue, around: Surroundings, encodings: tuple[str, ...], path: str, depth: int) -> str:
    if depth >= MAX_DEPTH:
        return ""
    written = []
    for number, item in enumerate(sequence_items(value[1], explicit=is_explicit(value))):
        inside = Surroundings.of(item, around)
        own = encodings_of(item[CHARACTER_SET][1]) if CHARACTER_SET in item else encodings
        found = (_element(tag, item[tag], inside, own, f"{path}/{number}/", depth + 1) for tag in sorted(item))
        written.append("{" + ",".join(one for one in found if one) + "}")
    return f',"Value":[{",".join(written)}]' if written else ""
