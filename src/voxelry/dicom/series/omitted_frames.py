"""The frames that a segmentation omits because no pixel of them is in a segment (PS3.3 C.8.20, A.51).

What is not encoded is empty, not missing. The slices are those of the source images, where these are known; else
Spacing Between Slices tells their distance, else the smallest gap between frames that are encoded. Slice Thickness
says how thick a slice is, and nothing of the next one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import MissingSlicesError, PixelDataError
from voxelry.core.gaps import listed, places_of
from voxelry.core.slice_grid import Tolerances, slice_normal
from voxelry.dicom.frames.frame import SAME_COSINE, Frame, StepFrom
from voxelry.dicom.frames.shared_frames import one_of_each
from voxelry.dicom.grouping.lattice import NEAR
from voxelry.dicom.headers.attributes import items, number, text
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.sop_classes import LABEL_MAP, SEGMENTATIONS
from voxelry.dicom.series.source_series import Neighbours
from voxelry.dicom.series.stack import Stack
from voxelry.dicom.series.unplaced_frames import said_step

Floats = npt.NDArray[np.float64]

MOST_SLICES = 10_000
"""The most slices of a grid whose spacing comes from the header alone; more are a mistake in the header."""
_SEGMENT = "ReferencedSegmentNumber"


class _Slices(NamedTuple):
    """Positions of all slices of a segmentation, shape ``(n, 3)``, LPS mm, and their source."""

    positions: Floats
    step_from: StepFrom


def with_omitted(frames: Sequence[Frame], neighbours: Neighbours, tolerances: Tolerances) -> list[Frame]:
    """The frames of a series with those that its segmentations omit; the same where there is no segmentation.

    Parameters
    ----------
    neighbours
        Where the source images are looked for.
    """
    if not any(frame.header.sop_class_uid in SEGMENTATIONS for frame in one_of_each(frames)):
        return list(frames)
    by_header: dict[Header, list[Frame]] = defaultdict(list)
    for frame in frames:
        by_header[frame.header].append(frame)
    found: list[Frame] = []
    for header, own in by_header.items():
        found += _completed(header, own, neighbours, tolerances) if header.sop_class_uid in SEGMENTATIONS else own
    return found


def _completed(header: Header, own: list[Frame], neighbours: Neighbours, tolerances: Tolerances) -> list[Frame]:
    segments = _segments(header, own)
    if not _placed_alike(own) or any(_repeats(members, tolerances) for members in segments.values()):
        return own
    slices = _slices(header, own, neighbours, tolerances)
    if slices is None:
        return own
    blank, told = _background(header), _empty_segments(header, segments)
    return [frame for members in segments.values() for frame in _whole(members, slices, blank, told)]


def _empty_segments(header: Header, there: Collection[str]) -> tuple[str, ...]:
    """Warnings about segments that are described but have no encoded frame."""
    declared = (text(item, "SegmentNumber") for item in items(header.elements, "SegmentSequence"))
    empty = [number for number in declared if number and number not in there]
    if header.sop_class_uid == LABEL_MAP or not empty:
        return ()
    several = len(empty) > 1
    return (f"segment{'s' * several} {listed(empty)} {'are' if several else 'is'} empty: no frame is encoded",)


def _segments(header: Header, own: Iterable[Frame]) -> dict[str, list[Frame]]:
    """The frames by the number of their segment."""
    if header.sop_class_uid == LABEL_MAP:
        return {"": list(own)}
    found: dict[str, list[Frame]] = defaultdict(list)
    for frame in own:
        found[frame.value(_SEGMENT)].append(frame)
    return found


def _placed_alike(own: Sequence[Frame]) -> bool:
    """True if all frames have a position and a common orientation, unlike tiles and frames of a film."""
    first = own[0].orientation
    return first is not None and all(
        frame.position is not None
        and frame.orientation is not None
        and max(abs(a - b) for a, b in zip(frame.orientation, first, strict=True)) <= SAME_COSINE
        for frame in own
    )


def _offsets(frames: Sequence[Frame], normal: Floats) -> Floats:
    return np.array([frame.position for frame in frames], np.float64) @ normal


def _repeats(members: Sequence[Frame], tolerances: Tolerances) -> bool:
    """True if frames of one segment share a position, as those of several time points do."""
    offsets = _offsets(members, slice_normal(members[0].orientation or ()))
    firsts, _ = places_of(offsets, same=tolerances.same_position)
    return len(firsts) < len(members)


# --- where the slices lie ---------------------------------------------------------------------------------------------


def _slices(header: Header, own: Sequence[Frame], neighbours: Neighbours, tolerances: Tolerances) -> _Slices | None:
    encoded = _distinct(own, tolerances)
    for stack in neighbours.sources_of(header):
        found = _from_source(stack, own[0], encoded, tolerances)
        if found is not None:
            return _Slices(found, "source")
    said = said_step(own[0])
    found = None if said is None else _lattice(encoded, own[0], said)
    if found is not None:
        return _Slices(found, "spacing")
    if len(encoded) < 2:
        return None
    gaps = np.diff(encoded @ slice_normal(own[0].orientation or ()))
    found = _lattice(encoded, own[0], float(gaps.min()))
    return None if found is None else _Slices(found, "gap")


def _distinct(own: Sequence[Frame], tolerances: Tolerances) -> Floats:
    """The positions of encoded frames, ascending along the normal, each once; shape ``(n, 3)``."""
    offsets = _offsets(own, slice_normal(own[0].orientation or ()))
    firsts, _ = places_of(offsets, same=tolerances.same_position)
    return np.array([own[int(index)].position for index in firsts], np.float64)


def _from_source(stack: Stack, first: Frame, encoded: Floats, tolerances: Tolerances) -> Floats | None:
    """The slices of the source images, on which all encoded frames lie; None if they do not."""
    if not stack.placed or np.abs(stack.orientation - np.asarray(first.orientation)).max() > SAME_COSINE:
        return None
    normal = slice_normal(first.orientation or ())
    images = _distinct(stack.frames, tolerances)
    if isinstance(stack.grid, MissingSlicesError):  # the step is known all the same
        gap = stack.grid.numbers.get("spacing_mm")
        filled = _filled(images, images @ normal, float(gap)) if isinstance(gap, float) else None
        images = images if filled is None else filled
    offsets = images @ normal
    step = float(np.diff(offsets).min()) if len(offsets) > 1 else tolerances.same_position
    off = np.abs(offsets[None] - (encoded @ normal)[:, None])
    near = off.argmin(axis=1)
    if off.min(axis=1).max() > max(tolerances.same_position, NEAR * step) or len(set(near.tolist())) < len(encoded):
        return None
    slices: Floats = images + (encoded[0] - images[near[0]])  # of a part of the image the first pixel is another
    slices[near] = encoded
    return slices


def _lattice(encoded: Floats, first: Frame, step: float) -> Floats | None:
    """Positions in equal steps through all encoded ones; None if these are no whole steps apart."""
    normal = slice_normal(first.orientation or ())
    return _filled(encoded, encoded @ normal, step)


def _filled(positions: Floats, offsets: Floats, step: float) -> Floats | None:
    if len(positions) == 1:
        return positions
    gaps = np.diff(offsets)
    steps = np.rint(gaps / step)
    if (steps < 1).any() or (np.abs(gaps - steps * step) > NEAR * step).any() or steps.sum() >= MOST_SLICES:
        return None
    parts = [
        begin + np.arange(count)[:, None] * (end - begin) / count
        for begin, end, count in zip(positions[:-1], positions[1:], steps.astype(int), strict=True)
    ]
    return np.concatenate([*parts, positions[-1:]])


# --- frames that are made ---------------------------------------------------------------------------------------------


def _background(header: Header) -> float:
    """Value of a pixel in no segment: 0, unless a label map declares another (PS3.3 C.8.20.2)."""
    try:
        found = number(header.elements, "PixelPaddingValue") if header.sop_class_uid == LABEL_MAP else None
    except PixelDataError:
        found = None
    return found or 0.0


def _whole(members: Sequence[Frame], slices: _Slices, blank: float, told: tuple[str, ...]) -> list[Frame]:
    """A segment's frames, and an empty one wherever it has none."""
    members = [replace(frame, own_warnings=(*frame.own_warnings, *told)) for frame in members] if told else members
    first, normal = members[0], slice_normal(members[0].orientation or ())
    found = [replace(frame, step_from=slices.step_from) for frame in members]
    taken, offsets = _offsets(members, normal), slices.positions @ normal
    span = float(np.diff(np.sort(offsets)).min()) / 2 if len(offsets) > 1 else np.inf
    beyond = first.pixels.frames
    for position, offset in zip(slices.positions.tolist(), offsets.tolist(), strict=True):
        if np.abs(taken - offset).min() >= span:
            x, y, z = position
            empty = replace(first, index=beyond + len(found), position=(x, y, z), own_warnings=(), blank=blank)
            found.append(replace(empty, step_from=slices.step_from))
    return found
