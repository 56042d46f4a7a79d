"""Slices that lie on a stack's grid but belong to another group because an attribute differs.

If another group of the series has a slice at a hole of the stack, the slice is not missing: the finding names the file,
the attribute and both values. Slices at the ends are reported too, although the rest is regular without them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import DifferingSlicesError, GeometryError, MissingSlicesError, Problem
from voxelry.core.gaps import listed, rounded
from voxelry.core.slice_grid import Tolerances
from voxelry.core.value import Value
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.grouping.findings import finding
from voxelry.dicom.grouping.grid_groups import Group
from voxelry.dicom.grouping.image_kinds import image_kind
from voxelry.dicom.grouping.lattice import NEAR, Lattice
from voxelry.dicom.headers.attributes import tag_label, text

CODE = "differing_slices"
_SIDEWAYS_PIXELS = 2.0
"""Distance from the line, in pixels, that a slice of another matrix or orientation may have."""
_MOST_GROUPS = 200
"""A series with more groups is not searched."""
Floats = npt.NDArray[np.float64]


def with_differing(groups: Sequence[Group], tolerances: Tolerances) -> list[Group]:
    """The groups, each with findings about the slices of other groups that lie on its grid.

    The other group gets the findings too.

    Parameters
    ----------
    groups
        Of one series, the largest first.
    """
    found = list(groups)
    if not 1 < len(found) <= _MOST_GROUPS:
        return found
    claimed: set[Frame] = set()
    for number, group in enumerate(groups):
        others = [other for other in groups[number + 1 :] if other is not group]
        for problem, frames in _differing(group, others, claimed, tolerances):
            found[number] = replace(found[number], findings=(*found[number].findings, problem))
            told = Problem(problem.code, problem.message, {**problem.numbers, "holes_mm": []})  # which are not its own
            for other, members in enumerate(found):
                if other != number and not frames.isdisjoint(members.frames):
                    found[other] = replace(members, findings=(*members.findings, told))
    return found


def explained(error: GeometryError, findings: Sequence[Problem]) -> GeometryError:
    """The same error, or one about differing slices if all missing slices are present in other groups."""
    offsets = [at for one in findings if one.code == CODE for at in _numbers(one.numbers.get("holes_mm"))]
    if not isinstance(error, MissingSlicesError) or not offsets:
        return error
    words = "; ".join(one.message for one in findings if one.code == CODE)
    if len(offsets) < int(str(error.numbers["count"])):
        return MissingSlicesError(
            f"{error}; {len(offsets)} of them {_are(len(offsets))} there: {words}", **error.numbers
        )
    numbers: dict[str, Value] = {**error.numbers, "holes_mm": [*offsets], **_together(findings)}
    return DifferingSlicesError(f"{words}; without {_them(len(offsets))} the stack has a hole", **numbers)


def _together(findings: Sequence[Problem]) -> dict[str, Value]:
    """The files and the differences of all findings."""
    found: dict[str, Value] = {}
    for key in ("files", "differences"):
        lists = [one.numbers.get(key) for one in findings if one.code == CODE]
        found[key] = [item for value in lists if isinstance(value, list) for item in value]
    return found


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _them(count: int) -> str:
    return "it" if count == 1 else "them"


def _numbers(value: Value) -> list[float]:
    return [float(one) for one in value if isinstance(one, int | float)] if isinstance(value, list) else []


# --- which ------------------------------------------------------------------------------------------------------------


def _differing(
    group: Group, others: Sequence[Group], claimed: set[Frame], tolerances: Tolerances
) -> list[tuple[Problem, frozenset[Frame]]]:
    """What is to be said of the frames of other groups that lie on this one's line: a finding for each difference."""
    if not group.placed or len(group.frames) < 2:
        return []
    found = [(problem, frozenset[Frame]()) for problem in _without_a_place(group, others)]
    lattice = Lattice.of(group.frames, tolerances)
    if lattice is None:
        return found
    by_difference: dict[tuple[tuple[str, str, str], ...], dict[Frame, float]] = defaultdict(dict)
    for other in others:
        if not other.placed:
            continue
        for frame, number in _between(lattice, group, other).items():
            if frame not in claimed:
                by_difference[_differences(frame, group)][frame] = number
    for differences, numbers in by_difference.items():
        if differences:
            claimed.update(numbers)
            found.append((_finding(differences, numbers, lattice), frozenset(numbers)))
    return found


def _between(lattice: Lattice, group: Group, other: Group) -> dict[Frame, float]:
    """The frames of another group in the holes of a line, between its slices, or following each other at its ends."""
    at: dict[Frame, float] = {}
    for frame in other.frames:
        number = next((n for n in _numbers_on(lattice, group.frames[0], frame) if n is not None), None)
        if number is not None:
            at[frame] = number
    whole = {round(number) for number in at.values() if abs(number - round(number)) <= NEAR}
    free = lattice.free(whole)
    few = 2 * len(other.frames) <= len(group.frames) and lattice.last > 1
    found = {}
    for frame, number in at.items():
        near = round(number)
        is_whole, inside = abs(number - near) <= NEAR, 0 < number < lattice.last
        hole_or_end = is_whole and near in free and (inside or few)
        if hole_or_end or (not is_whole and inside):
            found[frame] = number
    return found


