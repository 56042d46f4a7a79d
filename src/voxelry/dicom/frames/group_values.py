"""An attribute of a frame: of a sequence in its functional groups, else of its instance."""

from __future__ import annotations

from voxelry.core.errors import PixelDataError
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.headers.attributes import Attributes, first_attributes, numbers, text


def group_text(frame: Frame, sequence: str, keyword: str) -> str:
    """As text; empty if neither has it."""
    for group in frame.groups:
        item = first_attributes(group, sequence)
        said = "" if item is None else text(item, keyword)
        if said:
            return said
    return text(frame.header.elements, keyword)


def group_number(frame: Frame, sequence: str, keyword: str) -> float | None:
    """The first number; None if neither has one, or the first that has the attribute has no number."""
    for group in frame.groups:
        item = first_attributes(group, sequence)
        if item is not None and keyword in item:
            return first_number_of(item, keyword)
    return first_number_of(frame.header.elements, keyword)


def first_number_of(attributes: Attributes, keyword: str) -> float | None:
    """The first number of an attribute; None if it is absent or no number."""
    try:
        return next(iter(numbers(attributes, keyword) or ()), None)
    except PixelDataError:
        return None
