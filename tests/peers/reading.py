"""Other readers' volumes in our terms: index ``(slice, row, column)``, affine to LPS millimetres."""

from __future__ import annotations

import subprocess
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import numpy.typing as npt
import pydicom

from voxelry.core.volume import Volume

PLACE_VOXELS = 0.01
"""How far a peer's voxel may lie from ours, in voxels: NIfTI holds float32, and DICOM 16 characters."""


@dataclass(frozen=True)
class PeerVolume:
    """What a peer makes of a series.

    Attributes
    ----------
    array
        Modality values, shape ``(slice, row, column)``.
    affine
        4 x 4, from that index to LPS millimetres.
    """

    array: npt.NDArray[Any]
    affine: npt.NDArray[np.float64]
    name: str = ""


def by_simpleitk(paths: Sequence[Path]) -> PeerVolume:
    """Of files whose order is known, which SimpleITK does not question."""
    import SimpleITK

    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames([str(path) for path in paths])
    return _of_simpleitk(reader.Execute())


def by_simpleitk_search(folder: Path) -> PeerVolume:
    """Of the files that SimpleITK finds and sorts itself."""
    import SimpleITK

    return by_simpleitk([Path(name) for name in SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder))])


def by_simpleitk_file(path: Path) -> PeerVolume:
    import SimpleITK

    return _of_simpleitk(SimpleITK.ReadImage(str(path)))


def _of_simpleitk(image: Any) -> PeerVolume:
    import SimpleITK

    affine = np.eye(4)
    affine[:3, :3] = (np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing()))[:, ::-1]
    affine[:3, 3] = image.GetOrigin()
    return PeerVolume(np.asarray(SimpleITK.GetArrayFromImage(image)), affine)


def by_dcm2niix(folder: Path) -> list[PeerVolume]:
    """Every file that dcm2niix writes, one volume for each time point, by name."""
    found = []
    with tempfile.TemporaryDirectory() as target:
        command = ["dcm2niix", "-z", "n", "-b", "n", "-f", "v%s", "-o", target, str(folder)]
        subprocess.run(command, capture_output=True, check=False)  # it ends with an error where it left a file out
        for path in sorted(Path(target).glob("*.nii")):
            found += by_nibabel(path)
    return found


def by_nibabel(path: Path) -> list[PeerVolume]:
    """A NIfTI file: index ``(column, row, slice[, time])``, RAS."""
    image: Any = nibabel.load(path)
    values = np.asarray(image.dataobj)
    values = values if values.ndim == 4 else values[..., None]
    affine = (np.diag([-1.0, -1.0, 1.0, 1.0]) @ image.affine)[:, [2, 1, 0, 3]]
    return [PeerVolume(values[..., time].T, affine, path.stem) for time in range(values.shape[3])]


def by_highdicom(paths: Sequence[Path]) -> PeerVolume:
    """A series of single frames, or one multi-frame file; rescaled as highdicom does it by itself."""
    import highdicom

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if len(paths) == 1 and "NumberOfFrames" in pydicom.dcmread(paths[0], stop_before_pixels=True):
            volume = highdicom.imread(paths[0]).get_volume()
        else:
            volume = highdicom.get_volume_from_series([pydicom.dcmread(path) for path in paths])
    return PeerVolume(np.asarray(volume.array), np.asarray(volume.affine))


def place(volume: Volume, peer: PeerVolume) -> npt.NDArray[np.float64]:
    """From the peer's index to ours; axes that run the other way give -1."""
    assert volume.affine is not None
    return np.asarray(np.linalg.inv(volume.affine) @ peer.affine)


def differences(volume: Volume, peer: PeerVolume, *, rtol: float = 0.0) -> list[str]:
    """What differs; nothing if each voxel has the same place and value, whatever way the peer's axes run.

    Parameters
    ----------
    rtol
        Of values, for peers that compute in float32.
    """
    shape = volume.array.shape[:3]
    mapping = place(volume, peer)
    axes = np.abs(np.rint(mapping[:3, :3])).astype(int)
    if not ((axes.sum(axis=0) == 1).all() and (axes.sum(axis=1) == 1).all()):
        return [f"axes {np.round(mapping[:3, :3], 3).tolist()}"]
    order = axes.argmax(axis=1)  # ours, by the peer's
    flips = tuple(axis for axis in range(3) if mapping[axis, order[axis]] < 0)
    array = np.flip(np.transpose(peer.array, tuple(order)), flips)
    if array.shape != shape:
        return [f"shape {array.shape} where ours is {shape}"]
    corners = np.array(np.meshgrid(*[(0, size - 1) for size in peer.array.shape], indexing="ij")).reshape(3, -1)
    ours = np.sign(np.rint(mapping[:3, :3])) @ corners
    for axis in flips:
        ours[axis] += shape[axis] - 1
    off = np.abs(mapping[:3, :3] @ corners + mapping[:3, 3:] - ours).max()
    found = [f"place: {off:.3g} voxels off"] if off > PLACE_VOXELS else []
    close = np.allclose(array, volume.array, rtol=rtol, atol=rtol * float(np.abs(volume.array).max()))
    return found if close else [*found, "values"]
