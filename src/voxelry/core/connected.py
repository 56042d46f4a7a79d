"""The connected pieces of a mask that hold one voxel, or any of some, read slice by slice.

Voxels are connected where they share a face (6 neighbours). Each slice is taken as runs of voxels along its rows; runs
that touch are joined in a union-find forest. So memory grows with the number of runs, not of voxels, and no slice but
the one at work is held.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import MeasureError
from voxelry.core.placed_masks import Mask
from voxelry.core.progress import Progress, silent

MOST_RUNS = 2**26
"""The forest of so many runs takes half a gigabyte; a mask with more is noise, not a structure."""
Keys = npt.NDArray[np.int64]
Plane = Callable[[int], Mask]


@dataclass(frozen=True, slots=True, eq=False)
class ConnectedPiece:
    """Voxels of a mask that are connected through faces.

    Attributes
    ----------
    count
        How many they are.
    """

    count: int
    _plane: Plane
    _first: Keys
    _kept: npt.NDArray[np.bool_]

    def plane(self, index: int) -> Mask:
        """Those of a slice; shape ``(row, column)``."""
        whole = self._plane(index)
        starts, stops = _runs(whole)
        kept = self._kept[self._first[index] : self._first[index + 1]]
        rows, columns = whole.shape
        steps = np.zeros(rows * (columns + 1) + 1, np.int8)
        steps[starts[kept]] += 1
        steps[stops[kept]] -= 1
        inside = np.cumsum(steps[:-1], dtype=np.int8).astype(np.bool_)
        return np.ascontiguousarray(inside.reshape(rows, columns + 1)[:, :columns])


def connected_piece(
    plane: Plane, slices: int, seed: tuple[int, int, int], *, progress: Progress = silent
) -> ConnectedPiece:
    """The piece of a mask that holds the voxel ``seed``.

    Parameters
    ----------
    plane
        Gives the mask of a slice, shape ``(row, column)``; it is asked for each slice in order, and again by
        `ConnectedPiece.plane`.
    slices
        How many slices there are.
    seed
        Index ``(slice, row, column)`` of a voxel of the mask.

    Raises
    ------
    MeasureError
        If the mask falls into more than `MOST_RUNS` runs.
    """

    def planted(index: int, mask: Mask) -> Keys:
        return np.array([seed[1] * (mask.shape[1] + 1) + seed[2]] if index == seed[0] else [], np.int64)

    return _pieces_of(plane, slices, planted, progress)


def pieces_with(plane: Plane, slices: int, seeds: Plane, *, progress: Progress = silent) -> ConnectedPiece:
    """The pieces of a mask that hold any voxel of another one.

    Parameters
    ----------
    plane, slices
        As in `connected_piece`.
    seeds
        Gives that other mask of a slice, shape ``(row, column)``; its voxels beyond the mask are seeds of nothing.

    Raises
    ------
    MeasureError
        If the mask falls into more than `MOST_RUNS` runs.
    """

    def planted(index: int, mask: Mask) -> Keys:
        rows, columns = np.nonzero(seeds(index) & mask)
        return np.asarray(rows * (mask.shape[1] + 1) + columns, np.int64)

    return _pieces_of(plane, slices, planted, progress)


def _pieces_of(plane: Plane, slices: int, planted: Callable[[int, Mask], Keys], progress: Progress) -> ConnectedPiece:
    """The pieces of a mask that hold a voxel that is planted, of a slice by its place in rows as `_runs` lays them."""
    forest = _Forest()
    first: Keys = np.zeros(slices + 1, np.int64)
    before: tuple[Keys, Keys] = np.empty(0, np.int64), np.empty(0, np.int64)
    chosen: list[Keys] = []
    grown = 0
    for index in range(slices):
        progress(index / slices, "finding connected pieces")
        mask = plane(index)
        starts, stops = _runs(mask)
        base, width = forest.add(stops - starts), mask.shape[1] + 1
        first[index + 1] = base + starts.size
        below, above = _touching((starts, stops), (starts - width, stops - width))
        forest.join(base + below, base + above)
        here, there = _touching((starts, stops), before)
        forest.join(base + here, grown + there)
        chosen.append(base + np.unique(np.searchsorted(starts, planted(index, mask), "right")) - 1)
        before, grown = (starts, stops), base
    kept, count = forest.trees_of(np.concatenate(chosen) if chosen else np.empty(0, np.int64))
    return ConnectedPiece(count, plane, first, kept)


def _runs(mask: Mask) -> tuple[Keys, Keys]:
    """Where runs of True begin and end, as positions in rows laid end to end with a gap of one voxel between them."""
    rows, columns = mask.shape
    spaced = np.zeros(rows * (columns + 1) + 1, np.int8)
    spaced[1:].reshape(rows, columns + 1)[:, :columns] = mask
    steps = np.diff(spaced)
    return np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)


def _touching(one: tuple[Keys, Keys], other: tuple[Keys, Keys]) -> tuple[Keys, Keys]:
    """Pairs of runs that share a position, of two lists in which runs are apart and ascend."""
    low = np.searchsorted(other[1], one[0], "right")
    counts = np.searchsorted(other[0], one[1], "left") - low
    ends = np.cumsum(counts)
    total = int(ends[-1]) if ends.size else 0
    which = np.repeat(np.arange(counts.size), counts)
    return which, np.arange(total) - np.repeat(ends - counts, counts) + np.repeat(low, counts)


class _Forest:
    """Which runs belong together: each points to an earlier one of its tree, and a root to itself."""

    def __init__(self) -> None:
        self._parent: npt.NDArray[np.int32] = np.empty(1024, np.int32)
        self._sizes: npt.NDArray[np.int32] = np.empty(1024, np.int32)
        self._count = 0

    def add(self, sizes: npt.NDArray[Any]) -> int:
        """Add runs, each a tree of its own; returns the number of the first."""
        first, self._count = self._count, self._count + sizes.size
        if self._count > MOST_RUNS:
            raise MeasureError(
                f"the voxels that count fall into more than {MOST_RUNS:,} runs along rows, too many to find the piece "
                "that holds a point: choose narrower limits, or a region"
            )
        if self._count > self._parent.size:
            room = min(MOST_RUNS, max(self._count, 2 * self._parent.size))
            self._parent, self._sizes = (_longer(old, first, room) for old in (self._parent, self._sizes))
        self._parent[first : self._count] = np.arange(first, self._count, dtype=np.int32)
        self._sizes[first : self._count] = sizes
        return first

    def join(self, one: Keys, other: Keys) -> None:
        """Join the trees of pairs of runs."""
        while one.size:
            a, b = self._roots(one), self._roots(other)
            apart = a != b
            one, other = np.minimum(a, b)[apart], np.maximum(a, b)[apart]
            # The smallest of several partners, so that a run that touches many is joined to all in two rounds.
            np.minimum.at(self._parent, other, one.astype(np.int32))

    def _roots(self, runs: Keys) -> Keys:
        found = self._parent[runs]
        while True:
            following = self._parent[found]
            if np.array_equal(following, found):
                break
            self._parent[found] = self._parent[following]  # halves the path for whoever comes later
            found = following
        self._parent[runs] = found
        return found.astype(np.int64)

    def trees_of(self, runs: Keys) -> tuple[npt.NDArray[np.bool_], int]:
        """Which runs belong to the trees of some, and how many voxels they have."""
        parent = self._parent[: self._count]
        while True:
            following = parent[parent]
            if np.array_equal(following, parent):
                break
            parent = following
        wanted = np.zeros(parent.size, np.bool_)
        wanted[parent[runs]] = True
        kept = wanted[parent]
        return kept, int(self._sizes[: self._count][kept].sum(dtype=np.int64))


def _longer(old: npt.NDArray[np.int32], filled: int, room: int) -> npt.NDArray[np.int32]:
    new = np.empty(room, np.int32)
    new[:filled] = old[:filled]
    return new
