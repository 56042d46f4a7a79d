"""Segmentations from any program to any other, by `convert` and `save`: the same voxels, names, codes and places."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import UID

import voxelry
from voxelry.core.errors import ExistsError, MeasureError, NotOneVolumeError, ParameterError
from voxelry.core.segmentation import ANATOMY, Code, Segment, Segmentation
from voxelry.testing import synthetic_series, synthetic_structure_set

SHAPE = (6, 16, 20)
SEGMENTS = (
    Segment(
        number=1,
        label="Left kidney",
        category=ANATOMY,
        type=Code("64033007", "SCT", "Kidney"),
        type_modifier=Code("7771000", "SCT", "Left"),
        colour=(200, 30, 40),
    ),
    Segment(number=2, label="=Lesion", type=Code("X1", "99MINE", "Mine"), colour=(10, 200, 90)),
)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    synthetic_series(tmp_path / "images", slices=6, orientation=(0.8, 0.6, 0.0, 0.0, 0.0, -1.0))
    return tmp_path / "images"


def made(images: Path, *, overlap: bool) -> Segmentation:
    one, two = np.zeros(SHAPE, np.bool_), np.zeros(SHAPE, np.bool_)
    one[1:4, 2:9, 3:12], two[2:5, 8 - 4 * overlap : 15, 11 - 3 * overlap : 19] = True, True
    two &= ~one | overlap
    return Segmentation(segments=SEGMENTS, masks=[one, two], source=voxelry.load_volume(images))


def same(found: Segmentation, expected: Segmentation, *, described: bool = True) -> None:
    np.testing.assert_allclose(found.geometry.known_affine, expected.geometry.known_affine, atol=1e-5)
    for segment in expected.segments:
        np.testing.assert_array_equal(found.mask(segment.number), expected.mask(segment.number))
    if described:
        facts = [
            (one.number, one.label, one.category, one.type, one.type_modifier, one.colour) for one in found.segments
        ]
        assert facts == [
            (one.number, one.label, one.category, one.type, one.type_modifier, one.colour) for one in expected.segments
        ]


@pytest.mark.parametrize("overlap", [False, True])
def test_names_codes_and_voxels_survive_every_way(tmp_path: Path, images: Path, overlap: bool) -> None:
    expected = made(images, overlap=overlap)
    voxelry.save(expected, tmp_path / "a.dcm", format="seg", source=voxelry.load_study(images).series[0])
    way = ["a.dcm", "b.seg.nrrd", "c.nii.gz", "d.h5", "e.dcm", "f.nii", "g.seg.nrrd"]
    for before, after in itertools.pairwise(way):
        seg = after.endswith(".dcm")
        report = voxelry.convert(
            tmp_path / before, tmp_path / after, format="seg" if seg else None, images=images if seg else None
        )
        assert report.complete
        same(voxelry.load_segmentation(tmp_path / after, images=images), expected)


def test_contours_become_labels_and_labels_contours(tmp_path: Path, images: Path) -> None:
    expected = made(images, overlap=True)
    voxelry.save(expected, tmp_path / "a.seg.nrrd")
    voxelry.convert(tmp_path / "a.seg.nrrd", tmp_path / "rt.dcm", format="rtstruct", images=images)
    voxelry.convert(tmp_path / "rt.dcm", tmp_path / "b.seg.nrrd", images=images)
    found = voxelry.load_segmentation(tmp_path / "b.seg.nrrd")
    same(found, expected, described=False)
    assert [(one.label, one.colour) for one in found.segments] == [(one.label, one.colour) for one in SEGMENTS]
    voxelry.convert(tmp_path / "rt.dcm", tmp_path / "seg.dcm", format="seg", images=images)
    same(voxelry.load_segmentation(tmp_path / "seg.dcm", images=images), expected, described=False)


def test_a_folder_of_masks_is_one_file(tmp_path: Path, images: Path) -> None:
    expected = made(images, overlap=True)
    for segment in SEGMENTS:
        one = Segment(number=1, label=segment.label)
        voxelry.save(
            Segmentation(segments=[one], masks=[expected.mask(segment.number)], source=expected.source),
            tmp_path / "masks" / f"{segment.number}.nii.gz",
        )
    voxelry.convert(tmp_path / "masks", tmp_path / "all.seg.nrrd", segmentation=True)
    found = voxelry.load_segmentation(tmp_path / "all.seg.nrrd")
    same(found, expected, described=False)
    assert [one.label for one in found.segments] == [one.label for one in SEGMENTS]


def test_surfaces_hold_all_segments_where_they_are(tmp_path: Path, images: Path) -> None:
    expected = made(images, overlap=True)
    voxelry.save(expected, tmp_path / "a.stl")
    voxelry.save(expected, tmp_path / "a.ply")
    content = (tmp_path / "a.stl").read_bytes()
    facets = np.frombuffer(content[84:], [("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    assert int.from_bytes(content[80:84], "little") == len(facets)
    places = np.concatenate([
        expected.geometry.index_to_lps(np.argwhere(expected.mask(one.number)).astype(float)) for one in SEGMENTS
    ])  # fmt: skip
    corners = facets["corners"].reshape(-1, 3)
    half = np.linalg.norm(expected.geometry.known_affine[:3, :3], axis=0).max()
    assert (np.abs(corners.min(axis=0) - places.min(axis=0)) <= half).all()
    assert (np.abs(corners.max(axis=0) - places.max(axis=0)) <= half).all()
    head, _, body = (tmp_path / "a.ply").read_bytes().partition(b"end_header\n")
    count = int(head.split(b"element vertex ")[1].split()[0])
    vertices = np.frombuffer(body, [("place", "<f4", 3), ("colour", "u1", 3)], count)
    assert {tuple(one) for one in np.unique(vertices["colour"], axis=0).tolist()} == {(200, 30, 40), (10, 200, 90)}
    np.testing.assert_allclose(vertices["place"].max(axis=0), corners.max(axis=0), atol=1e-4)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_table_has_counts_and_values(tmp_path: Path, images: Path) -> None:
    expected = made(images, overlap=True)
    voxelry.save(expected, tmp_path / "a.seg.nrrd")
    voxelry.convert(tmp_path / "a.seg.nrrd", tmp_path / "sizes.csv")
    voxelry.convert(tmp_path / "a.seg.nrrd", tmp_path / "values.csv", images=images)
    found = voxelry.statistics(voxelry.load_volume(images), expected)
    for size, row, one in zip(rows_of(tmp_path / "sizes.csv"), rows_of(tmp_path / "values.csv"), found, strict=True):
        assert int(size["count"]) == int(row["count"]) == one.count
        assert float(size["mm3"]) == float(row["mm3"]) == pytest.approx(one.mm3)
        assert float(row["values_mean"]) == one.values.mean
        assert float(row["values_p95"]) == one.values.p95
    row = rows_of(tmp_path / "values.csv")[1]
    assert row["label"] == "'=Lesion"  # no formula in a spreadsheet
    assert row["type"] == "X1, 99MINE, Mine"
    assert row["colour"] == "#0ac85a"


def test_the_series_that_a_mask_lies_on_is_found_among_several(tmp_path: Path, images: Path) -> None:
    expected = made(images, overlap=False)
    voxelry.save(expected, tmp_path / "a.nii.gz")
    both = tmp_path / "both"

    def renamed(index: int, dataset: Dataset) -> None:
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID(f"2.25.190{index}")

    uids = {"SeriesInstanceUID": "2.25.1801", "FrameOfReferenceUID": "2.25.1802"}
    synthetic_series(both / "one", slices=6, orientation=(0.8, 0.6, 0.0, 0.0, 0.0, -1.0))
    synthetic_series(both / "two", slices=3, rows=8, columns=8, attributes=uids, edit=renamed)
    voxelry.convert(tmp_path / "a.nii.gz", tmp_path / "a.dcm", format="seg", images=both)
    same(voxelry.load_segmentation(tmp_path / "a.dcm", images=both / "one"), expected)
    moved = Segmentation(segments=SEGMENTS[:1], masks=[np.ones((2, 4, 4), np.bool_)],
                         geometry=voxelry.Geometry(shape=(2, 4, 4), affine=np.eye(4)))  # fmt: skip
    voxelry.save(moved, tmp_path / "b.nii.gz")
    with pytest.raises(NotOneVolumeError, match="2 series"):
        voxelry.convert(tmp_path / "b.nii.gz", tmp_path / "b.dcm", format="seg", images=both)


def test_what_is_missing_is_asked_for(tmp_path: Path, images: Path) -> None:
    expected = made(images, overlap=False)
    voxelry.save(expected, tmp_path / "a.nii.gz")
    with pytest.raises(ParameterError, match="--images"):
        voxelry.convert(tmp_path / "a.nii.gz", tmp_path / "a.dcm", format="rtstruct")
    with pytest.raises(ParameterError, match=r"ends in \.dcm"):
        voxelry.convert(tmp_path / "a.nii.gz", tmp_path / "folder", format="seg")
    with pytest.raises(ParameterError, match="smooth"):
        voxelry.convert(tmp_path / "a.nii.gz", tmp_path / "a.stl", options={"smooth": -1})
    (tmp_path / "a.csv").write_text("mine")
    with pytest.raises(ExistsError):
        voxelry.convert(tmp_path / "a.nii.gz", tmp_path / "a.csv")
    voxelry.convert(tmp_path / "a.nii.gz", tmp_path / "a.csv", overwrite=True)
    empty = Segmentation(segments=SEGMENTS, masks=[np.zeros(SHAPE, np.bool_)] * 2, source=expected.source)
    with pytest.raises(MeasureError, match="no surface"):
        voxelry.save(empty, tmp_path / "empty.stl")
    with pytest.raises(ParameterError, match="holds a segmentation"):
        voxelry.save(voxelry.load_volume(images), tmp_path / "image.stl", format="stl")


def test_contours_of_others_become_every_file(tmp_path: Path) -> None:
    series = synthetic_series(tmp_path / "images", slices=6)
    image = voxelry.load_volume(tmp_path / "images")
    rings = [
        image.geometry.index_to_lps(np.array([[k, 2, 2], [k, 2, 9], [k, 8, 9], [k, 8, 2]], float)) for k in (1, 2, 3)
    ]
    path = synthetic_structure_set(tmp_path / "rt.dcm", series.paths, {"box": rings})
    for name in ("a.stl", "a.ply", "a.csv", "a.nii.gz", "a.seg.nrrd"):
        assert voxelry.convert(path, tmp_path / name, images=tmp_path / "images").complete
    (row,) = rows_of(tmp_path / "a.csv")
    assert (row["label"], row["count"]) == ("box", str(3 * 7 * 8))
    assert voxelry.load_segmentation(tmp_path / "a.nii.gz").count("box") == 3 * 7 * 8
