"""Slices of a volume: as acquired, or along the patient's axes.

A patient plane is the volume's own voxels seen along the index axis that lies nearest, turned the way
radiologists look at it: patient left on the viewer's right, posterior down in axial planes, superior up
in the others. No voxel is interpolated; an oblique stack shows its own oblique planes. Where a plane crosses
the slices of a tilted stack its rows lean: pictures of it are drawn leaning (`plane_lean`), its values are not.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from voxelry.core.affine import patient_axes
from voxelry.core.errors import GeometryError, ParameterError
from voxelry.core.geometry import Turn
from voxelry.core.volume import Volume

Axis = Literal["axial", "coronal", "sagittal"]
AXES: tuple[Axis, ...] = ("axial", "coronal", "sagittal")

_LEFT, _POSTERIOR, _SUPERIOR = 0, 1, 2
# For each plane: the patient axis looked along (its index ascends), then that of rows and of columns, with
# the direction in which row and column numbers grow.
_LAYOUT: dict[Axis, tuple[int, tuple[int, int], tuple[int, int]]] = {
    "axial": (_SUPERIOR, (_POSTERIOR, 1), (_LEFT, 1)),
    "coronal": (_POSTERIOR, (_SUPERIOR, -1), (_LEFT, 1)),
    "sagittal": (_LEFT, (_SUPERIOR, -1), (_POSTERIOR, 1)),
}

_UPRIGHT_DEGREES = 0.0256
"""Degrees; a smaller tilt counts as none."""
_SEEN = 0.5
"""Pixels; a smaller shift cannot be seen."""


def layout(volume: Volume, axis: Axis | None) -> Turn:
    """How planes of ``axis`` lie in the array: (along, rows, columns). None: as acquired.

    Raises
    ------
    GeometryError
        If a patient plane is asked for and the volume has no affine.
    ParameterError
        If ``axis`` is no plane's name.
    """
    if axis is None:
        return Turn((0, 1, 2), (False, False, False))
    if axis not in _LAYOUT:
        raise ParameterError(f"no plane {axis!r}; there are {', '.join(AXES)}")
    if volume.affine is None:
        raise GeometryError(f"no {axis} plane: the slices' place in the patient is unknown or irregular")
    index_axes, signs = patient_axes(volume.affine)
    along, (row, row_way), (column, column_way) = _LAYOUT[axis]
    return Turn(
        (index_axes[along], index_axes[row], index_axes[column]),
        (signs[along] < 0, signs[row] != row_way, signs[column] != column_way),
    )


def acquired_axis(volume: Volume) -> Axis | None:
    """The patient plane that the slices as acquired lie nearest to; None without an affine."""
    if volume.affine is None:
        return None
    index_axes, _ = patient_axes(volume.affine)
    return {_LEFT: "sagittal", _POSTERIOR: "coronal", _SUPERIOR: "axial"}[index_axes.index(0)]  # type: ignore[return-value]


def plane_count(volume: Volume, axis: Axis | None = None) -> int:
    """How many planes there are along ``axis``."""
    return int(volume.array.shape[layout(volume, axis).axes[0]])


def plane_shape(volume: Volume, axis: Axis | None = None) -> tuple[int, int]:
    """Rows and columns of a plane."""
    _, rows, columns = layout(volume, axis).axes
    return int(volume.array.shape[rows]), int(volume.array.shape[columns])


def plane_spacing(volume: Volume, axis: Axis | None = None) -> tuple[float | None, float | None]:
    """Millimetres between rows and between columns of a plane's picture; None where unknown.

    In a plane that crosses the slices of a tilted stack they are those of the leaning picture; see `plane_lean`.
    """
    where = layout(volume, axis)
    _, rows, columns = where.axes
    if volume.affine is None or where.axes[0] == 0 or volume.geometry.tilt_degrees < _UPRIGHT_DEGREES:
        return volume.spacing[rows], volume.spacing[columns]
    down, right = volume.affine[:3, rows], volume.affine[:3, columns]
    width = float(np.linalg.norm(right))
    return float(np.linalg.norm(down - right * (down @ right) / width**2)), width


def plane_lean(volume: Volume, axis: Axis | None = None) -> float:
    """How far each row of a plane's picture lies to the right of the row above, in columns.

    0 unless the plane crosses the slices of a tilted stack, so that its rows and columns are not perpendicular.
    A lean of less than half a pixel over all rows counts as 0.
    """
    where = layout(volume, axis)
    if volume.affine is None or where.axes[0] == 0 or volume.geometry.tilt_degrees < _UPRIGHT_DEGREES:
        return 0.0
    _, rows, columns = where.axes
    down, right = (
        -volume.affine[:3, index] if backwards else volume.affine[:3, index]
        for index, backwards in ((rows, where.backwards[1]), (columns, where.backwards[2]))
    )
    lean = float(down @ right) / float(right @ right)
    return lean if abs(lean) * (volume.array.shape[rows] - 1) >= _SEEN else 0.0


def plane_aspect(volume: Volume, axis: Axis | None = None) -> float:
    """The height of a plane's pixels over their width; 1 if it is unknown."""
    row, column = plane_spacing(volume, axis)
    if row is not None and column is not None:
        return row / column
    in_slice = layout(volume, axis).axes == (0, 1, 2)
    return volume.pixel_aspect if in_slice and volume.pixel_aspect is not None else 1.0


