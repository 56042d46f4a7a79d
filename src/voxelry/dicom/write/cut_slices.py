"""A slice that was cut out of a mosaic, as an instance of its own: nothing in its header says that it is a mosaic."""

from __future__ import annotations

import numpy as np

from voxelry.core.slice_grid import slice_normal
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.tiles import Tile
from voxelry.dicom.headers.private_attributes import private_tag
from voxelry.dicom.write.header_bytes import EncodedElements, decimal_string, short, tag_of, words

_WORDS = frozenset({b"MOSAIC", b"VFRAME"})
_OF_THE_WHOLE = (
    # group, private creator, elements within its block
    (0x0019, "SIEMENS MR HEADER", (0x0A, 0x15, 0x29)),
    (0x0029, "SIEMENS CSA HEADER", (0x08, 0x09, 0x10)),
    (0x0051, "SIEMENS MR HEADER", (0x16,)),
    (0x0065, "Image Private Header", (0x0F, 0x15, 0x50, 0x51)),
)
"""Private attributes that number, place or time the slices of the whole image, or call it a mosaic."""


def describe_slice(encoded: EncodedElements, frame: Frame, tile: Tile) -> None:
    """Bring a mosaic's header up to date for one of its slices.

    Its number counts on through the slices of all mosaics. Overlays, which cover the whole image, are left out.
    """
    encoded[tag_of("Rows")], encoded[tag_of("Columns")] = short(tile.rows), short(tile.columns)
    kind = encoded.get(tag_of("ImageType"), (b"CS", b""))[1].strip(b" \0").split(b"\\")
    encoded[tag_of("ImageType")] = b"CS", b"\\".join(word for word in kind if word.strip().upper() not in _WORDS)
    encoded[tag_of("InstanceNumber")] = words(
        b"IS", str(max(frame.instance_number - 1, 0) * tile.count + tile.number + 1)
    )
    for tag in [tag for tag in encoded if 0x60000000 <= tag < 0x60200000]:
        del encoded[tag]
    for group, creator, elements in _OF_THE_WHOLE:
        for element in elements:
            private = private_tag(frame.header.elements, group, creator, element)
            if private is not None:
                encoded.pop(private, None)


def describe_place(encoded: EncodedElements, frame: Frame) -> None:
    """Say where a frame lies that lies elsewhere than the header of its image says."""
    if frame.position is None or frame.orientation is None:
        return
    encoded[tag_of("ImagePositionPatient")] = words(b"DS", "\\".join(map(decimal_string, frame.position)))
    if frame.replaced:
        encoded[tag_of("ImageOrientationPatient")] = words(b"DS", "\\".join(map(decimal_string, frame.orientation)))
    offset = float(np.array(frame.position) @ slice_normal(frame.orientation))
    encoded[tag_of("SliceLocation")] = words(b"DS", decimal_string(offset))
