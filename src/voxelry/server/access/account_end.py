"""What ends with a password and with an account: its tokens and its sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest

from voxelry.server.access.secrets import end_tokens
from voxelry.server.access.sessions import begin_session, end_sessions

_STAYS = "_voxelry_stays"


@dataclass(frozen=True, slots=True)
class Stays:
    """What stays when a password is changed."""

    tokens: bool = False
    session: str | None = None


def let_stay(user: User, stays: Stays) -> None:
    """Say what stays when this object is saved with its new password."""
    setattr(user, _STAYS, stays)  # through the lazy object of a request


class PasswordEnds:
    """Ends tokens and sessions when a password was changed, in whatever way.

    A validator of ``AUTH_PASSWORD_VALIDATORS``: Django tells these of each changed password, and not of one whose hash
    is only upgraded. It refuses no password.
    """

    def validate(self, password: str, user: User | None = None) -> None:
        """Accept every password."""

    def get_help_text(self) -> str:
        """For the forms of the admin."""
        return "Sessions and tokens end with the old password."

    def password_changed(self, password: str, user: User | None = None) -> None:
        """End the tokens and sessions that do not stay; called by ``User.save``."""
        if user is None or user.pk is None:
            return
        stays: Stays = user.__dict__.pop(_STAYS, Stays())
        end_sessions(user, but=stays.session)
        if not stays.tokens:
            end_tokens(user)


def on_saved(sender: object, instance: User, **_: Any) -> None:
    """End tokens and sessions of a user who is no longer active (post_save)."""
    if not instance.is_active:
        end_sessions(instance)
        end_tokens(instance)


def on_deleted(sender: object, instance: User, **_: Any) -> None:
    """End the sessions of a user who is deleted (pre_delete); the tokens go with their user."""
    end_sessions(instance)


def on_login(sender: object, request: HttpRequest, user: User, **_: Any) -> None:
    """Note a session that begins (user_logged_in)."""
    begin_session(request, user)
