"""Requires a login for every view that is not marked as open to all."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any, TypeVar

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import SuspiciousMultipartForm
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware

from voxelry.server.access.authentication import identify
from voxelry.server.access.rules import Rule, is_for_programs, needs, rule_of

View = TypeVar("View", bound=Callable[..., HttpResponseBase])
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def open_to_all(view: View) -> View:
    """Mark a view that needs no login."""
    return needs(Rule.OPEN)(view)


class NoFiles(FileUploadHandler):
    """Skips files in requests to views that are open to all: they take none, and a form part could be a file."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        raise SuspiciousMultipartForm("no file is taken here")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Never called."""

    def file_complete(self, file_size: int) -> None:
        """Never called."""


class AccessMiddleware:
    """Refuses requests without a user before the view runs: with 401 where programs ask, elsewhere with the login page.

    A browser sends the session's cookie by itself, so a request with a session needs the CSRF token under ``/api/``
    too, whose views are exempt from Django's check. An Authorization header is never sent by itself.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self._csrf = CsrfViewMiddleware(_checked)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        """Check the user; called by Django before the view."""
        if rule_of(view) is Rule.OPEN:
            request.upload_handlers = [NoFiles(request)]
            return None
        if not is_for_programs(request.path):
            return None if request.user.is_authenticated else redirect_to_login(request.get_full_path())
        way = identify(request)
        if way is None and request.path == "/api/docs" and request.accepts("text/html") and "Accept" in request.headers:
            return redirect_to_login(request.path)  # a page for people
        if way is None:
            return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
        if way == "session" and request.method not in _SAFE:
            return self._csrf.process_view(_without_form(request), _checked, (), {})
        return None


def _without_form(request: HttpRequest) -> HttpRequest:
    """The request by a method without a form: the CSRF token is read from the header, the body stays unread."""
    shown = copy(request)
    shown.method = "PUT"
    return shown


def _checked(request: HttpRequest) -> HttpResponse:
    """A stand-in for a view that is not exempt from the CSRF check."""
    return HttpResponse()
