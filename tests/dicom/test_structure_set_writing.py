"""RT Structure Sets of segmentations: the same voxels after the way there and back, without a fault by dciodvfy."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from skimage.measure import grid_points_in_poly

import voxelry
from voxelry.core.errors import FrameOfReferenceError, ParameterError, UnplacedError
from voxelry.core.segmentation import Bools, Code, Segment, Segmentation
from voxelry.testing import synthetic_series

SHAPE = (6, 24, 28)
LIES = {
    "axial": {},
    "oblique": {"orientation": (0.8, 0.6, 0.0, 0.0, 0.0, -1.0)},
    "sagittal": {"orientation": (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)},
}


def bodies() -> tuple[Bools, Bools]:
    """A block with two holes, one of which holds an island, and one that lies across it."""
    one, two = np.zeros(SHAPE, np.bool_), np.zeros(SHAPE, np.bool_)
    one[1:5, 2:20, 2:22] = True
    one[1:5, 4:12, 4:12] = False
    one[2:4, 6:9, 6:9] = True
    one[1:5, 14:16, 14:18] = False
    two[0:6, 10:23, 10:27] = np.random.default_rng(3).random((6, 13, 17)) < 0.6
    return one, two


def made(folder: Path, lie: dict[str, Any]) -> tuple[Segmentation, voxelry.Series]:
    synthetic_series(folder, slices=6, rows=24, columns=28, **lie)
    series = voxelry.load_study(folder).series[0]
    segments = [
        Segment(number=2, label="Léber", type=Code("10200004", "SCT", "Liver"), colour=(200, 30, 40)),
        Segment(number=7, label="Noise", algorithm_type="MANUAL"),
        Segment(number=9, label="Empty"),
    ]
    masks = [*bodies(), np.zeros(SHAPE, np.bool_)]
    return Segmentation(segments=segments, masks=masks, source=series.stacks[0].volume()), series


@pytest.mark.parametrize("holes", ["keyhole", "xor"])
@pytest.mark.parametrize("lie", LIES)
def test_the_same_voxels_come_back(tmp_path: Path, lie: str, holes: Any) -> None:
    segmentation, series = made(tmp_path / "images", LIES[lie])
    written = voxelry.write_structure_set(segmentation, series, tmp_path / "rt.dcm", holes=holes)
    assert written.warnings == ("segment 9 is empty: its structure has no contour",)
    structures = voxelry.load_contours(tmp_path / "rt.dcm", images=tmp_path / "images")
    assert structures.warnings == ()
    found = structures.segmentation()
    for number, mask in zip((2, 7), bodies(), strict=True):
        np.testing.assert_array_equal(found.mask(number), mask)
        assert structures.volume(number).mm3 == pytest.approx(segmentation.volume_mm3(number), rel=1e-9)
    assert [(one.number, one.name, one.algorithm) for one in structures.structures] == [
        (2, "Léber", "AUTOMATIC"),
        (7, "Noise", "MANUAL"),
        (9, "Empty", "AUTOMATIC"),
    ]
    assert structures.structure(2).colour == (200, 30, 40)


def test_pydicom_finds_references_and_points(tmp_path: Path) -> None:
    """By pydicom and scikit-image alone, as programs that combine all contours of a plane by exclusive or."""
    segmentation, series = made(tmp_path / "images", {})
    voxelry.write_structure_set(segmentation, series, tmp_path / "rt.dcm")
    dataset = pydicom.dcmread(tmp_path / "rt.dcm")
    images = {header.sop_instance_uid: pydicom.dcmread(header.name) for header in series.instances}
    first = next(iter(images.values()))
    assert dataset.StudyInstanceUID == first.StudyInstanceUID
    assert dataset.PatientID == first.PatientID
    assert dataset.StructureSetROISequence[0].ROIName == "Léber"
    (frame,) = dataset.ReferencedFrameOfReferenceSequence
    assert frame.FrameOfReferenceUID == first.FrameOfReferenceUID
    (referred,) = frame.RTReferencedStudySequence[0].RTReferencedSeriesSequence
    assert referred.SeriesInstanceUID == first.SeriesInstanceUID
    assert {item.ReferencedSOPInstanceUID for item in referred.ContourImageSequence} == set(images)
    code = dataset.RTROIObservationsSequence[0].RTROIIdentificationCodeSequence[0]
    assert (code.CodeValue, code.CodingSchemeDesignator) == ("10200004", "SCT")
    order = [frame.header.sop_instance_uid for frame in series.stacks[0].frames]
    for drawn, mask in zip(dataset.ROIContourSequence, bodies(), strict=False):
        found = np.zeros(SHAPE, np.bool_)
        for contour in drawn.ContourSequence:
            assert contour.ContourGeometricType == "CLOSED_PLANAR"
            points = np.array(contour.ContourData, float).reshape(-1, 3)
            assert len(points) == contour.NumberOfContourPoints
            image = images[contour.ContourImageSequence[0].ReferencedSOPInstanceUID]
            moved = points - np.array(image.ImagePositionPatient, float)
            cosines = np.array(image.ImageOrientationPatient, float)
            assert np.abs(moved @ np.cross(cosines[:3], cosines[3:])).max() < 1e-4
            pixels = np.column_stack([moved @ cosines[3:], moved @ cosines[:3]]) / np.array(image.PixelSpacing, float)
            found[order.index(image.SOPInstanceUID)] ^= grid_points_in_poly(SHAPE[1:], pixels)
        np.testing.assert_array_equal(found, mask)


@pytest.mark.programs("dciodvfy")
@pytest.mark.parametrize("lie", LIES)
def test_dciodvfy_finds_no_fault(tmp_path: Path, lie: str) -> None:
    segmentation, series = made(tmp_path / "images", LIES[lie])
    voxelry.write_structure_set(segmentation, series, tmp_path / "rt.dcm")
    done = subprocess.run(["dciodvfy", str(tmp_path / "rt.dcm")], capture_output=True, check=False)
    told = done.stderr.decode("utf-8", "replace")
    assert "RTStructureSet" in told
    assert [line for line in told.splitlines() if line.startswith("Error")] == []


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    segmentation, series = made(tmp_path / "images", {})
    for name in ("a.dcm", "b.dcm"):
        voxelry.write_structure_set(segmentation, series, tmp_path / name, seed="s")
    assert (tmp_path / "a.dcm").read_bytes() == (tmp_path / "b.dcm").read_bytes()


def test_slices_between_the_images_are_placed_on_their_grid(tmp_path: Path) -> None:
    segmentation, series = made(tmp_path / "images", {})
    affine = segmentation.geometry.known_affine.copy()
    affine[:3, 3] += affine[:3, 0] * 0.3
    grid = voxelry.Geometry(shape=SHAPE, affine=affine)
    moved = Segmentation(segments=segmentation.segments[:1], masks=[bodies()[0]], geometry=grid)
    written = voxelry.write_structure_set(moved, series, tmp_path / "rt.dcm")
    assert any("placed on the images' grid" in words for words in written.warnings)
    found = voxelry.load_contours(tmp_path / "rt.dcm", images=tmp_path / "images").segmentation()
    np.testing.assert_array_equal(found.mask(2), bodies()[0])


def test_slices_beyond_the_images_name_none(tmp_path: Path) -> None:
    segmentation, series = made(tmp_path / "images", {})
    affine = segmentation.geometry.known_affine.copy()
    affine[:3, 3] += affine[:3, 0] * 3
    grid = voxelry.Geometry(shape=SHAPE, affine=affine)
    moved = Segmentation(segments=segmentation.segments[:1], masks=[np.ones(SHAPE, np.bool_)], geometry=grid)
    written = voxelry.write_structure_set(moved, series, tmp_path / "rt.dcm")
    assert "3 contours lie on no image of the source, and name none" in written.warnings
    found = voxelry.load_contours(tmp_path / "rt.dcm", images=tmp_path / "images")
    assert found.volume(2).mm3 == pytest.approx(moved.volume_mm3(2))


def test_what_cannot_be_drawn_is_refused(tmp_path: Path) -> None:
    segmentation, series = made(tmp_path / "images", {})
    path = tmp_path / "rt.dcm"
    with pytest.raises(ParameterError, match="keyhole or xor"):
        voxelry.write_structure_set(segmentation, series, path, holes="nested")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="1 to 16"):
        voxelry.write_structure_set(segmentation, series, path, label="x" * 17)
    grid = segmentation.geometry
    other = voxelry.Geometry(shape=SHAPE, affine=grid.affine, frame_of_reference_uid="2.25.8")
    elsewhere = Segmentation(segments=segmentation.segments[:1], masks=[bodies()[0]], geometry=other)
    with pytest.raises(FrameOfReferenceError, match="same_frame_of_reference=True"):
        voxelry.write_structure_set(elsewhere, series, path)
    assert voxelry.write_structure_set(elsewhere, series, path, same_frame_of_reference=True).paths == (path,)
    nowhere = Segmentation(
        segments=segmentation.segments[:1], masks=[bodies()[0]], geometry=voxelry.Geometry(shape=SHAPE)
    )
    with pytest.raises(UnplacedError, match="place of this segmentation"):
        voxelry.write_structure_set(nowhere, series, path)
    fractions = Segmentation(
        segments=segmentation.segments[:1], fractions=[bodies()[0].astype(np.float32)], geometry=grid
    )
    with pytest.raises(ParameterError, match="threshold"):
        voxelry.write_structure_set(fractions, series, path)
    voxelry.write_structure_set(fractions, series, path, threshold=0.5)
    found = voxelry.load_contours(path, images=tmp_path / "images").segmentation()
    np.testing.assert_array_equal(found.mask(2), bodies()[0])
