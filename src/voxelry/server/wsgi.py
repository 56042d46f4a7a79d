"""The earlier address of `voxelry.server.site.wsgi`, kept for deployments that name it."""

from voxelry.server.site.wsgi import application

__all__ = ["application"]
