"""The project that an address below ``/dicomweb/`` is about: what who asks may see there, and nothing else."""

from __future__ import annotations

from dataclasses import replace

from voxelry.server.access.exchange import RefusedError
from voxelry.server.access.grants import Grants
from voxelry.server.access.membership import projects_of, role_in
from voxelry.server.access.models import Role
from voxelry.server.access.rules import Rule

_TOLD = 20
_ROLES = {
    Rule.VIEWER: Role.VIEWER,
    Rule.ANALYST: Role.ANALYST,
    Rule.UPLOADER: Role.UPLOADER,
    Rule.OWNER: Role.OWNER,
}
"""The rules that an address below ``/dicomweb/`` may state."""


def narrowed(who: Grants, slug: str | None, rule: Rule = Rule.VIEWER) -> tuple[Grants, str]:
    """The grants within one project, and its slug; the role that the rule asks for is required there.

    Parameters
    ----------
    slug
        The project's, as in the address; None for the only project of who asks.

    Raises
    ------
    RefusedError
        404 if there is no such project for who asks; 403 if they have none; 409 if they have several and name none.
    RoleError
        If their role in the project is lower.
    """
    rows = projects_of(who).order_by("pk")
    found = dict((rows if slug is None else rows.filter(slug=slug)).values_list("slug", "pk")[: _TOLD + 1])
    if len(found) == 1:
        name, key = next(iter(found.items()))
        inside = replace(who, everything=False, roles={key: role_in(who, key)}, scoped=True)
        inside.require(_ROLES[rule], key)
        return inside, name
    if slug is not None:
        raise RefusedError(404, f"There is no project {slug!r}.", code="not_found")
    if not found:
        raise RefusedError(403, "You are a member of no project: ask an owner or an administrator.", code="role")
    names = ", ".join(f"/dicomweb/projects/{name}/" for name in list(found)[:_TOLD])
    raise RefusedError(409, f"You may see several projects; use the address of one: {names}", code="project")
