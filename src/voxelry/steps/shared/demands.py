"""Checks of what a step needs of a volume, with the same message in all steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import GeometryError, MeasureError, ParameterError, UnplacedError
from voxelry.core.measure import missing_spacing
from voxelry.core.slice_grid import TILT_NOTICEABLE_DEGREES
from voxelry.core.volume import Volume


def require_grey(volume: Volume) -> None:
    """Refuse colour, and values that are not real numbers.

    Raises
    ------
    MeasureError
        If the volume is in colour, or its values are not real numbers.
    """
    if volume.colour:
        raise MeasureError("a colour image has no single value in each voxel; use a greyscale series")
    if volume.array.dtype.kind not in "biuf":
        raise MeasureError(f"values of the kind {volume.array.dtype} are no real numbers, which this step needs")


def known_spacing(volume: Volume) -> tuple[float, float, float]:
    """The spacing ``(slice, row, column)`` in mm, all of it known.

    Raises
    ------
    UnplacedError
        If one is unknown.
    """
    slice_spacing, row, column = volume.spacing
    if slice_spacing is None or row is None or column is None:
        raise UnplacedError(f"millimetres cannot be told from voxels here: {missing_spacing(volume.spacing)}")
    return slice_spacing, row, column


def known_voxel_mm3(volume: Volume) -> float:
    """The volume of a voxel in mm3.

    Raises
    ------
    UnplacedError
        If a spacing is unknown.
    """
    if volume.voxel_mm3 is None:
        raise UnplacedError(f"millimetres cannot be told from voxels here: {missing_spacing(volume.spacing)}")
    return volume.voxel_mm3


def known_plane_spacing(volume: Volume) -> tuple[float, float]:
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


def known_affine(volume: Volume) -> npt.NDArray[np.float64]:
    """The affine.

    Raises
    ------
    UnplacedError
        If the volume has none.
    """
    if volume.affine is None:
        raise UnplacedError("this volume has no place in the patient: positions or an orientation are unknown")
    return volume.affine


def require_straight(volume: Volume, instead: str) -> None:
    """Refuse a sheared volume; one without an affine is accepted.

    Parameters
    ----------
    instead
        An alternative, as a clause: ``"blur within slices (dimensions 2)"``.

    Raises
    ------
    GeometryError
        If it is sheared; the message gives the angle.
    """
    tilt = volume.geometry.shear_degrees
    if tilt > TILT_NOTICEABLE_DEGREES:
        raise GeometryError(
            f"the stack is tilted (sheared) by {tilt:.2f} degrees, so that its axes are not at right angles; "
            f"straighten it first with the step rectify, or {instead}",
            tilt_degrees=tilt,
        )


def require_one_grid(first: Volume, second: Volume) -> None:
    """Refuse two volumes on different grids.

    Raises
    ------
    GeometryError
        If the grids differ; the message says in what.
    """
    one, other = first.geometry, second.geometry
    if one.shape != other.shape:
        shapes = " and ".join(" x ".join(map(str, grid.shape)) for grid in (one, other))
        raise GeometryError(f"the two volumes have {shapes} voxels; resample or register one onto the other first")
    if one.placed != other.placed:
        raise UnplacedError("one of the two volumes has no place in the patient, so nothing says that they match")
    if one.same_grid(other):
        return
    if not one.placed:
        raise GeometryError("the two volumes have voxels of different sizes; resample one onto the other first")
    apart = one.mm_apart(other)
    raise GeometryError(
        f"the two volumes' voxels are up to {apart:.3g} mm apart; register one onto the other first", apart_mm=apart
    )


def require_finite(values: npt.NDArray[Any]) -> None:
    """Refuse NaN and infinity.

    Raises
    ------
    MeasureError
        If a value is not finite.
    """
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise MeasureError("the volume holds values that are no numbers (NaN or infinite), which this step cannot use")


def require_at_most(limit: int, found: int, what: str) -> None:
    """Refuse a number above a limit.

    Raises
    ------
    ParameterError
        If the number is above the limit; the message gives both.
    """
    if found > limit:
        raise ParameterError(f"{found:,} {what} are more than the {limit:,} that are allowed", limit=limit)
