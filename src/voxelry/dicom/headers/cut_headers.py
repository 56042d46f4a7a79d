"""The readable part of a header that is damaged or cut off, which tells to which series the file belongs."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from typing import BinaryIO, cast

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.filereader import data_element_generator
from pydicom.tag import BaseTag
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from voxelry.core.errors import VoxelryError
from voxelry.dicom.headers.elements import Elements
from voxelry.dicom.headers.header import Header, sop_class_of, uid_of
from voxelry.dicom.headers.part10_elements import UNDEFINED_LENGTH
from voxelry.dicom.headers.pydicom_silence import quiet
from voxelry.dicom.headers.sources import Source
from voxelry.dicom.headers.value_representations import LONG_VRS, PIXEL_TAGS, SHORT_VRS

MOST_BYTES = 2**20
"""Bytes of a file that are read; the UIDs of the series come early in a header."""
_PREAMBLE, _MARK = 128, b"DICM"
_FEWER = 4


def is_marked(head: bytes) -> bool:
    """True if these first bytes contain the prefix ``DICM`` of a DICOM file (PS3.10 7.1)."""
    return head[_PREAMBLE : _PREAMBLE + len(_MARK)] == _MARK


def readable_start(source: Source, most: int = MOST_BYTES) -> bytes:
    """The first bytes of a file, as many as can be read: an archive's entry may be damaged or end early.

    Parameters
    ----------
    most
        The largest number of bytes to read.
    """
    count = most
    while count >= _PREAMBLE:
        with suppress(VoxelryError, OSError):
            return source.head(count)
        count //= _FEWER
    return b""


def remains_of_header(source: Source, start: bytes) -> Header | None:
    """The attributes before the damage, as a header without pixels; None if there are none.

    An element that is cut off is left out: half a UID would be another UID.

    Parameters
    ----------
    start
        The file's first bytes.
    """
    with quiet, suppress(Exception):  # pydicom raises many kinds for damaged bytes
        stream = BytesIO(start)
        meta = Dataset()
        if is_marked(start):
            stream.seek(_PREAMBLE + len(_MARK))
            meta = Dataset(_elements(stream, implicit=False, little=True, meta=True))
        syntax = UID(uid_of(meta, "TransferSyntaxUID"))
        if syntax == DeflatedExplicitVRLittleEndian:
            stream = BytesIO(zlib.decompressobj(-zlib.MAX_WBITS).decompress(stream.read(), MOST_BYTES))
        little = syntax != ExplicitVRBigEndian
        dataset = Dataset(_elements(stream, implicit=_is_implicit(stream, syntax), little=little, meta=False))
        if not len(dataset) and not len(meta):
            return None
        return Header(
            source,
            Elements(None, dataset),
            syntax or ImplicitVRLittleEndian,
            None,
            uid_of(dataset, "SOPInstanceUID") or uid_of(meta, "MediaStorageSOPInstanceUID"),
            sop_class_of(uid_of(dataset, "SOPClassUID"), uid_of(meta, "MediaStorageSOPClassUID")),
            uid_of(dataset, "SeriesInstanceUID"),
            uid_of(dataset, "StudyInstanceUID"),
        )
    return None


def _is_implicit(stream: BinaryIO, syntax: UID) -> bool:
    """True for implicit VR: by the first element, or by the transfer syntax if there is no element."""
    place = stream.tell()
    first = stream.read(8)
    stream.seek(place)
    return first[4:6] not in LONG_VRS | SHORT_VRS if len(first) == 8 else syntax == ImplicitVRLittleEndian


def _elements(
    stream: BinaryIO, *, implicit: bool, little: bool, meta: bool
) -> dict[BaseTag, DataElement | RawDataElement]:
    def beyond(tag: BaseTag, _: str | None, __: int) -> bool:
        return tag.group != 2 if meta else tag in PIXEL_TAGS

    complete: dict[BaseTag, DataElement | RawDataElement] = {}
    with suppress(Exception):
        for element in cast(Iterator[RawDataElement], data_element_generator(stream, implicit, little, beyond)):
            length = getattr(element, "length", UNDEFINED_LENGTH)
            value = element.value
            if length != UNDEFINED_LENGTH and isinstance(value, bytes) and len(value) < length:
                break
            complete[element.tag] = element
    return complete
