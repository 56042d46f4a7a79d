"""Other libraries as judges: what they show at a voxel's place, whatever order their axes have."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import nibabel
import numpy as np
import numpy.typing as npt

from voxelry.core.affine import index_to_lps
from voxelry.core.volume import Volume

Shown: TypeAlias = tuple[npt.NDArray[Any], Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]]
"""Values by ``(slice, row, column[, sample])``, and from LPS millimetres to such an index."""


def by_simpleitk(path: Path) -> Shown:
    import SimpleITK

    image = SimpleITK.ReadImage(str(path))

    def index(position: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.array(image.TransformPhysicalPointToContinuousIndex(position.tolist()))[::-1]

    return SimpleITK.GetArrayFromImage(image), index


def by_nibabel(path: Path) -> Shown:
    image: Any = nibabel.load(path)  # type: ignore[attr-defined, unused-ignore]
    values = np.asarray(image.dataobj)
    if values.dtype.names:
        values = np.stack([values[name] for name in values.dtype.names], axis=-1)
    inverse = np.linalg.inv(np.diag([-1.0, -1.0, 1.0, 1.0]) @ image.affine)
    values = np.moveaxis(values, (0, 2), (2, 0))

    def index(position: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.asarray((inverse[:3, :3] @ position + inverse[:3, 3])[::-1])

    return values, index


def by_pynrrd(path: Path) -> Shown:
    import nrrd

    values, header = nrrd.read(str(path), index_order="C")
    assert header["space"] == "left-posterior-superior"
    directions = np.array([one for one in header["space directions"] if np.isfinite(one).all()])
    inverse = np.linalg.inv(directions.T)

    def index(position: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.asarray((inverse @ (position - header["space origin"]))[::-1])

    return values, index


def assert_shown_alike(volume: Volume, shown: Shown, *, voxels: float = 1e-3) -> None:
    """Each of our voxels has the judge's value at its own place.

    Parameters
    ----------
    voxels
        How far from the middle of its voxel the place may be for the judge.
    """
    values, index = shown
    assert volume.affine is not None
    for place in itertools.product(*map(range, volume.array.shape[:3])):
        theirs = index(index_to_lps(volume.affine, place))
        nearest = np.rint(theirs).astype(int)
        np.testing.assert_allclose(theirs, nearest, atol=voxels)
        np.testing.assert_array_equal(values[tuple(nearest)], volume.array[place])


def simpleitk_image(volume: Volume) -> Any:
    """The volume as SimpleITK has it."""
    import SimpleITK

    assert volume.affine is not None
    image = SimpleITK.GetImageFromArray(volume.array, isVector=volume.colour)
    directions = volume.affine[:3, [2, 1, 0]]
    spacing = np.linalg.norm(directions, axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((directions / spacing).reshape(-1).tolist())
    image.SetOrigin(volume.affine[:3, 3].tolist())
    return image
