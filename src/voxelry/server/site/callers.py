"""Who sends a request, found by the one check of access and kept as long as nothing has changed.

A caller is kept under the revision, for a minute at most: then the use of the token or session is noted again, which is
Django's affair.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse

from voxelry.server.access.authentication import Way, asking, identify
from voxelry.server.access.grants import Grants
from voxelry.server.access.models import Token
from voxelry.server.access.secrets import token_noted_until
from voxelry.server.access.sessions import noted_until
from voxelry.server.archive.held import HeldValues

MOST_CALLERS = 10_000
_PASSWORD_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Caller:
    """What a sender may see, and until when that needs no other look (seconds since 1970)."""

    who: Grants
    until: float


class Callers:
    """The callers of one server process, by what they send of themselves."""

    def __init__(self) -> None:
        self._held = HeldValues(most=MOST_CALLERS)
        self._secret = secrets.token_bytes(32)

    def key(self, headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
        """What stands for the credentials of a request; None if it has none."""
        given = [pair for pair in headers if pair[0] in (b"authorization", b"cookie")]
        if not given:
            return None
        return hashlib.blake2b(b"\0".join(part for pair in given for part in pair), key=self._secret).digest()

    def kept(self, key: bytes, revision: int) -> Caller | None:
        """The caller, if it was found at this revision and its time is not over."""
        found = self._held.get(key, revision)
        caller = found[0] if found is not None else None
        return caller if isinstance(caller, Caller) and time.time() < caller.until else None

    def find(self, scope: dict[str, Any], key: bytes, revision: int) -> Caller | None:
        """Find the caller by the rows; None if that is Django's affair. The revision was read before."""
        request = ASGIRequest(scope, BytesIO())
        way = identify_sender(request)
        if way is None:
            return None
        caller = Caller(asking(request), _until(request, way))
        if caller.until <= time.time():
            return None
        self._held.put(key, caller, revision)
        return caller


def identify_sender(request: HttpRequest) -> Way | None:
    """Set ``request.user`` outside of Django's middleware; None if there is no user."""
    SessionMiddleware(_nothing).process_request(request)
    AuthenticationMiddleware(_nothing).process_request(request)
    return identify(request)


def _until(request: HttpRequest, way: Way) -> float:
    if way == "session":
        return noted_until(request.session)
    token: Token | None = getattr(request, "token", None)
    return time.time() + _PASSWORD_SECONDS if token is None else token_noted_until(token).timestamp()


def _nothing(request: HttpRequest) -> HttpResponse:
    """A stand-in for the view behind a middleware that only identifies the user."""
    return HttpResponse()
