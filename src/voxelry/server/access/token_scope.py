"""What a new token may do, and for how long; and what an existing one may still do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from voxelry.server.access.grants import grants_of
from voxelry.server.access.membership import projects_of, role_in
from voxelry.server.access.models import Project, Role, Token
from voxelry.server.access.secrets import TokenError, create_token

USUAL_DAYS = 90
"""How long a token holds if its maker does not say."""
CHOICES = (7, 30, 90, 180, 366)


class ScopeError(TokenError):
    """The user may not make a token of that scope."""


class LifetimeError(TokenError):
    """A token may not hold for so long."""


@dataclass(frozen=True, slots=True)
class TokenScope:
    """A project and a role there, or both None for all that the account may do."""

    project: Project | None = None
    role: Role | None = None


def longest_days() -> int:
    """The longest time that a new token may hold for (``access.token_days``)."""
    days: int = settings.VOXELRY.token_days
    return days


def usual_days() -> int:
    """How long a token holds if its maker does not say."""
    return min(USUAL_DAYS, longest_days())


def lifetimes() -> list[int]:
    """The lifetimes to choose from, in days."""
    return sorted({*(days for days in CHOICES if days < longest_days()), usual_days(), longest_days()})


def whole_account(user: User) -> TokenScope:
    """All that the account may do, projects of the future included; for administrators.

    Raises
    ------
    ScopeError
        If the user is no administrator.
    """
    if not grants_of(user).everything:
        raise ScopeError("only an administrator's token may have no project; choose one of your projects")
    return TokenScope()


def scope_in(user: User, project: Project, role: Role | None = None) -> TokenScope:
    """A role in a project; without one the user's own.

    Raises
    ------
    ScopeError
        If the user is no member of the project, or has a lower role there.
    """
    grants = grants_of(user)
    if not grants.may(Role.VIEWER, project.pk):
        raise ScopeError("you are no member of that project")
    own = role_in(grants, project.pk)
    if role is not None and role > own:
        raise ScopeError(f"your role in {project.name} is {own.label}: a token may not have a higher one")
    return TokenScope(project, own if role is None else role)


def only_project(user: User) -> Project:
    """The project of a user who is a member of one.

    Raises
    ------
    ScopeError
        If the user is a member of none or of several, which are named.
    """
    found = list(projects_of(grants_of(user))[:20])
    if not found:
        raise ScopeError("you are a member of no project; an administrator or an owner of one has to add you first")
    if len(found) > 1:
        raise ScopeError(f"you are a member of several projects; choose one of {', '.join(p.name for p in found)}")
    return found[0]


def issue_token(user: User, *, name: str, scope: TokenScope, days: int | None = None) -> str:
    """Create a token that ends by itself; returns its secret, which is stored nowhere.

    Parameters
    ----------
    days
        How long it holds; without it 90, or ``access.token_days`` if that is less.

    Raises
    ------
    LifetimeError
        If it would hold for longer than ``access.token_days``.
    TokenError
        If the user already has a token of that name.
    """
    lifetime = usual_days() if days is None else days
    if not 1 <= lifetime <= longest_days():
        raise LifetimeError(f"a token holds for 1 to {longest_days()} days here")
    expires = timezone.now() + timedelta(days=lifetime)
    return create_token(user, name=name, project=scope.project, role=scope.role, expires=expires)


def scope_words(token: Token) -> str:
    """What a token was made for."""
    if token.project is None or token.role is None:
        return "all that the account may do"
    return f"{Role(token.role).label} in {token.project.name}"


def state_words(token: Token) -> str:
    """Whether a token that is not revoked opens something now, and if less than it was made for, why."""
    if token.expires is not None and token.expires <= timezone.now():
        return "ended"
    if token.project_id is None or token.role is None:
        return "valid"
    grants = grants_of(token.user, token)
    if not grants.may(Role.VIEWER, token.project_id):
        return "opens nothing: no member any more"
    now = role_in(grants, token.project_id)
    return "valid" if now == token.role else f"only {now.label}: the role is lower now"
