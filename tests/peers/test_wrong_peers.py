"""Where a peer is wrong, in figures: why its answer is no judge of ours. Measured, and measured again by each run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
import SimpleITK

import voxelry
from tests.peers.reading import (
    PeerVolume,
    by_dcm2niix,
    by_highdicom,
    by_simpleitk,
    by_simpleitk_file,
    by_simpleitk_search,
    differences,
    place,
)
from voxelry.core.errors import GeometryError
from voxelry.testing import synthetic_series

FLOAT32 = 1e-5
PET_SLOPES = [(0.5 + k / 4, -3.0 * k) for k in range(5)]


@pytest.fixture(autouse=True)
def silence() -> None:
    """SimpleITK warns of uneven slices on the terminal, and goes on."""
    SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)


def step(peer: PeerVolume) -> float:
    """Millimetres from slice to slice."""
    return float(np.linalg.norm(peer.affine[:3, 0]))


@pytest.mark.parametrize(
    ("offsets", "told"),
    [((0, 3, 6, 12, 15), 3.75), ((0, 3, 6, 11, 14), 3.5), ((0, 3, 3, 6, 9), 2.25)],
    ids=["missing slice", "uneven", "repeated position"],
)
def test_simpleitk_spreads_irregular_slices_evenly(tmp_path: Path, offsets: tuple[float, ...], told: float) -> None:
    """It gives every slice behind the first irregular one a wrong place. We refuse."""
    truth = synthetic_series(tmp_path, offsets=offsets)
    peer = by_simpleitk_search(tmp_path)
    np.testing.assert_array_equal(peer.array, truth.array)
    assert step(peer) == pytest.approx(told)
    with pytest.raises(GeometryError):
        voxelry.load_volume(tmp_path)


@pytest.mark.programs("dcm2niix")
def test_dcm2niix_spreads_slices_around_a_missing_one_evenly(tmp_path: Path) -> None:
    """It writes one file with the first step for all slices, so that the last is 3 mm off, and one that it invents."""
    truth = synthetic_series(tmp_path, offsets=(0, 3, 6, 12, 15))
    wrong, resampled = by_dcm2niix(tmp_path)
    assert [step(wrong), step(resampled)] == pytest.approx([3.0, 3.0])
    assert wrong.array.shape == truth.array.shape
    assert resampled.name.endswith("_Eq_1")


def test_highdicom_refuses_irregular_slices_as_we_do(tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path, offsets=(0, 3, 6, 12, 15))
    with pytest.raises(ValueError, match="not a regularly-spaced volume"):
        by_highdicom(truth.paths)


@pytest.mark.parametrize(
    ("name", "volumes", "slices", "told"),
    [
        ("mr_fmri_repeated_positions", 10, 150, 0.4698),
        ("mr_breast_three_phases", 3, 180, 0.6592),
        ("mr_localizer_three_planes", 3, 21, 9.0313),
    ],
)
def test_simpleitk_piles_several_volumes_up(corpus: Path, name: str, volumes: int, slices: int, told: float) -> None:
    """Time points, phases, even orientations become one volume with a spacing that no slice has."""
    peer = by_simpleitk_search(corpus / name)
    assert peer.array.shape[0] == slices
    assert step(peer) == pytest.approx(told, abs=1e-4)
    loaded = voxelry.load(corpus / name).volumes
    assert [volume.array.shape[0] for volume in loaded] == [slices // volumes] * volumes
    for volume in loaded:
        assert volume.spacing[0] is not None
        assert volume.spacing[0] != pytest.approx(told, rel=0.1)


def files_of(stack: voxelry.Stack) -> list[Path]:
    return [Path(frame.header.source.path) for frame in stack.frames]  # type: ignore[attr-defined]


def positions(paths: list[Path]) -> npt.NDArray[np.float64]:
    headers = [pydicom.dcmread(path, stop_before_pixels=True) for path in paths]
    return np.array([[float(value) for value in header.ImagePositionPatient] for header in headers])


def farthest(affine: npt.NDArray[np.float64], places: npt.NDArray[np.float64]) -> float:
    """Millimetres between a slice's place by an affine and by its own header, for the worst slice."""
    told = affine[:3, 3] + np.arange(len(places))[:, None] * affine[:3, 0]
    return float(np.abs(told - places).max())


