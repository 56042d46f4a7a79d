"""Stored segmentations and structure sets over images: what the server gives is what the library reads."""

from __future__ import annotations

import shutil
import zlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from django.contrib.auth.models import User
from django.test import Client
from pydicom.dataset import Dataset
from pydicom.pixels.utils import pack_bits, unpack_bits
from pydicom.uid import UID

import voxelry
from tests.dicom.segmentations import segmented
from voxelry.core.cuts import Cut, cut
from voxelry.core.segmentation import Segmentation
from voxelry.server.access.models import Membership, Project, Role
from voxelry.server.archive import make_segmentations
from voxelry.server.archive.check import check
from voxelry.server.archive.models import Instance, Series
from voxelry.server.jobs.models import Job, State
from voxelry.testing import AXIAL, SyntheticSeries, synthetic_series, synthetic_structure_set

pytestmark = pytest.mark.django_db(transaction=True)

SHAPE = (5, 16, 20)
OBLIQUE = (0.8, 0.6, 0.0, -0.48, 0.64, 0.6)
ONE = (slice(1, 3), slice(2, 9), slice(3, 12))
APART = (slice(3, 5), slice(1, 4), slice(0, 5))
ACROSS = (slice(2, 4), slice(5, 12), slice(8, 16))
SEGMENT_CLASSES = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7", "1.2.840.10008.5.1.4.1.1.481.3")


def boxes(*of: tuple[slice, slice, slice]) -> npt.NDArray[np.uint8]:
    found = np.zeros((*SHAPE, len(of)), np.uint8)
    for number, box in enumerate(of):
        found[(*box, number)] = 1
    return found


def reverse(dataset: Dataset) -> None:
    """The frames in the other order: their positions say where they are."""
    bits = np.asarray(unpack_bits(dataset.PixelData))[: dataset.NumberOfFrames * dataset.Rows * dataset.Columns]
    frames = bits.reshape(dataset.NumberOfFrames, -1)[::-1]
    dataset.PixelData = pack_bits(np.ascontiguousarray(frames).reshape(-1))
    dataset.PerFrameFunctionalGroupsSequence = list(dataset.PerFrameFunctionalGroupsSequence)[::-1]


Make = Callable[[Path, SyntheticSeries], Path]


def _fractions(path: Path, series: SyntheticSeries) -> Path:
    mask = boxes(ONE)[..., 0] * np.linspace(0.2, 1, SHAPE[2])
    return segmented(path, series, mask.astype(np.float32), segmentation_type="FRACTIONAL")


KINDS: dict[str, Make] = {
    "apart": lambda path, series: segmented(path, series, boxes(ONE, APART)),
    "overlapping": lambda path, series: segmented(path, series, boxes(ONE, ACROSS, APART)),
    "sparse": lambda path, series: segmented(path, series, boxes(APART)),
    "reversed": lambda path, series: segmented(path, series, boxes(ONE, ACROSS), edit=reverse),
    "labels": lambda path, series: segmented(
        path, series, (boxes(ONE)[..., 0] + 2 * boxes(APART)[..., 0]), segmentation_type="LABELMAP", labels=True
    ),
    "fractions": _fractions,
}


def labels_of(site: Any, told: Any, **query: Any) -> npt.NDArray[Any]:
    """A label map, as its headers say."""
    answer = site.client.get(f"/api/segmentations/{told['id']}/labels.raw", query)
    assert answer.status_code == 200, answer.content
    shape = [int(one) for one in answer["X-Voxelry-Shape"].split(",")]
    return np.frombuffer(b"".join(answer), answer["X-Voxelry-Dtype"]).reshape(shape)


def only(site: Any, series: int) -> Any:
    """The one segmentation over a series, whole."""
    [listed] = site.get("/segmentations", series=series)["segmentations"]
    told = site.get(f"/segmentations/{listed['id']}", series=series)
    assert told == {**told, **listed}
    return told


