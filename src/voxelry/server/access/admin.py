"""Projects, their members, users and tokens in the admin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from voxelry.server.access.authentication import asking
from voxelry.server.access.membership import is_used
from voxelry.server.access.models import Membership, Project, Role, Token

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
    return asking(request).everything


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

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """The chosen projects. What one holds keeps it from being deleted, and is not listed: it may be a million."""
        rows = list(objs)
        full = [f"{row}: its studies, uploads and jobs, and those in its trash, have to go first" for row in rows
                if is_used(row)]  # fmt: skip
        return [str(row) for row in rows], {str(self.opts.verbose_name_plural): len(rows)}, set(), full


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
    """Django's users, with their projects.

    Staff whose permissions let them change users change those only who may do no more than they: with a new password
    they could log in as them.
    """

    inlines = [MembershipsInline]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        fields = tuple(str(name) for name in super().get_readonly_fields(request, obj))
        return fields if _is_administrator(request) else (*fields, *_GRANTED_BY_ADMINISTRATORS)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and _may_do_all_that(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_do_all_that(request, obj)


_GRANTED_BY_ADMINISTRATORS = ("is_superuser", "groups", "user_permissions")


def _may_do_all_that(request: HttpRequest, user: User | None) -> bool:
    """Whether who asks is an owner wherever the user is a member; administrators are, and oneself is that user."""
    who = asking(request)
    if user is None or who.everything or user.pk == who.user:
        return True
    projects = Membership.objects.filter(user=user).values_list("project", flat=True)
    return not user.is_superuser and all(who.may(Role.OWNER, project) for project in projects)


@admin.register(Token)
class TokenAdmin(ForAdministrators, _Admin):
    """Lists tokens; a secret is shown once only, to the user who makes it."""

    list_display = ["name", "user", "project", "role", "created", "expires", "last_used", "revoked"]
    list_filter = ["user"]
    list_select_related = ["user", "project"]
    search_fields = ["name", "user__username"]
    readonly_fields = ["user", "name", "project", "role", "created", "expires", "last_used", "revoked"]
    actions = ["revoke"]

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    @admin.action(description="Revoke the selected tokens", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Token]) -> None:
        """Revoke the selected tokens."""
        queryset.filter(revoked=None).update(revoked=timezone.now())
