"""Headers as bytes in explicit VR little endian, most of them copied from another header."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from functools import cache, lru_cache
from itertools import islice

from pydicom.charset import convert_encodings
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import correct_ambiguous_vr_element, write_data_element

from voxelry.dicom.headers.elements import Elements, EncodedValue
from voxelry.dicom.headers.pydicom_silence import quiet
from voxelry.dicom.headers.value_representations import LONG_VRS

IMPLEMENTATION_CLASS_UID = "2.25.213950563406480127937117364935512042115"
UNDEFINED_LENGTH = b"\xff\xff\xff\xff"
_ITEM = b"\xfe\xff\x00\xe0"
_ZERO_PADDED = frozenset({b"UI", b"OB", b"UN"})
_LONGEST_SHORT = 0xFFFE
_META_VERSION = 0x00020001

EncodedElements = dict[int, EncodedValue]
"""Elements by tag, each with an explicit value representation; little endian."""


def new_uid(seed: str | None, *parts: object) -> str:
    """A UID below 2.25 (PS3.5 B.2): random, or always the same for the same seed and parts."""
    if seed is None:
        return f"2.25.{uuid.uuid4().int}"
    name = "\x1f".join((seed, *map(str, parts)))
    return f"2.25.{uuid.uuid5(uuid.UUID(int=0), name).int}"


def decimal_string(value: float, *, up: bool = False) -> str:
    """A Decimal String: the nearest number with at most 16 characters (PS3.5 6.2); with ``up`` not below the value."""
    for digits in range(17, 0, -1):
        text = f"{float(value):.{digits}g}"
        if len(text) <= 16 and (not up or float(text) >= value):
            return text
    return f"{float(value) * (1 + 1e-8):.9g}"


@cache
def tag_of(keyword: str) -> int:
    """The tag of a keyword of the standard."""
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise KeyError(f"{keyword} is no keyword of DICOM")
    return int(tag)


def words(vr: bytes, value: str) -> EncodedValue:
    """A text element of ASCII characters."""
    return vr, value.encode("ascii")


def short(value: int, *, signed: bool = False) -> EncodedValue:
    """A number of 16 bits: US, or SS where it is signed."""
    return (b"SS" if signed else b"US"), value.to_bytes(2, "little", signed=signed)


def encoded_items(*contents: bytes) -> bytes:
    """The items of a sequence, of explicit length."""
    return b"".join(_ITEM + len(content).to_bytes(4, "little") + content for content in contents)


@cache
def code(value: str, scheme: str, meaning: str) -> EncodedValue:
    """A sequence with one code (PS3.3 8.8)."""
    return b"SQ", encoded_items(
        joined({0x00080100: words(b"SH", value), 0x00080102: words(b"SH", scheme), 0x00080104: words(b"LO", meaning)})
    )


@lru_cache(maxsize=4096)  # the elements that instances share are encoded once; their number is bounded
def _head(tag: int, vr: bytes, length: int) -> bytes:
    name = (tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little")
    if vr in LONG_VRS:
        return name + vr + b"\0\0" + length.to_bytes(4, "little")
    if length > _LONGEST_SHORT:  # PS3.5 6.2.2 note: a value too long for its representation is of unknown one
        return name + b"UN\0\0" + length.to_bytes(4, "little")
    return name + vr + length.to_bytes(2, "little")


def encoded_element(tag: int, element: EncodedValue) -> bytes:
    """An element's bytes (PS3.5 7.1.2), its value padded to an even length."""
    vr, value = element
    if len(value) % 2:
        value += b"\0" if vr in _ZERO_PADDED else b" "
    return _head(tag, vr, len(value)) + value


def joined(encoded: Mapping[int, EncodedValue]) -> bytes:
    """Elements in the order of their tags."""
    return b"".join([encoded_element(tag, encoded[tag]) for tag in sorted(encoded)])


