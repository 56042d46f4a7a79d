"""The version that is running."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("voxelry")
except PackageNotFoundError:  # a checkout that was never installed
    VERSION = "0"
