"""Whether Frame of Reference UIDs separate slices, or are noise.

Positions are comparable only within one frame of reference (PS3.3 C.7.4.1). After careless de-identification each slice
has a different UID, or some have none; then the UID carries no information. A UID that slices at several positions
share separates them from others; a UID of a single position is noise if all slices agree in their geometry.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from voxelry.core.errors import Problem
from voxelry.core.gaps import places_of
from voxelry.core.slice_grid import Tolerances, slice_normal
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.orientation import orientation_of
from voxelry.dicom.frames.shared_frames import headers_of, one_of_each
from voxelry.dicom.grouping.findings import finding
from voxelry.dicom.grouping.lattice import NEAR, Lattice
from voxelry.dicom.headers.attributes import tag_label, text

KEYWORD = "FrameOfReferenceUID"
FEWEST_PLACES = 3
"""Slices at fewer places than this may agree by chance."""

Frames = list[Frame]
Sorted = list[tuple[Frames, "Problem | None"]]


def frame_of_reference(frames: Sequence[Frame]) -> str | None:
    """The Frame of Reference UID that all frames have; None if they differ, or have none: it is unknown."""
    found = _uids(frames)
    return next(iter(found)) or None if len(found) == 1 else None


def differs(frames: Sequence[Frame]) -> bool:
    """True if the frames do not all say the same of their frame of reference."""
    return len(_uids(frames)) > 1


def _uids(frames: Sequence[Frame]) -> set[str]:
    headers = headers_of(one_of_each(frames))
    return {text(header.elements, KEYWORD) for header in headers}


def by_frame_of_reference(frames: Frames, tolerances: Tolerances) -> Sorted:
    """Frames that agree in all else and have places, apart where their frames of reference truly differ.

    Returns
    -------
    groups
        Each with what must be said of its frame of reference.
    """
    if not differs(frames):
        return [(frames, None)]
    of: dict[str, Frames] = defaultdict(list)
    for frame in frames:
        of[text(frame.header.elements, KEYWORD)].append(frame)
    places = _places(frames, tolerances)
    unnamed = of.pop("", [])
    if len(set(places.values())) >= FEWEST_PLACES and len(of) >= max(4, len(frames) / 2):
        return [(frames, _noise(frames))]
    settled = [own for own in of.values() if len({places[frame] for frame in own}) > 1]
    stray = [frame for own in of.values() if not any(own is one for one in settled) for frame in own] + unnamed
    if len(settled) == 1 and _fills_a_line(frames, tolerances):
        return [(frames, _noise(frames))]  # what lies between the strays may be too little to tell the step by
    found, left = _joined(settled, stray, tolerances)
    if len({places[frame] for frame in left}) >= FEWEST_PLACES:
        found.append(left)
    else:
        apart: dict[str, Frames] = defaultdict(list)
        for frame in left:
            apart[text(frame.header.elements, KEYWORD)].append(frame)
        found += apart.values()
    order = {frame: number for number, frame in enumerate(frames)}
    sorted_ = [sorted(group, key=order.__getitem__) for group in found]
    return [(group, _noise(group) if differs(group) else None) for group in sorted_]


def _places(frames: Frames, tolerances: Tolerances) -> dict[Frame, int]:
    """The number of each frame's place along the normal."""
    offsets = np.array([frame.position for frame in frames], np.float64) @ slice_normal(orientation_of(frames))
    _, numbers = places_of(offsets, same=tolerances.same_position)
    return dict(zip(frames, numbers.tolist(), strict=True))


def _fills_a_line(frames: Frames, tolerances: Tolerances) -> bool:
    """True if the frames lie at even places, one frame at each."""
    lattice = Lattice.of(frames, tolerances)
    return lattice is not None and len(frames) == lattice.last + 1 == len(lattice.full)


def _joined(settled: list[Frames], stray: Frames, tolerances: Tolerances) -> tuple[list[Frames], Frames]:
    """The settled groups with the strays that lie in the holes or at the ends of one of them, and those of none."""
    fits: dict[Frame, list[int]] = defaultdict(list)
    for number, group in enumerate(settled):
        lattice = Lattice.of(group, tolerances)
        if lattice is None:
            continue
        at = {
            frame: lattice.place_of(np.asarray(frame.position, np.float64), sideways=NEAR * lattice.spacing)
            for frame in stray
        }
        free = lattice.free({place for place in at.values() if place is not None})
        for frame, place in at.items():
            if place in free:
                fits[frame].append(number)
    found = [list(group) for group in settled]
    left = []
    for frame in stray:
        if len(fits[frame]) == 1:
            found[fits[frame][0]].append(frame)
        else:
            left.append(frame)
    return found, left


def _noise(frames: Frames) -> Problem:
    uids = [text(frame.header.elements, KEYWORD) for frame in frames]
    without, several = uids.count(""), len(set(uids) - {""})
    if without and several <= 1:
        how = f"is missing in {without} of {len(frames)} slices"
    else:
        how = f"differs from slice to slice ({several} of them in {len(frames)} slices"
        how += f", {without} without)" if without else ")"
    words = (
        f"{tag_label(KEYWORD)} {how}, which agree in everything else: they are one stack, and its frame of reference "
        "is unknown, so that nothing says that other images, segmentations or contours lie in the same place"
    )
    numbers: dict[str, int | str] = {"attribute": KEYWORD, "count": several, "missing": without, "slices": len(frames)}
    return finding("warning", "frame_of_reference", words, **numbers)
