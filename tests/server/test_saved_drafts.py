"""Segmentations that were drawn are stored as new DICOM objects: the same voxels, by whom, when, from what."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
import pytest

import voxelry
from tests.server.drafts import LEFT, LIVER, ORGAN, original, save, saved, segment, tag_of
from tests.server.test_segmentations import labels_of
from voxelry.server.archive.check import check
from voxelry.server.archive.models import Instance
from voxelry.server.jobs import isolated
from voxelry.server.jobs.models import Job
from voxelry.server.processing.models import GivenFile
from voxelry.testing import synthetic_series

pytestmark = pytest.mark.django_db(transaction=True)

OBLIQUE = (0.8, 0.6, 0.0, -0.48, 0.64, 0.6)


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The work is done in this process."""
    monkeypatch.setattr(isolated, "IN_PROCESS", True)


@pytest.fixture
def image(site: Any, tmp_path: Path) -> tuple[Any, voxelry.Volume, int]:
    """The site with an oblique series, as the library reads it, and its key."""
    site.user.first_name, site.user.last_name = "Jané", "Doe"
    site.user.save()
    series = synthetic_series(tmp_path / "s", slices=5, orientation=OBLIQUE)
    (key,) = site.upload(series.paths)["series"]
    return site, voxelry.load_volume(tmp_path / "s"), key


def drawn(volume: voxelry.Volume, seed: int = 1, *, values: int = 2) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, values + 1, volume.array.shape, np.uint8)


def test_what_is_drawn_is_stored_with_all_that_is_told_of_it(
    image: tuple[Any, voxelry.Volume, int], do_jobs: Callable[[], None], tmp_path: Path
) -> None:
    site, volume, key = image
    labels = drawn(volume)
    of_liver = {
        "label": "Léber", "colour": "#12ab9f", "category": ORGAN, "type": LIVER, "type_modifier": LEFT,
        "anatomic_region": LIVER, "region_modifier": LEFT, "algorithm_type": "SEMIAUTOMATIC", "algorithm": "grow",
    }  # fmt: skip
    told, job = saved(site, do_jobs, [labels], series=key, segments=[segment(1, **of_liver), segment(2)])
    np.testing.assert_array_equal(labels_of(site, told), labels)
    assert told["label"] == "Drawn"
    assert (job["title"], job["requested_by"]) == ("Save a segmentation", "admin")
    one, two = told["segments"]
    assert {name: one[name] for name in of_liver} == of_liver
    assert (two["algorithm_type"], two["algorithm"]) == ("MANUAL", "")
    dataset = pydicom.dcmread(original(told["id"], tmp_path / "new.dcm"))
    assert dataset.ContentCreatorName == "Doe^Jané"
    assert dataset.ContentDescription == dataset.SeriesDescription == "Drawn"
    assert dataset.StudyInstanceUID == volume.metadata["StudyInstanceUID"]
    assert {one.SeriesInstanceUID for one in dataset.ReferencedSeriesSequence} == {volume.series_instance_uid}
    assert {one.ReferencedSOPInstanceUID for one in dataset.SourceImageSequence} == set(volume.instance_uids)
    assert all(dataset[name].value for name in ("ContentDate", "ContentTime", "InstanceCreationDate"))
    assert not GivenFile.objects.exists()
    assert check().fine


@pytest.mark.programs("dciodvfy")
def test_an_edited_one_joins_the_series_of_its_base_or_begins_one(
    image: tuple[Any, voxelry.Volume, int], do_jobs: Callable[[], None], tmp_path: Path
) -> None:
    site, volume, key = image
    base, _ = saved(site, do_jobs, [drawn(volume)], series=key, segments=[segment(1), segment(2)], label="Erstes")
    first = Instance.objects.get(pk=base["id"])
    stored = (first.sha256, first.size)
    for choice in ("base", "new"):
        labels = drawn(volume, 7, values=1)
        told, _ = saved(
            site, do_jobs, [labels], series=key, base=base["id"], grid="base", series_choice=choice, label="Édited",
            if_match=tag_of(site, base["id"]),
        )  # fmt: skip
        np.testing.assert_array_equal(labels_of(site, told), labels)
        assert told["id"] != base["id"]
        assert (told["series_id"] == base["series_id"]) == (choice == "base")
        before = original(base["id"], tmp_path / "before.dcm")
        after = original(told["id"], tmp_path / f"{choice}.dcm")
        one, two = pydicom.dcmread(before), pydicom.dcmread(after)
        assert two.SourceImageSequence[-1].ReferencedSOPInstanceUID == one.SOPInstanceUID
        assert one.SOPInstanceUID in {
            item.ReferencedSOPInstanceUID
            for series in two.ReferencedSeriesSequence
            for item in series.ReferencedInstanceSequence
        }
        assert two.InstanceNumber == (2 if choice == "base" else 1)
        assert two.ContentDescription == "Édited"
        if choice == "base":
            for keyword in ("SeriesInstanceUID", "SeriesNumber", "SeriesDescription", "SeriesDate", "SeriesTime",
                            "FrameOfReferenceUID", "Manufacturer", "SoftwareVersions"):  # fmt: skip
                assert two[keyword].value == one[keyword].value, keyword
        done = subprocess.run(["dciodvfy", str(after)], capture_output=True, check=False)
        lines = (done.stdout + done.stderr).decode("latin-1").splitlines()
        assert not [line for line in lines if line.startswith(("Error", "Warning"))]
        done = subprocess.run(["dcentvfy", str(before), str(after)], capture_output=True, check=False)
        assert not done.stderr
    first.refresh_from_db()
    assert (first.sha256, first.size) == stored


def test_of_two_that_save_from_one_base_the_second_is_told_and_neither_is_lost(
    image: tuple[Any, voxelry.Volume, int], do_jobs: Callable[[], None]
) -> None:
    site, volume, key = image
    base, _ = saved(site, do_jobs, [drawn(volume)], series=key, segments=[segment(1), segment(2)])
    known = tag_of(site, base["id"])
    given = {"series": key, "base": base["id"]}
    told = save(site, 428, [drawn(volume, 2, values=1)], **given)
    assert told["code"] == "precondition_required"
    first = save(site, 202, [drawn(volume, 2, values=1)], if_match=known, **given)
    jobs = Job.objects.count()
    waits = save(site, 412, [drawn(volume, 3, values=1)], if_match=known, **given)
    assert (waits["code"], waits["newer"]) == ("precondition", {"job": first["id"], "segmentation": None})
    do_jobs()
    refused = save(site, 412, [drawn(volume, 3, values=1)], if_match=known, **given)
    (made,) = site.get(f"/jobs/{first['id']}")["result"]["segmentations"]
    assert refused["newer"] == {"job": first["id"], "segmentation": made}
    assert Job.objects.filter(kind="save_segmentation").count() == 2
    assert jobs >= 2
    second, _ = saved(site, do_jobs, [drawn(volume, 3, values=1)], if_match=tag_of(site, base["id"]), **given)
    for one, seed in ((site.get(f"/segmentations/{made}"), 2), (second, 3)):
        np.testing.assert_array_equal(labels_of(site, one), drawn(volume, seed, values=1))
    assert check().fine
