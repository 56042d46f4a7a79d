"""Who is a member of which project: read and changed by those who may."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import PROTECT, ForeignObjectRel, ProtectedError, QuerySet

from voxelry.core.errors import VoxelryError
from voxelry.server.access.grants import Grants, NoProjectError, visible_to
from voxelry.server.access.models import Membership, Project, Role


class LastOwnerError(VoxelryError):
    """The project would be left without an owner."""

    code: ClassVar[str] = "last_owner"


class ProjectNameError(VoxelryError):
    """Another project has that name."""

    code: ClassVar[str] = "project_name"


class ProjectNotEmptyError(VoxelryError):
    """Studies, uploads or jobs still belong to the project."""

    code: ClassVar[str] = "project_not_empty"


def projects_of(who: Grants) -> QuerySet[Project]:
    """The projects that somebody may see."""
    return visible_to(Project.objects.all(), who, path="pk")


def role_in(who: Grants, project: int) -> Role:
    """The role in a project that somebody may see; administrators are owners everywhere."""
    return Role.OWNER if who.everything else who.roles[project]


def project_for(who: Grants, key: int, *, least: Role = Role.VIEWER) -> Project:
    """A project in which somebody has a role.

    Raises
    ------
    NoProjectError
        If there is no such project, or none that the user may see.
    RoleError
        If the user's role there is lower.
    """
    found = projects_of(who).filter(pk=key).first()
    if found is None:
        raise NoProjectError(f"There is no project {key}.")
    who.require(least, key)
    return found


def open_project(who: Grants, *, name: str, description: str) -> Project:
    """Make a project without members; for administrators.

    Raises
    ------
    RoleError
        If the user is no administrator.
    ProjectNameError
        If another project has that name.
    """
    who.require_everything()
    return _stored(Project(name=name, description=description))


def change_project(who: Grants, key: int, *, name: str | None = None, description: str | None = None) -> Project:
    """Change a project's name or description; for owners.

    Raises
    ------
    NoProjectError, RoleError
        As `project_for`.
    ProjectNameError
        If another project has that name.
    """
    project = project_for(who, key, least=Role.OWNER)
    project.name = project.name if name is None else name
    project.description = project.description if description is None else description
    return _stored(project)


def remove_project(who: Grants, key: int) -> None:
    """Remove a project that holds nothing, with its memberships and the tokens for it; for administrators.

    Raises
    ------
    NoProjectError, RoleError
        As `project_for`, or if the user is no administrator.
    ProjectNotEmptyError
        If rows belong to the project, those in its trash included.
    """
    project = project_for(who, key)
    who.require_everything()
    words = "The project is not empty: its studies, uploads and jobs, and those in its trash, have to go first."
    if is_used(project):
        raise ProjectNotEmptyError(words)
    try:
        project.delete()
    except ProtectedError:  # something came meanwhile
        raise ProjectNotEmptyError(words) from None


def is_used(project: Project) -> bool:
    """Whether rows keep a project from being deleted. Django's own check would read all of them."""
    fields = Project._meta.get_fields(include_hidden=True)  # noqa: SLF001
    protecting = [
        (one.related_model, one.field.name)
        for one in fields
        if isinstance(one, ForeignObjectRel) and one.on_delete is PROTECT
    ]
    return any(
        model._base_manager.filter(**{name: project}).exists()  # noqa: SLF001
        for model, name in protecting
        if not isinstance(model, str)
    )


def members_of(who: Grants, key: int) -> QuerySet[Membership]:
    """The members of a project by name; for all its members.

    Raises
    ------
    NoProjectError
        As `project_for`.
    """
    rows = Membership.objects.filter(project=project_for(who, key)).select_related("user")
    return rows.order_by("user__username")


def set_role(who: Grants, key: int, *, username: str, role: Role) -> Membership:
    """Add a user to a project, or change the role there; for owners.

    Raises
    ------
    NoProjectError, RoleError
        As `project_for`, or if there is no active user of that name.
    LastOwnerError
        If an owner lowers the last owner.
    """
    with transaction.atomic():
        project = _locked(who, key)
        rows = Membership.objects.select_related("user").filter(project=project)
        member = rows.filter(user__username=_storable(username)).first()
        if member is None:
            user = User.objects.filter(username=_storable(username), is_active=True).first()
            if user is None:
                raise NoProjectError("There is no active user of that name.")
            return Membership.objects.create(project=project, user=user, role=role)
        if role < Role.OWNER:
            _require_other_owner(who, member)
        member.role = role
        member.save(update_fields=["role"])
        return member


def end_membership(who: Grants, key: int, *, username: str) -> None:
    """Remove a member from a project; for owners.

    Raises
    ------
    NoProjectError, RoleError
        As `project_for`, or if no member has that name.
    LastOwnerError
        If an owner removes the last owner.
    """
    with transaction.atomic():
        rows = Membership.objects.filter(project=_locked(who, key))
        member = rows.filter(user__username=_storable(username)).first()
        if member is None:
            raise NoProjectError("No member of this project has that name.")
        _require_other_owner(who, member)
        member.delete()


def _locked(who: Grants, key: int) -> Project:
    """The project of an owner, locked: of two owners who remove each other at once, one waits."""
    project_for(who, key, least=Role.OWNER)
    return Project.objects.select_for_update(no_key=True).get(pk=key)


def _require_other_owner(who: Grants, member: Membership) -> None:
    """Refuse owners who would leave the project without an owner; administrators can appoint another one later."""
    if who.everything or member.role < Role.OWNER:
        return
    owners = Membership.objects.filter(project=member.project_id, role=Role.OWNER, user__is_active=True)
    if not owners.exclude(pk=member.pk).exists():
        raise LastOwnerError("This is the project's last owner: make another member an owner first.")


def _storable(username: str) -> str:
    """The name, or one that no user has: PostgreSQL takes no NUL in a text."""
    return "" if "\0" in username else username


def _stored(project: Project) -> Project:
    try:
        with transaction.atomic():
            project.save()
    except IntegrityError:
        raise ProjectNameError("Another project has that name; capital and small letters count as one.") from None
    return project
