"""The single page of the site, and whether it is well."""

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
from voxelry.server.environment.version import VERSION

LEAST_FREE_BYTES = 64 * 2**20
"""With less room than this on its disk a site is not well: the next upload or result may find none."""


@open_to_all
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """Answers 200 while the database can be reached: a site whose disk is full still shows what it has."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError):
        return JsonResponse({"status": "database unreachable", "version": VERSION}, status=503)
    return JsonResponse({"status": _storage(settings.VOXELRY.data), "version": VERSION})


def _storage(data: Path) -> str:
    """How the data folder is: a look that writes nothing, because anybody may ask."""
    try:
        free = shutil.disk_usage(data).free
    except OSError:
        return "data folder unreachable"
    if not os.access(data, os.W_OK):
        return "data folder read-only"
    return "ok" if free >= LEAST_FREE_BYTES else "disk full"


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
