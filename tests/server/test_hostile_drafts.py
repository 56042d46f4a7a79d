"""Drafts that are not what they say are refused in words, in bounded memory, and leave nothing behind."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pydicom.dataset import Dataset
from pydicom.uid import UID

import voxelry
from tests.server.drafts import LIVER, draft, packed, save, saved, segment, tag_of
from voxelry.server.access.models import Membership, Project, Role
from voxelry.server.api.draft_routes import name_of
from voxelry.server.archive.check import check
from voxelry.server.archive.models import Instance
from voxelry.server.jobs import isolated
from voxelry.server.jobs.models import Job
from voxelry.server.processing import label_stream
from voxelry.server.processing.models import GivenFile, Process
from voxelry.testing import synthetic_series, synthetic_structure_set

pytestmark = pytest.mark.django_db(transaction=True)

SHAPE = (3, 16, 20)
ONES = np.ones(SHAPE, np.uint8)


@pytest.fixture
def key(site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """A series on the site."""
    monkeypatch.setattr(isolated, "IN_PROCESS", True)
    (key,) = site.upload(synthetic_series(tmp_path / "s", slices=3).paths)["series"]
    return int(key)


LAYERS: dict[str, tuple[list[Any], dict[str, Any], str]] = {
    "too short": ([packed(ONES[:2])], {}, "voxels"),
    "too long": ([packed(np.ones((4, 16, 20), np.uint8))], {}, "voxels"),
    "a bomb": ([gzip.compress(bytes(2**25), 9)], {}, "voxels"),
    "packed too large": ([bytes(10**6)], {}, "too_large"),
    "no gzip": ([b"no gzip at all"], {}, "voxels"),
    "nothing": ([b""], {}, "voxels"),
    "cut off": ([packed(ONES)[:-9]], {}, "voxels"),
    "followed": ([packed(ONES) + b"more"], {}, "voxels"),
    "two members": ([packed(ONES[:1]) + packed(ONES[1:])], {}, "voxels"),
    "a wrong check sum": ([packed(ONES)[:-8] + b"\1\2\3\4" + packed(ONES)[-4:]], {}, "voxels"),
    "a strange value": ([packed(2 * ONES)], {}, "voxels"),
    "nothing drawn": ([packed(0 * ONES)], {}, "voxels"),
    "other type": ([packed(ONES)], {"dtype": "uint16"}, "voxels"),
    "too many layers": ([packed(ONES)] * 2, {}, "voxels"),
    "a layer without segment": ([packed(ONES)], {"segments": [segment(1, layer=1)]}, "validation"),
    "one place twice": ([packed(ONES)], {"segments": [segment(1), segment(2, value=1)]}, "validation"),
    "one number twice": ([packed(ONES)], {"segments": [segment(1), segment(1, value=2)]}, "validation"),
    "a value too large": ([packed(ONES)], {"segments": [segment(1, value=256)]}, "validation"),
    "no segment": ([packed(ONES)], {"segments": []}, "validation"),
    "a label of two": ([packed(ONES)], {"segments": [segment(1, label="a\\b")]}, "validation"),
    "a label of control": ([packed(ONES)], {"label": "a\0"}, "validation"),
    "a long label": ([packed(ONES)], {"label": "a" * 65}, "validation"),
    "a long scheme": (
        [packed(ONES)], {"segments": [segment(1, type={**LIVER, "scheme": "a" * 17})]}, "validation",
    ),
    "a strange colour": ([packed(ONES)], {"segments": [segment(1, colour="red")]}, "validation"),
    "the grid of nothing": ([packed(ONES)], {"grid": "base"}, "validation"),
    "a field more": ([packed(ONES)], {"path": "/etc/passwd"}, "validation"),
    "no such volume": ([packed(ONES)], {"volume": 9}, "not_found"),
}  # fmt: skip


def test_what_does_not_fit_is_refused(site: Any, key: int, data_folder: Path) -> None:
    for fault, (layers, values, code) in LAYERS.items():
        told = save(site, 404 if code == "not_found" else 422, layers, **{"series": key, **values})
        assert told["code"] == code, (fault, told)
    assert not Process.objects.exists()
    assert not GivenFile.objects.exists()
    assert not list((data_folder / "temp").iterdir())
    assert check().fine


def test_all_maps_together_are_bounded(site: Any, key: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_stream, "MOST_BYTES", 2 * ONES.nbytes - 1)
    segments = [segment(1), segment(2, layer=1)]
    told = save(site, 422, [ONES, 2 * ONES], series=key, segments=segments)
    assert told["code"] == "too_large"


def test_a_body_that_is_no_draft_is_refused(site: Any, key: int) -> None:
    for body in ("", "[]", "{", json.dumps({"series": key}), "null"):
        form = {"segmentation": body, "layers": SimpleUploadedFile("a", packed(ONES))}
        assert site.client.post("/api/segmentations/voxels", form).status_code in (400, 422), body
    whole = draft(key, ONES)
    assert site.client.post("/api/segmentations/voxels", {"segmentation": whole["segmentation"]}).status_code == 422


def test_only_who_may_write_into_the_project_saves(site: Any, key: int) -> None:
    project = Project.objects.get(name="default")
    for role, status in ((None, 404), (Role.VIEWER, 403), (Role.ANALYST, 202)):
        user = User.objects.create_user(f"u{status}", password="x")
        if role is not None:
            Membership.objects.create(project=project, user=user, role=role)
        client = Client()
        client.force_login(user)
        answer = client.post("/api/segmentations/voxels", draft(key, ONES))
        assert answer.status_code == status, answer.content


def test_who_lost_the_right_meanwhile_stores_nothing(site: Any, key: int, do_jobs: Callable[[], None]) -> None:
    user = User.objects.create_user("goes", password="x")
    member = Membership.objects.create(project=Project.objects.get(name="default"), user=user, role=Role.ANALYST)
    client = Client()
    client.force_login(user)
    job = client.post("/api/segmentations/voxels", draft(key, ONES)).json()["id"]
    member.delete()
    do_jobs()
    assert site.get(f"/jobs/{job}")["problem"]["code"] == "membership"
    assert GivenFile.objects.count() == 2  # somebody else may begin it again
    again = site.client.post(f"/api/jobs/{job}/retry")
    assert again.status_code == 200
    do_jobs()
    assert site.get(f"/jobs/{job}")["state"] == "succeeded"
    assert not GivenFile.objects.exists()


def test_with_the_image_goes_what_was_drawn_on_it(site: Any, key: int, do_jobs: Callable[[], None]) -> None:
    study = site.get(f"/series/{key}")["study"]["id"]
    job = save(site, 202, [ONES], series=key)["id"]
    assert site.client.delete(f"/api/studies/{study}").status_code == 204
    do_jobs()
    assert site.get(f"/jobs/{job}", 404)
    save(site, 404, [ONES], series=key)
    assert GivenFile.objects.count() == 2  # it comes back with its study
    assert site.client.delete(f"/api/trash/{study}").status_code == 204
    assert not GivenFile.objects.exists()
    assert not Job.objects.filter(kind="save_segmentation").exists()
    assert check().fine


def without_space(number: int, one: Dataset) -> None:
    del one.FrameOfReferenceUID
    one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = UID(f"1.2.9.{number}")


def test_a_base_that_lies_elsewhere_is_refused(
    site: Any, key: int, tmp_path: Path, do_jobs: Callable[[], None]
) -> None:
    base, _ = saved(site, do_jobs, [ONES], series=key)
    given = {"base": base["id"], "if_match": tag_of(site, base["id"])}
    other = synthetic_series(tmp_path / "o", slices=3, seed=5, attributes={"FrameOfReferenceUID": "1.2.3"})
    (elsewhere,) = site.upload(other.paths)["series"]
    assert save(site, 422, [ONES], series=elsewhere, **given)["code"] in ("frame_of_reference", "input")
    unknown = synthetic_series(
        tmp_path / "u", slices=3, seed=0, attributes={"SeriesInstanceUID": "1.2.9"},
        edit=without_space,
    )  # fmt: skip
    (nowhere,) = site.upload(unknown.paths)["series"]
    told = save(site, 422, [ONES], series=nowhere, grid="base", **given)
    assert (told["code"], "same_frame_of_reference" in told["detail"]) == ("frame_of_reference", True)
    joins: dict[str, Any] = {"same_frame_of_reference": True, "series_choice": "base"}
    assert save(site, 422, [ONES], series=nowhere, grid="base", **joins, **given)["code"] == "input"
    made, _ = saved(site, do_jobs, [ONES], series=nowhere, grid="base", same_frame_of_reference=True, **given)
    assert made["space"] == base["space"]
    assert made["affine"] == base["affine"]
    assert check().fine


def test_a_structure_set_is_a_base_whose_series_is_not_joined(
    site: Any, key: int, tmp_path: Path, do_jobs: Callable[[], None]
) -> None:
    volume = voxelry.load_volume(tmp_path / "s")
    rings = []
    for index in range(3):
        corners = [(index, 2, 3), (index, 2, 12), (index, 9, 12), (index, 9, 3)]
        rings.append([tuple(volume.geometry.index_to_lps(np.array(one, float)).tolist()) for one in corners])
    paths = sorted((tmp_path / "s").iterdir())
    site.upload([synthetic_structure_set(tmp_path / "rt.dcm", paths, {"box": rings})])
    [base] = site.get("/segmentations", series=key)["segmentations"]
    given = {"series": key, "base": base["id"], "grid": "base", "if_match": tag_of(site, base["id"])}
    assert save(site, 422, [ONES], series_choice="base", **given)["code"] == "input"
    made, _ = saved(site, do_jobs, [ONES], **given)
    assert made["kind"] == "SEG"
    assert Instance.objects.get(pk=made["id"]).series_id != base["series_id"]


@pytest.mark.parametrize(
    ("first", "last", "name"),
    [
        ("Jane", "Doe", "Doe^Jane"),
        ("", "", "jdoe"),
        ("A^B", "C=D\\E", "C D E^A B"),
        ("", "Doe", "Doe"),
        ("x" * 90, "y", "y^" + "x" * 62),
    ],
)
def test_a_name_is_one_of_dicom(first: str, last: str, name: str) -> None:
    assert name_of(User(username="jdoe", first_name=first, last_name=last)) == name
    assert name_of(None) == ""


def test_terms_are_found(site: Any) -> None:
    told = site.get("/segmentation-terms", text="left kidney", limit=3)
    assert told["terms"][0] == {
        "category": {"value": "91723000", "scheme": "SCT", "meaning": "Anatomical Structure"},
        "type": {"value": "64033007", "scheme": "SCT", "meaning": "Kidney"},
        "modifiers": [
            {"value": "24028007", "scheme": "SCT", "meaning": "Right"},
            {"value": "7771000", "scheme": "SCT", "meaning": "Left"},
            {"value": "51440002", "scheme": "SCT", "meaning": "Bilateral"},
        ],
        "anatomic_region": None,
        "colour": "#b9663d",
    }
    assert len(site.get("/segmentation-terms")["terms"]) == 20
    for wrong in ({"text": "a" * 201}, {"limit": 0}, {"limit": 201}):
        assert site.get("/segmentation-terms", 422, **wrong)["code"] == "validation"
