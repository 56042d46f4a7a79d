"""The dimensions of an enhanced multi-frame instance: its own word on what tells its frames apart (PS3.3 C.7.6.17)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydicom.datadict import keyword_for_tag

from voxelry.core.errors import PixelDataError
from voxelry.dicom.attributes import first_item, items, numbers, value_of
from voxelry.dicom.concatenations import object_uid
from voxelry.dicom.frames import Frame


@dataclass(frozen=True, slots=True)
class Dimension:
    """One of an instance's dimensions.

    Attributes
    ----------
    keyword
        Of the attribute that it counts; ``(2005,1429)`` for a private one.
    place
        Of its number among Dimension Index Values (0020,9157).
    """

    keyword: str
    place: int


def dimensions_of(frames: Sequence[Frame]) -> tuple[Dimension, ...]:
    """The dimensions of frames of one object; none where they are of several, or it does not say."""
    header = frames[0].header
    if not frames[0].groups:
        return ()
    headers = dict.fromkeys(frame.header for frame in frames)
    if len(headers) > 1 and len(set(map(object_uid, headers))) > 1:
        return ()
    found = []
    for place, item in enumerate(items(header.elements, "DimensionIndexSequence")):
        pointer = value_of(item, "DimensionIndexPointer")
        if isinstance(pointer, int):
            name = keyword_for_tag(pointer) or f"({pointer >> 16:04X},{pointer & 0xFFFF:04X})"
            found.append(Dimension(name, place))
    return tuple(found)


def dimension_value(frame: Frame, dimension: Dimension) -> str:
    """``"index 3"``: the frame's number in a dimension, in the order of its values; empty where unknown."""
    for group in frame.groups:
        content = first_item(group, "FrameContentSequence")
        if content is None:
            continue
        try:
            indices = numbers(content, "DimensionIndexValues") or ()
        except PixelDataError:
            return ""
        return f"index {indices[dimension.place]:g}" if dimension.place < len(indices) else ""
    return ""
