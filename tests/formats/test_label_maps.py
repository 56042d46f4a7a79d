"""Label maps in formats: NRRD with segments as 3D Slicer keeps them, others with what they can hold."""

from __future__ import annotations

from pathlib import Path

import nrrd
import numpy as np
import pytest

import voxelry
from voxelry.core.label_volumes import label_volumes
from voxelry.core.registry import format_for
from voxelry.core.segmentation import ANATOMY, Code, Segment, Segmentation

SHAPE = (3, 4, 5)
SEGMENTS = (
    Segment(number=2, label="Liver", category=ANATOMY, type=Code("10200004", "SCT", "Liver"), colour=(12, 200, 99)),
    Segment(
        number=5,
        label="C:\\path, ümlaut ]]> <&",
        type=Code("64033007", "SCT", "Kidney"),
        type_modifier=Code("7771000", "SCT", "Left"),
        anatomic_region=Code("818981001", "SCT", "Abdomen"),
        region_modifier=Code("24028007", "SCT", "Right"),
    ),
)


def made() -> Segmentation:
    labels = np.zeros(SHAPE, np.uint8)
    labels[0], labels[1, 2] = 2, 5
    affine = np.array([[0, 0, 0.8, -10], [0, 0.7, 0, 20], [2.5, 0, 0, -30], [0, 0, 0, 1]])
    return Segmentation(segments=SEGMENTS, labels=labels, geometry=voxelry.Geometry(shape=SHAPE, affine=affine))


@pytest.mark.parametrize("name", ["a.nrrd", "a.seg.nrrd", "a.h5", "a.npz", "a.zarr", "a.nii.gz", "a.mha"])
def test_labels_and_places_come_back_with_what_the_format_holds(tmp_path: Path, name: str) -> None:
    path = str(tmp_path / name)
    format_for(name).write(label_volumes(made()), path, options={})
    found = voxelry.load_segmentation(path)
    np.testing.assert_array_equal(found.labels, made().labels)
    np.testing.assert_allclose(found.geometry.known_affine, made().geometry.known_affine, atol=1e-5)
    assert found.volumes_mm3() == pytest.approx(made().volumes_mm3(), rel=1e-5)
    if name.endswith(".mha"):
        assert [one.label for one in found.segments] == ["Label 2", "Label 5"]
    else:
        assert found.segments == SEGMENTS


def test_pynrrd_reads_the_keys_of_slicer(tmp_path: Path) -> None:
    path = str(tmp_path / "a.seg.nrrd")
    format_for(path).write(label_volumes(made()), path, options={})
    array, header = nrrd.read(path)
    np.testing.assert_array_equal(array.T, made().labels)
    assert header["Segment0_Name"] == "Liver"
    assert header["Segment0_LabelValue"] == "2"
    assert header["Segment0_Extent"] == "0 4 0 3 0 2"
    assert [round(255 * float(one)) for one in header["Segment0_Color"].split()] == [12, 200, 99]
    assert "SCT^10200004^Liver" in header["Segment0_Tags"]
    assert "Segment2_Name" not in header


def test_layers_of_slicer_are_masks_that_overlap(tmp_path: Path) -> None:
    one, two = np.zeros((5, 4, 3), np.uint8), np.zeros((5, 4, 3), np.uint8)
    one[:3], two[2:] = 1, 1
    header = {
        "space": "left-posterior-superior",
        "kinds": ["list", "domain", "domain", "domain"],
        "space directions": np.array([[np.nan] * 3, [1, 0, 0], [0, 1, 0], [0, 0, 2]]),
        "space origin": np.zeros(3),
        "Segment0_ID": "Segment_1", "Segment0_Name": "tumour", "Segment0_LabelValue": "1", "Segment0_Layer": "0",
        "Segment1_ID": "Segment_2", "Segment1_Name": "liver", "Segment1_LabelValue": "1", "Segment1_Layer": "1",
        "Segment1_Color": "0.5 1 0", "Segment2_Name": "lost", "Segment2_Layer": "7", "Segment3_Name": "broken",
        "Segment3_LabelValue": "x", "Segment0_Color": "red",
    }  # fmt: skip
    path = str(tmp_path / "a.seg.nrrd")
    nrrd.write(path, np.stack([one, two]), header)
    found = voxelry.load_segmentation(path)
    assert [(segment.label, segment.colour) for segment in found.segments] == [
        ("tumour", None),
        ("liver", (128, 255, 0)),
    ]
    told = "\n".join(found.warnings)
    assert "segment 0 of the file's header: its colour is not three numbers from 0 to 1" in told
    assert "segments 2, 3 of the file's header: its layer or its label value is none of the file" in told
    assert found.overlapping
    np.testing.assert_array_equal(found.mask("tumour"), one.T != 0)
    np.testing.assert_array_equal(found.mask("liver"), two.T != 0)
    assert found.volume_mm3("liver") == 3 * 4 * 3 * 2


