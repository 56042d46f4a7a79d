"""The Native DICOM Model of an instance in XML (PS3.19 A.1). It has no document type and no entities of its own."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from xml.sax.saxutils import quoteattr

from pydicom.datadict import keyword_for_tag

from voxelry.dicom.headers.elements import EncodedValue
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.value_representations import NUMBER_FORMATS
from voxelry.dicom.json_model.binary_numbers import attribute_tags, binary_numbers
from voxelry.dicom.json_model.decoded_text import BY_CHARACTER_SET, PLAIN_TEXT, encodings_of, name_groups, text_values
from voxelry.dicom.json_model.json_instance import CHARACTER_SET, INLINE_BYTES, pixel_element
from voxelry.dicom.json_model.nested_elements import (
    MAX_DEPTH,
    Surroundings,
    encoded_elements,
    is_explicit,
    resolved_vr,
    sequence_items,
)
from voxelry.dicom.json_model.xml_writing import held_by_xml, xml_document, xml_name, xml_text

_UTF_8: EncodedValue = (b"CS", b"ISO_IR 192")
_NUMBERS = frozenset(vr.decode() for vr in NUMBER_FORMATS)
_TEXTS = BY_CHARACTER_SET | PLAIN_TEXT


def xml_instance(header: Header, *, bulk: str, changes: Mapping[int, EncodedValue | None] | None = None) -> str:
    """An instance as an XML document in UTF-8, without File Meta Information.

    Parameters
    ----------
    bulk
        The address that those of binary values begin with: ``.../instances/1.2.3/bulkdata``.
    changes
        Elements to write instead of, or beside those of the header; None for those to leave out.
    """
    elements = encoded_elements(header.elements)
    encodings = encodings_of(elements[CHARACTER_SET][1] if CHARACTER_SET in elements else b"")
    changed = {**elements, CHARACTER_SET: _UTF_8, **(changes or {})}
    told = {tag: value for tag, value in changed.items() if value is not None}
    content = "".join(_attributes(told, Surroundings.of(elements), encodings, bulk, "", 0))
    pixels = pixel_element(header)
    if pixels is not None:
        tag, vr = pixels
        content += _attribute(tag, vr, f"<BulkData uri={quoteattr(f'{bulk}/{tag:08X}')}/>", b"")
    return xml_document(content)


def minimal_xml(sop_class_uid: str, sop_instance_uid: str) -> str:
    """The document of an instance of which no more than these UIDs are known."""
    elements: dict[int, EncodedValue] = {
        0x00080016: (b"UI", sop_class_uid.encode("ascii", "replace")),
        0x00080018: (b"UI", sop_instance_uid.encode("ascii", "replace")),
    }
    return xml_document("".join(_attributes(elements, Surroundings.of(elements), encodings_of(b""), "", "", 0)))


def _attributes(
    elements: Mapping[int, EncodedValue],
    around: Surroundings,
    encodings: tuple[str, ...],
    bulk: str,
    path: str,
    depth: int,
) -> Iterator[str]:
    for tag in sorted(elements):
        if tag & 0xFFFF == 0:  # group lengths
            continue
        value = elements[tag] if tag != CHARACTER_SET else _UTF_8
        vr = resolved_vr(tag, value, around)
        content = _content(value, vr, around, encodings, bulk, f"{path}{tag:08X}", depth)
        yield _attribute(tag, vr, content, around.creator(tag) if tag >> 16 & 1 else b"")


def _attribute(tag: int, vr: str, content: str, creator: bytes) -> str:
    keyword = keyword_for_tag(tag)
    more = f' keyword="{keyword}"' if keyword else ""
    if creator:
        more += f" privateCreator={quoteattr(held_by_xml(creator.decode('latin-1')))}"
    return f'<DicomAttribute tag="{tag:08X}" vr="{vr}"{more}>{content}</DicomAttribute>'


def _content(
    value: EncodedValue,
    vr: str,
    around: Surroundings,
    encodings: tuple[str, ...],
    bulk: str,
    path: str,
    depth: int,
) -> str:
    raw = value[1]
    if not raw:
        return ""
    if vr == "SQ":
        return _items(value, around, encodings, bulk, path, depth)
    if vr == "PN":
        names = text_values(raw, vr, encodings)
        return "".join(xml_name(number, name_groups(name)) for number, name in enumerate(names, 1) if name)
    if vr in _TEXTS:
        values = text_values(raw, vr, encodings)
    elif vr in _NUMBERS:
        values = [str(number) for number in binary_numbers(raw, vr)]
    elif vr == "AT":
        values = attribute_tags(raw)
    elif len(raw) <= INLINE_BYTES:
        return f"<InlineBinary>{base64.b64encode(raw).decode('ascii')}</InlineBinary>"
    else:
        return f"<BulkData uri={quoteattr(f'{bulk}/{path}')}/>"
    return "".join(f'<Value number="{number}">{xml_text(one)}</Value>' for number, one in enumerate(values, 1) if one)


def _items(
    value: EncodedValue, around: Surroundings, encodings: tuple[str, ...], bulk: str, path: str, depth: int
) -> str:
    if depth >= MAX_DEPTH:
        return ""
    written = []
    for number, item in enumerate(sequence_items(value[1], explicit=is_explicit(value))):
        own = encodings_of(item[CHARACTER_SET][1]) if CHARACTER_SET in item else encodings
        inside = _attributes(item, Surroundings.of(item, around), own, bulk, f"{path}/{number}/", depth + 1)
        written.append(f'<Item number="{number + 1}">{"".join(inside)}</Item>')
    return "".join(written)
