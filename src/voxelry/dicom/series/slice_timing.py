"""Acquisition time of each slice, from the vendors' attributes.

The standard has no attribute for it. Siemens and others write the time of each image, and for each slice of a mosaic;
GE writes Trigger Time, a private clock, or only the order of the slices. Philips writes nothing.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from itertools import pairwise

from voxelry.core.errors import PixelDataError
from voxelry.dicom.frames.acquisition_times import clock_of
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.headers.attributes import number, text, texts
from voxelry.dicom.headers.private_attributes import first_number, private_value
from voxelry.dicom.series.stack import Stack

_GE_PROTOCOL = re.compile(rb'^(SLICEORDER|IOPT|NOSLC) "([^"\n]*)"', re.MULTILINE)
_SAME_SPAN = 0.005
"""Seconds by which the times of two volumes may differ that a scanner rounds to 2.5 ms."""
_MOST_PROTOCOL = 1 << 20
"""The most bytes of an unpacked protocol; real ones have about 2000."""
_GE_TICKS = 10_000
"""Ticks per second of the clock of old GE software."""


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
    found = _of_tiles(stacks) if frames[0].tile is not None else _acquired(frames)
    if found is None and "EP" in texts(first, "ScanningSequence") and repetition is not None:
        found = _triggered(frames) or _ge_clock(frames, repetition) or _ge_order(frames, repetition)
    if found is None:
        return None
    start = min(found)
    times = tuple(round(time - start, 6) for time in found)
    if len(stacks) > 1 and (repetition is None or max(times) >= repetition):
        return None
    return times


def _repetition_seconds(frame: Frame) -> float | None:
    try:
        found = number(frame.header.elements, "RepetitionTime")
    except PixelDataError:
        return None
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
        clock = clock_of(frames, keyword) if all("." in frame.value(keyword) for frame in frames) else None
        found = None if clock is None else _varied([clock[frame] for frame in frames])
        if found is not None and any(time % 1 for time in found):  # whole seconds tell no slice from the next
            return found
    return None


def _triggered(frames: Sequence[Frame]) -> list[float] | None:
    """By Trigger Time, which GE's ``epi`` writes for each slice."""
    maker = text(frames[0].header.elements, "Manufacturer").upper()
    return _varied([_trigger_seconds(frame) for frame in frames]) if maker.startswith("GE") else None


def _trigger_seconds(frame: Frame) -> float | None:
    try:
        found = number(frame.header.elements, "TriggerTime")
    except PixelDataError:
        return None
    return None if found is None else found / 1000


def _ge_clock(frames: Sequence[Frame], repetition: float) -> list[float] | None:
    """By GE's clock, in seconds or, of old software, in ticks."""
    contents = [private_value(frame.header.elements, 0x0021, "GEMS_RELA_01", 0x5E) for frame in frames]
    found = _varied([None if content is None else first_number(content) for content in contents])
    if found is None:
        return None
    if max(found) - min(found) >= repetition:
        found = [time / _GE_TICKS for time in found]
    return found if max(found) - min(found) < repetition else None


def _ge_order(frames: Sequence[Frame], repetition: float) -> list[float] | None:
    """By GE's protocol, which says whether slices are interleaved; they fill the Repetition Time evenly.

    Not where several slices are excited at once, where a pause follows a volume, or in diffusion.
    """
    first = frames[0].header.elements
    protocol = _ge_protocol(frames[0])
    count = len(frames)
    many = private_value(first, 0x0043, "GEMS_PARM_01", 0xB6)
    pause = private_value(first, 0x0043, "GEMS_PARM_01", 0x7C)
    if (
        "EPI" not in protocol.get("IOPT", "")
        or "DIFF" in protocol["IOPT"]
        or protocol.get("SLICEORDER") not in ("0", "1")
        or protocol.get("NOSLC") != str(count)
        or (many and (first_number(many) or 0) > 1)
        or (pause and first_number(pause) != 0)
    ):
        return None
    order = [*range(0, count, 2), *range(1, count, 2)] if protocol["SLICEORDER"] == "1" else range(count)
    times = [0.0] * count
    for turn, place in enumerate(order):
        times[place] = repetition / count * turn
    numbers = [frame.instance_number for frame in frames]  # the order in which the protocol counts slices
    if all(one < other for one, other in pairwise(numbers)):
        return times
    return times[::-1] if all(one > other for one, other in pairwise(numbers)) else None


def _ge_protocol(frame: Frame) -> dict[str, str]:
    """Some words of the Protocol Data Block, a gzip'd text."""
    content = private_value(frame.header.elements, 0x0025, "GEMS_SERS_01", 0x1B) or b""
    start = content.find(b"\x1f\x8b", 0, 16)
    try:
        words = b"" if start < 0 else zlib.decompressobj(31).decompress(content[start:], _MOST_PROTOCOL)
    except zlib.error:
        return {}
    return {name.decode(): value.decode("latin-1") for name, value in _GE_PROTOCOL.findall(words)}
