"""The page of the site, and its health check."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from voxelry.server.access.middleware import open_to_all
from voxelry.server.access.rules import Rule, needs
from voxelry.server.environment.version import VERSION

LEAST_FREE_BYTES = 64 * 2**20
"""A site with less free disk space than this is not healthy: the next upload or result may not fit."""


@open_to_all
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """Answers 200 while the database can be reached: a site with a full disk can still be read."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError):
        return JsonResponse({"status": "database unreachable", "version": VERSION}, status=503)
    return JsonResponse({"status": _storage(settings.VOXELRY.data), "version": VERSION})


def _storage(data: Path) -> str:
    """The state of the data folder. Writes nothing, because the check needs no login."""
    try:
        free = shutil.disk_usage(data).free
    except OSError:
        return "data folder unreachable"
    if not os.access(data, os.W_OK):
        return "data folder read-only"
    return "ok" if free >= LEAST_FREE_BYTES else "disk full"


@needs(Rule.ACCOUNT)
@ensure_csrf_cookie
@require_safe
def page(request: HttpRequest, path: str) -> HttpResponse:
    """The built page, whose router reads the URL."""
    try:
        content = (settings.PAGE / "index.html").read_bytes()
    except FileNotFoundError:
        return render(request, "voxelry/no_page.html", status=503)
    return HttpResponse(
        content, content_type="text/html; charset=utf-8", headers={"Cache-Control": "private, no-cache"}
    )
