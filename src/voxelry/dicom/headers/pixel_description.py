"""What a header says of its pixels, checked before any of them is read (PS3.3 C.7.6.3)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
from pydicom.datadict import tag_for_keyword

from voxelry.core.errors import NoPixelDataError, PixelDataError, TooLargeError, VoxelryError, named
from voxelry.dicom.headers.attributes import describe, integer, text
from voxelry.dicom.headers.elements import Elements, Raw
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
"""What a description is made of."""
_TAGS = tuple(int(tag_for_keyword(keyword) or 0) for keyword in PIXEL_KEYWORDS)
COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")


@dataclass(frozen=True, slots=True)
class PixelDescription:
    """PS3.3 C.7.6.3: how stored pixels are laid out."""

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
        """Of the stored values."""
        if self.keyword != "PixelData":
            return np.dtype("f4" if self.keyword == "FloatPixelData" else "f8")
        size = max(1, self.bits_allocated // 8)
        return np.dtype(f"{'i' if self.signed else 'u'}{size}")


def describe_pixels(header: Header) -> PixelDescription:
    """What the header says of the pixels, checked.

    Raises
    ------
    NoPixelDataError
        If the instance holds no pixels.
    PixelDataError
        If an attribute is missing, malformed or contradicts another.
    """
    if header.pixel_bytes is None:
        raise NoPixelDataError(
            f"{header.name}: holds no Pixel Data (7FE0,0010); it is {_article(header.sop_class_name)}"
        )
    raw = header.elements.raw
    try:
        if raw is None:
            found = _described(header.pixel_bytes.keyword, header.elements)
        else:
            found = _described_bytes(header.pixel_bytes.keyword, *map(raw.get, _TAGS))
        # The colours of a label map are for display: its values are the numbers of segments (PS3.3 C.8.20.2).
        return _uncoloured(found) if header.sop_class_uid in SEGMENTATIONS else found
    except VoxelryError as error:
        raise named(error, header.name) from None


@lru_cache(maxsize=256)  # of a series' thousands of headers most say the same; none of it is a patient's
def _described_bytes(keyword: str, *raw: Raw | None) -> PixelDescription:
    return _described(keyword, Elements({tag: one for tag, one in zip(_TAGS, raw, strict=True) if one is not None}))


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
            raise PixelDataError(f"{describe(keyword_of_side)} is {side}")
    if allocated not in (1, 8, 16, 32, 64) or samples not in (1, 3):
        raise PixelDataError(
            f"{describe('BitsAllocated')} {allocated} with {describe('SamplesPerPixel')} {samples} cannot be "
            "read; 1, 8, 16, 32 or 64 bits and 1 or 3 samples can"
        )
    if not 0 < stored <= allocated or not stored - 1 <= high < allocated:
        raise PixelDataError(
            f"{describe('BitsStored')} {stored} and {describe('HighBit')} {high} do not fit "
            f"{describe('BitsAllocated')} {allocated}"
        )
    if (samples == 1) == (photometric in COLOUR):
        raise PixelDataError(
            f"{describe('PhotometricInterpretation')} {photometric} does not go with "
            f"{describe('SamplesPerPixel')} {samples}"
        )
    found = PixelDescription(
        rows, columns, samples, frames, allocated, stored, high, signed, photometric, planar, keyword
    )
    if found.frame_bits // 8 > MAX_FRAME_BYTES:
        raise TooLargeError(f"declares frames of {rows} x {columns} pixels, {found.frame_bits // 8} bytes each")
    return found


def _number_of_frames(image: Elements) -> int:
    """Number of Frames (0028,0008), 1 where it is absent."""
    count = integer(image, "NumberOfFrames")
    count = 1 if count in (None, 0) else count
    if count is None or not 0 < count <= MAX_FRAMES:
        raise PixelDataError(f"{describe('NumberOfFrames')} is {count}")
    return count


def _needed(image: Elements, keyword: str) -> int:
    value = integer(image, keyword)
    if value is None:
        raise PixelDataError(f"{describe(keyword)} is missing, so the pixels cannot be read")
    return value


def _article(name: str) -> str:
    return f"{'an' if name.startswith(('A', 'E', 'I', 'O', 'Un', 'RT', 'MR', 'X')) else 'a'} {name} object"
