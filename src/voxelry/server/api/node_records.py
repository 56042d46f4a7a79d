"""The records of nodes, their rules and deliveries, from rows."""

from __future__ import annotations

from typing import cast

from django.conf import settings
from django.db.models import QuerySet

from voxelry.server.access.grants import Grants
from voxelry.server.api import node_schemas as out
from voxelry.server.api.list_records import project_name
from voxelry.server.api.schemas import ProblemOut
from voxelry.server.nodes import node_queries
from voxelry.server.nodes.deliveries import numbers_of, reasons_of, shown_deliveries
from voxelry.server.nodes.models import Delivery, ForwardingRule, Node
from voxelry.server.nodes.rule_changes import modalities_of


def own_address() -> out.OwnAddressOut:
    """What nodes are told of this site."""
    own = settings.VOXELRY
    return out.OwnAddressOut(
        ae_title=own.dimse_title,
        host=own.dimse_host if own.dimse_port else "",
        port=own.dimse_port or None,
        tls=bool(own.dimse_port and own.dimse_certificate),
        is_listening=bool(own.dimse_port),
    )


def node_record(node: Node, who: Grants) -> out.NodeOut:
    """A node; its connection is for administrators."""
    return out.NodeOut(
        id=node.pk,
        name=node.name,
        ae_title=node.ae_title,
        project=project_name(node.project),
        has_address=node.address is not None,
        may_store=node.may_store,
        may_find=node.may_find,
        may_retrieve=node.may_retrieve,
        retrieves_by=cast(out.Retrieval, str(node.retrieves_by)),
        is_enabled=node.is_enabled,
        deliveries=counts_record(node_queries.deliveries(who).filter(node=node)),
        connection=_connection(node) if who.everything else None,
    )


def _connection(node: Node) -> out.NodeConnection:
    return out.NodeConnection(
        host=node.host, port=node.port, tls=node.tls, calls_from=node.calls_from, certificate=node.certificate
    )


def counts_record(rows: QuerySet[Delivery]) -> out.DeliveryCounts:
    """How many deliveries are in each state."""
    numbers = numbers_of(rows)
    return out.DeliveryCounts(waiting=numbers.waiting, sent=numbers.sent, failed=numbers.failed, more_than=numbers.more)


def rule_record(rule: ForwardingRule, who: Grants) -> out.RuleOut:
    """A forwarding rule with what it sends."""
    return out.RuleOut(
        id=rule.pk,
        name=rule.name,
        modalities=list(modalities_of(rule)),
        description=rule.description,
        from_node=rule.from_node_id,
        from_name="" if rule.from_node is None else rule.from_node.name,
        is_enabled=rule.is_enabled,
        created=rule.created,
        deliveries=counts_record(node_queries.deliveries(who).filter(rule=rule)),
    )


def delivery_list(
    node: Node, who: Grants, *, state: out.DeliveryState | None, after: int | None, limit: int
) -> out.DeliveryList:
    """A page of what is sent to a node, the last first."""
    every = shown_deliveries(who, node)
    rows = every if state is None else every.filter(state=state)
    rows = rows if after is None else rows.filter(pk__lt=after)
    page = list(rows.select_related("rule", "instance__series").order_by("-pk")[: limit + 1])
    return out.DeliveryList(
        items=[_delivery(row) for row in page[:limit]],
        counts=counts_record(every),
        reasons=[
            out.DeliveryReason(
                state=cast(out.DeliveryState, state), code=problem.code, message=problem.message, count=count
            )
            for state, problem, count in reasons_of(every)
        ],
        next=page[limit - 1].pk if len(page) > limit else None,
    )


def study_deliveries(study: int, who: Grants) -> list[out.StudyDeliveries]:
    """What of a study is sent to each node, by the nodes' names."""
    rows = node_queries.deliveries(who).filter(instance__series__study=study)
    keys = list(rows.order_by().values_list("node", flat=True).distinct())
    return [_of_node(node, rows.filter(node=node)) for node in node_queries.nodes(who).filter(pk__in=keys)]


def _of_node(node: Node, rows: QuerySet[Delivery]) -> out.StudyDeliveries:
    last = rows.exclude(state=Delivery.State.SENT).exclude(problem_code="").order_by("-pk").first()
    return out.StudyDeliveries(
        node=node.pk,
        name=node.name,
        counts=counts_record(rows),
        problem=None if last is None else _problem(last),
    )


def _delivery(row: Delivery) -> out.DeliveryOut:
    instance = row.instance
    return out.DeliveryOut(
        id=row.pk,
        state=cast(out.DeliveryState, str(row.state)),
        study=instance.series.study_id,
        series=instance.series_id,
        sop_instance_uid=instance.sop_instance_uid,
        rule="" if row.rule is None else row.rule.name,
        attempts=row.attempts,
        problem=_problem(row),
        created=row.created,
        finished=row.finished,
    )


def _problem(row: Delivery) -> ProblemOut | None:
    return ProblemOut(code=row.problem_code, message=row.problem_message) if row.problem_code else None