def same_as_library(site: Any, told: Any, judge: Segmentation) -> None:
    """Each segment has the library's voxels, at the library's places, and its figures."""
    threshold = 0.5 if judge.fractional_type else None
    maps = [labels_of(site, told, layer=layer) for layer in range(told["layers"])]
    assert told["shape"] == list(judge.geometry.shape)
    np.testing.assert_array_equal(told["affine"], judge.geometry.known_affine)
    assert told["fractional"] == judge.fractional_type
    assert [one["number"] for one in told["segments"]] == [one.number for one in judge.segments]
    for one in told["segments"]:
        mask = judge.mask(one["number"], threshold=threshold)
        served = maps[one["layer"]] == one["value"]
        np.testing.assert_array_equal(served, mask)
        assert one["count"] == np.count_nonzero(mask)
        assert one["mm3"] == judge.volume_mm3(one["number"], threshold=threshold)
        assert one["label"] == judge.segment(one["number"]).label
        places = np.argwhere(mask)
        wanted = [places.min(axis=0).tolist(), (places.max(axis=0) + 1).tolist()] if len(places) else None
        assert one["box"] == wanted


@pytest.fixture
def upload(site: Any) -> Callable[..., dict[str, int]]:
    """Uploads files; the series by modality."""

    def put(*paths: Path) -> dict[str, int]:
        site.upload(paths)
        return {one.modality: one.pk for one in Series.objects.order_by("pk")}

    return put


@pytest.mark.parametrize("kind", KINDS)
def test_segments_are_the_librarys(site: Any, upload: Any, tmp_path: Path, kind: str) -> None:
    series = synthetic_series(tmp_path / "images", orientation=OBLIQUE if kind in ("sparse", "labels") else AXIAL)
    path = KINDS[kind](tmp_path / "seg.dcm", series)
    told = only(site, upload(*series.paths, path)["CT"])
    judge = voxelry.load_segmentation(path, images=tmp_path / "images")
    assert (told["state"], told["problem"], told["placed"], told["kind"]) == ("ready", None, "frame", "SEG")
    assert told["layers"] == (2 if kind in ("overlapping", "reversed") else 1)
    assert any("above 0.5" in words for words in told["warnings"]) == (kind == "fractions")
    same_as_library(site, told, judge)


@pytest.mark.parametrize("kind", ["overlapping", "sparse", "reversed"])
def test_segments_lie_where_highdicom_puts_them(site: Any, upload: Any, tmp_path: Path, kind: str) -> None:
    series = synthetic_series(tmp_path / "images", orientation=OBLIQUE)
    path = KINDS[kind](tmp_path / "seg.dcm", series)
    told = only(site, upload(*series.paths, path)["CT"])
    judge = highdicom.seg.segread(path).get_volume(combine_segments=False)
    for index, one in enumerate(told["segments"]):
        served = labels_of(site, told, layer=one["layer"]) == one["value"]
        assert _points(served, np.array(told["affine"])) == _points(judge.array[..., index] != 0, judge.affine)


def _points(mask: npt.NDArray[np.bool_], affine: npt.NDArray[Any]) -> set[tuple[float, ...]]:
    """The positions of voxels, to a hundredth of a millimetre."""
    index = np.argwhere(mask)
    placed = index @ np.asarray(affine)[:3, :3].T + np.asarray(affine)[:3, 3]
    return {tuple((one + 0.0).tolist()) for one in np.round(placed, 2)}


def test_a_grid_of_its_own_and_statistics_to_the_last_digit(site: Any, upload: Any, tmp_path: Path) -> None:
    """The segmentation is of a coarser, turned series in the same frame of reference."""
    images = synthetic_series(tmp_path / "images", padding_value=7)
    coarse = synthetic_series(
        tmp_path / "coarse", modality="PT", spacing=(4, 1.5, 1.4), orientation=(0.96, 0.28, 0, -0.28, 0.96, 0),
        attributes={"SeriesInstanceUID": "2.25.77", "SeriesNumber": 4},
        edit=lambda index, dataset: setattr(dataset, "SOPInstanceUID", f"2.25.7700{index}"),
    )  # fmt: skip
    path = segmented(tmp_path / "seg.dcm", coarse, boxes(ONE, ACROSS))
    series = upload(*images.paths, *coarse.paths, path)
    told = only(site, series["CT"])
    judge = voxelry.load_segmentation(path, images=tmp_path / "coarse")
    same_as_library(site, told, judge)
    for name, folder in (("CT", "images"), ("PT", "coarse")):
        served = site.get(f"/segmentations/{told['id']}/statistics", series=series[name])
        wanted = voxelry.statistics(voxelry.load_volume(tmp_path / folder), judge)
        assert [one["values"] for one in served["segments"]] == [asdict(one.values) for one in wanted]
        assert [(one["count"], one["mm3"], one["missing"]) for one in served["segments"]] == [
            (one.count, one.mm3, one.missing) for one in wanted
        ]
        assert served["unit"] == wanted[0].unit
        assert wanted[0].values.count > 0


