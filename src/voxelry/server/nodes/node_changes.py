"""Nodes are added, changed and removed by administrators."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from django.db import IntegrityError, transaction

from voxelry.core.errors import VoxelryError
from voxelry.server.access.grants import Grants, as_site
from voxelry.server.access.models import Role
from voxelry.server.nodes import node_queries
from voxelry.server.nodes.delivery_request import deliver_now
from voxelry.server.nodes.models import Delivery, Node
from voxelry.server.nodes.node_values import NodeValues, checked


class NoNodeError(VoxelryError):
    """There is no such node, for who asks."""

    code: ClassVar[str] = "not_found"


class NodeNameError(VoxelryError):
    """Another node got that name meanwhile."""

    code: ClassVar[str] = "node_name"


def node_for(who: Grants, key: int) -> Node:
    """A node of a project to which somebody may upload.

    Raises
    ------
    NoNodeError
        If there is none, or none in a project of theirs.
    RoleError
        If they may not upload to its project.
    """
    row = node_queries.nodes(who, least=Role.VIEWER).select_related("project").filter(pk=key).first()
    if row is None:
        raise NoNodeError(f"There is no node {key}.")
    who.require(Role.UPLOADER, row.project_id)
    return row


def add_node(who: Grants, values: NodeValues, *, project: int) -> Node:
    """Add a node to a project.

    Raises
    ------
    RoleError
        If they are no administrator.
    NodeFieldsError, NodeNameError
        If the values are wrong.
    """
    who.require_everything()
    return _stored(checked(values).row(Node(project_id=project)))


def change_node(who: Grants, node: Node, **changes: object) -> Node:
    """Change some fields of a node, by the names in `NodeValues`.

    Raises
    ------
    RoleError, NodeFieldsError, NodeNameError
        As `add_node`.
    """
    who.require_everything()
    values = replace(NodeValues.of(node), **changes)  # type: ignore[arg-type]
    with transaction.atomic():
        changed = _stored(checked(values, key=node.pk).row(node))
        send_what_waits(changed)
    return changed


def send_what_waits(node: Node) -> None:
    """Have sent what waits for a node that was changed: it may be reached now. Called in a transaction."""
    waiting = node_queries.deliveries(as_site()).filter(node=node, state=Delivery.State.WAITING)
    if node.is_enabled and node.address is not None and waiting.exists():
        deliver_now(node.pk, project=node.project_id)


def remove_node(who: Grants, node: Node) -> None:
    """Remove a node with its rules, and all that waits to be sent to it.

    Raises
    ------
    RoleError
        If they are no administrator.
    """
    who.require_everything()
    node.delete()


def _stored(node: Node) -> Node:
    try:
        with transaction.atomic():
            node.save()
    except IntegrityError as error:
        if "name" not in str(error).lower():
            raise
        raise NodeNameError("Another node has that name; capital and small letters count as one.") from None
    return node
