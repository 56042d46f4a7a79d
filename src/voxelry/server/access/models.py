"""Secrets, stored as SHA-256 only. They are long and random, so a slow hash would not protect them better."""

from __future__ import annotations

import hashlib

from django.conf import settings
from django.db import models
from django.db.models import F, Q


def digest(secret: str) -> str:
    """The SHA-256 of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Token(models.Model):
    """A bearer token for programs."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="voxelry_tokens")
    name = models.CharField(max_length=100, help_text="What it is for.")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created = models.DateTimeField(auto_now_add=True)
    last_used = models.DateTimeField(null=True, editable=False)
    revoked = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "name"], condition=Q(revoked=None), name="token_name_once_per_user"
            ),
            models.CheckConstraint(condition=~Q(name=""), name="token_has_name"),
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
