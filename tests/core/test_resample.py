"""Straightening: linear in the plane, exact where values are linear, and the same as SimpleITK."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import SimpleITK
from hypothesis import given, settings
from hypothesis import strategies as st

import voxelry
from tests.simpleitk_images import as_image
from voxelry import Volume, rectify
from voxelry.core.affine import index_to_lps, lps_to_index
from voxelry.core.errors import ParameterError, UnplacedError
from voxelry.core.slice_grid import make_affine, slice_normal
from voxelry.testing import AXIAL, OBLIQUE, synthetic_series

OUTSIDE = -1e6
shears = st.floats(-2.5, 2.5)


def tilted(
    down: float, right: float, *, shape: tuple[int, int, int] = (5, 7, 6), orientation: tuple[float, ...] = OBLIQUE
) -> npt.NDArray[np.float64]:
    """The affine of slices shifted by so many millimetres along their columns and rows."""
    cosines = np.array(orientation)
    step = 2.5 * slice_normal(cosines) + down * cosines[3:] + right * cosines[:3]
    return make_affine((-30.0, 12.0, 7.0), cosines, step, (0.8, 0.6))


def positions(affine: npt.NDArray[np.float64], shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    return index_to_lps(affine, np.moveaxis(np.indices(shape), 0, -1))


def ramp(affine: npt.NDArray[np.float64], shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """A value that grows linearly through the patient."""
    return np.asarray(positions(affine, shape) @ [1.25, -0.5, 3.0] + 40.0)


@settings(max_examples=60)
@given(shears, shears, st.sampled_from([AXIAL, OBLIQUE]))
def test_a_linear_ramp_is_reproduced_exactly(down: float, right: float, orientation: tuple[float, ...]) -> None:
    affine = tilted(down, right, orientation=orientation)
    volume = Volume(array=ramp(affine, (5, 7, 6)), affine=affine, spacing=(2.5, 0.8, 0.6))
    straight = rectify(volume, fill=OUTSIDE)
    assert straight.affine is not None
    inside = straight.array != OUTSIDE
    np.testing.assert_allclose(straight.array[inside], ramp(straight.affine, straight.array.shape)[inside], atol=1e-8)
    assert inside.sum() >= 5 * 6 * 5  # of each slice at most a row and a column fall between the new pixels


@given(shears, shears)
def test_the_new_grid_is_orthogonal_and_holds_every_voxel(down: float, right: float) -> None:
    affine = tilted(down, right)
    volume = Volume(array=np.zeros((5, 7, 6)), affine=affine, spacing=(2.5, 0.8, 0.6))
    straight = rectify(volume)
    assert straight.affine is not None
    axes = straight.affine[:3, :3]
    assert straight.spacing == pytest.approx((2.5, 0.8, 0.6))
    if straight is volume:  # not sheared to speak of
        return
    np.testing.assert_allclose(axes.T @ axes, np.diag(np.square([2.5, 0.8, 0.6])), atol=1e-9)
    index = lps_to_index(straight.affine, positions(affine, (5, 7, 6)))
    assert (index >= -1e-6).all()
    assert (index <= np.array(straight.array.shape) - 1 + 1e-6).all()


@given(shears, shears)
def test_the_first_slice_is_not_touched(down: float, right: float) -> None:
    affine = tilted(down, right)
    values = np.random.default_rng(0).integers(-1000, 1000, (5, 7, 6)).astype(np.int16)
    straight = rectify(Volume(array=values, affine=affine, spacing=(2.5, 0.8, 0.6)))
    assert straight.affine is not None
    assert straight.array.dtype == np.int16
    row, column = np.rint(np.linalg.solve(straight.affine[:3, :3], affine[:3, 3] - straight.affine[:3, 3]))[1:].astype(
        int
    )
    np.testing.assert_array_equal(straight.array[0, row : row + 7, column : column + 6], values[0])


def test_a_straight_volume_is_given_back(tmp_path: Path) -> None:
    synthetic_series(tmp_path)
    volume = voxelry.load_volume(tmp_path)
    assert rectify(volume) is volume


def test_a_tilted_series_is_straightened_and_says_so(tmp_path: Path) -> None:
    synthetic_series(tmp_path, shear=(0.0, 1.0, 0.0))
    volume = voxelry.load_volume(tmp_path)
    straight = rectify(volume)
    assert straight.array.dtype == volume.array.dtype
    assert straight.array.min() == volume.array.min()
    assert straight.voxel_mm3 == pytest.approx(volume.voxel_mm3)
    assert straight.instance_uids == volume.instance_uids
    words = " ".join(straight.warnings)
    assert "sheared by 18.43 degrees were interpolated" in words
    assert "tilted stack" not in words
    assert rectify(straight) is straight


def test_a_lazy_volume_is_straightened_slice_by_slice(tmp_path: Path) -> None:
    synthetic_series(tmp_path, shear=(0.0, 1.0, 0.0))
    lazy, whole = voxelry.load_volume(tmp_path, lazy=True), voxelry.load_volume(tmp_path)
    np.testing.assert_array_equal(rectify(lazy).array, rectify(whole).array)
    np.testing.assert_array_equal(voxelry.stack_volumes([lazy, whole]), np.stack([whole.array] * 2))


def test_padding_is_taken_and_not_mixed() -> None:
    values = np.full((3, 6, 6), 100, np.int16)
    values[:, :2] = -2000
    volume = Volume(array=values, affine=tilted(0.4, 0.0), spacing=(2.5, 0.8, 0.6), padding=np.full((3, 2), -2000.0))
    assert set(np.unique(rectify(volume).array)) == {-2000, 100}
    assert len(np.unique(rectify(replace(volume, padding=None)).array)) > 2


def test_colour_is_moved_sample_by_sample() -> None:
    values = np.random.default_rng(1).integers(0, 255, (3, 5, 6, 3)).astype(np.uint8)
    affine = tilted(0.4, 0.3)
    straight = rectify(Volume(array=values, affine=affine, spacing=(2.5, 0.8, 0.6)), fill=0)
    for sample in range(3):
        grey = rectify(Volume(array=values[..., sample], affine=affine, spacing=(2.5, 0.8, 0.6)), fill=0)
        np.testing.assert_array_equal(straight.array[..., sample], grey.array)


def test_what_cannot_be_straightened_is_refused() -> None:
    with pytest.raises(UnplacedError, match="no affine"):
        rectify(Volume(array=np.zeros((2, 2, 2))))
    volume = Volume(array=np.zeros((3, 4, 4), np.int16), affine=tilted(1, 0), spacing=(2.5, 0.8, 0.6))
    for fill in (1e6, 0.5):
        with pytest.raises(ParameterError, match="no value of int16"):
            rectify(volume, fill=fill)


@pytest.mark.slow
def test_a_real_gantry_tilt_is_straightened_as_simpleitk_does(corpus: Path) -> None:
    volume = voxelry.load_volume(corpus / "ct_gantry_tilt")
    exact = replace(volume, array=volume.array.astype(np.float64), padding=None)
    straight = rectify(exact, fill=OUTSIDE)
    assert volume.affine is not None
    assert straight.affine is not None
    resampled = SimpleITK.Resample(
        as_image(exact.array, volume.affine),
        as_image(straight.array, straight.affine),
        SimpleITK.Transform(),
        SimpleITK.sitkLinear,
        OUTSIDE,
        SimpleITK.sitkFloat64,
    )
    theirs = SimpleITK.GetArrayFromImage(resampled)
    both = (straight.array != OUTSIDE) & (theirs != OUTSIDE)
    # SimpleITK takes half a voxel beyond the outermost centres as inside, and mixes nothing there.
    assert not ((theirs == OUTSIDE) & (straight.array != OUTSIDE)).any()
    np.testing.assert_allclose(straight.array[both], theirs[both], atol=1e-3)
    kept = rectify(volume)
    assert kept.array.dtype == volume.array.dtype
    assert kept.array.shape == straight.array.shape
