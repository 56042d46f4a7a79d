"""What tells the volumes of one series at one place apart, with values that can be sorted, and when they were made."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pydicom.datadict import dictionary_description, tag_for_keyword

from voxelry.core.errors import PixelDataError
from voxelry.dicom.frames.acquisition_times import ACQUISITION_CLOCKS, CLOCKS, clock_of
from voxelry.dicom.headers.attributes import number
from voxelry.dicom.series.stack import Stack

_UNITS = {
    "EchoTime": "ms", "EffectiveEchoTime": "ms", "TriggerTime": "ms", "NominalCardiacTriggerDelayTime": "ms",
    "InversionTime": "ms", "InversionTimes": "ms", "RepetitionTime": "ms", "FrameReferenceTime": "ms",
    "DiffusionBValue": "s/mm2", "NominalPercentageOfCardiacPhase": "%", "FlipAngle": "degrees", "KVP": "kV",
    "MonoenergeticEnergyEquivalent": "keV", "TemporalPositionTimeOffset": "s",
}  # fmt: skip
_OF_A_CYCLE = frozenset((
    "TriggerTime", "NominalCardiacTriggerDelayTime", "NominalPercentageOfCardiacPhase", "RRIntervalVector",
    "TimeSlotVector", "CardiacCyclePosition", "RespiratoryCyclePosition",
))  # fmt: skip
"""Volumes that these tell apart were acquired in turns, over many cycles: none has a time of its own."""
_REFERENCE_TIME = "FrameReferenceTime"
_NUMBER = re.compile(r"(?:index |order |value |text )?([+-]?\d+(?:\.\d+)?(?:e[+-]?\d{1,2})?)(?: s|-\d+)?")
"""A number, a number in an order, seconds after the first, or the first of a run of Instance Numbers."""


@dataclass(frozen=True, slots=True)
class Separator:
    """An attribute that tells a volume from its siblings.

    Attributes
    ----------
    name
        Of the attribute, as the data dictionary has it; the keyword of a private one.
    value
        In ``unit``; None for a value that is no number. Of a run of Instance Numbers the first.
    text
        As the volume's label has it.
    """

    keyword: str
    name: str
    value: float | None
    text: str
    unit: str


@dataclass(frozen=True, slots=True)
class VolumeTimes:
    """When some volumes were acquired.

    Attributes
    ----------
    seconds
        After the first of them; one for each.
    keyword
        The attribute that says so.
    """

    seconds: tuple[float, ...]
    keyword: str


def separators_of(stack: Stack) -> tuple[Separator, ...]:
    """What tells a stack from others of its series, the outermost first.

    Examples
    --------
    A second echo has one: Echo Time, 4.6 ms.
    """
    return tuple(_separator(keyword, value) for keyword, value in stack.pile.separation)


def _separator(keyword: str, words: str) -> Separator:
    tag = tag_for_keyword(keyword)
    name = keyword if tag is None else dictionary_description(tag)
    found = _NUMBER.fullmatch(words)
    unit = "s" if keyword in CLOCKS else _UNITS.get(keyword, "")
    plain = found is not None and found[0].removesuffix(" s") == found[1]
    return Separator(keyword, name, None if found is None else float(found[1]), words, unit if plain else "")


def volume_times(stacks: Sequence[Stack]) -> VolumeTimes | None:
    """When each of some stacks of one place was acquired: when the first of its slices was.

    None if headers do not tell all of them, if all have the same time, or if they are parts of a cycle that was
    acquired in turns. Seconds are those of Frame Reference Time (0054,1300), else of the clock.
    """
    if len(stacks) < 2 or any(keyword in _OF_A_CYCLE for stack in stacks for keyword, _ in stack.pile.separation):
        return None
    references = [_first_reference_time(stack) for stack in stacks]
    known = [one for one in references if one is not None]
    if len(known) == len(references) and len(set(known)) > 1:
        return VolumeTimes(_since_first(known), _REFERENCE_TIME)
    frames = [frame for stack in stacks for frame in stack.frames]
    for keyword in ACQUISITION_CLOCKS:
        clock = clock_of(frames, keyword)
        if clock is not None:
            times = [min(clock[frame] for frame in stack.frames) for stack in stacks]
            if len(set(times)) > 1:
                return VolumeTimes(_since_first(times), keyword)
    return None


def _since_first(times: Sequence[float]) -> tuple[float, ...]:
    return tuple(round(time - min(times), 6) for time in times)


def _first_reference_time(stack: Stack) -> float | None:
    """Seconds; None if one of the frames has none."""
    times: list[float] = []
    for frame in stack.frames:
        try:
            milliseconds = number(frame.header.elements, _REFERENCE_TIME)
        except PixelDataError:
            return None
        if milliseconds is None:
            return None
        times.append(milliseconds / 1000)
    return min(times)
