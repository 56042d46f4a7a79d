"""Frames at one position whose pixels are the same: copies, or the blank slices that every phase has."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from voxelry.core.errors import Problem, VoxelryError
from voxelry.core.gaps import listed
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.tiles import cropped
from voxelry.dicom.grouping.findings import finding
from voxelry.dicom.grouping.piles import NumberedFrames, Pile
from voxelry.dicom.headers.header import Header
from voxelry.dicom.pixels.stored_pixels import Stored, stored_frames

_LEAD = 3
"""Sets are assumed if this many more positions indicate sets than copies, or if no position indicates copies."""


class _Digest(NamedTuple):
    content: bytes
    blank: bool


def are_sets(placed: NumberedFrames, *, evident: bool) -> bool:
    """True if the frames at most positions differ from each other; else they are copies, not phases.

    Blank frames are ignored. Reads from the middle slice outwards and stops when the result is certain.

    Parameters
    ----------
    evident
        True if headers say that they are sets: then one position is enough.
    """
    members = placed.members
    places = sorted(place for place, frames in members.items() if len(frames) > 1)
    middle = len(places) // 2
    lead, spoke = 0, False
    for place in (*places[middle:], *places[:middle]):
        digests = list(_digests(members[place]).values())
        counts = Counter(digests)
        if len(counts) == len(digests):
            lead, spoke = lead + 1, True
        elif any(count > 1 and not one.blank for one, count in counts.items()):
            lead -= 1
        if lead >= (1 if evident else _LEAD) or (evident and spoke):
            return True
    return lead > 0


def without_duplicates(placed: NumberedFrames) -> tuple[NumberedFrames, NumberedFrames]:
    """Frames whose pixels, scale and position equal an earlier one's are left out: what is kept, what is not.

    Blank ones are kept as far as other positions hold as many: each phase has its own.
    """
    counts = Counter(place for place, _ in placed)
    digests = _digests([frame for place, frame in placed if counts[place] > 1])
    kept, equal = placed.only(()), placed.only(())
    seen: set[tuple[object, ...]] = set()
    for place, frame in placed:
        if counts[place] > 1:
            # Along the normal they share a place; across it, tiles and stations do not.
            where = tuple(round(coordinate, 3) for coordinate in frame.position or ())
            key = (place, where, frame.slope, frame.intercept, digests[frame])
            if key in seen:
                equal.append((place, frame))
                continue
            seen.add(key)
        kept.append((place, frame))
    return _with_blank_ones(kept, equal, digests)


def _with_blank_ones(
    kept: NumberedFrames, equal: NumberedFrames, digests: dict[Frame, _Digest]
) -> tuple[NumberedFrames, NumberedFrames]:
    blank_places = {place for place, frame in equal if digests[frame].blank}
    there = Counter(place for place, _ in kept)
    usual = max((count for place, count in there.items() if place not in blank_places), default=1)
    again, dropped = kept.only(kept), kept.only(())
    for place, frame in equal:
        if digests[frame].blank and there[place] < usual:
            there[place] += 1
            again.append((place, frame))
        else:
            dropped.append((place, frame))
    return kept.only(sorted(again, key=lambda item: item[0])), dropped


def after_duplicates(piles: Sequence[Pile], dropped: NumberedFrames) -> list[Pile]:
    """The piles of what was kept, with a word on what was not."""
    found = _dropped(dropped)
    return [
        replace(
            pile, findings=(*pile.findings, found), duplicates=(*pile.duplicates, *(dropped.frames if n == 0 else ()))
        )
        for n, pile in enumerate(piles)
    ]


def _dropped(dropped: NumberedFrames) -> Problem:
    count, places = len(dropped), dropped.millimetres(dropped.positions)
    words = listed([f"{place:.2f}" for place in places])
    return finding(
        "warning",
        "duplicate_slices",
        f"{count} duplicate slice{'s' * (count > 1)} with identical pixels left out, at {words} mm (along the normal)",
        count=count,
        identical=True,
        positions_mm=[*places],
    )


def _digests(frames: Sequence[Frame]) -> dict[Frame, _Digest]:
    """Of each frame's stored values; an instance with several frames is read once."""
    by_header: dict[Header, list[Frame]] = defaultdict(list)
    for frame in frames:
        by_header[frame.header].append(frame)
    digests: dict[Frame, _Digest] = {}
    for header, members in by_header.items():
        members.sort(key=_stored_order)
        # A frame that cannot be decoded equals no other; loading its stack's voxels raises the error.
        digests.update(
            {frame: _Digest(f"{frame.header.name} {_stored_order(frame)}".encode(), blank=False) for frame in members}
        )
        with suppress(VoxelryError):
            for frame, stored in _stored(header, members):
                values = np.ascontiguousarray(cropped(stored, frame.tile))
                blank = bool((values == values.flat[0]).all())
                digests[frame] = _Digest(hashlib.sha256(values.tobytes()).digest(), blank)
    return digests


def _stored_order(frame: Frame) -> tuple[int, int]:
    return frame.index, 0 if frame.tile is None else frame.tile.number


def _stored(header: Header, members: Sequence[Frame]) -> Iterator[tuple[Frame, Stored]]:
    """Each frame with the whole image that holds it, which is read once; ``members`` are in the stored order."""
    by_index: dict[int, list[Frame]] = defaultdict(list)
    for frame in members:
        by_index[frame.index].append(frame)
    for held, values in zip(by_index.values(), stored_frames(header, by_index), strict=True):
        yield from ((frame, values) for frame in held)
