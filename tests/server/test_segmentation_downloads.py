"""Stored segmentations are downloaded for other programs: as the library writes them, and as they came."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import numpy.typing as npt
import pytest

import voxelry
from tests.server.drafts import original, saved, segment
from voxelry.server.api import segmentation_downloads
from voxelry.server.jobs import isolated
from voxelry.testing import OBLIQUE, synthetic_series

pytestmark = pytest.mark.django_db(transaction=True)

Stored = tuple[Any, int, int, Path]


@pytest.fixture
def stored(site: Any, tmp_path: Path, do_jobs: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> Stored:
    """The site, an oblique image, a segmentation of two segments over it, and the image's folder."""
    monkeypatch.setattr(isolated, "IN_PROCESS", True)
    (key,) = site.upload(synthetic_series(tmp_path / "s", slices=5, orientation=OBLIQUE).paths)["series"]
    segments = [segment(2, label="Liver", value=2, colour="#dd8265"), segment(7, label="Spleen", value=7)]
    told, _ = saved(
        site, do_jobs, [labels(voxelry.load_volume(tmp_path / "s").array.shape)], series=key, segments=segments
    )
    return site, key, told["id"], tmp_path / "s"


def labels(shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    found = np.zeros(shape, np.uint8)
    found[1:4, 3:11, 4:13] = 2
    found[2:4, 12:15, 5:9] = 7
    return found


def fetch(site: Any, key: int, kind: str, path: Path, **query: Any) -> Any:
    response = site.client.get(f"/api/segmentations/{key}/file", {"kind": kind, **query})
    assert response.status_code == 200, response.content
    path.write_bytes(b"".join(response.streaming_content))
    assert int(response["Content-Length"]) == path.stat().st_size
    return response


def test_files_are_the_librarys(stored: Stored, tmp_path: Path) -> None:
    site, image, key, folder = stored
    seg = original(key, tmp_path / "seg.dcm")
    judge = voxelry.load_segmentation(seg, images=folder)
    expected = labels(judge.geometry.shape)
    response = fetch(site, key, "dcm", tmp_path / "came.dcm")
    assert response["Content-Disposition"] == f'attachment; filename="segmentation-{key}.dcm"'
    assert (tmp_path / "came.dcm").read_bytes() == seg.read_bytes()

    fetch(site, key, "nii.gz", tmp_path / "a.nii.gz")
    nifti: Any = nibabel.load(tmp_path / "a.nii.gz")
    to_lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ nifti.affine
    for number, value in ((1, 2), (2, 7)):  # a DICOM segmentation counts its segments from 1
        found = nibabel.affines.apply_affine(to_lps, np.argwhere(np.asarray(nifti.dataobj) == number))
        there = judge.geometry.index_to_lps(np.argwhere(expected == value))
        assert {tuple(point) for point in found.round(2)} == {tuple(point) for point in there.round(2)}

    fetch(site, key, "nrrd", tmp_path / "a.seg.nrrd")
    fetch(site, key, "rtstruct", tmp_path / "rt.dcm", series=image)
    for back in (
        voxelry.load_segmentation(tmp_path / "a.seg.nrrd"),
        voxelry.load_contours(tmp_path / "rt.dcm", images=folder).segmentation(),
    ):
        assert [one.label for one in back.segments] == ["Liver", "Spleen"]
        assert back.segments[0].colour == (0xDD, 0x82, 0x65)
        for name, value in (("Liver", 2), ("Spleen", 7)):
            np.testing.assert_array_equal(back.mask(name), expected == value)

    for kind in ("stl", "ply"):
        fetch(site, key, kind, tmp_path / f"a.{kind}")
        voxelry.save(judge, tmp_path / f"b.{kind}")
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()

    fetch(site, key, "csv", tmp_path / "a.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "a.csv").read_text())))
    assert [(row["label"], int(row["count"])) for row in rows] == [("Liver", 216), ("Spleen", 24)]


def test_a_part_is_sent_and_nothing_is_left(stored: Stored, tmp_path: Path, data_folder: Path) -> None:
    site, _, key, _ = stored
    whole = fetch(site, key, "stl", tmp_path / "a.stl")
    address, header = f"/api/segmentations/{key}/file?kind=stl", {"Range": "bytes=80-183"}
    piece = site.client.get(address, headers=header)
    assert (piece.status_code, piece["ETag"]) == (206, whole["ETag"])
    assert b"".join(piece.streaming_content) == (tmp_path / "a.stl").read_bytes()[80:184]
    assert site.client.get(address, headers={"If-None-Match": whole["ETag"]}).status_code == 304
    assert not list(data_folder.rglob("export-*"))


def test_what_cannot_be_made_is_said(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    site, image, key, _ = stored

    def refused(status: int, **query: Any) -> str:
        response = site.client.get(f"/api/segmentations/{query.pop('of', key)}/file", query)
        assert response.status_code == status, response.content
        return str(response.json()["detail"])

    assert "name it with series" in refused(422, kind="rtstruct")
    assert "no series 999" in refused(404, kind="rtstruct", series=999)
    refused(422, kind="docx")
    refused(404, kind="dcm", of=999)
    refused(404, kind="stl", of=999)
    monkeypatch.setattr(segmentation_downloads, "_SECONDS", -1.0)
    assert "took too long" in refused(422, kind="rtstruct", series=image)
    monkeypatch.setattr(segmentation_downloads, "MOST_VOXELS", 10)
    assert "voxelry convert" in refused(422, kind="nrrd")
