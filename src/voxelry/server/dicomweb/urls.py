"""The addresses below ``/dicomweb/`` and ``/dicomweb/projects/<slug>/``, as Django's patterns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import URLPattern, path, register_converter

from voxelry.server.access.rules import Rule
from voxelry.server.dicomweb.capabilities import ROUTES as CAPABILITIES
from voxelry.server.dicomweb.django_views import view_of
from voxelry.server.dicomweb.routes import Handler, Route

ALL: tuple[Route, ...] = (*CAPABILITIES,)


class UidConverter:
    """A UID in an address. One that is no UID names nothing, so that the route answers 404."""

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(UidConverter, "uid")


def methods_by_path() -> Mapping[str, Mapping[str, tuple[Handler, Rule]]]:
    """The functions of each address; several files may add methods to one."""
    found: dict[str, dict[str, Any]] = {}
    for route in ALL:
        own = found.setdefault(route.path, {})
        twice = own.keys() & route.methods.keys()
        if twice:
            raise ValueError(f"{route.path}: {twice} are given twice")
        own.update(route.methods)
    return found


def _patterns() -> list[URLPattern]:
    found = []
    for address, methods in methods_by_path().items():
        view = view_of(methods)
        found.append(path(f"dicomweb/{address}", view))
        found.append(path(f"dicomweb/projects/<slug:project>/{address}", view))
    return found


urlpatterns = _patterns()
