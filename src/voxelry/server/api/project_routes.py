"""Routes of projects and their members."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest, HttpResponse
from ninja import Router, Status

from voxelry.server.access import membership
from voxelry.server.access.authentication import asking
from voxelry.server.access.bounded_lists import length_of
from voxelry.server.access.grants import Grants
from voxelry.server.access.models import Membership, Project, Role
from voxelry.server.access.rules import Rule, needs
from voxelry.server.api import project_schemas as out
from voxelry.server.api.schemas import ProblemDocument
from voxelry.server.archive import queries

router = Router()
ERRORS = {(401, 403, 404, 409, 422): ProblemDocument}


@router.get("/projects", response={200: list[out.ProjectOut], **ERRORS}, tags=["projects"])
@needs(Rule.ACCOUNT)
def list_projects(request: HttpRequest) -> object:
    """The projects that are open to one."""
    who = asking(request)
    return [_project(who, project) for project in membership.projects_of(who)]


@router.post("/projects", response={201: out.ProjectOut, **ERRORS}, tags=["projects"])
@needs(Rule.ADMIN)
def create_project(request: HttpRequest, response: HttpResponse, body: out.NewProject) -> object:
    """Make a project without members; for administrators."""
    who = asking(request)
    project = membership.open_project(who, name=body.name, description=body.description)
    response.headers["Location"] = f"/api/projects/{project.pk}"
    return Status(201, _project(who, project))


@router.get("/projects/{int:project_id}", response={200: out.ProjectOut, **ERRORS}, tags=["projects"])
@needs(Rule.VIEWER)
def get_project(request: HttpRequest, project_id: int) -> object:
    """A project that is open to one."""
    who = asking(request)
    return _project(who, membership.project_for(who, project_id))


@router.patch("/projects/{int:project_id}", response={200: out.ProjectOut, **ERRORS}, tags=["projects"])
@needs(Rule.OWNER)
def update_project(request: HttpRequest, project_id: int, body: out.ProjectChange) -> object:
    """Change the name or the description; for owners."""
    who = asking(request)
    return _project(who, membership.change_project(who, project_id, name=body.name, description=body.description))


@router.delete("/projects/{int:project_id}", response={204: None, **ERRORS}, tags=["projects"])
@needs(Rule.ADMIN)
def delete_project(request: HttpRequest, project_id: int) -> object:
    """Remove a project that holds nothing; for administrators. 409 if studies, uploads or jobs belong to it."""
    membership.remove_project(asking(request), project_id)
    return Status(204, None)


@router.get("/projects/{int:project_id}/members", response={200: list[out.MemberOut], **ERRORS}, tags=["projects"])
@needs(Rule.VIEWER)
def list_members(request: HttpRequest, project_id: int) -> object:
    """The members of a project by name."""
    return [_member(row) for row in membership.members_of(asking(request), project_id)]


@router.put(
    "/projects/{int:project_id}/members/{str:username}", response={200: out.MemberOut, **ERRORS}, tags=["projects"]
)
@needs(Rule.OWNER)
def put_member(request: HttpRequest, project_id: int, username: str, body: out.MemberRole) -> object:
    """Add a user to a project, or change the role there; for owners. 409 if it would lower the last owner."""
    role = Role[body.role.upper()]
    return _member(membership.set_role(asking(request), project_id, username=username, role=role))


@router.delete("/projects/{int:project_id}/members/{str:username}", response={204: None, **ERRORS}, tags=["projects"])
@needs(Rule.OWNER)
def delete_member(request: HttpRequest, project_id: int, username: str) -> object:
    """Remove a member from a project; for owners. 409 if it would remove the last owner."""
    membership.end_membership(asking(request), project_id, username=username)
    return Status(204, None)


def own_projects(who: Grants) -> list[out.OwnProject]:
    """The projects that are open to somebody, in short."""
    return [
        out.OwnProject(id=row.pk, name=row.name, role=_role_name(membership.role_in(who, row.pk)))
        for row in membership.projects_of(who)
    ]


def _project(who: Grants, project: Project) -> out.ProjectOut:
    studies = length_of(queries.studies(who).filter(project=project))
    return out.ProjectOut(
        id=project.pk,
        name=project.name,
        slug=project.slug,
        description=project.description,
        created=project.created,
        role=_role_name(membership.role_in(who, project.pk)),
        study_count=studies.count,
        more_studies=studies.more,
    )


def _member(row: Membership) -> out.MemberOut:
    return out.MemberOut(
        username=row.user.get_username(),
        role=_role_name(Role(row.role)),
        is_active=row.user.is_active,
        since=row.created,
    )


def _role_name(role: Role) -> out.RoleName:
    return cast(out.RoleName, str(role.label))
