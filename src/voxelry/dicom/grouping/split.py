"""Sorts a series' frames into piles, each of which can be one stack.

Frames that cannot share a grid are separated first (``grid_groups``). Frames at repeated positions are separated by the
attribute that distinguishes them (``repeated_positions``), and interleaved volumes by an attribute that makes each
evenly spaced (``overlapping``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from voxelry.core.gaps import places_of
from voxelry.core.progress import Progress, silent
from voxelry.core.slice_grid import DEFAULT_TOLERANCES, Tolerances, slice_normal
from voxelry.dicom.frames.concatenations import missing_parts
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.mosaics import mosaic_of
from voxelry.dicom.frames.orientation import orientation_of
from voxelry.dicom.grouping.differing_slices import with_differing
from voxelry.dicom.grouping.grid_groups import SEGMENT, groups_of, segment_of
from voxelry.dicom.grouping.overlapping import piles_apart
from voxelry.dicom.grouping.piles import NumberedFrames, Pile, in_acquired_order
from voxelry.dicom.grouping.repeated_positions import piles_of
from voxelry.dicom.grouping.tiled_piles import piles_of_mosaics


def split(
    frames: Iterable[Frame], *, tolerances: Tolerances = DEFAULT_TOLERANCES, progress: Progress = silent
) -> list[Pile]:
    """Sort the frames of a series into piles. Neither file order nor file names matter."""
    groups = sorted(groups_of(in_acquired_order(frames), tolerances), key=lambda group: len(group.frames), reverse=True)
    segments = {segment_of(group.frames[0]) for group in groups}
    if segments == {""}:
        groups = with_differing(groups, tolerances)
    piles: list[Pile] = []
    for number, group in enumerate(groups):
        if number:
            progress(number / len(groups), "sorting frames")
        segment = segment_of(group.frames[0])
        own = _separate(list(group.frames), tolerances)
        problem = mosaic_of(group.frames) or missing_parts(group.frames)
        if problem is not None:
            own = [replace(pile, problem=problem) for pile in own]
        if segment and len(segments) > 1:
            own = [pile.within((SEGMENT, segment)) for pile in own]
        piles += [replace(pile, group=number, findings=(*pile.findings, *group.findings)) for pile in own]
    return piles


def _separate(frames: list[Frame], tolerances: Tolerances) -> list[Pile]:
    if frames[0].orientation is None or frames[0].position is None:
        return [Pile(tuple(frames))]
    mosaics = piles_of_mosaics(frames, partial(place, tolerances=tolerances))
    if mosaics is not None:
        return mosaics
    placed = place(frames, tolerances)
    return piles_apart(placed) if len(placed.offset_of) == len(frames) else piles_of(placed)


def place(frames: Sequence[Frame], tolerances: Tolerances) -> NumberedFrames:
    """The frames with a position, ordered along the normal of the first frame."""
    offsets = np.array([frame.position for frame in frames], np.float64) @ slice_normal(orientation_of(frames))
    firsts, numbers = places_of(offsets, same=tolerances.same_position)
    order = np.argsort(numbers, kind="stable").tolist()
    return NumberedFrames([(int(numbers[n]), frames[n]) for n in order], dict(enumerate(offsets[firsts].tolist())))
