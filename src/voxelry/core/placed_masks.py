"""Masks and labels in their box, and on another grid: placed by patient position, never by index.

A voxel of an image belongs to a segment if its centre lies in a voxel of the segment. A centre that lies within a
millionth of a voxel of a face counts as on it, and belongs to the later voxel, so that rounding decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import UnplacedError
from voxelry.core.geometry import Box, Geometry

Mask: TypeAlias = npt.NDArray[np.bool_]
_DECIMALS = 6
"""Of a voxel: what is nearer to a face than that lies on it."""


def box_of(mask: Mask) -> Box | None:
    """The smallest box around the True voxels; None if there is none."""
    slices = np.flatnonzero(mask.any(axis=(1, 2)))
    if not slices.size:
        return None
    inside = mask[slices[0] : slices[-1] + 1]
    rows, columns = np.flatnonzero(inside.any(axis=(0, 2))), np.flatnonzero(inside.any(axis=(0, 1)))
    return tuple(slice(int(axis[0]), int(axis[-1]) + 1) for axis in (slices, rows, columns))  # type: ignore[return-value]


def box_between(low: npt.NDArray[np.float64], high: npt.NDArray[np.float64], grid: Geometry) -> Box:
    """The voxels of a grid between two indices that need not be whole; a centre near to one of them is in the box."""
    first = np.clip(np.floor(low), 0, grid.shape).astype(int)
    last = np.clip(np.ceil(high) + 1, first, grid.shape).astype(int)
    slices, rows, columns = (slice(a, b) for a, b in zip(first.tolist(), last.tolist(), strict=True))
    return slices, rows, columns


def nearest_voxel(index: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The whole indices of the voxels in which points lie, from the points' indices; on a face the later voxel."""
    return np.asarray(np.floor(np.round(index, _DECIMALS) + 0.5))


def labels_on_grid(labels: npt.NDArray[Any], grid: Geometry, other: Geometry) -> npt.NDArray[Any]:
    """Labels, or a mask, on the grid of an image.

    Parameters
    ----------
    labels
        Shape ``(slice, row, column)``; 0 or False is background.
    grid
        Their grid.
    other
        The image's. Both lie in one frame of reference: that is for the caller to know.

    Returns
    -------
    labels
        Of the image's shape: for each voxel of it the label in which its centre lies, background outside of the grid.
        The same array where the grids are the same.

    Raises
    ------
    UnplacedError
        If the grids differ and one has no place.
    """
    if grid.same_grid(other):
        return labels
    found = np.zeros(other.shape, labels.dtype)
    for slices, some in labels_by_slices(labels, grid, other, at_once=1):
        found[slices] = some
    return found


def labels_by_slices(
    labels: npt.NDArray[Any], grid: Geometry, other: Geometry, *, at_once: int
) -> Iterator[tuple[slice, npt.NDArray[Any]]]:
    """What `labels_on_grid` gives, some slices of the image at a time; slices without a label may be left out.

    Raises
    ------
    UnplacedError
        If the grids differ and one has no place.
    """
    if grid.same_grid(other):
        for start in range(0, len(labels), at_once):
            some = slice(start, min(start + at_once, len(labels)))
            yield some, labels[some]
        return
    if not (grid.placed and other.placed):
        raise UnplacedError("the grids differ, and one has no place in the patient: nothing says how they lie")
    box = _box_of_labels(labels)
    if box is None:
        return
    slices, rows, columns = _reach(box, grid, other)
    matrix = np.linalg.inv(grid.known_affine) @ other.known_affine
    row, column = np.ogrid[rows, columns]
    for start in range(slices.start, slices.stop, at_once):
        some = slice(start, min(start + at_once, slices.stop))
        found = np.zeros((some.stop - start, *other.shape[1:]), labels.dtype)
        for index in range(start, some.stop):
            near = [nearest_voxel(m[0] * index + m[1] * row + m[2] * column + m[3]).astype(np.intp) for m in matrix[:3]]
            inside = np.ones(near[0].shape, np.bool_)
            for at, side in zip(near, box, strict=True):
                inside &= (at >= side.start) & (at < side.stop)
            found[index - start, rows, columns][inside] = labels[tuple(at[inside] for at in near)]
        yield some, found


def _box_of_labels(labels: npt.NDArray[Any]) -> Box | None:
    """The smallest box around what is not background; a slice at a time, as labels may lie in a large file."""
    found: list[tuple[int, int, int, int, int]] = []
    for index, one in enumerate(labels):
        rows = np.flatnonzero(one.any(axis=1))
        if rows.size:
            columns = np.flatnonzero(one[rows[0] : rows[-1] + 1].any(axis=0))
            found.append((index, int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1])))
    if not found:
        return None
    _, top, bottom, left, right = zip(*found, strict=True)
    return (
        slice(found[0][0], found[-1][0] + 1),
        slice(min(top), max(bottom) + 1),
        slice(min(left), max(right) + 1),
    )


def _reach(box: Box, grid: Geometry, other: Geometry) -> Box:
    """The voxels of the other grid whose centres may lie in a box of a grid."""
    sides = [(side.start - 1, side.stop) for side in box]
    corners = np.array(np.meshgrid(*sides, indexing="ij"), np.float64).reshape(3, 8).T
    index = other.lps_to_index(grid.index_to_lps(corners))
    return box_between(index.min(axis=0), index.max(axis=0), other)
