"""When GE acquired each slice of echo planar images: Trigger Time, a clock of its own, or the order in its protocol.

Where several slices are excited at once, Trigger Time and clock are those of a scan without; the order counts then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from voxelry.core.makers import maker_name
from voxelry.dicom.acquisition.ge_protocol import ge_bands, ge_protocol_words
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.group_attributes import frame_number
from voxelry.dicom.frames.private_places import frame_private_numbers, frame_private_text
from voxelry.dicom.headers.attributes import text
from voxelry.dicom.headers.private_attributes import first_number, private_value

_TICKS = 10_000
"""Ticks per second of the clock of old software."""
_SOFTWARE = re.compile(r"[A-Z]{2}(\d+)\.(\d+)_(?:EA|R(\d+))")
"""``RX27.0_R02_1831.a``, ``MR29.1_EA_2039.g``."""
_DIFFUSION_SEQUENCE = "EPI2"
_PREMIER_OFF, _OTHERS_OFF = 0.72, (0.5, 1.0)
"""Values of User Data 15 (0019,xxB6) for diffusion that is not spread over several Repetition Times."""
_FIRST_WITH_BANDS = (26, 0, 0)
_REORDERED_SINCE = (27, 0, 3)
"""Since this release an even number of excitations is kept, and the last ones of an interleaved order are swapped."""


def ge_slice_times(frames: Sequence[Frame], repetition: float) -> Iterator[list[float]]:
    """Seconds of each slice, in each of the ways that GE's attributes allow, the most exact first; of others none.

    Parameters
    ----------
    frames
        Of one volume.
    repetition
        Repetition Time, in seconds; GE's is without the pause that may follow a volume.
    """
    protocol = ge_protocol_words(frames[0])
    bands = ge_bands(frames[0], protocol)
    if bands == 1:
        is_ge = maker_name(text(frames[0].header.elements, "Manufacturer")) == "GE"
        triggered = _varied_numbers([frame_number(frame, "TriggerTime") for frame in frames]) if is_ge else None
        if triggered is not None:
            yield [time / 1000 for time in triggered]
        clock = _clock(frames, repetition)
        if clock is not None:
            yield clock
    ordered = _of_diffusion(frames, repetition, bands) or _by_order(frames, repetition, protocol, bands)
    if ordered is not None:
        yield ordered


def _varied_numbers(times: Sequence[float | None]) -> list[float] | None:
    """All of them, if they are known and differ."""
    known = [time for time in times if time is not None]
    return known if len(known) == len(times) and len(set(known)) > 1 else None


def _clock(frames: Sequence[Frame], repetition: float) -> list[float] | None:
    """By GE's clock, in seconds or, of old software, in ticks."""
    contents = [private_value(frame.header.elements, 0x0021, "GEMS_RELA_01", 0x5E) for frame in frames]
    found = _varied_numbers([None if content is None else first_number(content) for content in contents])
    if found is None:
        return None
    if max(found) - min(found) >= repetition:
        found = [time / _TICKS for time in found]
    return found if max(found) - min(found) < repetition else None


def _by_order(
    frames: Sequence[Frame], repetition: float, protocol: Mapping[str, str], bands: int
) -> list[float] | None:
    """By the protocol, which says whether slices are interleaved; they fill the Repetition Time evenly.

    Not in diffusion, nor where the pauses between volumes differ.
    """
    count, options = len(frames), protocol.get("IOPT", "")
    if (
        "EPI" not in options
        or "DIFF" in options
        or "MPhVar" in options
        or protocol.get("SLICEORDER") not in ("0", "1")
        or protocol.get("NOSLC") != str(count)
    ):
        return None
    turns = _turns(count, bands, _release(frames[0]), interleaved=protocol["SLICEORDER"] == "1")
    return None if turns is None else _spread(frames, turns, repetition)


def _of_diffusion(frames: Sequence[Frame], repetition: float, bands: int) -> list[float] | None:
    """By the order of GE's product sequence for diffusion, which is interleaved, as before its newer order of bands.

    None for other sequences, and where a volume's slices are spread over several Repetition Times, so as to warm the
    gradients evenly.
    """
    first = frames[0]
    if frame_private_text(first, 0x0019, "GEMS_ACQU_01", 0x9E) != _DIFFUSION_SEQUENCE or _is_cycled(first):
        return None
    turns = _turns(len(frames), bands, _FIRST_WITH_BANDS, interleaved=True)
    return None if turns is None else _spread(frames, turns, repetition)


def _is_cycled(frame: Frame) -> bool:
    """True unless a scanner that can spread slices over several Repetition Times says that it did not."""
    model = text(frame.header.elements, "ManufacturerModelName").upper()
    switch = frame_private_numbers(frame, 0x0019, "GEMS_ACQU_01", 0xB6, "DS")
    if "PREMIER" in model:
        return not switch or abs(switch[0] - _PREMIER_OFF) > 1e-4
    if "UHP" in model or "7T" in model:
        return not switch or not _OTHERS_OFF[0] <= switch[0] <= _OTHERS_OFF[1]
    return False


def _spread(frames: Sequence[Frame], turns: Sequence[int], repetition: float) -> list[float] | None:
    """Seconds of each slice, where excitations fill the Repetition Time evenly in the order of Instance Numbers."""
    step = repetition / (max(turns) + 1)
    times = [turn * step for turn in turns]
    numbers = [frame.instance_number for frame in frames]  # the order in which the protocol counts slices
    if all(one < other for one, other in pairwise(numbers)):
        return times
    return times[::-1] if all(one > other for one, other in pairwise(numbers)) else None


def _turns(count: int, bands: int, release: tuple[int, int, int] | None, *, interleaved: bool) -> list[int] | None:
    """Which excitation each slice is acquired by, from 0; None if that depends on software that is unknown."""
    excitations = -(-count // bands)
    newer = release is not None and release >= _REORDERED_SINCE
    if bands > 1:
        if release is None or release < _FIRST_WITH_BANDS:
            return None
        if not newer and excitations % 2 == 0:
            excitations += 1
    order = list(range(excitations))
    if interleaved:
        order = [*range(0, excitations, 2), *range(1, excitations, 2)]
    turns = [0] * excitations
    for turn, place in enumerate(order):
        turns[place] = turn
    if interleaved and bands > 1 and newer and excitations > 2 and excitations % 2 == 0:
        turns[-1], turns[-3] = turns[-3], turns[-1]
    return [turns[place % excitations] for place in range(count)]


def _release(frame: Frame) -> tuple[int, int, int] | None:
    found = _SOFTWARE.search(text(frame.header.elements, "SoftwareVersions"))
    return None if found is None else (int(found[1]), int(found[2]), int(found[3] or 0))
