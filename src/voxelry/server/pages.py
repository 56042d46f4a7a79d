"""The single page of the site, and whether it is well."""

from __future__ import annotations

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from voxelry.server.access.middleware import open_to_all
from voxelry.server.version import VERSION


@open_to_all
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """Answers 200 while the database can be reached."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"status": "database unreachable", "version": VERSION}, status=503)
    return JsonResponse({"status": "ok", "version": VERSION})


@ensure_csrf_cookie
@require_safe
def page(request: HttpRequest, path: str) -> HttpResponse:
    """The built page; its own router reads the address."""
    try:
        content = (settings.PAGE / "index.html").read_bytes()
    except FileNotFoundError:
        return render(request, "voxelry/no_page.html", status=503)
    return HttpResponse(
        content, content_type="text/html; charset=utf-8", headers={"Cache-Control": "private, no-cache"}
    )
