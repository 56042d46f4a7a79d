"""``voxelry token``: creates, lists and revokes bearer tokens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from voxelry.core.errors import VoxelryError
from voxelry.server.site.opened_site import open_site

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from voxelry.server.access.token_scope import TokenScope


class TokenCommandError(VoxelryError):
    """The token cannot be created or found."""

    code: ClassVar[str] = "token"


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token without its secret."""

    user: str
    name: str
    created: datetime
    last_used: datetime | None
    scope: str
    expires: datetime | None
    state: str


def create_token(
    *,
    user: str,
    name: str,
    project: str | None = None,
    role: str | None = None,
    days: int | None = None,
    data: Path | None = None,
    config: Path | None = None,
) -> str:
    """Create a token; returns its secret, which is stored nowhere.

    Parameters
    ----------
    project
        The name of the project that it is for. Without one it is for all that an administrator may do, or for the only
        project of another user.
    role
        Its role there; without one the user's own.
    days
        How long it holds; without it 90 days, or ``access.token_days`` if that is less.

    Raises
    ------
    TokenCommandError
        If there is no such user or project, if the user may not have such a token, or already has one of that name.
    """
    open_site(data=data, config=config)
    from voxelry.server.access import secrets, token_scope

    owner = _user(user)
    try:
        scope = _scope(owner, project, role)
        return token_scope.issue_token(owner, name=name, scope=scope, days=days)
    except secrets.TokenError as error:
        raise TokenCommandError(f"user {user!r}: {error}") from error


def list_tokens(*, user: str | None = None, data: Path | None = None, config: Path | None = None) -> list[TokenRow]:
    """The tokens of one user or of all that are not revoked."""
    open_site(data=data, config=config)
    from voxelry.server.access.models import Token
    from voxelry.server.access.token_scope import scope_words, state_words

    found = Token.objects.select_related("user", "project").filter(revoked=None)
    if user is not None:
        found = found.filter(user=_user(user))
    return [
        TokenRow(t.user.username, t.name, t.created, t.last_used, scope_words(t), t.expires, state_words(t))
        for t in found
    ]


def revoke_token(*, user: str, name: str, data: Path | None = None, config: Path | None = None) -> None:
    """Revoke a token.

    Raises
    ------
    TokenCommandError
        If there is no such user or token.
    """
    open_site(data=data, config=config)
    from django.utils import timezone

    from voxelry.server.access.models import Token

    found = Token.objects.filter(user=_user(user), name=name, revoked=None)
    if not found.update(revoked=timezone.now()):
        raise TokenCommandError(f"user {user!r} has no token named {name!r}")


def _user(name: str) -> User:
    from django.contrib.auth.models import User

    found = User.objects.filter(username=name, is_active=True).first()
    if found is None:
        raise TokenCommandError(f"there is no user {name!r}; `voxelry serve` makes the user admin at its first start")
    return found


def _scope(user: User, project: str | None, role: str | None) -> TokenScope:
    from voxelry.server.access import token_scope
    from voxelry.server.access.grants import grants_of
    from voxelry.server.access.membership import projects_of
    from voxelry.server.access.models import Role

    chosen = None if role is None else next((one for one in Role if one.label == role), None)
    if role is not None and chosen is None:
        raise token_scope.ScopeError(f"there is no role {role!r}; roles are {', '.join(one.label for one in Role)}")
    if project is None and user.is_superuser:
        if chosen is not None:
            raise token_scope.ScopeError("a role needs a project: add --project")
        return token_scope.whole_account(user)
    if project is None:
        return token_scope.scope_in(user, token_scope.only_project(user), chosen)
    found = projects_of(grants_of(user)).filter(name__iexact=project).first()
    if found is None:
        raise token_scope.ScopeError(f"there is no project {project!r} that is open to this user")
    return token_scope.scope_in(user, found, chosen)
