"""What the configuration allows of jobs."""

from __future__ import annotations

import pytest

from voxelry.server.environment.configuration import Configuration, ConfigurationError, read


def test_what_a_site_may_choose() -> None:
    chosen = read({"VOXELRY_QUEUES": "gpu, cpu", "VOXELRY_MEMORY_LIMIT_BYTES": "0", "VOXELRY_TIME_LIMIT_SECONDS": "60"})
    assert (chosen.queues, chosen.memory_limit_bytes, chosen.time_limit_seconds) == (("gpu", "cpu"), 0, 60.0)
    default = Configuration()
    assert default.lease_seconds <= 15
    assert default.attempts >= 5


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"queues": ("tape",)}, "jobs.queues must be some of ingest, cpu, gpu"),
        ({"lease_seconds": 16.0}, "at most 15"),
        ({"time_limit_seconds": 0.0}, "jobs.time_limit_seconds must be above 0"),
        ({"memory_limit_bytes": -1}, "must not be below 0"),
        ({"attempts": 0}, "jobs.attempts must be above 0"),
    ],
)
def test_what_it_may_not(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        Configuration(**wrong)
