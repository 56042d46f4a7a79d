"""Volumes of irregular stacks on request: one for each regular run of slices, or slices resampled to an even grid."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import GeometryError, MosaicError, ParameterError, RepeatedPositionsError, ShiftedSlicesError
from voxelry.core.gaps import usual_step
from voxelry.core.geometry import Geometry
from voxelry.core.progress import Progress, silent
from voxelry.core.resample import even_slices
from voxelry.core.slice_grid import Tolerances, fit_grid, make_affine, slice_normal
from voxelry.core.volume import Volume
from voxelry.dicom.acquisition.suv_factor import SuvKind, check_suv
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.written_precision import rounding_of
from voxelry.dicom.grouping.findings import finding
from voxelry.dicom.grouping.piles import Pile
from voxelry.dicom.grouping.repeated_positions import unmixed_ranks
from voxelry.dicom.grouping.split import place
from voxelry.dicom.series.precise_stacks import in_precise_values
from voxelry.dicom.series.real_world_stacks import in_real_world
from voxelry.dicom.series.stack import Stack
from voxelry.dicom.series.undecodable_files import decode_stack

OnIrregular = Literal["error", "split", "resample"]
"""No volume; one for each regular run of slices; or slices interpolated onto an even grid."""

MOST_SLICES = 10
"""An even grid may have at most this many times the slices of the stack."""

_NEARLY_WHOLE = 0.25
"""How far a gap may be off a whole number of steps, in steps, to count as one."""

Floats = npt.NDArray[np.float64]


def check_on_irregular(choice: str) -> None:
    """Raise a ParameterError unless it is one of ``OnIrregular``."""
    if choice not in get_args(OnIrregular):
        raise ParameterError(f"on_irregular is {choice!r}; it may be {', '.join(get_args(OnIrregular))}")


def check_scales(*, real_world: bool, philips_precise: bool = False, suv: SuvKind | None = None) -> None:
    """Raise a ParameterError if more than one scale of the same images is asked for, or a kind that there is not."""
    check_suv(suv)
    asked = {"real_world": real_world, "philips_precise": philips_precise, "suv": suv is not None}
    names = [name for name, wanted in asked.items() if wanted]
    if len(names) > 1:
        raise ParameterError(f"{' and '.join(names)} are scales of the same images; ask for one of them")


def chosen_stacks(
    stacks: Iterable[Stack], on_irregular: OnIrregular, *, real_world: bool = False, philips_precise: bool = False
) -> tuple[Stack, ...]:
    """The stacks; with ``"split"`` the regular runs of those that are irregular.

    Parameters
    ----------
    real_world
        True for real-world values instead of modality values.
    philips_precise
        True for Philips' precise values instead of modality values.
    """
    stacks = map(in_real_world, stacks) if real_world else stacks
    stacks = map(in_precise_values, stacks) if philips_precise else stacks
    return tuple(run for one in stacks for run in (regular_runs(one) if on_irregular == "split" else (one,)))


def chosen_volume(
    stack: Stack, on_irregular: OnIrregular, *, lazy: bool = False, progress: Progress = silent
) -> Volume:
    """The stack's volume; with ``"resample"`` on an even grid, which is never lazy."""
    if on_irregular == "resample":
        return decode_stack(stack, partial(resampled, stack, progress=progress))
    return decode_stack(stack, partial(stack.volume, lazy=lazy, progress=progress))


# --- regular runs -----------------------------------------------------------------------------------------------------


def regular_runs(stack: Stack) -> tuple[Stack, ...]:
    """The stack's regular runs of slices, as long as can be; a regular stack is its own.

    Every frame is in one of them. Where positions repeat, the frames of each are first told apart by the
    order of their Instance Number, and by the attributes that a volume must not mix.
    """
    if stack.problem is None or isinstance(stack.grid, MosaicError):
        return (stack,)
    if not stack.placed:
        told = finding("warning", "part_of_irregular", f"what is left of an incomplete stack: {stack.problem}")
        return (Stack(replace(stack.pile, findings=(*stack.pile.findings, told)), stack.label, stack.tolerances),)
    if not isinstance(stack.grid, RepeatedPositionsError):
        return tuple(_runs(stack, stack.frames, stack.label))
    found: list[Stack] = []
    for separation, rank in unmixed_ranks(place(stack.frames, stack.tolerances)):
        words = (f"{keyword} {value}" for keyword, value in separation)
        found += _runs(stack, rank.frames, _joined(stack.label, *words))
    return tuple(found)


