"""Slices of a mask between painted ones, from the shapes' signed distances (Raya and Udupa, 1990), in millimetres.

Each piece of a slice goes over into the pieces that belong to it in the next painted slice. One piece and one are laid
upon each other by their centres, which move on a straight line, if they fit better so. A piece that belongs to none
tapers to a point at the next painted slice. Distances lie in the slice's plane; on a sheared grid places go along the
grid's axis. The page's editor does the same: ``web/src/core/morphology/sliceInterpolation.ts``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from voxelry.core.placed_masks import box_of
from voxelry.core.progress import Progress
from voxelry.steps.shared.mask_grids import Floats, Mask

ROUNDING_MM = 1e-6
"""Distances that differ by less are equal, so that rounding decides nothing."""
Steps = tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class PaintedPieces:
    """The pieces of a plane, connected through edges or corners of pixels.

    Attributes
    ----------
    numbers
        The number of each pixel's piece, from 1 in C order; 0 for none.
    centres
        The mean ``(row, column)`` of each piece's pixels; shape ``(n, 2)``.
    widths
        The diameter of the disc that is as large as a piece, in mm; shape ``(n,)``.
    """

    numbers: npt.NDArray[np.int32]
    centres: Floats
    widths: Floats

    @classmethod
    def of(cls, plane: Mask, steps: Steps) -> PaintedPieces:
        """Those of a plane with the given steps from row to row and from column to column, in mm."""
        from scipy import ndimage

        numbers, count = ndimage.label(plane, np.ones((3, 3)))
        sizes = np.bincount(numbers.ravel(), minlength=count + 1)[1:]
        places = np.indices(plane.shape)
        sums = [np.bincount(numbers.ravel(), axis.ravel(), minlength=count + 1)[1:] for axis in places]
        return cls(numbers, np.stack(sums, -1) / sizes[:, None], 2 * np.sqrt(sizes * steps[0] * steps[1] / np.pi))


def between_slices(mask: Mask, axis: int, steps: Steps, progress: Progress) -> Mask:
    """The mask with every gap filled that lies between two of its planes which hold something.

    Parameters
    ----------
    axis
        The axis of the array across which the planes lie.
    steps
        Millimetres along the two other axes, in their order.
    """
    found = mask.copy()
    box = box_of(mask)
    if box is None:
        return found
    around = tuple(slice(max(0, one.start - 1), one.stop + 1) for one in box)
    planes = np.moveaxis(found[around], axis, 0)
    painted = np.flatnonzero(planes.any(axis=(1, 2))).tolist()
    for index, (first, last) in enumerate(pairwise(painted)):
        progress(index / len(painted), "interpolating slices")
        if last > first + 1:
            _fill_gap(planes, first, last, steps)
    return found


def _fill_gap(planes: Mask, first: int, last: int, steps: Steps) -> None:
    here, there = (PaintedPieces.of(planes[index], steps) for index in (first, last))
    for mine, its in matched_pieces(here, there, steps):
        shape_at = _shapes(here, there, mine, its, steps)
        for index in range(first + 1, last):
            planes[index] |= shape_at((index - first) / (last - first))


def matched_pieces(here: PaintedPieces, there: PaintedPieces, steps: Steps) -> list[tuple[list[int], list[int]]]:
    """The numbers of pieces of two planes that belong together; an empty list where a structure ends.

    Pieces that overlap belong together, with all that they overlap. Of the others the nearest pairs belong together
    whose gap is no wider than the smaller of the two; and one piece alone in its plane belongs to one alone in the
    other, wherever it lies.
    """
    matches: list[tuple[list[int], list[int]]] = []
    both = (here.numbers > 0) & (there.numbers > 0)
    pairs = np.unique(np.stack([here.numbers[both], there.numbers[both]], -1), axis=0)
    for mine, its in pairs.tolist():
        joined = [match for match in matches if mine in match[0] or its in match[1]]
        matches = [match for match in matches if match not in joined]
        own = {mine}.union(*(match[0] for match in joined))
        others = {its}.union(*(match[1] for match in joined))
        matches.append((sorted(own), sorted(others)))
    lonely = sorted(set(range(1, len(here.widths) + 1)).difference(*(match[0] for match in matches)))
    alone = sorted(set(range(1, len(there.widths) + 1)).difference(*(match[1] for match in matches)))
    for mine, its in _nearest_pairs(here, there, (lonely, alone), steps):
        lonely.remove(mine)
        alone.remove(its)
        matches.append(([mine], [its]))
    return [*matches, *(([mine], []) for mine in lonely), *(([], [its]) for its in alone)]


def _nearest_pairs(
    here: PaintedPieces, there: PaintedPieces, free: tuple[list[int], list[int]], steps: Steps
) -> list[tuple[int, int]]:
    """Pairs of pieces that overlap none, the nearest first."""
    only = len(here.widths) == len(there.widths) == 1
    near = []
    for mine in free[0]:
        for its in free[1]:
            mm = float(np.hypot(*((here.centres[mine - 1] - there.centres[its - 1]) * steps)))
            one, other = float(here.widths[mine - 1]), float(there.widths[its - 1])
            if only or mm - (one + other) / 2 <= min(one, other):
                near.append((round(mm / ROUNDING_MM), mine, its))
    found: list[tuple[int, int]] = []
    for _, mine, its in sorted(near):
        if all(mine != one and its != other for one, other in found):
            found.append((mine, its))
    return found


def _shapes(
    here: PaintedPieces, there: PaintedPieces, mine: list[int], its: list[int], steps: Steps
) -> Callable[[float], Mask]:
    """The shape at a share of the way from pieces of one plane to those of the other."""
    begins, ends = np.isin(here.numbers, mine), np.isin(there.numbers, its)
    begin = signed_distance(begins, steps) if mine else _tip(signed_distance(ends, steps), steps)
    end = signed_distance(ends, steps) if its else _tip(begin, steps)
    shift = np.zeros(2)
    if len(mine) == len(its) == 1:
        wanted = there.centres[its[0] - 1] - here.centres[mine[0] - 1]
        common = [int(((_moved(begin, by) > ROUNDING_MM) & (end > ROUNDING_MM)).sum()) for by in (wanted, shift)]
        shift = wanted if common[0] >= common[1] else shift

    def shape_at(share: float) -> Mask:
        mixed = (1 - share) * _moved(begin, share * shift) + share * _moved(end, (share - 1) * shift)
        return np.asarray(mixed > ROUNDING_MM)

    return shape_at


def signed_distance(plane: Mask, steps: Steps) -> Floats:
    """Inside the distance to the nearest pixel outside, outside less that to the nearest one inside, in mm.

    A shape that fills its plane has a surface nowhere: everything is as far inside as the plane is large.
    """
    from scipy import ndimage

    if plane.all():
        return np.full(plane.shape, float(np.hypot(*np.multiply(plane.shape, steps))))
    inside = ndimage.distance_transform_edt(plane, sampling=steps)
    return np.asarray(inside - ndimage.distance_transform_edt(~plane, sampling=steps))


def _tip(signed: Floats, steps: Steps) -> Floats:
    """The signed distance of the point to which a shape tapers: its innermost pixel, the first in C order."""
    row, column = np.unravel_index(int(np.argmax(signed > signed.max() - ROUNDING_MM)), signed.shape)
    rows, columns = np.indices(signed.shape)
    return np.asarray(-np.hypot((rows - row) * steps[0], (columns - column) * steps[1]))


def _moved(signed: Floats, by: Floats) -> Floats:
    """The distances of a shape that is moved by so many rows and columns; linear between pixels."""
    from scipy import ndimage

    if not by.any():
        return signed
    return np.asarray(ndimage.shift(signed, by, order=1, mode="nearest", prefilter=False))
