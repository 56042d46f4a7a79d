"""dcm2niix cuts synthetic mosaics and grids into the same voxels at the same places, with the same times."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

import voxelry
from voxelry.testing import AXIAL, CORONAL, OBLIQUE, SAGITTAL, synthetic_grids, synthetic_mosaics

PROGRAM = os.environ.get("VOXELRY_DCM2NIIX", "dcm2niix")


def by_place(path: Path) -> tuple[Any, Any, int]:
    """The values and the affine with axes in the directions of RAS, and 1 or -1 for the file's direction of slices."""
    image = nib.Nifti1Image.from_filename(path)
    found = nib.as_closest_canonical(image)
    direction = nib.io_orientation(image.affine)[2, 1]
    return np.asarray(found.dataobj), found.affine, int(direction)


@pytest.mark.programs("dcm2niix")
@pytest.mark.parametrize("against_normal", [False, True])
@pytest.mark.parametrize("orientation", [AXIAL, SAGITTAL, CORONAL, OBLIQUE])
@pytest.mark.parametrize(
    ("make", "more"),
    [
        (synthetic_mosaics, {}),
        (synthetic_mosaics, {"protocol": False}),
        (synthetic_mosaics, {"numbered_backwards": True}),
        (synthetic_grids, {}),
    ],
)
def test_the_same_voxels_times_and_places(
    tmp_path: Path, make: Any, more: Any, orientation: Any, against_normal: bool
) -> None:
    make(tmp_path / "in", volumes=3, orientation=orientation, against_normal=against_normal, **more)
    command = [PROGRAM, "-z", "n", "-b", "y", "-f", "theirs", "-o", str(tmp_path), str(tmp_path / "in")]
    subprocess.run(command, capture_output=True, check=True)
    voxelry.convert(tmp_path / "in", tmp_path / "ours.nii")
    ours, theirs = (by_place(tmp_path / f"{who}.nii") for who in ("ours", "theirs"))
    np.testing.assert_array_equal(ours[0], theirs[0])
    np.testing.assert_allclose(ours[1], theirs[1], atol=1e-3)
    times = [json.loads((tmp_path / f"{who}.json").read_text())["SliceTiming"] for who in ("ours", "theirs")]
    if ours[2] != theirs[2]:
        times[1] = times[1][::-1]
    # It keeps the time of day of a grid's slices in single precision.
    np.testing.assert_allclose(times[0], times[1], atol=8e-3 if make is synthetic_grids else 1e-5)


@pytest.mark.programs("dcm2niix")
def test_a_mosaic_of_a_scanner(corpus: Path, tmp_path: Path) -> None:
    source = corpus / "transfer_syntax_matrix_mr" / "1.dcm"
    command = [PROGRAM, "-z", "n", "-b", "y", "-s", "y", "-f", "theirs", "-o", str(tmp_path), str(source)]
    subprocess.run(command, capture_output=True, check=True)
    voxelry.convert(source, tmp_path / "ours.nii")
    ours, theirs = (by_place(tmp_path / f"{who}.nii") for who in ("ours", "theirs"))
    np.testing.assert_array_equal(ours[0], theirs[0])
    np.testing.assert_allclose(ours[1], theirs[1], atol=1e-4)
    times = [json.loads((tmp_path / f"{who}.json").read_text())["SliceTiming"] for who in ("ours", "theirs")]
    np.testing.assert_allclose(times[0], times[1], atol=1e-5)