def test_fractions_are_counted_above_a_half(site: Any, upload: Any, tmp_path: Path) -> None:
    images = synthetic_series(tmp_path / "images")
    path = KINDS["fractions"](tmp_path / "seg.dcm", images)
    series = upload(*images.paths, path)
    told = only(site, series["CT"])
    [served] = site.get(f"/segmentations/{told['id']}/statistics", series=series["CT"])["segments"]
    judge = voxelry.load_segmentation(path, images=tmp_path / "images")
    [wanted] = voxelry.statistics(voxelry.load_volume(tmp_path / "images"), judge, threshold=0.5)
    assert served["values"] == asdict(wanted.values)
    assert served["mm3"] == wanted.mm3 == told["segments"][0]["mm3"]


def test_another_frame_of_reference_asks_first(site: Any, upload: Any, tmp_path: Path) -> None:
    images = synthetic_series(tmp_path / "images")
    path = segmented(
        tmp_path / "seg.dcm", images, boxes(ONE), edit=lambda one: setattr(one, "FrameOfReferenceUID", "1.2.3")
    )
    series = upload(*images.paths, path)
    told = only(site, series["CT"])
    assert (told["placed"], told["space"]) == ("other", "1.2.3")
    address = f"/segmentations/{told['id']}/statistics"
    assert site.get(address, 422, series=series["CT"])["code"] == "frame_of_reference"
    sure = site.get(address, series=series["CT"], same_frame_of_reference=True)
    assert sure["segments"][0]["values"]["count"] == 126


def test_what_has_no_place_is_told_and_can_be_had(site: Any, upload: Any, tmp_path: Path) -> None:
    def unplaced(dataset: Dataset) -> None:
        for item in (dataset.SharedFunctionalGroupsSequence[0], *dataset.PerFrameFunctionalGroupsSequence):
            for keyword in ("PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence"):
                item.pop(keyword, None)

    images = synthetic_series(tmp_path / "images")
    path = segmented(tmp_path / "seg.dcm", images, boxes(ONE), edit=unplaced)
    told = only(site, upload(*images.paths, path)["CT"])
    assert told["problem"]["code"] == "no_geometry"
    assert (told["affine"], told["voxel_mm3"], told["segments"][0]["mm3"]) == (None, None, None)
    judge = voxelry.load_segmentation(path)
    np.testing.assert_array_equal(labels_of(site, told) == 1, judge.mask(1))


# --- structure sets ---------------------------------------------------------------------------------------------------


def rings(series: SyntheticSeries, slices: tuple[int, ...], low: float, high: float) -> list[npt.NDArray[np.float64]]:
    """A square on each of some slices."""
    corners = [(low, low), (low, high), (high, high), (high, low)]
    return [np.array([(n, row, column, 1) for row, column in corners]) @ series.affine.T[:, :3] for n in slices]


def test_contours_become_voxels_on_the_grid_of_their_images(site: Any, upload: Any, tmp_path: Path) -> None:
    images = synthetic_series(tmp_path / "images", orientation=OBLIQUE)
    drawn = {"a": rings(images, (1, 2, 3), 2, 9), "b": rings(images, (2,), 6, 12), "none": []}
    path = synthetic_structure_set(tmp_path / "rs.dcm", images.paths, drawn)
    told = only(site, upload(*images.paths, path)["CT"])
    judge = voxelry.load_contours(path, images=tmp_path / "images")
    assert (told["kind"], told["label"], told["placed"], told["layers"]) == ("RTSTRUCT", "synthetic", "frame", 2)
    same_as_library(site, told, judge.segmentation())
    rows = {row["number"]: row for row in judge.rows()}
    assert [one["contour_mm3"] for one in told["segments"]] == [rows[1]["contour_mm3"], rows[2]["contour_mm3"]]
    assert told["segments"][0]["contour_mm3"] != told["segments"][0]["mm3"]


