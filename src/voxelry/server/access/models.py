"""Projects, their members, and secrets.

Secrets are stored as SHA-256 only. They are long and random, so a slow hash would not protect them better.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from itertools import chain, count
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.text import slugify


def digest(secret: str) -> str:
    """The SHA-256 of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Role(models.IntegerChoices):
    """What a member may do in a project; each role may do what those before it may."""

    VIEWER = 10, "viewer"
    """See and measure."""
    ANALYST = 20, "analyst"
    """Run steps and annotate."""
    UPLOADER = 30, "uploader"
    """Add."""
    OWNER = 40, "owner"
    """Delete, copy, and decide who is a member."""


class Project(models.Model):
    """Who may see a study: each study, upload and job belongs to one project.

    ``slug`` names it in addresses, and stays when the name changes.
    """

    name = models.CharField(max_length=60)
    slug = models.SlugField(max_length=60, unique=True, editable=False)
    description = models.CharField(max_length=200, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(Lower("name"), name="project_name_once"),
            models.CheckConstraint(condition=~Q(name=""), name="project_has_name"),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, **options: Any) -> None:
        """Save, with a slug that no other project has."""
        if not self.slug:
            self.slug = free_slug(self.name, Project.objects.values_list("slug", flat=True))
        super().save(**options)


def free_slug(name: str, used: Iterable[str]) -> str:
    """A slug for a project's name: lower-case letters, digits and hyphens, with a number if it is used already."""
    plain, taken = slugify(name)[:50].strip("-_") or "project", set(used)
    return next(slug for slug in chain([plain], (f"{plain}-{number}" for number in count(2))) if slug not in taken)


class Membership(models.Model):
    """The role of a user in a project. Who has none there sees nothing of it."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.PositiveSmallIntegerField(choices=Role)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["project", "user"]
        constraints = [
            models.UniqueConstraint(fields=["project", "user"], name="member_once_per_project"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{Role(self.role).label} of {self.project}"


class Token(models.Model):
    """A bearer token for programs.

    Its scope is one project and a role there; without a scope it may do what its user may.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="voxelry_tokens")
    name = models.CharField(max_length=100, help_text="What it is for.")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created = models.DateTimeField(auto_now_add=True)
    last_used = models.DateTimeField(null=True, editable=False)
    revoked = models.DateTimeField(null=True, blank=True)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    role = models.PositiveSmallIntegerField(choices=Role, null=True, blank=True)
    expires = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "name"], condition=Q(revoked=None), name="token_name_once_per_user"
            ),
            models.CheckConstraint(condition=~Q(name=""), name="token_has_name"),
            models.CheckConstraint(
                condition=Q(project=None, role=None) | Q(project__isnull=False, role__in=Role.values),
                name="token_scope_is_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"token {self.name!r}"


class LoginLink(models.Model):
    """A link that logs one user in, once."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64, unique=True)
    created = models.DateTimeField(auto_now_add=True)
    expires = models.DateTimeField()
    used = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created"]
        constraints = [models.CheckConstraint(condition=Q(expires__gt=F("created")), name="login_link_expires_later")]

    def __str__(self) -> str:
        return f"login link {self.pk}"


class SignedIn(models.Model):
    """A session of the page, for its user to see. It goes with Django's row of the session."""

    session = models.OneToOneField("sessions.Session", on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created = models.DateTimeField()
    seen = models.DateTimeField()
    agent = models.CharField(max_length=60, help_text="The browser in a few words.")

    class Meta:
        ordering = ["-seen"]

    def __str__(self) -> str:
        return f"session {self.pk}"


class Guess(models.Model):
    """A wrong password, or one that is being checked (`throttle`); names and addresses as SHA-256 only."""

    name = models.CharField(max_length=64)
    address = models.CharField(max_length=64)
    created = models.DateTimeField(db_index=True)
    checking = models.BooleanField(default=True)

    class Meta:
        ordering = ["-created"]
        verbose_name_plural = "guesses"
        indexes = [models.Index(fields=["address", "created"]), models.Index(fields=["name", "created"])]

    def __str__(self) -> str:
        return f"guess {self.pk}"
