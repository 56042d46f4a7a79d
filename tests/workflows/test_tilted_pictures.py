"""Planes across a tilted stack are drawn leaning: a rod along the patient's axis stands upright in them."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pytest

import voxelry
from voxelry.core.intensity import Window
from voxelry.core.planes import plane_lean, plane_shape, plane_spacing
from voxelry.core.resample import rectify
from voxelry.testing import AXIAL, synthetic_series
from voxelry.workflows.pictures.montage import montage
from voxelry.workflows.pictures.picture_files import picture_shape, render

WINDOW = Window(500, 1000, "LINEAR_EXACT")


def _tilted(folder: Path, *, shift: float, slices: int = 12) -> voxelry.Volume:
    """Axial slices, each ``shift`` mm further back than the one below; a rod stands along z at y = 20 mm."""
    pixels = np.zeros((slices, 40, 16), np.uint16)
    for k in range(slices):
        row = round(20 - k * shift)
        pixels[k, row : row + 2] = 1000
    synthetic_series(
        folder, pixels=pixels, spacing=(2.0, 1.0, 1.0), position=(0, 0, 0), orientation=AXIAL, shear=(0, shift, 0),
        rescale=None, bits_stored=16, modality="MR",
    )  # fmt: skip
    return voxelry.load_volume(folder)


@pytest.mark.parametrize("shift", [1.0, -1.0])
def test_a_rod_stands_upright_in_the_leaning_plane(tmp_path: Path, shift: float) -> None:
    volume = _tilted(tmp_path, shift=shift)
    picture = render(volume, 8, axis="sagittal", window=WINDOW)
    # Rows run to inferior: each lies by the shift to the anterior of the one above, so that the picture leans.
    assert plane_lean(volume, "sagittal") == pytest.approx(-shift)
    assert picture.shape == picture_shape(volume, "sagittal") == (12, 40 + 11)
    columns = [np.flatnonzero(row > 127).tolist() for row in picture]
    assert all(found == columns[0] for found in columns)
    assert len(columns[0]) == 2


def test_it_is_what_resampling_onto_a_straight_grid_shows(tmp_path: Path) -> None:
    volume = _tilted(tmp_path, shift=0.75)
    straight = rectify(volume, fill=0)
    leaning = render(volume, 8, axis="sagittal", window=WINDOW).astype(int)
    upright = render(straight, 8, axis="sagittal", window=WINDOW).astype(int)
    assert leaning.shape == upright.shape
    assert np.abs(leaning - upright).max() <= 1


def test_spacing_and_proportions_are_those_of_the_leaning_picture(tmp_path: Path) -> None:
    volume = _tilted(tmp_path, shift=1.5)
    assert plane_spacing(volume, "sagittal") == pytest.approx((2.0, 1.0))  # straight down, 2 mm from row to row
    assert plane_spacing(volume, "coronal") == pytest.approx((2.5, 1.0))  # along the step: 2 mm down and 1.5 mm back
    assert plane_lean(volume, "coronal") == 0  # rows are perpendicular to the step: nothing leans
    assert plane_spacing(volume, "axial") == (1.0, 1.0)
    assert plane_lean(volume, "axial") == plane_lean(volume) == 0


def test_files_and_mosaics_have_room_to_lean(tmp_path: Path) -> None:
    volume = _tilted(tmp_path / "in", shift=1.0)
    files = voxelry.save_pictures(volume, tmp_path / "out", axis="sagittal", window=WINDOW)
    np.testing.assert_array_equal(
        imagecodecs.png_decode(files[3].read_bytes()), render(volume, 3, axis="sagittal", window=WINDOW)
    )
    mosaic = montage(volume, axis="sagittal", window=WINDOW, columns=2)
    np.testing.assert_array_equal(mosaic[:12, 51:], render(volume, 1, axis="sagittal", window=WINDOW))


def test_a_straight_stack_is_drawn_as_it_is(tmp_path: Path) -> None:
    synthetic_series(tmp_path)
    volume = voxelry.load_volume(tmp_path)
    for axis in (None, "axial", "coronal", "sagittal"):
        assert plane_lean(volume, axis) == 0
        assert picture_shape(volume, axis) == plane_shape(volume, axis)


def test_a_tilt_that_nobody_sees_is_none(tmp_path: Path) -> None:
    assert plane_lean(_tilted(tmp_path, shift=0.02), "sagittal") == 0
