"""Labels of volumes at one position; they never contain a date, a time of day or a patient's name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pydicom.datadict import dictionary_VR

from voxelry.dicom.frames.acquisition_times import CLOCKS
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.grouping.separating_attributes import Attribute, Standing
from voxelry.dicom.headers.comparable import ABSENT, Comparable, floats_of
from voxelry.dicom.headers.json_values import readable_elements
from voxelry.dicom.headers.pydicom_silence import quiet

LONGEST_TEXT = 48
_WORD = re.compile(r"\w{2,}")
_DATE_OR_TIME = re.compile(r"(?<![.\d])\d{6}|\d:\d\d|\d\d\d\d[-/.]\d\d")
_SAFE_VRS = frozenset(("CS", "DS", "IS", "FD", "FL", "SL", "SS", "SV", "UL", "US", "UV"))
_PATIENT_GROUP = 0x0010
_LAST_GROUP_OF_PERSONS = 0x0040
_TEXT_VRS = ("LO", "SH", "LT", "ST", "UT", "UC")


def in_order(value: Comparable) -> tuple[tuple[int, float, str], ...]:
    """Sort key of a value: an absent value first, then numbers by size, then texts."""
    return tuple((0, one, "") if isinstance(one, float) else (1, 0.0, str(one)) for one in value)


def shown_values(attribute: Attribute, values: Sequence[Comparable], frames: Sequence[Frame]) -> list[str]:
    """The values of an attribute as text, in the order given.

    Dates and times become seconds since the first, ``"+62 s"``, because they may identify a patient. A free text that
    may identify a patient becomes ``"text 1"``.
    """
    if attribute.name in CLOCKS and not attribute.dimension:
        return since_the_first([moment for value in values for moment in floats_of(value)] or [0.0] * len(values))
    free = _is_free(attribute)
    private = _private_words(frames) if free else frozenset[str]()
    found = [_shown(value, number, private, free=free) for number, value in enumerate(values, 1)]
    return found if len(set(found)) == len(found) else [f"value {number}" for number in range(1, len(found) + 1)]


def since_the_first(times: Sequence[float]) -> list[str]:
    """``"+62 s"``; the number in order if times differ by less than the text shows."""
    since = [f"{time - min(times):+.6g} s" for time in times]
    return since if len(set(since)) == len(since) else [f"order {number + 1}" for number in range(len(times))]


def _shown(value: Comparable, number: int, private: frozenset[str], *, free: bool) -> str:
    if value == ABSENT:
        return "none"
    if value[0] == "index":
        return f"index {floats_of(value)[0]:g}"
    if any(isinstance(one, bytes) for one in value):
        return f"value {number}"
    words = "\\".join(f"{one:.10g}" if isinstance(one, float) else str(one) for one in value)
    if free and (
        len(words) > LONGEST_TEXT
        or not words.isprintable()
        or _DATE_OR_TIME.search(words)
        or not private.isdisjoint(_WORD.findall(words.lower()))
    ):
        return f"{'text' if any(isinstance(one, str) for one in value) else 'value'} {number}"
    return words


def _is_free(attribute: Attribute) -> bool:
    """True for attributes that may hold free text: texts by their VR, and all private attributes."""
    try:
        return attribute.standing == Standing.PRIVATE or dictionary_VR(attribute.path[-1]) not in _SAFE_VRS
    except KeyError:
        return not attribute.dimension


def _private_words(frames: Sequence[Frame]) -> frozenset[str]:
    """The words of all patient attributes and person names."""
    found: set[str] = set()
    dataset = frames[0].header.elements.dataset  # a series is of one patient
    others = [tag for tag in dataset.keys() if tag >> 16 > _LAST_GROUP_OF_PERSONS]  # noqa: SIM118 - the keys hold tags
    for element in readable_elements(dataset, leave_out=others):
        if element.VR == "PN" or (element.tag.group == _PATIENT_GROUP and element.VR in _TEXT_VRS):
            with quiet:
                found |= set(_WORD.findall(str(element.value).lower()))
    return frozenset(found)


def run_of_numbers(frames: Sequence[Frame]) -> str:
    """``"1-60"`` where the frames' Instance Numbers follow each other without a gap; else empty."""
    numbers = sorted({frame.instance_number for frame in frames})
    if len(numbers) < len(frames) or numbers[-1] - numbers[0] != len(numbers) - 1:
        return ""
    return f"{numbers[0]}-{numbers[-1]}" if len(numbers) > 1 else str(numbers[0])
