"""The running version."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("voxelry")
except PackageNotFoundError:  # a checkout that is not installed
    VERSION = "0"
