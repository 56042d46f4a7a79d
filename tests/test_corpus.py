"""The facts of the real data: volumes, sums and refusals, beside other readers of the same files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK

import voxelry
from voxelry.core.errors import GeometryError, NotOneVolumeError, VoxelryError
from voxelry.dicom.headers.header import read_header
from voxelry.dicom.headers.sources import FileSource
from voxelry.dicom.pixels.stored_pixels import stored_frames
from voxelry.workflows.measure import measure_all

pytestmark = pytest.mark.corpus


def test_the_first_figure(corpus: Path) -> None:
    report = measure_all(corpus / "single" / "1-101.dcm").record()
    (measured,) = report["measurements"]
    uid = measured.pop("series_instance_uid")  # type: ignore[misc]
    assert uid.startswith("1.3.6.1.4.1.32722")
    assert measured == {
        "pixels_above_threshold": 50080,
        "pixels_total": 262144,
        "volume_mm3": 143280.029296875,
        "threshold": 0.5,
        "method": "fixed",
        "limits": {"lower": -25.0, "upper": None},
        "spacing_mm": [3.0, 0.9765625, 0.9765625],
        "warnings": [],
    }
    assert report["skipped"] == {}
    assert voxelry.load_volume(corpus / "single").array.dtype == np.int16


def test_padding_is_kept_out_and_told(corpus: Path) -> None:
    volume = voxelry.load_volume(corpus / "ct_lung_bases")
    assert volume.array.shape == (35, 512, 512)
    measured = voxelry.measure(volume)
    assert "are padding" in " ".join(measured.warnings)
    values = np.concatenate([part.ravel() for part in volume.unpadded()]).astype(np.float64)
    above = ((values - values.min()) / (values.max() - values.min()) > 0.5).sum()
    assert measured.pixels_above_threshold == above


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "shape", "spacing"),
    [
        ("ct_lung_bases", (35, 512, 512), (5.0, 0.859375, 0.859375)),
        ("ct_head_phantom", (28, 512, 512), (5.0, 0.451171875, 0.451171875)),
        ("ct_gantry_tilt", (54, 512, 512), (2.3708, 0.482422, 0.482422)),
        ("mr_liver_coronal", (30, 256, 256), (8.75, 1.5625, 1.5625)),
        ("mr_axial_oblique", (20, 256, 256), (7.0005, 0.859375, 0.859375)),
    ],
)
def test_single_volumes_are_those_that_simpleitk_reads(
    corpus: Path, name: str, shape: tuple[int, ...], spacing: tuple[float, ...]
) -> None:
    volume = voxelry.load_volume(corpus / name)
    assert volume.array.shape == shape
    assert volume.spacing == pytest.approx(spacing, rel=1e-4)
    assert volume.affine is not None
    assert volume.voxel_mm3 == pytest.approx(abs(np.linalg.det(volume.affine)))
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(corpus / name)))
    image = reader.Execute()
    np.testing.assert_array_equal(volume.array, SimpleITK.GetArrayFromImage(image))
    np.testing.assert_allclose(volume.affine[:3, 3], image.GetOrigin(), atol=1e-4)
    direction = np.array(image.GetDirection()).reshape(3, 3)
    in_plane = direction[:, :2] * np.array(image.GetSpacing()[:2])
    np.testing.assert_allclose(volume.affine[:3, [2, 1]], in_plane, atol=1e-4)


def test_a_tilt_is_named_with_its_angle(corpus: Path) -> None:
    words = " ".join(voxelry.load_volume(corpus / "ct_gantry_tilt").warnings)
    assert "sheared by 18.50 degrees" in words
    assert "2.371 mm apart along the normal, 2.5 mm along the table" in words


def test_a_header_that_lies_about_its_spacing_is_named(corpus: Path) -> None:
    words = " ".join(voxelry.load_volume(corpus / "mr_axial_oblique").warnings)
    assert "Spacing Between Slices (0018,0088) says 2 mm, the positions 7.001 mm" in words
    assert "1.22 % of their spacing off an even grid" in words


@pytest.mark.parametrize(
    ("name", "volumes", "shape"),
    [
        ("mr_breast_three_phases", 3, (60, 256, 256)),
        ("mr_fmri_repeated_positions", 10, (15, 64, 64)),
        ("mr_localizer_three_planes", 3, (7, 256, 256)),
    ],
)
def test_series_of_several_volumes_are_split(corpus: Path, name: str, volumes: int, shape: tuple[int, ...]) -> None:
    result = voxelry.load(corpus / name)
    assert [volume.array.shape for volume in result.volumes] == [shape] * volumes
    assert all(problem.code == "not_dicom" for problem in result.skipped.values())
    with pytest.raises(NotOneVolumeError):
        voxelry.load_volume(corpus / name)


def test_phases_are_in_the_order_of_time(corpus: Path) -> None:
    """Each slice of a phase was acquired, and numbered, before the same slice of the next."""
    series = voxelry.load_study(corpus / "mr_breast_three_phases").series[0]
    numbers = np.array([[frame.instance_number for frame in stack.frames] for stack in series.stacks])
    assert (np.diff(numbers, axis=0) > 0).all()
    assert not any(stack.warnings for stack in series.stacks)


def test_irregular_stacks_are_refused_in_words(corpus: Path) -> None:
    words = " ".join(str(p) for p in voxelry.load(corpus / "ct_irregular_stacks").skipped.values())
    assert "1 slice missing: slices are 5.000 mm apart, but there is a hole between 28.11 and 38.11 mm" in words
    assert "all 4 slices lie at one position" in words
    with pytest.raises(GeometryError, match=r"uneven slice spacing|share a position|more than one slice"):
        voxelry.load_volume(corpus / "zip_duplicate_and_missing_slices")


def test_kinds_mixed_in_one_series_are_all_viewable(corpus: Path) -> None:
    (series,) = voxelry.index(corpus / "mixed_kinds_in_one_series").series
    seen = sum(len(stack.headers) for stack in series.stacks)
    assert seen == len(series.instances) == 6
    for stack in series.stacks:
        assert stack.for_viewing().array.shape == stack.shape


def test_every_pet_slice_has_its_own_slope(corpus: Path) -> None:
    found = next(s for s in voxelry.index(corpus / "ct_mr_pet_rtstruct").series if s.modality == "PT")
    volume = found.stacks[0].volume()
    for values, frame in zip(volume.array, found.stacks[0].frames, strict=True):
        (stored,) = stored_frames(frame.header)
        np.testing.assert_allclose(values, stored * float(frame.header.elements.dataset.RescaleSlope), rtol=1e-12)


PHANTOM_VOXELS = {"sphere": 51_989, "impulse": 1, "checkerboard": 131_072}


@pytest.mark.parametrize(("word", "count"), PHANTOM_VOXELS.items())
def test_phantoms_have_their_known_volumes(corpus: Path, word: str, count: int) -> None:
    (folder,) = [p for p in (corpus / "ibsi_digital_phantoms").rglob("*") if p.is_dir() and word in p.name.lower()][:1]
    volumes = voxelry.load(folder).volumes
    measured = voxelry.measure(volumes[0])
    assert measured.pixels_above_threshold == count
    assert measured.volume_mm3 == count * 8.0


LOSSLESS = ("Implicit", "LittleEndianExplicit", "BigEndian", "Deflated", "LosslessOnly", "LSLossless", "14", "RLE")


def test_one_image_in_many_transfer_syntaxes(corpus: Path) -> None:
    found = 0
    for path in sorted((corpus / "transfer_syntax_matrix_ct").rglob("CTImage.dcm*")):
        (stored,) = stored_frames(read_header(FileSource.of(path)))
        assert stored.shape == (512, 512)
        if path.name == "CTImage.dcm" or any(word in path.name for word in LOSSLESS):
            assert (stored.sum(dtype=np.int64), stored.min(), stored.max()) == (19_640_763, -2000, 2402), path.name
            values = voxelry.pixels(path)
            assert (values.sum(dtype=np.int64), values.min(), values.max()) == (-248_794_693, -3024, 1378), path.name
            found += 1
    assert found == 10
    sums = {
        int(next(stored_frames(read_header(FileSource.of(path)))).sum(dtype=np.int64))
        for path in (corpus / "transfer_syntax_matrix_mr").rglob("*.dcm")
    }
    assert sums == {38_036_663}


def test_every_image_has_the_values_that_simpleitk_reads(corpus: Path) -> None:
    """All single files of the folders that no series test covers."""
    compared = 0
    for folder in ("transfer_syntax_matrix_mr", "ct_irregular_stacks", "mr_localizer_three_planes", "rt_objects"):
        for path in sorted(p for p in (corpus / folder).rglob("*") if p.is_file()):
            try:
                values = voxelry.pixels(path)
            except VoxelryError:
                continue
            seen = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))
            np.testing.assert_array_equal(values, seen.reshape(values.shape), err_msg=path.name)
            compared += 1
    assert compared > 45


def test_every_file_is_used_or_named(corpus: Path) -> None:
    for folder in sorted(p for p in corpus.iterdir() if p.is_dir() and "zip" not in p.name):
        files = {str(p) for p in folder.rglob("*") if p.is_file()}
        found = voxelry.index(folder)
        used = {header.name for series in found.series for stack in series.stacks for header in stack.headers}
        unusable = {name for series in found.series for name in series.unusable}
        assert used | unusable | set(found.skipped) == files
        assert not used & unusable


@pytest.mark.slow
def test_tables_of_everything(corpus: Path) -> None:
    table = voxelry.tabulate(corpus)
    assert len(table) > 1_300
    assert table["Rows"].dtype == "Int64"
    assert table["SOPInstanceUID"].notna().all()
