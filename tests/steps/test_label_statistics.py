"""Statistics of structures: SimpleITK, scikit-image and analytic bodies judge."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import SimpleITK
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.simpleitk_images import as_image
from voxelry.core.affine import lps_to_index
from voxelry.core.errors import GeometryError, MeasureError
from voxelry.core.volume import Volume
from voxelry.steps.label_statistics import STEP
from voxelry.steps.shared.shapes import feret_mm, surface_mm2
from voxelry.testing.steps import PLACES, StepTests, body
from voxelry.testing.volumes import AXIAL_LPS, affines, placed

CUBE = (40, 44, 48)


class TestLabelStatistics(StepTests):
    step = STEP
    examples = ({}, {"method": "multi_otsu"}, {"method": "units", "lower": -500.0})


def ellipsoid(affine: npt.NDArray[np.float64], radii: tuple[float, float, float]) -> npt.NDArray[np.uint8]:
    """The voxels whose centres lie in an ellipsoid along the patient's axes, in the middle of the grid."""
    index = np.stack(np.meshgrid(*(np.arange(size) for size in CUBE), indexing="ij"), axis=-1)
    lps = index @ affine[:3, :3].T
    centre = (np.array(CUBE) - 1) / 2 @ affine[:3, :3].T + 0.137
    return np.asarray((((lps - centre) / radii) ** 2).sum(axis=-1) <= 1, np.uint8)


GRIDS = {
    name: np.block([[affine[:3, :3] @ np.diag([0.6, 1.0, 1.0]), affine[:3, 3:]], [np.zeros((1, 3)), np.ones((1, 1))]])
    for name, affine in PLACES.items()
}


@pytest.mark.parametrize("place", GRIDS)
@pytest.mark.parametrize("radii", [(10.0, 10.0, 10.0), (12.0, 9.0, 8.0)])
def test_bodies_known_by_formula(place: str, radii: tuple[float, float, float]) -> None:
    affine = GRIDS[place]
    mask = ellipsoid(affine, radii)
    assert not any(np.take(mask, (0, -1), axis).any() for axis in range(3)), "the body does not fit into the grid"
    (row,) = STEP.run(placed(mask, affine), {"method": "labels"}).rows
    a, b, c = radii
    p = 1.6075  # Thomsen's formula, within 1.1 %
    area = 4 * np.pi * (((a * b) ** p + (a * c) ** p + (b * c) ** p) / 3) ** (1 / p)
    assert row["mm3"] == pytest.approx(4 / 3 * np.pi * a * b * c, rel=0.01)
    assert row["mm3"] == pytest.approx(int(mask.sum()) * abs(np.linalg.det(affine)), rel=1e-12)
    assert row["surface_mm2"] == pytest.approx(area, rel=0.03)
    diagonal = float(np.linalg.norm(affine[:3, :3], axis=0).max())
    assert 2 * max(radii) - diagonal <= float(row["feret_mm"]) <= 2 * max(radii)  # type: ignore[arg-type]
    centre = (np.array(CUBE) - 1) / 2 @ affine[:3, :3].T + 0.137 + affine[:3, 3]
    found = [row[f"centroid_{side}_mm"] for side in ("left", "posterior", "superior")]
    assert found == pytest.approx(centre.tolist(), abs=0.1)


