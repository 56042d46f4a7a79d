"""Frames at repeated positions, grouped into sets by the order of acquisition: by time, else by Instance Number."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from voxelry.dicom.frames.acquisition_times import ACQUISITION_CLOCKS, CLOCKS, clock_was_changed, has_offsets
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.grouping.piles import NumberedFrames, acquired
from voxelry.dicom.grouping.varying_attributes import Varying
from voxelry.dicom.grouping.volume_labels import run_of_numbers, since_the_first
from voxelry.dicom.headers.comparable import floats_of

Moments = Mapping[Frame, float]
_AFTER_A_TRIGGER = ("TriggerTime", "FrameReferenceTime")
"""Times that do not depend on the scanner's clock; they take precedence."""


@dataclass(frozen=True, slots=True)
class Ranks:
    """Sets of positions, one after the other.

    Attributes
    ----------
    sets
        In order.
    keyword, values
        What tells them apart, and how it is shown.
    confirmed_by
        The time that says the same; empty if there is none.
    """

    sets: tuple[NumberedFrames, ...]
    keyword: str
    values: tuple[str, ...]
    confirmed_by: str = ""


def ranked(placed: NumberedFrames, key: Callable[[Frame], object] = acquired) -> list[NumberedFrames]:
    """The first frame of each position, the second, ..., by Instance Number."""
    ranks: list[NumberedFrames] = []
    seen: dict[int, int] = defaultdict(int)
    for place, frame in sorted(placed, key=lambda item: (item[0], key(item[1]))):
        rank = seen[place]
        seen[place] += 1
        if rank == len(ranks):
            ranks.append(placed.only(()))
        ranks[rank].append((place, frame))
    return ranks


def are_whole(ranks: Sequence[NumberedFrames]) -> bool:
    """True if each set has every position; the last may be incomplete.

    An incomplete set counts only behind two complete ones: otherwise it may be a slice that was acquired again.
    """
    positions = len(ranks[0])
    short = len(ranks[-1]) < positions
    return all(len(rank) == positions for rank in ranks[:-1]) and not (short and len(ranks) < 3)


def have_an_order(ranks: Sequence[NumberedFrames]) -> bool:
    """True if numbers pair frames: those of one position differ, or each set is an instance of its own.

    Frames with equal numbers are in the order of their UIDs, which is none.
    """
    if all(len({frame.header for frame in rank.frames}) == 1 for rank in ranks):
        return True
    keys = [(place, frame.instance_number, frame.index) for rank in ranks for place, frame in rank]
    return len(set(keys)) == len(keys)


def evident_ranks(placed: NumberedFrames, varying: Varying) -> Iterator[Ranks]:
    """Whole sets of positions of which a time, or the numbers, say that they came one after the other."""
    by_number = ranked(placed)
    if len(placed.positions) == 1 or not are_whole(by_number):
        return
    for keyword, moments in _times(placed.frames, varying):
        own = ranked(placed, lambda frame, moments=moments: (moments[frame], acquired(frame)))  # type: ignore[misc]
        if _follow([[moments[frame] for frame in rank.frames] for rank in own]):
            yield _named(own, by_number, keyword, moments)
    numbers = [[frame.instance_number for frame in rank.frames] for rank in by_number]
    if all(run_of_numbers(rank.frames) for rank in by_number) and _follow(numbers):
        yield by_order(by_number)
    for keyword, moments in _times(placed.frames, varying):
        if keyword in (*_AFTER_A_TRIGGER, *ACQUISITION_CLOCKS) and _differ_at_each_place(placed, moments):
            own = ranked(placed, lambda frame, moments=moments: moments[frame])  # type: ignore[misc]
            yield _named(own, by_number, keyword, moments)


def by_order(ranks: Sequence[NumberedFrames]) -> Ranks:
    """Sets told apart by the order of numbers alone."""
    return Ranks(tuple(ranks), "InstanceNumber", _by_number(ranks))


def _by_number(ranks: Sequence[NumberedFrames]) -> tuple[str, ...]:
    runs = tuple(run_of_numbers(rank.frames) for rank in ranks)
    return runs if all(runs) else tuple(f"order {number + 1}" for number in range(len(ranks)))


def _named(own: Sequence[NumberedFrames], by_number: Sequence[NumberedFrames], keyword: str, moments: Moments) -> Ranks:
    """By the numbers where they say the same as the time does."""
    if {frozenset(rank.frames) for rank in own} == {frozenset(rank.frames) for rank in by_number}:
        return Ranks(tuple(own), "InstanceNumber", _by_number(own), keyword)
    starts = [min(moments[frame] for frame in rank.frames) for rank in own]
    values = since_the_first(starts) if keyword in CLOCKS else [f"from {start:.7g}" for start in starts]
    if len(set(values)) < len(values):
        values = [f"order {number + 1}" for number in range(len(own))]
    return Ranks(tuple(own), keyword, tuple(values), keyword)


def changed_clock(placed: NumberedFrames, varying: Varying) -> str:
    """The clock that was set back between images, and so gives no order; empty if none was."""
    ranks = ranked(placed)
    if len(set(map(acquired, placed.frames))) < len(placed) or not any(f.instance_number for f in placed.frames):
        return ""
    changed = ""
    for keyword, moments in _times(placed.frames, varying):
        if keyword not in CLOCKS or has_offsets(placed.frames, keyword):
            if _differ_at_each_place(placed, moments):
                return ""  # a time that no change of a clock disturbs gives the order
            continue
        starts = [min(moments[frame] for frame in rank.frames) for rank in ranks]
        changed = changed or (keyword if clock_was_changed(starts) else "")
    return changed


def acquisition_order(
    groups: Sequence[NumberedFrames], varying: Varying, *, by_number: bool = True
) -> list[int] | None:
    """The groups' numbers in the order of their acquisition, by clock, else by number; None where neither tells."""
    whole = groups[0].only(item for group in groups for item in group)
    if not changed_clock(whole, varying):
        for keyword, moments in _times(whole.frames, varying):
            starts = [min(moments[frame] for frame in group.frames) for group in groups]
            if keyword in ACQUISITION_CLOCKS and len(set(starts)) == len(starts):
                return sorted(range(len(groups)), key=starts.__getitem__)
    if not by_number:
        return None
    of_group = {frame: number for number, group in enumerate(groups) for frame in group.frames}
    orders = {
        tuple(dict.fromkeys(of_group[frame] for frame in sorted(frames, key=acquired)))
        for frames in whole.members.values()
    }
    whole_orders = {order for order in orders if len(order) == len(groups)}
    return list(whole_orders.pop()) if len(whole_orders) == 1 else None


def _times(frames: Sequence[Frame], varying: Varying) -> Iterator[tuple[str, Moments]]:
    """The times that all frames tell, those after a trigger first."""
    named = {one.name: one for one in (*varying.attributes, *varying.times) if not one.dimension}
    for keyword in (*_AFTER_A_TRIGGER, *CLOCKS):
        if keyword in named:
            column = varying.column(named[keyword])
            moments = {frame: moment for frame in frames for moment in floats_of(column[frame])[:1]}
            if len(moments) == len(frames):
                yield keyword, moments


def _follow(groups: Sequence[Sequence[float]]) -> bool:
    return all(max(one) < min(other) for one, other in pairwise(groups))


def _differ_at_each_place(placed: NumberedFrames, moments: Moments) -> bool:
    return all(len({moments[frame] for frame in frames}) == len(frames) for frames in placed.members.values())
