"""Groups frames that may share a grid: one matrix, kind, spacing, orientation and frame of reference.

Attributes that determine the shape of arrays or the meaning of values always separate (Rows, Columns, samples,
photometric interpretation, SOP class, kind of picture, segment). Spacing and orientation are clustered, because they
may differ by rounding. Frames of reference are handled in ``frames_of_reference``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import Problem
from voxelry.core.slice_grid import Tolerances
from voxelry.dicom.frames.frame import SAME_COSINE, Frame
from voxelry.dicom.frames.frame_facts import Facts
from voxelry.dicom.frames.shared_frames import one_of_each
from voxelry.dicom.grouping.frames_of_reference import by_frame_of_reference
from voxelry.dicom.grouping.image_kinds import derived_finding, image_kind
from voxelry.dicom.headers.attributes import text
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.sop_classes import SEGMENTATION, SEGMENTATIONS

SEGMENT = "ReferencedSegmentNumber"
SAME_SPACING = 1e-3
"""Pixel spacings that differ by no more than this fraction belong to one stack."""
_ROUNDS = 3
_MOST_MERGED = 50
"""Clusters are merged up to this number; more are a true rotation, not noise."""


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Frames that may share a grid, in the order of their numbers.

    Attributes
    ----------
    findings
        What must be said of why they are together, or apart from others.
    """

    frames: tuple[Frame, ...]
    findings: tuple[Problem, ...] = ()

    @property
    def placed(self) -> bool:
        return self.frames[0].position is not None and self.frames[0].orientation is not None


def groups_of(frames: Sequence[Frame], tolerances: Tolerances) -> list[Group]:
    """Sort frames into groups. Of thousands few differ, so that most are found by what they share."""
    bases: dict[tuple[object, ...], list[Frame]] = defaultdict(list)
    kinds: dict[Header, _Kind] = {}
    known: dict[object, list[Frame]] = {}
    last: tuple[Facts, list[Frame]] | None = None  # of placed frames; those of one mosaic follow each other
    for frame in frames:
        if last is not None and frame.facts is last[0] and frame.position is not None:
            last[1].append(frame)
            continue
        placed = frame.position is not None and frame.orientation is not None
        key: object = id(frame.facts)
        if frame.groups:
            key = frame if frame.common is None else (frame.common, key)
        members = known.get(key) if placed else None
        if members is None:
            kind, film = kinds.get(frame.header) or kinds.setdefault(frame.header, _kind(frame, placed=placed))
            # Frames of one film without positions follow each other; two films do not, nor two segmentations.
            together = placed and frame.header.sop_class_uid not in SEGMENTATIONS
            members = bases[kind, placed, "" if together else film, segment_of(frame)]
            if placed:
                known[key] = members
        members.append(frame)
        last = (frame.facts, members) if known.get(id(frame.facts)) is members else None
    found: list[Group] = []
    for members in bases.values():
        for alike in _clusters(members):
            if alike[0].position is None or alike[0].orientation is None:
                found.append(Group(tuple(alike)))
                continue
            for own, problem in by_frame_of_reference(alike, tolerances):
                found.append(Group(tuple(own), (problem,) if problem else ()))
    return _with_kinds(found)


_Kind = tuple[tuple[object, ...], str]


def _kind(frame: Frame, *, placed: bool) -> _Kind:
    """What all frames of an instance share, and which film they are on if they are several.

    The parts of a concatenation are one object (PS3.3 C.7.6.16.2.2.4), and one film.
    """
    header = frame.header
    dataset = header.elements
    kind = (
        frame.pixels.rows,
        frame.pixels.columns,
        text(dataset, "SamplesPerPixel"),
        text(dataset, "PhotometricInterpretation"),
        header.sop_class_uid,
        image_kind(header) if placed else "LOCALIZER" in image_kind(header),
    )
    alone = text(dataset, "NumberOfFrames") in ("", "1")
    return kind, text(dataset, "ConcatenationUID") or ("" if alone else header.sop_instance_uid)


def segment_of(frame: Frame) -> str:
    """Segments overlap and have gaps: each is a stack of its own, whether or not positions repeat."""
    return frame.value(SEGMENT) if frame.header.sop_class_uid == SEGMENTATION else ""