def test_simpleitk_forgets_the_tilt_of_a_gantry(corpus: Path) -> None:
    """It keeps a rectangular grid: the last slice of this head is more than 40 mm off. Our affine is sheared."""
    (stack,) = voxelry.index(corpus / "ct_gantry_tilt").series[0].stacks
    paths = files_of(stack)
    peer, volume = by_simpleitk(paths), stack.volume()
    np.testing.assert_array_equal(peer.array, volume.array)
    assert volume.affine is not None
    assert farthest(volume.affine, positions(paths)) < 0.01
    assert farthest(peer.affine, positions(paths)) > 40


@pytest.mark.programs("dcm2niix")
def test_dcm2niix_forgets_the_tilt_in_one_of_its_two_files(corpus: Path) -> None:
    """The first file has a rectangular grid; the second is resampled, its table step taken for the distance."""
    volume = voxelry.load_volume(corpus / "ct_gantry_tilt")
    plain, straightened = by_dcm2niix(corpus / "ct_gantry_tilt")
    assert plain.array.shape == volume.array.shape
    assert differences(volume, plain, rtol=FLOAT32) != []
    assert straightened.name.endswith("_Tilt_1")
    assert straightened.array.shape != volume.array.shape


def test_highdicom_refuses_a_tilted_gantry(corpus: Path) -> None:
    """A sheared grid is no volume for it; for us it is one, with its true affine and a warning."""
    (stack,) = voxelry.index(corpus / "ct_gantry_tilt").series[0].stacks
    assert "sheared by 18.50 degrees" in " ".join(stack.volume().warnings)
    with pytest.raises(ValueError, match="not a regularly-spaced volume"):
        by_highdicom(files_of(stack))


@pytest.mark.programs("dcm2niix")
def test_our_grid_lies_nearest_to_uneven_positions(corpus: Path) -> None:
    """Steps of 6.96 to 7.07 mm: SimpleITK divides the whole way, dcm2niix goes on with the first step."""
    (stack,) = voxelry.index(corpus / "mr_axial_oblique").series[0].stacks
    paths = files_of(stack)
    volume, places = stack.volume(), positions(paths)
    assert volume.affine is not None
    ours = farthest(volume.affine, places)
    (written,) = by_dcm2niix(corpus / "mr_axial_oblique")
    assert ours < farthest(by_simpleitk(paths).affine, places) < 0.1
    last_slice = place(volume, written)[0, 0] * (len(paths) - 1)
    assert abs(last_slice - (len(paths) - 1)) * float(volume.spacing[0] or 0) > 1.0


@pytest.mark.programs("dcm2niix")
def test_simpleitk_and_dcm2niix_rescale_every_frame_by_the_first_one_s_slope(tmp_path: Path) -> None:
    """Enhanced PET with Pixel Value Transformation per frame: highdicom and we agree with what was written."""
    truth = synthetic_series(tmp_path, frames="enhanced", modality="PT", rescale=PET_SLOPES)
    volume = voxelry.load_volume(tmp_path)
    np.testing.assert_allclose(volume.array, truth.array)
    assert differences(volume, by_highdicom(truth.paths), rtol=FLOAT32) == []
    slope, intercept = PET_SLOPES[0]
    for peer in (by_simpleitk_file(truth.paths[0]), *by_dcm2niix(tmp_path)):
        assert differences(volume, peer, rtol=FLOAT32) == ["values"]
    np.testing.assert_allclose(by_simpleitk_file(truth.paths[0]).array, truth.stored * slope + intercept)
