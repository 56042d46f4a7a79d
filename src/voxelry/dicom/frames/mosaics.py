"""Images that hold the slices of a volume side by side: mosaics of Siemens and grids of UIH.

Such an image looks like a single slice with a spacing. It is recognised by the vendor's attributes, and its tiles
become frames of their own. An image whose tiles cannot be placed for certain stays whole, and its stack says why.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Literal

from voxelry.core.errors import MosaicError
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.private_places import SIEMENS_IMAGE, frame_private_text
from voxelry.dicom.frames.siemens_mosaics import SiemensMosaics, siemens_count
from voxelry.dicom.frames.uih_grids import UihGrids, uih_count
from voxelry.dicom.headers.attributes import first_item, text, texts
from voxelry.dicom.headers.elements import Elements
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.private_attributes import private_value

_WORD = "MOSAIC"
_SIEMENS = "SIEMENS MR HEADER"
_UIH = "Image Private Header"

Maker = Literal["Siemens mosaic", "UIH grid"]


def with_tiles(frames: Sequence[Frame]) -> list[Frame]:
    """The frames of a series, with the slices of each mosaic in place of the mosaic, in the same order.

    Frames that share their facts are of one kind. A mosaic that cannot be cut stays as it is: ``mosaic_of`` says why.
    """
    kinds: dict[int, Maker | None] = {}
    siemens, uih = SiemensMosaics(), UihGrids()
    found: list[Frame] = []
    for frame in frames:
        if frame.pixels.frames != 1 or frame.blank is not None:
            found.append(frame)
            continue
        key = id(frame.facts)
        kind = kinds[key] if key in kinds else kinds.setdefault(key, _kind_of(frame))
        if kind is None:
            found.append(frame)
            continue
        try:
            found += (siemens if kind == "Siemens mosaic" else uih).tiles_of(frame)
        except MosaicError:
            found.append(frame)
    return found


def mosaic_of(frames: Sequence[Frame]) -> MosaicError | None:
    """The error for frames that hold several slices side by side; None if they hold one slice each.

    A multi-frame object whose frames lie at several positions holds slices, whatever its Image Type says: scanners of
    Siemens cut mosaics and keep the word.
    """
    by_header: dict[Header, list[Frame]] = defaultdict(list)
    for frame in frames:
        if frame.tile is None:
            by_header[frame.header].append(frame)
    asked: set[int] = set()
    for own in by_header.values():
        first = own[0]
        if id(first.facts) in asked or len({frame.position for frame in own}) > 1:
            continue
        asked.add(id(first.facts))
        kind = _kind_of(first)
        if kind is not None:
            return _error(first, kind)
    return None


def _error(frame: Frame, kind: Maker) -> MosaicError:
    reason, tiles = "", siemens_count(frame) if kind == "Siemens mosaic" else uih_count(frame)
    try:
        if frame.pixels.frames > 1:
            reason = "it has several frames, and nothing says how each is to be cut"
        else:
            (SiemensMosaics() if kind == "Siemens mosaic" else UihGrids()).tiles_of(frame)
    except MosaicError as error:
        reason = str(error)
    held = "several slices" if tiles is None else f"{tiles} slices"
    return MosaicError(
        f"each image is a {kind}: {held} of a volume side by side, which cannot be cut apart: {reason}. It is no "
        "slice, and has neither mm3 nor a place in the patient here; such images are shown and not measured, "
        "converted or processed: export the series with an image for each slice, or as enhanced DICOM",
        tiles=tiles,
        reason=reason,
    )


def _kind_of(frame: Frame) -> Maker | None:
    """What kind of tiled image a frame is; None if it is a slice."""
    own = frame.header.elements
    is_mr = text(own, "Modality") == "MR"
    siemens = siemens_count(frame) if is_mr else None
    if (_says_mosaic(frame, own, is_mr=is_mr) and siemens != 1) or (siemens is not None and siemens > 1):
        return "Siemens mosaic"
    if not is_mr:
        return None
    uih = uih_count(frame)
    if uih is None:
        return "UIH grid" if private_value(own, 0x0065, _UIH, 0x51) else None
    return "UIH grid" if uih > 1 else None


def _says_mosaic(frame: Frame, own: Elements, *, is_mr: bool) -> bool:
    """True by Image Type, Frame Type, or what Siemens repeats of them in attributes of its own."""
    if any(_WORD in value.upper().split() for value in texts(own, "ImageType")):
        return True
    if any(_WORD in value.upper().split() for value in _frame_type(frame)):
        return True
    if not is_mr:
        return False
    repeated = private_value(own, 0x0051, _SIEMENS, 0x16) or b""
    inside = frame_private_text(frame, 0x0021, SIEMENS_IMAGE, 0x75)
    return _WORD.encode() in repeated.upper().replace(b"/", b"\\").split(b"\\") or _WORD in inside.upper()


def _frame_type(frame: Frame) -> tuple[str, ...]:
    for group in frame.groups:
        item = first_item(group, "MRImageFrameTypeSequence")
        if item is not None:
            return texts(item, "FrameType")
    return ()
