"""The Stack: frames of one series that form one regular grid, or the reason why they do not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from operator import attrgetter

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import GeometryError, MosaicError, Problem
from voxelry.core.geometry import Geometry
from voxelry.core.progress import Progress, silent
from voxelry.core.slice_grid import DEFAULT_TOLERANCES, Grid, Tolerances, fit_grid, make_affine, slice_normal
from voxelry.core.spacing import Spacing
from voxelry.core.volume import Volume
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.orientation import orientation_of
from voxelry.dicom.frames.shared_frames import headers_of, one_of_each
from voxelry.dicom.frames.written_precision import rounding_of
from voxelry.dicom.grouping.differing_slices import explained
from voxelry.dicom.grouping.findings import (
    error_finding,
    grid_findings,
    header_findings,
    missing_findings,
    noise_findings,
    projection_findings,
    severity_of,
)
from voxelry.dicom.grouping.frames_of_reference import frame_of_reference
from voxelry.dicom.grouping.piles import Pile
from voxelry.dicom.grouping.split import split
from voxelry.dicom.grouping.volume_names import labels_of
from voxelry.dicom.headers.header import Header
from voxelry.dicom.pixels.stored_pixels import is_lossy
from voxelry.dicom.series.diffusion_findings import diffusion_findings
from voxelry.dicom.series.lost_files import NOTHING_LOST, LostFile, LostSlices, incomplete, perhaps_findings
from voxelry.dicom.series.mixed_scaling import scaling_findings
from voxelry.dicom.series.mixed_settings import mixed_settings_findings
from voxelry.dicom.series.omitted_findings import omitted_findings
from voxelry.dicom.series.real_world import real_world_findings
from voxelry.dicom.series.unplaced_frames import common_step, unplaced_findings
from voxelry.dicom.values.voxels import make_volume

_POSITION = attrgetter("position")


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
    tolerances
        How even its positions must be.
    lost
        Files that it lacks, because they could not be used.
    pile
        The frames as they were sorted, with what they share.

    Examples
    --------
    >>> [stack] = voxelry.index("sample/phantom").series[0].stacks
    >>> isinstance(stack, voxelry.Stack), stack.regular, stack.spacing
    (True, True, (2.5, 1.5, 1.5))
    >>> stack.volume().unit
    'HU'
    """

    pile: Pile
    label: str
    tolerances: Tolerances = DEFAULT_TOLERANCES
    lost: LostSlices = NOTHING_LOST

    def __repr__(self) -> str:
        name = f" {self.label!r}" if self.label else ""
        return f"<Stack{name} of {len(self.frames)} frames: {self.problem or 'regular'}>"

    @property
    def frames(self) -> tuple[Frame, ...]:
        return self.pile.frames

    @cached_property
    def headers(self) -> tuple[Header, ...]:
        """The instances that the frames come from, each once; dropped duplicates last."""
        return tuple(headers_of((*self.frames, *self.pile.duplicates)))

    @property
    def placed(self) -> bool:
        """True if the frames have positions and an orientation."""
        return self.frames[0].position is not None and self.frames[0].orientation is not None

    @property
    def regular(self) -> bool:
        """True unless ``problem`` says why these frames form no regular grid."""
        return self.problem is None

    @cached_property
    def grid(self) -> Grid | GeometryError | None:
        """The grid, or why there is none; None where there is nothing to fit (one slice, or no positions)."""
        if self.pile.problem:
            return self.pile.problem
        fitted = self._fitted()
        if isinstance(fitted, GeometryError):
            fitted = explained(fitted, self.pile.findings)
        if not self.lost.is_known:
            return fitted
        return incomplete(self.lost, self.offsets, fitted if isinstance(fitted, GeometryError) else None)

    def _fitted(self) -> Grid | GeometryError | None:
        if not self.placed or len(self.frames) == 1:
            return None
        positions = [position or () for position in map(_POSITION, self.frames)]
        try:
            return _exact_grid(tuple(positions), tuple(self.orientation.tolist()), self.tolerances)
        except GeometryError as error:
            rounding = rounding_of(self.frames)
            if rounding is None:
                return error.with_traceback(None)  # its frames hold this stack, and would keep files open
        try:
            return fit_grid(positions, self.orientation, tolerances=self.tolerances, rounding=rounding)
        except GeometryError as error:
            return error.with_traceback(None)

    @property
    def offsets(self) -> tuple[float, ...]:
        """Of the frames along the normal, mm; empty where they have no place."""
        if not self.placed:
            return ()
        normal = slice_normal(self.orientation)
        return tuple((np.array([frame.position for frame in self.frames], np.float64) @ normal).tolist())

    def without(self, problems: Mapping[Header, Problem]) -> Stack | None:
        """The frames of all files but some that could not be used, which it lacks then; None if no frame is left."""
        kept = [frame for frame in self.frames if frame.header not in problems]
        if not kept:
            return None
        gone = [frame for frame in self.frames if frame.header in problems]
        files = {frame.header: LostFile(frame.header.name, problems[frame.header], frame.header) for frame in gone}
        normal = slice_normal(self.orientation) if self.placed else None
        offsets = [] if normal is None else [float(np.asarray(frame.position) @ normal) for frame in gone]
        duplicates = tuple(frame for frame in self.pile.duplicates if frame.header not in problems)
        lost = replace(
            self.lost,
            files=(*self.lost.files, *files.values()),
            offsets=tuple(sorted((*self.lost.offsets, *offsets))),
        )
        return replace(self, pile=replace(self.pile, frames=tuple(kept), duplicates=duplicates), lost=lost)

    @property
    def orientation(self) -> npt.NDArray[np.float64]:
        """Row cosines, then column cosines; shape ``(6,)``. Of frames that differ by noise the mean.

        Raises
        ------
        ValueError
            If the frames have none; see ``placed``.
        """
        return orientation_of(self.frames)

    @property
    def frame_of_reference_uid(self) -> str | None:
        """Frame of Reference UID (0020,0052) that all frames have; None if it is unknown: they have none, or differ."""
        return frame_of_reference(self.frames)

    @property
    def problem(self) -> Problem | None:
        """Why these frames form no regular grid, with the positions; None if they do."""
        return self.grid.problem if isinstance(self.grid, GeometryError) else None

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        """All findings about this stack, the most severe first.

        Each has a ``severity`` among its numbers: ``"error"`` (it is the ``problem``: there is no volume),
        ``"warning"`` (the volume has it among its warnings) or ``"note"``.
        """
        first, grid = self.frames[0], self.grid
        found = [
            *perhaps_findings(self.lost),
            *self.pile.findings,
            *header_findings(self.frames),
            *noise_findings(self.frames),
            *projection_findings(first),
            *scaling_findings(self.frames),
            *diffusion_findings(self.frames),
        ]
        if isinstance(grid, Grid):
            found += grid_findings(grid, first, self.tolerances)
            found += mixed_settings_findings(self.frames)
        found += unplaced_findings(self.frames) or missing_findings(self.frames)
        found += omitted_findings(self.frames, self.spacing[0])
        found += real_world_findings(self.frames)
        wrong = [error_finding(grid)] if isinstance(grid, GeometryError) else []
        if isinstance(grid, GeometryError):  # which may say some of them already
            found = [one for one in found if one.message not in str(grid)]
        warnings = [one for one in found if severity_of(one) == "warning"]
        return (*wrong, *warnings, *(one for one in found if severity_of(one) == "note"))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a user must know before trusting the numbers."""
        return tuple(one.message for one in self.problems if severity_of(one) == "warning")

    @property
    def shape(self) -> tuple[int, ...]:
        """``(slices, rows, columns)``, and samples for colour."""
        pixels = self.frames[0].pixels
        sizes = (len(self.frames), pixels.rows, pixels.columns)
        return sizes if pixels.kind == "grey" else (*sizes, 3)

    @property
    def spacing(self) -> Spacing:
        """Millimetres ``(slice, row, column)``; None for each that is unknown or irregular."""
        first, grid = self.frames[0], self.grid
        if isinstance(grid, MosaicError):  # distances across tiles are not distances in the patient
            return None, None, None
        rows, columns = first.pixel_spacing or (None, None)
        if isinstance(grid, Grid):
            return grid.spacing, rows, columns
        if grid is None and not self.placed and len(self.frames) > 1:
            return common_step(self.frames), rows, columns
        return (first.thickness if grid is None and len(self.frames) == 1 else None), rows, columns

    @property
    def affine(self) -> npt.NDArray[np.float64] | None:
        """From ``(slice, row, column)`` index to LPS millimetres, 4 x 4; None where any part is unknown."""
        return self.geometry.affine

    def _affine(self) -> npt.NDArray[np.float64] | None:
        """Of what has no grid."""
        first, spacing = self.frames[0], self.spacing
        if not self.placed or first.pixel_spacing is None or spacing[0] is None:
            return None
        step = spacing[0] * slice_normal(self.orientation)
        return make_affine(first.position or (), self.orientation, step, first.pixel_spacing)

    @cached_property
    def geometry(self) -> Geometry:
        """Slices, rows and columns, and where they lie; without a place where any part of it is unknown."""
        slices, rows, columns = self.shape[:3]
        spacing, grid, sides, uid = self.spacing, self.grid, self.frames[0].pixel_spacing, self.frame_of_reference_uid
        if isinstance(grid, Grid) and self.placed and sides is not None:
            return _geometry((slices, rows, columns), grid, tuple(self.orientation.tolist()), sides, spacing, uid)
        shape = (slices, rows, columns)
        return Geometry(shape=shape, affine=self._affine(), spacing=spacing, frame_of_reference_uid=uid)

    def volume(self, *, lazy: bool = False, progress: Progress = silent) -> Volume:
        """The voxels, decoded and rescaled.

        Parameters
        ----------
        lazy
            True to decode slices only when they are asked for: ``array`` is then a ``LazyArray``.

        Raises
        ------
        GeometryError
            If the frames form no regular grid; the message says why, and the ``code`` which kind it is.
        PixelDataError, TruncatedError, TransferSyntaxError
            If a frame cannot be decoded; the message names its file.
        """
        if isinstance(self.grid, GeometryError):
            raise type(self.grid)(str(self.grid), **self.grid.numbers)
        return self.for_viewing(lazy=lazy, progress=progress)

    def for_viewing(self, *, lazy: bool = False, progress: Progress = silent) -> Volume:
        """The same, slice by slice, whether the grid is regular or not: without an affine where it is not."""
        return make_volume(
            self.frames,
            geometry=self.geometry,
            label=self.label,
            warnings=self.warnings,
            lossy=any(is_lossy(frame.header) for frame in (*one_of_each(self.frames), *self.pile.duplicates)),
            lazy=lazy,
            progress=progress,
        )


@lru_cache(maxsize=4)  # the volumes of a series lie on one grid, one after the other
def _exact_grid(
    positions: tuple[tuple[float, ...], ...], orientation: tuple[float, ...], tolerances: Tolerances
) -> Grid:
    grid = fit_grid(positions, orientation, tolerances=tolerances)
    grid.step.flags.writeable = grid.origin.flags.writeable = False
    return grid


@lru_cache(maxsize=4)
def _geometry(
    shape: tuple[int, int, int],
    grid: Grid,
    orientation: tuple[float, ...],
    sides: tuple[float, float],
    spacing: Spacing,
    frame_of_reference_uid: str | None,
) -> Geometry:
    """The one that volumes on one grid share; ``sides`` are Pixel Spacing."""
    affine = make_affine(grid.origin, orientation, grid.step, sides)
    return Geometry(shape=shape, affine=affine, spacing=spacing, frame_of_reference_uid=frame_of_reference_uid)


def stacks_of(
    frames: Iterable[Frame], *, tolerances: Tolerances = DEFAULT_TOLERANCES, progress: Progress = silent
) -> tuple[Stack, ...]:
    """The stacks of a series, the largest first, those of one split in the order of their values."""
    piles = split(frames, tolerances=tolerances, progress=progress)
    return tuple(Stack(pile, label, tolerances) for pile, label in zip(piles, labels_of(piles), strict=True))
