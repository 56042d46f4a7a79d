"""The time from one volume of a file to the next: from times of acquisition, else from the Repetition Time of EPI.

A Repetition Time is the time of a volume only where one shot reads a slice; elsewhere it is shorter, and says nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TypeAlias

from voxelry.dicom.acquisition.ge_settings import ge_pause
from voxelry.dicom.acquisition.phase_encoding import is_echo_planar
from voxelry.dicom.frames.acquisition_times import ACQUISITION_CLOCKS, clock_of
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.group_values import first_number_of, group_number
from voxelry.dicom.frames.private_places import frame_private_numbers, frame_private_text
from voxelry.dicom.headers.attributes import text
from voxelry.dicom.headers.private_attributes import private_value
from voxelry.dicom.series.stack import Stack

_TRIGGERS = ("TriggerTime", "NominalCardiacTriggerDelayTime")
_CYCLES = frozenset((
    *_TRIGGERS, "NominalPercentageOfCardiacPhase", "RRIntervalVector", "TimeSlotVector", "CardiacCyclePosition",
    "RespiratoryCyclePosition",
))  # fmt: skip
"""Volumes that these tell apart were acquired in turns, over many cycles."""
_EVEN = 0.01
"""Volumes are even if none is off by more than this fraction of a step, or than the clock's resolution."""
_FINE, _COARSE = 0.01, 1.0
"""Seconds: how exact clocks are that write fractions of a second, and those that do not."""


@dataclass(frozen=True, slots=True)
class VolumeSteps:
    """When the volumes of a file were acquired.

    Attributes
    ----------
    seconds
        From one to the next; None if they are uneven.
    times
        Seconds after the first, one for each; empty if only the step is known.
    keyword
        The attribute that says so.
    of_cycle
        True for times within the heart's or another cycle, which are no times of acquisition.
    """

    seconds: float | None
    times: tuple[float, ...]
    keyword: str
    of_cycle: bool = False


def volume_steps(stacks: Sequence[Stack]) -> VolumeSteps | None:
    """The step in time of volumes that share a file, in their order; None if headers do not tell it.

    References
    ----------
    PS3.3 C.8.3.1 (MR Image), C.7.6.16.2.2 (Frame Content), C.8.9.4 (PET Image); BIDS, "RepetitionTime"
    """
    if len(stacks) < 2:
        return None
    members = [_of_each(stack) for stack in stacks]
    first = members[0][0]
    separated = {keyword for stack in stacks for keyword, _ in stack.pile.separation}
    echo_planar = _reads_planes(first)
    timing = "MRTimingAndRelatedParametersSequence"
    repetition = _shared(members, lambda frame: group_number(frame, timing, "RepetitionTime"))
    if echo_planar and repetition is not None:
        repetition += 1000 * (_shared(members, ge_pause) or 0.0)
    if separated & _CYCLES and not echo_planar:
        for keyword in _TRIGGERS:
            found = _spaced(_each(members, partial(_trigger, keyword=keyword)), keyword, None)
            if found is not None:
                return VolumeSteps(found.seconds, found.times, keyword, of_cycle=True)
        return None
    in_order, labelled = True, _are_labelled(members)
    for keyword, times in _times(members):
        found = _in_turns(times, keyword, repetition, labelled=labelled) or _spaced(times, keyword, repetition)
        if found is not None:
            return found
        in_order = in_order and not _are_of_no_step(times)
    if not in_order:
        return None
    resolution = _shared(members, lambda frame: first_number_of(frame.header.elements, "TemporalResolution"))
    if resolution is not None and resolution > 0:
        return VolumeSteps(resolution / 1000, (), "TemporalResolution")
    if echo_planar and repetition is not None and repetition > 0:
        return VolumeSteps(repetition / 1000, (), "RepetitionTime")
    return None


def _of_each(stack: Stack) -> list[Frame]:
    """The frames that have times of their own: one of each instance without functional groups."""
    return list({frame.header if not frame.groups else frame: frame for frame in stack.frames}.values())


_Members: TypeAlias = Sequence[Sequence[Frame]]
"""Frames of each volume."""


def _times(members: _Members) -> Iterator[tuple[str, list[float | None]]]:
    """What tells when each volume was acquired, the most exact first: seconds of its first slice."""
    if text(members[0][0].header.elements, "Modality") == "PT":
        yield from _clocks(members)
    yield (
        "FrameReferenceTime",
        _each(members, lambda frame: _milliseconds(first_number_of(frame.header.elements, "FrameReferenceTime"))),
    )
    offset = "TemporalPositionTimeOffset"
    yield offset, _each(members, lambda frame: group_number(frame, "TemporalPositionSequence", offset))
    yield (
        "DynamicScanBeginTime",
        _each([volume[:1] if volume[0].groups else volume for volume in members], _philips_dynamic),
    )
    yield from _clocks(members)
    yield "TriggerTime", _each(members, partial(_trigger, keyword="TriggerTime"))


