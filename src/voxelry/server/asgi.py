"""The earlier address of `voxelry.server.site.asgi`, kept for deployments that name it."""

from voxelry.server.site.asgi import application

__all__ = ["application"]
