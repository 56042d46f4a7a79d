"""Projects, their members, users and tokens in the admin."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from voxelry.server.access.grants import grants_of
from voxelry.server.access.models import Membership, Project, Token

# Django's classes take no type parameter at run time.
if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Token]
    _ProjectAdmin = admin.ModelAdmin[Project]
    _MembershipAdmin = admin.ModelAdmin[Membership]
    _ProjectMembers = admin.TabularInline[Membership, Project]
    _UserMemberships = admin.TabularInline[Membership, User]
    _UserAdmin = UserAdmin[User]
else:
    _Admin = _ProjectAdmin = _MembershipAdmin = admin.ModelAdmin
    _ProjectMembers = _UserMemberships = admin.TabularInline
    _UserAdmin = UserAdmin


class ForAdministrators:
    """Only administrators see and change these: staff may be members of some projects only."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return _is_administrator(request)

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return _is_administrator(request)

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return _is_administrator(request)

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return _is_administrator(request)

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return _is_administrator(request)


def _is_administrator(request: HttpRequest) -> bool:
    return grants_of(cast(User, request.user)).everything


class MembersInline(ForAdministrators, _ProjectMembers):
    """The members of a project."""

    model = Membership
    extra = 0
    autocomplete_fields = ["user"]


class MembershipsInline(ForAdministrators, _UserMemberships):
    """The projects of a user. A new user has none unless one is chosen here, or its owner adds the user."""

    model = Membership
    extra = 1
    autocomplete_fields = ["project"]


@admin.register(Project)
class ProjectAdmin(ForAdministrators, _ProjectAdmin):
    """Projects; one that holds studies, uploads or jobs cannot be deleted."""

    list_display = ["name", "description", "created"]
    search_fields = ["name"]
    readonly_fields = ["created"]
    inlines = [MembersInline]


@admin.register(Membership)
class MembershipAdmin(ForAdministrators, _MembershipAdmin):
    """Who is a member of what."""

    list_display = ["project", "user", "role", "created"]
    list_filter = ["project", "role"]
    list_select_related = ["project", "user"]
    search_fields = ["user__username", "project__name"]
    autocomplete_fields = ["project", "user"]


admin.site.unregister(User)


@admin.register(User)
class MemberAdmin(_UserAdmin):
    """Django's users, with their projects."""

    inlines = [MembershipsInline]


@admin.register(Token)
class TokenAdmin(_Admin):
    """Lists tokens; a secret is shown once only, to the user who makes it."""

    list_display = ["name", "user", "project", "role", "created", "expires", "last_used", "revoked"]
    list_filter = ["user"]
    list_select_related = ["user", "project"]
    search_fields = ["name", "user__username"]
    readonly_fields = ["user", "name", "project", "role", "created", "expires", "last_used", "revoked"]
    actions = ["revoke"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.action(description="Revoke the selected tokens")
    def revoke(self, request: HttpRequest, queryset: QuerySet[Token]) -> None:
        """Revoke the selected tokens."""
        queryset.filter(revoked=None).update(revoked=timezone.now())
