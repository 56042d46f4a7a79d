"""Real series lie where SimpleITK and nibabel say, where those are right; where they are not, a test says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK

import voxelry
from voxelry.core.errors import GeometryError
from voxelry.core.slice_grid import Grid
from voxelry.dicom.series.stack import Stack

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def grids(folder: Path) -> Iterator[tuple[Stack, Grid]]:
    """The stacks of a folder that lie on a grid and have a file for each slice."""
    for series in voxelry.index(folder).series:
        for stack in series.stacks:
            if isinstance(stack.grid, Grid) and len({frame.header for frame in stack.frames}) == len(stack.frames):
                yield stack, stack.grid


def by_simpleitk(stack: Stack) -> SimpleITK.Image:
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames([frame.header.name for frame in stack.frames])
    image: SimpleITK.Image = reader.Execute()
    return image


@pytest.mark.slow
def test_straight_series_lie_where_simpleitk_says(corpus: Path) -> None:
    compared = 0
    for folder in sorted(path for path in corpus.iterdir() if path.is_dir() and "zip" not in path.name):
        for stack, grid in grids(folder):
            if grid.tilt > 0.1 or len(stack.shape) > 3:
                continue
            image = by_simpleitk(stack)
            axes = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
            assert stack.affine is not None
            np.testing.assert_allclose(stack.affine[:3, 3], image.GetOrigin(), atol=1e-3, err_msg=folder.name)
            np.testing.assert_allclose(stack.affine[:3, [2, 1]], axes[:, :2], atol=1e-4, err_msg=folder.name)
            # Not along the normal: SimpleITK takes that for granted, and a step may leave it by 0.1 degrees.
            assert grid.length == pytest.approx(image.GetSpacing()[2], rel=1e-3), folder.name
            compared += 1
    assert compared > 30


def test_simpleitk_takes_a_tilted_stack_for_a_straight_and_thicker_one(corpus: Path) -> None:
    """Its voxels are larger than the true ones, and its last slice lies centimetres away from where it was."""
    (found,) = grids(corpus / "ct_gantry_tilt")
    stack, grid = found
    image = by_simpleitk(stack)
    assert stack.affine is not None
    volume = abs(np.linalg.det(stack.affine[:3, :3]))
    assert volume == pytest.approx(np.prod([value for value in stack.spacing if value is not None]))
    assert np.prod(image.GetSpacing()) == pytest.approx(volume / np.cos(np.radians(grid.tilt)), rel=1e-4)
    last = np.array(stack.frames[-1].position, np.float64)
    theirs = np.array(image.TransformIndexToPhysicalPoint((0, 0, len(stack.frames) - 1)))
    assert float(np.linalg.norm(theirs - last)) > 30
    np.testing.assert_allclose((stack.affine @ [len(stack.frames) - 1, 0, 0, 1])[:3], last, atol=1e-3)


def test_simpleitk_makes_a_volume_of_a_stack_with_a_hole(corpus: Path) -> None:
    """Without a word where a program sees it; here it is an error that names the hole."""
    irregular = [
        stack
        for series in voxelry.index(corpus / "ct_irregular_stacks").series
        for stack in series.stacks
        if stack.problem is not None and stack.problem.code == "missing_slices"
    ]
    assert len(irregular) == 2
    for stack in irregular:
        image = by_simpleitk(stack)
        assert image.GetSize()[2] == 4
        assert stack.spacing[0] is None
        assert stack.affine is None


def test_phantoms_have_the_axes_and_values_of_their_nifti_twins(corpus: Path) -> None:
    """The twins' makers wrote the slices in the other order, at heights of the other sign: they mirror each other."""
    phantoms = corpus / "ibsi_digital_phantoms"
    compared = 0
    for stack, _ in grids(phantoms):
        name = Path(stack.frames[0].header.name).relative_to(phantoms / "dicom").parts[0]
        (path,) = (phantoms / "nifti" / name / "image").glob("*.nii.gz")
        twin = nibabel.nifti1.Nifti1Image.from_filename(path)
        assert stack.affine is not None
        ours = LPS_TO_RAS @ stack.affine[:, [2, 1, 0, 3]]  # nibabel's index is (column, row, slice)
        np.testing.assert_allclose(ours[:3, :3], twin.affine[:3, :3], atol=1e-4, err_msg=name)
        heights = [frame.position[2] for frame in stack.frames if frame.position is not None]
        np.testing.assert_allclose(heights, [-2.0 * k for k in range(63, -1, -1)], atol=1e-4)
        np.testing.assert_array_equal(stack.volume().array, np.asarray(twin.dataobj)[:, :, ::-1].T, err_msg=name)
        compared += 1
    assert compared == 9


def test_the_voxel_of_a_tilted_stack_is_its_determinant(corpus: Path) -> None:
    volume = voxelry.load_volume(corpus / "ct_gantry_tilt")
    assert volume.geometry.tilt_degrees == pytest.approx(18.5, abs=0.01)
    assert volume.voxel_mm3 == pytest.approx(abs(np.linalg.det(volume.geometry.known_affine)), rel=1e-12)
    assert volume.voxel_mm3 == pytest.approx(np.prod(volume.geometry.known_spacing), rel=1e-9)
    norms = np.linalg.norm(volume.geometry.known_affine[:3, :3], axis=0)
    assert np.prod(norms) / volume.voxel_mm3 == pytest.approx(1.054, abs=1e-3)
    with pytest.raises(GeometryError, match="disagrees"):
        voxelry.Volume(array=volume.array, affine=volume.affine, spacing=tuple(norms.tolist()))
