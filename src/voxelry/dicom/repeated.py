"""Frames at repeated positions, told apart by the attribute that truly separates them."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeVar

import numpy as np

from voxelry.core.errors import GeometryError, PixelDataError, Problem, RepeatedPositionsError, VoxelryError
from voxelry.core.gaps import listed, rounded
from voxelry.core.value import Value
from voxelry.dicom.attributes import describe
from voxelry.dicom.diffusion import private_b_value
from voxelry.dicom.dimensions import Dimension, dimension_value, dimensions_of
from voxelry.dicom.findings import finding
from voxelry.dicom.frames import Frame
from voxelry.dicom.headers import Header
from voxelry.dicom.labels import TIMES, natural, run_of_numbers, shown
from voxelry.dicom.pixels import stored_frames

STRONG = (
    "TemporalPositionIdentifier",
    "TemporalPositionIndex",
    "ReferencedSegmentNumber",
    "EnergyWindowVector",
    "PhaseVector",
    "RRIntervalVector",
    "TimeSlotVector",
    "TimeSliceVector",
    "EchoNumbers",
    "EchoTime",
    "EffectiveEchoTime",
    "DiffusionBValue",
    "DiffusionGradientOrientation",
    "TriggerTime",
    "NominalCardiacTriggerDelayTime",
    "NominalPercentageOfCardiacPhase",
    "InversionTime",
)
"""Attributes that mean a dimension of their own; they may separate frames at a single position as well."""
WEAK = (
    "ImageType",
    "FrameType",
    "ComplexImageComponent",
    "ConvolutionKernel",
    "KVP",
    "SequenceName",
    "AcquisitionNumber",
    "FrameReferenceTime",
    "AcquisitionDateTime",
    "FrameAcquisitionDateTime",
    "AcquisitionTime",
    "ContentTime",
    "FrameReferenceDateTime",
)
"""Attributes that may differ for other reasons; they separate only whole sets of positions."""

Order = TypeVar("Order", int, str)


@dataclass(frozen=True, slots=True)
class Pile:
    """Frames that belong together, in the order of their positions.

    Attributes
    ----------
    separation
        The attributes that tell this pile from its siblings, each with its value as it is shown.
    confirmed_by
        The attribute whose values say the same as ``separation``; empty where there is none.
    findings
        About this pile alone.
    problem
        Why it cannot be a regular stack, where splitting itself found out.
    duplicates
        Frames left out because they equal one that is there.
    group
        Piles of one group share their matrix, orientation, spacing and kind.
    """

    frames: tuple[Frame, ...]
    separation: tuple[tuple[str, str], ...] = ()
    confirmed_by: str = ""
    findings: tuple[Problem, ...] = ()
    problem: GeometryError | None = None
    duplicates: tuple[Frame, ...] = ()
    group: int = 0

    @property
    def label(self) -> str:
        """``"EchoTime 4.6, InstanceNumber 1-60"``; empty where nothing had to be told apart."""
        return ", ".join(f"{keyword} {value}".strip() for keyword, value in self.separation)

    def within(self, keyword: str, value: str) -> Pile:
        """The same, told from more siblings by another attribute."""
        return replace(self, separation=((keyword, value), *self.separation))


class Placed(list[tuple[int, Frame]]):
    """Frames with the number of their position, and the offset along the normal of each number, mm."""

    def __init__(self, placed: Iterable[tuple[int, Frame]], offset_of: dict[int, float]) -> None:
        super().__init__(placed)
        self.offset_of = offset_of

    def only(self, placed: Iterable[tuple[int, Frame]]) -> Placed:
        """Some of them."""
        return Placed(placed, self.offset_of)

    @property
    def positions(self) -> set[int]:
        """The numbers of the positions that are taken."""
        return {place for place, _ in self}

    @property
    def frames(self) -> tuple[Frame, ...]:
        return tuple(frame for _, frame in self)

    def millimetres(self, places: Iterable[int]) -> list[Value]:
        """The offsets of some positions, ascending."""
        return [rounded(self.offset_of[place]) for place in sorted(places)]


def acquired(frame: Frame) -> tuple[int, str, int]:
    """The order that numbers give."""
    return frame.instance_number, frame.header.sop_instance_uid, frame.index


def piles_of(placed: Placed) -> list[Pile]:
    """Frames at repeated positions, told apart as far as can be."""
    positions = placed.positions
    strong: tuple[str | Dimension, ...] = (*STRONG, *dimensions_of(placed.frames))
    for keyword in (*strong, *(WEAK if len(positions) > 1 else ())):
        groups = _by_value(placed, keyword)
        if groups and _whole_sets(groups.values(), positions):
            return _piles(groups, keyword, placed)
    nested = _nested(placed, strong) if len(positions) > 1 else None
    phases = nested or _phases(placed)
    if phases:
        return phases
    kept, dropped = _without_duplicates(placed)
    if dropped:
        return _after_duplicates(kept, dropped)
    ranks = ranked(placed)
    if len(positions) > 1 and all(len(group) == len(positions) for group in ranks):
        return _by_order(ranks, "", placed)
    return [Pile(placed.frames, problem=_repeated(placed))]


def _nested(placed: Placed, attributes: Iterable[str | Dimension]) -> list[Pile] | None:
    """By an attribute each of whose values has every position, and then by what tells the frames of one value apart."""
    positions = placed.positions
    for attribute in attributes:
        groups = _by_value(placed, attribute)
        if groups and all(group.positions == positions for group in groups.values()):
            found: list[Pile] = []
            for pile, group in zip(_piles(groups, attribute, placed), groups.values(), strict=True):
                inner = piles_of(group) if len(group) > len(positions) else [Pile(group.frames)]
                found += [one.within(*pile.separation[0]) for one in inner]
            return found
    return None


# --- by an attribute --------------------------------------------------------------------------------------------------


def _value(frame: Frame, keyword: str | Dimension) -> str:
    if isinstance(keyword, Dimension):
        return dimension_value(frame, keyword)
    try:
        found = frame.value(keyword)
    except PixelDataError:
        return ""
    return found or (private_b_value(frame.header) if keyword == "DiffusionBValue" else "")


def _by_value(placed: Placed, keyword: str | Dimension) -> dict[str, Placed] | None:
    groups: dict[str, Placed] = {}
    for place, frame in placed:
        value = _value(frame, keyword)
        if not value:
            return None
        if value not in groups:
            groups[value] = placed.only(())
        groups[value].append((place, frame))
    return dict(sorted(groups.items(), key=lambda item: natural(item[0]))) if len(groups) > 1 else None


def _whole_sets(groups: Iterable[Placed], positions: set[int]) -> bool:
    """True if no group repeats a position and all but one cover every position."""
    incomplete = 0
    for group in groups:
        places = group.positions
        if len(places) < len(group):
            return False
        incomplete += places != positions
        if incomplete > 1:
            return False
    return incomplete == 0 or len(positions) > 1


def _piles(groups: dict[str, Placed], attribute: str | Dimension, placed: Placed) -> list[Pile]:
    keyword = attribute.keyword if isinstance(attribute, Dimension) else attribute
    values, positions = shown(keyword, list(groups)), placed.positions
    return [
        Pile(group.frames, ((keyword, value),), findings=_incomplete(group, positions, keyword, value))
        for value, group in zip(values, groups.values(), strict=True)
    ]


def _incomplete(group: Placed, positions: set[int], keyword: str, value: str) -> tuple[Problem, ...]:
    missing = positions - group.positions
    if not missing:
        return ()
    total = len(positions)
    words = f"incomplete: {len(group.positions)} of {total} positions have {describe(keyword)} {value}"
    numbers: dict[str, Value] = {"attribute": keyword, "value": value, "count": len(group.positions)}
    missing_mm: Value = [*group.millimetres(missing)]
    return (finding("warning", "incomplete", words, **numbers, positions=total, missing_mm=missing_mm),)


# --- by the order of numbers ------------------------------------------------------------------------------------------


def ranked(placed: Placed) -> list[Placed]:
    """The first frame of each position, the second, ..., by Instance Number."""
    ranks: list[Placed] = []
    seen: dict[int, int] = defaultdict(int)
    for place, frame in sorted(placed, key=lambda item: (item[0], acquired(item[1]))):
        rank = seen[place]
        seen[place] += 1
        if rank == len(ranks):
            ranks.append(placed.only(()))
        ranks[rank].append((place, frame))
    return ranks


def _phases(placed: Placed) -> list[Pile] | None:
    """Whole sets of positions that were acquired, or numbered, one after the other; the last may be cut short.

    One that is cut short counts only after two whole ones: otherwise it may as well be a slice made again.
    """
    positions, ranks = placed.positions, ranked(placed)
    short = len(ranks[-1]) < len(positions)
    if len(positions) == 1 or not all(len(rank) == len(positions) for rank in ranks[:-1]):
        return None
    if short and len(ranks) < 3:
        return None
    confirmed_by = _times_that_follow(ranks)
    numbered = all(run_of_numbers(rank.frames) for rank in ranks) and _follow(
        [[frame.instance_number for frame in rank.frames] for rank in ranks]
    )
    if not (confirmed_by or numbered) or _all_equal(ranks):
        return None
    return _by_order(ranks, confirmed_by, placed)


def _by_order(ranks: Sequence[Placed], confirmed_by: str, placed: Placed) -> list[Pile]:
    runs = [run_of_numbers(rank.frames) for rank in ranks]
    values = runs if all(runs) else [f"order {number + 1}" for number in range(len(ranks))]
    alone = finding(
        "warning",
        "order_alone",
        "phases told apart by the order of Instance Number (0020,0013) alone: no other attribute separates them",
        attribute="InstanceNumber",
    )
    doubt, positions = () if confirmed_by else (alone,), placed.positions
    return [
        Pile(
            rank.frames,
            (("InstanceNumber", value),),
            confirmed_by,
            (*doubt, *_incomplete(rank, positions, "InstanceNumber", value)),
        )
        for value, rank in zip(values, ranks, strict=True)
    ]


def _times_that_follow(ranks: Sequence[Placed]) -> str:
    """The time whose values say what the numbers say: every frame of a phase before all of the next."""
    for keyword in TIMES:
        times = [[_value(frame, keyword) for frame in rank.frames] for rank in ranks]
        if all(all(group) for group in times) and _follow(times):
            return keyword
    return ""


def _follow(groups: Sequence[Sequence[Order]]) -> bool:
    return all(max(one) < min(other) for one, other in pairwise(groups))


def _all_equal(ranks: Sequence[Placed]) -> bool:
    """True if at every position the frames' pixels are equal somewhere: then they are copies, not phases.

    Reads from the middle on and stops where all differ, which is at once wherever there is a patient.
    """
    members: dict[int, list[Frame]] = defaultdict(list)
    for rank in ranks:
        for place, frame in rank:
            members[place].append(frame)
    places = sorted(members)
    middle = len(places) // 2
    for place in (*places[middle:], *places[:middle]):
        frames = members[place]
        if len(set(_digests(frames).values())) == len(frames):
            return False
    return True


# --- by their pixels --------------------------------------------------------------------------------------------------


def _without_duplicates(placed: Placed) -> tuple[Placed, Placed]:
    """Frames whose pixels, scale and position equal an earlier one's are left out: what is kept, what is not."""
    counts = Counter(place for place, _ in placed)
    digests = _digests([frame for place, frame in placed if counts[place] > 1])
    kept, dropped = placed.only(()), placed.only(())
    seen: set[tuple[object, ...]] = set()
    for place, frame in placed:
        if counts[place] > 1:
            # Along the normal they share a place; across it, tiles and stations do not.
            where = tuple(round(coordinate, 3) for coordinate in frame.position or ())
            key = (place, where, frame.slope, frame.intercept, digests[frame])
            if key in seen:
                dropped.append((place, frame))
                continue
            seen.add(key)
        kept.append((place, frame))
    return kept, dropped


