"""What is wrong with a row of slice positions, in words and numbers.

All positions here are offsets along the stack's normal, ascending, in millimetres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import (
    GeometryError,
    MissingSlicesError,
    NearDuplicatePositionsError,
    RepeatedPositionsError,
    UnevenSpacingError,
)
from voxelry.core.value import Value

Floats = npt.NDArray[np.float64]

NAMED = 5
"""How many holes, pairs or runs a sentence names; the numbers hold them all."""
MOST_MISSING = 10
"""The largest number of missing slices as a multiple of those present; farther slices belong to another stack."""


@dataclass(frozen=True, slots=True)
class EvenRun:
    """Equal gaps that follow each other.

    Attributes
    ----------
    count
        Gaps, one less than slices.
    gap
        Millimetres.
    first
        The offset of the run's first slice, mm.
    """

    count: int
    gap: float
    first: float

    def __str__(self) -> str:
        return f"{self.count} gap{'s' * (self.count > 1)} of {self.gap:.3f} mm from {self.first:.2f} mm"

    @property
    def record(self) -> dict[str, Value]:
        """As JSON."""
        return {"count": self.count, "gap_mm": rounded(self.gap), "from_mm": rounded(self.first)}


def places_of(offsets: Floats, *, same: float) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The places that slices lie at, in any order: those less than ``same`` apart share one.

    Returns
    -------
    firsts
        The index of the first slice at each place, by their offsets.
    numbers
        The number of each slice's place, from 0 along the normal.
    """
    order = np.argsort(offsets, kind="stable")
    begins = np.concatenate([[True], np.diff(offsets[order]) >= same])
    numbers = np.empty(len(offsets), np.int64)
    numbers[order] = np.cumsum(begins) - 1
    return order[begins], numbers


def rounded(millimetres: float) -> float:
    """Rounded to a millionth of a millimetre; finer digits are errors of arithmetic."""
    return round(float(millimetres), 6) + 0.0


def equal_runs(offsets: Floats, *, even: float) -> list[EvenRun]:
    """Runs of gaps that differ from the run's first by no more than the fraction ``even``."""
    runs: list[EvenRun] = []
    for start, gap in zip(offsets[:-1].tolist(), np.diff(offsets).tolist(), strict=True):
        last = runs[-1] if runs else None
        if last is not None and abs(gap - last.gap) <= max(even * last.gap, 1e-3):
            runs[-1] = EvenRun(last.count + 1, last.gap, last.first)
        else:
            runs.append(EvenRun(1, gap, start))
    return runs


def usual_step(gaps: Floats, *, near: float) -> float:
    """The gap that most neighbours have: the median, without the small gaps of near-duplicates.

    Parameters
    ----------
    gaps
        Shape ``(n,)``, n above 0, mm.
    near
        Gaps below this fraction of the largest are left out where each stands alone between larger ones: two
        small gaps beside each other are slices, and the large one is a hole.
    """
    small = gaps <= near * gaps.max()
    alone = not (small[1:] & small[:-1]).any()
    if alone and np.count_nonzero(~small) > 1:
        gaps = gaps[~small]
    middle = np.sort(gaps)[(len(gaps) - 1) // 2 : len(gaps) // 2 + 1]
    return float(
        middle.mean()
    )  # numpy.median imports numpy.ma, whose import takes longer than the medians of all series


def repeated_gaps(offsets: Floats, *, same: float) -> RepeatedPositionsError:
    """Slices closer than ``same`` millimetres share a position."""
    pairs = np.flatnonzero(np.diff(offsets) < same)
    places = list(dict.fromkeys(rounded(offsets[pair]) for pair in pairs))
    words = listed([f"{place:.2f} mm" for place in places])
    return RepeatedPositionsError(
        f"{len(pairs) + 1} slices share a position: {words} (along the normal)",
        positions_mm=[*places],
        identical=False,
        count=len(pairs) + 1,
    )


def irregular_gaps(offsets: Floats, *, near: float, even: float, slack: float = 0.0) -> GeometryError | None:
    """Why the gaps are not all equal; None if they are, within the fraction ``even``.

    Parameters
    ----------
    slack
        How far a gap may be off besides, because of the digits that positions are written with, mm.
    """
    gaps = np.diff(offsets)
    usual = usual_step(gaps, near=near)
    if slack:  # of rounded gaps the mean is the step, and the median is one of two
        single = gaps[np.abs(gaps - usual) <= even * usual + slack]
        usual = float(single.mean()) if single.size else usual
    close = np.flatnonzero(gaps < near * usual)
    if close.size:
        return _near_duplicates(offsets, gaps, close, usual)
    multiples = np.rint(gaps / usual)
    whole = bool((np.abs(gaps - multiples * usual) <= even * usual + slack).all()) and bool((multiples >= 1).all())
    if whole and 0 < (multiples - 1).sum() <= MOST_MISSING * len(offsets):
        return _missing(offsets, multiples, usual)
    if float(np.ptp(gaps)) <= even * usual:
        return None
    runs = equal_runs(offsets, even=even)
    return UnevenSpacingError(
        f"uneven slice spacing, {gaps.min():.3f} to {gaps.max():.3f} mm: {listed([str(run) for run in runs])}",
        runs=[run.record for run in runs],
        smallest_mm=rounded(gaps.min()),
        largest_mm=rounded(gaps.max()),
    )


def may_be_holes(offsets: Floats, *, even: float) -> bool:
    """True if all gaps are whole multiples of the smallest: slices may be missing, and no rounding explains that."""
    gaps = np.diff(offsets)
    multiples = gaps / gaps.min()
    return bool((np.abs(multiples - np.rint(multiples)) <= even).all())


def _near_duplicates(
    offsets: Floats, gaps: Floats, close: npt.NDArray[np.intp], usual: float
) -> NearDuplicatePositionsError:
    words = [f"{offsets[n]:.3f} and {offsets[n + 1]:.3f} mm" for n in close]
    return NearDuplicatePositionsError(
        f"{len(close)} pair{'s' * (len(close) > 1)} of slices lie almost at one position, "
        f"{gaps[close].max():.3g} mm or less apart where {usual:.3f} mm are usual: {listed(words)} (along the normal)",
        positions_mm=[[rounded(offsets[n]), rounded(offsets[n + 1])] for n in close],
        gaps_mm=[rounded(gaps[n]) for n in close],
        spacing_mm=rounded(usual),
        count=len(close),
    )


def _missing(offsets: Floats, multiples: Floats, usual: float) -> MissingSlicesError:
    missing = int((multiples - 1).sum())
    holes = np.flatnonzero(multiples > 1)
    words = [f"{offsets[n]:.2f} and {offsets[n + 1]:.2f} mm" for n in holes]
    return MissingSlicesError(
        f"{missing} slice{'s' * (missing > 1)} missing: slices are {usual:.3f} mm apart, but there is a hole between "
        f"{listed(words)} (along the normal)",
        count=missing,
        gaps_mm=[[rounded(offsets[n]), rounded(offsets[n + 1])] for n in holes],
        spacing_mm=rounded(usual),
    )


def listed(words: list[str]) -> str:
    """The first of them, and how many more there are."""
    more = len(words) - NAMED
    return ", ".join(words[:NAMED]) + (f", and {more} more" if more > 0 else "")
