"""Creates and checks tokens and login links."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from voxelry.server.access.models import LoginLink, Project, Role, Token, digest

PREFIX = "vxl_"
LINK_LIFETIME = timedelta(minutes=30)
_LAST_USED_STEP = timedelta(minutes=1)


class TokenError(ValueError):
    """The token cannot be created or found."""


def create_token(
    user: User,
    *,
    name: str,
    project: Project | None = None,
    role: Role | None = None,
    expires: datetime | None = None,
) -> str:
    """Create a token; returns its secret, which is stored nowhere. Who may make which is decided by `token_scope`.

    Parameters
    ----------
    project, role
        Its scope; without both it may do what its user may.
    expires
        When it ends; None for never.

    Raises
    ------
    TokenError
        If the user already has a token of that name that has not ended.
    """
    secret = PREFIX + secrets.token_urlsafe(32)
    now = timezone.now()
    try:
        with transaction.atomic():
            Token.objects.filter(user=user, name=name, revoked=None, expires__lte=now).update(revoked=now)
            Token.objects.create(
                user=user, name=name, digest=digest(secret), project=project, role=role, expires=expires
            )
    except IntegrityError as error:
        raise TokenError(f"there is a token named {name!r} already; revoke it or choose another name") from error
    return secret


def valid_token(secret: str) -> Token | None:
    """The token of a secret with its user, if it opens anything now; else None."""
    token = _open(Token.objects.filter(digest=digest(secret)))
    if token is None:
        return None
    now = timezone.now()
    # Not at every request, so that reads do not write.
    if token.last_used is None or now - token.last_used > _LAST_USED_STEP:
        Token.objects.filter(pk=token.pk).update(last_used=now)
    return token


def token_noted_until(token: Token) -> datetime:
    """Until when the use of a token that was found valid just now need not be noted, and it cannot have ended."""
    now = timezone.now()
    noted = token.last_used if token.last_used is not None and now - token.last_used <= _LAST_USED_STEP else now
    until = noted + _LAST_USED_STEP
    return until if token.expires is None else min(until, token.expires)


def end_tokens(user: User) -> None:
    """Revoke all tokens of a user."""
    Token.objects.filter(user=user, revoked=None).update(revoked=timezone.now())


def token_as_it_is(key: int) -> Token | None:
    """A token with its user, read again, if it still opens anything; else None."""
    return _open(Token.objects.filter(pk=key))


def _open(rows: QuerySet[Token]) -> Token | None:
    token = rows.filter(revoked=None).select_related("user").first()
    if token is None or not token.user.is_active or (token.expires is not None and token.expires <= timezone.now()):
        return None
    return token


def create_login_link(user: User) -> str:
    """Create a login link; returns its secret, for ``/login/link/<secret>/``."""
    secret = secrets.token_urlsafe(24)
    LoginLink.objects.create(user=user, digest=digest(secret), expires=timezone.now() + LINK_LIFETIME)
    return secret


def use_login_link(secret: str) -> User | None:
    """The link's user at its first use before it expires; else None."""
    now = timezone.now()
    mine = LoginLink.objects.filter(digest=digest(secret), used=None, expires__gt=now)
    # Of two clicks at once only one changes the row.
    if mine.update(used=now) != 1:
        return None
    user = LoginLink.objects.select_related("user").get(digest=digest(secret)).user
    return user if user.is_active else None
