"""The geometry report of a series, as sentences and as data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from voxelry.core.errors import Problem
from voxelry.core.slice_grid import Grid
from voxelry.core.value import Value
from voxelry.dicom.frames.frame import SAME_COSINE
from voxelry.dicom.grouping.findings import Severity, finding, severity_of
from voxelry.dicom.headers.attributes import tag_label
from voxelry.dicom.series.stack import Stack

NAMED = 4
"""How many stacks or values a sentence names; the numbers hold them all."""


@dataclass(frozen=True, slots=True)
class GeometryReport:
    """The geometry of a series.

    Attributes
    ----------
    regular
        True if there is a stack, and every one is regular.
    words
        One sentence: ``"regular: 35 slices of 512 x 512, 5 mm apart"``.
    problems
        Each with ``severity`` ("error", "warning" or "note"), ``stack`` (the index of the first stack that it
        is about, None for the series as a whole) and ``stacks`` (all of them) among its numbers.

    Examples
    --------
    >>> report = voxelry.index("sample").series[0].report
    >>> isinstance(report, voxelry.GeometryReport), report.regular
    (True, True)
    >>> report.words
    'regular: 48 slices of 256 x 256, 2.5 mm apart'
    """

    regular: bool
    words: str
    problems: tuple[Problem, ...]

    def __str__(self) -> str:
        return self.words

    @property
    def record(self) -> dict[str, Value]:
        """As JSON: ``{"regular", "summary", "problems": [{"code", "message", "severity", ...}]}``."""
        return {
            "regular": self.regular,
            "summary": self.words,
            "problems": [problem.record for problem in self.problems],
        }


def report_of(stacks: Sequence[Stack], more: Sequence[Problem] = ()) -> GeometryReport:
    """The report of a series with these stacks, in their order; at least one. ``more`` is said of the series itself."""
    found = [*_of_each(stacks), *more, *_separations(stacks), *_orientations(stacks)]
    found += _frames_of_reference(stacks)
    found.sort(key=lambda one: ("error", "warning", "note").index(severity_of(one)))
    return GeometryReport(all(stack.regular for stack in stacks), _summary(stacks), tuple(found))


def report_without_stacks(problem: Problem, kinds: Sequence[str]) -> GeometryReport:
    """The report of a series with no stack at all.

    Parameters
    ----------
    problem
        Why there is none.
    kinds
        The SOP classes of its objects if none of them has pixels: a report, a plan, ...
    """
    words = f"no image: {', '.join(dict.fromkeys(kinds))}" if kinds else f"no image: {problem.message}"
    severity: Severity = "note" if kinds else "error"
    numbers: dict[str, Value] = {**problem.numbers, "stack": None, "stacks": []}
    return GeometryReport(
        False, words, (finding(severity, problem.code, words if kinds else problem.message, **numbers),)
    )


# --- as data ----------------------------------------------------------------------------------------------------------


def _of_each(stacks: Sequence[Stack]) -> Iterator[Problem]:
    """The stacks' own findings; what is said of several is said once."""
    said: dict[tuple[str, str], Problem] = {}
    where: dict[tuple[str, str], list[Value]] = defaultdict(list)
    for index, stack in enumerate(stacks):
        for problem in stack.problems:
            key = problem.code, problem.message
            said.setdefault(key, problem)
            where[key].append(index)
    for key, problem in said.items():
        indices = where[key]
        yield Problem(problem.code, problem.message, {**problem.numbers, "stack": indices[0], "stacks": indices})


def _separations(stacks: Sequence[Stack]) -> Iterator[Problem]:
    """Which attribute distinguishes the stacks at one position."""
    groups: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for index, stack in enumerate(stacks):
        if stack.pile.separation:
            attributes = tuple(keyword for keyword, _ in stack.pile.separation)
            groups[(stack.pile.group, attributes)].append(index)
    for members in groups.values():
        first = stacks[members[0]].pile
        keywords = [keyword for keyword, _ in first.separation]
        values = [", ".join(value for _, value in stacks[index].pile.separation) for index in members]
        by = " and ".join(tag_label(keyword) for keyword in keywords)
        words = f"{_count(len(members), 'volume')} told apart by {by}: {_some(values, '; ')}"
        if first.confirmed_by:
            words += f"; {tag_label(first.confirmed_by)} says the same"
        indices: list[Value] = [*members]
        numbers: dict[str, Value] = {"attributes": [*keywords], "values": [*values], "stacks": indices}
        yield finding("note", "separated", words, **numbers, confirmed_by=first.confirmed_by or None, stack=members[0])


