"""The only place that asks for nodes, rules, deliveries and commitments, and what a node itself may do."""

from __future__ import annotations

from django.db import connection
from django.db.models import QuerySet

from voxelry.server.access.grants import Grants, as_site, visible_to
from voxelry.server.access.models import Role
from voxelry.server.nodes.models import Commitment, Delivery, ForwardingRule, Node

SENDING = Role.UPLOADER
"""The role in a node's project that asks it, fetches from it and sends to it."""


def nodes(who: Grants, *, least: Role = Role.UPLOADER) -> QuerySet[Node]:
    """Nodes of the projects in which somebody has this role."""
    return visible_to(Node.objects.all(), who, least=least)


def enabled_node(key: int) -> Node | None:
    """A node as its row is now; None if it was deleted or is disabled. For what answers the node itself."""
    return nodes(as_site()).filter(pk=key, is_enabled=True).select_related("project").first()


_STORES_STILL = (
    f"SELECT 1 FROM {Node._meta.db_table} "  # noqa: SLF001, S608 - names of this room's own
    "WHERE id = %s AND project_id = %s AND name = %s AND is_enabled AND may_store"
)


def stores_still(node: Node) -> bool:
    """Whether a node that was read before may store now, under the same name and into the same project."""
    with connection.cursor() as cursor:  # asked for each instance that comes: the ORM would take ten times as long
        cursor.execute(_STORES_STILL, [node.pk, node.project_id, node.name])
        return cursor.fetchone() is not None


def enabled_nodes() -> list[Node]:
    """All nodes that may call, for who has to find out which one calls."""
    return list(nodes(as_site()).filter(is_enabled=True).order_by("pk"))


def destination_of(node: Node, title: str) -> Node | None:
    """The node that a node may have instances moved to: an enabled one of its project that listens, by its AE title."""
    listening = nodes(as_site()).filter(project=node.project_id, is_enabled=True, port__isnull=False)
    return listening.filter(ae_title=title.strip()).order_by("pk").first() if title.strip() else None


def forwarding_rules(who: Grants) -> QuerySet[ForwardingRule]:
    """Rules of the nodes that somebody may see."""
    return visible_to(ForwardingRule.objects.all(), who, path="node__project", least=Role.UPLOADER)


def deliveries(who: Grants) -> QuerySet[Delivery]:
    """What is sent to the nodes that somebody may see."""
    return visible_to(Delivery.objects.all(), who, path="node__project", least=Role.UPLOADER)


def commitments(who: Grants) -> QuerySet[Commitment]:
    """Storage commitments of the nodes that somebody may see."""
    return visible_to(Commitment.objects.all(), who, path="node__project", least=Role.UPLOADER)


def reading_grants(node: Node) -> Grants:
    """What a node that may find or retrieve sees: its project as a viewer does. The service asks for the right."""
    allowed = node.is_enabled and (node.may_find or node.may_retrieve)
    return Grants(roles={node.project_id: Role.VIEWER} if allowed else {}, scoped=True)


def storing_grants(node: Node) -> Grants:
    """What a node that may store adds to: its project."""
    allowed = node.is_enabled and node.may_store
    return Grants(roles={node.project_id: Role.UPLOADER} if allowed else {}, scoped=True)
