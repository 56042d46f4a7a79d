"""A series' frames, sorted into piles that can each be one stack.

First by what can never share a grid (matrix, orientation, spacing, kind); then, where positions repeat, by the
attribute that truly tells the frames at one position apart.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voxelry.core.geometry import SAME_POSITION, slice_normal
from voxelry.dicom.attributes import text, texts
from voxelry.dicom.frames import Frame
from voxelry.dicom.pixels import stored_frames

SAME_COSINE = 1e-3
"""Orientations whose cosines differ by no more belong to one stack."""
SAME_SPACING = 1e-3
"""Pixel spacings that differ by no more than this fraction belong to one stack."""

STRONG = (
    "TemporalPositionIdentifier",
    "TemporalPositionIndex",
    "ReferencedSegmentNumber",
    "EchoNumbers",
    "EchoTime",
    "EffectiveEchoTime",
    "DiffusionBValue",
    "TriggerTime",
    "NominalCardiacTriggerDelayTime",
    "InversionTime",
)
"""Attributes that mean a dimension of their own; they may separate frames at a single position as well."""
WEAK = (
    "ImageType",
    "FrameType",
    "ComplexImageComponent",
    "AcquisitionNumber",
    "AcquisitionDateTime",
    "FrameAcquisitionDateTime",
    "AcquisitionTime",
    "ContentTime",
    "FrameReferenceDateTime",
)
"""Attributes that may differ for other reasons; they separate only whole sets of positions."""


@dataclass(frozen=True, slots=True)
class Pile:
    """Frames that belong together, in the order of their positions.

    Attributes
    ----------
    separated_by, value
        The attribute that tells this pile from its siblings, and its value; empty where there is none.
    warnings
        About this pile alone.
    problem
        Why it cannot be a regular stack, where splitting itself found out.
    """

    frames: tuple[Frame, ...]
    separated_by: str = ""
    value: str = ""
    warnings: tuple[str, ...] = ()
    problem: str = ""
    duplicates: tuple[Frame, ...] = ()


def split(frames: Iterable[Frame]) -> list[Pile]:
    """Sort the frames of a series into piles. Neither file order nor file names matter."""
    groups = sorted(_groups(sorted(frames, key=_acquired)), key=len, reverse=True)
    return [pile for group in groups for pile in _separate(group)]


def _acquired(frame: Frame) -> tuple[int, str, int]:
    return frame.instance_number, frame.header.sop_instance_uid, frame.index


def _groups(frames: Sequence[Frame]) -> list[list[Frame]]:
    groups: list[tuple[tuple[object, ...], Frame, list[Frame]]] = []
    for frame in frames:
        key = _kind(frame)
        for other_key, first, members in groups:
            if key == other_key and _alike(frame, first):
                members.append(frame)
                break
        else:
            groups.append((key, frame, [frame]))
    return [members for _, _, members in groups]


def _kind(frame: Frame) -> tuple[object, ...]:
    dataset = frame.header.dataset
    placed = frame.position is not None and frame.orientation is not None
    image_type = texts(dataset, "ImageType")
    return (
        text(dataset, "Rows"),
        text(dataset, "Columns"),
        text(dataset, "SamplesPerPixel"),
        text(dataset, "PhotometricInterpretation"),
        frame.header.sop_class_uid,
        text(dataset, "FrameOfReferenceUID"),
        "LOCALIZER" in image_type[2:],
        placed,
        # frames of one film without positions follow each other; two films do not
        "" if placed or text(dataset, "NumberOfFrames") in ("", "1") else frame.header.sop_instance_uid,
    )


def _alike(one: Frame, other: Frame) -> bool:
    if (one.pixel_spacing is None) != (other.pixel_spacing is None) or (one.orientation is None) != (
        other.orientation is None
    ):
        return False
    if one.pixel_spacing is not None and other.pixel_spacing is not None:
        for mine, yours in zip(one.pixel_spacing, other.pixel_spacing, strict=True):
            if abs(mine - yours) > SAME_SPACING * yours:
                return False
    if one.orientation is not None and other.orientation is not None:
        return bool(np.abs(np.subtract(one.orientation, other.orientation)).max() <= SAME_COSINE)
    return True


def _separate(frames: list[Frame]) -> list[Pile]:
    orientation = frames[0].orientation
    if orientation is None or frames[0].position is None:
        return [Pile(tuple(frames))]
    offsets = np.array([frame.position for frame in frames], np.float64) @ slice_normal(orientation)
    place = _places(offsets)
    frames = [frames[n] for n in np.lexsort((np.arange(len(frames)), place))]
    places = sorted(place.tolist())
    placed = list(zip(places, frames, strict=True))
    return _piles(placed) if len(set(places)) < len(places) else [Pile(tuple(frames))]


def _places(offsets: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """The number of each frame's position, from 0 along the normal."""
    order = np.argsort(offsets, kind="stable")
    steps = np.diff(offsets[order]) > SAME_POSITION
    numbers = np.empty(len(offsets), np.int64)
    numbers[order] = np.concatenate([[0], np.cumsum(steps)])
    return numbers


_Placed = list[tuple[int, Frame]]