@pytest.mark.corpus
@pytest.mark.parametrize("place", ["ct_mr_pet_rtstruct/CT", "ct_mr_pet_rtstruct/PET", "rt_objects"])
def test_real_structure_sets_are_the_librarys(site: Any, upload: Any, corpus: Path, place: str) -> None:
    paths = sorted(one for one in (corpus / place).rglob("*") if one.is_file())
    upload(*paths)
    images = Instance.objects.filter(has_pixels=True).values_list("series", flat=True)[0]
    told = only(site, images)
    judge = voxelry.load_contours(corpus / place)
    same_as_library(site, told, judge.segmentation())
    contours = {row["number"]: row["contour_mm3"] for row in judge.rows()}
    assert {one["number"]: one["contour_mm3"] for one in told["segments"]}.items() <= contours.items()
    served = site.get(f"/segmentations/{told['id']}/statistics", series=images)
    volume = next(one for one in voxelry.load(corpus / place).volumes if one.array.shape == judge.geometry.shape)  # type: ignore[union-attr]
    wanted = voxelry.statistics(volume, judge.segmentation())
    assert [one["values"] for one in served["segments"]] == [asdict(one.values) for one in wanted]


@pytest.mark.parametrize("kind", ["SEG", "RTSTRUCT"])
def test_images_that_come_late_give_the_grid(site: Any, upload: Any, tmp_path: Path, kind: str) -> None:
    images = synthetic_series(tmp_path / "images")
    if kind == "SEG":
        path = segmented(tmp_path / "seg.dcm", images, boxes(APART))
    else:
        path = synthetic_structure_set(tmp_path / "rs.dcm", images.paths, {"a": rings(images, (1, 2), 2, 9)})
    upload(path)
    study = Series.objects.get().study_id
    [alone] = site.get("/segmentations", study=study)["segmentations"]
    before = site.get(f"/segmentations/{alone['id']}")
    if kind == "SEG":
        assert before["shape"] == [2, 16, 20]
    else:
        assert "not here" in alone["problem"]["message"]
        assert (before["shape"], before["segments"][0]["contour_mm3"] is None) == ([], False)
        assert site.get(f"/segmentations/{alone['id']}/statistics", 422, series=1)["detail"]
    after = only(site, upload(*images.paths)["CT"])
    assert (after["shape"], after["problem"]) == ([5, 16, 20], None)
    assert after["version"] != before["version"]


def test_one_bad_structure_spoils_no_other(site: Any, upload: Any, tmp_path: Path) -> None:
    images = synthetic_series(tmp_path / "images")
    slanted = np.array([(0, 2, 2, 1), (4, 2, 9, 1), (2, 12, 9, 1)]) @ images.affine.T[:, :3]
    drawn = {"slanted": [slanted], "good": rings(images, (1, 2), 2, 9)}
    path = synthetic_structure_set(tmp_path / "rs.dcm", images.paths, drawn)
    told = only(site, upload(*images.paths, path)["CT"])
    assert [one["count"] for one in told["segments"]] == [0, 128]
    assert any("structure 1 has no voxels" in words for words in told["warnings"])


# --- bytes ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def one(site: Any, upload: Any, tmp_path: Path) -> Any:
    """A segmentation with two label maps."""
    images = synthetic_series(tmp_path / "images")
    path = segmented(tmp_path / "seg.dcm", images, boxes(ONE, ACROSS))
    return only(site, upload(*images.paths, path)["CT"])