def _runs(stack: Stack, frames: tuple[Frame, ...], label: str) -> list[Stack]:
    positions = np.array([frame.position for frame in frames], np.float64)
    found: list[Stack] = []
    for begin, end in _between_lost(positions, stack, rounding_of(frames)):
        name = f"slices {begin + 1}-{end}" if end - begin > 1 else f"slice {end}"
        told = finding(
            "warning",
            "part_of_irregular",
            f"{name} of {len(frames)} of an irregular stack: {stack.problem}",
            first=begin + 1,
            last=end,
            of=len(frames),
        )
        pile = Pile(frames[begin:end], stack.pile.separation, findings=(*stack.pile.findings, told))
        found.append(Stack(pile, _joined(label, name), stack.tolerances))
    if found and frames[0] is stack.frames[0]:
        found[0] = replace(found[0], pile=replace(found[0].pile, duplicates=stack.pile.duplicates))
    return found


def _between_lost(positions: Floats, stack: Stack, rounding: Floats | None) -> list[tuple[int, int]]:
    """The bounds of all runs; none reaches across a slice that was lost, however evenly the others lie."""
    offsets = positions @ slice_normal(stack.orientation)
    cuts = np.searchsorted(offsets, stack.lost.offsets)
    edges = sorted({0, len(positions), *(int(cut) for cut in cuts)})
    return [
        (start + begin, start + end)
        for start, stop in pairwise(edges)
        for begin, end in _all_bounds(positions[start:stop], stack, rounding)
    ]


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


@dataclass(frozen=True, eq=False)
class _Even:
    """Conditions for even spacing: direction, tolerances, and rounding of the positions' text (None: exact)."""

    orientation: Floats
    tolerances: Tolerances
    rounding: Floats | None

    @property
    def slack(self) -> float:
        """How far two steps may differ because of the digits, mm."""
        return 0.0 if self.rounding is None else 4 * float(np.linalg.norm(self.rounding))


def _all_bounds(positions: Floats, stack: Stack, rounding: Floats | None) -> list[tuple[int, int]]:
    """The bounds of exact runs; those of runs that are even to the digits written where these are by far fewer."""
    exact = _bounds(positions, _Even(stack.orientation, stack.tolerances, None))
    if rounding is None or len(exact) <= 2:
        return exact
    rounded = _bounds(positions, _Even(stack.orientation, stack.tolerances, rounding))
    return rounded if 2 * len(rounded) < len(exact) else exact


def _bounds(positions: Floats, even: _Even) -> list[tuple[int, int]]:
    """First slice and the one past the last of each run, in order.

    A slice between two runs goes to the longer, and of two equals to the one with the more usual step.
    """
    if len(positions) == 1:
        return [(0, 1)]
    gaps = np.diff(positions @ slice_normal(even.orientation))
    usual = usual_step(gaps, near=even.tolerances.near)
    runs = _even_runs(positions, gaps, even)
    runs.sort(key=lambda run: (run[0] - run[1], abs(gaps[run[0]] - usual)))
    owner = np.full(len(positions), -1)
    for number, (begin, end) in enumerate(runs):
        free = owner[begin:end] < 0
        owner[begin:end][free] = number
    changes = [0, *(np.flatnonzero(np.diff(owner)) + 1).tolist(), len(positions)]
    bounds: list[tuple[int, int]] = []
    for begin, end in pairwise(changes):
        if not _regular(positions[begin:end], even):
            # A run may fit a grid less well without its lost slices than with them.
            inner = _bounds(positions[begin:end], even)
            bounds += [(begin + first, begin + last) for first, last in inner]
        else:
            bounds.append((begin, end))
    return bounds


def _even_runs(positions: Floats, gaps: Floats, even: _Even) -> list[tuple[int, int]]:
    """Runs of equal steps; neighbours share a slice."""
    steps = np.diff(positions, axis=0)
    runs: list[tuple[int, int]] = []
    begin = 0
    while begin < len(positions) - 1:
        end = begin + 2
        near = even.tolerances.irregular * gaps[begin] + even.slack
        while end < len(positions) and float(np.linalg.norm(steps[end - 1] - steps[begin])) <= near:
            end += 1
        end = _regular_end(positions, begin, end, even)
        runs.append((begin, end))
        begin = end - 1
    return runs


def _regular_end(positions: Floats, begin: int, end: int, even: _Even) -> int:
    """Steps that are nearly equal may add up to a drift: where the run has to end, found by halving."""
    if _regular(positions[begin:end], even):
        return end
    low, high = begin + 2, end
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _regular(positions[begin:middle], even) else (low, middle)
    return low


def _regular(positions: Floats, even: _Even) -> bool:
    if len(positions) <= 2:
        return True
    try:
        fit_grid(positions, even.orientation, tolerances=even.tolerances, rounding=even.rounding)
    except GeometryError:
        return False
    return True


