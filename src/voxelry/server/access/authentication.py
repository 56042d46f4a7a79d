"""Finds the user of a request."""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
import time
from collections import OrderedDict
from typing import Literal, cast

from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.http import HttpRequest

from voxelry.server.access import throttle
from voxelry.server.access.grants import NOTHING, Grants, grants_of
from voxelry.server.access.models import Token
from voxelry.server.access.secrets import token_as_it_is, valid_token
from voxelry.server.access.sessions import is_session_open

_RIGHT_SECONDS = 300.0
_MOST_RIGHT = 1000
Way = Literal["session", "basic", "token"]


def identify(request: HttpRequest) -> Way | None:
    """Set ``request.user`` from the Authorization header, or keep the session's; None if there is no user.

    A wrong header refuses the request, even in a valid session.
    """
    header = request.headers.get("Authorization", "")
    if not header:
        return "session" if request.user.is_authenticated else None
    scheme, _, rest = header.partition(" ")
    if scheme.lower() == "bearer":
        token = valid_token(rest.strip())
        if token is not None:
            request.user = token.user
            request.token = token  # type: ignore[attr-defined]
            return "token"
    elif scheme.lower() == "basic":
        user = _basic(request, rest.strip())
        if user is not None:
            request.user = user
            return "basic"
    return None


def asking(request: HttpRequest) -> Grants:
    """The grants of who asks, read from the rows once for each request."""
    known: Grants | None = getattr(request, "grants", None)
    if known is None:
        token: Token | None = getattr(request, "token", None)
        known = grants_of(cast(User, request.user), token)
        request.grants = known  # type: ignore[attr-defined]
    return known


def requester(request: HttpRequest) -> User | None:
    """Who asks, for rows that name it."""
    return request.user if isinstance(request.user, User) else None


def asking_again(request: HttpRequest) -> Grants:
    """The grants of who asked, read from the rows now: for answers that last."""
    token: Token | None = getattr(request, "token", None)
    if token is not None:
        fresh = token_as_it_is(token.pk)
        return NOTHING if fresh is None else grants_of(fresh.user, fresh)
    if not is_session_open(request):
        return NOTHING
    user = User.objects.filter(pk=cast(User, request.user).pk).first()
    if "Authorization" in request.headers and user is not None and user.password != cast(User, request.user).password:
        return NOTHING  # the password that was sent is not the user's any more
    return grants_of(user)


def _basic(request: HttpRequest, encoded: str) -> User | None:
    try:
        name, separator, password = base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")
    except ValueError:  # not Base64, or not UTF-8
        return None
    if not separator or "\0" in name:  # PostgreSQL stores no NUL in a text
        return None
    known = _right.user(name, password)
    if known is not None:
        return known
    try:
        with throttle.guess(request, name) as outcome:
            user = authenticate(request, username=name, password=password)
            outcome.right = isinstance(user, User)
    except throttle.Closed:
        return None
    if not isinstance(user, User):
        return None
    _right.note(name, password, user.password)
    return user


class _RightPasswords:
    """Passwords that were right not long ago: programs send theirs with each request, and to hash one is slow.

    Each is kept as a keyed digest beside the hash in the user's row that it was right for, and the row is read each
    time: another password, and an account that is not active, is checked as usual.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._secret = secrets.token_bytes(32)
        self._found: OrderedDict[bytes, tuple[str, float]] = OrderedDict()

    def user(self, name: str, password: str) -> User | None:
        with self._lock:
            stored, until = self._found.get(self._key(name, password), ("", 0.0))
        if time.monotonic() >= until:
            return None
        return User.objects.filter(username=name, password=stored, is_active=True).first()

    def note(self, name: str, password: str, stored: str) -> None:
        with self._lock:
            self._found[self._key(name, password)] = stored, time.monotonic() + _RIGHT_SECONDS
            while len(self._found) > _MOST_RIGHT:
                self._found.popitem(last=False)

    def _key(self, name: str, password: str) -> bytes:
        return hashlib.blake2b(f"{name}\0{password}".encode(), key=self._secret).digest()


_right = _RightPasswords()
