"""On the site a series of mosaics is volumes of slices, and its instances stay the mosaics that they are."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from voxelry.core import registry
from voxelry.core.registry import StepRegistry
from voxelry.server.jobs import isolated
from voxelry.testing import synthetic_grids, synthetic_mosaics

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work is done in this process."""
    steps = [EntryPoint(name, f"voxelry.steps.{name}:STEP", "voxelry.steps") for name in ("threshold",)]
    monkeypatch.setattr(registry, "_INSTALLED_STEPS", StepRegistry(lambda: steps))
    monkeypatch.setattr(isolated, "IN_PROCESS", True)


@pytest.mark.parametrize("make", [synthetic_mosaics, synthetic_grids])
def test_slices_and_volumes_are_served(site: Any, tmp_path: Path, make: Any, do_jobs: Callable[[], None]) -> None:
    made = make(tmp_path / "in", volumes=2)
    (series,) = site.upload(sorted((tmp_path / "in").iterdir()))["series"]
    record = site.get(f"/series/{series}")
    assert [volume["shape"] for volume in record["volumes"]] == [[11, 12, 16]] * 2
    assert all(volume["regular"] and volume["spacing_mm"] == [4.0, 2.5, 3.0] for volume in record["volumes"])
    for number, truth in enumerate(made.array):
        raw = site.client.get(f"/api/series/{series}/slices/3.raw?volume={number}")
        values = np.frombuffer(b"".join(raw) if raw.streaming else raw.content, raw["X-Voxelry-Dtype"])
        np.testing.assert_array_equal(values.reshape(12, 16), truth[3])
        assert site.client.get(f"/api/series/{series}/slices/3.png?volume={number}").status_code == 200
    body = {"job_name": "threshold", "series": series}
    accepted = site.client.post("/api/jobs", json.dumps(body), content_type="application/json").json()
    do_jobs()
    assert "id" in accepted, accepted
    job = site.get(f"/jobs/{accepted['id']}")
    assert job["state"] == "succeeded", job