def test_slices_gzip_ranges_and_caching(site: Any, one: Any) -> None:
    address = f"/api/segmentations/{one['id']}/labels.raw"
    whole = labels_of(site, one)
    assert (whole.shape, whole.dtype.name) == ((5, 16, 20), "uint8")
    np.testing.assert_array_equal(labels_of(site, one, first=1, count=2), whole[1:3])
    np.testing.assert_array_equal(labels_of(site, one, first=3), whole[3:])
    chosen: list[tuple[dict[str, int], npt.NDArray[Any]]] = [({"first": 1, "count": 3}, whole[1:4]), ({}, whole)]
    tags = set()
    for query, wanted in chosen:
        packed = site.client.get(address, query, headers={"accept-encoding": "gzip"})
        tags.add(packed["ETag"])
        assert packed["Content-Encoding"] == "gzip"
        assert "Accept-Encoding" in packed["Vary"]
        assert zlib.decompress(b"".join(packed), 31) == wanted.tobytes()
    plain = site.client.get(address, {"v": one["version"]})
    assert "immutable" in plain["Cache-Control"]
    assert plain["X-Voxelry-Version"] == one["version"]
    assert "no-cache" in site.client.get(address)["Cache-Control"]
    assert plain["ETag"] not in tags
    again = site.client.get(address, headers={"if-none-match": plain["ETag"]})
    assert again.status_code == 304
    ranged = site.client.get(address, headers={"range": "bytes=320-639", "accept-encoding": "gzip"})
    assert (ranged.status_code, b"".join(ranged)) == (206, whole[1].tobytes())
    second = site.client.get(address, {"layer": 1})
    assert second["ETag"] != plain["ETag"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"layer": 2}, "2 label maps"),
        ({"first": 5}, "5 slices"),
        ({"first": 3, "count": 3}, "only 5 slices"),
        ({"count": 0}, "count"),
        ({"layer": -1}, "layer"),
        ({"layer": 2**40}, "layer"),
    ],
)
def test_what_is_not_there_is_said(site: Any, one: Any, query: dict[str, int], words: str) -> None:
    assert words in site.get(f"/segmentations/{one['id']}/labels.raw", 422, **query)["detail"]


def test_a_cut_is_the_nearest_label(site: Any, one: Any) -> None:
    rectangle = Cut((-10, 15, -27.5), (0.5, 0, 0.1), (0, 0.45, 0), 12, 17)
    query = {"origin": "-10,15,-27.5", "right": "0.5,0,0.1", "down": "0,0.45,0", "rows": 12, "columns": 17, "layer": 1}
    answer = site.client.get(f"/api/segmentations/{one['id']}/cut.raw", query)
    served = np.frombuffer(b"".join(answer), answer["X-Voxelry-Dtype"]).reshape(12, 17)
    volume = voxelry.Volume(array=labels_of(site, one, layer=1), affine=np.array(one["affine"]))
    np.testing.assert_array_equal(served, cut(volume, rectangle, method="nearest"))
    known = site.client.get(f"/api/segmentations/{one['id']}/cut.raw", query, headers={"if-none-match": answer["ETag"]})
    assert known.status_code == 304
    assert "label maps" in site.get(f"/segmentations/{one['id']}/cut.raw", 422, **{**query, "layer": 7})["detail"]
    assert "pixels" in site.get(f"/segmentations/{one['id']}/cut.raw", 422, **{**query, "rows": 2**22})["detail"]


# --- who may see it, and what becomes of it ---------------------------------------------------------------------------


def test_others_see_nothing(site: Any, one: Any) -> None:
    stranger = User.objects.create_user("stranger", "", "correct horse")
    other = Project.objects.create(name="other")
    Membership.objects.create(project=other, user=stranger, role=Role.OWNER)
    client = Client()
    client.force_login(stranger)
    images = Series.objects.get(modality="CT").pk
    for address in (
        f"/api/segmentations?series={images}",
        f"/api/segmentations?study={one['study_id']}",
        f"/api/segmentations/{one['id']}",
        f"/api/segmentations/{one['id']}/labels.raw",
        f"/api/segmentations/{one['id']}/cut.raw?origin=0,0,0&right=1,0,0&down=0,1,0&rows=1&columns=1",
        f"/api/segmentations/{one['id']}/statistics?series={images}",
    ):
        assert client.get(address).status_code == 404, address
    image = Instance.objects.filter(series=images)[0].pk
    assert site.client.get(f"/api/segmentations/{image}").status_code == 404
    assert site.get("/segmentations", 422)["code"] == "parameter"
    assert site.get("/segmentations", 422, series=images, study=one["study_id"])["code"] == "parameter"


