"""After too many wrong passwords for one name from one address, none is tried for a while."""

from __future__ import annotations

import hashlib
from contextlib import suppress

from django.core.cache import cache
from django.http import HttpRequest

ATTEMPTS = 10
SECONDS = 300


def closed(request: HttpRequest, name: str) -> bool:
    """Whether this name may not be tried from this address now."""
    return int(cache.get(_key(request, name), 0)) >= ATTEMPTS


def failed(request: HttpRequest, name: str) -> None:
    """Count one wrong password."""
    key = _key(request, name)
    if not cache.add(key, 1, SECONDS):
        with suppress(ValueError):  # it has expired since
            cache.incr(key)


def _key(request: HttpRequest, name: str) -> str:
    who = f"{request.META.get('REMOTE_ADDR', '')}\n{name}"
    return "login-" + hashlib.sha256(who.encode()).hexdigest()
