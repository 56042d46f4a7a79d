"""The addresses below ``/dicomweb/`` and ``/dicomweb/projects/<slug>/``, as Django's patterns."""

from __future__ import annotations

from django.urls import URLPattern, path, register_converter

from voxelry.server.dicomweb.capabilities import capabilities_routes
from voxelry.server.dicomweb.delete_routes import ROUTES as DELETE
from voxelry.server.dicomweb.django_views import view_of
from voxelry.server.dicomweb.rendered_pictures import ROUTES as RENDERED
from voxelry.server.dicomweb.rendered_thumbnails import ROUTES as THUMBNAILS
from voxelry.server.dicomweb.retrieve_bulk import ROUTES as BULK
from voxelry.server.dicomweb.retrieve_frames import ROUTES as FRAMES
from voxelry.server.dicomweb.retrieve_instances import ROUTES as INSTANCES
from voxelry.server.dicomweb.retrieve_metadata import ROUTES as METADATA
from voxelry.server.dicomweb.retrieve_pixels import ROUTES as PIXELS
from voxelry.server.dicomweb.routes import Route, methods_by_path
from voxelry.server.dicomweb.search_routes import ROUTES as SEARCH
from voxelry.server.dicomweb.store_routes import ROUTES as STORE
from voxelry.server.dicomweb.wado_uri import ROUTES as WADO_URI

ALL: tuple[Route, ...] = (
    *BULK,
    *DELETE,
    *FRAMES,
    *INSTANCES,
    *METADATA,
    *PIXELS,
    *RENDERED,
    *SEARCH,
    *THUMBNAILS,
    *STORE,
    *WADO_URI,
)


class UidConverter:
    """A UID in an address. One that is no UID names nothing, so that the route answers 404."""

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(UidConverter, "uid")


METHODS = methods_by_path((*ALL, *capabilities_routes(ALL)))
"""The functions of each address below the root of a project."""


def _patterns() -> list[URLPattern]:
    found = []
    for address, methods in METHODS.items():
        view = view_of(methods)
        found.append(path(f"dicomweb/{address}", view))
        found.append(path(f"dicomweb/projects/<slug:project>/{address}", view))
    return found


urlpatterns = _patterns()
