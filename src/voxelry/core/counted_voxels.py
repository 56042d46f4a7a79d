"""The voxels of a volume that count, slice by slice: by their value, in a region, connected to a point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voxelry.core.affine import LARGEST, Vector
from voxelry.core.connected import ConnectedPiece, connected_piece, pieces_with
from voxelry.core.errors import ParameterError, UnplacedError
from voxelry.core.extent import CountedRange
from voxelry.core.geometry import Box, Geometry
from voxelry.core.placed_masks import Mask, nearest_voxel
from voxelry.core.progress import Progress, silent
from voxelry.core.regions import RegionMask, point_in_words
from voxelry.core.volume import Volume


@dataclass(frozen=True, slots=True, eq=False)
class CountedVoxels:
    """Voxels whose value counts, in a box of the volume.

    Attributes
    ----------
    held
        The values that count; None if none does.
    box
        Ranges of slices, rows and columns.
    mask
        Of the box's shape: which of its voxels are looked at; None for all.
    pieces
        Of the voxels of the whole volume whose value counts: only theirs do; None for all.
    """

    volume: Volume
    held: CountedRange | None
    box: Box
    mask: Mask | None = None
    pieces: ConnectedPiece | None = None

    @property
    def slices(self) -> int:
        """How many slices the box has."""
        return int(self.box[0].stop) - int(self.box[0].start)

    def plane(self, index: int) -> Mask:
        """Those of a slice of the box; shape ``(row, column)`` of the box."""
        number, rows, columns = self.box[0].start + index, *self.box[1:]
        if self.pieces is not None:  # all of their voxels hold a value that counts, and none is padding
            counted = self.pieces.plane(number)[rows, columns]
            return counted if self.mask is None else counted & self.mask[index]
        values = np.asarray(self.volume.array[number])[rows, columns]
        if self.held is None:
            return np.zeros(values.shape, np.bool_)
        counted = self.held.hold(values)
        if self.mask is not None:
            counted &= self.mask[index]
        hidden = self.volume.padding_mask(number)
        if hidden is not None:
            counted &= ~hidden[rows, columns]
        return counted


def counted_voxels(
    volume: Volume,
    held: CountedRange | None,
    region: RegionMask | None = None,
    pieces: ConnectedPiece | None = None,
) -> CountedVoxels:
    """The voxels whose value counts, of a region or of the whole volume, and of pieces that were found in it."""
    if region is not None:
        return CountedVoxels(volume, held, region.box, region.mask, pieces)
    slices, rows, columns = (slice(0, side) for side in volume.array.shape[:3])
    return CountedVoxels(volume, held, (slices, rows, columns), None, pieces)


def pieces_reaching(
    volume: Volume, held: CountedRange | None, reached: CountedRange | None, *, progress: Progress = silent
) -> ConnectedPiece:
    """The pieces of the voxels whose value counts that hold a voxel with a value of another range.

    Raises
    ------
    MeasureError
        If the voxels that count fall into too many runs.
    """
    counted, seeds = counted_voxels(volume, held), counted_voxels(volume, reached)
    return pieces_with(counted.plane, counted.slices, seeds.plane, progress=progress)


def count_all(counted: CountedVoxels, *, progress: Progress = silent) -> int:
    """How many voxels count."""
    if counted.pieces is not None and counted.mask is None:
        return counted.pieces.count
    total = 0
    for index in range(counted.slices):
        progress(index / counted.slices, "counting")
        total += int(np.count_nonzero(counted.plane(index)))
    return total


def piece_at(counted: CountedVoxels, point: Vector, *, progress: Progress = silent) -> ConnectedPiece:
    """Of the voxels that count, those that are connected through faces to the voxel that holds a point.

    Parameters
    ----------
    point
        LPS, mm; `checked_point` makes one.

    Raises
    ------
    ParameterError
        If the point lies outside of the volume, or its voxel does not count.
    UnplacedError
        If nothing says where the volume lies.
    MeasureError
        If the voxels that count fall into too many runs.
    """
    index = voxel_at(counted.volume.geometry, point)
    starts = [side.start for side in counted.box]
    seed = index[0] - starts[0], index[1] - starts[1], index[2] - starts[2]
    inside = all(side.start <= at < side.stop for at, side in zip(index, counted.box, strict=True))
    if not inside or (counted.mask is not None and not counted.mask[seed]):
        raise ParameterError(f"the point {point_in_words(point)} of the component lies outside of the region")
    if not counted.plane(seed[0])[seed[1:]]:
        hidden = counted.volume.padding_mask(index[0])
        padded = hidden is not None and bool(hidden[index[1:]])
        number = bool(np.isfinite(float(counted.volume.array[index])))
        reaches = "its value is not one that counts"
        if counted.pieces is not None:
            reaches = "its value is not above the lower one, or its piece does not reach above the upper one"
        why = "it is padding" if padded else reaches if number else "it holds no number"
        raise ParameterError(
            f"the voxel at the point {point_in_words(point)} of the component does not count: {why}; "
            "choose a point inside of what is to be measured"
        )
    return connected_piece(counted.plane, counted.slices, seed, progress=progress)


def voxel_at(geometry: Geometry, point: Vector) -> tuple[int, int, int]:
    """The index of the voxel that holds a point, by the rule of `placed_masks`.

    Raises
    ------
    ParameterError
        If the point lies outside of the grid.
    UnplacedError
        If nothing says where the grid lies.
    """
    if not geometry.placed:
        raise UnplacedError("nothing says where this image lies in the patient, so no point of the patient is in it")
    near = nearest_voxel(geometry.lps_to_index(point))
    if not (np.all(near >= 0) and np.all(near < geometry.shape)):
        raise ParameterError(f"the point {point_in_words(point)} of the component lies outside of this volume")
    slices, rows, columns = (int(at) for at in near)
    return slices, rows, columns


def checked_point(given: Vector) -> Vector:
    """A point in the patient, as three finite numbers of millimetres.

    Raises
    ------
    ParameterError
        If it is something else.
    """
    try:
        x, y, z = map(float, given)
    except (TypeError, ValueError):
        raise ParameterError("the point of a component is three numbers of millimetres: x, y, z in LPS") from None
    if not all(abs(number) < LARGEST for number in (x, y, z)):  # NaN is not
        raise ParameterError(f"the point of a component is three finite numbers, not {point_in_words((x, y, z))}")
    return x, y, z
