"""Volumes as xarray's DataArrays, whose coordinates are voxel indices: parts of one still know where they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from voxelry.core.argument_types import check_type
from voxelry.core.errors import ParameterError
from voxelry.core.geometry import Geometry
from voxelry.core.spacing import Spacing
from voxelry.core.volume import Volume
from voxelry.workflows.exchange.libraries import check_exchange, check_installed

if TYPE_CHECKING:
    import xarray as xr

_AXES = ("slice", "row", "column")
_SAMPLE = "sample"
_AFFINE = "affine_lps_mm"
_SPACING = "spacing_mm"
_FRAME_OF_REFERENCE = "frame_of_reference_uid"


def to_xarray(volume: Volume) -> xr.DataArray:
    """A volume as a DataArray: values, place, unit and frame of reference. Attributes of a patient stay behind.

    Parameters
    ----------
    volume
        Of any kind: tilted, in colour, or without a place.

    Returns
    -------
    array
        Dimensions ``slice``, ``row``, ``column`` and for colour ``sample``; their coordinates are the voxels' indices.
        ``attrs`` has ``affine_lps_mm``, 16 numbers row by row, from these indices to LPS millimetres; ``spacing_mm``
        (NaN where unknown), ``units`` and ``frame_of_reference_uid``. It shares the volume's values, read-only.

    Raises
    ------
    MissingExtraError
        If xarray is not installed.
    WrongTypeError
        If it is no Volume.

    Examples
    --------
    >>> volume = voxelry.load_volume("sample/phantom")
    >>> array = voxelry.to_xarray(volume)
    >>> array.dims, array.attrs["units"]
    (('slice', 'row', 'column'), 'HU')
    """
    check_exchange(volume, "to_xarray", "xarray")
    import xarray as xr

    attrs: dict[str, object] = {_SPACING: [np.nan if one is None else one for one in volume.spacing]}
    if volume.affine is not None:
        attrs[_AFFINE] = volume.affine.ravel().tolist()
    if volume.unit:
        attrs["units"] = volume.unit
    if volume.frame_of_reference_uid:
        attrs[_FRAME_OF_REFERENCE] = volume.frame_of_reference_uid
    coordinates = {name: np.arange(length) for name, length in zip(_AXES, volume.shape[:3], strict=True)}
    dimensions = (*_AXES, _SAMPLE) if volume.colour else _AXES
    return xr.DataArray(np.asarray(volume), coordinates, dimensions, volume.label or None, attrs)


def from_xarray(array: xr.DataArray) -> Volume:
    """A volume from a DataArray, whole or a part of one that `to_xarray` gave, by ``isel`` or ``sel``.

    Parameters
    ----------
    array
        With the dimensions ``slice``, ``row`` and ``column``, in any order, and perhaps ``sample``. Their coordinates
        are evenly spaced voxel indices, from which ``attrs["affine_lps_mm"]`` leads to millimetres; both may be absent.

    Returns
    -------
    volume
        The voxels keep their places.

    Raises
    ------
    MissingExtraError
        If xarray is not installed.
    ParameterError
        If it is no DataArray, has other dimensions, or indices are not evenly spaced.

    Examples
    --------
    >>> volume = voxelry.load_volume("sample/phantom")
    >>> part = voxelry.from_xarray(voxelry.to_xarray(volume)[10:20, ::2])
    >>> part.shape, part.spacing
    ((10, 128, 256), (2.5, 3.0, 1.5))
    """
    check_installed("from_xarray", "xarray")
    import xarray as xr

    check_type(array, xr.DataArray, name="array")
    wanted = (*_AXES, _SAMPLE) if _SAMPLE in array.dims else _AXES
    if set(array.dims) != set(wanted):
        names = ", ".join(map(str, array.dims))
        raise ParameterError(f"dimensions slice, row and column, and perhaps sample, are wanted, not {names}")
    array = array.transpose(*wanted)
    starts, steps = zip(*(_even(array, name) for name in _AXES), strict=True)
    attrs = array.attrs
    slices, rows, columns = array.shape[:3]
    affine, spacing = _moved(attrs, np.array(starts), np.array(steps))
    uid = str(attrs[_FRAME_OF_REFERENCE]) if attrs.get(_FRAME_OF_REFERENCE) else None
    geometry = Geometry(shape=(slices, rows, columns), affine=affine, spacing=spacing, frame_of_reference_uid=uid)
    return Volume(
        array=np.asarray(array.values),
        geometry=geometry,
        unit=str(attrs.get("units", "")),
        label="" if array.name is None else str(array.name),
    )


def _even(array: xr.DataArray, name: str) -> tuple[float, float]:
    """The first index of a dimension, and the step to the next."""
    if name not in array.coords:
        return 0.0, 1.0
    indices = np.asarray(array.coords[name].values, np.float64)
    steps = np.diff(indices)
    if not np.isfinite(indices).all() or (steps.size and (steps[0] == 0 or not np.allclose(steps, steps[0]))):
        raise ParameterError(f"the indices of {name} are not evenly spaced, so that they are no grid")
    return float(indices[0]), float(steps[0]) if steps.size else 1.0


def _moved(
    attrs: dict[str, object], starts: npt.NDArray[np.float64], steps: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64] | None, Spacing]:
    """The affine and the spacing of a part: its first voxel is another, and its steps may be longer."""
    if _AFFINE in attrs:
        whole = np.array(attrs[_AFFINE], np.float64).reshape(4, 4)
        taken = np.eye(4)
        taken[:3, :3], taken[:3, 3] = np.diag(steps), starts
        return whole @ taken, (None, None, None)
    known = np.array(attrs.get(_SPACING, [np.nan] * 3), np.float64) * np.abs(steps)
    one, two, three = (None if np.isnan(value) else float(value) for value in known)
    return None, (one, two, three)
