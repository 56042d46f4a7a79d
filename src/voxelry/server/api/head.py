"""Answers HEAD for every route with GET (RFC 9110, 9.3.2)."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from voxelry.server.api.problems import under_api


class HeadMiddleware:
    """Handles HEAD as GET, and answers with the same headers and no content."""

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
    """Whether the request was HEAD, so that the route need not produce the content."""
    return bool(request.META.get("REQUEST_METHOD") == "HEAD")


def _allow(response: HttpResponseBase) -> None:
    methods = response.headers.get("Allow", "")
    if "GET" in methods and "HEAD" not in methods:
        response.headers["Allow"] = f"{methods}, HEAD"


def _emptied(response: HttpResponseBase) -> HttpResponse:
    """The status and headers of an answer, without its content."""
    empty = HttpResponse(status=response.status_code, headers=dict(response.items()))
    if isinstance(response, HttpResponse):
        empty.headers["Content-Length"] = str(len(response.content))
    if "Content-Type" not in response.headers:
        del empty.headers["Content-Type"]
    empty.cookies = response.cookies
    response.close()
    return empty
