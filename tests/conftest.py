"""What all tests share."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# These machines are shared and noisy: an example's time says nothing. CI draws the same examples each time.
settings.register_profile("voxelry", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("voxelry"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "voxelry")
