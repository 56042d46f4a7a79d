"""A folder with a mask for each structure, as TotalSegmentator exports it."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import numpy.typing as npt
import pytest

import voxelry
from voxelry.core.errors import GeometryError, MeasureError, NothingFoundError

SHAPE = (30, 25, 20)
AFFINE = np.diag([-1.5, -1.5, 3.0, 1.0])


def save(path: Path, array: npt.NDArray[np.generic], affine: npt.NDArray[np.float64] = AFFINE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nibabel.Nifti1Image(array, affine)
    image.header.set_xyzt_units("mm")
    nibabel.save(image, path)


def structures(folder: Path, count: int = 100) -> dict[str, npt.NDArray[np.bool_]]:
    """Masks of structures that do not overlap, some of them empty."""
    random = np.random.default_rng(18)
    labels = random.integers(0, count + 1, SHAPE)
    labels[labels % 10 == 9] = 0
    found = {}
    for number in range(1, count + 1):
        name = f"structure_{number:03}"
        found[name] = labels == number
        save(folder / f"{name}.nii.gz", found[name].astype(np.uint8))
    return found


def test_a_hundred_structures_are_one_segmentation(tmp_path: Path) -> None:
    folder = tmp_path / "masks"
    masks = structures(folder)
    (folder / "statistics.json").write_text("{}")
    found = voxelry.load_segmentation(folder)
    assert [one.label for one in found.segments] == sorted(masks)
    assert not found.overlapping
    for segment in found.segments:
        np.testing.assert_array_equal(found.mask(segment.number), masks[segment.label].T)
    assert any("of 100: the mask is empty" in words for words in found.warnings)
    assert found.volume_mm3("structure_001") == pytest.approx(masks["structure_001"].sum() * 1.5 * 1.5 * 3)


def test_the_structures_come_back_from_every_format(tmp_path: Path) -> None:
    structures(tmp_path / "masks", 12)
    made = voxelry.load_segmentation(tmp_path / "masks")
    for name in ("a.nii.gz", "a.seg.nrrd", "a.h5"):
        voxelry.save(made, tmp_path / name)
        found = voxelry.load_segmentation(tmp_path / name)
        assert found.segments == made.segments
        np.testing.assert_array_equal(found.labels, made.labels)


def test_structures_may_overlap_and_have_any_value(tmp_path: Path) -> None:
    body, liver = np.zeros(SHAPE, np.float32), np.zeros(SHAPE, np.uint8)
    body[2:-2, 2:-2], liver[5:9] = 1.0, 255
    save(tmp_path / "one" / "body.nii", body)
    save(tmp_path / "two" / "liver.nii.gz", liver)
    found = voxelry.load_segmentation(tmp_path)
    assert found.overlapping
    np.testing.assert_array_equal(found.mask("body"), body.T != 0)
    np.testing.assert_array_equal(found.mask("liver"), liver.T != 0)


def test_one_file_in_a_folder_is_a_label_map(tmp_path: Path) -> None:
    labels = np.zeros(SHAPE, np.uint8)
    labels[3], labels[5] = 4, 9
    save(tmp_path / "all.nii.gz", labels)
    assert [one.number for one in voxelry.load_segmentation(tmp_path).segments] == [4, 9]


@pytest.mark.parametrize(
    ("array", "affine", "error", "words"),
    [
        (np.arange(30 * 25 * 20, dtype=np.int16).reshape(SHAPE), AFFINE, MeasureError, "image.nii is no mask of one"),
        (np.full(SHAPE, 0.5, np.float32), AFFINE, MeasureError, "values between them"),
        (np.ones((30, 25, 20, 2), np.uint8), AFFINE, MeasureError, "holds 2 volumes"),
        (np.ones(SHAPE, np.uint8), np.diag([-1.5, -1.5, 2.0, 1.0]), GeometryError, "image.nii lies on another grid"),
        (np.ones((3, 4, 5), np.uint8), AFFINE, GeometryError, "image.nii lies on another grid"),
    ],
)
def test_what_is_no_mask_of_the_others_is_named(
    tmp_path: Path, array: npt.NDArray[np.generic], affine: npt.NDArray[np.float64], error: type[Exception], words: str
) -> None:
    save(tmp_path / "a.nii.gz", np.ones(SHAPE, np.uint8))
    save(tmp_path / "image.nii", array, affine)
    with pytest.raises(error, match=words):
        voxelry.load_segmentation(tmp_path)


def test_an_empty_folder_holds_none(tmp_path: Path) -> None:
    for name in ("statistics.json", "readme.txt"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(NothingFoundError, match="holds no segmentation"):
        voxelry.load_segmentation(tmp_path)


def test_a_structure_of_a_folder_is_a_region(tmp_path: Path) -> None:
    structures(tmp_path / "masks", 6)
    made = voxelry.load_segmentation(tmp_path / "masks")
    image = voxelry.Volume(array=np.arange(30 * 25 * 20, dtype=np.float32).reshape(SHAPE[::-1]), geometry=made.geometry)
    region = voxelry.SegmentRegion(made, (2,))
    assert voxelry.measure(image, threshold=0.0, within=region).pixels_total == made.count(2)