def _numbers_on(lattice: Lattice, one: Frame, other: Frame) -> list[float | None]:
    """Where a slice lies on the line, by its first pixel and by its middle."""
    corner = np.asarray(other.position, np.float64)
    pixel = max(*(one.pixel_spacing or (0.0, 0.0)), *(other.pixel_spacing or (0.0, 0.0)))
    sideways = max(NEAR * lattice.spacing, _SIDEWAYS_PIXELS * pixel)
    middle = corner + _to_middle(other) - _to_middle(one)
    return [lattice.number_of(place, sideways=sideways) for place in (corner, middle)]


def _to_middle(frame: Frame) -> Floats:
    cosines = np.asarray(frame.orientation, np.float64)
    rows, columns = frame.pixel_spacing or (0.0, 0.0)
    down, right = (frame.pixels.rows - 1) / 2 * rows, (frame.pixels.columns - 1) / 2 * columns
    return np.asarray(cosines[3:] * down + cosines[:3] * right)


def _without_a_place(group: Group, others: Sequence[Group]) -> list[Problem]:
    """Images of the group's own kind and matrix whose header has no place."""
    first = group.frames[0]
    same = ("Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "SOPClassUID")
    found: list[Frame] = []
    for other in others:
        one = other.frames[0]
        alike = all(text(one.header.elements, key) == text(first.header.elements, key) for key in same)
        if not other.placed and alike and image_kind(one.header) == image_kind(first.header):
            found += other.frames
    if not found or 2 * len(found) > len(group.frames):
        return []
    lacking = "ImagePositionPatient" if found[0].position is None else "ImageOrientationPatient"
    names = list(dict.fromkeys(frame.header.name for frame in found))
    words = (
        f"{_count(len(found))} no {tag_label(lacking)} and {_are(len(found))} not in the stack: {listed(names)}; "
        "whether one belongs there is unknown"
    )
    files: list[Value] = [*names]
    return [finding("warning", "slices_without_place", words, attribute=lacking, count=len(found), files=files)]


def _count(count: int) -> str:
    return "1 image has" if count == 1 else f"{count} images have"


# --- in words ---------------------------------------------------------------------------------------------------------


def _differences(frame: Frame, group: Group) -> tuple[tuple[str, str, str], ...]:
    """The attributes in which a frame differs from a group: keyword, its value, theirs."""
    first = group.frames[0]
    found = []
    for keyword in ("Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation"):
        own, theirs = (text(one.header.elements, keyword) for one in (frame, first))
        found.append((keyword, own, theirs))
    found.append(("SOPClassUID", frame.header.sop_class_name, first.header.sop_class_name))
    found.append(("PixelSpacing", _spelled(frame.pixel_spacing), _spelled(first.pixel_spacing)))
    found.append(("ImageOrientationPatient", _spelled(frame.orientation), _spelled(first.orientation)))
    if image_kind(frame.header) != image_kind(first.header):
        own, theirs = ("\\".join(sorted(image_kind(one.header))) for one in (frame, first))
        found.append(("ImageType", own, theirs))
    differing = tuple(one for one in found if one[1] != one[2])
    if differing:
        return differing
    own, theirs = (text(one.header.elements, "FrameOfReferenceUID") for one in (frame, first))
    return () if own == theirs else (("FrameOfReferenceUID", own, theirs),)


def _spelled(values: Sequence[float] | None) -> str:
    return "" if values is None else "\\".join(f"{value:.6g}" for value in values)


def _finding(differences: tuple[tuple[str, str, str], ...], numbers: dict[Frame, float], lattice: Lattice) -> Problem:
    frames = list(numbers)
    names = list(dict.fromkeys(frame.header.name for frame in frames))
    told = " and ".join(
        f"{tag_label(keyword)} {own or '(none)'} where the others have {theirs or '(none)'}"
        for keyword, own, theirs in differences
    )
    few = len(frames) == 1
    words = (
        f"{len(frames)} slice{'s' * (not few)} {'differs' if few else 'differ'} from the others of the stack and "
        f"{_are(len(frames))} left out of it: {listed(names)} {'has' if few else 'have'} {told}"
    )
    start = float(lattice.origin @ lattice.normal)
    offsets = {frame: rounded(start + number * lattice.spacing) for frame, number in numbers.items()}
    holes = {
        round(number): offsets[frame] for frame, number in numbers.items()
        if 0 < number < lattice.last and abs(number - round(number)) <= NEAR
    }  # fmt: skip
    attributes: list[Value] = [
        {"attribute": keyword, "value": own, "others": theirs} for keyword, own, theirs in differences
    ]
    files: list[Value] = [*names]
    at: list[Value] = [*offsets.values()]
    holes_mm: list[Value] = [*holes.values()]
    return finding(
        "warning", CODE, words, count=len(frames), files=files, differences=attributes, positions_mm=at,
        holes_mm=holes_mm,
    )  # fmt: skip
