"""Volumes as SimpleITK's images. Both know LPS millimetres; SimpleITK counts columns first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voxelry.core.argument_types import check_type
from voxelry.core.errors import ParameterError
from voxelry.core.extras import require
from voxelry.core.geometry import Geometry
from voxelry.core.volume import Volume
from voxelry.workflows.exchange.libraries import check_exchange, own_values, straight_affine

if TYPE_CHECKING:
    import SimpleITK

_UNIT = "unit"
_FRAME_OF_REFERENCE = "0020|0052"
"""As SimpleITK's own DICOM reader names it."""


def to_simpleitk(volume: Volume) -> SimpleITK.Image:
    """A volume as a SimpleITK image: values, place, unit and frame of reference. Attributes of a patient stay behind.

    Parameters
    ----------
    volume
        Grey or in colour.

    Returns
    -------
    image
        Of three axes, with values of its own; truth values are 0 and 1.

    Raises
    ------
    MissingExtraError
        If SimpleITK is not installed.
    UnplacedError
        If the place in the patient is unknown: SimpleITK would take 1 mm.
    GeometryError
        If the volume is tilted (sheared), which SimpleITK cannot hold.

    Examples
    --------
    >>> volume = voxelry.load_volume("sample/phantom")
    >>> image = voxelry.to_simpleitk(volume)
    >>> image.GetSize(), image.GetSpacing()
    ((256, 256, 48), (1.5, 1.5, 2.5))
    """
    require("`to_simpleitk`", ["SimpleITK"])
    check_exchange(volume, "to_simpleitk", "SimpleITK")
    import SimpleITK

    axes = straight_affine(volume, "SimpleITK")[:3, [2, 1, 0]]
    lengths = np.linalg.norm(axes, axis=0)
    image = SimpleITK.GetImageFromArray(own_values(volume), isVector=volume.colour)
    image.SetSpacing(lengths.tolist())
    image.SetDirection((axes / lengths).ravel().tolist())
    image.SetOrigin(volume.geometry.known_affine[:3, 3].tolist())
    for key, value in ((_UNIT, volume.unit), (_FRAME_OF_REFERENCE, volume.frame_of_reference_uid)):
        if value:
            image.SetMetaData(key, value)
    return image


def from_simpleitk(image: SimpleITK.Image) -> Volume:
    """A volume from a SimpleITK image.

    Parameters
    ----------
    image
        Of three axes, with one component or, for colour, three.

    Returns
    -------
    volume
        With values of its own, and what `to_simpleitk` kept.

    Raises
    ------
    MissingExtraError
        If SimpleITK is not installed.
    ParameterError
        If it is no image, has other axes, or another number of components.

    Examples
    --------
    >>> volume = voxelry.load_volume("sample/phantom")
    >>> again = voxelry.from_simpleitk(voxelry.to_simpleitk(volume))
    >>> bool((again.array == volume.array).all()), again.geometry.same_grid(volume.geometry)
    (True, True)
    """
    require("`from_simpleitk`", ["SimpleITK"])
    import SimpleITK

    check_type(image, SimpleITK.Image, name="image")
    components = image.GetNumberOfComponentsPerPixel()
    if image.GetDimension() != 3 or components not in (1, 3):
        raise ParameterError(
            f"an image of 3 axes with 1 or 3 components is wanted, not of {image.GetDimension()} with {components}"
        )
    array = SimpleITK.GetArrayFromImage(image)
    affine = np.eye(4)
    directions = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    affine[:3, :3], affine[:3, 3] = directions[:, ::-1], image.GetOrigin()
    kept = {key: image.GetMetaData(key) for key in (_UNIT, _FRAME_OF_REFERENCE) if image.HasMetaDataKey(key)}
    slices, rows, columns = array.shape[:3]
    geometry = Geometry(
        shape=(slices, rows, columns), affine=affine, frame_of_reference_uid=kept.get(_FRAME_OF_REFERENCE)
    )
    return Volume(array=array, geometry=geometry, unit=kept.get(_UNIT, ""))