def _orientations(stacks: Sequence[Stack]) -> Iterator[Problem]:
    directions: list[tuple[float, ...]] = []
    for stack in stacks:
        own = stack.frames[0].orientation
        if own is not None and not any(_alike(own, known) for known in directions):
            directions.append(own)
    if len(directions) > 1:
        listed: list[Value] = [[round(cosine, 6) for cosine in direction] for direction in directions]
        indices: list[Value] = [*range(len(stacks))]
        words = f"{len(directions)} orientations in one series: each is a stack of its own"
        yield finding("note", "several_orientations", words, orientations=listed, stack=None, stacks=indices)


def _frames_of_reference(stacks: Sequence[Stack]) -> Iterator[Problem]:
    """Stacks of one series with different frames of reference, whose positions are not comparable."""
    of: dict[str, list[int]] = defaultdict(list)
    for index, stack in enumerate(stacks):
        if stack.placed and stack.frame_of_reference_uid is not None:
            of[stack.frame_of_reference_uid].append(index)
    if len(of) > 1:
        indices: list[Value] = [index for members in of.values() for index in members]
        words = (
            f"{len(of)} frames of reference in one series ({tag_label('FrameOfReferenceUID')}): each is a stack of its "
            "own, and nothing says how they lie to each other"
        )
        yield finding("note", "several_frames_of_reference", words, stack=None, stacks=indices, count=len(of))


def _alike(one: Sequence[float], other: Sequence[float]) -> bool:
    return all(abs(mine - yours) <= SAME_COSINE for mine, yours in zip(one, other, strict=True))


# --- in words ---------------------------------------------------------------------------------------------------------


def _summary(stacks: Sequence[Stack]) -> str:
    wrong = [stack for stack in stacks if not stack.regular]
    kinds = list(dict.fromkeys(_size(stack) for stack in stacks))
    # A single slice and images without positions form no grid.
    regular = "regular: " if any(isinstance(stack.grid, Grid) for stack in stacks) else ""
    if len(stacks) == 1:
        return f"irregular: {stacks[0].problem} ({kinds[0]})" if wrong else f"{regular}{kinds[0]}"
    if wrong:
        reasons = list(dict.fromkeys(str(stack.problem) for stack in wrong))
        return f"irregular: {len(wrong)} of {len(stacks)} stacks: {_some(reasons, '; ')}"
    if len(kinds) == 1:
        return f"{regular}{len(stacks)} stacks, each of {kinds[0]}"
    return f"{regular}{len(stacks)} stacks: {_some(kinds, '; ')}"


def _size(stack: Stack) -> str:
    """``35 slices of 512 x 512, 5 mm apart``."""
    grid = stack.grid
    if isinstance(grid, Grid):
        tilt = f", tilted by {grid.tilt:.2f} degrees" if grid.tilt > stack.tolerances.tilt_degrees else ""
        return f"{_matrix(stack, 'slice')}, {grid.spacing:.4g} mm apart{tilt}"
    if not stack.placed:
        return f"{_matrix(stack, 'image')} without a place in the patient"
    thickness = stack.frames[0].thickness
    return _matrix(stack, "slice") + (f", {thickness:.4g} mm thick" if thickness and len(stack.frames) == 1 else "")


def _matrix(stack: Stack, noun: str) -> str:
    slices, rows, columns, *samples = stack.shape
    return f"{_count(slices, noun)} of {rows} x {columns}{' in colour' * bool(samples)}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _some(words: Sequence[str], between: str) -> str:
    """All of a few; the first and the last of many."""
    if len(words) <= NAMED:
        return between.join(words)
    return f"{between.join(words[: NAMED - 1])}{between}... {words[-1]}"
