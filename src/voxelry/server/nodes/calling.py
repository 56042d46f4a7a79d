"""This site calls nodes: under its AE title, with its certificate, and with its patience."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from django.conf import settings

from voxelry.network.association import Waits
from voxelry.network.failures import ConnectionFailedError
from voxelry.network.peer_address import PeerAddress
from voxelry.server.nodes.models import Node

if TYPE_CHECKING:
    from voxelry.network.association import Association
    from voxelry.network.contexts import Proposal, Roles
    from voxelry.network.echoing import EchoReport


def our_title() -> str:
    """The site's AE title."""
    title: str = settings.VOXELRY.dimse_title
    return title


def our_waits() -> Waits:
    """The longest times of associations."""
    own = settings.VOXELRY
    return Waits(
        request=own.dimse_request_seconds,
        pdu=own.dimse_pdu_seconds,
        answer=own.dimse_answer_seconds,
        idle=own.dimse_idle_seconds,
    )


def our_tls() -> ssl.SSLContext:
    """How nodes that listen with TLS are called.

    Raises
    ------
    TlsError
        If a configured file cannot be used.
    """
    from voxelry.network.tls import calling_tls

    own = settings.VOXELRY
    return calling_tls(own.dimse_certificate, own.dimse_key, own.dimse_authorities)


def address_of(node: Node) -> PeerAddress:
    """Where a node listens.

    Raises
    ------
    ConnectionFailedError
        If it only calls, or is disabled.
    """
    address = node.address
    if address is None:
        raise ConnectionFailedError(f"the node {node.name} has no address: it only calls; give it a host and a port")
    if not node.is_enabled:
        raise ConnectionFailedError(f"the node {node.name} is disabled")
    return address


def associate_with(
    node: Node, proposals: Sequence[Proposal], *, roles: Mapping[str, Roles] | None = None
) -> Association:
    """Ask a node for an association.

    Raises
    ------
    NetworkError
        If it cannot be reached, or rejects it.
    """
    from voxelry.network.associating import associate

    address = address_of(node)
    return associate(
        address,
        proposals,
        calling=our_title(),
        roles=roles or {},
        waits=our_waits(),
        tls=our_tls() if address.tls else None,
    )


def echo_to(node: Node) -> EchoReport:
    """Call a node, and ask which services it provides.

    Raises
    ------
    NetworkError
        If it cannot be reached, or does not answer as it should.
    """
    from voxelry.network.echoing import echo

    address = address_of(node)
    return echo(address, calling=our_title(), waits=our_waits(), tls=our_tls() if address.tls else None)