def _piles(placed: _Placed) -> list[Pile]:
    """Frames at repeated positions, told apart."""
    positions = {place for place, _ in placed}
    for keyword in (*STRONG, *(WEAK if len(positions) > 1 else ())):
        groups = _by_value(placed, lambda frame, keyword=keyword: frame.value(keyword))  # type: ignore[misc]
        if groups and _whole_sets(groups.values(), positions):
            return [_pile(group, keyword, value, positions) for value, group in groups.items()]
    without, dropped = _without_duplicates(placed)
    if dropped:
        warning = f"{len(dropped)} duplicate slice{'s' * (len(dropped) > 1)} with identical pixels left out"
        rest = [Pile(tuple(f for _, f in without))] if len({p for p, _ in without}) == len(without) else _piles(without)
        return [
            Pile(
                pile.frames, pile.separated_by, pile.value, (*pile.warnings, warning), pile.problem,
                pile.duplicates + (dropped if n == 0 else ()),
            )
            for n, pile in enumerate(rest)
        ]  # fmt: skip
    for keyword in STRONG:
        groups = _by_value(placed, lambda frame, keyword=keyword: frame.value(keyword))  # type: ignore[misc]
        if groups and len(positions) > 1 and all({place for place, _ in g} == positions for g in groups.values()):
            found: list[Pile] = []
            for value, group in groups.items():
                inner = _piles(group) if len(group) > len(positions) else [_pile(group, keyword, value, positions)]
                found += [_named(pile, keyword, value) for pile in inner]
            return found
    ranks = _by_rank(placed)
    if len(positions) > 1 and len(ranks) > 1 and all(len(group) == len(positions) for group in ranks):
        warning = (
            "phases told apart by the order of Instance Number (0020,0013) alone: no other attribute separates them"
        )
        return [
            Pile(tuple(frame for _, frame in group), "Phase", str(number + 1), (warning,))
            for number, group in enumerate(ranks)
        ]
    return [Pile(tuple(frame for _, frame in placed), problem=_repeated(placed))]


def _named(pile: Pile, keyword: str, value: str) -> Pile:
    if pile.separated_by == keyword or not pile.separated_by:
        return Pile(pile.frames, keyword, value, pile.warnings, pile.problem, pile.duplicates)
    return Pile(
        pile.frames, f"{keyword}, {pile.separated_by}", f"{value}, {pile.value}", pile.warnings, pile.problem,
        pile.duplicates,
    )  # fmt: skip


def _pile(group: _Placed, keyword: str, value: str, positions: set[int]) -> Pile:
    missing = len(positions) - len(group)
    warning = (f"incomplete: {len(group)} of {len(positions)} positions",) if missing else ()
    return Pile(tuple(frame for _, frame in group), keyword, value, warning)


def _by_value(placed: _Placed, value: Callable[[Frame], str]) -> dict[str, _Placed] | None:
    groups: dict[str, _Placed] = defaultdict(list)
    for place, frame in placed:
        found = value(frame)
        if not found:
            return None
        groups[found].append((place, frame))
    return dict(sorted(groups.items(), key=lambda item: _natural(item[0]))) if len(groups) > 1 else None


def _natural(value: str) -> tuple[int, float, str]:
    try:
        return 0, float(value), value
    except ValueError:
        return 1, 0.0, value


def _whole_sets(groups: Iterable[_Placed], positions: set[int]) -> bool:
    """True if no group repeats a position and all but one cover every position."""
    incomplete = 0
    for group in groups:
        places = {place for place, _ in group}
        if len(places) < len(group):
            return False
        incomplete += places != positions
    return incomplete == 0 or (incomplete == 1 and len(positions) > 1)


def _by_rank(placed: _Placed) -> list[_Placed]:
    """The first frame of each position, the second, ..., by Instance Number."""
    ranks: list[_Placed] = []
    seen: dict[int, int] = defaultdict(int)
    for place, frame in sorted(placed, key=lambda item: (item[0], _acquired(item[1]))):
        rank = seen[place]
        seen[place] += 1
        if rank == len(ranks):
            ranks.append([])
        ranks[rank].append((place, frame))
    return ranks


def _without_duplicates(placed: _Placed) -> tuple[_Placed, tuple[Frame, ...]]:
    """Leave out frames whose pixels, scale and position equal an earlier one's."""
    counts: dict[int, int] = defaultdict(int)
    for place, _ in placed:
        counts[place] += 1
    kept: _Placed = []
    dropped: list[Frame] = []
    seen: set[tuple[object, ...]] = set()
    for place, frame in placed:
        if counts[place] > 1:
            key = (place, frame.slope, frame.intercept, _digest(frame))
            if key in seen:
                dropped.append(frame)
                continue
            seen.add(key)
        kept.append((place, frame))
    return kept, tuple(dropped)


def _digest(frame: Frame) -> bytes:
    for values in stored_frames(frame.header, range(frame.index, frame.index + 1)):
        return hashlib.sha256(np.ascontiguousarray(values).tobytes()).digest()
    return b""


def _repeated(placed: _Placed) -> str:
    counts: dict[int, int] = defaultdict(int)
    for place, _ in placed:
        counts[place] += 1
    repeated = sum(1 for count in counts.values() if count > 1)
    if len(counts) == 1:
        return f"all {len(placed)} slices lie at one position, and their pixels differ"
    return (
        f"{repeated} of {len(counts)} positions hold more than one slice with different pixels, and no attribute tells "
        f"them apart into whole sets ({len(placed)} slices in all)"
    )
