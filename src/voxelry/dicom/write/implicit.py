"""An instance in Implicit VR Little Endian, the transfer syntax that every node takes (PS3.5 10.1, A.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

from voxelry.core.errors import TransferSyntaxError
from voxelry.dicom.headers.elements import EncodedValue
from voxelry.dicom.headers.header import Header
from voxelry.dicom.json_model.json_instance import pixel_element
from voxelry.dicom.json_model.nested_elements import (
    MAX_DEPTH,
    encoded_elements,
    sequence_items,
)
from voxelry.dicom.pixels.codecs import is_supported
from voxelry.dicom.write.transcoding import FileSpan, Piece, decoded_changes, uncompressed_pixels


def implicit_data_set(header: Header) -> Iterator[Piece]:
    """The data set, without file meta information; the first bytes of its pixels are decoded at once.

    Values stay as they are, pixels are equal to those of the file. Group lengths are left out.

    Raises
    ------
    TransferSyntaxError
        If the pixels cannot be decoded, or sequences are nested too deep.
    """
    before = implicit_elements(header)
    if header.pixel_bytes is None:
        return iter((before,))
    if not is_supported(header.transfer_syntax_uid):
        raise TransferSyntaxError(f"{header.name}: pixels in {header.transfer_syntax_uid.name} cannot be decoded here")
    tag, _ = pixel_element(header) or (0x7FE00010, "OW")
    value, length = uncompressed_pixels(header)
    start = before + _head(tag, length + length % 2)
    padding = b"\0" * (length % 2)
    if isinstance(value, tuple):
        return iter((start, FileSpan(*value), padding))
    return chain((start,), value, (padding,))


def implicit_elements(header: Header) -> bytes:
    """The data set before the pixels in Implicit VR Little Endian, without group lengths."""
    elements = encoded_elements(header.elements)
    changes = decoded_changes(header)
    kept = {tag: value for tag, value in elements.items() if tag & 0xFFFF and tag not in changes}
    kept.update({tag: value for tag, value in changes.items() if value is not None})
    return implicitly_joined(kept)


def implicitly_joined(elements: Mapping[int, EncodedValue], *, depth: int = 0) -> bytes:
    """Elements, whose sequences say their value representations, in the order of their tags."""
    parts = []
    for tag in sorted(elements):
        value = _implicit(elements[tag], depth)
        parts.append(_head(tag, len(value)) + value)
    return b"".join(parts)


def _implicit(element: EncodedValue, depth: int) -> bytes:
    """The value of an element, padded; items of sequences are encoded again where their elements say their VR."""
    vr, value = element
    if vr != b"SQ":
        padding = b"\0" if vr in (b"UI", b"OB", b"UN", b"") else b" "
        return value + padding if len(value) % 2 else value
    if depth >= MAX_DEPTH:
        raise TransferSyntaxError(f"sequences are nested deeper than {MAX_DEPTH}, which is not encoded again")
    parts = []
    for item in sequence_items(value, explicit=True):
        content = implicitly_joined(item, depth=depth + 1)
        parts.append(b"\xfe\xff\x00\xe0" + len(content).to_bytes(4, "little") + content)
    return b"".join(parts)


def _head(tag: int, length: int) -> bytes:
    return (tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little") + length.to_bytes(4, "little")
