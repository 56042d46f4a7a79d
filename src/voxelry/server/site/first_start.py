"""The first start: tables, the user admin and a login link."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.conf import settings
from django.core.management import call_command

NAME = "admin"


@dataclass(frozen=True, slots=True)
class Welcome:
    """What is shown once, at the first start."""

    name: str
    password: str | None
    link: str


def migrate() -> None:
    """Bring the database up to date."""
    call_command("migrate", verbosity=0, interactive=False)


def welcome() -> Welcome | None:
    """Create the user admin if there is no user; None if there is one.

    The password is None if the configuration gave it.
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
