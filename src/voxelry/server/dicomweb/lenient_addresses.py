"""Addresses as clients join them: ``/dicomweb//studies``, ``/dicomweb/studies/``, ``/dicomweb/projects/heart``."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

_ROOT = re.compile(r"/dicomweb(/projects/[^/]+)?(?=/|$)")
_BARE = "/dicomweb/projects"


class LenientAddressesMiddleware:
    """Reads an address below ``/dicomweb/`` by `plain_address`.

    A client that is told a root with a slash at its end asks for two slashes. The application in front knows no such
    address and leaves it to Django.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        path = request.path_info
        if path.startswith("/dicomweb") and (plain := plain_address(path)) != path:
            request.path = request.path.removesuffix(path) + plain
            request.path_info = plain
        return self.get_response(request)


def plain_address(path: str) -> str:
    """An address with one slash after the root, and none at its end.

    Empty segments elsewhere stay: they stand for a UID that a client does not have.

    Parameters
    ----------
    path
        Of an address at or below ``/dicomweb``.
    """
    root = _ROOT.match(path)
    if root is None or path.rstrip("/") == _BARE:
        return path
    return f"{root[0]}/{path[root.end() :].lstrip('/').removesuffix('/')}"
