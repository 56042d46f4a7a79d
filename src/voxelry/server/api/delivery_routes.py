"""Routes of what is sent to nodes: on request, and by forwarding rules."""

from __future__ import annotations

from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Status

from voxelry.server.access.authentication import asking
from voxelry.server.access.grants import Grants
from voxelry.server.access.rules import Rule, needs
from voxelry.server.api import node_schemas as out
from voxelry.server.api.node_records import counts_record, delivery_list, rule_record, study_deliveries
from voxelry.server.api.node_routes import OF_NODES, telling_failures, telling_fields
from voxelry.server.api.problems import ApiError, not_found
from voxelry.server.api.schemas import ERRORS, LARGEST
from voxelry.server.archive import queries
from voxelry.server.nodes import deliveries, node_queries
from voxelry.server.nodes.models import Node
from voxelry.server.nodes.node_changes import node_for
from voxelry.server.nodes.rule_changes import RuleValues, add_rule, change_rule, remove_rule, rule_for

router = Router()
Limit = Annotated[int, Query(100, ge=1, le=1000, description="How many items at most.")]
After = Annotated[int | None, Query(None, ge=1, le=LARGEST, description="`next` of another page.")]


@router.post("/nodes/{int:node_id}/send", response={202: out.SendOut, **ERRORS, **OF_NODES}, tags=["nodes"])
@needs(Rule.UPLOADER)
def send_to_node(request: HttpRequest, node_id: int, body: out.SendRequest) -> object:
    """Send studies and series of a node's project to it. Each instance is tried until the node has it or refuses it."""
    who = asking(request)
    node = node_for(who, node_id)
    if not body.studies and not body.series:
        raise ApiError(422, "validation", "studies: name at least one study or series")
    _require_here(who, node, studies=body.studies, series=body.series)
    with telling_failures():
        waiting = deliveries.send_to(node, who, studies=body.studies, series=body.series)
    return Status(202, out.SendOut(waiting=waiting))


@router.get("/nodes/{int:node_id}/deliveries", response={200: out.DeliveryList, **ERRORS}, tags=["nodes"])
@needs(Rule.UPLOADER)
def list_deliveries(
    request: HttpRequest,
    node_id: int,
    state: out.DeliveryState | None = None,
    after: After = None,
    limit: Limit = 100,
) -> object:
    """What is sent to a node, the last first; what was sent is told for 30 days."""
    who = asking(request)
    return delivery_list(node_for(who, node_id), who, state=state, after=after, limit=limit)


@router.post(
    "/nodes/{int:node_id}/deliveries/retry", response={200: out.DeliveryCounts, **ERRORS, **OF_NODES}, tags=["nodes"]
)
@needs(Rule.UPLOADER)
def retry_deliveries(request: HttpRequest, node_id: int, body: out.DeliveryChoice) -> object:
    """Let what failed wait again, and try what waits at once."""
    who = asking(request)
    node = node_for(who, node_id)
    _require_here(who, node, studies=[] if body.study is None else [body.study])
    with telling_failures():
        deliveries.retry_failed(node, who, study=body.study)
    return counts_record(deliveries.shown_deliveries(who, node))


@router.post("/nodes/{int:node_id}/deliveries/cancel", response={200: out.DeliveryCounts, **ERRORS}, tags=["nodes"])
@needs(Rule.UPLOADER)
def cancel_deliveries(request: HttpRequest, node_id: int, body: out.DeliveryChoice) -> object:
    """Forget what waits and what failed: it is not sent."""
    who = asking(request)
    node = node_for(who, node_id)
    _require_here(who, node, studies=[] if body.study is None else [body.study])
    deliveries.cancel_waiting(node, who, study=body.study)
    return counts_record(deliveries.shown_deliveries(who, node))


@router.get("/studies/{int:study_id}/deliveries", response={200: list[out.StudyDeliveries], **ERRORS}, tags=["nodes"])
@needs(Rule.UPLOADER)
def list_study_deliveries(request: HttpRequest, study_id: int) -> object:
    """What of a study is sent to which node."""
    who = asking(request)
    study = queries.studies(who).filter(pk=study_id).first()
    if study is None:
        raise not_found(f"There is no study {study_id}.")
    who.require(node_queries.SENDING, study.project_id)
    return study_deliveries(study.pk, who)


@router.get("/nodes/{int:node_id}/rules", response={200: list[out.RuleOut], **ERRORS}, tags=["nodes"])
@needs(Rule.UPLOADER)
def list_rules(request: HttpRequest, node_id: int) -> object:
    """The forwarding rules of a node, the oldest first."""
    who = asking(request)
    rows = node_queries.forwarding_rules(who).filter(node=node_for(who, node_id)).select_related("from_node")
    return [rule_record(row, who) for row in rows.order_by("pk")]


@router.post("/nodes/{int:node_id}/rules", response={201: out.RuleOut, **ERRORS}, tags=["nodes"])
@needs(Rule.ADMIN)
def create_rule(request: HttpRequest, response: HttpResponse, node_id: int, body: out.NewRule) -> object:
    """Add a forwarding rule; for administrators. It is for what arrives from now on."""
    who = asking(request)
    node = node_for(who, node_id)
    with telling_fields():
        rule = add_rule(who, node, RuleValues(**body.model_dump()))
    response.headers["Location"] = f"/api/nodes/{node.pk}/rules/{rule.pk}"
    return Status(201, rule_record(rule, who))


@router.patch("/nodes/{int:node_id}/rules/{int:rule_id}", response={200: out.RuleOut, **ERRORS}, tags=["nodes"])
@needs(Rule.ADMIN)
def update_rule(request: HttpRequest, node_id: int, rule_id: int, body: out.RuleChange) -> object:
    """Change a forwarding rule; for administrators."""
    who = asking(request)
    rule = rule_for(who, node_for(who, node_id), rule_id)
    with telling_fields():
        return rule_record(change_rule(who, rule, **body.model_dump(exclude_unset=True)), who)


@router.delete("/nodes/{int:node_id}/rules/{int:rule_id}", response={204: None, **ERRORS}, tags=["nodes"])
@needs(Rule.ADMIN)
def delete_rule(request: HttpRequest, node_id: int, rule_id: int) -> object:
    """Remove a forwarding rule; for administrators. What waits by it already is sent nevertheless."""
    who = asking(request)
    remove_rule(who, rule_for(who, node_for(who, node_id), rule_id))
    return Status(204, None)


def _require_here(who: Grants, node: Node, *, studies: list[int], series: list[int] | None = None) -> None:
    """Refuse studies and series that are not in the node's project, as those that do not exist."""
    rows = queries.studies(who).filter(project=node.project_id, pk__in=studies)
    _require_all("study", studies, set(rows.values_list("pk", flat=True)))
    chosen = series or []
    here = queries.series(who).filter(project=node.project_id, pk__in=chosen)
    _require_all("series", chosen, set(here.values_list("pk", flat=True)))


def _require_all(word: str, keys: list[int], found: set[int]) -> None:
    for key in keys:
        if key not in found:
            raise not_found(f"There is no {word} {key} in the project of this node.")
