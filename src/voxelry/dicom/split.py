"""A series' frames, sorted into piles that can each be one stack.

First by what can never share a grid (matrix, orientation, spacing, kind); then, where positions repeat, by the
attribute that truly tells the frames at one position apart.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import VoxelryError
from voxelry.core.geometry import SAME_POSITION, slice_normal
from voxelry.dicom.attributes import text, texts
from voxelry.dicom.frames import SAME_COSINE, Frame
from voxelry.dicom.headers import Header
from voxelry.dicom.pixels import stored_frames

_SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
_SEGMENT = "ReferencedSegmentNumber"
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
    "ConvolutionKernel",
    "KVP",
    "SequenceName",
    "AcquisitionNumber",
    "AcquisitionDateTime",
    "FrameAcquisitionDateTime",
    "AcquisitionTime",
    "ContentTime",
    "FrameReferenceDateTime",
)
"""Attributes that may differ for other reasons; they separate only whole sets of positions."""


TIMES = ("AcquisitionDateTime", "FrameAcquisitionDateTime", "AcquisitionTime", "ContentTime")
"""When a frame was made; the texts of one kind sort as their times do."""
_NUMBERS_ALONE = (
    "phases told apart by the order of Instance Number (0020,0013) alone: no other attribute separates them"
)


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
    segments = {_segment(group[0]) for group in groups}
    piles: list[Pile] = []
    for group in groups:
        segment = _segment(group[0])
        own = _separate(group)
        piles += [_named(pile, _SEGMENT, segment) for pile in own] if segment and len(segments) > 1 else own
    return piles


def _acquired(frame: Frame) -> tuple[int, str, int]:
    return frame.instance_number, frame.header.sop_instance_uid, frame.index


def _groups(frames: Sequence[Frame]) -> list[list[Frame]]:
    """Frames that may share a grid. Of thousands few differ, so that most are found by equality."""
    kinds = {header: _kind(header) for header in dict.fromkeys(frame.header for frame in frames)}
    groups: dict[tuple[object, ...], list[list[Frame]]] = defaultdict(list)
    known: dict[tuple[object, ...], list[Frame]] = {}
    for frame in frames:
        kind, film = kinds[frame.header]
        placed = frame.position is not None and frame.orientation is not None
        # Frames of one film without positions follow each other; two films do not.
        key = (kind, placed, "" if placed else film, _segment(frame))
        exactly = (key, frame.pixel_spacing, frame.orientation)
        members = known.get(exactly)
        if members is None:
            members = next((group for group in groups[key] if _alike(frame, group[0])), None)
        if members is None:
            members = []
            groups[key].append(members)
        members.append(frame)
        known[exactly] = members
    return [members for alike in groups.values() for members in alike]


def _kind(header: Header) -> tuple[tuple[object, ...], str]:
    """What all frames of an instance share, and which film they are on if they are several."""
    dataset = header.elements
    kind = (
        text(dataset, "Rows"),
        text(dataset, "Columns"),
        text(dataset, "SamplesPerPixel"),
        text(dataset, "PhotometricInterpretation"),
        header.sop_class_uid,
        text(dataset, "FrameOfReferenceUID"),
        "LOCALIZER" in texts(dataset, "ImageType")[2:],
    )
    return kind, "" if text(dataset, "NumberOfFrames") in ("", "1") else header.sop_instance_uid


def _segment(frame: Frame) -> str:
    """Segments overlap and have gaps: each is a stack of its own, whether or not positions repeat."""
    return frame.value(_SEGMENT) if frame.header.sop_class_uid == _SEGMENTATION else ""


def _alike(one: Frame, other: Frame) -> bool:
    if (one.pixel_spacing is None) != (other.pixel_spacing is None) or (one.orientation is None) != (
        other.orientation is None
    ):
        return False
    spacings = zip(one.pixel_spacing or (), other.pixel_spacing or (), strict=True)
    cosines = zip(one.orientation or (), other.orientation or (), strict=True)
    return all(abs(mine - yours) <= SAME_SPACING * yours for mine, yours in spacings) and all(
        abs(mine - yours) <= SAME_COSINE for mine, yours in cosines
    )


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
        warnings = () if _follow_each_other(ranks) else (_NUMBERS_ALONE,)
        return [
            Pile(tuple(frame for _, frame in group), "Phase", str(number + 1), warnings)
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


def _follow_each_other(ranks: list[_Placed]) -> bool:
    """True if every frame of a phase was acquired before all of the next: then the times say what the numbers say."""
    for keyword in TIMES:
        times = [[frame.value(keyword) for _, frame in group] for group in ranks]
        if all(all(group) for group in times) and all(max(one) < min(other) for one, other in pairwise(times)):
            return True
    return False


def _without_duplicates(placed: _Placed) -> tuple[_Placed, tuple[Frame, ...]]:
    """Leave out frames whose pixels, scale and position equal an earlier one's."""
    counts = Counter(place for place, _ in placed)
    digests = _digests([frame for place, frame in placed if counts[place] > 1])
    kept: _Placed = []
    dropped: list[Frame] = []
    seen: set[tuple[object, ...]] = set()
    for place, frame in placed:
        if counts[place] > 1:
            # Along the normal they share a place; across it, tiles and stations do not.
            where = tuple(round(coordinate, 3) for coordinate in frame.position or ())
            key = (place, where, frame.slope, frame.intercept, digests[frame])
            if key in seen:
                dropped.append(frame)
                continue
            seen.add(key)
        kept.append((place, frame))
    return kept, tuple(dropped)


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


def _repeated(placed: _Placed) -> str:
    counts = Counter(place for place, _ in placed)
    repeated = sum(1 for count in counts.values() if count > 1)
    if len(counts) == 1:
        return f"all {len(placed)} slices lie at one position, and their pixels differ"
    return (
        f"{repeated} of {len(counts)} positions hold more than one slice with different pixels, and no attribute tells "
        f"them apart into whole sets ({len(placed)} slices in all)"
    )
