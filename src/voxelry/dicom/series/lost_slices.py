"""Assigns lost files to the stacks that lack them, by orientation, position, matrix and separating attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property

import numpy as np
from pydicom.datadict import tag_for_keyword

from voxelry.core.errors import PixelDataError
from voxelry.core.slice_grid import slice_normal
from voxelry.dicom.frames.acquisition_times import CLOCKS
from voxelry.dicom.frames.frame import SAME_COSINE
from voxelry.dicom.grouping.grid_groups import SAME_SPACING
from voxelry.dicom.grouping.image_kinds import image_kind
from voxelry.dicom.grouping.separating_attributes import STRONG
from voxelry.dicom.headers.attributes import integer, numbers, text
from voxelry.dicom.headers.comparable import Comparable, comparable_text
from voxelry.dicom.headers.header import Header
from voxelry.dicom.series.lost_files import CONFLICT, LostFile, LostSlices, Plane, planes_of
from voxelry.dicom.series.stack import Stack


def with_lost(
    stacks: Sequence[Stack], lost: Sequence[LostFile], perhaps: Sequence[LostFile]
) -> tuple[tuple[Stack, ...], tuple[LostFile, ...]]:
    """The stacks, each with the files that it lacks.

    Parameters
    ----------
    lost
        Files that are known to belong to the series.
    perhaps
        Files that may.

    Returns
    -------
    stacks
        In the same order.
    elsewhere
        Lost files that would be stacks of their own. Copies of slices that are present are left out.
    """
    found = [_Lacking(stack, perhaps) for stack in stacks]
    elsewhere: list[LostFile] = []
    for one in lost:
        alike = [lacking for lacking in found if _is_of_kind(lacking.stack, one.header)]
        alike = [lacking for lacking in alike if _is_of_grid(lacking.stack, one.header)] or alike
        alike = [lacking for lacking in alike if lacking.agrees(one.header)]
        used = False
        for plane in [(None, None)] if one.header is None else planes_of(one.header):
            around = [lacking for lacking in alike if _is_parallel(lacking.stack, plane)]
            used |= bool(around)
            _lay(one, plane, around)
        if not used:
            elsewhere.append(one)
    return tuple(lacking.whole() for lacking in found), tuple(elsewhere)


class _Lacking:
    """A stack, and the files that it lacks, while they are sorted."""

    def __init__(self, stack: Stack, perhaps: Sequence[LostFile]) -> None:
        self.stack = stack
        self.missing: list[tuple[float, LostFile]] = []
        self.doubles: list[tuple[float, LostFile]] = []
        self.perhaps = list(perhaps)

    def agrees(self, header: Header | None) -> bool:
        """False if an attribute that tells volumes of one place apart has another value here than in the stack."""
        if header is None:
            return True
        others = ((own, _value(header, keyword)) for keyword, own in self._told_apart_by.items())
        return not any(other and other != own for own, other in others)

    @cached_property
    def _told_apart_by(self) -> Mapping[str, Comparable]:
        """Separating attributes with one value in all slices; an attribute that varies (Trigger Time) is left out."""
        found: dict[str, Comparable] = {}
        for keyword in dict.fromkeys((*(keyword for keyword, _ in self.stack.pile.separation), *STRONG)):
            if keyword == "InstanceNumber" or tag_for_keyword(keyword) is None:
                continue
            values = {_value(frame.header, keyword) for frame in self.stack.frames}
            if len(values) == 1 and (value := values.pop()):
                found[keyword] = value
        return found

    def whole(self) -> Stack:
        """The stack with its lost files."""
        return replace(
            self.stack,
            lost=LostSlices(
                *_files_and_offsets(self.missing, self.stack.tolerances.same_position),
                *_files_and_offsets(self.doubles, self.stack.tolerances.same_position),
                tuple(self.perhaps),
            ),
        )


def _files_and_offsets(
    lost: Sequence[tuple[float, LostFile]], same: float
) -> tuple[tuple[LostFile, ...], tuple[float, ...]]:
    """Each file once; several at one place are one slice."""
    offsets: list[float] = []
    for offset in sorted(offset for offset, _ in lost):
        if not offsets or offset - offsets[-1] >= same:
            offsets.append(offset)
    return tuple(dict.fromkeys(one for _, one in lost)), tuple(offsets)


def _lay(one: LostFile, plane: Plane, around: Sequence[_Lacking]) -> None:
    """Assign a lost slice to the stacks of its orientation."""
    empty = [lacking for lacking in around if not _has_slice_at(lacking.stack, plane)]
    offsets = [_offset(lacking.stack, plane) for lacking in empty]
    if len(empty) == 1 and offsets[0] is not None:
        empty[0].missing.append((offsets[0], one))
        return
    for lacking in empty:
        if one not in lacking.perhaps:
            lacking.perhaps.append(one)
    if empty or one.problem.code == CONFLICT:  # a copy of a slice that is present is not missing
        return
    for lacking in around:
        offset = _offset(lacking.stack, plane)
        if offset is not None:
            lacking.doubles.append((offset, one))


def _is_of_kind(stack: Stack, header: Header | None) -> bool:
    if header is None or "ImageType" not in header.elements:
        return True
    return image_kind(header) == image_kind(stack.frames[0].header)


def _is_of_grid(stack: Stack, header: Header | None) -> bool:
    """True if rows and columns are the stack's, and their spacings where both tell them."""
    with suppress(PixelDataError):
        if header is None:
            return True
        first = stack.frames[0]
        found, its = (
            [integer(one.elements, keyword) for keyword in ("Rows", "Columns")] for one in (header, first.header)
        )
        spacing, own = numbers(header.elements, "PixelSpacing", 2), first.pixel_spacing
        pairs = [] if spacing is None or own is None else list(zip(spacing, own, strict=True))
        near = all(abs(other - mine) <= SAME_SPACING * mine for other, mine in pairs)
        return near and found == its
    return False


def _value(header: Header, keyword: str) -> Comparable:
    return comparable_text(text(header.elements, keyword), numbers=keyword not in CLOCKS)


def _is_parallel(stack: Stack, plane: Plane) -> bool:
    """True unless the plane is known to lie in another direction."""
    _, orientation = plane
    if orientation is None or not stack.placed:
        return True
    return not any(abs(mine - other) > SAME_COSINE for mine, other in zip(stack.orientation, orientation, strict=True))


def _has_slice_at(stack: Stack, plane: Plane) -> bool:
    offset = _offset(stack, plane)
    return offset is not None and bool(np.abs(np.array(stack.offsets) - offset).min() < stack.tolerances.same_position)


def _offset(stack: Stack, plane: Plane) -> float | None:
    """Of the plane along the stack's normal, mm; None where it is unknown."""
    position, orientation = plane
    if position is None or orientation is None or not stack.placed:
        return None
    return float(np.asarray(position) @ slice_normal(stack.orientation))
