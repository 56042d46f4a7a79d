"""Whether two files hold the same object, however each is encoded."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import IO, cast

import numpy as np
import pydicom
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag
from pydicom.uid import UID

from voxelry.core.errors import VoxelryError
from voxelry.dicom.headers.deflated import check_expansion
from voxelry.dicom.headers.header import Header, read_header
from voxelry.dicom.headers.pixel_description import describe_pixels
from voxelry.dicom.headers.pydicom_silence import quiet
from voxelry.dicom.headers.sources import Source
from voxelry.dicom.headers.value_representations import dictionary_vr
from voxelry.dicom.pixels.codecs import is_encapsulated, is_supported
from voxelry.dicom.pixels.encapsulated import encoded_frames
from voxelry.dicom.pixels.stored_pixels import is_lossy_syntax, stored_frames

MOST_BYTES = 2**29
"""Larger files are compared byte for byte only: their elements are read into memory."""
_DEEPEST = 32
_CHUNK = 2**20
_PADDING, _LENGTH_TO_END = 0xFFFCFFFC, 0x00080001
_OF_ENCODING = frozenset({0x00280004, 0x00280006})
"""Photometric Interpretation and Planar Configuration, which a lossless compression may change."""
_SWAPPED = {2: "AT OW SS US", 4: "FL OF OL SL UL", 8: "FD OD OV SV UV"}
_WORD_BYTES = {vr: size for size, vrs in _SWAPPED.items() for vr in vrs.split()}
_PADDED_BY_ZERO = frozenset({"OB", "UN"})


def is_same_object(first: Source, second: Source) -> bool:
    """Compare two data sets.

    The File Meta Information, group lengths, padding and the encoding (byte order, value representations, lengths of
    sequences) make no difference. Pixels are decoded if both files are encoded without loss, each in its own way;
    else their bytes are compared. Objects that cannot be read differ.
    """
    if max(first.size, second.size) > MOST_BYTES:
        return False
    try:
        headers = read_header(first), read_header(second)
        mine, yours = (_data_set(source) for source in (first, second))
        decoded = headers[0].transfer_syntax_uid != headers[1].transfer_syntax_uid
        ignored = _OF_ENCODING if decoded and headers[0].has_pixels else frozenset[int]()
        return _same_elements(mine, yours, ignored, 0) and _same_pixels(*headers)
    except VoxelryError:
        return False
    except Exception:  # pydicom raises many kinds for damaged elements
        return False


def _data_set(source: Source) -> Dataset:
    with source.open() as file, quiet:
        check_expansion(file, source.name)
        return pydicom.dcmread(file, stop_before_pixels=True, force=True)


def _same_elements(mine: Dataset, yours: Dataset, ignored: frozenset[int], depth: int) -> bool:
    tags = _tags(mine, ignored)
    if depth > _DEEPEST or tags != _tags(yours, ignored):
        return False
    return all(_same_element(tag, mine, yours, depth) for tag in tags)


def _tags(of: Dataset, ignored: frozenset[int]) -> list[BaseTag]:
    left_out = {_PADDING, _LENGTH_TO_END, *ignored}
    return sorted(tag for tag in of.keys() if tag.group != 2 and tag.element and tag not in left_out)  # noqa: SIM118


def _same_element(tag: BaseTag, mine: Dataset, yours: Dataset, depth: int) -> bool:
    with quiet:
        pair = mine.get_item(tag), yours.get_item(tag)
        vrs = [_vr(tag, element) for element in pair]
        vr = next((one for one in vrs if one != "UN"), "UN")
        if vr == "SQ":
            items = mine[tag].value, yours[tag].value
            return len(items[0]) == len(items[1]) and all(
                _same_elements(own, other, frozenset(), depth + 1) for own, other in zip(*items, strict=True)
            )
        if not all(isinstance(element, RawDataElement) for element in pair):
            return bool(mine[tag].value == yours[tag].value)
        values = [_plain(vr, cast(RawDataElement, element)) for element in pair]
    return values[0] == values[1]


def _vr(tag: BaseTag, element: RawDataElement | DataElement) -> str:
    own = str(element.VR or "")
    return own if own and own != "UN" else dictionary_vr(tag).decode("ascii") or "UN"


def _plain(vr: str, element: RawDataElement) -> bytes:
    """A value in little endian, without padding."""
    value = bytes(element.value or b"")
    size = _WORD_BYTES.get(vr)
    if size is not None:
        if not element.is_little_endian and len(value) % size == 0:
            return np.frombuffer(value, f">u{size}").astype(f"<u{size}").tobytes()
        return value
    return value.rstrip(b"\0") if vr in _PADDED_BY_ZERO else value.rstrip(b"\0 ")


def _same_pixels(mine: Header, yours: Header) -> bool:
    if not mine.has_pixels and not yours.has_pixels:
        return True
    if mine.pixel_bytes is None or yours.pixel_bytes is None:
        return False
    if mine.pixel_bytes.keyword != yours.pixel_bytes.keyword:
        return False
    syntaxes = mine.transfer_syntax_uid, yours.transfer_syntax_uid
    if syntaxes[0] == syntaxes[1]:
        return _same_encoded(mine, yours)
    if not all(is_supported(syntax) and not is_lossy_syntax(syntax) for syntax in syntaxes):
        return False
    if mine.pixel_bytes.keyword != "PixelData":
        return False
    frames = zip_longest(stored_frames(mine), stored_frames(yours))
    return all(
        own is not None and other is not None and own.shape == other.shape and np.array_equal(own, other)
        for own, other in frames
    )


def _same_encoded(mine: Header, yours: Header) -> bool:
    """Whether the pixels are encoded alike; fragments may be cut otherwise."""
    if is_encapsulated(UID(mine.transfer_syntax_uid)) and mine.pixel_bytes and mine.pixel_bytes.length is None:
        frames = [
            encoded_frames(one, describe_pixels(one), range(describe_pixels(one).frames)) for one in (mine, yours)
        ]
        return all(own == other for own, other in zip_longest(*frames))
    with mine.source.open() as first, yours.source.open() as second:
        return all(own == other for own, other in zip_longest(_pixel_chunks(first, mine), _pixel_chunks(second, yours)))


def _pixel_chunks(file: IO[bytes], header: Header) -> Iterator[bytes]:
    place = header.pixel_bytes
    if place is None or place.offset is None or place.length is None:
        with quiet:
            file.seek(0)
            yield bytes(pydicom.dcmread(file, force=True)[place.keyword if place else "PixelData"].value)
        return
    file.seek(place.offset)
    left = place.length
    while left > 0 and (chunk := file.read(min(_CHUNK, left))):
        left -= len(chunk)
        yield chunk