def file_head(sop_class_uid: str, sop_instance_uid: str, transfer_syntax: str, version: str) -> bytes:
    """Preamble and file meta information (PS3.10 7.1)."""
    meta = joined(
        {
            _META_VERSION: (b"OB", b"\0\1"),
            0x00020002: words(b"UI", sop_class_uid),
            0x00020003: words(b"UI", sop_instance_uid),
            0x00020010: words(b"UI", transfer_syntax),
            0x00020012: words(b"UI", IMPLEMENTATION_CLASS_UID),
            0x00020013: words(b"SH", f"VOXELRY {version}"[:16]),
        }
    )
    length = encoded_element(0x00020000, (b"UL", len(meta).to_bytes(4, "little")))
    return b"\0" * 128 + b"DICM" + length + meta


class Explicit:
    """Elements as explicit little endian bytes, whatever their file had; each distinct one is converted once.

    Attributes
    ----------
    lost
        Tags whose values cannot be written in another encoding.
    """

    def __init__(self) -> None:
        self.lost: set[int] = set()
        self._known: dict[tuple[int, bytes], EncodedValue] = {}
        self._last: dict[int, tuple[EncodedValue, bytes]] = {}

    def __call__(self, elements: Elements) -> EncodedElements:
        if elements.encoded is None:
            return dict(self._by_pydicom(elements.dataset, list(elements.dataset.keys())))
        if all(vr for vr, _ in islice(elements.encoded.values(), 1)):  # a file's elements all tell, or none does
            return dict(elements.encoded)
        return dict(self._from_implicit(elements, elements.encoded))

    def joined(self, encoded: EncodedElements) -> bytes:
        """As ``joined``; what instances after each other share is encoded once."""
        parts: list[bytes] = []
        known, add = self._last.get, parts.append
        for tag, element in sorted(encoded.items()):
            last = known(tag)
            if last is None or (last[0] is not element and last[0] != element):
                self._last[tag] = last = element, encoded_element(tag, element)
            add(last[1])
        return b"".join(parts)

    def _from_implicit(
        self, elements: Elements, encoded: Mapping[int, EncodedValue]
    ) -> Iterator[tuple[int, EncodedValue]]:
        for tag, (_, value) in encoded.items():
            vr = _plain_vr(tag)
            if vr:
                yield tag, (vr, value)
                continue
            key = tag, value
            if key not in self._known:
                for _, element in self._by_pydicom(elements.dataset, (tag,)):
                    self._known[key] = element
            if key in self._known:
                yield tag, self._known[key]

    def _by_pydicom(self, dataset: Dataset, tags: Iterable[int]) -> Iterator[tuple[int, EncodedValue]]:
        with quiet:
            encodings = convert_encodings(dataset.get("SpecificCharacterSet") or "ISO_IR 6")
        for tag in tags:
            try:
                with quiet:
                    yield int(tag), _rewritten(dataset[tag], dataset, encodings)
            except Exception:  # whatever a malformed value makes pydicom raise; its words may quote the value
                self.lost.add(int(tag))


def of_dataset(dataset: Dataset) -> EncodedElements:
    """A dataset made here as bytes.

    Raises
    ------
    Exception
        Whatever pydicom says of a value that its representation cannot hold.
    """
    with quiet:
        encodings = convert_encodings(dataset.get("SpecificCharacterSet") or "ISO_IR 6")
    return {int(element.tag): _rewritten(element, dataset, encodings) for element in dataset}


@lru_cache(maxsize=4096)
def _plain_vr(tag: int) -> bytes:
    """What the dictionary says; empty for sequences, private attributes and what depends on other attributes."""
    try:
        found = dictionary_VR(tag)
    except KeyError:
        return b""
    return found.encode() if len(found) == 2 and found not in ("SQ", "UN") else b""


def _rewritten(element: DataElement, dataset: Dataset, encodings: list[str]) -> EncodedValue:
    if element.VR == "SQ":
        element = deepcopy(element)
        _settle(element)
    settled = correct_ambiguous_vr_element(element, dataset, True)
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    write_data_element(buffer, settled, encodings)
    written = buffer.getvalue()
    vr = written[4:6]
    return vr, written[12 if vr in LONG_VRS else 8 :]


def _settle(element: DataElement) -> None:
    """Decode all elements of a sequence, so that it is encoded again with defined lengths."""
    element.is_undefined_length = False
    for item in element.value:
        item.is_undefined_length_sequence_item = False
        for inner in item:
            if inner.VR == "SQ":
                _settle(inner)
