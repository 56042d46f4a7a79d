"""Routes of nodes of the DICOM network: who they are, whether they answer, what they have, and fetching it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.http import HttpRequest, HttpResponse
from ninja import Router, Status

from voxelry.network.failures import NetworkError, TimedOutError
from voxelry.network.tls import TlsError
from voxelry.server.access.authentication import asking, requester
from voxelry.server.access.grants import RoleError, chosen_project
from voxelry.server.access.models import Role
from voxelry.server.access.rules import Rule, needs
from voxelry.server.api import node_schemas as out
from voxelry.server.api.node_found import found_rows
from voxelry.server.api.node_records import node_record, own_address
from voxelry.server.api.problems import ApiError
from voxelry.server.api.schemas import ERRORS, Accepted, ProblemDocument, ProblemOut
from voxelry.server.nodes import node_queries
from voxelry.server.nodes.calling import echo_to
from voxelry.server.nodes.fetch_request import request_fetch
from voxelry.server.nodes.node_changes import add_node, change_node, node_for, remove_node
from voxelry.server.nodes.node_values import NodeFieldsError, NodeValues

router = Router()
OF_NODES = {(502, 504): ProblemDocument}
"""What routes that ask a node answer with beside `ERRORS`: what the node said, and that it said nothing in time."""


@router.get("/nodes", response={200: out.NodeList, **ERRORS}, tags=["nodes"])
@needs(Rule.UPLOADER)
def list_nodes(request: HttpRequest) -> object:
    """The nodes of the projects to which one may upload."""
    who = asking(request)
    if not who.may_somewhere(node_queries.SENDING):
        raise RoleError("nodes are for those who may upload to a project")
    rows = node_queries.nodes(who).select_related("project")
    return out.NodeList(site=own_address(), items=[node_record(row, who) for row in rows])


@router.post("/nodes", response={201: out.NodeOut, **ERRORS}, tags=["nodes"])
@needs(Rule.ADMIN)
def create_node(request: HttpRequest, response: HttpResponse, body: out.NewNode) -> object:
    """Add a node to a project; for administrators."""
    who = asking(request)
    who.require_everything()
    project = chosen_project(who, body.project, Role.OWNER)
    with telling_fields():
        node = add_node(who, NodeValues(**body.model_dump(exclude={"project"})), project=project)
    response.headers["Location"] = f"/api/nodes/{node.pk}"
    return Status(201, node_record(node_for(who, node.pk), who))


@router.get("/nodes/{int:node_id}", response={200: out.NodeOut, **ERRORS}, tags=["nodes"])
@needs(Rule.UPLOADER)
def get_node(request: HttpRequest, node_id: int) -> object:
    """A node of a project to which one may upload."""
    who = asking(request)
    return node_record(node_for(who, node_id), who)


@router.patch("/nodes/{int:node_id}", response={200: out.NodeOut, **ERRORS}, tags=["nodes"])
@needs(Rule.ADMIN)
def update_node(request: HttpRequest, node_id: int, body: out.NodeChange) -> object:
    """Change a node; for administrators."""
    who = asking(request)
    with telling_fields():
        node = change_node(who, node_for(who, node_id), **body.model_dump(exclude_unset=True))
    return node_record(node, who)


@router.delete("/nodes/{int:node_id}", response={204: None, **ERRORS}, tags=["nodes"])
@needs(Rule.ADMIN)
def delete_node(request: HttpRequest, node_id: int) -> object:
    """Remove a node with its rules and all that waits to be sent to it; for administrators. What it brought stays."""
    who = asking(request)
    remove_node(who, node_for(who, node_id))
    return Status(204, None)


@router.post("/nodes/{int:node_id}/echo", response={200: out.EchoOut, **ERRORS}, tags=["nodes"])
@needs(Rule.ADMIN)
def echo_node(request: HttpRequest, node_id: int) -> object:
    """Call a node (C-ECHO) and ask which services it offers; for administrators. The answer says why it fails."""
    who = asking(request)
    node = node_for(who, node_id)
    who.require_everything()
    try:
        report = echo_to(node)
    except (NetworkError, TlsError) as error:
        problem = ProblemOut(code=error.code, message=str(error))
        return out.EchoOut(is_answering=False, milliseconds=None, services=[], problem=problem)
    return out.EchoOut(
        is_answering=True,
        milliseconds=round(report.seconds * 1000, 1),
        services=list(report.services),
        problem=None,
    )


@router.post("/nodes/{int:node_id}/query", response={200: out.NodeAnswer, **ERRORS, **OF_NODES}, tags=["nodes"])
@needs(Rule.UPLOADER)
def query_node(request: HttpRequest, node_id: int, body: out.NodeQuery) -> object:
    """Ask a node what it has (C-FIND). 502 with what it said if it fails, 504 if it does not answer in time."""
    who = asking(request)
    node = node_for(who, node_id)
    if body.level == "series" and body.study_instance_uid is None:
        raise ApiError(422, "validation", "study_instance_uid: is needed to ask for series")
    with telling_failures():
        return found_rows(node, body, who)


@router.post("/nodes/{int:node_id}/fetch", response={202: Accepted, **ERRORS, **OF_NODES}, tags=["nodes"])
@needs(Rule.UPLOADER)
def fetch_from_node(request: HttpRequest, response: HttpResponse, node_id: int, body: out.FetchRequest) -> object:
    """Fetch studies, or series of one study, from a node into its project: a job."""
    who = asking(request)
    node = node_for(who, node_id)
    with telling_failures():
        job = request_fetch(
            who,
            node,
            studies=body.study_instance_uids,
            series=body.series_instance_uids,
            requested_by=requester(request),
        )
    address = f"/api/jobs/{job.pk}"
    response.headers["Location"] = address
    return Status(202, Accepted(id=job.pk, address=address))


@contextmanager
def telling_fields() -> Iterator[None]:
    """Answer wrong fields with 422 and the errors by field, as those of a body."""
    try:
        yield
    except NodeFieldsError as error:
        errors = [{"loc": ["body", one.field], "msg": one.words, "type": error.code} for one in error.problems]
        raise ApiError(422, error.code, str(error), errors=errors) from error


@contextmanager
def telling_failures() -> Iterator[None]:
    """Answer what a node did wrong with 502, and with 504 what it did not do in time."""
    try:
        yield
    except (NetworkError, TlsError) as error:
        raise ApiError(504 if isinstance(error, TimedOutError) else 502, error.code, str(error)) from error