def _after_duplicates(kept: Placed, dropped: Placed) -> list[Pile]:
    count, places = len(dropped), kept.millimetres(dropped.positions)
    words = listed([f"{place:.2f}" for place in places])
    found = finding(
        "warning",
        "duplicate_slices",
        f"{count} duplicate slice{'s' * (count > 1)} with identical pixels left out, at {words} mm (along the normal)",
        count=count,
        identical=True,
        positions_mm=[*places],
    )
    rest = [Pile(kept.frames)] if len(kept.positions) == len(kept) else piles_of(kept)
    return [
        replace(
            pile, findings=(*pile.findings, found), duplicates=(*pile.duplicates, *(dropped.frames if n == 0 else ()))
        )
        for n, pile in enumerate(rest)
    ]


def _digests(frames: Sequence[Frame]) -> dict[Frame, bytes]:
    """Of each frame's stored values; an instance with several frames is read once."""
    by_header: dict[Header, list[Frame]] = defaultdict(list)
    for frame in frames:
        by_header[frame.header].append(frame)
    digests: dict[Frame, bytes] = {}
    for header, members in by_header.items():
        members.sort(key=lambda frame: frame.index)
        # One that cannot be decoded equals no other; its stack will say why when it is asked for its voxels.
        digests.update({frame: f"{frame.header.name} {frame.index}".encode() for frame in members})
        with suppress(VoxelryError):
            for frame, stored in zip(members, stored_frames(header, [f.index for f in members]), strict=True):
                digests[frame] = hashlib.sha256(np.ascontiguousarray(stored).tobytes()).digest()
    return digests


def _repeated(placed: Placed) -> RepeatedPositionsError:
    counts = Counter(place for place, _ in placed)
    repeated = [place for place, count in counts.items() if count > 1]
    places = placed.millimetres(repeated)
    if len(counts) == 1:
        words = f"all {len(placed)} slices lie at one position, and their pixels differ"
    else:
        where = listed([f"{place:.2f}" for place in places])
        words = (
            f"{len(repeated)} of {len(counts)} positions hold more than one slice with different pixels, and no "
            f"attribute tells them apart into whole sets: {len(placed)} slices in all, at {where} mm (along the normal)"
        )
    numbers: dict[str, Value] = {"count": len(placed), "positions": len(counts), "identical": False}
    return RepeatedPositionsError(words, **numbers, positions_mm=[*places])
