"""Regions of the patient: against each voxel's centre, against formulas, and as text."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import voxelry
from voxelry import BoxRegion, Geometry, Segment, Segmentation, SegmentRegion, SphereRegion, Volume
from voxelry.core.regions import PatientRegion
from voxelry.workflows.load.region_text import region_of_text

Floats = npt.NDArray[np.float64]


def random_affine(rng: np.random.Generator) -> Floats:
    """A turned, sheared or mirrored grid of about a millimetre."""
    affine = np.eye(4)
    turned, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    affine[:3, :3] = turned @ np.diag(rng.uniform(0.4, 3.0, 3))
    if rng.random() < 0.5:
        affine[:3, 0] += affine[:3, 1] * rng.uniform(-0.5, 0.5)
    affine[:3, 3] = rng.uniform(-20, 20, 3)
    return affine


def image(rng: np.random.Generator) -> Volume:
    slices, rows, columns = (int(side) for side in rng.integers(1, 14, 3))
    shape = slices, rows, columns
    return Volume(array=rng.normal(size=shape), geometry=Geometry(shape=shape, affine=random_affine(rng)))


def whole_mask(region: PatientRegion, volume: Volume) -> npt.NDArray[np.bool_]:
    placed = region.within(volume)
    mask = np.zeros(volume.shape, np.bool_)
    mask[placed.box] = placed.mask
    assert placed.count == np.count_nonzero(mask)
    return mask


def centres(volume: Volume) -> Floats:
    index = np.stack(np.meshgrid(*map(np.arange, volume.shape), indexing="ij"), axis=-1).astype(np.float64)
    return volume.geometry.index_to_lps(index)


@pytest.mark.parametrize("seed", range(100))
def test_a_sphere_has_the_voxels_whose_centres_are_near(seed: int) -> None:
    rng = np.random.default_rng(seed)
    volume = image(rng)
    points = centres(volume)
    centre = points.reshape(-1, 3)[rng.integers(points.size // 3)] + rng.normal(scale=3, size=3)
    radius = float(rng.uniform(0, 15))
    expected = np.linalg.norm(points - centre, axis=-1) <= radius
    assert (whole_mask(SphereRegion(tuple(centre), radius), volume) == expected).all()


@pytest.mark.parametrize("seed", range(100))
def test_a_box_has_the_voxels_whose_centres_lie_between_its_faces(seed: int) -> None:
    rng = np.random.default_rng(seed)
    volume = image(rng)
    points = centres(volume)
    directions, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    ends = np.sort(points.reshape(-1, 3)[rng.integers(points.size // 3, size=2)] @ directions.T, axis=0)
    ends += [[-0.3], [0.4]]
    along = points @ directions.T
    expected = ((along >= ends[0]) & (along <= ends[1])).all(axis=-1)
    low, high = map(tuple, ends)
    box = BoxRegion(low, high, tuple(map(tuple, directions)))  # type: ignore[arg-type]
    assert (whole_mask(box, volume) == expected).all()


def test_a_sphere_has_the_volume_of_its_formula() -> None:
    geometry = Geometry(shape=(90, 100, 110), affine=np.diag([0.5, 0.4, 0.45, 1.0]))
    volume = Volume(array=np.ones(geometry.shape, np.int16), geometry=geometry)
    found = SphereRegion(tuple(geometry.corners().mean(axis=0)), 18).within(volume)
    assert found.count * (0.5 * 0.4 * 0.45) == pytest.approx(4 / 3 * math.pi * 18**3, rel=2e-3)


def test_a_centre_on_the_surface_is_inside() -> None:
    volume = Volume(array=np.ones((3, 3, 3)), geometry=Geometry(shape=(3, 3, 3), affine=np.diag([0.1, 0.1, 0.1, 1.0])))
    assert SphereRegion((0.1, 0.1, 0.1), 0.1).within(volume).count == 7
    assert BoxRegion((0.1, 0.1, 0.1), (0.2, 0.2, 0.2)).within(volume).count == 8


def test_a_region_beside_the_image_has_none_of_its_voxels() -> None:
    rng = np.random.default_rng(0)
    volume = image(rng)
    for region in (SphereRegion((900, 0, 0), 5), BoxRegion((900, 0, 0), (901, 1, 1))):
        found = voxelry.measure(volume, 0.5, within=region)
        assert (found.pixels_above_threshold, found.pixels_total, found.volume_mm3) == (0, 0, 0)
        assert "no pixel of this volume lies in the region" in found.warnings


@pytest.mark.parametrize("seed", range(100))
def test_what_is_measured_in_a_region_is_what_is_counted_there(seed: int) -> None:
    rng = np.random.default_rng(seed)
    volume = image(rng)
    values = np.round(np.asarray(volume.array) * 3)
    values[rng.random(values.shape) < 0.1] = rng.choice([np.nan, np.inf, -np.inf])
    volume = volume.with_array(values)
    numbers = values[np.isfinite(values)]
    region = SphereRegion(tuple(volume.geometry.corners().mean(axis=0)), float(rng.uniform(0.5, 12)))
    threshold = float(rng.choice([0.0, 0.25, 0.5, 0.9]))
    found = voxelry.measure(volume, threshold, within=region)
    mask = whole_mask(region, volume)
    assert found.pixels_total == np.count_nonzero(mask)
    with np.errstate(invalid="ignore"):
        fractions = (values - numbers.min()) / (np.ptp(numbers) or 1.0) if numbers.size else np.zeros(values.shape)
    above = mask & np.isfinite(values) & (fractions > threshold)
    assert found.pixels_above_threshold == (np.count_nonzero(above) if numbers.size and np.ptp(numbers) else 0)
    assert volume.voxel_mm3 is not None
    assert found.volume_mm3 == found.pixels_above_threshold * volume.voxel_mm3
    assert found.record()["within"] == region.record()


@pytest.mark.parametrize("seed", range(50))
def test_everything_is_a_region_too(seed: int) -> None:
    volume = image(np.random.default_rng(seed))
    everywhere = SphereRegion(tuple(volume.geometry.corners().mean(axis=0)), 1000)
    whole, within = voxelry.measure(volume, 0.4), voxelry.measure(volume, 0.4, within=everywhere)
    assert (whole.pixels_above_threshold, whole.pixels_total) == (within.pixels_above_threshold, within.pixels_total)
    assert "within" not in whole.record()


def test_padding_is_never_counted_in_a_region(tmp_path: Path) -> None:
    geometry = Geometry(shape=(2, 2, 2), affine=np.eye(4))
    volume = Volume(array=np.arange(8).reshape(2, 2, 2), geometry=geometry, padding=np.array([[7.0, 7.0]] * 2))
    found = voxelry.measure(volume, 0.0, within=SphereRegion((0.5, 0.5, 0.5), 5))
    assert (found.pixels_above_threshold, found.pixels_total) == (6, 8)


@pytest.mark.parametrize("seed", range(50))
def test_segments_are_placed_by_position(seed: int) -> None:
    rng = np.random.default_rng(seed)
    volume, source = image(rng), image(rng)
    labels = rng.integers(0, 4, source.shape).astype(np.uint8)
    segments = tuple(Segment(number=number, label=f"{number}") for number in (1, 2, 3))
    segmentation = Segmentation(labels=labels, source=source, segments=segments)
    expected = [one.values.count for one in voxelry.statistics(volume, segmentation)]
    for number, count in zip((1, 2, 3), expected, strict=True):
        assert SegmentRegion(segmentation, (number,)).within(volume).count == count
    assert SegmentRegion(segmentation).within(volume).count == sum(expected)
    assert SegmentRegion(segmentation).record()["segments"] == [1, 2, 3]


def test_regions_that_are_none_are_refused() -> None:
    with pytest.raises(voxelry.ParameterError, match="three finite numbers"):
        SphereRegion((0, math.nan, 0), 1)
    with pytest.raises(voxelry.ParameterError, match="three numbers of millimetres"):
        SphereRegion((0, 0), 1)  # type: ignore[arg-type]
    with pytest.raises(voxelry.ParameterError, match="from 0, not -1"):
        SphereRegion((0, 0, 0), -1)
    with pytest.raises(voxelry.ParameterError, match="beyond its high"):
        BoxRegion((0, 0, 1), (1, 1, 0))
    with pytest.raises(voxelry.ParameterError, match="perpendicular"):
        BoxRegion((0, 0, 0), (1, 1, 1), ((1, 0, 0), (1, 0, 0), (0, 0, 1)))


def test_an_image_without_a_place_has_no_regions() -> None:
    volume = Volume(array=np.ones((2, 2, 2)), geometry=Geometry(shape=(2, 2, 2), spacing=(1.0, 1.0, 1.0)))
    for region in (SphereRegion((0, 0, 0), 1), BoxRegion((0, 0, 0), (1, 1, 1))):
        with pytest.raises(voxelry.UnplacedError, match="nothing says where this image lies"):
            voxelry.measure(volume, within=region)


def test_regions_are_written_as_text() -> None:
    assert region_of_text("sphere:1,-2,3.5:20") == SphereRegion((1, -2, 3.5), 20)
    assert region_of_text("box:10,0,5:-1,2,3") == BoxRegion((-1, 0, 3), (10, 2, 5))
    for wrong in ("sphere:1,2:3", "box:1,2,3", "sphere:a,b,c:1", "box:1,2,3:4,5,6:7"):
        with pytest.raises(voxelry.ParameterError, match="is no region; give sphere"):
            region_of_text(wrong)


def test_a_segment_is_a_region_by_its_number_or_label(tmp_path: Path) -> None:
    voxelry.write_sample(tmp_path / "sample")
    volume = voxelry.load_volume(tmp_path / "sample" / "phantom")
    low, high = (Segment(number=number, label=label) for number, label in ((1, "Low"), (2, "High part")))
    labels = np.where(volume.array > 250, 2, np.where(volume.array > 0, 1, 0)).astype(np.uint8)
    path = tmp_path / "mask.dcm"
    images = voxelry.index(tmp_path / "sample" / "phantom").studies[0].series[0]
    voxelry.write_segmentation(Segmentation(labels=labels, source=volume, segments=(low, high)), images, path)
    for name, expected in (("#2", labels == 2), ("#High part", labels == 2), ("#Low", labels == 1), ("", labels > 0)):
        found = voxelry.measure(volume, 0.0, within=region_of_text(f"{path}{name}"))
        assert found.pixels_total == np.count_nonzero(expected)
    with pytest.raises(voxelry.ParameterError, match=r"no segment is called 'Nothing'; there are 1 \(Low\)"):
        region_of_text(f"{path}#Nothing")
    contours = tmp_path / "contours.dcm"
    voxelry.write_structure_set(
        voxelry.load_segmentation(path, images=tmp_path / "sample" / "phantom"), images, contours
    )
    drawn = region_of_text(f"{contours}#High part", images=tmp_path / "sample" / "phantom")
    assert voxelry.measure(volume, 0.0, within=drawn).pixels_total == np.count_nonzero(labels == 2)
    with pytest.raises(voxelry.VoxelryError):
        region_of_text(f"{contours}#High part")  # nobody knows the images
