"""Masks of other programs are stored by patient position, with their names and colours, or refused in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

import voxelry
from tests.dicom.segmentations import segmented
from tests.server.drafts import original
from tests.server.test_segmentations import labels_of
from voxelry.server.archive.check import check
from voxelry.server.jobs import isolated
from voxelry.server.processing.models import GivenFile
from voxelry.testing import OBLIQUE, SyntheticSeries, synthetic_series

pytestmark = pytest.mark.django_db(transaction=True)

Image = tuple[Any, voxelry.Volume, int, SyntheticSeries]


@pytest.fixture
def image(site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Image:
    """The site with an oblique series, as the library reads it, its key, and the series."""
    monkeypatch.setattr(isolated, "IN_PROCESS", True)
    series = synthetic_series(tmp_path / "s", slices=5, orientation=OBLIQUE)
    (key,) = site.upload(series.paths)["series"]
    return site, voxelry.load_volume(tmp_path / "s"), key, series


def send(site: Any, status: int, path: Path, *, name: str = "", **values: Any) -> Any:
    file = SimpleUploadedFile(name or path.name, path.read_bytes())
    return site.post("/segmentations/files", status, file=file, **values)


def read(site: Any, do_jobs: Callable[[], None], path: Path, **values: Any) -> Any:
    """The job of a file when it is over."""
    accepted = send(site, 202, path, **values)
    do_jobs()
    return site.get(f"/jobs/{accepted['id']}")


def made(site: Any, job: Any) -> Any:
    assert job["state"] == "succeeded", job
    (key,) = job["result"]["segmentations"]
    return site.get(f"/segmentations/{key}")


def nifti(
    path: Path, volume: voxelry.Volume, labels: npt.NDArray[Any], *, move: tuple[float, float, float] = (0, 0, 0)
) -> Path:
    """By nibabel, with axes mirrored and exchanged: the same voxels in another order."""
    affine = np.diag([-1.0, -1, 1, 1]) @ volume.geometry.known_affine
    mirrored = affine @ np.array([[-1, 0, 0, labels.shape[0] - 1], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    turned = mirrored[:, [2, 0, 1, 3]]
    turned[:3, 3] += move
    nibabel.save(nibabel.Nifti1Image(np.transpose(labels[::-1], (2, 0, 1)).copy(), turned), path)
    return path


def test_voxels_in_another_order_are_those_of_the_image(
    image: Image, do_jobs: Callable[[], None], tmp_path: Path
) -> None:
    site, volume, key, _ = image
    labels = np.random.default_rng(3).integers(0, 4, volume.array.shape, np.uint8)
    path = nifti(tmp_path / "Doe^John.nii.gz", volume, labels)
    job = read(site, do_jobs, path, series=key, label="By hand")
    told = made(site, job)
    assert (job["title"], told["label"], told["placed"]) == ("Read a segmentation", "By hand", None)
    np.testing.assert_array_equal(labels_of(site, told), labels)
    np.testing.assert_allclose(told["affine"], volume.geometry.known_affine, atol=1e-6)
    dataset = pydicom.dcmread(original(told["id"], tmp_path / "made.dcm"))
    assert {one.ReferencedSOPInstanceUID for one in dataset.SourceImageSequence} == set(volume.instance_uids)
    assert "John" not in str(job)
    assert "Doe" not in str(dataset)
    assert not GivenFile.objects.exists()
    assert check().fine


def test_names_colours_codes_and_layers_are_kept(image: Image, do_jobs: Callable[[], None], tmp_path: Path) -> None:
    site, volume, key, _ = image
    lung = voxelry.Code("39607008", "SCT", "Lung")
    segments = [
        voxelry.Segment(number=1, label="Lung", type=lung, colour=(10, 200, 30)),
        voxelry.Segment(number=2, label="Nodule", colour=(250, 0, 0)),
    ]
    random = np.random.default_rng(1)
    masks = [random.random(volume.array.shape) > 0.5 for _ in segments]
    voxelry.save(voxelry.Segmentation(masks=masks, segments=segments, source=volume), tmp_path / "a.seg.nrrd")
    told = made(site, read(site, do_jobs, tmp_path / "a.seg.nrrd", series=key))
    assert told["layers"] == 2
    for one, segment, mask in zip(told["segments"], segments, masks, strict=True):
        assert (one["label"], one["type"]["value"]) == (segment.label, segment.type.value)
        assert one["colour"] == f"#{bytes(segment.colour or ()).hex()}"
        np.testing.assert_array_equal(labels_of(site, told, layer=one["layer"]) == one["value"], mask)


def test_a_coarser_grid_stays_its_own(image: Image, do_jobs: Callable[[], None], tmp_path: Path) -> None:
    site, volume, key, _ = image
    affine = volume.geometry.known_affine.copy()
    affine[:3, 1:3] *= 2
    labels = np.ones((5, 8, 12), np.uint8)  # beyond the last column
    nibabel.save(
        nibabel.Nifti1Image(labels.T, (np.diag([-1.0, -1, 1, 1]) @ affine)[:, [2, 1, 0, 3]]), tmp_path / "c.nii"
    )
    job = read(site, do_jobs, tmp_path / "c.nii", series=key)
    told = made(site, job)
    assert told["shape"] == [5, 8, 12]
    np.testing.assert_allclose(told["affine"], affine, atol=1e-4)
    assert any("lie beside the image" in words for words in job["result"]["warnings"])
    [listed] = site.get("/segmentations", series=key)["segmentations"]
    assert listed["placed"] == "frame"


def test_a_segmentation_of_dicom_joins_the_study(image: Image, do_jobs: Callable[[], None], tmp_path: Path) -> None:
    site, volume, key, series = image
    mask = np.zeros((*volume.array.shape, 2), np.uint8)
    mask[1:3, 2:9, 3:12, 0] = mask[2:4, 5:12, 8:16, 1] = 1
    path = segmented(tmp_path / "by-highdicom.dcm", series, mask)
    told = made(site, read(site, do_jobs, path, series=key))
    for index, one in enumerate(told["segments"]):
        found = labels_of(site, told, layer=one["layer"]) == one["value"]
        np.testing.assert_array_equal(found, mask[..., index][: len(found)] if len(found) < 5 else mask[..., index])


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        ("away", "geometry", "nowhere near"),
        ("unplaced", "no_geometry", "where it lies"),
        ("image", "measure", "no mask"),
        ("empty", "measure", "nothing to store"),
        ("damaged", "format", ""),
        ("leads elsewhere", "format", ""),
    ],
)
def test_what_is_no_mask_of_the_image_is_refused_in_words(
    image: Image, do_jobs: Callable[[], None], tmp_path: Path, fault: str, code: str, words: str
) -> None:
    site, volume, key, _ = image
    labels = np.ones(volume.array.shape, np.uint8)
    path = tmp_path / "m.nii.gz"
    if fault == "away":
        nifti(path, volume, labels, move=(500, 0, 0))
    elif fault == "unplaced":
        path = tmp_path / "m.nrrd"
        header = "NRRD0004\ntype: uint8\ndimension: 3\nsizes: 20 16 5\nspacings: 1 1 1\nencoding: raw\n\n"
        path.write_bytes(header.encode() + labels.tobytes())
    elif fault == "image":
        nifti(path, volume, labels + np.float32(0.25))
    elif fault == "empty":
        nifti(path, volume, 0 * labels)
    elif fault == "damaged":
        path.write_bytes(b"no NIfTI")
    else:
        path = tmp_path / "m.nrrd"
        header = "NRRD0004\ntype: uint8\ndimension: 3\nsizes: 20 16 5\ndata file: /etc/hostname\nencoding: raw\n\n"
        path.write_text(header)
    job = read(site, do_jobs, path, series=key)
    assert job["state"] == "failed", job
    assert words in job["problem"]["message"]
    assert job["problem"]["code"] == code, job
    assert site.get("/segmentations", series=key)["segmentations"] == []
    assert GivenFile.objects.count() == 2  # for another try
    assert check().fine


def test_other_formats_and_images_are_refused_at_once(image: Image, tmp_path: Path) -> None:
    site, _, key, series = image
    for name in ("a.h5", "a.nhdr", "a.mhd", "a.npz", "a.zip", "a.exe"):
        assert ".nii.gz" in send(site, 422, series.paths[0], name=name, series=key)["detail"]
    send(site, 404, series.paths[0], series=key + 999)
    send(site, 404, series.paths[0], series=key, volume=7)
    send(site, 422, series.paths[0], series=key, label="a\\b")
    assert not GivenFile.objects.exists()
    assert check().fine


@pytest.mark.parametrize(("kind", "threshold"), [("PROBABILITY", None), ("OCCUPANCY", 0.25)])
def test_fractions_are_stored_above_a_threshold_and_it_is_said(
    image: Image, do_jobs: Callable[[], None], tmp_path: Path, kind: str, threshold: float | None
) -> None:
    site, volume, key, series = image
    values = np.zeros(volume.array.shape, np.float32)
    values[1:4] = np.linspace(0, 1, values[1:4].size).reshape(values[1:4].shape)
    options: dict[str, Any] = {"fractional_type": kind, "max_fractional_value": 100}  # 0.25 and 0.5 are among its steps
    path = segmented(tmp_path / "seg.dcm", series, values, segmentation_type="FRACTIONAL", **options)
    given = {} if threshold is None else {"threshold": threshold}
    job = read(site, do_jobs, path, series=key, **given)
    told = made(site, job)
    above = 0.5 if threshold is None else threshold
    stored = voxelry.load_segmentation(path, images=series.paths[0].parent).mask(1, threshold=above)
    assert 0 < np.count_nonzero(stored) < np.count_nonzero(values)
    np.testing.assert_array_equal(labels_of(site, told) == 1, stored)
    assert told["fractional"] is None
    what = "occupancies" if kind == "OCCUPANCY" else "probabilities"
    assert any(what in words and f"above {above:g}" in words for words in job["result"]["warnings"])
    assert job["params"]["threshold"] == above
    dataset = pydicom.dcmread(original(told["id"], tmp_path / "made.dcm"))
    assert dataset.SegmentationType == "BINARY"
    assert f"fractions above {above:g}" in dataset.DerivationDescription


def test_fractions_that_are_all_low_and_thresholds_that_are_none_are_told(
    image: Image, do_jobs: Callable[[], None], tmp_path: Path
) -> None:
    site, volume, key, series = image
    values = np.full(volume.array.shape, 0.4, np.float32)
    options: dict[str, Any] = {"fractional_type": "PROBABILITY", "max_fractional_value": 200}
    path = segmented(tmp_path / "seg.dcm", series, values, segmentation_type="FRACTIONAL", **options)
    job = read(site, do_jobs, path, series=key)
    assert job["state"] == "failed"
    assert "no fraction of this file lies above 0.5: give a lower threshold" in job["problem"]["message"]
    for threshold in ("1", "-0.1", "nan", "much"):
        send(site, 422, path, series=key, threshold=threshold)
