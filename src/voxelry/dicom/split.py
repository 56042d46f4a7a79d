"""A series' frames, sorted into piles that can each be one stack.

First by what can never share a grid (matrix, orientation, spacing, kind); then, where positions repeat, by the
attribute that truly tells the frames at one position apart (``voxelry.dicom.repeated``), and where they lie in one
another by what makes volumes of them (``voxelry.dicom.overlapping``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from voxelry.core.geometry import DEFAULT_TOLERANCES, Tolerances, slice_normal
from voxelry.dicom.attributes import text, texts
from voxelry.dicom.classes import SEGMENTATION, SEGMENTATIONS
from voxelry.dicom.frames import SAME_COSINE, Frame
from voxelry.dicom.headers import Header
from voxelry.dicom.overlapping import piles_apart
from voxelry.dicom.piles import Pile, Placed, acquired
from voxelry.dicom.repeated import piles_of

_SEGMENT = "ReferencedSegmentNumber"
SAME_SPACING = 1e-3
"""Pixel spacings that differ by no more than this fraction belong to one stack."""


def split(frames: Iterable[Frame], *, tolerances: Tolerances = DEFAULT_TOLERANCES) -> list[Pile]:
    """Sort the frames of a series into piles. Neither file order nor file names matter."""
    groups = sorted(_groups(sorted(frames, key=acquired)), key=len, reverse=True)
    segments = {_segment(group[0]) for group in groups}
    piles: list[Pile] = []
    for number, group in enumerate(groups):
        segment = _segment(group[0])
        own = _separate(group, tolerances)
        if segment and len(segments) > 1:
            own = [pile.within((_SEGMENT, segment)) for pile in own]
        piles += [replace(pile, group=number) for pile in own]
    return piles


def _groups(frames: Sequence[Frame]) -> list[list[Frame]]:
    """Frames that may share a grid. Of thousands few differ, so that most are found by what they share."""
    groups: dict[tuple[object, ...], list[list[Frame]]] = defaultdict(list)
    kinds: dict[Header, _Kind] = {}
    known: dict[int, list[Frame]] = {}
    for frame in frames:
        placed = frame.position is not None and frame.orientation is not None
        members = known.get(id(frame.facts)) if placed else None
        if members is None:
            kind, film = kinds.get(frame.header) or kinds.setdefault(frame.header, _kind(frame.header))
            # Frames of one film without positions follow each other; two films do not, nor two segmentations.
            together = placed and frame.header.sop_class_uid not in SEGMENTATIONS
            alike = groups[kind, placed, "" if together else film, _segment(frame)]
            members = next((group for group in alike if _alike(frame, group[0])), None)
            if members is None:
                members = []
                alike.append(members)
            if placed and not frame.groups:
                known[id(frame.facts)] = members
        members.append(frame)
    return [members for alike in groups.values() for members in alike]


_Kind = tuple[tuple[object, ...], str]


def _kind(header: Header) -> _Kind:
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
    return frame.value(_SEGMENT) if frame.header.sop_class_uid == SEGMENTATION else ""


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


def _separate(frames: list[Frame], tolerances: Tolerances) -> list[Pile]:
    if frames[0].orientation is None or frames[0].position is None:
        return [Pile(tuple(frames))]
    placed = place(frames, tolerances)
    return piles_apart(placed) if len(placed.offset_of) == len(frames) else piles_of(placed)


def place(frames: Sequence[Frame], tolerances: Tolerances) -> Placed:
    """Frames that have a place, in the order of their positions along the normal of the first."""
    offsets = np.array([frame.position for frame in frames], np.float64) @ slice_normal(frames[0].orientation or ())
    numbers, offset_of = _places(offsets, tolerances.same_position)
    order = np.argsort(numbers, kind="stable").tolist()
    return Placed([(int(numbers[n]), frames[n]) for n in order], offset_of)


def _places(offsets: npt.NDArray[np.float64], same: float) -> tuple[npt.NDArray[np.int64], dict[int, float]]:
    """The number of each frame's position, from 0 along the normal, and the offset of each number."""
    order = np.argsort(offsets, kind="stable")
    ascending = offsets[order]
    begins = np.concatenate([[True], np.diff(ascending) >= same])
    numbers = np.empty(len(offsets), np.int64)
    numbers[order] = np.cumsum(begins) - 1
    return numbers, dict(enumerate(ascending[begins].tolist()))