def slice_of_plane(volume: Volume, index: int, *, axis: Axis | None = None) -> int | None:
    """Which slice of the array a plane is, from 0; None where planes of ``axis`` cross the slices."""
    where = layout(volume, axis)
    if where.axes[0] != 0:
        return None
    return volume.array.shape[0] - 1 - index if where.backwards[0] else index


def plane_affine(volume: Volume, axis: Axis | None = None) -> npt.NDArray[np.float64] | None:
    """From a ``(plane, row, column)`` index to LPS millimetres; 4 x 4, None without an affine."""
    if volume.affine is None:
        return None
    axes, backwards = layout(volume, axis)
    return volume.geometry.permute(axes, backwards=backwards).affine


def plane(
    volume: Volume, index: int, *, axis: Axis | None = None, across: npt.NDArray[np.generic] | None = None
) -> npt.NDArray[np.generic]:
    """One plane's values.

    Parameters
    ----------
    index
        From 0; ascends along the normal as acquired, to superior in axial, posterior in coronal and
        left in sagittal planes.
    axis
        None for the slice as acquired.
    across
        The same values in the order (column, slice, row): a plane of one column is read from there.

    Returns
    -------
    values
        Shape ``(row, column[, sample])``, a view where possible.

    Raises
    ------
    IndexError
        If there is no such plane.
    GeometryError
        If a patient plane is asked for and the volume has no affine.
    """
    where = layout(volume, axis)
    if across is not None and where.axes[0] == 2:
        return _take(across, where, index, along=0)
    return _take(volume.array, where, index, along=where.axes[0])


def thinned_plane(values: npt.NDArray[np.generic], step: int) -> npt.NDArray[np.generic]:
    """Of a plane's rows and columns those in the middle of each ``step``, a view: a smaller picture for a quick look.

    Their indices are ``(min(step, n) - 1) // 2 + k * step`` of ``n``: each axis keeps at least one.
    """
    first_row, first_column = ((min(step, count) - 1) // 2 for count in values.shape[:2])
    return values[first_row::step, first_column::step]


def plane_padding(volume: Volume, index: int, *, axis: Axis | None = None) -> npt.NDArray[np.bool_] | None:
    """Which pixels of a plane are padding; shape ``(row, column)``, None if none can be."""
    if volume.padding is None or volume.colour:
        return None
    where = layout(volume, axis)
    if where.axes[0] == 0:
        number = volume.array.shape[0] - 1 - index if where.backwards[0] else index
        mask = volume.padding_mask(number)
        return None if mask is None else _turn(mask, where)
    # The plane crosses the slices, and each slice has padding limits of its own; NaN compares as False.
    across = where.axes.index(0)
    limits = volume.padding[:: -1 if where.backwards[across] else 1]
    if volume.array.dtype.kind == "f":
        limits = limits.astype(volume.array.dtype)
    low, high = (ends[:, None] if across == 1 else ends[None, :] for ends in (limits[:, 0], limits[:, 1]))
    values: npt.NDArray[Any] = plane(volume, index, axis=axis)
    return np.asarray((values >= low) & (values <= high))


def _take(array: npt.NDArray[np.generic], where: Turn, index: int, *, along: int) -> npt.NDArray[np.generic]:
    """A plane of an array, along one of its axes; the other two are in the order of the volume's."""
    count = array.shape[along]
    if not 0 <= index < count:
        raise IndexError(f"no plane {index}: there are {count}, from 0")
    number = count - 1 - index if where.backwards[0] else index
    return _turn(array[(slice(None),) * along + (number,)], where)


def _turn(values: npt.NDArray[Any], where: Turn) -> npt.NDArray[Any]:
    """An array over the two remaining index axes, in their order, as rows and columns of the plane."""
    (_, rows, columns), backwards = where
    if rows > columns:
        values = np.swapaxes(values, 0, 1)
    return values[:: -1 if backwards[1] else 1, :: -1 if backwards[2] else 1]
