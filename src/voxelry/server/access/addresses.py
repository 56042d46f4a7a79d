"""The address that a request comes from, behind trusted proxies."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

Network = IPv4Network | IPv6Network
_PREFIX = 64
"""Bits of an IPv6 network, all of whose addresses count as one."""


def of_request(request: HttpRequest) -> str:
    """The address of a request's sender."""
    told = request.META
    return client_address(str(told.get("REMOTE_ADDR", "")), str(told.get("HTTP_X_FORWARDED_FOR", "")))


def client_address(peer: str, forwarded: str) -> str:
    """The address behind the proxies of ``server.trusted_proxies``.

    Parameters
    ----------
    peer
        The address of the connection.
    forwarded
        X-Forwarded-For, to which each proxy appends its client's address. Only what a trusted proxy appended counts.
    """
    found = peer
    hops = [hop.strip() for hop in forwarded.split(",")] if forwarded else []
    while is_trusted(found) and hops:
        hop = _without_port(hops.pop())
        if _parsed(hop) is None:
            break  # "unknown" or malformed: only the proxy is known
        found = hop
    return found


def forwarding_proxies(peer: str, forwarded: str) -> int:
    """How many trusted proxies a request came through, by X-Forwarded-For."""
    hops = [peer, *reversed([_without_port(hop.strip()) for hop in forwarded.split(",")])]
    return next((number for number, hop in enumerate(hops) if not is_trusted(hop)), len(hops))


def is_trusted(address: str) -> bool:
    """Whether the address is a trusted proxy's."""
    networks = _networks(settings.VOXELRY.trusted_proxies)
    if not networks:
        return False
    parsed = _parsed(address)
    return parsed is not None and any(parsed in network for network in networks)


def group(address: str) -> str:
    """The unit that is counted: an IPv4 address, or a network of IPv6."""
    parsed = _parsed(address)
    if isinstance(parsed, IPv6Address):
        return str(IPv6Network((parsed, _PREFIX), strict=False))
    return address if parsed is None else str(parsed)


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


def _without_port(hop: str) -> str:
    """The address without the port that some proxies add: ``203.0.113.7:4711``, ``[2001:db8::1]:4711``."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


@lru_cache(maxsize=8)
def _networks(texts: Sequence[str]) -> tuple[Network, ...]:
    return tuple(ip_network(text, strict=False) for text in texts)
