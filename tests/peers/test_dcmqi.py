"""Segmentations that dcmqi reads as we wrote them, and the other way round: the same voxels at the same places."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pytest
import SimpleITK

import voxelry
from voxelry.core.segmentation import Code, Segment, Segmentation
from voxelry.core.volume import Volume
from voxelry.dicom.objects.segmentation import write_segmentation
from voxelry.dicom.series.hierarchy import Series
from voxelry.testing import CORONAL, OBLIQUE, synthetic_series

BIN = Path(os.environ.get("VOXELRY_DCMQI", str(Path(sys.executable).parent)))
"""Installed with the tests' other packages."""
pytestmark = pytest.mark.skipif(not (BIN / "segimage2itkimage").exists(), reason="dcmqi is not installed")
LIES: dict[str, dict[str, Any]] = {
    "axial": {},
    "coronal": {"orientation": CORONAL},
    "oblique": {"orientation": OBLIQUE, "shuffled": True},
    "enhanced": {"frames": "enhanced", "orientation": OBLIQUE},
}
Kind = Literal["binary", "labelmap"]
KINDS: tuple[Kind, ...] = ("binary", "labelmap")
LIVER, SPLEEN = Code("10200004", "SCT", "Liver"), Code("78961009", "SCT", "Spleen")
ORGAN = Code("123037004", "SCT", "Anatomical Structure")
Places = set[tuple[float, float, float]]


def run(name: str, *words: str | Path) -> None:
    done = subprocess.run([BIN / name, *map(str, words)], capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, (done.stdout + done.stderr).decode("latin-1")


def source(folder: Path, **lie: Any) -> tuple[Series, Volume]:
    synthetic_series(folder, **lie)
    (series,) = voxelry.index(folder).series
    return series, series.stacks[0].volume()


def labels_on(volume: Volume) -> npt.NDArray[np.uint8]:
    """Two bodies without symmetry; the first and last slices have none."""
    slices, rows, columns = volume.array.shape[:3]
    labels = np.zeros((slices, rows, columns), np.uint8)
    labels[1 : slices - 1, 2 : rows // 2, 3 : columns // 3] = 1
    labels[slices // 2 : slices - 1, rows // 2 : rows - 1, columns // 2 : columns - 2] = 2
    labels[slices // 2, rows // 2, columns // 2] = 0
    return labels


def places(affine: npt.NDArray[np.float64], mask: npt.NDArray[Any]) -> Places:
    """The centres of a mask's voxels, LPS mm."""
    index = np.argwhere(mask)
    points = (np.c_[index, np.ones(len(index))] @ affine.T)[:, :3]
    return {(x, y, z) for x, y, z in (points.round(2) + 0.0).tolist()}


def itk_places(path: Path) -> dict[int, Places]:
    """Of each label of an image file."""
    image = SimpleITK.ReadImage(str(path))
    array = SimpleITK.GetArrayFromImage(image)
    axes = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    affine = np.eye(4)
    affine[:3, :3] = axes[:, ::-1]
    affine[:3, 3] = image.GetOrigin()
    return {int(label): places(affine, array == label) for label in np.unique(array) if label}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lie", LIES)
def test_dcmqi_reads_what_we_wrote(tmp_path: Path, lie: str, kind: Kind) -> None:
    series, volume = source(tmp_path / "in", **LIES[lie])
    labels = labels_on(volume)
    segments = (
        Segment(number=1, label="Liver", category=ORGAN, type=LIVER),
        Segment(number=2, label="Spleen", category=ORGAN, type=SPLEEN),
    )
    segmentation = Segmentation(labels=labels, source=volume, segments=segments)
    write_segmentation(segmentation, series, tmp_path / "seg.dcm", kind=kind)
    out = tmp_path / "out"
    out.mkdir()
    run("segimage2itkimage", "--inputDICOM", tmp_path / "seg.dcm", "--outputDirectory", out, "-p", "seg", "-t", "nrrd")
    found = [place for path in sorted(out.glob("*.nrrd")) for place in itk_places(path).values()]
    assert volume.affine is not None
    wanted = [places(volume.affine, labels == number) for number in (1, 2)]
    assert sorted(map(sorted, found)) == sorted(map(sorted, wanted))
    told = json.loads((out / "seg-meta.json").read_text(encoding="utf-8"))
    described = [one for group in told["segmentAttributes"] for one in group]
    assert {one["SegmentedPropertyTypeCodeSequence"]["CodeValue"] for one in described} == {"10200004", "78961009"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lie", ["axial", "coronal", "oblique"])
def test_we_read_what_dcmqi_wrote(tmp_path: Path, lie: str, kind: Kind) -> None:
    _, volume = source(tmp_path / "in", **LIES[lie])
    labels = labels_on(volume)
    affine = volume.affine
    assert affine is not None
    image = SimpleITK.GetImageFromArray(labels)
    steps = np.linalg.norm(affine[:3, :3], axis=0)
    image.SetSpacing(steps[::-1].tolist())
    image.SetDirection((affine[:3, :3] / steps)[:, ::-1].ravel().tolist())
    image.SetOrigin(affine[:3, 3].tolist())
    SimpleITK.WriteImage(image, str(tmp_path / "labels.nrrd"))

    def described(number: int, name: str, code: Code) -> dict[str, object]:
        def as_json(one: Code) -> dict[str, str]:
            return {"CodeValue": one.value, "CodingSchemeDesignator": one.scheme, "CodeMeaning": one.meaning}

        return {
            "labelID": number,
            "SegmentDescription": name,
            "SegmentLabel": name,
            "SegmentAlgorithmType": "MANUAL",
            "SegmentedPropertyCategoryCodeSequence": as_json(ORGAN),
            "SegmentedPropertyTypeCodeSequence": as_json(code),
            "recommendedDisplayRGBValue": [100 * number, 20, 30],
        }

    told = {
        "ContentCreatorName": "Tests",
        "ClinicalTrialSeriesID": "1",
        "ClinicalTrialTimePointID": "1",
        "ClinicalTrialCoordinatingCenterName": "none",
        "SeriesDescription": "By dcmqi",
        "SeriesNumber": "300",
        "InstanceNumber": "1",
        "segmentAttributes": [[described(1, "Liver", LIVER), described(2, "Spleen", SPLEEN)]],
    }
    (tmp_path / "told.json").write_text(json.dumps(told), encoding="ascii")
    run(
        "itkimage2segimage", "--inputImageList", tmp_path / "labels.nrrd", "--inputDICOMDirectory", tmp_path / "in",
        "--inputMetadata", tmp_path / "told.json", "--outputDICOM", tmp_path / "seg.dcm", "--segmentationType", kind,
        "--skip", "1",
    )  # fmt: skip
    segmentation = voxelry.load_segmentation(tmp_path / "seg.dcm", images=tmp_path / "in")
    assert [segment.label for segment in segmentation.segments] == ["Liver", "Spleen"]
    for segment, number in zip(segmentation.segments, (1, 2), strict=True):
        own = np.asarray(segmentation.geometry.known_affine)
        assert places(own, segmentation.mask(segment.number)) == places(affine, labels == number)
        assert segment.type == (LIVER, SPLEEN)[number - 1]
