"""Images that hold the slices of a volume side by side: mosaics of Siemens and grids of UIH.

Such an image looks like a single slice with a spacing. It is recognised by the vendor's attributes.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from pydicom.dataset import Dataset

from voxelry.core.errors import MosaicError
from voxelry.dicom.frames.frame import Frame, one_of_each
from voxelry.dicom.headers.attributes import first_item, text, texts
from voxelry.dicom.headers.elements import Elements
from voxelry.dicom.headers.json_values import readable_elements
from voxelry.dicom.headers.private_attributes import first_number, private_value
from voxelry.dicom.headers.pydicom_silence import quiet
from voxelry.dicom.headers.siemens_csa import csa_values

_WORD = "MOSAIC"
_SIEMENS = "SIEMENS MR HEADER"
_UIH = "Image Private Header"
_MOST_TILES = 4096


def mosaic_of(frames: Sequence[Frame]) -> MosaicError | None:
    """The error for frames that hold several slices side by side; None if they hold one slice each."""
    first = {frame.header: frame for frame in reversed(list(one_of_each(frames)))}
    for frame in first.values():
        told = _tiles(frame)
        if told is not None:
            maker, tiles = told
            return _error(maker, tiles)
    return None


def _error(maker: str, tiles: int | None) -> MosaicError:
    held = "several slices" if tiles is None else f"{tiles} slices"
    return MosaicError(
        f"each image is a {maker}: {held} of a volume side by side. It is no slice, and has neither mm3 nor a place in "
        "the patient here; such images are shown and not measured, converted or processed: export the series with an "
        "image for each slice, or as enhanced DICOM",
        tiles=tiles,
    )


def _tiles(frame: Frame) -> tuple[str, int | None] | None:
    """Who tiled an image, and into how many, where that is known."""
    own = frame.header.elements
    siemens = _siemens_tiles(own)
    if _says_mosaic(frame, own) and siemens != 1:
        return "Siemens mosaic", siemens
    if siemens is not None and siemens > 1:
        return "Siemens mosaic", siemens
    if text(own, "Modality") != "MR":
        return None
    uih = _count(private_value(own, 0x0065, _UIH, 0x50))
    if uih is not None and uih > 1:
        return "UIH grid", uih
    return ("UIH grid", None) if uih is None and private_value(own, 0x0065, _UIH, 0x51) else None


def _says_mosaic(frame: Frame, own: Elements) -> bool:
    """True by Image Type, Frame Type, or what Siemens repeats of them in attributes of its own."""
    if any(_WORD in value.upper().split() for value in texts(own, "ImageType")):
        return True
    if any(_WORD in value.upper().split() for value in _frame_type(frame)):
        return True
    if text(own, "Modality") != "MR":
        return False
    repeated = private_value(own, 0x0051, _SIEMENS, 0x16) or b""
    return _WORD.encode() in repeated.upper().replace(b"/", b"\\").split(b"\\") or any(
        _says_so_inside(group) for group in frame.groups
    )


def _frame_type(frame: Frame) -> tuple[str, ...]:
    for group in frame.groups:
        item = first_item(group, "MRImageFrameTypeSequence")
        if item is not None:
            return texts(item, "FrameType")
    return ()


def _says_so_inside(group: Dataset) -> bool:
    """True by the private Image Type of a functional group (0021,xx75), as Siemens' XA writes it."""
    for element in readable_elements(group):
        if element.tag.group == 0x0021 and element.VR == "SQ":
            for item in element.value:
                for inner in readable_elements(item):
                    if inner.tag.group == 0x0021 and inner.tag.element & 0xFF == 0x75:
                        with quiet:
                            if _WORD in str(inner.value).upper():
                                return True
    return False


def _siemens_tiles(own: Elements) -> int | None:
    """Number of Images in Mosaic, as an attribute (0019,xx0A) or within the CSA header (0029,xx10)."""
    if text(own, "Modality") != "MR":
        return None
    found = _count(private_value(own, 0x0019, _SIEMENS, 0x0A))
    if found is None:
        (told,) = csa_values(own).get("NumberOfImagesInMosaic", ())[:1] or ("",)
        found = _count(told.encode())
    return found


def _count(content: bytes | None) -> int | None:
    """A number written as text or as 16 or 32 bits; None where there is none that could be a count."""
    if not content:
        return None
    if len(content) == 2 and not content.strip(b"\0 ").isdigit():
        (number,) = struct.unpack("<H", content)
        return int(number) if 0 < number <= _MOST_TILES else None
    found = first_number(content)
    return int(found) if found is not None and found.is_integer() and 0 < found <= _MOST_TILES else None
