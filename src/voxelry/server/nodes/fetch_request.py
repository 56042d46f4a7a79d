"""Asks for studies and series of a node to be fetched into its project: a job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.conf import settings
from pydantic import BaseModel

from voxelry.core.errors import ParameterError
from voxelry.server.access.grants import Grants
from voxelry.server.access.models import Role
from voxelry.server.jobs.models import Job
from voxelry.server.jobs.submit import submit
from voxelry.server.nodes.calling import address_of
from voxelry.server.nodes.models import Node

if TYPE_CHECKING:
    from django.contrib.auth.models import User

FETCH_KIND = "fetch"
LEAST_SECONDS = 12 * 3600.0
"""A fetch may take so long at least: a node sends as fast as it can."""


class WantedStudies(BaseModel):
    """The parameters of a job: Study Instance UIDs; with Series Instance UIDs only these series of the only study."""

    studies: list[str]
    series: list[str] = []


def request_fetch(
    who: Grants,
    node: Node,
    *,
    studies: Sequence[str],
    series: Sequence[str] = (),
    requested_by: User | None = None,
) -> Job:
    """Queue a job that fetches studies, or series of one study, from a node into its project.

    Raises
    ------
    RoleError
        If they may not add to the project.
    ConnectionFailedError
        If the node only calls, or is disabled.
    ParameterError
        If nothing is asked for, a UID is none, or series of several studies are asked for.
    """
    from voxelry.network.sent_instances import is_valid_uid

    who.require(Role.UPLOADER, node.project_id)
    address_of(node)
    for uid in (*studies, *series):
        if not is_valid_uid(uid):
            raise ParameterError(f"{uid!r} is no UID: it has digits with dots between them, at most 64 characters")
    if not studies or (series and len(studies) != 1):
        raise ParameterError("name the studies to fetch, or one study and its series")
    wanted = WantedStudies(studies=list(dict.fromkeys(studies)), series=list(dict.fromkeys(series)))
    return submit(
        FETCH_KIND,
        subject=node.pk,
        params=wanted.model_dump(),
        project=node.project_id,
        requested_by=requested_by,
        time_limit_seconds=max(LEAST_SECONDS, settings.VOXELRY.time_limit_seconds),
    )
