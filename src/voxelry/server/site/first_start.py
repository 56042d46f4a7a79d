"""The first start: tables, the user admin, a way in."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.conf import settings
from django.core.management import call_command

NAME = "admin"


@dataclass(frozen=True, slots=True)
class Welcome:
    """What is shown once."""

    name: str
    password: str | None
    link: str


def migrate() -> None:
    """Bring the database up to date."""
    call_command("migrate", verbosity=0, interactive=False)


def welcome() -> Welcome | None:
    """Make the user admin where there is no user at all; None where there is one.

    The password is None where the configuration gave it: its owner knows it.
    """
    from django.contrib.auth.models import User
    from django.db import transaction

    from voxelry.server.access.secrets import create_login_link

    with transaction.atomic():
        if User.objects.exists():
            return None
        given: str = settings.VOXELRY.admin_password
        password = given or secrets.token_urlsafe(12)
        user = User.objects.create_superuser(NAME, "", password)
        return Welcome(NAME, None if given else password, create_login_link(user))
