"""Pages on other sites that may use ``/dicomweb/``, and what browsers must be told for that (the Fetch standard, CORS).

Such a page sends a token. Cookies are never allowed: the session of somebody who visits it is not the page's.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings

_EXPOSED = "Content-Location, Content-Range, ETag, Link, Location, Retry-After, Warning"
_ASKED = "Accept, Authorization, Content-Type, If-Match, If-None-Match, If-Range, Range"
_SECONDS = 7200
"""How long a browser may keep the answer to a preflight request: the longest that Chromium does."""


def cross_origin_headers(path: str, headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that an answer gets because of the origin of its request; none for most.

    Every answer below ``/dicomweb/`` gets them, errors too: the caller sets them after its own.

    Parameters
    ----------
    path
        Of the request.
    headers
        Of the request, by lower-case names.
    """
    origins = settings.VOXELRY.dicomweb_origins
    if not origins or not _is_offered(path):
        return {}
    origin = headers.get("origin", "")
    if origin not in origins:
        return {"Vary": "Origin"}
    return {
        "Vary": "Origin",
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": _EXPOSED,
        "Cross-Origin-Resource-Policy": "cross-origin",
    }


def preflight_headers(path: str, headers: Mapping[str, str], methods: str) -> dict[str, str]:
    """The headers that answer a preflight request: `cross_origin_headers`, and what the page may send.

    Parameters
    ----------
    methods
        Those of the address, as in the header Allow.
    """
    found = cross_origin_headers(path, headers)
    if "Access-Control-Allow-Origin" in found and "access-control-request-method" in headers:
        found |= {
            "Access-Control-Allow-Methods": methods,
            "Access-Control-Allow-Headers": _ASKED,
            "Access-Control-Max-Age": str(_SECONDS),
        }
    return found


def _is_offered(path: str) -> bool:
    return path == "/dicomweb" or path.startswith("/dicomweb/")
