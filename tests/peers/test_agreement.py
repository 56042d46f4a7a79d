"""Where other readers are right, every voxel has the same place and value there and here."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

import voxelry
from tests.peers.reading import (
    PeerVolume,
    by_dcm2niix,
    by_highdicom,
    by_nibabel,
    by_simpleitk,
    by_simpleitk_file,
    by_simpleitk_search,
    differences,
)
from voxelry.testing import CORONAL, OBLIQUE, SAGITTAL, SyntheticSeries, synthetic_series

FLOAT32 = 1e-5
"""What NIfTI's and SimpleITK's own rounding may change of a value, relative to the largest."""

SERIES: Mapping[str, dict[str, Any]] = {
    "axial": {},
    "oblique": {"orientation": OBLIQUE},
    "coronal": {"orientation": CORONAL},
    "sagittal": {"orientation": SAGITTAL},
    "rows to the front": {"orientation": (1.0, 0.0, 0.0, 0.0, -1.0, 0.0)},
    "anisotropic": {"spacing": (5.0, 0.5, 1.25), "orientation": OBLIQUE},
    "numbers descend": {"numbering": "reversed"},
    "a slope for each slice": {"modality": "PT", "rescale": [(0.5 + k / 4, -3.0 * k) for k in range(5)]},
    "signed": {"signed": True, "bits_stored": 16, "rescale": (1.0, 0.0)},
    "no rescale": {"modality": "MR", "orientation": OBLIQUE, "rescale": None},
    "implicit": {"transfer_syntax": "1.2.840.10008.1.2", "orientation": OBLIQUE},
    "big endian": {"transfer_syntax": "1.2.840.10008.1.2.2", "orientation": OBLIQUE},
}


@pytest.fixture(params=SERIES)
def series(request: pytest.FixtureRequest, tmp_path: Path) -> SyntheticSeries:
    """File names tell nothing of the order."""
    return synthetic_series(tmp_path / "series", shuffled=True, **SERIES[request.param])


def test_simpleitk_finds_the_same_volume(series: SyntheticSeries) -> None:
    folder = series.paths[0].parent
    assert differences(voxelry.load_volume(folder), by_simpleitk_search(folder), rtol=FLOAT32) == []


def test_highdicom_finds_the_same_volume(series: SyntheticSeries) -> None:
    volume = voxelry.load_volume(series.paths[0].parent)
    assert differences(volume, by_highdicom(series.paths), rtol=FLOAT32) == []


@pytest.mark.programs("dcm2niix")
def test_dcm2niix_finds_the_same_volume(series: SyntheticSeries) -> None:
    folder = series.paths[0].parent
    (found,) = by_dcm2niix(folder)
    assert differences(voxelry.load_volume(folder), found, rtol=FLOAT32) == []


FRAMES: Mapping[str, dict[str, Any]] = {
    "CT": {},
    "CT oblique": {"orientation": OBLIQUE},
    "MR coronal": {"modality": "MR", "rescale": None, "orientation": CORONAL},
}


@pytest.mark.programs("dcm2niix")
@pytest.mark.parametrize("name", FRAMES)
def test_enhanced_frames_have_the_same_place_for_all(tmp_path: Path, name: str) -> None:
    (path,) = synthetic_series(tmp_path, frames="enhanced", **FRAMES[name]).paths
    volume = voxelry.load_volume(tmp_path)
    peers = [by_simpleitk_file(path), by_highdicom([path]), *by_dcm2niix(tmp_path)]
    assert [differences(volume, peer, rtol=FLOAT32) for peer in peers] == [[], [], []]


def _legacy(modality: str) -> Callable[..., Any]:
    from highdicom import legacy

    kinds = {"CT": "LegacyConvertedEnhancedCTImage", "MR": "LegacyConvertedEnhancedMRImage"}
    found: Callable[..., Any] = getattr(legacy, kinds.get(modality, "LegacyConvertedEnhancedPETImage"))
    return found


@pytest.mark.parametrize("modality", ["CT", "MR", "PT"])
def test_what_highdicom_converts_to_frames_is_the_series_that_it_was(tmp_path: Path, modality: str) -> None:
    """Legacy Converted Enhanced objects: shared and per-frame groups, with a rescale of its own for each PET frame."""
    rescale = [(0.5 + k / 4, -3.0 * k) for k in range(5)] if modality == "PT" else (1.0, -1024.0)
    truth = synthetic_series(tmp_path / "single", modality=modality, orientation=OBLIQUE, rescale=rescale)
    converted = _made(_legacy(modality), truth)
    (tmp_path / "frames").mkdir()
    converted.save_as(tmp_path / "frames" / "a.dcm")
    volume = voxelry.load_volume(tmp_path / "frames")
    np.testing.assert_allclose(volume.array, truth.array)
    np.testing.assert_allclose(volume.affine, truth.affine, atol=1e-9)  # type: ignore[arg-type]
    assert differences(volume, by_highdicom([tmp_path / "frames" / "a.dcm"]), rtol=FLOAT32) == []


def _made(kind: Callable[..., Any], truth: SyntheticSeries, *more: object, **arguments: object) -> Any:
    from highdicom import UID

    own = {"series_instance_uid": UID(), "series_number": 9, "sop_instance_uid": UID(), "instance_number": 1}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return kind([pydicom.dcmread(path) for path in truth.paths], *more, **own, **arguments)


_MAKER = {"manufacturer": "Voxelry", "manufacturer_model_name": "test", "software_versions": "1"}


def test_a_parametric_map_of_highdicom_keeps_its_floats_and_its_place(tmp_path: Path) -> None:
    """Float Pixel Data (7FE0,0008)."""
    from highdicom.pm import ParametricMap, RealWorldValueMapping
    from highdicom.sr import CodedConcept

    truth = synthetic_series(tmp_path / "single", modality="MR", orientation=OBLIQUE, rescale=None)
    values = np.random.default_rng(0).normal(size=truth.array.shape).astype(np.float32)
    one = CodedConcept("1", "UCUM", "no units")
    mapping = RealWorldValueMapping("1", "as it is", one, (-10.0, 10.0), slope=1.0, intercept=0.0)
    made = _made(
        ParametricMap,
        truth,
        values,
        device_serial_number="1",
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[mapping],
        window_center=0,
        window_width=4,
        **_MAKER,
    )
    (tmp_path / "map").mkdir()
    made.save_as(tmp_path / "map" / "a.dcm")
    volume = voxelry.load_volume(tmp_path / "map")
    np.testing.assert_array_equal(volume.array, values)
    assert differences(volume, by_highdicom([tmp_path / "map" / "a.dcm"])) == []


def test_a_segmentation_of_highdicom_lies_on_its_source(tmp_path: Path) -> None:
    """One bit for a pixel."""
    from highdicom.seg import SegmentAlgorithmTypeValues, Segmentation, SegmentationTypeValues, SegmentDescription
    from pydicom.sr.codedict import codes

    truth = synthetic_series(tmp_path / "single", orientation=OBLIQUE)
    mask = np.zeros(truth.array.shape, np.uint8)
    mask[1:4, 3:9, 5:15] = 1
    liver = SegmentDescription(1, "liver", codes.SCT.Organ, codes.SCT.Liver, SegmentAlgorithmTypeValues.MANUAL)
    made = _made(
        Segmentation,
        truth,
        mask,
        SegmentationTypeValues.BINARY,
        [liver],
        omit_empty_frames=False,
        device_serial_number="1",
        **_MAKER,
    )
    (tmp_path / "mask").mkdir()
    made.save_as(tmp_path / "mask" / "a.dcm")
    volume = voxelry.load_volume(tmp_path / "mask")
    np.testing.assert_array_equal(volume.array, mask)
    np.testing.assert_allclose(volume.affine, truth.affine, atol=1e-9)  # type: ignore[arg-type]


REAL = (
    "ct_head_phantom", "ct_lung_bases", "ct_mr_pet_rtstruct", "mr_breast_three_phases", "mr_fmri_repeated_positions",
    "mr_liver_coronal", "mr_localizer_three_planes", "ibsi_digital_phantoms",
)  # fmt: skip


@pytest.mark.programs("dcm2niix")
@pytest.mark.parametrize("name", REAL)
def test_real_volumes_are_those_of_all_peers(corpus: Path, name: str) -> None:
    """SimpleITK and highdicom are told which files a volume has; dcm2niix splits the folder by itself."""
    written = by_dcm2niix(corpus / name)
    stacks = [stack for series in voxelry.index(corpus / name).series for stack in series.stacks]
    assert stacks
    for stack in stacks:
        volume = stack.volume()
        paths = [Path(frame.header.source.path) for frame in stack.frames]  # type: ignore[attr-defined]
        assert differences(volume, by_simpleitk(paths), rtol=FLOAT32) == []
        assert differences(volume, by_highdicom(paths), rtol=FLOAT32) == []
        assert any(differences(volume, peer, rtol=FLOAT32) == [] for peer in written)


def test_phantoms_are_the_mirror_images_of_their_nifti_twins(corpus: Path) -> None:
    """Made by others from the same numbers: judges who never saw our DICOM.

    The DICOM files place slice k at z = -2 k, the NIfTI files at z = 2 k. SimpleITK and dcm2niix read the DICOM as we
    do (above), so that the mirror lies between the files, not between their readers.
    """
    mirror = np.diag([1.0, 1.0, -1.0, 1.0])
    paths = sorted((corpus / "ibsi_digital_phantoms").rglob("image/*.nii*"))
    twins = [PeerVolume(twin.array, mirror @ twin.affine) for path in paths for twin in by_nibabel(path)]
    found = voxelry.load(corpus / "ibsi_digital_phantoms").volumes  # the NIfTI files too, which are no instances
    volumes = [volume for volume in found if volume.instance_uids]
    assert len(twins) == len(volumes) == 9
    matches = [[differences(volume, twin, rtol=FLOAT32) == [] for twin in twins] for volume in volumes]
    assert [sum(row) for row in matches] == [1] * 9
    assert [sum(column) for column in zip(*matches, strict=True)] == [1] * 9
