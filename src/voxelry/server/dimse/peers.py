"""Which node calls: by its AE title and address, or by the certificate that it shows."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from voxelry.network.contexts import Requested
from voxelry.server.nodes.models import Node
from voxelry.server.nodes.node_queries import enabled_nodes

KEPT_SECONDS = 30.0
"""How long the addresses of a host's name are used before they are asked for again."""
RESOLVING_SECONDS = 5.0
"""The longest wait for addresses that are not known yet."""
_MAPPED = 96
_LOOPBACK = IPv6Network("::ffff:127.0.0.0/104")
_LOOPBACK_ADDRESS = IPv6Address("::1")


def as_ipv6(address: str) -> IPv6Address | None:
    """An address in the one form in which addresses are compared; None if it is none.

    An IPv4 address becomes the IPv6 address that it is mapped to, and each address of the loopback becomes ``::1``.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    mapped = IPv6Address(f"::ffff:{found}") if isinstance(found, IPv4Address) else found
    return _LOOPBACK_ADDRESS if mapped in _LOOPBACK else mapped


def as_ipv6_network(network: str) -> IPv6Network | None:
    """A network, or a single address, in the form of `as_ipv6`; None if it is none."""
    single = as_ipv6(network)
    if single is not None:
        return IPv6Network(single)
    try:
        found = ip_network(network, strict=False)
    except ValueError:
        return None
    if isinstance(found, IPv6Network):
        return found
    mapped = IPv6Network(f"::ffff:{found.network_address}/{found.prefixlen + _MAPPED}")
    return IPv6Network(_LOOPBACK_ADDRESS) if mapped.subnet_of(_LOOPBACK) else mapped


@dataclass(frozen=True, slots=True)
class _Resolved:
    addresses: frozenset[IPv6Address]
    until: float


class HostAddresses:
    """The addresses of hosts' names; asked for in threads of their own, and kept for a while."""

    def __init__(self) -> None:
        self._resolved: dict[str, _Resolved] = {}
        self._asked: dict[str, threading.Event] = {}
        self._lock = threading.Lock()

    def of(self, hosts: Iterable[str]) -> dict[str, frozenset[IPv6Address]]:
        """The addresses by the host. Waits for those that are not known at all; old ones are used meanwhile."""
        wanted = set(hosts)
        fresh = time.monotonic()
        waited = []
        for host in wanted:
            known = self._resolved.get(host)
            if known is None or known.until < fresh:
                asked = self._ask(host)
                if known is None:
                    waited.append(asked)
        deadline = fresh + RESOLVING_SECONDS
        for asked in waited:
            asked.wait(max(deadline - time.monotonic(), 0.0))
        return {host: known.addresses for host in wanted if (known := self._resolved.get(host)) is not None}

    def _ask(self, host: str) -> threading.Event:
        with self._lock:
            asked = self._asked.get(host)
            if asked is None:
                asked = self._asked[host] = threading.Event()
                threading.Thread(target=self._resolve, args=(host, asked), name="addresses", daemon=True).start()
            return asked

    def _resolve(self, host: str, asked: threading.Event) -> None:
        try:
            found = frozenset(
                address
                for *_, where in socket.getaddrinfo(host, None, proto=socket.IPPROTO_TCP)
                if (address := as_ipv6(str(where[0]))) is not None
            )
        except (OSError, UnicodeError):
            known = self._resolved.get(host)  # a name server that does not answer makes nobody a stranger
            found = frozenset() if known is None else known.addresses
        with self._lock:
            self._resolved[host] = _Resolved(found, time.monotonic() + KEPT_SECONDS)
            del self._asked[host]
        asked.set()


class Peers:
    """Finds which node calls."""

    def __init__(self) -> None:
        self._hosts = HostAddresses()

    def node_of(self, requested: Requested) -> Node | None:
        """The node that asks for an association; None if it is none that is enabled.

        What is looked up does not depend on who calls, so that the time of the answer tells a stranger nothing.
        """
        known = enabled_nodes()
        resolved = self._hosts.of(node.host for node in known if _is_found_by_host(node))
        by_certificate = [node for node in known if node.certificate and _same_certificate(node, requested)]
        for node in by_certificate:
            if node.ae_title == requested.calling:
                return node
        if len(by_certificate) == 1:
            return by_certificate[0]
        caller = as_ipv6(requested.address)
        fitting = [
            (network.prefixlen, -node.pk, node)
            for node in known
            if not node.certificate and node.ae_title == requested.calling and caller is not None
            for network in _networks(node, resolved)
            if caller in network
        ]
        return max(fitting, key=lambda one: one[:2])[2] if fitting else None


def _same_certificate(node: Node, requested: Requested) -> bool:
    return node.certificate.lower().replace(":", "") == requested.certificate


def _is_found_by_host(node: Node) -> bool:
    return bool(node.host) and not node.calls_from.strip() and not node.certificate and as_ipv6(node.host) is None


def _networks(node: Node, resolved: dict[str, frozenset[IPv6Address]]) -> list[IPv6Network]:
    """Where a node may call from."""
    if node.calls_from.strip():
        named = (as_ipv6_network(part.strip()) for part in node.calls_from.split(","))
        return [network for network in named if network is not None]
    own = as_ipv6(node.host)
    addresses = resolved.get(node.host, frozenset()) if own is None else {own}
    return [IPv6Network(address) for address in addresses]
