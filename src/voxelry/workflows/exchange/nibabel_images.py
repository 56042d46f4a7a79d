"""Volumes as nibabel's NIfTI images, which know RAS millimetres and count columns first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from voxelry.core.argument_types import a_kind
from voxelry.core.errors import ParameterError, WrongTypeError
from voxelry.core.volume import Volume
from voxelry.formats.shared.grids import is_sheared
from voxelry.workflows.exchange.libraries import check_exchange, check_installed, own_values

if TYPE_CHECKING:
    from nibabel.nifti1 import Nifti1Image

_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_TURNED = [2, 1, 0, 3]
"""Slices, rows and columns the other way round."""
_RGB = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
_UNIT = "unit: "
_MM = {"mm": 1.0, "meter": 1000.0, "micron": 0.001, "unknown": 1.0}
_SCANNER = 1


def to_nibabel(volume: Volume) -> Nifti1Image:
    """A volume as a nibabel image: values, place and unit. Attributes of a patient stay behind.

    Parameters
    ----------
    volume
        Grey, or in colour of 8 bits; tilted (sheared) ones too: the sform holds them, the qform is left unknown.

    Returns
    -------
    image
        Axes ``(column, row, slice)``, affine to RAS millimetres, with values of its own; truth values are 0 and 1.

    Raises
    ------
    MissingExtraError
        If nibabel is not installed.
    UnplacedError
        If the place in the patient is unknown: nibabel would take 1 mm.
    ParameterError
        If it is in colour of more than 8 bits.

    Examples
    --------
    >>> volume = voxelry.load_volume("sample/phantom")
    >>> image = voxelry.to_nibabel(volume)
    >>> image.shape, image.header.get_xyzt_units()[0]
    ((256, 256, 48), 'mm')
    """
    check_exchange(volume, "to_nibabel", "nibabel")
    from nibabel.nifti1 import Nifti1Image

    values = own_values(volume)
    if volume.colour:
        if volume.dtype != np.uint8:
            raise ParameterError(f"nibabel holds colour as uint8, not as {volume.dtype}")
        values = values.view(_RGB)[..., 0]
    lps = volume.geometry.known_affine
    affine = _RAS @ lps[:, _TURNED]
    image = Nifti1Image(values.T, affine, dtype=values.dtype)
    image.header.set_xyzt_units("mm")
    image.header["sform_code"] = _SCANNER  # not set_sform, after which the image's affine has the header's 32 bits
    image.header["qform_code"] = 0 if is_sheared(lps) else _SCANNER
    if volume.unit:
        image.header["descrip"] = f"{_UNIT}{volume.unit}".encode()[:80]
    return image


def from_nibabel(image: Nifti1Image) -> Volume:
    """A volume from a nibabel image, of NIfTI or another format with an affine.

    Parameters
    ----------
    image
        Of three axes; further ones have length 1.

    Returns
    -------
    volume
        With values of its own: those that nibabel gives, scaled where the header says so.

    Raises
    ------
    MissingExtraError
        If nibabel is not installed.
    ParameterError
        If it is no image, or has more axes.

    Examples
    --------
    >>> volume = voxelry.load_volume("sample/phantom")
    >>> again = voxelry.from_nibabel(voxelry.to_nibabel(volume))
    >>> bool((again.array == volume.array).all()), again.geometry.same_grid(volume.geometry)
    (True, True)
    """
    check_installed("from_nibabel", "nibabel")
    from nibabel.spatialimages import SpatialImage

    if not isinstance(image, SpatialImage):
        raise WrongTypeError(f"image is an image of nibabel, not {a_kind(image)}")
    shape = image.shape
    if len(shape) < 3 or any(length != 1 for length in shape[3:]):
        raise ParameterError(f"an image of 3 axes is wanted, not of shape {shape}; image.slicer takes one volume of it")
    values: npt.NDArray[Any] = np.array(np.asanyarray(image.dataobj)).reshape(shape[:3]).T
    if values.dtype.names:
        values = np.stack([values[name] for name in values.dtype.names[:3]], axis=-1)
    header = image.header
    to_mm = _MM[header.get_xyzt_units()[0]] if hasattr(header, "get_xyzt_units") else 1.0
    affine = None
    if image.affine is not None:
        affine = (_RAS @ np.asarray(image.affine, np.float64))[:, _TURNED]
        affine[:3] *= to_mm
    words = bytes(header["descrip"].tolist()).decode("utf-8", "replace") if "descrip" in header else ""
    unit = words.removeprefix(_UNIT) if words.startswith(_UNIT) else ""
    return Volume(array=np.ascontiguousarray(values), affine=affine, unit=unit)
