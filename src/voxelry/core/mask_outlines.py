"""Outlines of masks along the edges of their pixels: closed paths that hold exactly the pixels of the mask.

No path goes through the centre of a pixel, and a path's area is that of its pixels, so that nothing is lost on the way
to contours and back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from voxelry.core.placed_masks import Mask

Holes: TypeAlias = Literal["keyhole", "xor"]
"""How holes are drawn: joined to the outer path by a channel without width, or as paths of their own."""
Corners: TypeAlias = list[tuple[int, int]]

_STEPS = ((0, 1), (1, 0), (0, -1), (-1, 0))
"""East, south, west, north, as (row, column): the mask lies at the right hand of a path."""


@dataclass(slots=True)
class _Ring:
    """A closed path from corner to corner of pixels, each step one edge long; a hole runs counter-clockwise."""

    corners: Corners
    hole: bool


def outlines(mask: Mask, *, holes: Holes = "keyhole") -> list[npt.NDArray[np.float64]]:
    """The closed paths around the pixels of a mask.

    Pixels that meet at a corner only belong to different paths.

    Parameters
    ----------
    mask
        Shape ``(row, column)``.
    holes
        ``"keyhole"``: each path holds all its pixels, and goes in and out again along one line to each hole (PS3.3
        C.8.8.6.3). ``"xor"``: holes are paths of their own, and what lies inside an even number of paths is outside.

    Returns
    -------
    paths
        Each of shape ``(n, 2)``: row and column of its corners, halves of whole numbers, the centre of the first pixel
        being (0, 0). The last point is joined to the first.

    Examples
    --------
    >>> from voxelry.core.mask_outlines import outlines
    >>> outlines(np.array([[False, True, True]]))[0].tolist()
    [[-0.5, 0.5], [-0.5, 2.5], [0.5, 2.5], [0.5, 0.5]]
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return []
    box = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    rings = list(_rings(box))
    paths = [ring.corners for ring in rings] if holes == "xor" else _with_keyholes(rings)
    begin = np.array([rows[0], columns[0]]) - 0.5
    return [np.array(_straightened(path), np.float64) + begin for path in paths]


def _rings(mask: Mask) -> Iterator[_Ring]:
    """All paths, from edge to edge; where two pixels meet at a corner, each keeps to its own side."""
    width = mask.shape[1] + 1
    padded = np.pad(mask, 1)
    inside = padded[1:-1, 1:-1]
    starts, headings = [], []
    # The edges of pixels whose neighbour on that side is no pixel of the mask, each from corner to corner.
    for side, (neighbour, row, column) in enumerate((
        (padded[:-2, 1:-1], 0, 0), (padded[1:-1, 2:], 0, 1), (padded[2:, 1:-1], 1, 1), (padded[1:-1, :-2], 1, 0),
    )):  # fmt: skip
        at = np.argwhere(inside & ~neighbour)
        starts.append((at[:, 0] + row) * width + at[:, 1] + column)
        headings.append(np.full(len(at), side))
    start, heading = np.concatenate(starts), np.concatenate(headings)
    leaving = np.full(((mask.shape[0] + 1) * width, 4), -1, np.int64)
    leaving[start, heading] = np.arange(len(start))
    end = start + np.array([row * width + column for row, column in _STEPS])[heading]
    follows = leaving[end, (heading + 3) % 4]
    for turn in (0, 1):  # straight on rather than left, and right rather than both
        further = leaving[end, (heading + turn) % 4]
        follows = np.where(further >= 0, further, follows)
    yield from _traced(start.tolist(), heading.tolist(), follows.tolist(), width)


def _traced(start: list[int], heading: list[int], follows: list[int], width: int) -> Iterator[_Ring]:
    seen = bytearray(len(start))
    for first in range(len(start)):  # in the order of rows, so that a ring begins at its topmost edge
        if seen[first]:
            continue
        corners: Corners = []
        area, edge = 0, first
        while not seen[edge]:
            seen[edge] = 1
            row, column = divmod(start[edge], width)
            corners.append((row, column))
            area += (0, column, 0, -column)[heading[edge]]
            edge = follows[edge]
        yield _Ring(corners, hole=area < 0)


def _with_keyholes(rings: list[_Ring]) -> list[Corners]:
    """The outer paths, which go in and out along a line to each of their holes.

    The line goes from the topmost corner of a hole upward, between pixels of the mask, to the next path: an outer one,
    or one of a hole further up, which is a part of an outer one already.
    """
    outer = [ring.corners for ring in rings if not ring.hole]
    owner = {corner: index for index, corners in enumerate(outer) for corner in corners}
    for hole in sorted((ring.corners for ring in rings if ring.hole), key=min):
        row, column = min(hole)
        at = hole.index((row, column))
        upward = [(row, column)]
        while upward[-1] not in owner:
            upward.append((upward[-1][0] - 1, column))
        into = owner[upward[-1]]
        place = outer[into].index(upward[-1])
        channel = upward[::-1]
        added = [*channel[1:], *hole[at + 1 :], *hole[: at + 1], *upward[1:]]
        outer[into][place + 1 : place + 1] = added
        for corner in hole:
            owner.setdefault(corner, into)
    return outer


def _straightened(corners: Corners) -> Corners:
    """Without the points in the middle of straight lines."""
    count = len(corners)
    kept: Corners = []
    for index, (row, column) in enumerate(corners):
        before, after = corners[index - 1], corners[(index + 1) % count]
        if (row - before[0], column - before[1]) != (after[0] - row, after[1] - column):
            kept.append((row, column))
    return kept
