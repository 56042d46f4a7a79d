"""HEAD wherever there is GET (RFC 9110, 9.3.2), for routes that know of GET only."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from voxelry.server.api.problems import under_api


class HeadMiddleware:
    """Asks the API as if by GET, and answers with the same headers and no content."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not under_api(request.path):
            return self.get_response(request)
        asked = request.method
        if asked == "HEAD":
            request.method = "GET"
        try:
            response = self.get_response(request)
        finally:
            request.method = asked
        _allow(response)
        return _emptied(response) if asked == "HEAD" else response


def only_head(request: HttpRequest) -> bool:
    """Whether a route that is asked as if by GET need not make the content."""
    return bool(request.META.get("REQUEST_METHOD") == "HEAD")


def _allow(response: HttpResponseBase) -> None:
    methods = response.headers.get("Allow", "")
    if "GET" in methods and "HEAD" not in methods:
        response.headers["Allow"] = f"{methods}, HEAD"


def _emptied(response: HttpResponseBase) -> HttpResponse:
    """The headers, and the status, of an answer whose content nobody reads."""
    empty = HttpResponse(status=response.status_code, headers=dict(response.items()))
    if isinstance(response, HttpResponse):
        empty.headers["Content-Length"] = str(len(response.content))
    empty.cookies = response.cookies
    response.close()
    return empty
