"""RT Structure Sets read: structures, contours, volumes and masks on the grid of the images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from pydicom.dataset import Dataset
from skimage.draw import polygon2mask

import voxelry
from voxelry.core.contours import Contour
from voxelry.core.errors import FrameOfReferenceError, NotDicomError, NothingFoundError, NotOneVolumeError
from voxelry.testing import AXIAL, PATIENT_NAME, SECRETS, SyntheticSeries, synthetic_series, synthetic_structure_set

CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)
OBLIQUE = (0.8, 0.6, 0.0, -0.48, 0.64, 0.6)


def ring(series: SyntheticSeries, index: int, *corners: tuple[float, float]) -> npt.NDArray[np.float64]:
    """A contour through pixels ``(row, column)`` of a slice."""
    indices = np.array([(index, row, column, 1) for row, column in corners], float)
    return np.asarray((indices @ series.affine.T)[:, :3])


def box(series: SyntheticSeries, index: int, top: float, left: float, size: float) -> npt.NDArray[np.float64]:
    return ring(series, index, (top, left), (top, left + size), (top + size, left + size), (top + size, left))


@pytest.mark.parametrize("orientation", [AXIAL, CORONAL, OBLIQUE])
def test_structures_have_names_colours_volumes_and_masks(tmp_path: Path, orientation: tuple[float, ...]) -> None:
    series = synthetic_series(tmp_path / "images", orientation=orientation)
    boxes = [box(series, index, 2, 3, 6) for index in (1, 2, 3)]
    holes = [box(series, 2, 4.5, 5.5, 2)]
    structured(
        tmp_path / "rs.dcm", series, [("Liver", [*boxes, *holes]), ("Señal", [box(series, 0, 1, 1, 4)]), ("none", [])]
    )
    found = voxelry.load_contours(tmp_path)
    liver, other, none = found.structures
    assert (liver.name, liver.number, liver.colour, liver.interpreted_type) == ("Liver", 1, (10, 200, 30), "ORGAN")
    assert liver.algorithm == "MANUAL"
    assert not none.contours
    assert found.structure("Liver") is found.structure(1) is liver
    assert found.referenced_series_uids == (pydicom.dcmread(series.paths[0]).SeriesInstanceUID,)
    assert found.geometry is not None
    np.testing.assert_allclose(found.geometry.known_affine, series.affine, atol=1e-6)
    assert not found.warnings

    pixel = series.spacing[1] * series.spacing[2]
    step = series.spacing[0]
    rows = {row["name"]: row for row in found.rows()}
    assert rows["Liver"]["contour_mm3"] == pytest.approx((3 * 36 - 4) * pixel * step, rel=1e-6)
    assert rows["Liver"]["mask_voxels"] == 3 * 49 - 4
    assert rows["Liver"]["mask_mm3"] == pytest.approx((3 * 49 - 4) * pixel * step, rel=1e-6)
    assert not rows["Liver"]["warnings"]
    assert rows[other.name]["contour_mm3"] == pytest.approx(16 * pixel * step, rel=1e-6)  # by the step of the slices
    assert rows["none"]["contour_mm3"] is None
    assert rows["none"]["mask_voxels"] is None

    masks = found.segmentation()
    assert [one.label for one in masks.segments] == ["Liver", other.name]
    assert masks.segment(1).algorithm_type == "MANUAL"
    assert masks.segment(1).colour == (10, 200, 30)
    wanted = np.zeros(found.geometry.shape, bool)
    wanted[1:4, 2:9, 3:10] = True
    wanted[2, 5:7, 6:8] = False
    np.testing.assert_array_equal(masks.mask("Liver"), wanted)
    assert masks.volume_mm3(1) == rows["Liver"]["mask_mm3"]


def test_images_may_lie_elsewhere_or_nowhere(tmp_path: Path) -> None:
    series = synthetic_series(tmp_path / "images")
    path = structured(tmp_path / "rs" / "rs.dcm", series, [("a", [box(series, 1, 2, 3, 6)])])
    assert voxelry.load_contours(path, images=tmp_path / "images").geometry is not None
    alone = voxelry.load_contours(path)
    assert alone.geometry is None
    assert any("not here" in one for one in alone.warnings)
    assert alone.rows()[0]["mask_voxels"] is None
    with pytest.raises(voxelry.VoxelryError, match="give a geometry"):
        alone.segmentation()


def test_exactly_one_structure_set_is_wanted(tmp_path: Path) -> None:
    series = synthetic_series(tmp_path / "images")
    with pytest.raises(NothingFoundError, match="no structure set"):
        voxelry.load_contours(tmp_path)
    for name in "ab":
        structured(tmp_path / f"{name}.dcm", series, [("a", [box(series, 1, 2, 3, 6)])])
    with pytest.raises(NotOneVolumeError, match="2 structure sets"):
        voxelry.load_contours(tmp_path)
    (tmp_path / "text").write_text("no DICOM")
    with pytest.raises(NotDicomError):
        voxelry.load_contours(tmp_path / "text")


def test_a_keyhole_and_an_exclusive_or_are_the_same_ring(tmp_path: Path) -> None:
    series = synthetic_series(tmp_path / "images")
    keyhole = ring(
        series,
        1,
        (1, 1),
        (1, 11),
        (11, 11),
        (11, 1),
        (1, 1),
        (3.5, 3.5),
        (8.5, 3.5),
        (8.5, 8.5),
        (3.5, 8.5),
        (3.5, 3.5),
    )
    parts = [box(series, 1, 1, 1, 10), box(series, 1, 3.5, 3.5, 5)]
    one = voxelry.load_contours(structured(tmp_path / "1", series, [("a", [keyhole])]), images=tmp_path / "images")
    two = voxelry.load_contours(
        structured(tmp_path / "2", series, [("a", parts)], geometric_type="CLOSEDPLANAR_XOR"),
        images=tmp_path / "images",
    )
    np.testing.assert_array_equal(one.segmentation().mask(1), two.segmentation().mask(1))
    assert one.rows()[0]["contour_mm3"] == pytest.approx(two.rows()[0]["contour_mm3"])
    assert one.segmentation().count(1) == 121 - 25


def structured(
    path: Path, of: SyntheticSeries, structures: Sequence[tuple[str, Sequence[npt.ArrayLike]]], **more: Any
) -> Path:
    return synthetic_structure_set(path, of.paths, dict(structures), **more)


def _first(dataset: Dataset) -> Dataset:
    found: Dataset = dataset.ROIContourSequence[0].ContourSequence[0]
    return found


def _set(keyword: str, value: object) -> Callable[[Dataset], None]:
    return lambda dataset: setattr(_first(dataset), keyword, value)


def _drop(*keywords: str) -> Callable[[Dataset], None]:
    def edit(dataset: Dataset) -> None:
        for keyword in keywords:
            delattr(_first(dataset), keyword)

    return edit


@pytest.mark.parametrize(
    ("edit", "left", "words"),
    [
        (_drop("ContourData"), 1, "Contour Data"),
        (_set("ContourData", ["1", "2"]), 1, "triplets"),
        (_set("ContourData", ["1", "2", "3", "4", "5", "6"]), 1, "2 different points"),
        (_set("ContourData", ["1", "2", "3"] * 9), 1, "1 different points"),
        (_drop("ContourGeometricType"), 1, "Contour Geometric Type"),
        (_set("ContourGeometricType", "ROUND"), 1, "Contour Geometric Type"),
        (_set("NumberOfContourPoints", 7), 2, "Number of Contour Points"),
        (_set("ContourOffsetVector", [0, 0, 1]), 2, "Contour Offset Vector"),
    ],
)
def test_damaged_contours_are_told_and_the_rest_is_kept(
    tmp_path: Path, edit: Callable[[Dataset], None], left: int, words: str
) -> None:
    series = synthetic_series(tmp_path / "images")
    path = structured(
        tmp_path / "rs.dcm", series, [(PATIENT_NAME, [box(series, 1, 2, 3, 6), box(series, 2, 2, 3, 6)])], edit=edit
    )
    found = voxelry.load_contours(tmp_path)
    assert path.exists()
    assert len(found.structures[0].contours) == left
    told = [*found.warnings, *found.structures[0].warnings]
    assert any(words in one for one in told)
    assert not any(word in one for word in SECRETS for one in (*told, repr(found)))


def test_numbers_that_are_none_are_told(tmp_path: Path) -> None:
    series = synthetic_series(tmp_path / "images")
    path = structured(tmp_path / "rs.dcm", series, [("a", [box(series, 1, 2, 3, 6), box(series, 2, 2, 3, 6)])])
    content = path.read_bytes()
    data = pydicom.dcmread(path).ROIContourSequence[0].ContourSequence[0].ContourData
    number = str(data[1]).encode()
    for wrong in (b"nan", b"inf", b"x"):
        path.write_bytes(content.replace(number, wrong.ljust(len(number)), 1))
        found = voxelry.load_contours(tmp_path)
        assert len(found.structures[0].contours) == 1
        assert len(found.structures[0].warnings) == 1


def test_structures_that_do_not_fit_together_are_told(tmp_path: Path) -> None:
    series = synthetic_series(tmp_path / "images")

    def edit(dataset: Dataset) -> None:
        dataset.StructureSetROISequence[1].ROINumber = 1
        del dataset.StructureSetROISequence[2].ROINumber
        del dataset.ROIContourSequence[2].ReferencedROINumber

    own = [box(series, 1, 2, 3, 6)]
    structured(tmp_path / "rs.dcm", series, [("a", own), ("b", own), ("c", own), ("d", own)], edit=edit)
    found = voxelry.load_contours(tmp_path)
    assert [(one.number, one.name, len(one.contours)) for one in found.structures] == [
        (1, "a", 1),
        (4, "d", 1),
        (2, "", 1),
    ]
    assert len(found.warnings) == 4


def test_an_empty_structure_set_is_empty(tmp_path: Path) -> None:
    series = synthetic_series(tmp_path / "images")

    def edit(dataset: Dataset) -> None:
        for keyword in ("StructureSetROISequence", "ROIContourSequence", "RTROIObservationsSequence"):
            delattr(dataset, keyword)

    structured(tmp_path / "rs.dcm", series, [], edit=edit)
    found = voxelry.load_contours(tmp_path)
    assert not found.structures
    assert not found.rows()


def test_another_frame_of_reference_is_refused(tmp_path: Path) -> None:
    series = synthetic_series(tmp_path / "images")

    def edit(dataset: Dataset) -> None:
        dataset.StructureSetROISequence[0].ReferencedFrameOfReferenceUID = "1.2.3"

    structured(tmp_path / "rs.dcm", series, [("a", [box(series, 1, 2, 3, 6)])], edit=edit)
    found = voxelry.load_contours(tmp_path)
    with pytest.raises(FrameOfReferenceError):
        found.segmentation()
    assert found.segmentation(same_frame_of_reference=True).count(1) == 49
    row = found.rows()[0]
    assert row["mask_voxels"] is None
    assert any("frame of reference" in str(one) for one in row["warnings"] or [])  # type: ignore[union-attr]


def test_an_irregular_series_has_no_grid(tmp_path: Path) -> None:
    series = synthetic_series(tmp_path / "images", offsets=(0, 3.01, 6.02, 11.4, 14))
    structured(tmp_path / "rs.dcm", series, [("a", [box(series, 0, 2, 3, 6)])])
    found = voxelry.load_contours(tmp_path)
    assert found.geometry is None
    assert any("no regular grid" in one for one in found.warnings)


@pytest.mark.corpus
@pytest.mark.parametrize(("name", "contours"), [("CT", 32), ("PET", 32), ("MR_T1", 32)])
def test_real_structures_by_contour_and_by_mask(corpus: Path, name: str, contours: int) -> None:
    found = voxelry.load_contours(corpus / "ct_mr_pet_rtstruct" / name)
    (row,) = found.rows()
    assert row["contours"] == contours
    assert not row["warnings"]
    assert row["contour_mm3"] == pytest.approx(365_174, abs=10)
    assert row["mask_mm3"] == pytest.approx(row["contour_mm3"], rel=0.003)
    assert found.geometry is not None
    mask, judge = found.segmentation().mask(1), np.zeros(found.geometry.shape, bool)
    for contour in found.structures[0].contours:
        index = found.geometry.lps_to_index(contour.points)
        judge[round(index[0, 0])] ^= polygon2mask(judge.shape[1:], index[:, 1:])
    assert np.count_nonzero(mask != judge) <= 0.001 * np.count_nonzero(mask)  # on lines alone
    assert (mask | ~judge).all()


@pytest.mark.corpus
def test_a_real_plan_has_ten_structures(corpus: Path) -> None:
    found = voxelry.load_contours(corpus / "rt_objects")
    assert [one.name for one in found.structures][4:6] == ["Heart", "Lt Lung"]
    assert [len(one.contours) for one in found.structures] == [141, 0, 2, 48, 33, 165, 4, 6, 18, 24]
    heart = found.structure("Heart")
    areas = sum(_shoelace(one) for one in heart.contours)
    volume = heart.volume()
    assert volume.mm3 == pytest.approx(areas * 3, rel=1e-9)
    assert volume.step_mm == pytest.approx(3)
    assert found.geometry is not None
    assert found.geometry.shape == (1, 512, 512)
    assert any("outside the grid" in str(one) for one in found.rows()[4]["warnings"] or [])  # type: ignore[union-attr]


def _shoelace(contour: Contour) -> float:
    x, y = contour.points[:, 0], contour.points[:, 1]
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2