def test_a_copy_has_its_own_and_the_trash_none(site: Any, one: Any, do_jobs: Callable[[], None]) -> None:
    other = Project.objects.create(name="other")
    copy = site.send(f"/studies/{one['study_id']}/copy", 201, project=other.pk)["study"]["id"]
    [waiting] = site.get("/segmentations", study=copy)["segmentations"]
    assert (waiting["state"], waiting["problem"]) == ("building", None)
    assert site.get(f"/segmentations/{waiting['id']}/labels.raw", 409)["code"] == "not_ready"
    do_jobs()
    [copied] = site.get("/segmentations", study=copy)["segmentations"]
    assert (copied["state"], copied["id"] != one["id"]) == ("ready", True)
    np.testing.assert_array_equal(labels_of(site, copied), labels_of(site, one))
    site.delete_for_good(one["study_id"])
    assert site.client.get(f"/api/segmentations/{one['id']}/labels.raw").status_code == 404
    np.testing.assert_array_equal(labels_of(site, copied, layer=1).shape, (5, 16, 20))
    assert check().fine


def test_what_an_earlier_version_built_is_prepared_when_it_is_asked_for(
    site: Any, one: Any, data_folder: Path, do_jobs: Callable[[], None]
) -> None:
    wanted = labels_of(site, one)
    for place in (data_folder / "stacks" / str(one["series_id"])).glob("*/segmentations"):
        shutil.rmtree(place)
    Series.objects.filter(pk=one["series_id"]).update(problem_code="")  # another revision: nothing is held
    queued = Job.objects.filter(state=State.QUEUED)
    assert not queued.exists()
    for _ in range(3):
        [listed] = site.get("/segmentations", study=one["study_id"])["segmentations"]
        assert (listed["state"], listed["problem"]) == ("building", None)
    assert list(queued.values_list("kind", "subject")) == [("build", one["series_id"])]
    do_jobs()
    told = site.get(f"/segmentations/{one['id']}")
    assert told["state"] == "ready"
    np.testing.assert_array_equal(labels_of(site, told), wanted)


def test_a_job_that_failed_is_not_begun_again_by_looking(
    site: Any, one: Any, data_folder: Path, do_jobs: Callable[[], None]
) -> None:
    for place in (data_folder / "stacks" / str(one["series_id"])).glob("*/segmentations"):
        shutil.rmtree(place)
    Job.objects.filter(kind="build", subject=one["series_id"]).update(
        state=State.FAILED, problem_code="storage", problem_message="the disk was away"
    )
    [listed] = site.get("/segmentations", study=one["study_id"])["segmentations"]
    assert (listed["state"], listed["problem"]["code"]) == ("ready", "not_prepared")
    assert not Job.objects.filter(state=State.QUEUED).exists()
    assert site.get(f"/segmentations/{one['id']}/labels.raw", 422)["code"] == "not_prepared"


def test_lost_label_maps_are_found_and_made_again(site: Any, upload: Any, tmp_path: Path, data_folder: Path) -> None:
    images = synthetic_series(tmp_path / "images")
    path = synthetic_structure_set(tmp_path / "rs.dcm", images.paths, {"a": rings(images, (1, 2), 2, 9)})
    series = upload(*images.paths, path)
    assert check().fine
    shutil.rmtree(data_folder / "stacks" / str(series["RTSTRUCT"]))
    assert check().unbuilt == [series["RTSTRUCT"]]


def test_several_in_one_series_and_one_that_is_broken(site: Any, upload: Any, tmp_path: Path) -> None:
    images = synthetic_series(tmp_path / "images")

    def twice(dataset: Dataset) -> None:
        """The second segment's frames on another grid: nothing holds both."""
        for group in dataset.PerFrameFunctionalGroupsSequence:
            if group.SegmentIdentificationSequence[0].ReferencedSegmentNumber == 2:
                x, y, z = group.PlanePositionSequence[0].ImagePositionPatient
                group.PlanePositionSequence[0].ImagePositionPatient = [x, y, z + 1]

    paths = [
        segmented(tmp_path / "a.dcm", images, boxes(ONE)),
        segmented(tmp_path / "b.dcm", images, boxes(APART)),
        segmented(tmp_path / "c.dcm", images, boxes(ONE, APART), edit=twice),
    ]
    series = upload(*images.paths, *paths)
    listed = site.get("/segmentations", series=series["CT"])["segmentations"]
    assert {one["series_id"] for one in listed} == {series["SEG"]}
    keys = dict(Instance.objects.values_list("pk", "sop_instance_uid"))
    by_uid = {keys[one["id"]]: one for one in listed}
    for path in paths[:2]:
        told = by_uid[pydicom.dcmread(path).SOPInstanceUID]
        whole = site.get(f"/segmentations/{told['id']}")
        same_as_library(site, whole, voxelry.load_segmentation(path, images=tmp_path / "images"))
    broken = by_uid[pydicom.dcmread(paths[2]).SOPInstanceUID]
    assert "different grids" in broken["problem"]["message"]
    assert site.get(f"/segmentations/{broken['id']}/labels.raw", 422)["detail"] == broken["problem"]["message"]


