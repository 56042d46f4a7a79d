"""Whether two volumes lie on one grid is decided by one rule, whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from voxelry.core.errors import GeometryError, VoxelryError
from voxelry.core.geometry import SAME_GRID
from voxelry.core.stacking import stack_volumes
from voxelry.core.volume import Volume
from voxelry.formats.metaimage import FORMAT as METAIMAGE
from voxelry.formats.nifti.nifti_format import FORMAT as NIFTI
from voxelry.formats.nrrd import FORMAT as NRRD
from voxelry.steps import subtract
from voxelry.steps.shared import demands
from voxelry.testing.volumes import AXIAL_LPS, placed
from voxelry.workflows.load.volume_batches import _stackable

ARRAY = np.arange(60, dtype=np.int16).reshape(3, 4, 5)


def moved(volume: Volume, slices: float) -> Volume:
    """The volume by a part of a slice further up."""
    affine = volume.geometry.known_affine.copy()
    affine[:3, 3] += slices * affine[:3, 0]
    return volume.with_geometry(replace(volume.geometry, affine=affine))


def refuse(same: bool) -> None:
    if not same:
        raise GeometryError("these two do not lie on one grid")


ASKED: dict[str, Callable[[Volume, Volume, Path], object]] = {
    "stack_volumes": lambda one, other, _: stack_volumes([one, other]),
    "a step of two volumes": lambda one, other, _: subtract.STEP.run((one, other), {}),
    "a mask and its image": lambda one, other, _: demands.require_one_grid(one, other),
    "NRRD": lambda one, other, folder: NRRD.write([one, other], str(folder / "a.nrrd"), options={}),
    "NIfTI": lambda one, other, folder: NIFTI.write([one, other], str(folder / "a.nii"), options={}),
    "MetaImage": lambda one, other, folder: METAIMAGE.write([one, other], str(folder / "a.mha"), options={}),
    "one file of several volumes": lambda one, other, _: refuse(_stackable(one, other)),
}


@pytest.mark.parametrize("who", ASKED)
def test_a_hundredth_of_a_voxel_is_one_place_for_all(who: str, tmp_path: Path) -> None:
    volume = placed(ARRAY, AXIAL_LPS)
    ASKED[who](volume, moved(volume, 0.9 * SAME_GRID), tmp_path)
    with pytest.raises(VoxelryError):
        ASKED[who](volume, moved(volume, 1.1 * SAME_GRID), tmp_path)
