"""Elements encoded for messages, from texts and from the DICOM JSON Model (PS3.18 annex F).

An element is encoded in the character set that is wished for, if it can be, and in UTF-8: which one a data set is
sent in is decided when all of its elements are known.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from voxelry.core.value import Value
from voxelry.dicom.headers.value_representations import LONG_VRS, NUMBER_FORMATS
from voxelry.dicom.json_model.decoded_text import BY_CHARACTER_SET
from voxelry.dicom.json_model.encoded_text import DEFAULT_REPERTOIRE, UTF_8, TextEncoder

_CHARACTER_SET = 0x00080005
_MOST_SHORT = 65_534
_ITEM = struct.Struct("<HHI")
_LONG = {vr.decode() for vr in LONG_VRS}
_FORMATS = {vr.decode(): form for vr, form in NUMBER_FORMATS.items()}
_NO_TEXT = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})


class WrittenElement(NamedTuple):
    """An element with its tag, VR and length.

    Attributes
    ----------
    own
        In the character set that is wished for; None if it does not have all characters.
    is_ascii
        Whether it is the same in every character set.
    """

    own: bytes | None
    utf_8: bytes
    is_ascii: bool


class ElementWriter:
    """Writes elements in little endian.

    Parameters
    ----------
    explicit
        Whether value representations are written.
    texts
        The character set that is wished for.
    declares
        Whether a data set of ASCII declares a character set, too.
    """

    def __init__(self, *, explicit: bool, texts: TextEncoder = DEFAULT_REPERTOIRE, declares: bool = False) -> None:
        self._explicit, self._texts, self._declares = explicit, texts, declares
        self._own_set = self._bytes(_CHARACTER_SET, "CS", texts.declared)
        self._utf_8_set = self._bytes(_CHARACTER_SET, "CS", UTF_8.declared)

    def empty(self, tag: int, vr: str) -> WrittenElement:
        """An element of zero length."""
        return self._plain(tag, vr, b"")

    def text(self, tag: int, vr: str, value: str) -> WrittenElement:
        """An element of text; several values have backslashes between them."""
        if value.isascii():
            return self._plain(tag, vr, value.encode())
        if vr not in BY_CHARACTER_SET:
            return self._plain(tag, vr, value.encode("latin-1", "replace"))  # the bytes that were read
        own = self._texts.encoded(value, vr)
        utf_8 = self._bytes(tag, vr, value.encode("utf-8", "replace"))
        return WrittenElement(None if own is None else self._bytes(tag, vr, own), utf_8, is_ascii=False)

    def number(self, tag: int, vr: str, value: int) -> WrittenElement:
        """An element of one binary number."""
        return self._plain(tag, vr, struct.pack(_FORMATS[vr], value))

    def of_json(self, tag: int, element: Mapping[str, Value]) -> WrittenElement:
        """An element of the DICOM JSON Model, read with its numbers as texts; what JSON names by an address is empty.

        What cannot be encoded is empty, too: it never hides the rest.
        """
        vr = str(element.get("vr", "UN"))
        values = element.get("Value")
        if vr == "SQ":
            return self.sequence(tag, values if isinstance(values, list) else [])
        try:
            if isinstance(values, list):
                return self._values(tag, vr, values)
            inline = element.get("InlineBinary")
            return self._plain(tag, vr, base64.b64decode(inline) if isinstance(inline, str) else b"")
        except (ValueError, binascii.Error, struct.error):
            return self.empty(tag, vr)

    def sequence(self, tag: int, items: Sequence[Value]) -> WrittenElement:
        """A sequence of items of the DICOM JSON Model."""
        written = []
        for item in items:
            own = item if isinstance(item, dict) else {}
            elements = {int(key, 16): value for key, value in own.items() if isinstance(value, dict)}
            written.append([self.of_json(key, elements[key]) for key in sorted(elements) if key != _CHARACTER_SET])
        own_items = [_joined(one.own for one in item) for item in written]
        utf_8 = self._bytes(tag, "SQ", b"".join(_item(b"".join(one.utf_8 for one in item)) for item in written))
        if all(one.is_ascii for item in written for one in item):
            return WrittenElement(utf_8, utf_8, is_ascii=True)
        whole = _joined(None if item is None else _item(item) for item in own_items)
        return WrittenElement(None if whole is None else self._bytes(tag, "SQ", whole), utf_8, is_ascii=False)

    def data_set(self, elements: Mapping[int, WrittenElement]) -> bytes:
        """A data set of some elements, which declares its character set if it is not ASCII."""
        some = [(tag, elements[tag]) for tag in sorted(elements)]
        is_own = all(one.own is not None for _, one in some)
        is_ascii = all(one.is_ascii for _, one in some)
        declared = b""
        if self._texts.declared and is_own:
            declared = self._own_set
        elif not is_ascii or self._declares:
            declared = self._utf_8_set
        before = b"".join((one.own or b"") if is_own else one.utf_8 for tag, one in some if tag < _CHARACTER_SET)
        behind = b"".join((one.own or b"") if is_own else one.utf_8 for tag, one in some if tag > _CHARACTER_SET)
        return before + declared + behind

    def _values(self, tag: int, vr: str, values: Sequence[Value]) -> WrittenElement:
        if vr in _FORMATS:
            whole = vr not in ("FD", "FL")
            numbers = [int(str(one)) if whole else float(str(one)) for one in values if one is not None]
            return self._plain(tag, vr, b"".join(struct.pack(_FORMATS[vr], number) for number in numbers))
        if vr == "AT":
            return self._plain(tag, vr, b"".join(_tag(int(str(one), 16)) for one in values if one is not None))
        if vr in _NO_TEXT:
            return self.empty(tag, vr)
        return self.text(tag, vr, "\\".join(_name(one) if isinstance(one, dict) else str(one or "") for one in values))

    def _plain(self, tag: int, vr: str, value: bytes) -> WrittenElement:
        written = self._bytes(tag, vr, value)
        return WrittenElement(written, written, is_ascii=True)

    def _bytes(self, tag: int, vr: str, value: bytes) -> bytes:
        length = len(value)
        if length % 2:
            value += b"\0" if vr in ("UI", "OB", "UN") else b" "
            length += 1
        if not self._explicit:
            return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, length) + value
        if vr in _LONG:
            return struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, vr.encode(), 0, length) + value
        if length > _MOST_SHORT:  # PS3.5 6.2.2
            return struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, b"UN", 0, length) + value
        return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr.encode(), length) + value


def _tag(tag: int) -> bytes:
    return struct.pack("<HH", tag >> 16, tag & 0xFFFF)


def _item(content: bytes) -> bytes:
    return _ITEM.pack(0xFFFE, 0xE000, len(content)) + content


def _joined(parts: Iterable[bytes | None]) -> bytes | None:
    """Some bytes as one; None if one of them is."""
    found = list(parts)
    return None if None in found else b"".join(part for part in found if part is not None)


def _name(groups: Mapping[str, Value]) -> str:
    parts = (groups.get(key) for key in ("Alphabetic", "Ideographic", "Phonetic"))
    return "=".join(part if isinstance(part, str) else "" for part in parts).rstrip("=")
