"""The address that this site is reached by from outside: URLs in answers begin with it (PS3.18 8.2)."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def public_root(request: HttpRequest) -> str:
    """The scheme, host, port and prefix, without a slash at the end.

    It is the setting ``server.public_url``; else what a trusted proxy forwards; else the Host of the request, which
    Django has compared with the hosts that the site answers to.
    """
    configured: str = getattr(settings.VOXELRY, "public_url", "")
    return configured.rstrip("/") or f"{request.scheme}://{request.get_host()}"