def _with_kinds(groups: list[Group]) -> list[Group]:
    """The groups, those of another kind than the largest with a finding that says so."""
    largest = max(groups, key=lambda group: len(group.frames))
    usual = _kinds(largest)
    found = []
    for group in groups:
        kind = _kinds(group)
        reason = (derived_finding(kind - usual, len(group.frames)),) if kind - usual else ()
        found.append(Group(group.frames, (*group.findings, *reason)))
    return found


def _kinds(group: Group) -> frozenset[str]:
    frames = group.frames[:1] if group.placed else group.frames
    headers = dict.fromkeys(frame.header for frame in frames)  # of a film with a million frames there is one
    return frozenset().union(*map(image_kind, headers))


# --- spacing and orientation ------------------------------------------------------------------------------------------

Floats = npt.NDArray[np.float64]


def _clusters(frames: list[Frame]) -> list[list[Frame]]:
    """Frames of one spacing and one orientation, but for noise."""
    if len({(frame.pixel_spacing, frame.orientation) for frame in one_of_each(frames)}) == 1:
        return [frames]
    own: dict[tuple[object, ...], list[Frame]] = defaultdict(list)
    for frame in frames:
        own[frame.pixel_spacing, frame.orientation].append(frame)
    kinds: dict[tuple[bool, bool], list[tuple[object, ...]]] = defaultdict(list)
    for key in own:
        kinds[key[0] is None, key[1] is None].append(key)
    found = []
    for keys in kinds.values():
        values = np.array([[*(key[0] or ()), *(key[1] or ())] for key in keys], np.float64)  # type: ignore[misc]
        counts = [len(own[key]) for key in keys]
        limits = _limits(values, has_spacing=keys[0][0] is not None)
        for members in _alike(values, limits, counts):
            numbers = {id(frame) for number in members for frame in own[keys[number]]}
            found.append([frame for frame in frames if id(frame) in numbers])
    return found


def _limits(values: Floats, *, has_spacing: bool) -> Floats:
    """How far each value may lie from the mean of those that are alike."""
    limits = np.full(values.shape, SAME_COSINE)
    if has_spacing:
        limits[:, :2] = SAME_SPACING * values[:, :2]
    return limits


def _alike(values: Floats, limits: Floats, counts: Sequence[int]) -> list[list[int]]:
    """Which rows of values are alike: each within its limits of the mean of its cluster.

    A cluster begins at the median of what is left, or, where that lies between two clusters, at the most frequent row.
    """
    order = sorted(range(len(values)), key=lambda row: (-counts[row], values[row].tolist()))
    left, weights = np.array(order), np.asarray(counts, np.float64)
    found: list[list[int]] = []
    while left.size:
        near = _near(values[left], limits[left], weights[left], np.median(values[left], axis=0))
        if not near.any():
            near = _near(values[left], limits[left], weights[left], values[left[0]])
        found.append(left[near].tolist())
        left = left[~near]
    return found if len(found) > _MOST_MERGED else _merged(found, values, limits, weights)


def _merged(found: list[list[int]], values: Floats, limits: Floats, weights: Floats) -> list[list[int]]:
    """Clusters together whose rows are all within their limits of the common mean."""
    merged: list[list[int]] = []
    for rows in found:
        for number, others in enumerate(merged):
            union = [*others, *rows]
            mean = np.average(values[union], axis=0, weights=weights[union])
            if (np.abs(values[union] - mean) <= limits[union]).all():
                merged[number] = union
                break
        else:
            merged.append(rows)
    return merged


def _near(values: Floats, limits: Floats, weights: Floats, centre: Floats) -> npt.NDArray[np.bool_]:
    """The rows within their limits of a centre, which moves to the mean of what it has found."""
    near = (np.abs(values - centre) <= limits).all(axis=1)
    for _ in range(_ROUNDS):
        if not near.any():
            break
        mean = np.average(values[near], axis=0, weights=weights[near])
        moved = (np.abs(values - mean) <= limits).all(axis=1)
        if not moved.any() or (moved == near).all():
            break
        near = moved
    return np.asarray(near)