def _clocks(members: _Members) -> Iterator[tuple[str, list[float | None]]]:
    frames = [frame for volume in members for frame in volume]
    for keyword in (*ACQUISITION_CLOCKS, "FrameReferenceDateTime"):
        clock = clock_of(frames, keyword)
        if clock is not None:
            yield keyword, [min(clock[frame] for frame in volume) for volume in members]


def _spaced(times: Sequence[float | None], keyword: str, repetition: float | None) -> VolumeSteps | None:
    """The step of times in their order; None if some are missing, or they are all one, or run back.

    Uneven times of which two are one tell nothing either.

    Where the Repetition Time, in ms, is as good within the clock's resolution, it is the step.
    """
    known = [time for time in times if time is not None]
    if len(known) < len(times) or len(set(known)) < 2 or any(after < before for before, after in pairwise(known)):
        return None
    since = [time - known[0] for time in known]
    step = since[-1] / (len(since) - 1)
    resolution = _COARSE if all(time == int(time) for time in known) else _FINE
    told = tuple(round(time, 6) for time in since)
    if any(abs(time - number * step) > max(resolution, _EVEN * step) for number, time in enumerate(since)):
        return VolumeSteps(None, told, keyword) if len(set(known)) == len(known) else None
    named = None if repetition is None else repetition / 1000
    if named and abs(named - step) <= resolution / (len(since) - 1) + 1e-3 * named:
        step = named
    return VolumeSteps(round(step, 6), told, keyword)


def _are_labelled(members: _Members) -> bool:
    """True for control and label of Philips in turns, each of the same duration: excitations of several shots too."""
    label = partial(frame_private_text, group=0x2005, creator="Philips MR Imaging DD 005", element=0x29)
    return {label(volume[0]) for volume in members[:2]} == {"CONTROL", "LABEL"}


def _in_turns(
    times: Sequence[float | None], keyword: str, repetition: float | None, *, labelled: bool
) -> VolumeSteps | None:
    """The step of volumes several of which share a time: label and control of one of Philips' dynamics.

    It is their share of the even time from one dynamic to the next, if that is the Repetition Time, in ms, or
    one volume is labelled and the other is not.
    """
    known = [time for time in times if time is not None]
    counts = Counter(known)
    turns = max(counts.values(), default=0)
    if repetition is None or len(known) < len(times) or len(counts) < 2 or set(counts.values()) != {turns}:
        return None
    found = _spaced(list(dict.fromkeys(known)), keyword, None)
    if turns < 2 or sorted(known) != known or found is None or found.seconds is None:
        return None
    share = found.seconds / turns
    if abs(repetition / 1000 - share) <= _EVEN * share:
        share = repetition / 1000
    elif not labelled or turns > 2:
        return None
    return VolumeSteps(round(share, 6), (), keyword)


def _are_of_no_step(times: Sequence[float | None]) -> bool:
    """True for times that differ, and yet not each from the one before, or that run back."""
    known = [time for time in times if time is not None]
    if len(known) < len(times) or len(set(known)) < 2:
        return False
    return any(after <= before for before, after in pairwise(known))


def _each(members: _Members, of: Callable[[Frame], float | None]) -> list[float | None]:
    """The smallest value of each volume's frames; None for a volume with a frame that has none."""
    found: list[float | None] = []
    for volume in members:
        values = [of(frame) for frame in volume]
        known = [value for value in values if value is not None]
        found.append(min(known) if len(known) == len(values) else None)
        if found[-1] is None:
            return found  # which is too short to be of use, and saves the rest
    return found


def _shared(members: _Members, of: Callable[[Frame], float | None]) -> float | None:
    values = {of(volume[0]) for volume in members}
    return values.pop() if len(values) == 1 else None


def _milliseconds(value: float | None) -> float | None:
    return None if value is None else value / 1000


def _trigger(frame: Frame, keyword: str) -> float | None:
    return _milliseconds(group_number(frame, "CardiacSynchronizationSequence", keyword))


def _philips_dynamic(frame: Frame) -> float | None:
    """When a dynamic began, seconds: Philips' (2005,xxA0)."""
    found = frame_private_numbers(frame, 0x2005, "Philips MR Imaging DD 001", 0xA0, "FL")
    return found[0] if found else None


def _reads_planes(frame: Frame) -> bool:
    """True for EPI, also where only Philips' factor (2001,xx13) says it."""
    if is_echo_planar(frame):
        return True
    factor = private_value(frame.header.elements, 0x2001, "Philips Imaging DD 001", 0x13)
    return factor is not None and len(factor) == 4 and 1 < int.from_bytes(factor, "little", signed=True) < 1 << 16
