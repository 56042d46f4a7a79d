"""``voxelry node``: adds, lists, tests and removes nodes of the DICOM network."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from voxelry.core.errors import VoxelryError
from voxelry.server.site.opened_site import open_site

if TYPE_CHECKING:
    from voxelry.network.association import Waits
    from voxelry.network.peer_address import PeerAddress
    from voxelry.server.nodes.models import Node
    from voxelry.server.nodes.node_values import NodeValues


class NodeCommandError(VoxelryError):
    """The node cannot be added or found."""

    code: ClassVar[str] = "node"


@dataclass(frozen=True, slots=True)
class NodeRow:
    """A configured node.

    Attributes
    ----------
    address
        ``TITLE@host:port``; only its title if it listens nowhere.
    rights
        Some of store, find and retrieve.
    """

    name: str
    address: str
    tls: bool
    project: str
    rights: tuple[str, ...]
    calls_from: str
    has_certificate: bool
    retrieves_by: str
    is_enabled: bool


@dataclass(frozen=True, slots=True)
class ConfiguredPeer:
    """How the site calls a node."""

    address: PeerAddress
    calling: str
    waits: Waits
    tls: ssl.SSLContext | None


def add_node_of(
    values: dict[str, object], *, project: str | None = None, data: Path | None = None, config: Path | None = None
) -> NodeRow:
    """Add a node.

    Parameters
    ----------
    values
        Fields of `NodeValues`.
    project
        The name of its project; without one the only project of the site.

    Raises
    ------
    NodeCommandError
        If there is no such project.
    NodeFieldsError
        If a field holds what it may not.
    """
    open_site(data=data, config=config)
    from voxelry.server.access.grants import as_site
    from voxelry.server.nodes import node_changes
    from voxelry.server.nodes.node_values import NodeValues

    chosen = NodeValues(**values)  # type: ignore[arg-type]
    return _row(node_changes.add_node(as_site(), chosen, project=_project(project)))


def configured_nodes(*, data: Path | None = None, config: Path | None = None) -> list[NodeRow]:
    """All nodes, by name."""
    open_site(data=data, config=config)
    from voxelry.server.access.grants import as_site
    from voxelry.server.nodes.node_queries import nodes

    return [_row(node) for node in nodes(as_site()).select_related("project").order_by("name")]


def remove_node_of(name: str, *, data: Path | None = None, config: Path | None = None) -> None:
    """Remove a node.

    Raises
    ------
    NodeCommandError
        If there is none of this name.
    """
    open_site(data=data, config=config)
    from voxelry.server.access.grants import as_site
    from voxelry.server.nodes import node_changes

    node_changes.remove_node(as_site(), _node(name))


def configured_peer(name: str, *, data: Path | None = None, config: Path | None = None) -> ConfiguredPeer:
    """How the site calls a node.

    Raises
    ------
    NodeCommandError
        If there is none of this name.
    ConnectionFailedError
        If it only calls, or is disabled.
    """
    open_site(data=data, config=config)
    from voxelry.server.nodes.calling import address_of, our_title, our_tls, our_waits

    address = address_of(_node(name))
    return ConfiguredPeer(address, our_title(), our_waits(), our_tls() if address.tls else None)


def _node(name: str) -> Node:
    from voxelry.server.access.grants import as_site
    from voxelry.server.nodes.node_queries import nodes

    found = nodes(as_site()).select_related("project").filter(name__iexact=name).first()
    if found is None:
        known = list(nodes(as_site()).order_by("name").values_list("name", flat=True)[:10])
        words = f"there are {', '.join(known)}" if known else "there is none; `voxelry node add` makes one"
        raise NodeCommandError(f"no node is called {name!r}; {words}. An address is TITLE@host:port")
    return found


def _project(name: str | None) -> int:
    from voxelry.server.access.models import Project

    projects = list(Project.objects.order_by("name").values_list("pk", "name"))
    if name is None and len(projects) == 1:
        return int(projects[0][0])
    for key, known in projects:
        if name is not None and known.lower() == name.lower():
            return int(key)
    shown = ", ".join(known for _, known in projects)
    if name is None:
        raise NodeCommandError(f"a node has one project: add --project with one of {shown}")
    raise NodeCommandError(f"there is no project {name!r}; there are {shown}")


def _row(node: Node) -> NodeRow:
    from voxelry.server.nodes.node_values import NodeValues

    values = NodeValues.of(node)
    address = node.address
    return NodeRow(
        name=values.name,
        address=values.ae_title if address is None else str(address),
        tls=values.tls,
        project=node.project.name,
        rights=_rights(values),
        calls_from=values.calls_from,
        has_certificate=bool(values.certificate),
        retrieves_by=values.retrieves_by,
        is_enabled=values.is_enabled,
    )


def _rights(values: NodeValues) -> tuple[str, ...]:
    given = {"store": values.may_store, "find": values.may_find, "retrieve": values.may_retrieve}
    return tuple(name for name, is_given in given.items() if is_given)
