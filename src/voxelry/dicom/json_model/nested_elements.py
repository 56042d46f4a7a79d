"""Elements as value representation and bytes: those of an instance, whatever its encoding, and those of items.

Values are little endian throughout. What cannot be read is left out: it never hides the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydicom.datadict import dictionary_VR, private_dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element

from voxelry.core.errors import DamagedError
from voxelry.dicom.headers.elements import Elements, EncodedValue
from voxelry.dicom.headers.part10_elements import UNDEFINED_LENGTH
from voxelry.dicom.headers.pydicom_silence import quiet
from voxelry.dicom.headers.value_representations import LONG_VRS, SHORT_VRS

MAX_DEPTH = 32
"""Sequences nested deeper than this are left out: no object nests so deep, but a hostile file may."""
_ITEM, _ITEM_END, _SEQUENCE_END = b"\xfe\xff\x00\xe0", b"\xfe\xff\x0d\xe0", b"\xfe\xff\xdd\xe0"
_PIXEL_REPRESENTATION, _LUT_DATA = 0x00280103, 0x00283006
_WIDTHS = {b"AT": 4, b"FD": 8, b"FL": 4, b"SL": 4, b"SS": 2, b"SV": 8, b"UL": 4, b"US": 2, b"UV": 8}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What decides on the value representation of elements that do not say theirs.

    Attributes
    ----------
    elements
        Of the same data set or item: private creators are among them.
    signed
        Whether Pixel Representation says so, here or in what this is nested in.
    """

    elements: Mapping[int, EncodedValue]
    signed: bool

    @classmethod
    def of(cls, elements: Mapping[int, EncodedValue], around: Surroundings | None = None) -> Surroundings:
        """Those of the elements of a data set, or of an item in one."""
        own = elements.get(_PIXEL_REPRESENTATION)
        if own is None or not own[1]:
            return cls(elements, around is not None and around.signed)
        return cls(elements, own[1][:1] == b"\1")

    def creator(self, tag: int) -> bytes:
        """The private creator of a private element; empty if there is none."""
        found = self.elements.get(tag & 0xFFFF0000 | (tag >> 8 & 0xFF))
        return b"" if found is None or not tag & 0xFF00 else found[1].strip(b"\0 ")


def encoded_elements(elements: Elements) -> Mapping[int, EncodedValue]:
    """All elements before the pixels, in the order of their tags, little endian.

    The VR is empty where the file does not tell it. The items of a sequence are in its value as they are in the file.
    """
    if elements.encoded is not None:
        return elements.encoded
    return _of_dataset(elements.dataset)


def _of_dataset(dataset: Dataset) -> dict[int, EncodedValue]:
    found: dict[int, EncodedValue] = {}
    little = bool(dataset.original_encoding[1])
    for tag in sorted(dataset.keys()):
        with quiet:
            try:
                raw = dataset.get_item(tag)
                if isinstance(raw, RawDataElement) and raw.VR != "SQ" and (little or not raw.value):
                    found[int(tag)] = (raw.VR or "").encode(), bytes(raw.value or b"")
                else:
                    found[int(tag)] = _written(dataset, int(tag))
            except Exception:  # noqa: S112 - a malformed element must not hide the others
                continue
    return found


def _written(dataset: Dataset, tag: int) -> EncodedValue:
    """An element as pydicom writes it, explicit and little endian."""
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    element = dataset[tag]
    write_data_element(buffer, element, dataset._character_set)  # noqa: SLF001 - pydicom has no public name for it
    written = buffer.getvalue()
    vr = written[4:6]
    start = 12 if vr in LONG_VRS else 8
    length = int.from_bytes(written[8:12] if start == 12 else written[6:8], "little")
    return vr, written[start:] if length == UNDEFINED_LENGTH else written[start : start + length]


def resolved_vr(tag: int, value: EncodedValue, around: Surroundings) -> str:
    """The value representation of an element: its own, or by the dictionaries and what surrounds it.

    References
    ----------
    PS3.5 6.2.2 (UN), annex A
    """
    own = value[0]
    if own and own != b"UN":
        return own.decode("ascii")
    found = _private_vr(tag, around) if tag >> 16 & 1 else _public_vr(tag, value[1], around)
    width = _WIDTHS.get(found.encode(), 1)
    if own == b"UN" and found in ("OB", "OW"):
        return "UN"
    return found if len(value[1]) % width == 0 else "UN"


def _private_vr(tag: int, around: Surroundings) -> str:
    element = tag & 0xFFFF
    if element < 0x0010:
        return "UN"
    if element < 0x0100:
        return "LO"
    creator = around.creator(tag)
    if not creator:
        return "UN"
    try:
        found = str(private_dictionary_VR(tag, creator.decode("ascii", "replace")))
    except KeyError:
        return "UN"
    return found if len(found) == 2 else "UN"


