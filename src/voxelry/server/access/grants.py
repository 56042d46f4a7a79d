"""What somebody may do, and the rows that somebody may see: the one check of every door.

Every query of a user's request begins with `visible_to`. What the site does by itself says `as_site`, which is banned
where requests are answered (``tests/test_doors.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar, TypeVar

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Model, QuerySet

from voxelry.core.errors import VoxelryError
from voxelry.server.access.models import Membership, Project, Role, Token

Row = TypeVar("Row", bound=Model)
DEFAULT = "default"
"""The project of a new site, and of all that a site had before there were projects."""
_TOLD = 100


class RoleError(VoxelryError):
    """The user's role in the project does not allow that."""

    code: ClassVar[str] = "role"


class NoProjectError(VoxelryError):
    """There is no such project, for who asks."""

    code: ClassVar[str] = "not_found"


class ProjectError(VoxelryError):
    """The request names no project, or one that the user may not use."""

    code: ClassVar[str] = "project"


@dataclass(frozen=True, slots=True)
class Grants:
    """What one user may do, at the time when it was read from the rows.

    Attributes
    ----------
    user
        The key of the user; None for the site itself and for nobody.
    everything
        True for administrators and for the site: all projects, and rows of none.
    roles
        The role in each project, where not everything is granted.
    scoped
        True for a token of one project: what belongs to the account, and not to a project, is closed to it.
    """

    user: int | None = None
    everything: bool = False
    roles: Mapping[int, Role] = field(default_factory=lambda: MappingProxyType({}))
    scoped: bool = False

    @property
    def is_site(self) -> bool:
        """Whether the site itself asks."""
        return self.everything and self.user is None

    def projects(self, least: Role = Role.VIEWER) -> frozenset[int] | None:
        """The keys of the projects in which this role is granted; None for all."""
        return None if self.everything else frozenset(key for key, role in self.roles.items() if role >= least)

    def may(self, least: Role, project: int | None) -> bool:
        """Whether this role is granted in a project; None is for rows that belong to no project."""
        return self.everything or (project is not None and self.roles.get(project, 0) >= least)

    def may_somewhere(self, least: Role) -> bool:
        """Whether this role is granted in any project."""
        return self.everything or any(role >= least for role in self.roles.values())

    def require(self, least: Role, project: int | None) -> None:
        """Refuse what needs a higher role.

        Raises
        ------
        RoleError
            If the role is not granted in the project.
        """
        if not self.may(least, project):
            own = self.roles.get(project) if project is not None else None
            has = "none" if own is None else f"{own.label!r}"
            raise RoleError(f"this needs the role {least.label!r} in the project; yours is {has}")

    def require_everything(self) -> None:
        """Refuse what is for administrators.

        Raises
        ------
        RoleError
            If not everything is granted.
        """
        if not self.everything:
            raise RoleError("this is for administrators of the site")

    def require_account(self) -> None:
        """Refuse tokens of one project what belongs to the account.

        Raises
        ------
        RoleError
            If it is such a token.
        """
        if self.scoped:
            raise RoleError("this belongs to the account, and the token is for one project")


def chosen_project(who: Grants, wanted: int | None, least: Role) -> int:
    """The project that a request is about: the one that it names, the only one, or the one called `default`.

    Raises
    ------
    NoProjectError
        If it names one that there is not, for who asks.
    ProjectError
        If it names none, and there are several.
    RoleError
        If the role is not granted in the project that it names, or in any.
    """
    if wanted is not None:
        if not visible_to(Project.objects.filter(pk=wanted), who, path="pk").exists():
            raise NoProjectError(f"there is no project {wanted}")
        who.require(least, wanted)
        return wanted
    open_to = visible_to(Project.objects.all(), who, path="pk", least=least)
    found = dict(open_to.values_list("pk", "name")[:_TOLD])
    if len(found) == 1:
        return next(iter(found))
    default = next((key for key, name in found.items() if name == DEFAULT), None)
    if default is not None:
        return default
    if not found:
        words = f"this needs the role {least.label!r} in a project, and you have it in none: ask an owner"
        raise RoleError(words)
    raise ProjectError("name a project: yours are " + ", ".join(f"{key} ({name})" for key, name in found.items()))


def require_any_project(who: Grants) -> None:
    """Refuse who is a member of no project.

    Raises
    ------
    RoleError
        If no role is granted anywhere.
    """
    if not who.may_somewhere(Role.VIEWER):
        raise RoleError("you are a member of no project: ask an owner or an administrator")


NOTHING = Grants()
_SITE = Grants(everything=True)


def as_site() -> Grants:
    """The grants of the site itself, for work that no user's request does."""
    return _SITE


def grants_of(user: User | AnonymousUser | None, token: Token | None = None) -> Grants:
    """The grants of a user, or of a token within those of its user; read from the rows now."""
    if not isinstance(user, User) or not user.is_active:
        return NOTHING
    scope = None if token is None or token.project_id is None else (token.project_id, Role(token.role or Role.VIEWER))
    if user.is_superuser:
        return Grants(user.pk, everything=True) if scope is None else Grants(user.pk, roles=dict([scope]), scoped=True)
    found = Membership.objects.filter(user=user).values_list("project", "role")
    roles = {project: Role(role) for project, role in found}
    if scope is not None:
        project, most = scope
        roles = {project: min(roles[project], most)} if project in roles else {}
    return Grants(user.pk, roles=roles, scoped=scope is not None)


def visible_to(rows: QuerySet[Row], who: Grants, *, path: str = "project", least: Role = Role.VIEWER) -> QuerySet[Row]:
    """Those of some rows that somebody may see.

    Parameters
    ----------
    path
        The lookup from a row to the key of its project. A row without a project is visible to the site only.
    least
        The role that is needed in the project.
    """
    keys = who.projects(least)
    if keys is None:
        return rows if who.is_site else rows.filter(**{f"{path}__isnull": False})
    if len(keys) == 1:
        return rows.filter(**{path: next(iter(keys))})
    return rows.filter(**{f"{path}__in": sorted(keys)}) if keys else rows.none()
