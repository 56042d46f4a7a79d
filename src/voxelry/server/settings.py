"""The earlier address of `voxelry.server.site.settings`, kept for deployments that name it."""

from voxelry.server.site.settings import *  # noqa: F403 - Django asks for every name