# --- an even grid -----------------------------------------------------------------------------------------------------


def resampled(stack: Stack, *, progress: Progress = silent) -> Volume:
    """The stack's slices interpolated along their normal onto an even grid; a regular stack's are not touched.

    The grid runs from the first position to the last. Its step is fitted to the whole, where the gaps are nearly whole
    steps; else it is the one nearest to the usual gap (the median) that fits. Values are linear between the two nearest
    slices; a warning names what was wrong.

    Raises
    ------
    RepeatedPositionsError
        If slices with different pixels lie at one position.
    ShiftedSlicesError
        If the slices drift sideways, off a straight line.
    GeometryError
        If there would be more than ``MOST_SLICES`` times as many slices as there are.
    """
    if not isinstance(stack.grid, GeometryError):
        return stack.volume(progress=progress)
    geometry = resampled_geometry(stack)
    positions = np.array([frame.position for frame in stack.frames], np.float64)
    offsets = positions @ slice_normal(stack.orientation)
    uneven = stack.for_viewing(progress=progress)
    count = geometry.shape[0]
    volume = even_slices(uneven, offsets, np.linspace(offsets[0], offsets[-1], count), geometry)
    warning = (
        f"resampled: {len(offsets)} slices were interpolated along their normal onto {count} slices "
        f"{float(offsets[-1] - offsets[0]) / (count - 1):.4g} mm apart, because of {stack.grid}"
    )
    return replace(volume, warnings=(*volume.warnings, warning))


def resampled_geometry(stack: Stack) -> Geometry:
    """The even grid that `resampled` interpolates an irregular stack onto, from headers alone.

    Raises
    ------
    GeometryError
        As `resampled` does.
    """
    if len(stack.frames) == 1 or not stack.placed:
        raise GeometryError(f"cannot be resampled: {stack.grid}")
    if isinstance(stack.grid, RepeatedPositionsError):
        raise RepeatedPositionsError(f"cannot be resampled: {stack.grid}", **stack.grid.numbers)
    if isinstance(stack.grid, MosaicError):
        raise MosaicError(f"cannot be resampled: {stack.grid}", **stack.grid.numbers)
    positions = np.array([frame.position for frame in stack.frames], np.float64)
    offsets = positions @ slice_normal(stack.orientation)
    usual = usual_step(np.diff(offsets), near=stack.tolerances.near)
    _check_straight(positions, offsets, usual, stack.tolerances)
    extent = float(offsets[-1] - offsets[0])
    count = max(2, round(extent / _whole_step(np.diff(offsets), usual)) + 1)
    if count > MOST_SLICES * len(offsets):
        raise GeometryError(
            f"cannot be resampled: {count} slices {usual:.3f} mm apart would be made of {len(offsets)}; {stack.grid}"
        )
    spacing = stack.frames[0].pixel_spacing
    step = (positions[-1] - positions[0]) / (count - 1)
    return replace(
        stack.geometry,
        shape=(count, *stack.geometry.shape[1:]),
        affine=None if spacing is None else make_affine(positions[0], stack.orientation, step, spacing),
        spacing=(extent / (count - 1), *stack.spacing[1:]),
    )


def _whole_step(gaps: Floats, usual: float) -> float:
    """The step that fits all slices best, if each gap is nearly so many whole steps; else the usual one.

    If positions are rounded, the median is one of two gaps (0.6 and 0.7 mm for 0.625 mm); over hundreds of slices the
    difference would add slices that do not exist.
    """
    single = gaps[np.abs(gaps - usual) <= _NEARLY_WHOLE * usual]
    if not single.size:
        return usual
    mean = float(single.mean())
    multiples = np.rint(gaps / mean)
    if not (multiples >= 1).all() or (np.abs(gaps - multiples * mean) > _NEARLY_WHOLE * mean).any():
        return usual
    numbers = np.concatenate([[0.0], np.cumsum(multiples)])
    slope = np.polyfit(numbers, np.concatenate([[0.0], np.cumsum(gaps)]), 1)[0]
    return float(slope)


def _check_straight(positions: Floats, offsets: Floats, usual: float, tolerances: Tolerances) -> None:
    share = (offsets - offsets[0]) / (offsets[-1] - offsets[0])
    line = positions[0] + share[:, None] * (positions[-1] - positions[0])
    drift = float(np.linalg.norm(positions - line, axis=1).max())
    if drift > tolerances.irregular * usual:
        raise ShiftedSlicesError(
            f"cannot be resampled: slices lie up to {drift:.3g} mm sideways, off a straight line", deviation_mm=drift
        )
