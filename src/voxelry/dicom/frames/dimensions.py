"""The dimensions of an enhanced multi-frame instance, which distinguish its frames (PS3.3 C.7.6.17)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from pydicom.datadict import keyword_for_tag

from voxelry.core.errors import PixelDataError
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.frame_content import content_columns
from voxelry.dicom.headers.attributes import Attributes, first_attributes, items, numbers, text, value_of
from voxelry.dicom.headers.elements import Elements, EncodedValue
from voxelry.dicom.headers.header import Header

_VALUES = 0x00209157
"""Dimension Index Values."""


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
    """The dimensions of the frames' instance; for several instances, those that they share by UID.

    Empty if the frames declare none, or different ones.
    """
    headers = dict.fromkeys(frame.header for frame in frames)
    if not all(frame.groups for frame in frames):
        return ()
    told = {tuple(_told(header)) for header in headers}
    if len(told) > 1:
        return ()
    found = told.pop()
    if len(headers) > 1 and not all(organization for _, organization in found):
        return ()
    return tuple(Dimension(name, place) for place, (name, _) in enumerate(found) if name)


def _told(header: Header) -> Iterator[tuple[str, str]]:
    """For each dimension its attribute, empty if it cannot be read, and the UID of its organization."""
    for item in items(header.elements, "DimensionIndexSequence"):
        pointer = value_of(item, "DimensionIndexPointer")
        organization = text(item, "DimensionOrganizationUID")
        if isinstance(pointer, int):
            yield keyword_for_tag(pointer) or f"({pointer >> 16:04X},{pointer & 0xFFFF:04X})", organization
        else:
            yield "", organization


def dimension_indices(frames: Sequence[Frame]) -> Sequence[Sequence[float]]:
    """Dimension Index Values (0020,9157) of each frame, one for each dimension; empty where unknown."""
    columns = content_columns(frames, (_VALUES,))
    if columns is None:
        return [_of_frame(frame) for frame in frames]
    cells = columns[_VALUES]
    plain = [cell[1] for cell in cells if cell is not None and cell[0] == b"UL"]
    length, *others = {len(value) for value in plain} or {0}
    if len(plain) < len(cells) or others or length == 0 or length % 4:
        return [_numbers({} if cell is None else {_VALUES: cell}) for cell in cells]
    found: list[list[float]] = np.frombuffer(b"".join(plain), "<u4").reshape(len(cells), -1).astype(float).tolist()
    return found


def _of_frame(frame: Frame) -> tuple[float, ...]:
    for group in frame.groups:
        content = first_attributes(group, "FrameContentSequence")
        if content is None:
            continue
        return _numbers(content)
    return ()


def _numbers(content: Attributes | dict[int, EncodedValue]) -> tuple[float, ...]:
    try:
        return numbers(Elements(content) if isinstance(content, dict) else content, "DimensionIndexValues") or ()
    except PixelDataError:
        return ()
