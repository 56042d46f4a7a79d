"""What a step needs of a volume, each demand refused in one and the same sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import GeometryError, MeasureError, ParameterError, UnplacedError
from voxelry.core.geometry import TILT_NOTICEABLE_DEGREES
from voxelry.core.measure import missing_spacing
from voxelry.core.stacking import distance
from voxelry.core.volume import Volume

SAME_GRID = 0.01
"""Voxels nearer than this fraction of the smallest spacing are at one place."""


def grey(volume: Volume) -> None:
    """Refuse colour, and values that are no real numbers.

    Raises
    ------
    MeasureError
        In words.
    """
    if volume.colour:
        raise MeasureError("a colour image has no single value in each voxel; use a greyscale series")
    if volume.array.dtype.kind not in "biuf":
        raise MeasureError(f"values of the kind {volume.array.dtype} are no real numbers, which this step needs")


def millimetres(volume: Volume) -> tuple[float, float, float]:
    """The spacing ``(slice, row, column)`` in mm, all of it known.

    Raises
    ------
    UnplacedError
        If one is unknown: unknown is not 1.0.
    """
    slice_spacing, row, column = volume.spacing
    if slice_spacing is None or row is None or column is None:
        raise UnplacedError(f"millimetres cannot be told from voxels here: {missing_spacing(volume.spacing)}")
    return slice_spacing, row, column


def millimetres_in_plane(volume: Volume) -> tuple[float, float]:
    """The spacing ``(row, column)`` in mm, both known.

    Raises
    ------
    UnplacedError
        If one is unknown.
    """
    _, row, column = volume.spacing
    if row is None or column is None:
        raise UnplacedError(f"millimetres cannot be told from pixels here: {missing_spacing((1.0, row, column))}")
    return row, column


def placed(volume: Volume) -> npt.NDArray[np.float64]:
    """The affine.

    Raises
    ------
    UnplacedError
        If there is none.
    """
    if volume.affine is None:
        raise UnplacedError("this volume has no place in the patient: positions or an orientation are unknown")
    return volume.affine


def straight(volume: Volume, instead: str) -> None:
    """Refuse a sheared volume, whose axes are not at right angles; one without an affine is taken for straight.

    Parameters
    ----------
    instead
        What else can be done, as a clause: ``"blur within slices (dimensions 2)"``.

    Raises
    ------
    GeometryError
        With the angle.
    """
    tilt = degrees_of_tilt(volume)
    if tilt > TILT_NOTICEABLE_DEGREES:
        raise GeometryError(
            f"the stack is tilted (sheared) by {tilt:.2f} degrees, so that its axes are not at right angles; "
            f"straighten it first with the step rectify, or {instead}",
            tilt_degrees=tilt,
        )


def degrees_of_tilt(volume: Volume) -> float:
    """By how much two axes of a volume differ from a right angle, at most; 0 without an affine or with one slice."""
    if volume.affine is None:
        return 0.0
    axes = volume.affine[:3, :3] / np.linalg.norm(volume.affine[:3, :3], axis=0)
    if len(volume.array) == 1:  # nothing lies above anything
        axes = axes[:, 1:]
    cosines = axes.T @ axes - np.eye(axes.shape[1])
    return float(np.degrees(np.arcsin(min(1.0, float(np.abs(cosines).max())))))


def one_grid(first: Volume, second: Volume) -> None:
    """Refuse two volumes whose voxels do not lie in the same places.

    Raises
    ------
    GeometryError
        That says in what they differ.
    """
    if first.array.shape[:3] != second.array.shape[:3]:
        shapes = " and ".join(" x ".join(map(str, volume.array.shape[:3])) for volume in (first, second))
        raise GeometryError(f"the two volumes have {shapes} voxels; resample or register one onto the other first")
    if (first.affine is None) != (second.affine is None):
        raise UnplacedError("one of the two volumes has no place in the patient, so nothing says that they match")
    if first.affine is not None and second.affine is not None:
        apart = distance(first.affine, second.affine, first.array.shape)
        smallest = float(np.linalg.norm(first.affine[:3, :3], axis=0).min())
        if apart > SAME_GRID * smallest:
            raise GeometryError(
                f"the two volumes' voxels are up to {apart:.3g} mm apart; register one onto the other first",
                apart_mm=apart,
            )
    elif not all(_near(one, other) for one, other in zip(first.spacing, second.spacing, strict=True)):
        raise GeometryError("the two volumes have voxels of different sizes; resample one onto the other first")


def _near(one: float | None, other: float | None) -> bool:
    return one is other if one is None or other is None else abs(one - other) <= SAME_GRID * min(one, other)


def numbers(values: npt.NDArray[Any]) -> None:
    """Refuse NaN and infinity.

    Raises
    ------
    MeasureError
        In words.
    """
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise MeasureError("the volume holds values that are no numbers (NaN or infinite), which this step cannot use")


def at_most(limit: int, found: int, what: str) -> None:
    """Refuse more than is bearable.

    Raises
    ------
    ParameterError
        With both numbers.
    """
    if found > limit:
        raise ParameterError(f"{found:,} {what} are more than the {limit:,} that are allowed", limit=limit)