@settings(max_examples=25)
@given(
    hnp.arrays(np.uint8, st.tuples(*[st.integers(2, 6)] * 3), elements=st.integers(0, 3)),
    affines(shear=False),
    st.integers(0, 1000),
)
def test_simpleitk_agrees(labels: npt.NDArray[np.uint8], affine: npt.NDArray[np.float64], seed: int) -> None:
    if not labels.any():
        return
    image = np.random.default_rng(seed).normal(0, 100, labels.shape).astype(np.float32)
    rows = STEP.run((placed(labels, affine), placed(image, affine)), {}).rows
    itk_labels, itk_image = as_image(labels, affine), as_image(image, affine)
    shape, intensity = SimpleITK.LabelShapeStatisticsImageFilter(), SimpleITK.LabelStatisticsImageFilter()
    shape.ComputeFeretDiameterOn()
    shape.Execute(itk_labels)
    intensity.Execute(itk_image, itk_labels)
    assert [row["segment"] for row in rows] == [number for number in sorted(intensity.GetLabels()) if number]
    for row in rows:
        number = row["segment"]
        assert row["count"] == shape.GetNumberOfPixels(number)
        assert row["mm3"] == pytest.approx(shape.GetPhysicalSize(number), rel=1e-6)
        assert row["feret_mm"] == pytest.approx(shape.GetFeretDiameter(number), rel=1e-6)
        found = [row[f"centroid_{side}_mm"] for side in ("left", "posterior", "superior")]
        assert found == pytest.approx(shape.GetCentroid(number), rel=1e-6, abs=1e-5)
        column, line, plane, *sizes = shape.GetBoundingBox(number)
        assert (row["slice_first"], row["row_first"], row["column_first"]) == (plane, line, column)
        assert [int(row[f"{a}_last"]) - int(row[f"{a}_first"]) + 1 for a in ("column", "row", "slice")] == sizes  # type: ignore[arg-type]
        assert row["mean"] == pytest.approx(intensity.GetMean(number), rel=1e-5, abs=1e-4)
        spread = intensity.GetSigma(number) if row["count"] != 1 else 0.0
        assert row["std"] == pytest.approx(spread, rel=1e-5, abs=1e-4)
        assert row["minimum"] == pytest.approx(intensity.GetMinimum(number))
        assert row["maximum"] == pytest.approx(intensity.GetMaximum(number))
        assert row["median"] == pytest.approx(float(np.median(image[labels == number].astype(float))))
        assert row["p95"] == pytest.approx(float(np.percentile(image[labels == number].astype(float), 95)))


@settings(max_examples=40)
@given(hnp.arrays(np.bool_, st.tuples(*[st.integers(1, 5)] * 3)), affines())
def test_feret_is_the_largest_of_all_distances(mask: npt.NDArray[np.bool_], affine: npt.NDArray[np.float64]) -> None:
    points = np.argwhere(mask) @ affine[:3, :3].T
    if not len(points):
        return
    largest = max((float(np.linalg.norm(a - b)) for a, b in itertools.combinations(points, 2)), default=0.0)
    assert feret_mm(mask, affine[:3, :3]) == pytest.approx(largest, rel=1e-9, abs=1e-9)


def test_the_surface_is_simpleitks() -> None:
    mask = ellipsoid(GRIDS["axial"], (12.0, 9.0, 8.0))
    shape = SimpleITK.LabelShapeStatisticsImageFilter()
    shape.ComputePerimeterOn()
    shape.Execute(as_image(mask, GRIDS["axial"]))
    assert surface_mm2(mask > 0, GRIDS["axial"][:3, :3]) == pytest.approx(shape.GetPerimeter(1), rel=0.05)


@settings(max_examples=15)
@given(affines(), st.floats(0.2, 5))
def test_areas_and_lengths_scale_as_they_should(affine: npt.NDArray[np.float64], factor: float) -> None:
    mask = ellipsoid(GRIDS["axial"], (4.0, 5.0, 6.0))[::2, ::3, ::3] > 0
    cell = affine[:3, :3]
    assert surface_mm2(mask, factor * cell) == pytest.approx(factor**2 * surface_mm2(mask, cell), rel=1e-6)
    assert feret_mm(mask, factor * cell) == pytest.approx(factor * feret_mm(mask, cell), rel=1e-6)


def test_an_image_and_a_threshold_are_enough() -> None:
    volume = placed(body(), unit="HU")
    (row,) = STEP.run(volume, {"method": "units", "lower": 300.0}).rows
    inside = body()[body() >= 300].astype(float)
    assert (row["count"], row["unit"]) == (inside.size, "HU")
    assert row["mean"] == pytest.approx(inside.mean())
    assert row["minimum"] == inside.min()


def test_labels_alone_have_no_intensities_and_a_named_segment_keeps_its_name() -> None:
    labels = np.zeros((3, 4, 5), np.uint8)
    labels[1, 1:3, 2] = 2
    metadata: Any = {"Modality": "SEG", "SegmentSequence": [{"SegmentNumber": 2, "SegmentLabel": "Liver"}]}
    (row,) = STEP.run(placed(labels, metadata=metadata), {}).rows
    assert (row["segment"], row["label"], row["count"], row["mean"]) == (2, "Liver", 2, None)


