"""What all exchanges with other libraries need."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt

from voxelry.core.argument_types import check_type
from voxelry.core.errors import GeometryError, MissingExtraError
from voxelry.core.volume import Volume
from voxelry.formats.shared.grids import is_sheared


def check_exchange(volume: object, function: str, library: str) -> Volume:
    """The volume, where the library is there to take it.

    Raises
    ------
    MissingExtraError
        If the library is not installed.
    WrongTypeError
        If it is no Volume.
    """
    check_installed(function, library)
    return check_type(volume, Volume, name="volume", instead="voxelry.load_volume reads one from a path")


def check_installed(function: str, library: str) -> None:
    """Raise a MissingExtraError unless a library is installed."""
    if find_spec(library) is None:
        raise MissingExtraError(f"`{function}` needs {library}: pip install {library}")


def straight_affine(volume: Volume, library: str) -> npt.NDArray[np.float64]:
    """The affine, for a library whose axes are perpendicular.

    Raises
    ------
    UnplacedError
        If there is none.
    GeometryError
        If the volume is sheared.
    """
    affine = volume.geometry.known_affine
    if is_sheared(affine):
        raise GeometryError(
            f"the volume is tilted (sheared) by {volume.geometry.shear_degrees:.2f} degrees, which {library} cannot "
            "hold: straighten it first (voxelry.rectify)"
        )
    return affine


def own_values(volume: Volume) -> npt.NDArray[Any]:
    """A copy of the values that belongs to the caller; truth values as uint8, which every library knows."""
    dtype = np.uint8 if volume.dtype == np.bool_ else volume.dtype
    return np.array(volume.array, dtype=dtype, order="C")
