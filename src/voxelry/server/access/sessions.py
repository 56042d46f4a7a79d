"""Sessions of the page: seen by their user, and ended by the user, by time, and with the account.

The time of the last request lies in the session's own data, which each request reads anyway. It is written at most
once a minute, and with it Django moves the end of the session: an idle one is over after ``access.session_hours``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session
from django.db import IntegrityError, OperationalError, transaction
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from voxelry.server.access.browser_names import browser_name
from voxelry.server.access.models import SignedIn
from voxelry.server.access.rules import is_for_programs

STEP_SECONDS = 60.0
"""The time of the last request is written at most so often."""
_SEEN, _BEGUN = "voxelry_seen", "voxelry_begun"


class SessionsMiddleware:
    """Ends sessions that were idle for too long, and notes when a session was last used."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # Under /api/ a header decides who asks; the session of such a request is not even read.
        by_header = "Authorization" in request.headers and is_for_programs(request.path)
        if not by_header and settings.SESSION_COOKIE_NAME in request.COOKIES and _is_idle(request.session):
            request.session.flush()
        response = self.get_response(request)
        if not by_header and response.status_code < 500:
            _note_use(request)
        return response


def begin_session(request: HttpRequest, user: User) -> None:
    """Note a login."""
    now = time.time()
    request.session[_BEGUN] = now
    request.session.pop(_SEEN, None)
    if request.session.session_key is not None and _stored(request, user, now):
        request.session[_SEEN] = now


def renew_session(request: HttpRequest) -> None:
    """Have the row of a session made again, whose key was changed."""
    request.session.pop(_SEEN, None)


def sessions_of(user: User) -> list[SignedIn]:
    """The sessions of a user that are not over, the last used first."""
    return list(SignedIn.objects.filter(user=user, session__expire_date__gt=timezone.now()).order_by("-seen"))


def end_session(user: User, key: int) -> bool:
    """End one session of a user; False if there is none of that key."""
    return bool(_end(SignedIn.objects.filter(user=user, pk=key).values_list("session_id", flat=True)))


def end_sessions(user: User, *, but: str | None = None) -> int:
    """End all sessions of a user, except one of that session key; the number of those that were ended."""
    rows = SignedIn.objects.filter(user=user)
    return _end((rows if but is None else rows.exclude(session=but)).values_list("session_id", flat=True))


def is_session_open(request: HttpRequest) -> bool:
    """Whether the session of a request is still there; True for a request that logged in by a header."""
    if "Authorization" in request.headers:
        return True
    return Session.objects.filter(pk=request.session.session_key, expire_date__gt=timezone.now()).exists()


def noted_until(session: SessionBase) -> float:
    """Until when (seconds since 1970) requests of a session need not be noted and it cannot be idle for too long."""
    seen = session.get(_SEEN)
    return seen + min(STEP_SECONDS, settings.VOXELRY.session_hours * 3600) if isinstance(seen, float) else 0.0


def remove_expired_sessions() -> None:
    """Remove the rows of sessions that are over."""
    Session.objects.filter(expire_date__lt=timezone.now()).delete()


def _end(keys: object) -> int:
    return Session.objects.filter(pk__in=list(keys)).delete()[1].get("sessions.Session", 0)  # type: ignore[call-overload]


def _is_idle(session: SessionBase) -> bool:
    seen = session.get(_SEEN)
    return isinstance(seen, float) and time.time() - seen > settings.VOXELRY.session_hours * 3600


def _note_use(request: HttpRequest) -> None:
    session = request.session
    if not session.accessed or SESSION_KEY not in session:
        return
    now, seen = time.time(), session.get(_SEEN)
    if isinstance(seen, float) and now - seen < STEP_SECONDS:
        return
    if not request.user.is_authenticated:
        return
    if session.session_key is None:
        session.save()
    session.setdefault(_BEGUN, now)
    if _stored(request, request.user, now):
        session[_SEEN] = now  # saved by Django's middleware, which also sends the cookie with its new end


def _stored(request: HttpRequest, user: User, now: float) -> bool:
    """Write the row of a session; False if the session was ended meanwhile, or if nothing can be written now."""
    seen, key = datetime.fromtimestamp(now, UTC), request.session.session_key
    try:
        with transaction.atomic():
            if SignedIn.objects.filter(session=key, user=user).update(seen=seen):
                return True
            if not Session.objects.filter(pk=key).exists():
                return False
            begun = datetime.fromtimestamp(request.session[_BEGUN], UTC)
            agent = browser_name(request.headers.get("User-Agent", ""))
            SignedIn.objects.update_or_create(
                session_id=key, defaults={"user": user, "created": begun, "seen": seen, "agent": agent}
            )
    except (IntegrityError, OperationalError):
        return False  # what only reads goes on, on a full disk too
    return True
