"""``voxelry token``: creates, lists and revokes bearer tokens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from voxelry.core.errors import VoxelryError
from voxelry.server.environment import django_setup

if TYPE_CHECKING:
    from django.contrib.auth.models import User


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


def create_token(*, user: str, name: str, data: Path | None = None, config: Path | None = None) -> str:
    """Create a token; returns its secret, which is stored nowhere.

    Raises
    ------
    TokenCommandError
        If there is no such user, or if the user already has a token of that name.
    """
    _open(data, config)
    from voxelry.server.access import secrets

    try:
        return secrets.create_token(_user(user), name=name)
    except secrets.TokenError as error:
        raise TokenCommandError(str(error)) from error


def list_tokens(*, user: str | None = None, data: Path | None = None, config: Path | None = None) -> list[TokenRow]:
    """The valid tokens of one user or of all."""
    _open(data, config)
    from voxelry.server.access.models import Token

    found = Token.objects.select_related("user").filter(revoked=None)
    if user is not None:
        found = found.filter(user=_user(user))
    return [TokenRow(t.user.username, t.name, t.created, t.last_used) for t in found]


def revoke_token(*, user: str, name: str, data: Path | None = None, config: Path | None = None) -> None:
    """Revoke a token.

    Raises
    ------
    TokenCommandError
        If there is no such user or token.
    """
    _open(data, config)
    from django.utils import timezone

    from voxelry.server.access.models import Token

    found = Token.objects.filter(user=_user(user), name=name, revoked=None)
    if not found.update(revoked=timezone.now()):
        raise TokenCommandError(f"user {user!r} has no token named {name!r}")


def _open(data: Path | None, config: Path | None) -> None:
    django_setup.prepare(data=data, config=config)
    django_setup.set_up()
    from voxelry.server.site import first_start

    first_start.migrate()


def _user(name: str) -> User:
    from django.contrib.auth.models import User

    found = User.objects.filter(username=name, is_active=True).first()
    if found is None:
        raise TokenCommandError(f"there is no user {name!r}; `voxelry serve` makes the user admin at its first start")
    return found