def _public_vr(tag: int, value: bytes, around: Surroundings) -> str:
    try:
        found = str(dictionary_VR(tag))
    except KeyError:
        return "UL" if tag & 0xFFFF == 0 else "UN"
    if len(found) == 2:
        return found
    if found == "OB or OW":
        return "OW"
    if "OW" in found and (tag == _LUT_DATA or "SS" not in found) and len(value) != 2:
        return "OW"
    return "SS" if "SS" in found and around.signed else "US"


def data_set_elements(content: bytes, *, explicit: bool) -> dict[int, EncodedValue]:
    """All elements of a little endian data set that is not in a file, such as a key of a message.

    Raises
    ------
    DamagedError
        If it cannot be read to its end.
    """
    found: dict[int, EncodedValue] = {}
    at, end = 0, len(content)
    while at < end:
        head = content[at : at + 8]
        tag = int.from_bytes(head[:2], "little") << 16 | int.from_bytes(head[2:4], "little")
        if len(head) < 8 or (explicit and head[4:6] not in LONG_VRS | SHORT_VRS) or tag >> 16 == 0xFFFE:
            raise DamagedError(f"what is at byte {at} of a data set is no element")
        vr, length, at = _head(content, at, head, explicit=explicit)
        if length == UNDEFINED_LENGTH:
            after = _end_of_sequence(content, at, explicit=explicit and vr != b"UN")
            found[tag] = b"" if vr == b"UN" else vr, content[at : after - 8]
        else:
            after = at + length
            found[tag] = vr, content[at:after]
        if after > end:
            raise DamagedError(f"the element {tag:08X} is longer than the data set that it is in")
        at = after
    return found


def sequence_items(value: bytes, *, explicit: bool) -> Iterator[dict[int, EncodedValue]]:
    """The items of a sequence from its value, up to where it cannot be read."""
    at, end = 0, len(value)
    while at + 8 <= end and value[at : at + 4] == _ITEM:
        length = int.from_bytes(value[at + 4 : at + 8], "little")
        at += 8
        stop = None if length == UNDEFINED_LENGTH else min(at + length, end)
        item, at = _item(value, at, stop, explicit=explicit)
        yield item
        if stop is not None:
            at = stop


def _item(value: bytes, at: int, stop: int | None, *, explicit: bool) -> tuple[dict[int, EncodedValue], int]:
    found: dict[int, EncodedValue] = {}
    end = len(value) if stop is None else stop
    while at + 8 <= end:
        head = value[at : at + 8]
        if head[:4] == _ITEM_END:
            return found, at + 8
        if head[:4] in (_ITEM, _SEQUENCE_END):
            break
        tag = int.from_bytes(head[:2], "little") << 16 | int.from_bytes(head[2:4], "little")
        vr, length, at = _head(value, at, head, explicit=explicit)
        if length == UNDEFINED_LENGTH:
            # An undefined length of UN is that of a sequence in implicit VR (PS3.5 6.2.2).
            after = _end_of_sequence(value, at, explicit=explicit and vr != b"UN")
            content, next_ = value[at : after - 8], after
        else:
            next_ = min(at + length, end)
            content = value[at:next_]
        found[tag] = (b"" if vr == b"UN" and length == UNDEFINED_LENGTH else vr), content
        at = next_
    return found, end


def _head(value: bytes, at: int, head: bytes, *, explicit: bool) -> tuple[bytes, int, int]:
    """The VR of an element, its length, and where its value begins."""
    vr = head[4:6]
    if explicit and vr in SHORT_VRS:
        return vr, int.from_bytes(head[6:8], "little"), at + 8
    if explicit and vr in LONG_VRS:
        return vr, int.from_bytes(value[at + 8 : at + 12], "little"), at + 12
    return b"", int.from_bytes(head[4:8], "little"), at + 8


def _end_of_sequence(value: bytes, at: int, *, explicit: bool, depth: int = 0) -> int:
    """Where a sequence of undefined length ends, with its delimiter; the end of the bytes if it has none."""
    end = len(value)
    while at + 8 <= end and depth < MAX_DEPTH:
        tag, length = value[at : at + 4], int.from_bytes(value[at + 4 : at + 8], "little")
        at += 8
        if tag == _SEQUENCE_END:
            return at
        if tag != _ITEM:
            break
        at = at + length if length != UNDEFINED_LENGTH else _end_of_item(value, at, explicit=explicit, depth=depth)
    return end + 8


def _end_of_item(value: bytes, at: int, *, explicit: bool, depth: int) -> int:
    end = len(value)
    while at + 8 <= end:
        head = value[at : at + 8]
        if head[:4] == _ITEM_END:
            return at + 8
        vr, length, at = _head(value, at, head, explicit=explicit)
        if length != UNDEFINED_LENGTH:
            at += length
        else:
            at = _end_of_sequence(value, at, explicit=explicit and vr != b"UN", depth=depth + 1)
    return end


def is_explicit(value: EncodedValue) -> bool:
    """Whether the items of a sequence say their value representations."""
    return bool(value[0]) and value[0] != b"UN"
