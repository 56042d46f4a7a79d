"""The Stack: frames of one series that form one regular grid, or the words that say why they do not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import GeometryError, PixelDataError, Problem
from voxelry.core.geometry import (
    NOTICEABLE_FRACTION,
    TILT_NOTICEABLE_DEGREES,
    Grid,
    fit_grid,
    make_affine,
    slice_normal,
)
from voxelry.core.progress import Progress, silent
from voxelry.core.volume import Spacing, Volume
from voxelry.dicom.attributes import describe, number
from voxelry.dicom.description import describe_pixels
from voxelry.dicom.frames import Frame
from voxelry.dicom.headers import Header
from voxelry.dicom.pixels import is_lossy
from voxelry.dicom.split import Pile, split
from voxelry.dicom.voxels import make_volume

HEADER_SPACING_FRACTION = 0.02
"""A header's slice spacing further from the measured one than this fraction is reported."""


@dataclass(frozen=True, eq=False)
class Stack:
    """Frames of one matrix, kind, orientation and spacing, one for each position, in order along the normal.

    Frames without positions (films, secondary captures, plain radiographs) form a stack in the order of
    their Instance Number: their slices have no place in the patient, and ``spacing[0]`` is None.

    Attributes
    ----------
    frames
        In order.
    label
        What tells this stack from others of its series: ``"EchoTime 4.6"``.
    """

    pile: Pile
    label: str

    def __repr__(self) -> str:
        name = f" {self.label!r}" if self.label else ""
        return f"<Stack{name} of {len(self.frames)} frames: {self.problem or 'regular'}>"

    @property
    def frames(self) -> tuple[Frame, ...]:
        return self.pile.frames

    @cached_property
    def headers(self) -> tuple[Header, ...]:
        """The instances that the frames come from, each once; dropped duplicates last."""
        return tuple(dict.fromkeys(frame.header for frame in (*self.frames, *self.pile.duplicates)))

    @property
    def placed(self) -> bool:
        """True if the frames have positions and an orientation."""
        return self.frames[0].position is not None and self.frames[0].orientation is not None

    @property
    def regular(self) -> bool:
        """True unless ``problem`` says why these frames form no regular grid."""
        return self.problem is None

    @cached_property
    def _grid(self) -> Grid | Problem | None:
        """The grid; None where there is nothing to fit (one slice, or no positions)."""
        if self.pile.problem:
            return Problem(GeometryError.code, self.pile.problem)
        if not self.placed or len(self.frames) == 1:
            return None
        try:
            return fit_grid([frame.position for frame in self.frames], self._orientation)  # type: ignore[arg-type]
        except GeometryError as error:
            return error.problem

    @property
    def _orientation(self) -> npt.NDArray[np.float64]:
        return np.asarray(self.frames[0].orientation, np.float64)

    @property
    def problem(self) -> Problem | None:
        """Why these frames form no regular grid, with the positions; None if they do."""
        return self._grid if isinstance(self._grid, Problem) else None

    @property
    def shape(self) -> tuple[int, ...]:
        """``(slices, rows, columns)``, and samples for colour."""
        pixels = describe_pixels(self.frames[0].header)
        sizes = (len(self.frames), pixels.rows, pixels.columns)
        return sizes if pixels.kind == "grey" else (*sizes, 3)

    @property
    def spacing(self) -> Spacing:
        """Millimetres ``(slice, row, column)``; None for each that is unknown or irregular."""
        first, grid = self.frames[0], self._grid
        rows, columns = first.pixel_spacing or (None, None)
        if isinstance(grid, Grid):
            return grid.spacing, rows, columns
        return (first.thickness if grid is None and len(self.frames) == 1 else None), rows, columns

    @cached_property
    def affine(self) -> npt.NDArray[np.float64] | None:
        """From ``(slice, row, column)`` index to LPS millimetres, 4 x 4; None where any part is unknown."""
        first, spacing, grid = self.frames[0], self.spacing, self._grid
        if not self.placed or first.pixel_spacing is None or spacing[0] is None or isinstance(grid, Problem):
            return None
        step = grid.step if isinstance(grid, Grid) else spacing[0] * slice_normal(self._orientation)
        return make_affine(first.position or (), self._orientation, step, first.pixel_spacing)

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What a user must know before trusting the numbers."""
        found = [*self.pile.warnings, *dict.fromkeys(w for frame in self.frames for w in frame.warnings)]
        grid = self._grid
        if self.frames[0].projection:
            found.append(
                "a localizer (LOCALIZER in Image Type (0008,0008)): a projection, whose mm3 is no volume of tissue"
            )
        if isinstance(grid, Grid):
            if grid.deviation > NOTICEABLE_FRACTION:
                found.append(
                    f"slice positions lie up to {100 * grid.deviation:.2f} % of their spacing off an even grid"
                )
            if grid.tilt > TILT_NOTICEABLE_DEGREES:
                found.append(
                    f"tilted stack (gantry tilt): the slices are sheared by {grid.tilt:.2f} degrees, as the affine "
                    f"says; {grid.spacing:.4g} mm apart along the normal, {grid.length:.4g} mm along the table"
                )
            found += self._header_disagrees(grid)
        elif grid is None and not self.placed and len(self.frames) > 1:
            found.append(
                "no Image Position (Patient) (0020,0032): the slices are in the order of their numbers, "
                "their place is unknown"
            )
        return tuple(found)

    def _header_disagrees(self, grid: Grid) -> list[str]:
        try:
            said = number(self.frames[0].header.elements, "SpacingBetweenSlices")
        except PixelDataError:
            return []
        if said is None or any(
            abs(abs(said) - measured) <= HEADER_SPACING_FRACTION * measured for measured in (grid.spacing, grid.length)
        ):
            return []
        warning = (
            f"{describe('SpacingBetweenSlices')} says {said:g} mm, the positions {grid.spacing:.4g} mm: "
            "the positions are used"
        )
        return [warning]

    def volume(self, *, progress: Progress = silent) -> Volume:
        """The voxels, decoded and rescaled.

        Raises
        ------
        GeometryError
            If the frames form no regular grid; the message says why.
        PixelDataError, TruncatedError, TransferSyntaxError
            If a frame cannot be decoded; the message names its file.
        """
        if self.problem is not None:
            raise GeometryError(self.problem.message, **self.problem.numbers)
        return self.for_viewing(progress=progress)

    def for_viewing(self, *, progress: Progress = silent) -> Volume:
        """The same, slice by slice, whether the grid is regular or not: without an affine where it is not."""
        return make_volume(
            self.frames,
            affine=self.affine,
            spacing=self.spacing,
            label=self.label,
            warnings=self.warnings,
            lossy=any(is_lossy(header) for header in self.headers),
            progress=progress,
        )


def stacks_of(frames: Iterable[Frame]) -> tuple[Stack, ...]:
    """The stacks of a series, the largest first, those of one split in the order of their values."""
    piles = split(frames)
    return tuple(Stack(pile, f"{pile.separated_by} {pile.value}".strip()) for pile in piles)
