"""The Image Pixel module of a header, checked before the pixels are read (PS3.3 C.7.6.3)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
from pydicom.datadict import tag_for_keyword

from voxelry.core.errors import NoPixelDataError, PixelDataError, TooLargeError, VoxelryError, named
from voxelry.dicom.headers.attributes import integer, tag_label, text
from voxelry.dicom.headers.elements import Elements, EncodedValue
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.sop_classes import SEGMENTATIONS

Kind = Literal["grey", "colour", "palette"]

MAX_SIDE = 65_535
MAX_FRAME_BYTES = 8 * 2**30
MAX_FRAMES = 1_000_000
PIXEL_KEYWORDS = (
    "Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
    "PlanarConfiguration", "NumberOfFrames", "PhotometricInterpretation",
)  # fmt: skip
"""The attributes of which a `PixelDescription` consists."""
_TAGS = tuple(int(tag_for_keyword(keyword) or 0) for keyword in PIXEL_KEYWORDS)
COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")


@dataclass(frozen=True, slots=True)
class PixelDescription:
    """How stored pixels are encoded (PS3.3 C.7.6.3).

    Attributes
    ----------
    rows, columns, samples, frames
        Counts; ``samples`` is 1 or 3.
    planar
        True if each sample has a plane of its own (Planar Configuration 1).
    keyword
        Of the attribute that holds the pixels.
    """

    rows: int
    columns: int
    samples: int
    frames: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    photometric: str
    planar: bool
    keyword: str

    @property
    def kind(self) -> Kind:
        if self.photometric == "PALETTE COLOR":
            return "palette"
        return "colour" if self.samples > 1 else "grey"

    @property
    def frame_bits(self) -> int:
        if self.photometric == "YBR_FULL_422":  # two pixels share their chrominance
            return self.rows * self.columns * 2 * self.bits_allocated
        return self.rows * self.columns * self.samples * self.bits_allocated

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Type of the stored values."""
        if self.keyword != "PixelData":
            return np.dtype("f4" if self.keyword == "FloatPixelData" else "f8")
        size = max(1, self.bits_allocated // 8)
        return np.dtype(f"{'i' if self.signed else 'u'}{size}")


def describe_pixels(header: Header) -> PixelDescription:
    """The Image Pixel module of a header, checked.

    Raises
    ------
    NoPixelDataError
        If the instance holds no pixels.
    TooLargeError
        If a frame would be larger than ``MAX_FRAME_BYTES``.
    PixelDataError
        If an attribute is missing, malformed or contradicts another.
    """
    if header.pixel_bytes is None:
        raise NoPixelDataError(
            f"{header.name}: holds no Pixel Data (7FE0,0010); it is {_article(header.sop_class_name)}"
        )
    encoded = header.elements.encoded
    try:
        if encoded is None:
            description = _described(header.pixel_bytes.keyword, header.elements)
        else:
            description = _described_bytes(header.pixel_bytes.keyword, *map(encoded.get, _TAGS))
        # The palette of a label map is for display; its values are segment numbers (PS3.3 C.8.20.2).
        return _uncoloured(description) if header.sop_class_uid in SEGMENTATIONS else description
    except VoxelryError as error:
        raise named(error, header.name) from None


@lru_cache(maxsize=256)  # most headers of a series have the same values, which identify no patient
def _described_bytes(keyword: str, *encoded: EncodedValue | None) -> PixelDescription:
    return _described(
        keyword, Elements({tag: value for tag, value in zip(_TAGS, encoded, strict=True) if value is not None})
    )


@lru_cache(maxsize=16)
def _uncoloured(found: PixelDescription) -> PixelDescription:
    return replace(found, photometric="MONOCHROME2") if found.kind == "palette" else found


def _described(keyword: str, image: Elements) -> PixelDescription:
    rows, columns = _needed(image, "Rows"), _needed(image, "Columns")
    samples = integer(image, "SamplesPerPixel") or 1
    whole = keyword == "PixelData"
    allocated = _needed(image, "BitsAllocated") if whole else (32 if keyword == "FloatPixelData" else 64)
    stored = (integer(image, "BitsStored") or allocated) if whole else allocated
    high = integer(image, "HighBit") if whole else None
    signed = integer(image, "PixelRepresentation") == 1
    planar = integer(image, "PlanarConfiguration") == 1
    frames = _number_of_frames(image)
    photometric = text(image, "PhotometricInterpretation") or ("MONOCHROME2" if samples == 1 else "RGB")
    high = stored - 1 if high is None else high
    for side, keyword_of_side in ((rows, "Rows"), (columns, "Columns")):
        if not 0 < side <= MAX_SIDE:
            raise PixelDataError(f"{tag_label(keyword_of_side)} is {side}")
    if allocated not in (1, 8, 16, 32, 64) or samples not in (1, 3):
        raise PixelDataError(
            f"{tag_label('BitsAllocated')} {allocated} with {tag_label('SamplesPerPixel')} {samples} cannot be "
            "read; 1, 8, 16, 32 or 64 bits and 1 or 3 samples can"
        )
    if not 0 < stored <= allocated or not stored - 1 <= high < allocated:
        raise PixelDataError(
            f"{tag_label('BitsStored')} {stored} and {tag_label('HighBit')} {high} do not fit "
            f"{tag_label('BitsAllocated')} {allocated}"
        )
    if (samples == 1) == (photometric in COLOUR):
        raise PixelDataError(
            f"{tag_label('PhotometricInterpretation')} {photometric} does not go with "
            f"{tag_label('SamplesPerPixel')} {samples}"
        )
    description = PixelDescription(
        rows, columns, samples, frames, allocated, stored, high, signed, photometric, planar, keyword
    )
    if description.frame_bits // 8 > MAX_FRAME_BYTES:
        raise TooLargeError(f"declares frames of {rows} x {columns} pixels, {description.frame_bits // 8} bytes each")
    return description


def _number_of_frames(image: Elements) -> int:
    """Number of Frames (0028,0008); 1 if it is absent."""
    count = integer(image, "NumberOfFrames")
    count = 1 if count in (None, 0) else count
    if count is None or not 0 < count <= MAX_FRAMES:
        raise PixelDataError(f"{tag_label('NumberOfFrames')} is {count}")
    return count


def _needed(image: Elements, keyword: str) -> int:
    value = integer(image, keyword)
    if value is None:
        raise PixelDataError(f"{tag_label(keyword)} is missing, so the pixels cannot be read")
    return value


def _article(name: str) -> str:
    return f"{'an' if name.startswith(('A', 'E', 'I', 'O', 'Un', 'RT', 'MR', 'X')) else 'a'} {name} object"