def test_an_unforeseen_fault_spoils_nothing_else(
    site: Any, upload: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(*_: object, **__: object) -> None:
        raise ZeroDivisionError("Doe^Jane")

    monkeypatch.setattr(make_segmentations, "read_segmentation", defect)
    images = synthetic_series(tmp_path / "images")
    drawn = {"a": rings(images, (1, 2), 2, 9)}
    series = upload(
        *images.paths,
        segmented(tmp_path / "seg.dcm", images, boxes(ONE)),
        synthetic_structure_set(tmp_path / "rs.dcm", images.paths, drawn),
    )
    listed = {one["kind"]: one for one in site.get("/segmentations", series=series["CT"])["segmentations"]}
    assert listed["SEG"]["problem"]["code"] == "damaged"
    assert "Doe" not in listed["SEG"]["problem"]["message"]
    assert listed["RTSTRUCT"]["problem"] is None
    assert site.get(f"/series/{series['SEG']}")["problem"] is None


def test_masks_of_another_study_are_listed_by_frame_of_reference(site: Any, tmp_path: Path) -> None:
    """Of the same patient in the same frame of reference, in whatever study; nothing else of other studies."""
    series = synthetic_series(tmp_path / "s", slices=4)
    (image,) = site.upload(series.paths)["series"]
    volume = voxelry.load_volume(tmp_path / "s")
    [indexed] = voxelry.index(tmp_path / "s").series
    labels = (volume.array > np.median(volume.array)).astype(np.uint8)
    segmentation = voxelry.Segmentation(labels=labels, source=volume, segments=[voxelry.Segment(number=1, label="Hot")])
    voxelry.write_segmentation(segmentation, indexed, tmp_path / "mask.dcm")
    apart = {
        "own-study": {"StudyInstanceUID": "1.2.840.99.1"},
        "other-frame": {"StudyInstanceUID": "1.2.840.99.2", "FrameOfReferenceUID": "1.2.840.99.22"},
        "other-patient": {"StudyInstanceUID": "1.2.840.99.3", "PatientID": "somebody else"},
    }
    keys = {}
    for number, (name, values) in enumerate(apart.items(), 1):
        dataset = pydicom.dcmread(tmp_path / "mask.dcm")
        for keyword, value in values.items():
            setattr(dataset, keyword, value)
        instance = UID(f"1.2.840.99.20.{number}")
        dataset.SeriesInstanceUID = f"1.2.840.99.10.{number}"
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = instance
        dataset.save_as(tmp_path / f"{name}.dcm")
        (keys[name],) = site.upload([tmp_path / f"{name}.dcm"])["series"]
    (listed,) = site.get("/segmentations", series=image)["segmentations"]
    assert (listed["series_id"], listed["placed"]) == (keys["own-study"], "frame")
    shown = site.get(f"/segmentations/{listed['id']}")
    assert shown["segments"][0]["count"] == int(labels.sum())
    image_study = site.get(f"/series/{image}")["study"]["id"]
    assert listed["study_id"] != image_study
    assert site.get("/segmentations", study=image_study)["segmentations"] == []
    figures = site.get(f"/segmentations/{listed['id']}/statistics", series=image)["segments"][0]
    assert figures["values"]["count"] == int(labels.sum())
    # What goes to the trash is no longer listed.
    site.delete_for_good(listed["study_id"])
    assert site.get("/segmentations", series=image)["segmentations"] == []
