"""Parameters that are too much for a volume are refused when they are asked for, not after hours in the queue."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from voxelry.server.jobs.models import Job
from voxelry.testing import synthetic_series


@pytest.fixture
def series(site: Any, tmp_path: Path) -> int:
    """4 slices of 16 x 20."""
    (key,) = site.upload(synthetic_series(tmp_path / "s", slices=4).paths)["series"]
    return int(key)


def _ask(site: Any, address: str = "/api/jobs", **body: Any) -> tuple[int, Any]:
    answer = site.client.post(address, json.dumps(body), content_type="application/json")
    return answer.status_code, answer.json()


TOO_MUCH = [
    ("gaussian", {"sigma": 1e9}),  # 2**24 weights along an axis
    ("median", {"size": 99}),  # 343 voxels
    ("median", {"size_mm": 1e6}),
    ("resample", {"spacing": 1e-6}),  # 65,535 along an axis
    ("resample", {"shape": [60000, 60000, 60000]}),  # 2**31 voxels
    ("resample", {"spacing": 1e300}),
    ("crop", {"start": [99, 0, 0], "stop": [100, 1, 1]}),
]


@pytest.mark.parametrize(("name", "params"), TOO_MUCH)
def test_too_much_is_refused_and_nothing_is_queued(site: Any, series: int, name: str, params: dict[str, Any]) -> None:
    before = Job.objects.count()
    status, answer = _ask(site, job_name=name, series=series, params=params)
    assert (status, answer["code"]) == (422, "parameter"), answer
    assert f"series {series}" in answer["detail"]
    status, answer = _ask(site, "/api/jobs/batch", job_name=name, series=[series], params=params)
    assert (status, answer["code"]) == (422, "parameter"), answer
    assert Job.objects.count() == before


@pytest.mark.parametrize("name", ["open", "close"])
def test_a_ball_that_is_too_large_is_refused(site: Any, tmp_path: Path, name: str) -> None:
    fine = synthetic_series(tmp_path / "fine", slices=2, attributes={"PixelSpacing": [0.05, 0.05]}).paths
    (key,) = site.upload(fine)["series"]
    status, answer = _ask(site, job_name=name, series=key, params={"radius": 200})
    assert (status, answer["code"]) == (422, "parameter"), answer
    assert "too many" in answer["detail"]


@pytest.mark.parametrize(
    ("name", "params"),
    [("gaussian", {"sigma": 3}), ("median", {"size": 3}), ("resample", {"spacing": 2}), ("open", {"radius": 2}),
     ("crop", {"start": [0, 0, 0], "stop": [2, 2, 2]})],
)  # fmt: skip
def test_what_fits_is_queued(site: Any, series: int, name: str, params: dict[str, Any]) -> None:
    assert _ask(site, job_name=name, series=series, params=params)[0] == 202


def test_the_library_says_the_same(tmp_path: Path) -> None:
    import voxelry
    from voxelry.core.errors import ParameterError
    from voxelry.core.registry import step_named

    synthetic_series(tmp_path / "s", slices=4)
    volume = voxelry.load_volume(tmp_path / "s")
    for name, params in TOO_MUCH[:6]:
        with pytest.raises(ParameterError, match="allowed"):
            step_named(name).run(volume, params)