def overlapping() -> Segmentation:
    """Four segments, of which two layers are enough for three, and an empty one."""
    masks = np.zeros((4, *SHAPE), np.bool_)
    masks[0, 0], masks[1, :, 1], masks[2, 2, 2:] = True, True, True
    affine = np.array([[0, 0, 0.8, -10], [0, 0.7, 0, 20], [2.5, 0, 0, -30], [0, 0, 0, 1]])
    return Segmentation(
        segments=[*SEGMENTS, Segment(number=7, label="Third", colour=(1, 2, 3)), Segment(number=300, label="Empty")],
        masks=list(masks),
        geometry=voxelry.Geometry(shape=SHAPE, affine=affine),
    )


@pytest.mark.parametrize("name", ["a.nrrd", "a.seg.nrrd", "a.h5", "a.npz", "a.zarr", "a.nii.gz"])
def test_segments_that_overlap_come_back_from_layers(tmp_path: Path, name: str) -> None:
    volumes = label_volumes(overlapping())
    assert len(volumes) == 2
    format_for(name).write(volumes, str(tmp_path / name), options={})
    found = voxelry.load_segmentation(tmp_path / name)
    assert set(found.segments) == set(overlapping().segments)
    for segment in found.segments:
        np.testing.assert_array_equal(found.mask(segment.number), overlapping().mask(segment.number))


def test_layers_of_slicer_are_the_fastest_axis(tmp_path: Path) -> None:
    path = str(tmp_path / "a.seg.nrrd")
    format_for(path).write(label_volumes(overlapping()), path, options={})
    array, header = nrrd.read(path)
    assert header["kinds"] == ["list", "domain", "domain", "domain"]
    assert array.shape == (2, 5, 4, 3)
    layers = {header[f"Segment{index}_ID"]: int(header[f"Segment{index}_Layer"]) for index in range(4)}
    assert layers == {"Segment_2": 0, "Segment_5": 1, "Segment_7": 0, "Segment_300": 0}
    np.testing.assert_array_equal(array[0].T == 2, overlapping().mask("Liver"))
    np.testing.assert_array_equal(array[1].T == 5, overlapping().mask(5))


@pytest.mark.parametrize("kind", ["list", "vector"])
def test_segments_without_layers_have_one_each(tmp_path: Path, kind: str) -> None:
    """As 3D Slicer wrote them before layers: a volume each, of zeros and ones; names may be missing."""
    masks = np.zeros((3, 5, 4, 3), np.uint8)
    masks[0, 0], masks[1, 1:], masks[2, :, 2] = 1, 1, 1
    header = {
        "space": "left-posterior-superior",
        "kinds": [kind, "domain", "domain", "domain"],
        "space directions": np.array([[np.nan] * 3, [1, 0, 0], [0, 1, 0], [0, 0, 2]]),
        "space origin": np.zeros(3),
        "Segment0_ID": "Segment_1", "Segment0_Name": "one", "Segment1_ID": "tumour", "Segment2_ID": "Segment_3",
        "Segment2_Name": "three", "Segment2_Color": "2 0 0",
    }  # fmt: skip
    nrrd.write(str(tmp_path / "a.seg.nrrd"), masks, header)
    found = voxelry.load_segmentation(tmp_path / "a.seg.nrrd")
    assert [segment.label for segment in found.segments] == ["one", "tumour", "three"]
    for label, mask in zip(("one", "tumour", "three"), masks, strict=True):
        np.testing.assert_array_equal(found.mask(label), mask.T != 0)


def test_images_are_no_label_maps(tmp_path: Path) -> None:
    path = str(tmp_path / "a.nrrd")
    format_for(path).write([voxelry.Volume(array=np.full(SHAPE, 0.5, np.float32))], path, options={})
    with pytest.raises(voxelry.VoxelryError, match="the volume holds 60 values between them"):
        voxelry.load_segmentation(path)
    with pytest.raises(voxelry.VoxelryError, match="no such file"):
        voxelry.load_segmentation(tmp_path / "none.nrrd")
