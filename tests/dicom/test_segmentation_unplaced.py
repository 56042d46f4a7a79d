"""Masks of images without a frame of reference (DX, MG, CR, US, XA): on which image, and no place that is none."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pydicom
import pytest

import voxelry
from voxelry.core.errors import UnplacedError
from voxelry.core.segmentation import Segment, Segmentation
from voxelry.core.volume import Volume
from voxelry.dicom.headers.pydicom_silence import quiet
from voxelry.dicom.objects.segment_planes import SegmentationKind
from voxelry.dicom.objects.segmentation import write_segmentation
from voxelry.dicom.series.hierarchy import Series
from voxelry.testing import synthetic_instance, write

CLASSES = {
    "DX": "1.2.840.10008.5.1.4.1.1.1.1",
    "MG": "1.2.840.10008.5.1.4.1.1.1.2",
    "CR": "1.2.840.10008.5.1.4.1.1.1",
    "US": "1.2.840.10008.5.1.4.1.1.6.1",
    "XA": "1.2.840.10008.5.1.4.1.1.12.1",
}
SEGMENTS = (Segment(number=1, label="Body"), Segment(number=2, label="Bone"))


def projections(folder: Path, modality: str, count: int = 1, frames: int = 1, **attributes: Any) -> Series:
    for index in range(count):
        shape = (12, 10) if frames == 1 else (frames, 12, 10)
        dataset = synthetic_instance(
            np.arange(np.prod(shape), dtype=np.uint16).reshape(shape), modality=modality,
            sop_class_uid=CLASSES[modality], spacing=None, position=None, orientation=None, rescale=None, index=index,
            instance_number=index + 1, attributes={"FrameOfReferenceUID": None, **attributes},
        )  # fmt: skip
        write(dataset, folder / f"{index}.dcm")
    (series,) = voxelry.index(folder).series
    return series


def labels_on(volume: Volume) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 3, volume.array.shape).astype(np.uint8)


@pytest.mark.parametrize("kind", ["binary", "labelmap"])
@pytest.mark.parametrize(
    ("modality", "count", "frames"), [("DX", 1, 1), ("MG", 1, 1), ("CR", 2, 1), ("US", 1, 1), ("XA", 1, 4)]
)
def test_a_mask_names_its_image_and_has_no_place(
    tmp_path: Path, modality: str, count: int, frames: int, kind: SegmentationKind
) -> None:
    """PS3.3 A.51.5.1; highdicom finds the mask of each image by its UID, or of each frame by its number."""
    series = projections(tmp_path / "in", modality, count, frames)
    volume = series.stacks[0].volume()
    labels = labels_on(volume)
    written = write_segmentation(
        Segmentation(labels=labels, source=volume, segments=SEGMENTS), series, tmp_path / "out" / "seg.dcm", kind=kind
    )
    assert any("no place of its own" in words for words in written.warnings)
    with quiet:
        found = highdicom.seg.segread(written.paths[0])
        assert "FrameOfReferenceUID" not in found
        assert "PlanePositionSequence" not in found.PerFrameFunctionalGroupsSequence[0]
        uids = [header.sop_instance_uid for header in series.instances]
        if frames > 1:
            read = found.get_pixels_by_source_frame(
                uids[0], list(range(1, frames + 1)), combine_segments=True, ignore_spatial_locations=True
            )
        else:
            read = found.get_pixels_by_source_instance(uids, combine_segments=True, ignore_spatial_locations=True)
    np.testing.assert_array_equal(read, labels)
    again = voxelry.load(written.paths[0]).volumes
    if kind == "labelmap":
        np.testing.assert_array_equal(again[0].array, labels)
    else:
        for number, one in enumerate(again, 1):
            np.testing.assert_array_equal(one.array, labels == number)
    assert all(one.affine is None for one in again)


@pytest.mark.programs("dciodvfy")
def test_a_mask_of_a_radiograph_has_no_fault_by_dciodvfy(tmp_path: Path) -> None:
    series = projections(tmp_path / "in", "DX")
    volume = series.stacks[0].volume()
    segmentation = Segmentation(labels=labels_on(volume), source=volume, segments=SEGMENTS)
    written = write_segmentation(segmentation, series, tmp_path / "out" / "seg.dcm")
    done = subprocess.run(["dciodvfy", str(written.paths[0])], capture_output=True, check=False)
    lines = (done.stdout + done.stderr).decode("latin-1").splitlines()
    assert not [line for line in lines if line.startswith("Error")]


def test_a_spacing_that_is_known_is_kept(tmp_path: Path) -> None:
    series = projections(tmp_path / "in", "DX", PixelSpacing=["0.2", "0.1"])
    volume = series.stacks[0].volume()
    segmentation = Segmentation(labels=labels_on(volume), source=volume, segments=SEGMENTS)
    written = write_segmentation(segmentation, series, tmp_path / "out" / "seg.dcm")
    measures = pydicom.dcmread(written.paths[0]).SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    assert list(measures.PixelSpacing) == [0.2, 0.1]
    assert "SliceThickness" not in measures


def test_labels_of_another_shape_lie_on_no_image(tmp_path: Path) -> None:
    series = projections(tmp_path / "in", "DX")
    volume = Volume(array=np.zeros((1, 6, 5), np.int16))
    segmentation = Segmentation(labels=labels_on(volume), source=volume, segments=SEGMENTS)
    with pytest.raises(UnplacedError, match="not pixel by pixel those of the source"):
        write_segmentation(segmentation, series, tmp_path / "seg.dcm")
