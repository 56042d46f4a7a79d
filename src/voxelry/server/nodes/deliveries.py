"""What is sent to nodes: asked for, tried again, given up, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet

from voxelry.core.errors import Problem
from voxelry.server.access.bounded_lists import MOST_COUNTED, length_of
from voxelry.server.access.grants import Grants, as_site
from voxelry.server.archive import queries
from voxelry.server.nodes import node_queries
from voxelry.server.nodes.calling import address_of
from voxelry.server.nodes.delivery_request import deliver_now
from voxelry.server.nodes.forwarding import add_deliveries
from voxelry.server.nodes.models import Delivery, Node


@dataclass(frozen=True, slots=True)
class DeliveryNumbers:
    """How many wait, were sent and failed, each at most `MOST_COUNTED`, and whether one of them is larger."""

    waiting: int
    sent: int
    failed: int
    more: bool


def numbers_of(rows: QuerySet[Delivery]) -> DeliveryNumbers:
    """Count deliveries by their state."""
    waiting, sent, failed = (length_of(rows.filter(state=state)) for state in ("waiting", "sent", "failed"))
    return DeliveryNumbers(waiting.count, sent.count, failed.count, waiting.more or sent.more or failed.more)


def shown_deliveries(who: Grants, node: Node) -> QuerySet[Delivery]:
    """The deliveries to a node whose instances are in its project, and not in the trash."""
    return node_queries.deliveries(who).filter(node=node, instance__project=node.project_id)


def reasons_of(rows: QuerySet[Delivery]) -> list[tuple[str, Problem, int]]:
    """The states and problems of the latest that wait or failed, and how many have each; the most frequent first."""
    told: Counter[tuple[str, str, str]] = Counter()
    for state in (Delivery.State.FAILED, Delivery.State.WAITING):
        some = rows.filter(state=state).exclude(problem_code="").order_by("-pk")
        told.update(some.values_list("state", "problem_code", "problem_message")[:MOST_COUNTED])
    return [(state, Problem(code, message), count) for (state, code, message), count in told.most_common(20)]


def send_to(
    node: Node,
    who: Grants,
    *,
    studies: Collection[int] = (),
    series: Collection[int] = (),
) -> int:
    """Let the instances of studies and series wait to be sent to a node, also those that were sent before.

    Returns
    -------
    count
        The number of instances that came to wait.

    Raises
    ------
    RoleError
        If they may not upload to the node's project.
    ConnectionFailedError
        If the node only calls, or is disabled.
    """
    who.require(node_queries.SENDING, node.project_id)
    address_of(node)
    here = queries.instances(who).filter(project=node.project_id)
    keys: set[int] = set()
    for name, chosen in (("series__study__in", studies), ("series__in", series)):
        if chosen:
            keys.update(here.filter(**{name: sorted(chosen)}).order_by().values_list("pk", flat=True))
    if not keys:
        return 0
    with transaction.atomic():
        deliver_now(node.pk, project=node.project_id)  # before the rows, as the job locks them in this order
        waiting = node_queries.deliveries(as_site()).filter(node=node, state=Delivery.State.WAITING)
        known = set(waiting.values_list("instance", flat=True))
        add_deliveries(Delivery(node=node, instance_id=key) for key in sorted(keys - known))
    return len(keys - known)


def retry_failed(node: Node, who: Grants, *, study: int | None = None) -> None:
    """Let all that failed wait again, and try at once what waits.

    Raises
    ------
    RoleError, ConnectionFailedError
        As `send_to`.
    """
    who.require(node_queries.SENDING, node.project_id)
    address_of(node)
    with transaction.atomic():
        if _chosen(node, study).exclude(state=Delivery.State.SENT).exists():
            deliver_now(node.pk, project=node.project_id)
        failed = _chosen(node, study).filter(state=Delivery.State.FAILED)
        failed.update(state=Delivery.State.WAITING, attempts=0, problem_code="", problem_message="", finished=None)


def cancel_waiting(node: Node, who: Grants, *, study: int | None = None) -> None:
    """Forget all that waits to be sent, and all that failed.

    Raises
    ------
    RoleError
        If they may not upload to the node's project.
    """
    who.require(node_queries.SENDING, node.project_id)
    with transaction.atomic():
        _chosen(node, study).exclude(state=Delivery.State.SENT).delete()


def _chosen(node: Node, study: int | None) -> QuerySet[Delivery]:
    rows = node_queries.deliveries(as_site()).filter(node=node)
    if study is None:
        return rows
    of = queries.instances(as_site()).filter(series__study=study, project=node.project_id)
    return rows.filter(instance__in=of.order_by().values("pk"))
