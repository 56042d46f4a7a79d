"""Tokens in the admin, where they can be revoked; the terminal creates them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from voxelry.server.access.models import Token

# Django's class takes no type parameter at run time.
if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Token]
else:
    _Admin = admin.ModelAdmin


@admin.register(Token)
class TokenAdmin(_Admin):
    """Lists tokens; a secret is shown once only, by ``voxelry token create``."""

    list_display = ["name", "user", "created", "last_used", "revoked"]
    list_filter = ["user"]
    search_fields = ["name", "user__username"]
    readonly_fields = ["user", "name", "created", "last_used", "revoked"]
    actions = ["revoke"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.action(description="Revoke the selected tokens")
    def revoke(self, request: HttpRequest, queryset: QuerySet[Token]) -> None:
        """Revoke the selected tokens."""
        queryset.filter(revoked=None).update(revoked=timezone.now())
