"""OPTIONS below ``/dicomweb/``, and the headers for pages on other sites."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import Resolver404, resolve
from django.utils.cache import patch_vary_headers

from voxelry.server.access.cross_origin import cross_origin_headers, preflight_headers
from voxelry.server.access.django_exchange import lower_headers
from voxelry.server.access.rules import Rule
from voxelry.server.dicomweb.routes import allowed


class CrossOriginMiddleware:
    """Answers OPTIONS without a login, and sets the headers of `cross_origin_headers`.

    It stands outside of what asks who is there: a browser sends OPTIONS without the token, and its page may read an
    error only with these headers.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        path, headers = request.path_info, lower_headers(request)
        rules = _rules(path) if request.method == "OPTIONS" and path.startswith("/dicomweb/") else {}
        asked_by_browser = "access-control-request-method" in headers
        if rules and (asked_by_browser or "OPTIONS" not in rules):
            methods = allowed(rules)
            response: HttpResponseBase = HttpResponse(status=204, headers={"Allow": methods})
            found = preflight_headers(path, headers, methods)
        else:
            response = self.get_response(request)
            found = cross_origin_headers(path, headers)
        if "Vary" in found:
            patch_vary_headers(response, [found.pop("Vary")])
        for name, value in found.items():
            response.headers[name] = value
        return response


def _rules(path: str) -> Mapping[str, Rule]:
    """The rules of the methods of an address; empty if it is none of DICOMweb's."""
    try:
        found: Mapping[str, Rule] = getattr(resolve(path).func, "access_rules", {})
    except Resolver404:
        return {}
    return found
