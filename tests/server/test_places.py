"""On the site: what has no place, or another one, is told, and combined or measured by nobody in silence."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset

from voxelry.core import registry
from voxelry.core.registry import StepRegistry
from voxelry.server.jobs import isolated
from voxelry.testing import synthetic_series, uid

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work is done in this process."""
    steps = [EntryPoint(name, f"voxelry.steps.{name}:STEP", "voxelry.steps") for name in ("subtract", "threshold")]
    monkeypatch.setattr(registry, "_INSTALLED_STEPS", StepRegistry(lambda: steps))
    monkeypatch.setattr(isolated, "IN_PROCESS", True)


def uploaded(site: Any, folder: Path, **how: Any) -> int:
    synthetic_series(folder, slices=4, **how)
    (key,) = site.upload(sorted(folder.iterdir()))["series"]
    return int(key)


def asked(site: Any, **body: Any) -> tuple[int, Any]:
    response = site.client.post("/api/jobs", json.dumps(body), content_type="application/json")
    return response.status_code, response.json()


def noisy(k: int, dataset: Dataset) -> None:
    dataset.FrameOfReferenceUID = uid("place", k)


def test_two_places_are_combined_when_that_is_confirmed(site: Any, tmp_path: Path, do_jobs: Callable[[], None]) -> None:
    one, other = uploaded(site, tmp_path / "one"), uploaded(site, tmp_path / "other", seed=1)
    body = {"job_name": "subtract", "series": one, "second": other}
    status, problem = asked(site, **body)
    assert (status, problem["code"]) == (422, "frame_of_reference")
    status, accepted = asked(site, **body, same_frame_of_reference=True)
    assert status == 202
    do_jobs()
    assert site.get(f"/jobs/{accepted['id']}")["state"] == "succeeded"
    assert asked(site, job_name="subtract", series=one, second=one)[0] == 202


def test_a_mask_over_an_unknown_place_is_confirmed_first(
    site: Any, tmp_path: Path, do_jobs: Callable[[], None]
) -> None:
    series = uploaded(site, tmp_path / "in", edit=noisy)
    (volume,) = site.get(f"/series/{series}")["volumes"]
    assert volume["frame_of_reference_uid"] is None
    assert volume["regular"]
    _, accepted = asked(site, job_name="threshold", series=series)
    do_jobs()
    assert site.get(f"/jobs/{accepted['id']}")["problem"]["code"] == "frame_of_reference"
    _, accepted = asked(site, job_name="threshold", series=series, same_frame_of_reference=True)
    do_jobs()
    assert site.get(f"/jobs/{accepted['id']}")["state"] == "succeeded"


def test_what_failed_for_its_place_is_confirmed_and_done_again(
    site: Any, tmp_path: Path, do_jobs: Callable[[], None]
) -> None:
    """PS3.3 C.7.4.1: a UID for each slice says nothing, whatever asks: one job, or a batch whose others are done."""
    noise, plain = uploaded(site, tmp_path / "in", edit=noisy), uploaded(site, tmp_path / "plain", seed=1)
    _, one = asked(site, job_name="threshold", series=noise)
    body = json.dumps({"job_name": "threshold", "series": [noise, plain]})
    batch = site.client.post("/api/jobs/batch", body, content_type="application/json").json()
    do_jobs()
    assert site.get(f"/jobs/{batch['id']}")["totals"]["failed"] == 1
    for accepted in (one, batch):
        address = f"/api/jobs/{accepted['id']}/retry"
        assert site.client.post(address).status_code == 200
        do_jobs()
        assert site.get(f"/jobs/{accepted['id']}")["state"] == "failed", "it is not confirmed by trying again"
        assert site.client.post(f"{address}?same_frame_of_reference=true").status_code == 200
        do_jobs()
        assert site.get(f"/jobs/{accepted['id']}")["state"] == "succeeded"
        assert site.client.post(f"{address}?same_frame_of_reference=true").status_code == 409


def test_a_mosaic_that_cannot_be_cut_is_shown_and_nothing_else(site: Any, tmp_path: Path) -> None:
    kind = {"ImageType": ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]}
    series = uploaded(site, tmp_path / "in", modality="MR", attributes=kind)
    (volume,) = site.get(f"/series/{series}")["volumes"]
    assert (volume["regular"], volume["problem"]["code"]) == (False, "mosaic")
    assert volume["spacing_mm"] == [None, None, None]
    assert volume["measurement"] is None
    assert site.client.get(f"/api/series/{series}/slices/0.png").status_code == 200
    status, problem = asked(site, job_name="threshold", series=series)
    assert status == 422
    assert "mosaic" in problem["detail"]
