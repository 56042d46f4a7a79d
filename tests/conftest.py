"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# These machines are shared and noisy: an example's time says nothing. CI draws the same examples each time.
settings.register_profile("voxelry", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("voxelry"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "voxelry")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Real data takes twice as long where lines are counted, and what it alone would reach lacks a test of its own."""
    for item in items:
        if item.get_closest_marker("corpus"):
            item.add_marker("no_cover")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """``no_cover`` holds for the programs as well that a test starts."""
    config = os.environ.pop("COVERAGE_PROCESS_CONFIG", None) if item.get_closest_marker("no_cover") else None
    try:
        return (yield)
    finally:
        if config is not None:
            os.environ["COVERAGE_PROCESS_CONFIG"] = config
