"""The NIfTI files that ``convert`` writes, held against those of dcm2niix; both are read by nibabel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import voxelry
from tests.peers.reading import PeerVolume, by_dcm2niix, by_nibabel, differences
from voxelry import Volume
from voxelry.core.value import Value

FLOAT32 = 1e-6
"""dcm2niix scales in float32."""

SERIES = {
    "ct_head_phantom": 1, "ct_lung_bases": 1, "ct_mr_pet_rtstruct": 3, "mixed_kinds_in_one_series": 1,
    "mr_breast_three_phases": 3, "mr_fmri_repeated_positions": 10, "mr_liver_coronal": 1,
    "mr_localizer_three_planes": 3, "ibsi_digital_phantoms": 9, "rt_objects": 1, "single": 1,
}  # fmt: skip
"""How many volumes with a place each folder has. Tilted and uneven ones, where dcm2niix is wrong, are in
test_wrong_peers.py; the folders of transfer syntaxes hold single images of which it reads some."""


def written(folder: Path) -> list[PeerVolume]:
    """Every volume of grey values; those in colour are pictures of screens, and have no place."""
    found = [volume for path in sorted(folder.glob("*.nii")) for volume in by_nibabel(path)]
    return [volume for volume in found if volume.array.dtype.names is None]


def as_volume(peer: PeerVolume) -> Volume:
    return Volume(array=peer.array, affine=peer.affine)


@pytest.mark.programs("dcm2niix")
@pytest.mark.parametrize("name", sorted(SERIES))
@pytest.mark.parametrize("reorient", ["", "RAS"])
def test_voxels_and_places_are_those_of_dcm2niix(corpus: Path, tmp_path: Path, name: str, reorient: str) -> None:
    options: dict[str, Value] = {"reorient": reorient} if reorient else {}
    report = voxelry.convert(corpus / name, tmp_path, format=".nii", options=options)
    if reorient:  # what has no place cannot be turned, and is told so
        assert all("tells where" in str(problem) for problem in report.skipped.values() if problem.code == "format")
    ours = written(tmp_path)
    assert len(ours) == SERIES[name]
    theirs = by_dcm2niix(corpus / name)
    for volume in ours:
        assert any(differences(as_volume(volume), peer, rtol=FLOAT32) == [] for peer in theirs), volume.name
        if reorient:
            steps = volume.affine[:3, [2, 1, 0]]  # column, row, slice: R, A and S are -L, -P and S
            assert (np.abs(steps).argmax(axis=0) == (0, 1, 2)).all()
            assert (steps.diagonal() * (-1, -1, 1) > 0).all()


@pytest.mark.programs("dcm2niix")
@pytest.mark.parametrize("name", ["mr_breast_three_phases", "mr_fmri_repeated_positions"])
def test_time_points_are_in_the_order_of_dcm2niix(corpus: Path, tmp_path: Path, name: str) -> None:
    voxelry.convert(corpus / name, tmp_path / "ours.nii")
    ours, theirs = by_nibabel(tmp_path / "ours.nii"), by_dcm2niix(corpus / name)
    assert len(ours) == len(theirs) == SERIES[name]
    assert all(differences(as_volume(mine), peer) == [] for mine, peer in zip(ours, theirs, strict=True))
