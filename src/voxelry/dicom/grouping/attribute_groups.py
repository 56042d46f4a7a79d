"""Groups of frames by the values of one attribute, and their names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from voxelry.dicom.frames.diffusion import shown_diffusion
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.grouping.piles import NumberedFrames
from voxelry.dicom.grouping.separating_attributes import Attribute
from voxelry.dicom.grouping.varying_attributes import DIFFUSION, Column
from voxelry.dicom.grouping.volume_labels import in_order, shown_values
from voxelry.dicom.headers.comparable import Comparable

Groups: TypeAlias = dict[Comparable, NumberedFrames]
Separation: TypeAlias = tuple[tuple[str, str], ...]


def groups_by_value(placed: NumberedFrames, column: Column) -> Groups:
    """The frames of each value, in the order of the values."""
    members: dict[Comparable, list[tuple[int, Frame]]] = defaultdict(list)
    for numbered in placed:
        members[column[numbered[1]]].append(numbered)
    return {value: placed.only(members[value]) for value in sorted(members, key=in_order)}


def named_groups(
    groups: Groups, attribute: Attribute, frames: Sequence[Frame]
) -> Iterator[tuple[Separation, NumberedFrames]]:
    """Each group with the attributes and values that distinguish it from the others, as text."""
    if attribute == DIFFUSION:
        separations: list[Separation] = [*shown_diffusion(list(groups))]
    else:
        separations = [((attribute.name, value),) for value in shown_values(attribute, list(groups), frames)]
    yield from zip(separations, groups.values(), strict=True)
