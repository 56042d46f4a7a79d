"""The equidistant positions of a stack's slices along a line, and which of them are free."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voxelry.core.gaps import places_of, usual_step
from voxelry.core.slice_grid import Tolerances, slice_normal
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.orientation import orientation_of

Floats = npt.NDArray[np.float64]

NEAR = 0.1
"""How far from a place of the line something may lie to be at it, as a fraction of the step."""


@dataclass(frozen=True, eq=False)
class Lattice:
    """Equidistant positions along a line.

    Attributes
    ----------
    origin, step
        LPS, mm; shape ``(3,)`` each.
    spacing
        The step along the slices' normal, mm.
    full
        The numbers of the places that hold as many frames as places usually do.
    last
        The number of the last place that is taken; the first is 0.
    """

    origin: Floats
    step: Floats
    normal: Floats
    spacing: float
    full: frozenset[int]
    last: int

    @classmethod
    def of(cls, frames: Sequence[Frame], tolerances: Tolerances) -> Lattice | None:
        """The line of frames that have positions; None if they have fewer than two places, or lie on none."""
        normal = slice_normal(orientation_of(frames))
        positions = np.array([frame.position for frame in frames], np.float64)
        offsets = positions @ normal
        first, place = places_of(offsets, same=tolerances.same_position)
        if len(first) < 2:
            return None
        gaps = np.diff(offsets[first])
        usual = usual_step(gaps, near=tolerances.near)
        numbers = np.concatenate([[0.0], np.cumsum(np.rint(gaps / usual))])
        if numbers[-1] == 0 or len(set(numbers.tolist())) < len(numbers):
            return None
        step, origin = np.polyfit(numbers, positions[first], 1)
        spacing = float(step @ normal)
        off = positions[first] - origin - np.outer(numbers, step)
        if spacing <= 0 or float(np.linalg.norm(off, axis=1).max()) > NEAR * spacing:
            return None
        counts = Counter(numbers[place].astype(int).tolist())
        usual_count = Counter(counts.values()).most_common(1)[0][0]
        full = frozenset(number for number, count in counts.items() if count >= usual_count)
        return cls(origin, step, normal, spacing, full, int(numbers[-1]))

    def number_of(self, place: Floats, *, sideways: float) -> float | None:
        """Distance from the first position in steps; None if the point does not lie on the line.

        Parameters
        ----------
        sideways
            How far off it may lie across the normal, mm.
        """
        number = float((place - self.origin) @ self.normal) / self.spacing
        off = place - self.origin - number * self.step
        return number if float(np.linalg.norm(off)) <= sideways else None

    def place_of(self, place: Floats, *, sideways: float) -> int | None:
        """The number of the position at which a point lies; None if it lies at none."""
        number = self.number_of(place, sideways=sideways)
        return round(number) if number is not None and abs(number - round(number)) <= NEAR else None

    def free(self, numbers: set[int]) -> set[int]:
        """Those numbers whose places are holes of the line, or follow each other at one of its ends."""
        found = {number for number in numbers if 0 <= number <= self.last and number not in self.full}
        for number, step in ((self.last + 1, 1), (-1, -1)):
            while number in numbers:
                found.add(number)
                number += step
        return found