def test_padding_of_the_image_is_in_no_statistic() -> None:
    labels = np.ones((1, 2, 3), np.uint8)
    image = np.array([[[-2000, 1, 2], [3, 4, 5]]], np.int16)
    padded = placed(image, padding=np.array([[-2000.0, -2000.0]]))
    (row,) = STEP.run((placed(labels), padded), {}).rows
    assert (row["count"], row["minimum"], row["mean"]) == (6, 1.0, 3.0)


def test_unknown_spacing_gives_counts_alone() -> None:
    volume = Volume(array=body(), spacing=(None, 0.8, 0.7))
    result = STEP.run(volume, {})
    (row,) = result.rows
    assert row["count"] > 0  # type: ignore[operator]
    assert [row[name] for name in ("mm3", "feret_mm", "surface_mm2", "centroid_left_mm")] == [None] * 4
    assert "no volume in mm3" in " ".join(result.warnings)


def test_an_empty_mask_is_a_row_and_a_warning() -> None:
    result = STEP.run(placed(np.zeros((2, 3, 4), np.uint8)), {"method": "labels"})
    (row,) = result.rows
    assert (row["count"], row["mm3"], row["surface_mm2"], row["feret_mm"]) == (0, 0.0, 0.0, None)
    assert "is empty" in " ".join(result.warnings)


@pytest.mark.parametrize("values", [[-1, 2], [0.5, 1.0], [0, 70_000]])
def test_what_are_no_labels_is_refused(values: list[float]) -> None:
    with pytest.raises(MeasureError, match="labels are whole numbers"):
        STEP.run(placed(np.array([[values]])), {"method": "labels"})


def test_an_image_elsewhere_is_refused() -> None:
    labels = placed(np.ones((2, 3, 4), np.uint8))
    with pytest.raises(GeometryError):
        STEP.run((labels, placed(np.ones((2, 3, 3), np.int16))), {})
    with pytest.raises(GeometryError):
        STEP.run((labels, placed(np.ones((2, 3, 4), np.int16), AXIAL_LPS + 5 * np.eye(4, k=3))), {})


def test_labels_of_some_slices_find_their_place_in_the_image() -> None:
    labels = np.zeros((7, 24, 21), np.uint8)
    labels[2:5, 4:9, 6:10] = 1
    for place in PLACES.values():
        image = placed(body(), place)
        moved = place.copy()
        moved[:3, 3] += place[:3, :3] @ [2, 3, 0]
        wanted = STEP.run((placed(labels, place), image), {}).rows
        assert STEP.run((placed(labels[2:6, 3:], moved), image), {}).rows == wanted
        with pytest.raises(GeometryError):  # half a voxel aside
            STEP.run((placed(labels[2:6, 3:], moved + place[:, :1] * [[0, 0, 0, 0.5]]), image), {})


def test_lps_is_lps() -> None:
    labels = np.zeros((4, 5, 6), np.uint8)
    labels[1, 2, 3] = 1
    (row,) = STEP.run(placed(labels, PLACES["oblique"]), {"method": "labels"}).rows
    found = [row[f"centroid_{side}_mm"] for side in ("left", "posterior", "superior")]
    assert lps_to_index(PLACES["oblique"], found).tolist() == pytest.approx([1, 2, 3])  # type: ignore[arg-type]


def test_nan_and_infinities_are_in_no_statistic_and_are_told() -> None:
    """The statistics are those of the numbers alone, as numpy gives them."""
    image = np.random.default_rng(3).normal(size=(3, 6, 5)).astype(np.float32)
    image[1, 2, 3], image[0, 0, 0], image[2, 1, 1] = np.nan, np.inf, -np.inf
    labels = np.ones(image.shape, np.uint8)
    one = Volume(array=labels, affine=np.eye(4), spacing=(1.0, 1.0, 1.0))
    result = STEP.run((one, replace(one, array=image)))
    known = image[np.isfinite(image)].astype(np.float64)
    (row,) = result.rows
    assert row["count"] == image.size
    assert (row["mean"], row["minimum"], row["maximum"]) == pytest.approx((known.mean(), known.min(), known.max()))
    assert "3 voxels of the image are NaN or infinite: they are in no statistic" in result.warnings
