"""Acquisition time of each slice, from the vendors' attributes.

The standard has no attribute for it. Siemens and others write the time of each image, and for each slice of a mosaic;
GE writes Trigger Time, a private clock, or only the order of the slices. Philips writes nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from voxelry.dicom.acquisition.ge_slice_times import ge_slice_times
from voxelry.dicom.acquisition.phase_encoding import is_echo_planar
from voxelry.dicom.frames.acquisition_times import clock_of
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.group_attributes import frame_number
from voxelry.dicom.frames.private_places import SIEMENS_IMAGE, frame_private_numbers
from voxelry.dicom.headers.attributes import text
from voxelry.dicom.series.stack import Stack

_SAME_SPAN = 0.005
"""Seconds by which the times of two volumes may differ that a scanner rounds to 2.5 ms."""
_TO_THE_SECOND = re.compile(r"(?:\d{8})?\d\d:?\d\d:?\d\d(?:\.\d+)?(?:[+-]\d{4})?")
"""A time, with its date or not, that is not cut off before the seconds."""


def slice_times(stacks: Sequence[Stack]) -> tuple[float, ...] | None:
    """When each slice was acquired.

    Parameters
    ----------
    stacks
        The time points of one grid, in order; or a single stack.

    Returns
    -------
    times
        Seconds after the first of the slices, one for each, in the order of the stack's frames; None where headers do
        not tell, or contradict themselves: times of a series that are spread over more than its Repetition Time.

        Of several time points the second one's, as of some sequences the first has wrong times; of mosaics the
        first one's where both span the same time.

    References
    ----------
    PS3.3 C.8.3.1 (MR Image), C.7.6.16.2.2 (Frame Content)
    """
    frames = stacks[min(1, len(stacks) - 1)].frames
    first = frames[0].header.elements
    # In a 3-D acquisition all slices are acquired together, whatever their times are.
    if len(frames) < 2 or text(first, "Modality") != "MR" or text(first, "MRAcquisitionType") != "2D":
        return None
    repetition = _repetition_seconds(frames[0])
    for found in _told_ways(stacks, frames, repetition):
        start = min(found)
        times = tuple(round(time - start, 6) for time in found)
        if len(stacks) == 1 or (repetition is not None and max(times) < repetition):
            return times
    return None


def simultaneous_slices(times: Sequence[float]) -> int:
    """How many slices were acquired at each time; 1 where the times do not have equally many."""
    counts = set(Counter(times).values())
    return counts.pop() if len(counts) == 1 else 1


def _told_ways(stacks: Sequence[Stack], frames: Sequence[Frame], repetition: float | None) -> Iterator[list[float]]:
    """Times of the slices in each of the ways that the headers allow; GE's own before the times of images."""
    ways = [_of_tiles(stacks)] if frames[0].tile is not None else [_acquired(frames), _after_start(frames)]
    if repetition is not None and is_echo_planar(frames[0]):
        yield from ge_slice_times(frames, repetition)
    yield from (way for way in ways if way is not None)


def _repetition_seconds(frame: Frame) -> float | None:
    found = frame_number(frame, "RepetitionTime")
    return None if found is None or found <= 0 else found / 1000


def _varied(times: Sequence[float | None]) -> list[float] | None:
    """All of them, if they are known and differ."""
    known = [time for time in times if time is not None]
    return known if len(known) == len(times) and len(set(known)) > 1 else None


def _of_tiles(stacks: Sequence[Stack]) -> list[float] | None:
    """By the times that a mosaic has of its slices: of the first volume, unless they span another time than the next.

    In some sequences the first volume has wrong times; in others the scanner rounds each volume's anew.
    """
    found = [
        _varied([None if frame.tile is None else frame.tile.seconds for frame in one.frames]) for one in stacks[:2]
    ]
    if len(found) == 1 or found[1] is None:
        return found[0]
    spans = [max(times) - min(times) for times in found if times is not None]
    return found[0] if len(spans) == 2 and abs(spans[0] - spans[1]) <= _SAME_SPAN else found[1]


def _acquired(frames: Sequence[Frame]) -> list[float] | None:
    """By the time at which each image's acquisition began."""
    for keyword in ("FrameAcquisitionDateTime", "AcquisitionTime", "AcquisitionDateTime"):
        whole = all(_TO_THE_SECOND.fullmatch(frame.value(keyword).strip()) for frame in frames)
        clock = clock_of(frames, keyword) if whole else None
        found = None if clock is None else _varied([clock[frame] for frame in frames])
        if found is not None and any(time % 1 for time in found):  # whole seconds tell no slice from the next
            return found
    return None


def _after_start(frames: Sequence[Frame]) -> list[float] | None:
    """By Siemens' time after the start of the acquisition, which XA writes."""
    told = [frame_private_numbers(frame, 0x0021, SIEMENS_IMAGE, 0x04, "DS") for frame in frames]
    return _varied([one[0] if one else None for one in told])
